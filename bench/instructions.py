#!/usr/bin/env python3
"""Counts the instructions of fixed work under valgrind, and compares them with bench/instructions.json.

    python3 bench/instructions.py [--update]

A count hardly depends on how busy the machine is, so a few per cent more is a change of the program or of its compiler.
Exits with 1 when any work takes more than 2 % more; `--update` writes the counts down as the new measure.
"""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from harness import BENCH, ROOT, output

BASELINE = BENCH / "instructions.json"
WORK = ["gradient", "hessian", "ridge", "lasso", "softmax", "inference"]
TOLERANCE = 0.02


def build():
    """The program with the fixed work."""
    output("cargo", "build", "--release", "--package", "logistic", "--example", "fixed_work")
    metadata = json.loads(output("cargo", "metadata", "--no-deps", "--format-version", "1"))
    return Path(metadata["target_directory"]) / "release" / "examples" / "fixed_work"


def count(program, work):
    """The instructions of one piece of work, start-up and data included."""
    command = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", program, work]
    # One thread: idle ones look for work, and how long depends on the machine.
    environment = {**os.environ, "RAYON_NUM_THREADS": "1"}
    run = subprocess.run(command, cwd=ROOT, env=environment, check=True, stderr=subprocess.PIPE, text=True)
    return int(re.search(r"Collected : (\d+)", run.stderr)[1])


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--update", action="store_true", help="write the counts down as the new measure")
    update = arguments.parse_args().update
    if not shutil.which("valgrind"):
        print("skipped: valgrind is not installed, so no instructions were counted")
        return

    program, rustc = build(), output("rustc", "--version").split()[1]
    # Making the data is left out of every count, so that 2 % are 2 % of the work.
    data = count(program, "data")
    counts = {work: count(program, work) - data for work in WORK}
    if update:
        BASELINE.write_text(json.dumps({"rustc": rustc, "instructions": counts}, indent=1) + "\n")
        print(f"wrote {BASELINE.name}")
        return
    baseline = json.loads(BASELINE.read_text())
    if baseline["rustc"] != rustc:
        print(f"rustc is {rustc}, the measure was taken with {baseline['rustc']}: a difference may be the compiler's")
    grown = []
    for work, now in counts.items():
        before = baseline["instructions"].get(work)
        if before is None:
            print(f"{work:10} {now:>14,}  new: --update writes it down")
            continue
        print(f"{work:10} {now:>14,}  {now / before - 1:+.1%}")
        if now > before * (1 + TOLERANCE):
            grown.append(work)
    if grown:
        sys.exit(f"more instructions than {TOLERANCE:.0%} over the measure: {', '.join(grown)}")


if __name__ == "__main__":
    main()
