"""`logistic.fit` against the command line: the same file to the byte, the same scores to the bit, the same refusals."""

import csv
import json
import pickle
import signal
import subprocess
import sys
import threading
import time
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import logistic

DATA = Path(__file__).parents[2] / "testdata"

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")


def command(*words):
    done = subprocess.run([sys.executable, "-m", "logistic", *map(str, words)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def written(model, path):
    model.save(path)
    return path.read_bytes()


@pytest.fixture(scope="module")
def mixed():
    """Every kind of column: numbers of several widths with missing ones, categories of words and of numbers, booleans,
    dates, words of which some are missing, and an index that is no column."""
    rng = np.random.default_rng(7)
    n = 500
    x = rng.normal(size=n)
    frame = pd.DataFrame(
        {
            "x": np.where(rng.random(n) < 0.05, np.nan, x),
            "small": rng.normal(size=n).astype(np.float32),
            "count": rng.integers(0, 9, n).astype(np.int16),
            "maybe": pd.array(np.where(rng.random(n) < 0.1, None, rng.integers(0, 5, n)), dtype="Int64"),
            "zip": pd.Categorical(rng.choice([8001, 8002, 8003], n)),
            "city": pd.Categorical(rng.choice(["Bern", "Oslo", "Lagos"], n)),
            "word": rng.choice(["a", "b", None], n),
            "truth": rng.random(n) < 0.5,
            "day": pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 400, n), unit="D"),
            "y": np.where(rng.random(n) < 1 / (1 + np.exp(-x)), "yes", "no"),
        }
    )
    return frame.sample(frac=1, random_state=1)


def frames_of(frame):
    plain = frame.reset_index(drop=True)
    return {"pandas": frame, "polars": pl.from_pandas(plain), "pyarrow": pa.Table.from_pandas(plain, preserve_index=False)}


def to_parquet(frame, path):
    if isinstance(frame, pd.DataFrame):
        frame.to_parquet(path, index=False)
    elif isinstance(frame, pl.DataFrame):
        frame.write_parquet(path)
    else:
        import pyarrow.parquet

        pyarrow.parquet.write_table(frame, path)
    return path


OPTIONS = {
    "plain": ({"missing": "impute"}, ["--missing", "impute"]),
    "ridge": (
        {"missing": "drop", "l2": 0.01, "standardise": True, "categorical": ["count"], "exclude": ["day"]},
        ["--missing", "drop", "--l2", "0.01", "--standardise", "--categorical", "count", "--exclude", "day"],
    ),
    "held out": (
        {"features": ["x", "city", "truth"], "missing": "drop", "test_fraction": 0.2, "seed": 3, "threshold": "f1"},
        "--features x,city,truth --missing drop --test-fraction 0.2 --seed 3 --threshold f1".split(),
    ),
    "written out": (
        {
            "features": ["x", "city", "small"],
            "missing": "impute",
            "positive": "no",
            "reference": {"city": "Oslo"},
            "interaction": [("x", "small")],
            "spline": {"small": 4},
            "class_weight": {"yes": 2, "no": 1.0},
        },
        "--features x,city,small --missing impute --positive no --reference city=Oslo --interaction x:small "
        "--spline small:4 --class-weight yes=2 --class-weight no=1".split(),
    ),
    "chosen": (
        {"features": ["x", "small", "city"], "missing": "drop", "l1": "auto", "cv_folds": 5},
        "--features x,small,city --missing drop --l1 auto --cv-folds 5".split(),
    ),
}


@pytest.mark.parametrize("kind", ["pandas", "polars", "pyarrow"])
@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
def test_the_file_is_the_command_lines(mixed, tmp_path, kind, options):
    frame = frames_of(mixed)[kind]
    settings, words = options
    data = to_parquet(frame, tmp_path / "data.parquet")
    answer = json.loads(command("train", data, "--target", "y", *words, "-o", tmp_path / "typed.json", "--json"))
    model = logistic.fit(frame, target="y", **settings)
    assert written(model, tmp_path / "called.json") == (tmp_path / "typed.json").read_bytes()
    for times in (answer, found := dict(model.json)):
        times.pop("read_seconds"), times.pop("fit_seconds")
    assert found == answer
    assert model.summary() == command("summary", tmp_path / "typed.json")


def scores(path):
    with open(path, newline="") as file:
        return [(row["probability"], row["predicted"]) for row in csv.DictReader(file)]


@pytest.mark.parametrize("kind", ["pandas", "polars", "pyarrow"])
@pytest.mark.parametrize("missing", ["impute", "drop"])
def test_scores_are_the_command_lines(mixed, tmp_path, kind, missing):
    frame = frames_of(mixed)[kind]
    model = logistic.fit(frame, target="y", missing=missing)
    model.save(tmp_path / "model.json")
    data = to_parquet(frame, tmp_path / "data.parquet")
    command("predict", tmp_path / "model.json", data, "-o", tmp_path / "scored.csv")
    told = scores(tmp_path / "scored.csv")
    probabilities, labels = model.predict_proba(frame), model.predict(frame)
    assert probabilities.shape == (500, 2) and model.classes == ["no", "yes"]
    for (probability, predicted), found, label in zip(told, probabilities[:, 1], labels, strict=True):
        assert found == float(probability) if probability else np.isnan(found)
        assert label == (predicted or None)
    assert any(not probability for probability, _ in told) == (missing == "drop")
    # Without the columns that a model does not use, and from a file.
    np.testing.assert_array_equal(model.predict_proba(data), probabilities)


def test_csv_and_a_frame_of_it_are_one(tmp_path):
    path = DATA / "saheart.csv"
    command("train", path, "--target", "chd", "-o", tmp_path / "typed.json")
    frame = pd.read_csv(path)
    called = [logistic.fit(data, target="chd") for data in (frame, path, str(path), {c: frame[c] for c in frame})]
    for at, model in enumerate(called):
        assert written(model, tmp_path / f"{at}.json") == (tmp_path / "typed.json").read_bytes()


def test_columns_by_name_are_those_of_a_frame(mixed, tmp_path):
    frame = mixed.reset_index(drop=True)
    columns = {name: frame[name] if name in ("zip", "city") else frame[name].to_numpy() for name in frame}
    columns["word"] = list(frame["word"].astype(object))
    of_frame = logistic.fit(frame, target="y", missing="impute")
    of_columns = logistic.fit(columns, target="y", missing="impute")
    assert written(of_columns, tmp_path / "a.json") == written(of_frame, tmp_path / "b.json")


def test_pandas_without_pyarrow_is_read_by_column(mixed, tmp_path, monkeypatch):
    with_arrow = written(logistic.fit(mixed, target="y", missing="impute"), tmp_path / "a.json")
    monkeypatch.setattr("logistic._columns.find_spec", lambda name: None)
    monkeypatch.delattr(pd.DataFrame, "__arrow_c_stream__")
    assert written(logistic.fit(mixed, target="y", missing="impute"), tmp_path / "b.json") == with_arrow


def test_a_model_comes_back_from_its_file(mixed, tmp_path):
    model = logistic.fit(mixed, target="y", missing="impute")
    model.save(tmp_path / "model.json")
    for other in (logistic.Model.load(tmp_path / "model.json"), pickle.loads(pickle.dumps(model))):
        np.testing.assert_array_equal(other.predict_proba(mixed), model.predict_proba(mixed))
        assert other.coefficients == model.coefficients
        assert other.summary() == model.summary()
        assert other.warnings == model.warnings
        assert other.threshold == 0.5
    assert logistic.Model.load(tmp_path / "model.json").json == json.loads(
        command("summary", tmp_path / "model.json", "--json")
    )
    table = model.to_pandas()
    assert table["term"].tolist() == [of["term"] for of in model.coefficients]
    text = (tmp_path / "model.json").read_text()
    (tmp_path / "changed.json").write_text(text.replace("yes", "yea"))
    with pytest.raises(logistic.Error, match="checksum") as raised:
        logistic.Model.load(tmp_path / "changed.json")
    assert raised.value.kind == "model_file"


def test_evaluations_are_the_command_lines(mixed, tmp_path):
    model = logistic.fit(mixed, target="y", missing="drop", features=["x", "city"])
    model.save(tmp_path / "model.json")
    data = to_parquet(mixed, tmp_path / "data.parquet")
    words = ["evaluate", tmp_path / "model.json", data, "--threshold", "youden", "--weights", "count", "--json"]
    assert model.evaluate(mixed, threshold="youden", weights="count") == json.loads(command(*words))
    # Either model reads the frame for itself.
    assert model.evaluate(mixed, compare=tmp_path / "model.json")["compare"]["log_loss"]["difference"] == 0.0
    outcomes = (mixed["y"] == "yes").to_numpy()
    there = ~np.isnan(model.predict_proba(mixed)[:, 1])
    found = logistic.evaluate(outcomes[there], model.predict_proba(mixed)[there, 1])
    own = model.evaluate(mixed)
    assert found["roc_auc"] == own["roc_auc"] and found["confusion_matrix"] == own["confusion_matrix"]


def test_test_data_may_be_a_frame(mixed, tmp_path):
    train, test = mixed.iloc[:400], mixed.iloc[400:]
    path = to_parquet(test, tmp_path / "test.parquet")
    answers = [
        logistic.fit(train, target="y", missing="drop", features=["x", "city"], test_data=data).json["test"]
        for data in (test, path, [path])
    ]
    assert answers[0] == answers[1] == answers[2]
    assert answers[0]["n_rows"] > 80


def test_labels_are_of_the_targets_type(mixed):
    x = mixed["x"].fillna(0)
    yes = mixed["y"] == "yes"
    kinds = {
        "int64": np.where(yes, 1, 0),
        "float64": np.where(yes, 2.5, 1.5),
        "bool": yes.to_numpy(),
        "str": np.where(yes, "on", "off"),
    }
    for kind, labels in kinds.items():
        positive = {"float64": 2.5, "str": "on"}.get(kind)
        found = logistic.fit({"x": x, "y": labels}, target="y", positive=positive).predict({"x": x})
        assert found.dtype.kind == np.asarray(labels).dtype.kind, kind
        assert np.mean(found == labels) > 0.6, kind
    assert logistic.fit({"x": x, "y": kinds["bool"]}, target="y", positive=False).classes == ["true", "false"]
    rest = logistic.fit({"x": x, "y": mixed["count"] % 3}, target="y", positive=1)
    assert rest.classes == ["not 1", "1"] and set(rest.predict({"x": x})) <= {"not 1", "1"}


def test_more_classes_than_two(tmp_path):
    frame = pd.read_csv(DATA / "iris.csv")
    target = frame.columns[-1]
    model = logistic.fit(frame, target=target, l2=0.01)
    model.save(tmp_path / "model.json")
    command("predict", tmp_path / "model.json", DATA / "iris.csv", "-o", tmp_path / "scored.csv")
    scored = pd.read_csv(tmp_path / "scored.csv")
    told = scored[[f"probability[{label}]" for label in model.classes]].to_numpy()
    np.testing.assert_array_equal(model.predict_proba(frame), told)
    assert model.predict(frame).tolist() == scored["predicted"].tolist()


def test_an_error_says_what_where_and_what_to_do(mixed):
    with pytest.raises(logistic.Error) as raised:
        logistic.fit(mixed, target="y", features=["small", "x"])
    error = raised.value
    row = int(np.flatnonzero(mixed["x"].isna())[0]) + 1
    assert isinstance(error, ValueError)
    assert (error.kind, error.path, error.line, error.column) == ("missing_value", "<frame>", row, "x")
    assert "--missing" in error.help
    with pytest.raises(logistic.Error) as raised:
        logistic.fit(mixed, target="why")
    assert (raised.value.kind, raised.value.column) == ("unknown_column", "why")


def test_settings_are_refused_as_when_they_are_typed(mixed):
    with pytest.raises(TypeError, match="fit\\(\\) has no option `ridge`; the options are .*test_fraction"):
        logistic.fit(mixed, target="y", ridge=1)
    for settings, words in [
        ({"l2": "much"}, "expected a number or `auto`"),
        ({"firth": "yes"}, "`firth` is true or false"),
        ({"test_fraction": 0.2, "test_data": mixed}, "cannot be used with"),
        ({"solver": "magic"}, "possible values"),
    ]:
        with pytest.raises(logistic.Error, match=words) as raised:
            logistic.fit(mixed, target="y", **settings)
        assert raised.value.kind == "usage" and raised.value.help is None
    with pytest.raises(logistic.Error, match="`l2`"):
        logistic.fit(mixed, target="y", missing="drop", l2=-1.0)
    with pytest.raises(TypeError, match="evaluate\\(\\) has no option `l2`"):
        logistic.fit(mixed, target="y", missing="drop").evaluate(mixed, l2=1)
    for wrong in (object(), np.zeros((3, 2)), None, []):
        with pytest.raises(TypeError, match="expected a frame"):
            logistic.fit(wrong, target="y")
    with pytest.raises(FileNotFoundError):
        logistic.fit("no such file.csv", target="y")


def test_what_is_no_table_is_refused(mixed):
    for columns, words in [
        ({"x": [1.0, 2.0], "y": [0, 1, 1]}, "`y` has 3 rows"),
        ({"x": np.zeros((2, 2)), "y": [0, 1]}, "one dimension"),
        ({"x": [object(), object()], "y": [0, 1]}, "found object"),
        ({"x": np.array([1j, 2j]), "y": [0, 1]}, "complex128"),
        ({"x": [1, "a"], "y": [0, 1]}, "found int, str"),
    ]:
        if isinstance(columns["x"], list):
            columns["x"] = np.array(columns["x"], dtype=object if words.startswith("found") else None)
        with pytest.raises(logistic.Error, match=words) as raised:
            logistic.fit(columns, target="y")
        assert raised.value.kind == "malformed"
    odd = pd.DataFrame({"x": [1, "a", 2.5], "y": [0, 1, 1]})
    with pytest.raises(logistic.Error) as raised:
        logistic.fit(odd, target="y")
    assert raised.value.kind == "malformed"


def test_warnings_are_heard(mixed):
    with pytest.warns(UserWarning, match="left out for missing values"):
        model = logistic.fit(mixed, target="y", missing="drop", features=["x"])
    assert [of["kind"] for of in model.warnings] == ["rows_dropped"]
    with pytest.warns(UserWarning, match="no probability for"):
        model.predict(mixed)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        logistic.fit(mixed, target="y", features=["small"])


def test_progress_is_told(mixed):
    heard = []
    logistic.fit(mixed, target="y", features=["small"], solver="sgd", epochs=7, progress=lambda *step: heard.append(step))
    assert [iteration for iteration, _ in heard] == list(range(1, 8))
    with pytest.raises(ZeroDivisionError):
        logistic.fit(mixed, target="y", features=["small"], progress=lambda *step: 1 / 0)


def test_other_threads_run_meanwhile_and_ctrl_c_stops(tmp_path):
    rng = np.random.default_rng(0)
    frame = {f"x{j}": rng.normal(size=50_000) for j in range(20)}
    frame["y"] = rng.integers(0, 2, 50_000)
    ticks, done = [], threading.Event()

    def tick():
        while not done.wait(0.01):
            ticks.append(time.monotonic())

    beside = threading.Thread(target=tick)
    beside.start()
    interrupt = threading.Timer(0.7, signal.raise_signal, [signal.SIGINT])
    interrupt.start()
    began = time.monotonic()
    try:
        with pytest.raises(KeyboardInterrupt):
            logistic.fit(frame, target="y", solver="sgd", epochs=1_000_000, batch_size=16, output=tmp_path / "m.json")
    finally:
        done.set()
        beside.join()
    assert time.monotonic() - began < 0.7 + 1.0
    assert len(ticks) > 20
    # What was stopped leaves no file, now or later.
    time.sleep(1.0)
    assert list(tmp_path.iterdir()) == []
