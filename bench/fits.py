#!/usr/bin/env python3
"""Times fits here and in other programs, on this machine, in one run, and how near each comes to the optimum.

    python3 bench/fits.py [--workload dense-1m …] [--rounds 3] [--limit 60] [--scale small]

Builds the release binaries, prepares bench/.venv, writes datasets into a temporary folder (up to 1.2 GB at a time),
lets the programs take turns, and writes bench/results/DATE-fits.json, DATE-fits.md and two pictures. What was measured
of other workloads on the same day stays. `--scale small` is a quick look whether everything runs, and keeps nothing in
bench/results. Needs nothing but Python and cargo to start.
"""

import argparse
import datetime
import json
import math
import shutil
import statistics
import sys
import tempfile
from pathlib import Path

from harness import BENCH, PYTHON, RESULTS, attempted, build_release, keep, output, prepare_python, versions
from report import machine
from report_fits import fits_markdown
from workloads import WORKLOADS, peer

PEER_PACKAGES = [
    "numpy", "scipy", "scikit-learn", "liblinear-official", "statsmodels", "glum", "skglm", "torch", "pandas", "polars"
]  # fmt: skip
# A fit that takes longer is not repeated, and given up after as much time as reading and compiling may take.
LONG_FIT = 60
LOADING = 60
REPEATS = {"repeats": 3, "budget": 10.0}
SCALING = {"n": ("rows", [10_000, 31_623, 100_000, 316_228, 1_000_000, 3_162_278, 10_000_000], {"columns": 28}),
           "p": ("columns", [7, 14, 28, 56, 112, 224], {"rows": 100_000})}  # fmt: skip
# From here on, numbers of 32 bits, so that the rows fit the memory of a laptop.
NARROW = 5_000_000


def write_dataset(folder, size):
    """Makes a dataset, outside the measured time."""
    (folder / "answers").mkdir(parents=True)
    output(*peer("make_fits.py"), folder, json.dumps(size))


def file_name(program):
    """A file name for the answer of a program."""
    return "".join(c if c.isalnum() else "-" for c in program)


def attempt(folder, name, command, limit):
    """One process: the median of its fits, its memory, or why there is no answer, which is left in the folder."""
    run = attempted(*command, limit=limit + LOADING)
    if "failed" in run:
        return {"failed": f"> {limit} s" if run["cut_off"] else run["failed"]}
    told = json.loads(run["printed"])
    (folder / "answers" / f"{file_name(name)}.json").write_text(run["printed"])
    facts = {key: told[key] for key in ("iterations", "termination", "gap_bound", "chosen_l1") if key in told}
    return {"seconds": statistics.median(told["seconds"]), "peak_bytes": run["peak_bytes"], **facts}


def take_turns(folder, programs, rounds, limit, after=lambda: None):
    """Runs every program once a round, so that a slow spell of the machine meets them all alike; `after` the first
    program's first run, something may be written for the others."""
    runs = {name: [] for name in programs}
    for turn in range(rounds):
        for at, (name, command) in enumerate(programs.items()):
            last = runs[name][-1] if runs[name] else {"seconds": 0}
            if "failed" in last or last["seconds"] > limit:
                runs[name].append({})
                continue
            runs[name].append(attempt(folder, name, command, limit))
            if turn == at == 0:
                after()
        print(f"{folder.name}, round {turn + 1} of {rounds}", file=sys.stderr)
    return runs


def summarise(runs, judged):
    """Of every program the medians over rounds of its seconds and of their ratio to the first program's."""
    ours = next(iter(runs.values()))
    summary = {}
    for name, each in runs.items():
        timed = [run for run in each if "seconds" in run]
        if not timed:
            summary[name] = {"failed": each[0]["failed"]}
            continue
        ratios = [run["seconds"] / base["seconds"] for run, base in zip(each, ours) if "seconds" in run.keys() & base]
        summary[name] = {
            **timed[-1],
            "seconds": statistics.median(run["seconds"] for run in timed),
            "ratio": statistics.median(ratios) if ratios else None,
            "peak_bytes": max(run["peak_bytes"] for run in timed),
            "seconds_per_round": [run["seconds"] for run in timed],
            **judged[file_name(name)],
        }
    return summary


def compare(release, work, name, scale, rounds, limit):
    """All programs of a workload on its dataset."""
    workload = WORKLOADS[name]
    size, folder = workload["sizes"][scale], work / name
    write_dataset(folder, size)
    l2 = 0.0 if workload.get("lasso") else 1 / size["rows"]
    programs = workload["programs"](release, folder, {"l2": l2, **REPEATS})
    after = (lambda: write_penalties(folder, next(iter(programs)))) if workload.get("lasso") else (lambda: None)
    runs = take_turns(folder, programs, rounds, max(limit, workload.get("limit", 0)), after)
    judged = json.loads(output(*peer("judge_fits.py"), folder, l2))
    return {"size": size, "l2": l2, "programs": summarise(runs, judged)}


def write_penalties(folder, name):
    """The penalties of our path, for the others to go through."""
    from array import array

    answer = folder / "answers" / f"{file_name(name)}.json"
    if answer.exists():
        penalties = array("d", [point["l1"] for point in json.loads(answer.read_text())["path"]])
        (folder / "penalties.f64").write_bytes(penalties.tobytes())


def bandwidth(release, work, name, scale, rounds, limit):
    """Passes over the rows against reading them, in one process; it takes turns itself."""
    rows = {"full": 1_000_000, "small": 200_000}[scale]
    return json.loads(output(release / "examples" / "time_pass", rows, 28, 2, 5 * rounds))


def scaling(release, work, name, scale, rounds, limit):
    """Our seconds against rows and columns, and the exponents of the power laws that fit them best."""
    found = {}
    for symbol, (key, values, fixed) in SCALING.items():
        points = []
        for value in values if scale == "full" else values[:3]:
            size = {"kind": "dense", **fixed, key: value}
            if size["rows"] > NARROW:
                size["type"] = "f32"
            folder = work / f"scaling-{symbol}-{value}"
            write_dataset(folder, size)
            settings = json.dumps({"l2": 1 / size["rows"], **REPEATS})
            runs = take_turns(folder, {"logistic": [release / "examples" / "time_fit", folder, settings]}, rounds, limit)
            timed = [run["seconds"] for run in runs["logistic"] if "seconds" in run]
            shutil.rmtree(folder)
            if not timed:
                points.append({symbol: value, "failed": runs["logistic"][0]["failed"]})
                continue
            points.append({symbol: value, "seconds": statistics.median(timed)})
        found[symbol] = {"points": points, "exponent": exponent(points, symbol)}
    return found


def exponent(points, symbol):
    """The slope of log time against log size, by least squares."""
    at = [(math.log(point[symbol]), math.log(point["seconds"])) for point in points if "seconds" in point]
    if len(at) < 2:
        return None
    return statistics.linear_regression(*zip(*at, strict=True)).slope


SPECIAL = {"bandwidth": bandwidth, "scaling": scaling}


def measure(release, name, scale, rounds, limit, facts):
    """One workload, in a folder that goes away with it."""
    with tempfile.TemporaryDirectory(prefix="logistic-bench-") as work:
        found = SPECIAL.get(name, compare)(release, Path(work), name, scale, rounds, limit)
    return {"rounds": rounds, "commit": output("git", "describe", "--always", "--dirty").strip(), **facts, **found}


def main():
    names = [*WORKLOADS, *SPECIAL]
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--rounds", type=int, default=3, help="turns each program takes (default: 3)")
    arguments.add_argument("--workload", nargs="+", choices=names, default=names, metavar="NAME", help=", ".join(names))
    arguments.add_argument(
        "--limit", type=int, default=LONG_FIT, metavar="S", help="a fit of more seconds is given up (default: 60)"
    )
    arguments.add_argument("--scale", choices=["full", "small"], default="full")
    options = arguments.parse_args()

    facts = machine()
    prepare_python("requirements-fits.txt")
    release = build_release("time_fit", "--example", "time_pass")
    output("cargo", "build", "--release", "--locked", "--manifest-path", BENCH / "peers" / "rust" / "Cargo.toml")
    date = datetime.date.today().isoformat()
    folder = RESULTS if options.scale == "full" else Path(tempfile.mkdtemp(prefix="logistic-bench-small-"))
    kept = folder / f"{date}-fits.json"
    workloads = json.loads(kept.read_text())["workloads"] if kept.exists() else {}
    for name in options.workload:
        started = {"load_average_at_start": machine()["load_average_at_start"]}
        workloads[name] = measure(release, name, options.scale, options.rounds, options.limit, started)
        result = {"date": date, "machine": facts, "versions": versions(PEER_PACKAGES), "scale": options.scale}
        result["workloads"] = {name: workloads[name] for name in names if name in workloads}
        # After every workload, so that a run that is stopped leaves what it found.
        keep(f"{date}-fits", result, fits_markdown(result), folder)
    output(PYTHON, BENCH / "peers" / "plot_fits.py", kept)
    print(f"results are in {folder}", file=sys.stderr)


if __name__ == "__main__":
    main()
