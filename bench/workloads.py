"""The workloads of bench/fits.py: their sizes, and the programs that take turns on each, ours first.

Penalties are l2 = 1/n, scikit-learn's C = 1, unless a workload says otherwise.
"""

import json
import shutil

from harness import BENCH, PYTHON

PEERS = BENCH / "peers"
FOLDS = 10


def peer(program):
    """The command that runs a peer."""
    return [PYTHON, PEERS / program]


def programs(*entries):
    """A workload's programs, of names, commands and settings: each is called with the folder and all its settings."""

    def of(release, folder, common):
        ours = [release / "examples" / "time_fit"]
        fill = lambda command: ours if command is None else command  # noqa: E731
        return {
            name: [*fill(command), folder, json.dumps({**common, **settings})] for name, command, settings in entries
        }

    return of


def logistic(name="logistic", **settings):
    """Our fit; the command is known when it is built."""
    return name, None, settings


def sklearn(solver, suffix="", **settings):
    """A solver of scikit-learn, with its own tolerance and number of iterations unless told otherwise."""
    return f"scikit-learn {solver}{suffix}", peer("fit_sklearn.py"), {"solver": solver, **settings}


def rust(library, suffix="", **settings):
    """A library in Rust."""
    return f"{library}{suffix}", [PEERS / "rust" / "target" / "release" / "peers"], {"library": library, **settings}


# A stopping rule by which the answer has digits to compare, and the iterations that it takes.
TIGHT = {"tol": 1e-10, "max_iter": 10_000}
OURS = [logistic(), logistic("logistic, 1 thread", threads=1)]
LBFGS = [sklearn("lbfgs"), sklearn("lbfgs", ", tight", **TIGHT)]
NEWTON_CHOLESKY = [sklearn("newton-cholesky"), sklearn("newton-cholesky", ", tight", **TIGHT)]
NEWTON_CG = [sklearn("newton-cg"), sklearn("newton-cg", ", tight", **TIGHT)]
# A large constant in place of 1 keeps LIBLINEAR's penalty from the intercept.
LIBLINEAR = [
    sklearn("liblinear", intercept_scaling=100, max_iter=1000),
    sklearn("liblinear", ", tight", intercept_scaling=100, **TIGHT),
    ("LIBLINEAR -s 0", peer("fit_liblinear.py"), {"solver": 0}),
    ("LIBLINEAR -s 0, tight", peer("fit_liblinear.py"), {"solver": 0, "tol": 1e-8}),
]
GLUM = [
    ("glum", peer("fit_glum.py"), {}),
    ("glum, tight", peer("fit_glum.py"), {"gradient_tol": 1e-10, "max_iter": 1000}),
]
TORCH = ("PyTorch L-BFGS", peer("fit_torch.py"), {})
DENSE = [
    *OURS,
    logistic("logistic, column by column", as_columns=True),
    *LBFGS,
    *NEWTON_CHOLESKY,
    *NEWTON_CG,
    sklearn("sag", max_iter=10_000),
    *LIBLINEAR,
    ("statsmodels Logit", peer("fit_statsmodels.py"), {}),
    *GLUM,
    TORCH,
]
RUST = [rust("linfa"), rust("linfa", ", tight", tolerance=1e-6), rust("smartcore")]


def path_programs(release, folder, common):
    """The lasso's path with cross-validation. glmnet only where R and its package are."""
    settings = {**common, "folds": FOLDS}
    time_fit = [release / "examples" / "time_fit", folder]
    found = {
        "logistic": [*time_fit, json.dumps({**settings, "standardised": True})],
        "logistic, 1 thread": [*time_fit, json.dumps({**settings, "standardised": True, "threads": 1})],
    }
    if shutil.which("Rscript"):
        glmnet = ["Rscript", "--vanilla", PEERS / "fit_glmnet.R", folder, FOLDS]
        found |= {"glmnet": [*glmnet, 1e-7], "glmnet, tight": [*glmnet, 1e-12]}
    for name, tol in (("skglm", 1e-4), ("skglm, tight", 1e-8)):
        found[name] = [*peer("fit_skglm.py"), folder, json.dumps({**settings, "tol": tol})]
    return found


def csv_programs(release, folder, common):
    """From a CSV file to a saved model. What `logistic train` prints is turned into an answer by a peer of its own."""
    table, model, l2 = folder / "numbers.csv", folder / "model", json.dumps({"l2": common["l2"]})
    found = {"logistic train": [*peer("fit_train.py"), release / "logistic", table, model, l2]}
    for reader in ("polars", "pandas"):
        for solver in ("newton-cholesky", "lbfgs"):
            settings = json.dumps({"l2": common["l2"], "solver": solver})
            found[f"{reader} and scikit-learn {solver}"] = [*peer("fit_csv.py"), reader, table, model, settings]
    return found


def sizes(full, small):
    """The size of a workload, and that for a quick look."""
    return {"full": full, "small": {**full, **small}}


WORKLOADS = {
    "dense-1m": {
        "sizes": sizes({"kind": "dense", "rows": 1_000_000, "columns": 28}, {"rows": 20_000}),
        "programs": programs(*DENSE),
    },
    "dense-100k": {
        "sizes": sizes({"kind": "dense", "rows": 100_000, "columns": 50}, {"rows": 5_000}),
        "programs": programs(*DENSE, *RUST),
    },
    "wide": {
        "sizes": sizes({"kind": "dense", "rows": 10_000, "columns": 2_000}, {"rows": 1_000, "columns": 200}),
        "programs": programs(*DENSE, *RUST),
    },
    "softmax": {
        "sizes": sizes(
            {"kind": "softmax", "rows": 60_000, "classes": 10, "side": 28}, {"rows": 1_000, "classes": 4, "side": 12}
        ),
        "programs": programs(
            *OURS, *LBFGS, *NEWTON_CG, *NEWTON_CHOLESKY, sklearn("saga", max_iter=10_000), TORCH
        ),
    },
    "sparse": {
        "sizes": sizes(
            {"kind": "sparse", "rows": 200_000, "columns": 100_000, "words": 77}, {"rows": 2_000, "columns": 500}
        ),
        "programs": programs(
            *OURS,
            *LIBLINEAR,
            ("LIBLINEAR -s 7", peer("fit_liblinear.py"), {"solver": 7}),
            *LBFGS,
            *NEWTON_CG,
            sklearn("sag", max_iter=10_000),
            sklearn("saga", max_iter=10_000),
        ),
    },
    "path": {
        "sizes": sizes({"kind": "dense", "rows": 20_000, "columns": 200}, {"rows": 2_000, "columns": 20}),
        "programs": path_programs,
        "lasso": True,
        # Eleven paths of a hundred fits take their time in every program.
        "limit": 120,
    },
    "categories": {
        "sizes": sizes(
            {"kind": "categories", "rows": 1_000_000, "numbers": 5, "categories": 3, "levels": 1_000},
            {"rows": 20_000, "levels": 50},
        ),
        "programs": programs(*OURS, *GLUM, *LBFGS, *NEWTON_CHOLESKY),
    },
    "csv": {
        "sizes": sizes({"kind": "csv", "rows": 1_000_000, "columns": 28}, {"rows": 20_000}),
        "programs": csv_programs,
    },
}
