"""What the benchmarks share: the programs they need, running and measuring them, and writing what was found."""

import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

BENCH = Path(__file__).resolve().parent
ROOT = BENCH.parent
RESULTS = BENCH / "results"
PYTHON = BENCH / ".venv" / "bin" / "python"

# Overrides of OpenBLAS's choice of kernel would slow NumPy down; every program runs without them.
ENVIRONMENT = {k: v for k, v in os.environ.items() if k not in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")}

# Linux counts the most memory held in KiB, macOS in bytes.
RSS_UNIT = 1 if sys.platform == "darwin" else 1024


def output(*command):
    """What a command prints; its errors go to the terminal, a failure ends the benchmark."""
    command = [str(part) for part in command]
    return subprocess.run(command, cwd=ROOT, env=ENVIRONMENT, check=True, stdout=subprocess.PIPE, text=True).stdout


def measured(*command):
    """What a command prints, and its seconds, its CPU seconds and the most memory that it held."""
    command = [str(part) for part in command]
    # A file, for nobody would empty a pipe before the end.
    with tempfile.TemporaryFile("w+") as printed:
        start = time.perf_counter()
        child = subprocess.Popen(command, cwd=ROOT, env=ENVIRONMENT, stdout=printed)
        _, status, usage = os.wait4(child.pid, 0)
        seconds = time.perf_counter() - start
        child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode != 0:
            raise subprocess.CalledProcessError(child.returncode, command)
        printed.seek(0)
        return {
            "printed": printed.read(),
            "seconds": seconds,
            "cpu_seconds": usage.ru_utime + usage.ru_stime,
            "peak_bytes": usage.ru_maxrss * RSS_UNIT,
        }


def attempted(*command, limit):
    """As `measured`, of a command that may fail: `failed` is then the last line of its errors."""
    command = [str(part) for part in command]
    with tempfile.TemporaryFile("w+") as printed, tempfile.TemporaryFile("w+") as complaint:
        start = time.perf_counter()
        child = subprocess.Popen(command, cwd=ROOT, env=ENVIRONMENT, stdout=printed, stderr=complaint)
        late = threading.Timer(limit, child.kill)
        late.start()
        _, status, usage = os.wait4(child.pid, 0)
        cut_off = not late.is_alive()
        late.cancel()
        child.returncode = os.waitstatus_to_exitcode(status)
        told = {"seconds": time.perf_counter() - start, "peak_bytes": usage.ru_maxrss * RSS_UNIT}
        if child.returncode == 0:
            printed.seek(0)
            return {**told, "printed": printed.read()}
        complaint.seek(0)
        lines = complaint.read().strip().splitlines() or [f"exit status {child.returncode}"]
        return {**told, "cut_off": cut_off, "failed": lines[-1]}


def prepare_python(requirements):
    """Makes bench/.venv hold exactly what this file of requirements pins."""
    if not PYTHON.exists():
        output(sys.executable, "-m", "venv", BENCH / ".venv")
    output(PYTHON, "-m", "pip", "install", "--quiet", "--requirement", BENCH / requirements)


def build_release(example, *options):
    """Builds the command line and an example of the library, and returns the folder they are in."""
    output("cargo", "build", "--release", "--package", "logistic", "--example", example, *options)
    output("cargo", "build", "--release", "--package", "logistic-cli")
    metadata = json.loads(output("cargo", "metadata", "--no-deps", "--format-version", "1"))
    return Path(metadata["target_directory"]) / "release"


def versions(names):
    """The software measured and what built it."""
    ask = f"import json; from importlib.metadata import version; print(json.dumps({{n: version(n) for n in {names}}}))"
    return {
        "commit": output("git", "describe", "--always", "--dirty").strip(),
        "rustc": output("rustc", "--version").split()[1],
        "python": output(PYTHON, "--version").split()[1],
        **json.loads(output(PYTHON, "-c", ask)),
    }


def keep(name, result, page, folder=RESULTS):
    """Writes a result with every number, and its page, into results/ or another folder."""
    folder.mkdir(exist_ok=True)
    for suffix, text in (("json", json.dumps(result, indent=1) + "\n"), ("md", page)):
        (folder / f"{name}.{suffix}").write_text(text)
    print(page)
