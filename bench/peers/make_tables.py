"""Writes the tables that bench/tables.py reads: standard normal columns x1, x2, … and a target y of 0 and 1.

`all` writes FOLDER/numbers.csv and the same rows as FOLDER/numbers.parquet, with all digits; `block` writes
FOLDER/block.csv, whose numbers have four decimals.
"""

import argparse
from pathlib import Path

import numpy as np
import polars as pl

SEED = 1


def table(rows, columns, decimals):
    """Rows whose target depends on every column, and whose classes overlap."""
    rng = np.random.default_rng(SEED)
    x = rng.standard_normal((rows, columns))
    probability = 1 / (1 + np.exp(-x @ np.linspace(-1, 1, columns)))
    y = (rng.random(rows) < probability).astype(np.int64)
    if decimals is not None:
        x = x.round(decimals)
    return pl.DataFrame({**{f"x{column + 1}": x[:, column] for column in range(columns)}, "y": y})


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("which", choices=["all", "block"])
    arguments.add_argument("folder", type=Path)
    arguments.add_argument("--rows", type=int, required=True)
    arguments.add_argument("--columns", type=int, required=True, help="besides the target")
    options = arguments.parse_args()

    if options.which == "block":
        table(options.rows, options.columns, 4).write_csv(options.folder / "block.csv", float_precision=4)
        return
    numbers = table(options.rows, options.columns, None)
    numbers.write_csv(options.folder / "numbers.csv")
    numbers.write_parquet(options.folder / "numbers.parquet")


if __name__ == "__main__":
    main()
