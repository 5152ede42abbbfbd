#!/usr/bin/env python3
"""Fits with a natural spline, a logarithm, products and pooled levels, by statsmodels and patsy, into curves.json.

    python3 testdata/golden/make_curves.py        # needs pandas, patsy and statsmodels

The spline's columns are written out here from Harrell's formula (Regression Modeling Strategies, 2nd ed. 2015, equation
2.25); `patsy_cr_log_likelihood` is that of the same curve in patsy's own basis, whose span is the same.
"""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import patsy
import statsmodels
import statsmodels.api as sm

HERE = Path(__file__).resolve().parent
QUANTILES = [0.05, 0.275, 0.5, 0.725, 0.95]


def fit(formula, frame, names):
    """The maximum-likelihood fit: its log-likelihood, and the terms in `names` under our name for them."""
    y, x = patsy.dmatrices(formula, frame, return_type="dataframe")
    result = sm.Logit(np.asarray(y)[:, -1], x).fit(method="newton", maxiter=100, tol=1e-14, disp=False)
    terms = {ours: {"estimate": result.params[theirs], "std_error": result.bse[theirs]} for theirs, ours in names.items()}
    return {"log_likelihood": result.llf, "terms": terms}


def main():
    frame = pd.read_csv(HERE.parent / "saheart.csv")
    knots = np.quantile(frame["age"], QUANTILES)
    def bend(j):
        t, cube = knots, lambda k: np.clip(frame["age"] - k, 0, None) ** 3
        end = t[-1] - t[-2]
        return cube(t[j]) - cube(t[-2]) * (t[-1] - t[j]) / end + cube(t[-1]) * (t[-2] - t[j]) / end
    for j in range(3):
        frame[f"bend{j}"] = bend(j) / (knots[-1] - knots[0]) ** 2
    cases = {
        "spline": fit("chd ~ age + bend0 + bend1 + bend2 + ldl", frame, {
            "Intercept": "(intercept)", "age": "age", "bend0": "age[bend 1]", "bend1": "age[bend 2]",
            "bend2": "age[bend 3]", "ldl": "ldl"}),
        "log": fit("chd ~ np.log(sbp) + age", frame, {
            "Intercept": "(intercept)", "np.log(sbp)": "log(sbp)", "age": "age"}),
        "interaction": fit("chd ~ famhist * ldl + age + age:ldl", frame, {
            "Intercept": "(intercept)", "famhist[T.Present]": "famhist[Present]", "ldl": "ldl", "age": "age",
            "famhist[T.Present]:ldl": "famhist[Present]:ldl", "age:ldl": "age:ldl"}),
    }
    space = dict(frame, inner=list(knots[1:-1]), low=knots[0], high=knots[-1])
    smooth = "chd ~ cr(age, knots=inner, lower_bound=low, upper_bound=high) + ldl - 1"
    y, x = patsy.dmatrices(smooth, space, return_type="dataframe")
    cases["spline"]["patsy_cr_log_likelihood"] = (
        sm.Logit(np.asarray(y)[:, -1], x).fit(maxiter=100, tol=1e-14, disp=False).llf)
    versions = {"statsmodels": statsmodels.__version__, "patsy": patsy.__version__, "numpy": np.__version__}
    text = json.dumps({"table": "saheart", "versions": versions, "cases": cases}, indent=1)
    (HERE / "curves.json").write_text(text + "\n")


main()
