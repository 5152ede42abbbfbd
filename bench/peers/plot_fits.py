"""Draws the result of bench/fits.py beside it: time against gap for every workload, and time against size.

`plot_fits.py RESULT.json` writes RESULT-gap.svg and RESULT-scaling.svg, as far as the result has them.
"""

import json
import sys
from pathlib import Path

import matplotlib

matplotlib.use("svg")
import matplotlib.pyplot as plt  # noqa: E402
import numpy as np  # noqa: E402

# A gap below this is rounding; it is drawn here.
FLOOR = 1e-16
# Our fit comes first, in red.
COLOURS = ["tab:red", "tab:blue", "tab:green", "tab:orange", "tab:purple", "tab:brown", "tab:pink", "tab:cyan"]
MARKERS = ["o", "s", "^", "D"]
# Words in the picture stay words, so that it can be searched; the same input gives the same file.
plt.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "fits", "font.size": 8})


def gaps(workloads, path):
    """One panel for each workload, one point for each program; left and low is good."""
    shown = {name: own for name, own in workloads.items() if any("gap" in entry for entry in own["programs"].values())}
    rows = -(-len(shown) // 2)
    figure, panels = plt.subplots(rows, 2, figsize=(14, 4 * rows), squeeze=False, layout="constrained")
    for panel in panels.flat[len(shown) :]:
        panel.axis("off")
    for panel, (name, workload) in zip(panels.flat, shown.items()):
        # Names beside the points would cover each other where many programs reach the same gap.
        for at, (program, entry) in enumerate(workload["programs"].items()):
            if "gap" not in entry:
                continue
            marker, colour = MARKERS[at // len(COLOURS) % len(MARKERS)], COLOURS[at % len(COLOURS)]
            panel.plot(entry["seconds"], max(entry["gap"], FLOOR), marker, color=colour, label=program, alpha=0.8)
        panel.set(title=name, xscale="log", yscale="log", xlabel="seconds", ylabel="gap, nats per row")
        panel.legend(fontsize=6, loc="center left", bbox_to_anchor=(1, 0.5))
        panel.grid(alpha=0.3)
    save(figure, path)


def scaling(found, path):
    """Seconds against rows and against columns, with the power laws that fit them."""
    figure, panels = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
    for panel, (symbol, what) in zip(panels, (("n", "rows, of 28 columns"), ("p", "columns, of 100,000 rows"))):
        points = [(point[symbol], point["seconds"]) for point in found[symbol]["points"] if "seconds" in point]
        sizes, seconds = np.array(points).T
        panel.loglog(sizes, seconds, "o", color="tab:red")
        slope = found[symbol]["exponent"]
        panel.loglog(sizes, np.exp(np.log(seconds / sizes**slope).mean()) * sizes**slope, "--", color="tab:gray")
        panel.set(xlabel=what, ylabel="seconds", title=f"time as {symbol} to the power of {slope:.2f}")
        panel.grid(alpha=0.3)
    save(figure, path)


def save(figure, path):
    """Without the date, so that a picture changes only with what it shows."""
    figure.savefig(path, metadata={"Date": None})


def main():
    path = Path(sys.argv[1])
    workloads = json.loads(path.read_text())["workloads"]
    compared = {name: own for name, own in workloads.items() if "programs" in own}
    if compared:
        gaps(compared, path.with_name(f"{path.stem}-gap.svg"))
    if "scaling" in workloads:
        scaling(workloads["scaling"], path.with_name(f"{path.stem}-scaling.svg"))


if __name__ == "__main__":
    main()
