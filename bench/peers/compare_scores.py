"""Prints the largest difference between the probabilities in two scored CSV files, and how many classes differ."""

import json
import sys

import polars as pl


def scores(path):
    return pl.read_csv(path, columns=["probability", "predicted"])


def main():
    a, b = (scores(path) for path in sys.argv[1:])
    print(
        json.dumps(
            {
                "probability": (a["probability"] - b["probability"]).abs().max(),
                "classes": int((a["predicted"] != b["predicted"]).sum()),
            }
        )
    )


if __name__ == "__main__":
    main()
