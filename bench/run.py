#!/usr/bin/env python3
"""Times the tutorial's training loop here and in PyTorch, on this machine, in one run.

    python3 bench/run.py [--rounds 7]

Builds the release binaries, prepares bench/.venv, takes turns between the programs, checks that all of them end at
the same weights, and writes bench/results/DATE.json and DATE.md. Needs nothing but Python and cargo to start.
"""

import argparse
import datetime
import json
import statistics
import sys
import time

from harness import BENCH, PYTHON, build_release, keep, output, prepare_python, versions
from report import machine, markdown

WEIGHT_TOLERANCE = 1e-5
LOOPS_PER_PROCESS = 3
WHOLE_PROCESS_RUNS = 20


def loop_programs(release):
    """The programs that time the loop themselves. Each prints lines of JSON with the seconds of its loops."""
    pytorch = [PYTHON, BENCH / "peers" / "pytorch_tutorial.py", "--repetitions", LOOPS_PER_PROCESS]
    return {
        "logistic": [release / "examples" / "time_tutorial"],
        "pytorch, 1 thread": [*pytorch, "--threads", 1],
        "pytorch, default threads": pytorch,
    }


def take_turns(programs, rounds):
    """Runs every program once a round, so that a slow spell of the machine meets them all alike."""
    reports = {name: [] for name in programs}
    for turn in range(rounds):
        for name, command in programs.items():
            reports[name].append([json.loads(line) for line in output(*command).splitlines()])
        print(f"round {turn + 1} of {rounds}", file=sys.stderr)
    return reports


def summarise(reports):
    """The median over rounds of each process's median loop, and where the training ended."""
    per_round = [statistics.median(seconds for line in report for seconds in line["seconds"]) for report in reports]
    last = reports[-1][-1]
    return {
        "median_seconds": statistics.median(per_round),
        "seconds_per_round": per_round,
        "final": last["final"],
        "last_epoch_loss": last["last_epoch_loss"],
    }


def largest_difference(a, b):
    """The largest difference between two sets of weights and biases."""
    pairs = zip([*a["weight"], a["bias"]], [*b["weight"], b["bias"]], strict=True)
    return max(abs(x - y) for x, y in pairs)


def time_whole_process(command, runs):
    """Seconds from start to exit, start-up and printing included."""
    seconds = []
    for _ in range(runs):
        start = time.perf_counter()
        output(*command)
        seconds.append(time.perf_counter() - start)
    return {"median_seconds": statistics.median(seconds), "seconds": seconds}


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--rounds", type=int, default=7, help="turns each program takes (default: 7)")
    rounds = arguments.parse_args().rounds

    facts = machine()
    prepare_python("requirements.txt")
    release = build_release("time_tutorial")
    loop = {name: summarise(reports) for name, reports in take_turns(loop_programs(release), rounds).items()}
    difference = max(largest_difference(loop["logistic"]["final"], entry["final"]) for entry in loop.values())
    if difference > WEIGHT_TOLERANCE:
        sys.exit(f"final weights {difference:.1e} apart, more than {WEIGHT_TOLERANCE:.0e}: not the same training")

    peer = min(entry["median_seconds"] for name, entry in loop.items() if name != "logistic")
    result = {
        "date": datetime.date.today().isoformat(),
        "machine": facts,
        "versions": versions(["torch", "numpy", "scikit-learn"]),
        "rounds": rounds,
        "loop": loop,
        "speedup": peer / loop["logistic"]["median_seconds"],
        "largest_weight_difference": difference,
        "whole_process": time_whole_process([release / "logistic", "tutorial", "--json"], WHOLE_PROCESS_RUNS),
    }
    keep(result["date"], result, markdown(result))


if __name__ == "__main__":
    main()
