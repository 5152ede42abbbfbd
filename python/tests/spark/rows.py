"""Rows for engines, and when fits of them are the same."""

import random

import numpy as np
import pandas
import pytest

# Sums in other groups differ by rounding alone.
ROUNDING = 1e-11


def table(rows=6000):
    draw = random.Random(3)
    words = ["blue", "green", "red", "rare"]
    columns = {"x": [], "big": [], "word": [], "flag": [], "hole": [], "w": [], "y": []}
    for _ in range(rows):
        x, big = draw.gauss(0, 1), 1e5 + draw.random()
        word = draw.choices(words, [5, 3, 2, 0.02])[0]
        flag = draw.random() < 0.4
        score = x + 2 * (big - 1e5) - 0.7 * (word == "red") + 0.5 * flag - 1
        columns["x"].append(x)
        columns["big"].append(big)
        columns["word"].append(word)
        columns["flag"].append(flag)
        columns["hole"].append(None if draw.random() < 0.1 else draw.randrange(9))
        columns["w"].append(float(draw.randrange(1, 4)))
        columns["y"].append("yes" if draw.random() < 1 / (1 + np.exp(-score)) else "no")
    frame = pandas.DataFrame(columns)
    frame["hole"] = frame["hole"].astype("Int64")
    return frame


def agree(here, there):
    """Coefficients and standard errors to rounding, and all that is counted."""
    assert [row["term"] for row in here.coefficients] == [row["term"] for row in there.coefficients]
    for ours, theirs in zip(here.coefficients, there.coefficients):
        scale = ours["std_error"] or max(1.0, abs(ours["estimate"]))
        assert abs(ours["estimate"] - theirs["estimate"]) <= ROUNDING * max(scale, abs(ours["estimate"]))
        if ours["std_error"] is not None:
            assert theirs["std_error"] == pytest.approx(ours["std_error"], rel=1e-9)
    for key in ("n_rows", "converged", "classes"):
        assert here.json[key] == there.json[key]
    assert there.json["log_likelihood"] == pytest.approx(here.json["log_likelihood"], rel=1e-12)
    assert there.json["gap"] < 1e-12
