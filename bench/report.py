"""What a result says: the facts of the machine, and the table."""

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


def markdown(result):
    """The result as a page with one table."""
    facts, software, loop = result["machine"], result["versions"], result["loop"]
    lines = [
        f"# {result['date']}",
        "",
        f"{facts['cpu']}, {facts['cores']} cores, {facts['kernel']}, load {facts['load_average_at_start']} at the start. "
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
