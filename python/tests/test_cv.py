"""The cross-validated classifier against scikit-learn's."""

import warnings

import numpy as np
import pytest
import sklearn
from sklearn.datasets import load_breast_cancer, load_iris
from sklearn.linear_model import LogisticRegressionCV as Peer
from sklearn.model_selection import GroupKFold, KFold
from sklearn.preprocessing import scale

from logistic import LogisticRegressionCV

# Where lbfgs ends is known to its tolerance on the gradient.
TIGHT = {"tol": 1e-10, "max_iter": 10_000}
GRID = {"Cs": [0.01, 0.1, 1.0], "cv": 3}


@pytest.fixture(scope="module", params=["two", "three"])
def rows(request):
    x, y = load_breast_cancer(return_X_y=True) if request.param == "two" else load_iris(return_X_y=True)
    return scale(x), y


def both(rows, asked, **fit):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        return (LogisticRegressionCV(**asked).fit(*rows, **fit), Peer(**asked, **TIGHT).fit(*rows, **fit))


@pytest.mark.parametrize(
    ("legacy", "ratios", "scoring"),
    [
        (True, None, None),
        (False, None, "accuracy"),
        (True, (0,), "roc_auc_ovr"),
        (False, (0,), "neg_log_loss"),
        (True, (0, 0), "neg_log_loss"),
        (False, (0, 0), None),
    ],
)
def test_attributes_are_those_of_scikit_learn(rows, legacy, ratios, scoring):
    asked = {**GRID, "l1_ratios": ratios, "scoring": scoring, "use_legacy_attributes": legacy}
    ours, peer = both(rows, asked)
    for name in ("C_", "l1_ratio_", "Cs_", "l1_ratios_"):
        found, expected = np.asarray(getattr(ours, name)), np.asarray(getattr(peer, name))
        assert (found.shape, found.tolist()) == (expected.shape, expected.tolist()), name
    assert np.shape(ours.n_iter_) == np.shape(peer.n_iter_)
    for name, near in (("scores_", 1e-6), ("coefs_paths_", 1e-5)):
        found, expected = getattr(ours, name), getattr(peer, name)
        if legacy:
            assert list(found) == list(expected)
            found, expected = np.stack(list(found.values())), np.stack(list(expected.values()))
        np.testing.assert_allclose(found, expected, rtol=near, atol=near, err_msg=name)
    np.testing.assert_allclose(ours.coef_, peer.coef_, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(ours.intercept_, peer.intercept_, rtol=1e-5, atol=1e-6)
    assert ours.score(*rows) == pytest.approx(peer.score(*rows), abs=1e-7)


def test_weights_balance_and_no_intercept(rows):
    weight = np.random.default_rng(0).uniform(0.5, 2, len(rows[1]))
    asked = {**GRID, "l1_ratios": (0,), "scoring": "neg_log_loss", "use_legacy_attributes": False}
    ours, peer = both(rows, {**asked, "class_weight": "balanced", "fit_intercept": False}, sample_weight=weight)
    assert ours.coefs_paths_.shape == peer.coefs_paths_.shape
    np.testing.assert_allclose(ours.scores_, peer.scores_, rtol=1e-6)
    np.testing.assert_allclose(ours.coef_, peer.coef_, rtol=1e-5, atol=1e-6)


def test_without_refit_coefficients_are_averaged(rows):
    asked = {**GRID, "l1_ratios": (0,), "scoring": "accuracy", "refit": False, "use_legacy_attributes": False}
    ours, peer = both(rows, asked)
    assert peer.C_ == ours.C_
    np.testing.assert_allclose(ours.coef_, peer.coef_, rtol=1e-5, atol=1e-6)
    with pytest.raises(ValueError, match="no fit"):
        ours.summary()


def test_l1_ratios_are_compared(rows):
    x, y = rows
    asked = {"Cs": [0.05, 0.5], "cv": 3, "l1_ratios": (0.2, 0.9), "scoring": "neg_log_loss", "use_legacy_attributes": False}
    ours = LogisticRegressionCV(**asked).fit(x, y)
    peer = Peer(**asked, solver="saga", tol=1e-8, max_iter=20_000, random_state=0).fit(x, y)
    assert (ours.C_, ours.l1_ratio_) == (peer.C_, peer.l1_ratio_)
    np.testing.assert_allclose(ours.scores_, peer.scores_, rtol=1e-5)


def test_splitters_and_routing():
    x, y = load_breast_cancer(return_X_y=True)
    x = scale(x)
    asked = {"Cs": [0.1, 1.0], "l1_ratios": (0,), "scoring": "neg_log_loss", "use_legacy_attributes": False}
    folds = list(KFold(4, shuffle=True, random_state=0).split(x))
    given = LogisticRegressionCV(**asked, cv=folds).fit(x, y)
    split = LogisticRegressionCV(**asked, cv=KFold(4, shuffle=True, random_state=0)).fit(x, y)
    np.testing.assert_array_equal(given.scores_, split.scores_)
    group = np.arange(len(y)) // 10
    with pytest.raises(ValueError, match="enable_metadata_routing"):
        LogisticRegressionCV(**asked).fit(x, y, groups=group)
    with sklearn.config_context(enable_metadata_routing=True):
        grouped = LogisticRegressionCV(**asked, cv=GroupKFold(5)).fit(x, y, groups=group)
    by_hand = LogisticRegressionCV(**asked, cv=list(GroupKFold(5).split(x, y, group))).fit(x, y)
    np.testing.assert_allclose(grouped.scores_, by_hand.scores_, rtol=1e-12)


@pytest.mark.parametrize("n_classes", [2, 3, 4])
def test_folds_that_train_without_a_class(n_classes):
    x = np.arange(3.0 * n_classes)[:, None] % 5
    y = np.arange(3 * n_classes) // 3
    asked = {"Cs": [0.1, 1.0], "l1_ratios": (0,), "scoring": "neg_log_loss", "use_legacy_attributes": False}
    model = LogisticRegressionCV(**asked, cv=KFold(n_classes)).fit(x, y)
    assert np.isfinite(model.scores_).all()
    # What a fold held out it has not seen, so that it has no probability.
    assert np.isneginf(model.coefs_paths_[..., -1]).any()


@pytest.mark.parametrize("missing", ["impute", "drop"])
def test_frames_with_categories(people, missing):
    frame, outcome = people
    asked = {"Cs": [0.1, 1.0], "l1_ratios": (0,), "scoring": "neg_log_loss", "use_legacy_attributes": False}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = LogisticRegressionCV(**asked, missing=missing).fit(frame, outcome)
    assert model.scores_.shape == (5, 1, 2)
    assert (model.scores_ < -0.3).all() and (model.scores_ > -1).all()
    assert model.coef_.shape == (1, len(model.terms_))


@pytest.mark.parametrize(
    "asked", [{"Cs": 0}, {"Cs": "many"}, {"l1_ratios": 0.5}, {"l1_ratios": (0.5, 2)}, {"l1_ratios": ()}, {"Cs": [-1.0]}]
)
def test_parameters_are_checked(asked):
    settings = {"Cs": 2, "l1_ratios": (0,), "scoring": "accuracy", "use_legacy_attributes": False, **asked}
    with pytest.raises(ValueError, match=next(iter(asked))):
        LogisticRegressionCV(**settings).fit(*load_iris(return_X_y=True))
