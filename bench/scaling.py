#!/usr/bin/env python3
"""Fits the cost of a pass to what this machine takes, holds it against sizes it has not seen, and extrapolates.

    python3 bench/scaling.py [--rounds 7] [--cluster PATH_OF_logistic-cluster]

docs/scaling.md says what the model is. With the cluster's binary (`cargo build --release --bin logistic-cluster --example
one_process` in crates/logistic-cluster) the cost of asking a cluster is measured too: one scheduler and two executors of one
core each, on loopback. Writes bench/results/DATE-scaling.json and DATE-scaling.md.
"""

import argparse
import contextlib
import datetime
import heapq
import json
import math
import os
import random
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from harness import ENVIRONMENT, PYTHON, build_release, keep, output, prepare_python, versions
from report import machine

THREADS = 2
# Numbers in a table: more than a cache holds.
NUMBERS = 16_000_000
LEARNT_COLUMNS = [7, 14, 28, 56, 112, 224, 448]
# Held back: four and sixteen times the numbers, and widths between and beyond those learnt.
HELD_BACK = [(2_285_714, 28), (9_142_857, 28), (426_666, 150), (64_000, 1000)]

# What is not measured here: ten gigabits a second between nodes, and their memory for rows.
NETWORK = 1.25e9
MEMORY = 256e9
# Iterations of Newton's method after a first pass that learns scales, and of L-BFGS: usual numbers of this library.
NEWTON, LBFGS = 8, 60
CORES = 16
# Of a node; its cores share each of them.
PARTITIONS = 4
FORMS = [("1 TB", 1e12), ("100 TB", 1e14)]
WIDTHS = [28, 300, 3000]
NODES = [10, 100, 1000]


def in_memory(release, rounds, sizes):
    """Seconds of a gradient and of a Hessian, by size."""
    found = []
    for rows, columns in sizes:
        told = json.loads(output(release / "examples" / "time_pass", rows, columns, THREADS, rounds))
        gradient, hessian = (told[f"{name}_standardised"]["seconds"] for name in ("gradient", "hessian"))
        found.append({"rows": rows, "columns": columns, "gradient": gradient, "hessian": hessian})
    return found


def terms(rows, columns):
    """What the model multiplies: bytes read, rows, and products of two columns, by core."""
    return [amount / THREADS for amount in (8.0 * rows * columns, rows, rows * columns * (columns + 1) / 2.0)]


def learn(measured):
    """Seconds a byte, a row and a product, of one core: least squares of relative errors, none below zero."""
    import numpy as np

    rows, seconds = [], []
    for size in measured:
        of = terms(size["rows"], size["columns"])
        rows += [[*of[:2], 0.0], of]
        seconds += [size["gradient"], size["hessian"]]
    scaled = np.array(rows) / np.array(seconds)[:, None]
    kept = [0, 1, 2]
    while True:
        found = np.linalg.lstsq(scaled[:, kept], np.ones(len(seconds)), rcond=None)[0]
        if (found >= 0).all():
            return np.bincount(kept, found, 3).tolist()
        kept = [column for column, cost in zip(kept, found) if cost >= 0]


def predicted(cost, rows, columns, order):
    """Seconds of a pass in memory."""
    wanted = 2 if order == "gradient" else 3
    return sum(amount * price for amount, price in list(zip(terms(rows, columns), cost))[:wanted])


def errors(cost, measured):
    """How far the model is from what was measured, as ratios less one."""
    return [
        predicted(cost, size["rows"], size["columns"], order) / size[order] - 1
        for size in measured
        for order in ("gradient", "hessian")
    ]


@contextlib.contextmanager
def cluster(binary):
    """One scheduler, two executors of one core."""
    head = subprocess.Popen([binary, "scheduler", "--port", "0"], stdout=subprocess.PIPE, text=True, env=ENVIRONMENT)
    address = head.stdout.readline().removeprefix("listening on ").strip()
    command = [binary, "executor", "--scheduler", address, "--cores", "1", "--memory", "4GB"]
    executors = [subprocess.Popen(command, env=ENVIRONMENT) for _ in range(2)]
    try:
        yield f"df://{address}"
    finally:
        for process in [*executors, head]:
            process.terminate()
            process.wait()


def write_rows(folder, rows, columns):
    """Standard normal columns in four files of Parquet."""
    script = f"""
import numpy, pyarrow, pyarrow.parquet
for part in range(4):
    draw = numpy.random.default_rng(part)
    x = draw.standard_normal(({rows} // 4, {columns}))
    y = (x[:, 0] + draw.standard_normal(len(x)) > 0).astype("int8")
    table = pyarrow.table({{**{{f"x{{k}}": x[:, k] for k in range({columns})}}, "y": y}})
    pyarrow.parquet.write_table(table, r"{folder}" + f"/part{{part}}.parquet", row_group_size=65536)
"""
    output(PYTHON, "-c", script)
    return f"{folder}/*.parquet"


def passes_of(binary, engine, folder, partitions):
    """Seconds of a pass that reads, of one of kept rows on a cluster, and of the same in one process: means over a fit."""
    asked = ["--target", "y", "--engine", engine, "--partitions", partitions, "--json", "-o", folder / "model.json"]
    told = json.loads(output(binary, "train", f"{folder}/*.parquet", *asked))
    (folder / "model.json").unlink()
    # The first looks at the columns, the second reads and encodes.
    reading, there = told["engine"]["pass_seconds"][1], told["engine"]["pass_seconds"][2:]
    here = json.loads(output(binary.parent / "examples" / "one_process", folder, "y").splitlines()[-1])[1:]
    if len(here) != len(there):
        raise SystemExit(f"{len(there)} passes on the cluster, {len(here)} in one process")
    return reading, statistics.mean(there), statistics.mean(here)


def on_cluster(binary, rounds, sizes):
    """The same for each size and number of partitions, medians over rounds."""
    found = []
    with tempfile.TemporaryDirectory(prefix="logistic-bench-") as name, cluster(binary) as engine:
        for rows, columns, partitions in sizes:
            folder = Path(name) / f"{rows}x{columns}"
            if not folder.exists():
                folder.mkdir()
                write_rows(folder, rows, columns)
            fits = [passes_of(binary, engine, folder, partitions) for _ in range(rounds)]
            there, here = (statistics.median(fit[at] for fit in fits) for at in (1, 2))
            # Later fits find the rows where the first one left them.
            reading = fits[0][0]
            size = {"rows": rows, "columns": columns, "partitions": partitions}
            found.append({**size, "reading": reading, "seconds": there, "here": here})
    return found


def overheads(measured):
    """Seconds that asking a cluster takes beyond the passes in one process: for a pass, for each partition of it, and for
    each byte that a core reads again."""
    import numpy as np

    above = np.array([one["seconds"] - one["here"] for one in measured])
    counts = np.array([[1.0, one["partitions"]] for one in measured])
    constant, each = np.linalg.lstsq(counts, above, rcond=None)[0]
    largest = measured[-1]
    reading = (largest["reading"] - largest["seconds"]) * THREADS / (8.0 * largest["rows"] * largest["columns"])
    return {"constant": float(constant), "each_partition": float(max(each, 0.0)), "read_byte": reading}


def extrapolated(cost, overhead, size, columns, nodes):
    """Seconds of Newton's method and of L-BFGS on so many nodes, with sums merged in a tree."""
    rows, cores = size / 8 / columns, CORES * nodes
    byte, row, product = cost
    again = max(0.0, 1 - MEMORY * nodes / size)
    gradient = rows / cores * (8 * columns * (byte + again * overhead["read_byte"]) + row)
    hessian = gradient + rows / cores * columns * (columns + 1) / 2 * product
    state = 4.0 * columns * (columns + 1)
    levels = math.ceil(math.log2(nodes))
    asked = overhead["constant"] + overhead["each_partition"] * PARTITIONS * nodes
    # Each core's sum is added to the node's in memory, at a byte's price; nodes merge in pairs.
    merge = CORES * state * byte + levels * state / NETWORK
    solve = columns**3 / 3 * product
    flat = PARTITIONS * nodes * state / NETWORK
    return {
        "newton": NEWTON * (hessian + merge + asked + solve),
        "lbfgs": LBFGS * (gradient + levels * 8 * columns / NETWORK + asked),
        "merge": merge,
        "flat_merge": flat,
        "state": state,
        "read_again": again,
    }


def stretched(nodes, each, spread, rounds=5):
    """A pass by simulation, in units of its mean: so many equal tasks for each node, handed out as nodes become free, whose
    times are lognormal with a standard deviation of `spread` of their logarithm."""
    draw = random.Random(1)
    lasts = []
    for _ in range(rounds):
        free = [0.0] * nodes
        for _ in range(nodes * each):
            time = draw.lognormvariate(-(spread**2) / 2, spread) / each
            heapq.heapreplace(free, free[0] + time)
        lasts.append(max(free))
    return statistics.mean(lasts)


def table(head, rows):
    """A table of Markdown."""
    return ["| " + " | ".join(head) + " |", "|" + "---|" * len(head), *("| " + " | ".join(row) + " |" for row in rows), ""]


def page(result):
    """The result in words."""
    byte, row, product = result["cost"]
    lines = [
        f"# What a pass costs, {result['date']}",
        "",
        f"{THREADS} threads, {result['machine']['cores']} cores ({result['machine']['cpu']}), load at the start "
        f"{result['machine']['load_average_at_start']}, commit {result['versions']['commit']}.",
        "",
        f"Of one core: {1e-9 / byte if byte else float('inf'):.1f} GB/s read, {1e9 * row:.1f} ns a row, "
        f"{1e-9 / product:.1f} billion products a second.",
        "",
        "In memory; learnt from the first sizes, held against the last:",
        "",
    ]
    rows = []
    for kind in ("learnt", "held_back"):
        for size in result[kind]:
            for order in ("gradient", "hessian"):
                guess = predicted(result["cost"], size["rows"], size["columns"], order)
                words = [kind.replace("_", " "), f"{size['rows']:,} × {size['columns']}", order]
                rows.append([*words, f"{size[order]:.4f} s", f"{guess:.4f} s", f"{100 * (guess / size[order] - 1):+.0f} %"])
    lines += table(["", "size", "pass", "measured", "model", "error"], rows)
    if result["on_cluster"]:
        lines += ["On a cluster of two executors of one core, rows kept, the mean pass of a fit; the last is held back:", ""]
        rows = [
            [f"{m['rows']:,} × {m['columns']}", str(m["partitions"]), f"{m['here']:.3f} s", f"{m['seconds']:.3f} s",
             f"{m['seconds'] / m['here']:.2f}", f"{m['model']:.3f} s", f"{100 * (m['model'] / m['seconds'] - 1):+.0f} %"]
            for m in result["on_cluster"]
        ]
        lines += table(["size", "partitions", "in one process", "cluster", "ratio", "model", "error"], rows)
        lines += [f"Asking costs {1e3 * result['overhead']['constant']:.0f} ms a pass and "
                  f"{1e3 * result['overhead']['each_partition']:.1f} ms a partition; a core reads and encodes "
                  f"{1e-6 / result['overhead']['read_byte']:.0f} MB a second (as numbers of 64 bits).", ""]
    lines += [f"Extrapolated to nodes of {CORES} such cores and {8 * NETWORK / 1e9:.0f} Gbit/s, {MEMORY / 1e9:.0f} GB of each for rows:", ""]
    rows = [
        [e["size"], str(e["columns"]), str(e["nodes"]), f"{100 * e['read_again']:.0f} %", f"{e['newton']:,.0f} s",
         f"{e['lbfgs']:,.0f} s", f"{1e3 * e['merge']:,.1f} ms", f"{1e3 * e['flat_merge']:,.0f} ms"]
        for e in result["extrapolated"]
    ]
    lines += table(["data", "columns", "nodes", "read again", f"Newton, {NEWTON} passes", f"L-BFGS, {LBFGS}",
                    "merge as a tree", "at one node"], rows)
    lines += ["By simulation, how much longer than its mean task-time a pass lasts whose tasks vary:", ""]
    rows = [[str(s["nodes"]), str(s["tasks_a_node"]), f"{s['spread']:.2f}", f"{s['stretch']:.2f}"] for s in result["simulated"]]
    lines += table(["nodes", "tasks a node", "spread of a task's time", "pass, of its mean"], rows)
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--cluster", type=Path, help="the binary logistic-cluster")
    asked = parser.parse_args()
    facts = machine()
    prepare_python("requirements-larger.txt")
    if sys.prefix == sys.base_prefix:
        # NumPy is in the environment that was just made.
        os.execv(PYTHON, [PYTHON, *sys.argv])
    release = build_release("time_pass")
    learnt = in_memory(release, asked.rounds, [(NUMBERS // columns, columns) for columns in LEARNT_COLUMNS])
    held_back = in_memory(release, asked.rounds, HELD_BACK)
    cost = learn(learnt)
    measured, overhead = [], {"constant": 0.1, "each_partition": 0.0, "read_byte": 5e-9}
    if asked.cluster:
        binary = asked.cluster.resolve()
        measured = on_cluster(binary, 3, [(40_000, 28, 2), (40_000, 28, 32), (1_000_000, 28, 8), (4_000_000, 28, 8)])
        # The largest is held back.
        overhead = overheads(measured[:-1])
        for one in measured:
            one["model"] = one["here"] + overhead["constant"] + overhead["each_partition"] * one["partitions"]
    far = [
        {"size": name, "columns": columns, "nodes": nodes, **extrapolated(cost, overhead, size, columns, nodes)}
        for name, size in FORMS
        for columns in WIDTHS
        for nodes in NODES
    ]
    result = {
        "date": datetime.date.today().isoformat(),
        "machine": facts,
        "versions": versions(["numpy", "pyarrow"]),
        "cost": cost,
        "learnt": learnt,
        "held_back": held_back,
        "errors": {"learnt": errors(cost, learnt), "held_back": errors(cost, held_back)},
        "on_cluster": measured,
        "overhead": overhead,
        "extrapolated": far,
        "simulated": [
            {"nodes": nodes, "tasks_a_node": each, "spread": spread, "stretch": stretched(nodes, each, spread)}
            for nodes in NODES
            for each in (1, PARTITIONS)
            for spread in (0.05, 0.3)
        ],
    }
    keep(f"{result['date']}-scaling", result, page(result))


if __name__ == "__main__":
    main()
