#!/usr/bin/env python3
"""Times fits of a Parquet file that is larger than the memory they may take: here, one pass of scikit-learn's
`partial_fit` over the same file, and one pass of Vowpal Wabbit, in one run.

    python3 bench/larger.py [--rows 100000000] [--memory 700MB] [--folder DIR]

The file has 28 columns of 32 bits and an outcome, about 112 bytes a row; a copy of as many bytes is made beside it
while a fit lasts, in TMPDIR. Both are removed. Vowpal Wabbit reads text: the first rows are written as text before its
clock starts. Writes bench/results/DATE-larger.json and DATE-larger.md.
"""

import argparse
import datetime
import json
import os
import sys
import tempfile
from pathlib import Path

from harness import BENCH, ENVIRONMENT, PYTHON, build_release, keep, measured, output, prepare_python, versions
from report import machine

VW_ROWS = 4_000_000
# Mean losses are compared on the rows at the end, which every program but Vowpal Wabbit has seen as often as others.
JUDGED_ROWS = 2_000_000


def peer(*arguments):
    """The command that runs one of the programs of peers/larger.py."""
    return [PYTHON, BENCH / "peers" / "larger.py", *arguments]


def fit_here(release, data, memory, model):
    """`logistic train`, from start to exit."""
    run = measured(
        release / "logistic", "train", data, "--target", "y", "--memory", memory, "--json", "--output", model
    )
    told = json.loads(run.pop("printed"))
    terms = {row["term"]: row["estimate"] for row in told["coefficients"]}
    return {**run, "read_seconds": told["read_seconds"], "fit_seconds": told["fit_seconds"], "gap": told["gap"]}, terms


def fit_peer(*arguments):
    """A peer's fit: what it measured itself, its memory, and its coefficients."""
    run = measured(*peer(*arguments))
    told = json.loads(run["printed"])
    return {"seconds": told["seconds"], "peak_bytes": run["peak_bytes"]}, told["terms"]


def page(result):
    """The result in words."""
    rows = [
        "| program | rows | seconds | rows a second | most memory | mean loss of the last rows |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    for name, fit in result["fits"].items():
        rows.append(
            f"| {name} | {fit['rows']:,} | {fit['seconds']:.1f} | {fit['rows'] / fit['seconds']:,.0f} "
            f"| {fit['peak_bytes'] / 1e6:,.0f} MB | {fit['loss']:.9f} |"
        )
    ours = result["fits"]["logistic"]
    head = [
        f"# A table larger than memory, {result['date']}",
        "",
        f"{result['rows']:,} × 28 numbers of 32 bits in Parquet ({result['bytes'] / 1e9:.1f} GB), "
        f"`--memory {result['memory']}`; {result['machine']['cores']} cores, commit {result['versions']['commit']}.",
        "",
    ]
    tail = [
        "",
        f"Of ours {ours['read_seconds']:.1f} s are reading and {ours['fit_seconds']:.1f} s the fit, to a certified gap of "
        f"{ours['gap']:.1e} nats per row, with standard errors; the others pass over the rows once.",
        "",
    ]
    return "\n".join([*head, *rows, *tail])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--memory", default="700MB")
    parser.add_argument("--folder", type=Path, help="where the data go (default: a temporary folder)")
    asked = parser.parse_args()

    facts = machine()
    prepare_python("requirements-larger.txt")
    release = build_release("time_read", "--features", "arrow")
    with tempfile.TemporaryDirectory(prefix="logistic-bench-", dir=asked.folder) as name:
        folder = Path(name)
        ENVIRONMENT["TMPDIR"] = name
        data, text = folder / "rows.parquet", folder / "rows.vw"
        output(*peer("make", data, asked.rows))
        vw_rows = min(VW_ROWS, asked.rows)
        fits, terms = {}, {}
        fits["logistic"], terms["logistic"] = fit_here(release, data, asked.memory, folder / "model.json")
        print("scikit-learn", file=sys.stderr)
        fits["scikit-learn, one `partial_fit` pass"], terms["scikit-learn, one `partial_fit` pass"] = fit_peer(
            "sklearn", data
        )
        print("Vowpal Wabbit", file=sys.stderr)
        output(*peer("text", data, text, vw_rows))
        fits["Vowpal Wabbit, one pass"], terms["Vowpal Wabbit, one pass"] = fit_peer("vw", text)
        (folder / "terms.json").write_text(json.dumps(terms))
        losses = json.loads(output(*peer("judge", data, folder / "terms.json", min(JUDGED_ROWS, asked.rows))))
        for name_, fit in fits.items():
            fit["loss"] = losses[name_]
            fit["rows"] = vw_rows if name_.startswith("Vowpal") else asked.rows
        result = {
            "date": datetime.date.today().isoformat(),
            "machine": facts,
            "versions": versions(["numpy", "pyarrow", "scikit-learn", "vowpalwabbit"]),
            "rows": asked.rows,
            "bytes": os.stat(data).st_size,
            "memory": asked.memory,
            "fits": fits,
        }
    keep(f"{result['date']}-larger", result, page(result))


if __name__ == "__main__":
    main()
