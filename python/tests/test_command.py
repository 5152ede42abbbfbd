"""The command that the wheel installs does what the binary does."""

import json
import os
import signal
import subprocess
import sys
import time
from importlib.metadata import PackageNotFoundError, entry_points, version
from pathlib import Path

import pytest

DATA = Path(__file__).parents[2] / "testdata"
LOGISTIC = [sys.executable, "-m", "logistic"]


def run(*words, **settings):
    return subprocess.run([*LOGISTIC, *map(str, words)], capture_output=True, text=True, **settings)


def test_a_model_is_trained_used_and_shown(tmp_path):
    model = tmp_path / "model.json"
    trained = run("train", DATA / "saheart.csv", "--target", "chd", "-o", model, "--json")
    assert trained.returncode == 0
    assert json.loads(trained.stdout)["n_rows"] == 462
    scored = run("predict", model, DATA / "saheart.csv").stdout.splitlines()
    assert scored[0].endswith(",probability,predicted") and len(scored) == 463
    assert "chd" in run("summary", model).stdout


def test_exit_codes_and_streams_are_the_binarys(tmp_path):
    helped = run("train", "--help")
    assert helped.returncode == 0 and "Usage: logistic train" in helped.stdout
    misused = run("train", "--no-such-option")
    assert misused.returncode == 2 and misused.stdout == "" and "--no-such-option" in misused.stderr
    failed = run("train", tmp_path / "absent.csv", "--target", "y")
    assert failed.returncode == 1 and failed.stdout == "" and failed.stderr.startswith("error: ")
    as_json = run("train", tmp_path / "absent.csv", "--target", "y", "--json")
    assert as_json.returncode == 1 and json.loads(as_json.stdout)["error"]["kind"] == "io"
    assert run("--version").stdout.startswith("logistic ")


@pytest.mark.skipif(os.name != "posix", reason="pipes and signals are POSIX's")
def test_a_reader_that_has_read_enough_is_no_error():
    command = subprocess.Popen([*LOGISTIC, "blobs", "--n-samples", "200000"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert command.stdout.readline().startswith(b"x0,x1,label")
    command.stdout.close()
    assert command.stderr.read() == b""
    assert command.wait() == 0


@pytest.mark.skipif(os.name != "posix", reason="pipes and signals are POSIX's")
def test_ctrl_c_ends_the_command_at_once():
    # It waits for standard input.
    command = subprocess.Popen(
        [*LOGISTIC, "train", "-", "--target", "y"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    command.stdin.write(b"x,y\n1,0\n")
    command.stdin.flush()
    time.sleep(1.0)
    began = time.monotonic()
    command.send_signal(signal.SIGINT)
    _, told = command.communicate(timeout=10)
    assert time.monotonic() - began < 1.0
    assert command.returncode == -signal.SIGINT
    assert b"Traceback" not in told


def test_the_wheel_names_the_command():
    try:
        version("logistic")
    except PackageNotFoundError:
        pytest.skip("the package is not installed")
    (command,) = [script for script in entry_points(group="console_scripts") if script.name == "logistic"]
    from logistic._command import main

    assert command.load() is main
