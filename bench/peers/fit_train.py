"""Runs `logistic train` on a CSV file and turns what it prints into an answer.

`fit_train.py LOGISTIC CSV MODEL SETTINGS`. The clock covers the whole process, from start to exit.
No import that takes memory: a child begins with its parent's.
"""

import json
import subprocess
import sys
import time


def main():
    logistic, path, model, settings = sys.argv[1:]
    l2 = json.loads(settings)["l2"]
    start = time.perf_counter()
    command = [logistic, "train", path, "--target", "y", "--l2", repr(l2), "--json", "--output", model]
    printed = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    seconds = time.perf_counter() - start
    told = json.loads(printed)
    bias, *weight = (coefficient["estimate"] or 0.0 for coefficient in told["coefficients"])
    print(json.dumps({"seconds": [seconds], "weight": weight, "bias": [bias], "fit_seconds": told["fit_seconds"]}))


if __name__ == "__main__":
    main()
