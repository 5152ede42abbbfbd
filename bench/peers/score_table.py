"""Scores a CSV file as a pandas and scikit-learn user would: read_csv, predict_proba, to_csv.

The model is ours, with the coefficients that `logistic train --json` printed, so that both score alike. Prints one
JSON object with the seconds from read_csv to the end of to_csv; imports and the making of the model are not counted.
"""

import argparse
import json
import time
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression


def model(summary):
    """scikit-learn's model with these coefficients, and the columns they belong to."""
    intercept, *slopes = summary["coefficients"]
    fitted = LogisticRegression()
    fitted.classes_ = np.array([0, 1])
    fitted.intercept_ = np.array([intercept["estimate"]])
    fitted.coef_ = np.array([[slope["estimate"] for slope in slopes]])
    return fitted, [slope["column"] for slope in slopes]


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("summary", type=Path)
    arguments.add_argument("data")
    arguments.add_argument("output")
    options = arguments.parse_args()

    fitted, columns = model(json.loads(options.summary.read_text()))
    start = time.perf_counter()
    table = pd.read_csv(options.data)
    table["probability"] = fitted.predict_proba(table[columns].to_numpy())[:, 1]
    table["predicted"] = (table["probability"] >= 0.5).astype(int)
    table.to_csv(options.output, index=False)
    print(json.dumps({"seconds": time.perf_counter() - start}))


if __name__ == "__main__":
    main()
