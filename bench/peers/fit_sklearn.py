"""Fits of scikit-learn, timed inside the process."""

from folder import asked, load, one_hot, repeated, tell
from sklearn.linear_model import LogisticRegression


def main():
    folder, settings = asked()
    data = load(folder)
    x = one_hot(data) if data.codes else data.x
    options = {key: settings[key] for key in ("solver", "tol", "max_iter", "intercept_scaling") if key in settings}
    # scikit-learn penalises the sum of the losses: C = 1/(l2·n).
    model = LogisticRegression(C=1 / (settings["l2"] * len(data.y)), random_state=0, **options)
    seconds, fit = repeated(settings, lambda: model.fit(x, data.y))
    tell(seconds, fit.coef_, fit.intercept_, iterations=int(max(fit.n_iter_)))


if __name__ == "__main__":
    main()
