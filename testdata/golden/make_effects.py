#!/usr/bin/env python3
"""Marginal effects that inference.json has not, and collinearity without an intercept, into effects.json.

    python3 testdata/golden/make_effects.py        # needs numpy, pandas and statsmodels

- `curves`: the fits of curves.json. The effects are central differences of the mean probability, each row's column moved
  by h = 1e-5 of its spread, the design built anew; good to about 1e-9. The standard errors are the delta method with
  the exact derivative of that difference.
- `robust`: statsmodels' get_margeff of a fit with covariance HC0, and that covariance.
- `softmax`: statsmodels' get_margeff of MNLogit.
- `no_intercept`: 1/(1 − R²) with R² about zero, statsmodels' of OLS (its variance_inflation_factor centres, as if there
  were an intercept), and NumPy's condition number of columns of length 1.
"""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import statsmodels.api as sm

HERE = Path(__file__).resolve().parent
QUANTILES = [0.05, 0.275, 0.5, 0.725, 0.95]


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def curves():
    frame = pd.read_csv(HERE.parent / "saheart.csv")
    knots = np.quantile(frame["age"], QUANTILES)

    def bend(age, j):
        t, cube = knots, lambda k: np.clip(age - k, 0, None) ** 3
        end = t[-1] - t[-2]
        value = cube(t[j]) - cube(t[-2]) * (t[-1] - t[j]) / end + cube(t[-1]) * (t[-2] - t[j]) / end
        return value / (t[-1] - t[0]) ** 2

    one = np.ones(len(frame))
    present = lambda f: np.asarray(f["famhist"] == "Present", float)
    designs = {
        "spline": lambda f: [one, f["age"], *(bend(f["age"], j) for j in range(3)), f["ldl"]],
        "log": lambda f: [one, np.log(f["sbp"]), f["age"]],
        "interaction": lambda f: [one, present(f), f["ldl"], f["age"], present(f) * f["ldl"], f["age"] * f["ldl"]],
    }
    columns = {"spline": ["age", "ldl"], "log": ["sbp", "age"], "interaction": ["famhist", "ldl", "age"]}
    cases = {}
    for name, columns_of in designs.items():
        design = lambda f: np.column_stack(columns_of(f))
        result = sm.Logit(frame["chd"].to_numpy(), design(frame)).fit(method="newton", maxiter=100, tol=1e-14, disp=False)
        beta, covariance = np.asarray(result.params), np.asarray(result.cov_params())
        effects = {}
        for column in columns[name]:
            if column == "famhist":
                ends, width = [frame.assign(famhist=level) for level in ("Absent", "Present")], 1.0
                term = "famhist[Present]"
            else:
                h = 1e-5 * frame[column].std()
                ends, width = [frame.assign(**{column: frame[column] + side * h}) for side in (-1, 1)], 2 * h
                term = column
            low, high = (design(end) for end in ends)
            p, q = sigmoid(low @ beta), sigmoid(high @ beta)
            effect = np.mean(q - p) / width
            gradient = np.mean((q * (1 - q))[:, None] * high - (p * (1 - p))[:, None] * low, axis=0) / width
            effects[term] = {"effect": effect, "std_error": np.sqrt(gradient @ covariance @ gradient)}
        cases[name] = effects
    return {"table": "saheart", "cases": cases}


def robust():
    frame = pd.read_csv(HERE.parent / "spector.csv")
    names = ["GPA", "TUCE", "PSI"]
    x = sm.add_constant(frame[names].to_numpy(float))
    result = sm.Logit(frame["GRADE"].to_numpy(), x).fit(tol=1e-14, maxiter=100, disp=0, cov_type="HC0")
    margins = result.get_margeff()
    order = [1, 2, 3, 0]
    covariance = np.asarray(result.cov_params())[np.ix_(order, order)]
    terms = {n: {"effect": e, "std_error": s} for n, e, s in zip(names, margins.margeff, margins.margeff_se)}
    return {"table": "spector", "covariance": covariance.ravel().tolist(), "terms": terms}


def softmax():
    frame = pd.read_csv(HERE.parent / "anes96.csv")
    names = ["logpopul", "selfLR", "age", "educ", "income"]
    x = sm.add_constant(frame[names].to_numpy(float))
    result = sm.MNLogit(frame["PID"].to_numpy(), x).fit(method="newton", tol=1e-14, maxiter=100, disp=0)
    margins = result.get_margeff()
    terms = {
        name: {"effect": np.asarray(margins.margeff)[j].tolist(), "std_error": np.asarray(margins.margeff_se)[j].tolist()}
        for j, name in enumerate(names)
    }
    return {"table": "anes96", "target": "PID", "terms": terms}


def no_intercept():
    frame = pd.read_csv(HERE.parent / "spector.csv")
    names = ["GPA", "TUCE", "PSI"]
    x = frame[names].to_numpy(float)
    about_zero = lambda j: sm.OLS(x[:, j], np.delete(x, j, axis=1), hasconst=False).fit().rsquared
    vif = [1 / (1 - about_zero(j)) for j in range(3)]
    return {"table": "spector", "vif": vif, "condition_number": np.linalg.cond(x / np.linalg.norm(x, axis=0))}


def main():
    found = {"curves": curves(), "robust": robust(), "softmax": softmax(), "no_intercept": no_intercept()}
    (HERE / "effects.json").write_text(json.dumps(found, indent=1) + "\n")


main()
