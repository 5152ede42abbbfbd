"""Fits of glum, timed inside the process. Its objective is ours: half the mean deviance, and ½·alpha·‖w‖²."""

import pandas as pd
from folder import asked, load, repeated, tell
from glum import GeneralizedLinearRegressor


def frame(data):
    """Numbers and categories as glum takes them."""
    table = pd.DataFrame(data.x, columns=[f"x{j}" for j in range(data.x.shape[1])])
    for k, (codes, levels) in enumerate(data.codes):
        table[f"c{k}"] = pd.Categorical.from_codes(codes.astype("int32"), categories=range(levels))
    return table


def main():
    folder, settings = asked()
    data = load(folder)
    x = frame(data) if data.codes else data.x
    options = {key: settings[key] for key in ("gradient_tol", "max_iter") if key in settings}
    model = GeneralizedLinearRegressor(
        family="binomial", alpha=settings["l2"], l1_ratio=0, drop_first=bool(data.codes), **options
    )
    seconds, fit = repeated(settings, lambda: model.fit(x, data.y))
    tell(seconds, fit.coef_, fit.intercept_, iterations=int(fit.n_iter_))


if __name__ == "__main__":
    main()
