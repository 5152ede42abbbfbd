"""scikit-learn's checks of what an estimator is: all of them, none left out."""

from sklearn.utils.estimator_checks import parametrize_with_checks

from logistic import LogisticRegression, LogisticRegressionCV


@parametrize_with_checks(
    [
        LogisticRegression(),
        LogisticRegression(l1_ratio=0.5),
        LogisticRegressionCV(
            Cs=[0.1, 1.0], cv=3, l1_ratios=(0,), scoring="neg_log_loss", use_legacy_attributes=False
        ),
    ]
)
def test_check(estimator, check):
    check(estimator)
