"""The tutorial's notebook runs, prints what it says it prints, and ends in the digits of `logistic tutorial`."""

import ast
import io
import json
import subprocess
import sys
from contextlib import redirect_stdout
from importlib.util import find_spec
from pathlib import Path

import pytest

NOTEBOOK = Path(__file__).parents[1] / "examples" / "tutorial.ipynb"


def run(source, names):
    """What a cell prints, and its last line where that is an expression."""
    parsed = ast.parse(source)
    last = parsed.body.pop() if parsed.body and isinstance(parsed.body[-1], ast.Expr) else None
    printed = io.StringIO()
    with redirect_stdout(printed):
        exec(compile(parsed, str(NOTEBOOK), "exec"), names)
        shown = None if last is None else eval(compile(ast.Expression(last.value), str(NOTEBOOK), "eval"), names)
    return printed.getvalue() + ("" if shown is None else repr(shown))


def is_picture(cell):
    """Pictures are there where matplotlib is."""
    return "matplotlib" in cell["metadata"].get("tags", [])


@pytest.fixture(scope="module")
def ran():
    """Each code cell, what it printed, and all names at the end."""
    names = {"__name__": "__main__"}
    cells = [cell for cell in json.loads(NOTEBOOK.read_text())["cells"] if cell["cell_type"] == "code"]
    if find_spec("matplotlib") is None:
        cells = [cell for cell in cells if not is_picture(cell)]
    return [(cell, run("".join(cell["source"]), names)) for cell in cells], names


def test_every_cell_prints_what_stands_under_it(ran):
    cells, _ = ran
    assert len(cells) > 8
    for cell, printed in cells:
        texts = [
            "".join(output["text"] if "text" in output else output["data"]["text/plain"])
            for output in cell["outputs"]
            if "text" in output or "text/plain" in output["data"]
        ]
        if is_picture(cell):
            continue
        assert printed == "".join(texts), "".join(cell["source"])


def test_the_digits_are_the_commands(ran):
    _, names = ran
    told = subprocess.run([sys.executable, "-m", "logistic", "tutorial", "--json"], capture_output=True, check=True)
    told = json.loads(told.stdout)
    # The rule of Bayes stands in no notebook.
    assert set(told.pop("bayes")) == {"accuracy", "rate"}
    row = lambda x, y: {"x": [float(v) for v in x], "y": float(y)}  # noqa: E731
    found = {
        "initial": names["initial"],
        "sample_5": row(*names["data"][5]),
        "train_5": row(*names["train"][5]),
        "test_5": row(*names["test"][5]),
        "epoch_losses": names["losses"],
        "final": {"weight": names["model"].weight.data[0].tolist(), "bias": names["model"].bias.item()},
        **{
            name: names["measured"][name]
            for name in (
                "confusion_matrix",
                "accuracy",
                "false_positive_rate",
                "precision",
                "recall",
                "roc_auc",
                "average_precision",
            )
        },
    }
    assert found == told


def test_the_digits_are_the_original_notebooks(ran):
    _, names = ran
    path = Path(__file__).parents[2] / "testdata" / "golden" / "seed" / "expected.json"
    expected = json.loads(path.read_text())
    model, measured = names["model"], names["measured"]
    assert [round(w, 4) for w in model.weight.data[0].tolist()] == expected["final_weight"]
    assert round(model.bias.item(), 4) == expected["final_bias"]
    assert measured["confusion_matrix"] == expected["confusion_matrix"]
    assert measured["accuracy"] == expected["accuracy"]
    assert measured["false_positive_rate"] == expected["FPR"]
    assert (measured["precision"], measured["recall"]) == (97 / 118, 97 / 104)
