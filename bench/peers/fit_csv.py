"""A CSV file to a saved model, as a pandas or Polars user would go about it with scikit-learn.

`fit_csv.py READER CSV MODEL SETTINGS`; the clock inside leaves out the imports.
"""

import json
import sys
import time

import joblib
import numpy as np
from folder import tell
from sklearn.linear_model import LogisticRegression


def main():
    reader, path, model_path, settings = sys.argv[1:]
    settings = json.loads(settings)
    if reader == "polars":
        import polars as frames
    else:
        import pandas as frames

    start = time.perf_counter()
    table = frames.read_csv(path)
    y = table["y"].to_numpy()
    x = (table.drop("y") if reader == "polars" else table.drop(columns="y")).to_numpy()
    x = np.ascontiguousarray(x)
    model = LogisticRegression(C=1 / (settings["l2"] * len(y)), solver=settings["solver"]).fit(x, y)
    joblib.dump(model, model_path)
    tell([time.perf_counter() - start], model.coef_, model.intercept_)


if __name__ == "__main__":
    main()
