"""The lasso's path and its cross-validation by skglm, timed inside the process.

skglm has no cross-validation of its own: every fold goes through the penalties of `penalties.f64`, each fit started
from the one before, in columns standardised by its own rows.
"""

import json

import numpy as np
from folder import array, asked, load, repeated
from skglm import SparseLogisticRegression
from sklearn.model_selection import StratifiedKFold


def path(x, y, penalties, tol):
    """Weights in the user's units, and intercepts, for every penalty."""
    mean, scale = x.mean(0), x.std(0)
    z = np.asfortranarray((x - mean) / scale)
    model = SparseLogisticRegression(fit_intercept=True, warm_start=True, tol=tol, max_iter=200)
    points = []
    for penalty in penalties:
        model.set_params(alpha=penalty).fit(z, y)
        weight = model.coef_.ravel() / scale
        points.append((weight, float(np.ravel(model.intercept_)[0] - weight @ mean)))
    return points


def cross_validated(data, penalties, settings):
    """The path of all rows, and the penalty of the least loss held out."""
    losses = np.zeros(len(penalties))
    folds = StratifiedKFold(settings["folds"], shuffle=True, random_state=0)
    for train, test in folds.split(data.x, data.y):
        for at, (weight, bias) in enumerate(path(data.x[train], data.y[train], penalties, settings["tol"])):
            z = data.x[test] @ weight + bias
            losses[at] += (np.logaddexp(0, z) - data.y[test] * z).sum()
    return path(data.x, data.y, penalties, settings["tol"]), penalties[losses.argmin()]


def main():
    folder, settings = asked()
    data, penalties = load(folder), array(folder, "penalties.f64")
    # Numba compiles in the first fit.
    path(data.x[:1000], data.y[:1000], penalties[:2], settings["tol"])
    seconds, (points, chosen) = repeated(settings, lambda: cross_validated(data, penalties, settings))
    told = [
        {"l1": float(penalty), "weight": weight.tolist(), "bias": [bias]}
        for penalty, (weight, bias) in zip(penalties, points, strict=True)
    ]
    print(json.dumps({"seconds": seconds, "path": told, "chosen_l1": float(chosen)}))


if __name__ == "__main__":
    main()
