"""The page of the benchmark of fits: one table for every workload."""

from report import where

TITLES = {
    "dense-1m": "{rows:,} rows, {columns} columns of 64 bits",
    "dense-100k": "{rows:,} rows, {columns} columns of 64 bits",
    "wide": "{rows:,} rows, {columns:,} columns of 64 bits",
    "softmax": "{classes} classes: {rows:,} images of {side} × {side} pixels",
    "sparse": "{rows:,} rows, {columns:,} columns of which a row has {words} at most",
    "path": "The lasso at up to 100 penalties, chosen by 10-fold cross-validation: {rows:,} rows, {columns} columns",
    "categories": "{rows:,} rows, {numbers} numbers, {categories} categories of {levels:,} levels",
    "csv": "From a CSV file of {rows:,} rows and {columns} columns to a saved model",
}


def fits_markdown(result):
    """The result of the benchmark of fits as a page."""
    software = ", ".join(f"{name} {version}" for name, version in result["versions"].items())
    lines = [
        f"# {result['date']}: fits" + (" (small, to see whether it runs)" if result["scale"] == "small" else ""),
        "",
        where(result["machine"]) + f"{software}.".capitalize(),
        "",
        "The gap is how far the answer's objective is above the best that any program found, in nats per row; of two "
        + "answers 1e-16 apart, neither is better. Times are medians over rounds, ratios the medians of each round's.",
        "",
    ]
    sections = {"bandwidth": bandwidth_lines, "scaling": scaling_lines}
    for name, workload in result["workloads"].items():
        lines += sections.get(name, lambda workload, name=name: comparison_lines(name, workload))(workload)
    return "\n".join(lines)


def comparison_lines(name, workload):
    """One table of all programs, the fastest first."""
    lines = [
        f"## {name}",
        "",
        TITLES[name].format(**workload["size"])
        + (f"; l2 = {workload['l2']:.3g}. " if workload["l2"] else ". ")
        + of_run(workload),
        "",
        "| program | seconds | times as long as logistic | gap | peak memory, MB |",
        "|---|---:|---:|---:|---:|",
    ]
    programs = workload["programs"]
    for program in sorted(programs, key=lambda program: programs[program].get("seconds", float("inf"))):
        lines.append(program_line(program, programs[program]))
    return [*lines, ""]


def program_line(program, entry):
    """A program's line in the table."""
    if "failed" in entry:
        why = entry["failed"].replace("|", "/")
        return f"| {program} | {why} | | | |"
    ratio = "" if entry["ratio"] is None else f"{entry['ratio']:.2f}"
    return (
        f"| {program} | {digits(entry['seconds'])} | {ratio} | {gap_text(entry['gap'])} | "
        + f"{entry['peak_bytes'] / 1e6:.0f} |"
    )


def gap_text(gap):
    """A distance in one digit; none where it is rounding."""
    return "0" if gap == 0 else f"{gap:.0e}"


def digits(seconds):
    """Three digits of a time, never in powers of ten."""
    return f"{seconds:.{max(0, 3 - len(str(int(seconds))) if seconds >= 1 else 4)}f}"


def of_run(workload):
    """What tells one workload's run from another's."""
    return (
        f"{workload['rounds']} rounds at commit {workload['commit']}, load {workload['load_average_at_start']} "
        + "at the start."
    )


def bandwidth_lines(found):
    """One pass over the rows against reading them."""
    lines = [
        "## bandwidth",
        "",
        f"{found['rows']:,} rows of {found['columns']} numbers of 64 bits, row after row, {found['threads']} threads. "
        + of_run(found),
        "",
        "| pass | GB/s | of reading |",
        "|---|---:|---:|",
    ]
    names = {
        "read": "sum of all numbers",
        "gradient": "loss and gradient",
        "gradient_standardised": "loss and gradient, columns standardised on the way",
    }
    for key, name in names.items():
        lines.append(f"| {name} | {found[key]['gb_per_second']:.2f} | {found[key]['ratio_to_read']:.2f} |")
    return [*lines, ""]


def scaling_lines(found):
    """Our seconds against rows and columns."""
    lines = ["## scaling", "", of_run(found), ""]
    for symbol, what in (("n", "rows, of 28 columns"), ("p", "columns, of 100,000 rows")):
        exponent = found[symbol]["exponent"]
        lines += [
            f"| {what} | seconds |",
            "|---:|---:|",
            *(
                f"| {point[symbol]:,} | {digits(point['seconds']) if 'seconds' in point else point['failed']} |"
                for point in found[symbol]["points"]
            ),
            "",
            f"Time goes as {symbol} to the power of {exponent:.2f}." if exponent is not None else "",
            "",
        ]
    return lines
