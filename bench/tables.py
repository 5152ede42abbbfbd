#!/usr/bin/env python3
"""Times the reading and scoring of tables here, in pandas and in Polars, on this machine, in one run.

    python3 bench/tables.py [--rounds 5]

Builds the release binaries, prepares bench/.venv, writes the tables into a temporary folder (about 1.5 GB, and 5 GB
more for the long one), takes turns between the programs, checks that they agree, and writes
bench/results/DATE-tables.json and DATE-tables.md. Needs nothing but Python and cargo to start.
"""

import argparse
import datetime
import json
import shutil
import statistics
import sys
import tempfile
from pathlib import Path

from harness import BENCH, PYTHON, build_release, keep, measured, output, prepare_python, versions
from report import machine, tables_markdown

ROWS, COLUMNS = 1_000_000, 28
LONG_COLUMNS, BLOCK_ROWS, BLOCKS = 29, 100_000, 100
READS_PER_PROCESS = 3
# The table with 10,000,000 rows and its scored copy take half of it.
LONG_DISK = 10e9
PEAK_ALLOWED = 200e6
# pandas rounds the last digit as it likes (`float_precision`), so a sum over a million rows is not the same bit by bit.
SUM_TOLERANCE = 1e-6
PROBABILITY_TOLERANCE = 1e-12


def peer(program, *arguments):
    """The command that runs a peer."""
    return [PYTHON, BENCH / "peers" / program, *arguments]


def write_tables(folder):
    """Writes the tables that every program reads, outside the measured time."""
    output(*peer("make_tables.py", "all", folder, "--rows", ROWS, "--columns", COLUMNS))
    sizes = {path.suffix[1:]: path.stat().st_size for path in folder.glob("numbers.*")}
    return {"rows": ROWS, "columns": COLUMNS + 1, "bytes": sizes}


def readers(release, folder):
    """For each format, the programs that read its file; each prints a line of JSON with the seconds of its reads."""
    csv, parquet = folder / "numbers.csv", folder / "numbers.parquet"
    ours = release / "examples" / "time_read"
    peers = {
        "csv": {"pandas, C": "pandas c", "pandas, pyarrow": "pandas pyarrow", "polars": "polars csv"},
        "parquet": {"pandas, pyarrow": "pandas parquet", "polars": "polars parquet"},
    }
    return {
        kind: {
            "logistic": [ours, path, READS_PER_PROCESS],
            **{name: peer("read_table.py", reader, path, READS_PER_PROCESS) for name, reader in peers[kind].items()},
        }
        for kind, path in (("csv", csv), ("parquet", parquet))
    }


def read_once(command):
    """One process's reads: its median, its first read, how many threads were busy, and the sum of a column."""
    run = measured(*command)
    told = json.loads(run["printed"])
    # Our process does nothing but read; a peer's imports must not count, so it measures its own CPU time.
    if "cpu_seconds" in told:
        busy = sum(told["cpu_seconds"]) / sum(told["seconds"])
    else:
        busy = run["cpu_seconds"] / run["seconds"]
    return {
        "seconds": statistics.median(told["seconds"]),
        "first_seconds": told["seconds"][0],
        "threads_busy": busy,
        "peak_bytes": run["peak_bytes"],
        "sum": told["sum"],
    }


def time_reading(programs, rounds):
    """Runs every program once a round, so that a slow spell of the machine meets them all alike."""
    runs = {kind: {name: [] for name in commands} for kind, commands in programs.items()}
    for turn in range(rounds):
        for kind, commands in programs.items():
            for name, command in commands.items():
                runs[kind][name].append(read_once(command))
        print(f"reading, round {turn + 1} of {rounds}", file=sys.stderr)
    return {kind: {name: summarise(each) for name, each in of_kind.items()} for kind, of_kind in runs.items()}


def summarise(runs):
    """The medians over rounds, and every round's seconds."""
    medians = {f"median_{key}": statistics.median(run[key] for run in runs) for key in runs[0]}
    return {**medians, "seconds_per_round": [run["seconds"] for run in runs]}


def check_sums(reading):
    """Ends the benchmark when the readers did not read the same numbers."""
    sums = {
        f"{kind}, {name}": entry["median_sum"] for kind, entries in reading.items() for name, entry in entries.items()
    }
    if max(sums.values()) - min(sums.values()) > SUM_TOLERANCE:
        sys.exit(f"the readers disagree on the sum of a column: {sums}")


def time_training(release, folder, rounds):
    """`logistic train` on the CSV file, from start to exit. The last run's summary and model stay in the folder."""
    command = [release / "logistic", "train", folder / "numbers.csv", "--target", "y", "--json"]
    runs = []
    for _ in range(rounds):
        run = measured(*command, "--output", folder / "model.json")
        (folder / "summary.json").write_text(run.pop("printed"))
        told = json.loads((folder / "summary.json").read_text())
        runs.append({**run, **{key: told[key] for key in ("read_seconds", "fit_seconds")}})
    return summarise(runs)


def time_scoring(release, folder, rounds):
    """The CSV file scored here and with pandas and scikit-learn, in turns; both must find the same probabilities."""
    data, ours, theirs = (folder / name for name in ("numbers.csv", "ours.csv", "theirs.csv"))
    runs = {"logistic": [], "pandas and scikit-learn": []}
    for turn in range(rounds):
        command = [release / "logistic", "predict", folder / "model.json", data, "--output", ours]
        runs["logistic"].append(without_text(measured(*command)))
        run = measured(*peer("score_table.py", folder / "summary.json", data, theirs))
        # Only what its clock covers; ours is counted from start to exit.
        runs["pandas and scikit-learn"].append(without_text({**run, **json.loads(run["printed"])}))
        print(f"scoring, round {turn + 1} of {rounds}", file=sys.stderr)
    difference = json.loads(output(*peer("compare_scores.py", ours, theirs)))
    if difference["classes"] or difference["probability"] > PROBABILITY_TOLERANCE:
        sys.exit(f"the programs score differently: {difference}")
    for path in (ours, theirs):
        path.unlink()
    return {**{name: summarise(each) for name, each in runs.items()}, "largest_difference": difference["probability"]}


def without_text(run):
    """The numbers of a run."""
    return {key: value for key, value in run.items() if key != "printed"}


def time_long_scoring(release, folder, rounds):
    """`logistic predict` on 10,000,000 rows: rows per second, and memory that must not grow with the file."""
    free = shutil.disk_usage(folder).free
    if free < LONG_DISK:
        return {"skipped": f"{free / 1e9:.0f} GB of disk are free, {LONG_DISK / 1e9:.0f} are needed"}
    data, model, scored = folder / "long.csv", folder / "long-model.json", folder / "scored.csv"
    output(*peer("make_tables.py", "block", folder, "--rows", BLOCK_ROWS, "--columns", LONG_COLUMNS))
    output(release / "logistic", "train", folder / "block.csv", "--target", "y", "--output", model)
    repeat(folder / "block.csv", data)
    command = [release / "logistic", "predict", model, data, "--output", scored]
    runs = [without_text(measured(*command)) for _ in range(rounds)]
    rows, peak = BLOCK_ROWS * BLOCKS, max(run["peak_bytes"] for run in runs)
    if lines(scored) != rows + 1:
        sys.exit("the scored table does not have the rows of the table")
    if peak > PEAK_ALLOWED:
        sys.exit(f"predict held {peak / 1e6:.0f} MB, more than {PEAK_ALLOWED / 1e6:.0f}")
    summary = summarise(runs)
    table = {"rows": rows, "columns": LONG_COLUMNS + 1, "bytes": data.stat().st_size}
    return {**table, **summary, "largest_peak_bytes": peak, "rows_per_second": rows / summary["median_seconds"]}


def repeat(block, path):
    """Writes the rows of a block many times under its header.

    In pieces, for a process starts with the memory of the one that starts it, as far as its peak is concerned.
    """
    with block.open("rb") as source, path.open("wb") as file:
        file.write(source.readline())
        rows = source.tell()
        for _ in range(BLOCKS):
            source.seek(rows)
            shutil.copyfileobj(source, file)


def lines(path):
    """The number of lines of a file."""
    with path.open("rb") as file:
        return sum(piece.count(b"\n") for piece in iter(lambda: file.read(1 << 20), b""))


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--rounds", type=int, default=5, help="turns each program takes (default: 5)")
    rounds = arguments.parse_args().rounds

    facts = machine()
    prepare_python("requirements-tables.txt")
    release = build_release("time_read", "--features", "arrow")
    with tempfile.TemporaryDirectory(prefix="logistic-bench-") as name:
        folder = Path(name)
        table = write_tables(folder)
        reading = time_reading(readers(release, folder), rounds)
        check_sums(reading)
        result = {
            "date": datetime.date.today().isoformat(),
            "machine": facts,
            "versions": versions(["numpy", "pandas", "polars", "pyarrow", "scikit-learn"]),
            "rounds": rounds,
            "reads_per_process": READS_PER_PROCESS,
            "table": table,
            "reading": reading,
            "training": time_training(release, folder, rounds),
            "scoring": time_scoring(release, folder, rounds),
            "long_scoring": time_long_scoring(release, folder, min(rounds, 3)),
        }
    keep(f"{result['date']}-tables", result, tables_markdown(result))


if __name__ == "__main__":
    main()
