"""What a result says: the facts of the machine, and the tables."""

import os
import platform
from pathlib import Path


def machine():
    """The processor, the kernel and how busy the machine is; nothing that names the machine."""
    model = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        lines = cpuinfo.read_text().splitlines()
        model = next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), model)
    return {
        "cpu": model,
        "cores": os.cpu_count(),
        "kernel": f"{platform.system()} {platform.release().split('-')[0]}",
        "load_average_at_start": round(os.getloadavg()[0], 2),
    }


def where(facts):
    """The machine in a sentence."""
    load = facts["load_average_at_start"]
    return f"{facts['cpu']}, {facts['cores']} cores, {facts['kernel']}, load {load} at the start. "


def markdown(result):
    """The result as a page with one table."""
    facts, software, loop = result["machine"], result["versions"], result["loop"]
    lines = [
        f"# {result['date']}",
        "",
        where(facts)
        + f"Commit {software['commit']}, rustc {software['rustc']}, PyTorch {software['torch']}, "
        + f"Python {software['python']}.",
        "",
        f"Training loop of the tutorial (100 epochs of 50 batches), medians of {result['rounds']} rounds:",
        "",
        "| program | loop, ms | times as long as logistic |",
        "|---|---:|---:|",
    ]
    ours = loop["logistic"]["median_seconds"]
    for name, entry in loop.items():
        seconds = entry["median_seconds"]
        lines.append(f"| {name} | {seconds * 1e3:.2f} | {seconds / ours:.1f} |")
    lines += [
        "",
        f"Against the faster PyTorch run: {result['speedup']:.1f} times as fast. "
        + f"Largest difference between the final weights: {result['largest_weight_difference']:.1e}.",
        "",
        f"`logistic tutorial --json`, from start to exit: {result['whole_process']['median_seconds'] * 1e3:.1f} ms "
        + f"(median of {len(result['whole_process']['seconds'])}).",
        "",
    ]
    return "\n".join(lines)


def tables_markdown(result):
    """The result of the benchmark of tables as a page."""
    facts, software, table = result["machine"], result["versions"], result["table"]
    sizes = table["bytes"]
    lines = [
        f"# {result['date']}: tables",
        "",
        where(facts)
        + f"Commit {software['commit']}, rustc {software['rustc']}, pandas {software['pandas']}, "
        + f"Polars {software['polars']}, pyarrow {software['pyarrow']}, scikit-learn {software['scikit-learn']}, "
        + f"Python {software['python']}.",
        "",
        f"{table['rows']:,} rows, {table['columns']} columns of numbers with all digits: "
        + f"{sizes['csv'] / 1e6:.0f} MB of CSV, {sizes['parquet'] / 1e6:.0f} MB of Parquet. "
        + f"Medians of {result['rounds']} rounds.",
        "",
        *reading_lines(result["reading"]),
        *training_lines(result["training"]),
        *scoring_lines(result["scoring"], table["rows"]),
        *long_scoring_lines(result["long_scoring"]),
    ]
    return "\n".join(lines)


def reading_lines(reading):
    """One table of all readers; a ratio compares with logistic on the same format."""
    lines = [
        "| reading | seconds | times as long as logistic | first read, s | threads busy | peak memory, MB |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    titles = {"csv": "CSV", "parquet": "Parquet"}
    for kind, entries in reading.items():
        ours = entries["logistic"]["median_seconds"]
        for name, entry in entries.items():
            seconds, first = entry["median_seconds"], entry["median_first_seconds"]
            lines.append(
                f"| {titles[kind]}, {name} | {seconds:.2f} | {seconds / ours:.2f} | {first:.2f} | "
                + f"{entry['median_threads_busy']:.1f} | {entry['median_peak_bytes'] / 1e6:.0f} |"
            )
    return [*lines, ""]


def training_lines(training):
    """One sentence about training."""
    return [
        f"`logistic train` of the CSV file, from start to exit: {training['median_seconds']:.2f} s "
        + f"({training['median_read_seconds']:.2f} s reading and encoding, {training['median_fit_seconds']:.2f} s "
        + f"fitting), at most {training['median_peak_bytes'] / 1e6:.0f} MB.",
        "",
    ]


def scoring_lines(scoring, rows):
    """One table of the scoring of the CSV file into another."""
    lines = [
        "| scoring CSV into CSV | seconds | times as long as logistic | rows per second | peak memory, MB |",
        "|---|---:|---:|---:|---:|",
    ]
    ours = scoring["logistic"]["median_seconds"]
    for name in ("logistic", "pandas and scikit-learn"):
        seconds, peak = scoring[name]["median_seconds"], scoring[name]["median_peak_bytes"]
        lines.append(
            f"| {name} | {seconds:.2f} | {seconds / ours:.1f} | {rows / seconds:,.0f} | {peak / 1e6:.0f} |"
        )
    return [*lines, "", f"Largest difference between the probabilities: {scoring['largest_difference']:.1e}.", ""]


def long_scoring_lines(scoring):
    """One sentence about the long table, or why there is none."""
    if "skipped" in scoring:
        return [f"`logistic predict` on a long table was left out: {scoring['skipped']}.", ""]
    return [
        f"`logistic predict` on {scoring['rows']:,} rows and {scoring['columns']} columns "
        + f"({scoring['bytes'] / 1e9:.1f} GB of CSV) into another file: {scoring['median_seconds']:.1f} s, "
        + f"{scoring['rows_per_second']:,.0f} rows per second, at most {scoring['largest_peak_bytes'] / 1e6:.0f} MB.",
        "",
    ]
