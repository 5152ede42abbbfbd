"""Reads one file several times with one reader, timed inside the process. Prints one JSON object."""

import argparse
import json
import time


def reader(name):
    """The reader, its imports done."""
    if name.startswith("polars"):
        import polars as pl

        return {"polars csv": pl.read_csv, "polars parquet": pl.read_parquet}[name]
    import pandas as pd
    import pyarrow.parquet  # noqa: F401, pandas imports it in the first read otherwise

    return {
        "pandas c": lambda path: pd.read_csv(path, engine="c"),
        "pandas pyarrow": lambda path: pd.read_csv(path, engine="pyarrow"),
        "pandas parquet": lambda path: pd.read_parquet(path, engine="pyarrow"),
    }[name]


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("reader")
    arguments.add_argument("path")
    arguments.add_argument("reads", type=int)
    options = arguments.parse_args()

    read = reader(options.reader)
    seconds, cpu_seconds = [], []
    for _ in range(options.reads):
        table = None
        start, cpu = time.perf_counter(), time.process_time()
        table = read(options.path)
        seconds.append(time.perf_counter() - start)
        cpu_seconds.append(time.process_time() - cpu)
    print(json.dumps({"seconds": seconds, "cpu_seconds": cpu_seconds, "sum": float(table["x1"].sum())}))


if __name__ == "__main__":
    main()
