"""Runs scikit-learn's own tests of its LogisticRegression on ours, and holds the outcome against `sklearn_own.txt`.

    python tests/sklearn_own.py            every failure must be in the file, with its reason
    python tests/sklearn_own.py --write    writes the file again; reasons that are known stay

The names in `sklearn.linear_model` stand for our classes while the tests are collected; nothing else changes.
"""

import re
import sys
from pathlib import Path

import pytest
import sklearn
import sklearn.linear_model
from sklearn.linear_model.tests import __path__ as test_folder

import logistic

RECORD = Path(__file__).with_name("sklearn_own.txt")
UNEXPLAINED = "unexplained:"


class Outcomes:
    """What became of every test."""

    def __init__(self):
        self.passed, self.skipped, self.failed = [], [], {}

    def pytest_runtest_logreport(self, report):
        name = report.nodeid.split("::", 1)[-1]
        if report.failed:
            lines = str(report.longrepr).splitlines()
            words = [line[1:].strip() for line in lines if line.startswith("E  ")]
            self.failed[name] = words[0] if words else (lines or [""])[-1]
        elif report.skipped:
            self.skipped.append(name)
        elif report.when == "call":
            self.passed.append(name)


def run(arguments):
    """The outcomes of scikit-learn's file of tests."""
    sklearn.linear_model.LogisticRegression = logistic.LogisticRegression
    sklearn.linear_model.LogisticRegressionCV = logistic.LogisticRegressionCV
    outcomes = Outcomes()
    path = Path(test_folder[0]) / "test_logistic.py"
    # Its fixtures are in a file above, which pytest looks for no further than this.
    above = ["--confcutdir", str(Path(sklearn.__file__).parent)]
    quiet = ["-q", "--no-header", "-p", "no:cacheprovider", "--tb=short", "--no-summary"]
    pytest.main([*quiet, *above, str(path), *arguments], [outcomes])
    return outcomes


def test_of(name):
    return name.split("[")[0]


def known_reasons():
    """The reason of each test that is known to fail."""
    if not RECORD.exists():
        return {}
    found = re.findall(r"^(test_\w+) \(\d+ of \d+\): (.*)$", RECORD.read_text(), re.MULTILINE)
    return dict(found)


def record(outcomes, reasons):
    """The text of the file."""
    ran = len(outcomes.passed) + len(outcomes.failed)
    lines = [
        f"scikit-learn {sklearn.__version__}, linear_model/tests/test_logistic.py: {len(outcomes.passed)} of {ran} tests "
        f"pass ({100 * len(outcomes.passed) / ran:.1f} %), {len(outcomes.skipped)} are skipped by themselves.",
        "Every test that fails, in how many of its variants, and why:",
        "",
    ]
    for test in sorted({test_of(name) for name in outcomes.failed}):
        failed = [name for name in outcomes.failed if test_of(name) == test]
        variants = failed + [name for name in outcomes.passed if test_of(name) == test]
        reason = reasons.get(test, f"{UNEXPLAINED} {outcomes.failed[failed[0]]}")
        lines.append(f"{test} ({len(failed)} of {len(variants)}): {reason}")
    return "\n".join(lines) + "\n"


def main():
    arguments = [argument for argument in sys.argv[1:] if argument != "--write"]
    outcomes = run(arguments)
    text = record(outcomes, known_reasons())
    if "--write" in sys.argv:
        RECORD.write_text(text)
    print(text)
    unexplained = UNEXPLAINED in text
    changed = not RECORD.exists() or RECORD.read_text() != text
    return int(unexplained or changed)


if __name__ == "__main__":
    sys.exit(main())
