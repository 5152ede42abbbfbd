"""What the peers of bench/fits.py share: reading a folder of arrays, timing a fit, and telling what it found.

Every peer is called with a folder and its settings as JSON, `fit_sklearn.py FOLDER '{"solver": "lbfgs", "l2": 1e-6}'`,
and prints one JSON object: the seconds of its fits, and weights and intercepts in the order of the columns.
"""

import json
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np

TYPES = {".f64": "<f8", ".f32": "<f4", ".u32": "<u4", ".u64": "<u8"}


def array(folder, name):
    """The numbers of a file, whose ending is their type."""
    return np.fromfile(folder / name, dtype=TYPES[Path(name).suffix])


def load(folder):
    """The dataset: `x` (an array, or a sparse matrix), `codes` (pairs of codes and their number), `y`, `classes`."""
    folder = Path(folder)
    description = json.loads((folder / "data.json").read_text())
    x, codes = None, []
    for feature in description["features"]:
        if feature["kind"] == "matrix":
            x = array(folder, feature["values"]).reshape(-1, feature["n_columns"])
        elif feature["kind"] == "csr":
            x = csr(folder, feature)
        else:
            codes.append((array(folder, feature["codes"]), feature["levels"]))
    y = array(folder, description["outcomes"])
    return SimpleNamespace(x=x, codes=codes, y=y, classes=description["classes"])


def csr(folder, feature):
    """A sparse matrix; its places fit 32 bits, which LIBLINEAR insists on."""
    from scipy.sparse import csr_matrix

    values, columns, starts = (array(folder, feature[key]) for key in ("values", "columns", "starts"))
    shape = (len(starts) - 1, feature["n_columns"])
    return csr_matrix((values, columns.astype(np.int32), starts.astype(np.int32)), shape=shape)


def one_hot(data):
    """The numbers beside one column for every level but the first of each category, as scikit-learn users have it."""
    from scipy.sparse import csr_matrix, hstack
    from sklearn.preprocessing import OneHotEncoder

    levels = [np.arange(count) for _, count in data.codes]
    encoder = OneHotEncoder(categories=levels, drop="first")
    return hstack([csr_matrix(data.x), encoder.fit_transform(np.column_stack([own for own, _ in data.codes]))]).tocsr()


def asked():
    """The folder and the settings that the command line names."""
    return Path(sys.argv[1]), json.loads(sys.argv[2])


def repeated(settings, once):
    """The seconds of every fit, and the last one. What took long is not repeated."""
    seconds = []
    while True:
        start = time.perf_counter()
        found = once()
        seconds.append(time.perf_counter() - start)
        if len(seconds) >= settings["repeats"] or sum(seconds) > settings["budget"]:
            return seconds, found


def tell(seconds, weight, bias, **more):
    """Prints what a peer found."""
    weight, bias = (np.asarray(part, dtype=float).ravel().tolist() for part in (weight, bias))
    print(json.dumps({"seconds": seconds, "weight": weight, "bias": bias, **more}))
