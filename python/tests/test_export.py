"""Every export scores 10,000 random rows as the model does, within the bound that is computed for each row."""

import ctypes
import glob
import io
import json
import os
import shutil
import sqlite3
import subprocess
import tempfile

import numpy as np
import pandas as pd
import pytest

import logistic

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")

N = 10_000
WORDS = ["Bern", "Oslo", "Zürich", "O'Brien \"x\"", "*/ -- ?", "rare 1", "rare 2"]


def training(kind, n=600):
    """Rows to fit on, and the options of the fit."""
    rng = np.random.default_rng(11)
    x, y = rng.normal(size=(2, n))
    city = rng.choice(WORDS, n, p=[0.3, 0.3, 0.2, 0.1, 0.08, 0.01, 0.01])
    frame = pd.DataFrame({"x": x, "select": 100 + 30 * y, "city": city})
    logit = x - 0.02 * (frame["select"] - 100) + np.where(city == "Oslo", 1.0, 0.0)
    truth = rng.random(n) < 1 / (1 + np.exp(-logit))
    frame["target"] = np.where(truth, "yes", "no")
    options = {"target": "target", "features": ["x", "select", "city"]}
    if kind == "numbers":
        options["features"] = ["x", "select"]
    elif kind == "pooled":
        options |= {"min_level_count": 20, "unseen": "other"}
    elif kind == "refusing":
        pass
    elif kind == "imputed":
        frame["flag"] = rng.choice(["true", "FALSE"], n)
        frame["select"] = frame["select"].mask(rng.random(n) < 0.1)
        frame["city"] = frame["city"].mask(rng.random(n) < 0.1)
        options |= {"missing": "impute", "unseen": "baseline", "features": ["x", "select", "city", "flag"]}
    elif kind == "curves":
        frame["positive"] = np.exp(rng.normal(size=n))
        options |= {
            "features": ["x", "select", "city", "positive"],
            "spline": {"select": 5},
            "log": ["positive"],
            "interaction": [("x", "select"), ("city", "x"), ("city", "city2")],
            "unseen": "baseline",
        }
        frame["city2"] = rng.choice(["a", "b", "c"], n)
        options["features"].append("city2")
    elif kind == "softmax":
        frame["target"] = np.where(x > 0.5, "high", np.where(y > 0, "middle", "Tief ü"))
        frame.loc[rng.random(n) < 0.2, "target"] = "middle"
        options |= {"unseen": "baseline", "l2": 0.01}
    elif kind == "base":
        frame["target"] = rng.choice([1, 2, 3], n)
        options |= {"unseen": "baseline", "missing": "impute"}
    elif kind == "offset":
        frame["exposure"] = rng.normal(size=n)
        options |= {"offset": "exposure", "unseen": "baseline"}
    elif kind == "layers":
        frame["select"] = frame["select"].mask(rng.random(n) < 0.1)
        options |= {"missing": "impute", "hidden": [8, 4], "activation": "tanh", "interaction": [("x", "select")], "epochs": 20}
    elif kind == "layers of classes":
        frame["target"] = rng.choice(["a", "b", "c"], n)
        options |= {"unseen": "baseline", "hidden": [6], "epochs": 5}
    elif kind == "layers and offset":
        frame["exposure"] = rng.normal(size=n)
        options |= {"offset": "exposure", "hidden": [5], "epochs": 5, "spline": {"select": 4}}
    elif kind == "names":
        renamed = {"x": 'x "quoted" `tick`', "select": "order by", "city": "Stadt; für_{} */ 'a'"}
        frame = frame.rename(columns=renamed)
        options |= {"features": list(renamed.values()), "unseen": "baseline"}
    return frame, options


KINDS = ["numbers", "pooled", "refusing", "imputed", "curves", "softmax", "base", "offset", "names"]


# ONNX alone has them, and rows.
LAYERS = ["layers", "layers of classes", "layers and offset"]


@pytest.fixture(scope="module", params=KINDS)
def case(request, tmp_path_factory):
    return made(request.param, tmp_path_factory)


@pytest.fixture(scope="module", params=[*KINDS, *LAYERS])
def any_case(request, tmp_path_factory):
    return made(request.param, tmp_path_factory)


def made(kind, tmp_path_factory):
    """A model; rows to score, extreme, missing and unseen ones among them; the model's probabilities, NaN where it
    refuses a row; and the bound on the error of each."""
    frame, options = training(kind)
    model = logistic.fit(frame, **options)
    rng = np.random.default_rng(5)
    columns = [*options["features"], *([options["offset"]] if "offset" in options else [])]
    rows, refused = {}, np.zeros(N, dtype=bool)
    for name in columns:
        if frame[name].dtype.kind == "f":
            values = rng.normal(frame[name].mean(), 3 * frame[name].std(), N)
            values[:300] *= 10.0 ** rng.integers(-8, 9, 300)
            values[300:320] = rng.choice([0.0, -0.0, 1e60, -1e60, 5e-324], 20)
            values[320:330] = rng.choice([1e71, -1e300, np.inf], 10)
            if "log" in options and name in options["log"]:
                values[330:] = np.abs(values[330:])
                refused |= values <= 0
            refused |= ~(np.abs(values) <= 1e70)
            missing = np.zeros(N, dtype=bool)
            missing[400:700] = rng.random(300) < 0.3
            values[missing] = np.nan
        else:
            values = rng.choice(sorted(set(frame[name].dropna())), N).astype(object)
            if "flag" in name:
                values = rng.choice(["true", "True", "FALSE", "false", "fAlSe"], N).astype(object)
            unseen = np.zeros(N, dtype=bool)
            unseen[700:1000] = rng.random(300) < 0.3
            values[unseen] = "never seen"
            missing = np.zeros(N, dtype=bool)
            missing[1000:1300] = rng.random(300) < 0.3
            values[missing] = None
            if options.get("unseen", "error") == "error":
                refused |= unseen
        if name == options.get("offset") or options.get("missing") != "impute":
            refused |= missing
        rows[name] = values
    rows = pd.DataFrame(rows)
    kept = rows[~refused].reset_index(drop=True)
    probability = np.full((N, len(model.classes)), np.nan)
    bound = np.full_like(probability, np.nan)
    probability[~refused] = model.predict_proba(kept)
    bound[~refused] = model.export_error(kept)
    assert 0 < refused.sum() < N / 2
    folder = tmp_path_factory.mktemp(kind.replace(" ", "_"))
    return model, rows, probability, bound, folder


def written(case, name, format, dialect=None):
    path = case[4] / name
    case[0].export(path, format, dialect)
    return path


def agree(case, found):
    """Probabilities of the positive class, or of every class: as the model's, within the bound, and NaN with it."""
    model, _, probability, bound, _ = case
    expected, within = (probability[:, 1:], bound[:, 1:]) if len(model.classes) == 2 else (probability, bound)
    found = np.asarray(found, dtype=float).reshape(expected.shape)
    known = ~np.isnan(expected)
    np.testing.assert_array_equal(np.isnan(found), ~known)
    error = np.abs(found - expected)
    worst = np.nanargmax(np.where(known, error - within, -np.inf))
    assert (error[known] <= within[known]).all(), (case[1].iloc[worst // expected.shape[1]], error.flat[worst])
    # A bound that holds because it says nothing proves nothing.
    assert np.median(within[known]) < 1e-12


def labels_of(case):
    """The rows whose class no error within the bound could change, and what the model calls them."""
    model, rows, probability, bound, _ = case
    known = ~np.isnan(probability[:, 0])
    if len(model.classes) == 2:
        sure = np.abs(probability[:, 1] - model.threshold) > bound[:, 1]
    else:
        low, high = probability - bound, probability + bound
        best = np.arange(len(model.classes)) == probability.argmax(axis=1)[:, None]
        sure = low[best] > np.where(best, -np.inf, high).max(axis=1)
    assert sure[known].mean() > 0.99
    sure &= known
    return sure, model.predict(rows[sure].reset_index(drop=True)).astype(str)


def session(path):
    import onnxruntime

    return onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])


def feeds(rows):
    return {
        name: (values.to_numpy() if values.dtype.kind == "f" else values.fillna("").to_numpy(dtype=object)).reshape(-1, 1)
        for name, values in rows.items()
    }


def test_onnx(any_case):
    run = session(written(any_case, "model.onnx", "onnx"))
    assert [(of.name, of.shape) for of in run.get_inputs()] == [(name, ["N", 1]) for name in any_case[1]]
    label, probability = run.run(["label", "probability"], feeds(any_case[1]))
    agree(any_case, probability)
    sure, expected = labels_of(any_case)
    np.testing.assert_array_equal(label[sure].astype(str), expected)
    assert set(label[np.isnan(any_case[2][:, 0])].tolist()) <= {"", np.iinfo(np.int64).min}


def test_onnx_carries_golden_rows(any_case):
    run = session(written(any_case, "golden.onnx", "onnx"))
    golden = json.loads(run.get_modelmeta().custom_metadata_map["logistic.golden_rows"])
    assert len(golden) >= 3
    assert any(row["probability"] is not None for row in golden)
    for row in golden:
        cells = {
            of.name: np.array([[value if (value := row["inputs"][of.name]) is not None else np.nan]], dtype=float)
            if of.type == "tensor(double)"
            else np.array([[row["inputs"][of.name] or ""]], dtype=object)
            for of in run.get_inputs()
        }
        (found,) = run.run(["probability"], cells)
        expected, bound = row["probability"], row["error_bound"]
        if expected is None:
            assert np.isnan(found).all()
        elif isinstance(expected, dict):
            of = [(expected[name], bound[name]) for name in any_case[0].classes]
            assert all(abs(p - q) <= b for p, (q, b) in zip(found[0], of, strict=True))
        else:
            assert abs(found[0, 0] - expected) <= bound


def test_sql_in_duckdb(case):
    import duckdb

    expression = written(case, "duckdb.sql", "sql", "duckdb").read_text()
    rows = case[1]
    named = "" if len(case[0].classes) > 2 else " AS probability"
    with duckdb.connect() as database:
        table = rows.assign(row=np.arange(N))
        database.register("t", table)
        found = database.execute(f"SELECT {expression}{named} FROM t ORDER BY row").fetchnumpy()
    agree(case, np.column_stack([np.ma.filled(of.astype(float), np.nan) for of in found.values()]))


def test_sql_in_sqlite(case):
    expression = written(case, "sqlite.sql", "sql", "sqlite").read_text()
    rows = case[1]
    named = "" if len(case[0].classes) > 2 else " AS probability"
    with sqlite3.connect(":memory:") as database:
        names = ["`" + name.replace("`", "``") + "`" for name in rows]
        kinds = ["REAL" if rows[name].dtype.kind == "f" else "TEXT" for name in rows]
        database.execute(f"CREATE TABLE t ({', '.join(f'{n} {k}' for n, k in zip(names, kinds, strict=True))})")
        cells = rows.astype(object).where(rows.notna(), None).itertuples(index=False, name=None)
        database.executemany(f"INSERT INTO t VALUES ({', '.join('?' * len(names))})", cells)
        found = database.execute(f"SELECT {expression}{named} FROM t ORDER BY rowid").fetchall()
    agree(case, [[np.nan if p is None else p for p in row] for row in found])


@pytest.fixture(scope="module")
def postgres():
    """A PostgreSQL server on a socket of its own; what runs a script on it."""
    found = shutil.which("initdb") or next(iter(sorted(glob.glob("/usr/lib/postgresql/*/bin/initdb"))), None)
    if found is None:
        pytest.skip("there is no PostgreSQL server")
    binaries = os.path.dirname(os.path.realpath(found))
    folder = tempfile.mkdtemp(prefix="logistic-")
    # The server does not run as root.
    run_as = []
    if os.getuid() == 0:
        if shutil.which("runuser") is None:
            pytest.skip("PostgreSQL does not run as root")
        shutil.chown(folder, "nobody")
        run_as = ["runuser", "-u", "nobody", "--"]
    data = f"{folder}/data"
    control = [*run_as, f"{binaries}/pg_ctl", "-D", data, "-w"]
    options = {"check": True, "cwd": folder, "stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL}
    try:
        create = [f"{binaries}/initdb", "-D", data, "-U", "tests", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"]
        subprocess.run([*run_as, *create], **options)
        server = f"-k {folder} -c listen_addresses='' -c fsync=off"
        subprocess.run([*control, "-l", f"{folder}/log", "-o", server, "start"], **options)
        try:

            def run(script):
                command = [f"{binaries}/psql", "-h", folder, "-U", "tests", "-d", "postgres", "-X", "-q", "-t", "--csv"]
                command += ["-v", "ON_ERROR_STOP=1", "-f", "-"]
                done = subprocess.run(command, input=script, capture_output=True, text=True)
                assert done.returncode == 0, done.stderr
                return done.stdout

            yield run
        finally:
            subprocess.run([*control, "-m", "immediate", "stop"], **options)
    finally:
        shutil.rmtree(folder)


def test_sql_in_postgres(case, postgres):
    expression = written(case, "postgres.sql", "sql", "postgres").read_text()
    rows = case[1]
    named = "" if len(case[0].classes) > 2 else " AS probability"
    names = ['"' + name.replace('"', '""') + '"' for name in rows]
    kinds = ["DOUBLE PRECISION" if rows[name].dtype.kind == "f" else "TEXT" for name in rows]
    columns = ", ".join(f"{name} {kind}" for name, kind in zip(names, kinds, strict=True))
    cells = rows.assign(row=np.arange(N)).to_csv(index=False, header=False)
    found = postgres(
        f"CREATE TEMPORARY TABLE t ({columns}, row_number INTEGER);\n"
        f"COPY t FROM STDIN (FORMAT csv);\n{cells}\\.\n"
        f"SELECT {expression}{named} FROM t ORDER BY row_number;\n"
    )
    agree(case, pd.read_csv(io.StringIO(found), header=None, skip_blank_lines=False, float_precision="round_trip").to_numpy())


def test_c(case):
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("there is no C compiler")
    source, library = written(case, "model.c", "c"), case[4] / "model.so"
    options = ["-std=c99", "-O2", "-Wall", "-Wextra", "-Werror", "-pedantic", "-shared", "-fPIC"]
    subprocess.run([compiler, *options, "-o", library, source, "-lm"], check=True)
    score = ctypes.CDLL(str(library)).logistic_probability
    rows = case[1]
    texts = [rows[name].dtype.kind != "f" for name in rows]
    kinds = [ctypes.c_char_p if text else ctypes.c_double for text in texts]

    class Row(ctypes.Structure):
        _fields_ = [(f"c{at}", kind) for at, kind in enumerate(kinds)]

    width = len(case[0].classes) if len(case[0].classes) > 2 else 1
    out, found, called = (ctypes.c_double * width)(), [], []
    for cells in rows.itertuples(index=False, name=None):
        cells = [(c.encode() if isinstance(c, str) else None) if t else c for c, t in zip(cells, texts, strict=True)]
        called.append(score(ctypes.byref(Row(*cells)), out))
        found.append(list(out))
    agree(case, found)
    sure, expected = labels_of(case)
    np.testing.assert_array_equal(np.array(case[0].classes)[np.array(called)[sure]], expected)
    assert set(np.array(called)[np.isnan(case[2][:, 0])]) == {-1}


def test_javascript(case):
    node = shutil.which("node")
    if node is None:
        pytest.skip("there is no node")
    written(case, "model.js", "javascript")
    rows = case[1]

    def cell(value):
        return str(value) if isinstance(value, float) and not np.isfinite(value) else value

    data = [{name: cell(value) for name, value in row.items()} for row in rows.astype(object).where(rows.notna(), None).to_dict("records")]
    (case[4] / "rows.json").write_text(json.dumps(data))
    (case[4] / "run.js").write_text(
        """const { logistic } = require("./model.js");
        const rows = JSON.parse(require("fs").readFileSync(__dirname + "/rows.json"));
        const numbers = { inf: Infinity, "-inf": -Infinity };
        const read = (row) => Object.fromEntries(Object.entries(row).map(([k, v]) => [k, v in numbers ? numbers[v] : v]));
        console.log(JSON.stringify(rows.map((row) => logistic(read(row)))));"""
    )
    printed = subprocess.run([node, case[4] / "run.js"], check=True, capture_output=True, text=True).stdout
    answers = json.loads(printed)
    classes = case[0].classes
    of = [a["probability"] for a in answers]
    found = [[p[c] for c in classes] for p in of] if len(classes) > 2 else of
    agree(case, [[np.nan if p is None else p for p in np.atleast_1d(row)] for row in found])
    sure, expected = labels_of(case)
    np.testing.assert_array_equal(np.array([str(a["label"]) for a in answers])[sure], expected)


def evaluator(path):
    """PMML4S, which runs on Java."""
    pypmml = pytest.importorskip("pypmml")
    if shutil.which("java") is None:
        pytest.skip("there is no Java")
    return pypmml.Model.fromFile(str(path))


def pmml_names(model):
    return ["probability"] if len(model.classes) == 2 else [f"probability[{name}]" for name in model.classes]


def test_pmml(case):
    run = evaluator(written(case, "model.pmml", "pmml"))
    rows = case[1]
    assert run.inputNames == list(rows)
    names = pmml_names(case[0])
    assert run.outputNames == [*names, "predicted"]
    cells = rows.astype(object).where(rows.notna(), None).values.tolist()
    # A call for each row takes minutes; JSON, which is one call, has no infinite numbers.
    in_json = [all(not isinstance(cell, float) or np.isfinite(cell) for cell in row) for row in cells]
    text = json.dumps({"columns": list(rows), "data": [row for row, whether in zip(cells, in_json) if whether]})
    quick = iter(json.loads(run.predict(text))["data"])
    answers = [next(quick) if whether else run.predict(row) for row, whether in zip(cells, in_json)]
    agree(case, [[np.nan if p is None else p for p in answer[:-1]] for answer in answers])
    sure, expected = labels_of(case)
    called = np.array([answer[-1] for answer in answers], dtype=object)
    np.testing.assert_array_equal(called[sure], expected)
    assert set(called[np.isnan(case[2][:, 0])]) == {None}


def test_pmml_carries_golden_rows(case):
    from xml.etree import ElementTree

    path = written(case, "golden.pmml", "pmml")
    space = "{http://www.dmg.org/PMML-4_4}"
    root = ElementTree.parse(path).getroot()
    extensions = {of.get("name"): of.get("value") for of in root.iter(f"{space}Extension")}
    golden = [row for row in json.loads(extensions["logistic.golden_rows"]) if row["probability"] is not None]
    verification = root.find(f".//{space}ModelVerification")
    assert len(golden) >= 1 and verification.get("recordCount") == str(len(golden))
    fields = {of.get("column"): of for of in verification.iter(f"{space}VerificationField")}
    run = evaluator(path)
    for row, expected in zip(verification.iter(f"{space}row"), golden, strict=True):
        cells = {fields[of.tag.removeprefix(space)].get("field"): of.text for of in row}
        inputs = {name: cells.get(name) for name in case[1]}
        assert {name: None if value is None else str(value) for name, value in expected["inputs"].items()}.keys() == inputs.keys()
        answer = run.predict(expected["inputs"])
        for column, field in fields.items():
            if column.startswith("p"):
                p, name = float(row.find(f"{space}{column}").text), field.get("field")
                assert abs(answer[name] - p) <= p * float(field.get("precision"))
                assert float(field.get("precision")) < 1e-9


def test_pmml_refuses_what_it_cannot_say(tmp_path):
    n = 200
    rng = np.random.default_rng(1)
    moments = pd.Timestamp("2020-01-01") + pd.to_timedelta(rng.integers(0, 900, n), unit="D")
    frame = pd.DataFrame({"day": moments, "word": rng.choice(["a", "b\x01"], n), "predicted": rng.normal(size=n), "y": rng.random(n) < 0.5})
    for features, options, words in [
        (["day"], {"date_parts": True}, "parts of dates"),
        (["word"], {}, "XML"),
        (["predicted"], {}, "needs a name"),
    ]:
        model = logistic.fit(frame, target="y", features=features, l2=0.1, **options)
        with pytest.raises(logistic.Error, match=words) as refused:
            model.export(tmp_path / "model.pmml", "pmml")
        assert refused.value.kind == "export" and refused.value.column == features[0] and refused.value.help


def test_safetensors(tmp_path):
    from safetensors import numpy as safetensors

    for kind in ["numbers", "softmax", "base"]:
        frame, options = training(kind)
        options["features"] = ["x", "select"]
        model = logistic.fit(frame, **options)
        rows = frame[options["features"]]
        model.export(tmp_path / "model.safetensors", "safetensors")
        tensors = safetensors.load_file(tmp_path / "model.safetensors")
        assert tensors["weight"].dtype == tensors["bias"].dtype == np.float64
        logits = rows.to_numpy() @ tensors["weight"].T + tensors["bias"]
        probability, bound = model.predict_proba(rows), model.export_error(rows)
        if len(model.classes) == 2:
            found = 1 / (1 + np.exp(-logits))
            probability, bound = probability[:, 1:], bound[:, 1:]
        else:
            found = np.exp(logits - logits.max(axis=1, keepdims=True))
            found /= found.sum(axis=1, keepdims=True)
        assert (np.abs(found - probability) <= bound).all()


def test_safetensors_of_layers_load_into_a_sequential(tmp_path):
    torch = pytest.importorskip("torch")
    from safetensors.torch import load_file

    for kind, activation in [("numbers", "relu"), ("softmax", "tanh")]:
        frame, options = training(kind)
        options = {"target": "target", "features": ["x", "select"], "hidden": [6, 3], "activation": activation, "epochs": 5}
        model = logistic.fit(frame, **options)
        model.export(tmp_path / "model.safetensors", "safetensors")
        unit = {"relu": torch.nn.ReLU, "tanh": torch.nn.Tanh}[activation]
        width = 1 if len(model.classes) == 2 else 3
        layers = [torch.nn.Linear(2, 6), unit(), torch.nn.Linear(6, 3), unit(), torch.nn.Linear(3, width)]
        network = torch.nn.Sequential(*layers).double()
        network.load_state_dict(load_file(tmp_path / "model.safetensors"))
        rows = frame[options["features"]]
        logits = network(torch.tensor(rows.to_numpy()))
        probability, bound = model.predict_proba(rows), model.export_error(rows)
        if width == 1:
            found, probability, bound = logits.sigmoid(), probability[:, 1:], bound[:, 1:]
        else:
            found = logits.softmax(1)
        assert (np.abs(found.detach().numpy() - probability) <= bound).all()


def test_an_estimator_has_no_layers(tmp_path):
    frame, options = training("numbers")
    model = logistic.fit(frame, **options, hidden=[3], epochs=2)
    assert model.json["network"]["hidden"] == [3] and model.coefficients == []
    model.save(tmp_path / "model.json")
    np.testing.assert_array_equal(logistic.Model.load(tmp_path / "model.json").predict_proba(frame), model.predict_proba(frame))
    with pytest.raises(logistic.Error, match="hidden layers"):
        logistic.LogisticRegression.load(tmp_path / "model.json")
    with pytest.raises(logistic.Error, match="hidden layers") as refused:
        model.export(tmp_path / "model.sql", "sql", "sqlite")
    assert refused.value.kind == "export" and "onnx" in refused.value.help


def test_tails_keep_their_digits(tmp_path):
    frame = pd.DataFrame({"x": [-2.0, -1.0, 0.5, -0.5, 1.0, 2.0], "y": [0, 0, 0, 1, 1, 1]})
    model = logistic.fit(frame, target="y", l2=0.05)
    model.to_onnx(tmp_path / "model.onnx")
    rows = pd.DataFrame({"x": [-800.0, -200.0, -17.0, -5.0, 17.0, 800.0]})
    (found,) = session(tmp_path / "model.onnx").run(["probability"], {"x": rows.to_numpy()})
    np.testing.assert_allclose(found[:, 0], model.predict_proba(rows)[:, 1], rtol=1e-12, atol=1e-300)


def test_estimators_export_too(tmp_path):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(200, 3))
    for y in [(x[:, 0] > 0).astype(int), np.digitize(x[:, 1], [-0.5, 0.5])]:
        model = logistic.LogisticRegression().fit(x, y)
        model.to_onnx(tmp_path / "model.onnx")
        run = session(tmp_path / "model.onnx")
        cells = {of.name: column.reshape(-1, 1) for of, column in zip(run.get_inputs(), x.T, strict=True)}
        label, probability = run.run(["label", "probability"], cells)
        expected = model.predict_proba(x)
        np.testing.assert_allclose(probability, expected if len(model.classes_) > 2 else expected[:, 1:], rtol=1e-12)
        np.testing.assert_array_equal(label, model.predict(x))
        assert label.dtype == np.int64


@pytest.mark.parametrize("name", ["label", "probability"])
def test_a_name_that_onnx_needs_is_refused(tmp_path, name):
    frame = pd.DataFrame({name: [-2.0, -1.0, 0.5, -0.5, 1.0, 2.0], "y": [0, 0, 0, 1, 1, 1]})
    model = logistic.fit(frame, target="y", l2=0.05)
    with pytest.raises(logistic.Error) as refused:
        model.to_onnx(tmp_path / "model.onnx")
    assert refused.value.kind == "export" and refused.value.column == name and "rename" in refused.value.help
    assert not (tmp_path / "model.onnx").exists()


def test_dates(tmp_path):
    rng = np.random.default_rng(3)
    n = 4000
    moments = pd.Timestamp("1890-01-01") + pd.to_timedelta(rng.integers(0, 250 * 365 * 24, n), unit="h")
    y = rng.random(n) < np.where(moments.month < 5, 0.7, 0.3)
    frame = pd.DataFrame({"day": moments, "y": y})
    import duckdb

    for options in [{"date_parts": True}, {}]:
        model = logistic.fit(frame, target="y", l2=0.001, standardise=True, **options)
        expected, bound = model.predict_proba(frame)[:, 1], model.export_error(frame)[:, 1]
        days = (frame["day"] - pd.Timestamp("1970-01-01")) / pd.Timedelta(days=1)
        model.to_onnx(tmp_path / "model.onnx")
        (found,) = session(tmp_path / "model.onnx").run(["probability"], {"day": days.to_numpy().reshape(-1, 1)})
        assert (np.abs(found[:, 0] - expected) <= bound).all()
        model.export(tmp_path / "model.sql", "sql", "duckdb")
        expression = (tmp_path / "model.sql").read_text()
        with duckdb.connect() as database:
            database.register("t", frame.assign(row=np.arange(n)))
            found = database.execute(f"SELECT {expression} AS probability FROM t ORDER BY row").fetchnumpy()
        assert (np.abs(found["probability"] - expected) <= bound).all()
        model.export(tmp_path / "lite.sql", "sql", "sqlite")
        expression = (tmp_path / "lite.sql").read_text()
        with sqlite3.connect(":memory:") as database:
            database.execute("CREATE TABLE t (day TEXT)")
            database.executemany("INSERT INTO t VALUES (?)", [(str(at),) for at in moments])
            found = database.execute(f"SELECT {expression} AS probability FROM t ORDER BY rowid").fetchall()
        assert (np.abs(np.array(found)[:, 0] - expected) <= bound).all()
        if node := shutil.which("node"):
            model.export(tmp_path / "model.js", "javascript")
            (tmp_path / "days.json").write_text(json.dumps(days.tolist()))
            script = "const {logistic} = require('./model.js'); console.log(JSON.stringify(require('./days.json').map((day) => logistic({day}).probability)))"
            printed = subprocess.run([node, "-e", script], check=True, capture_output=True, text=True, cwd=tmp_path).stdout
            assert (np.abs(np.array(json.loads(printed)) - expected) <= bound).all()


def test_scorecard(tmp_path):
    frame, options = training("imputed")
    model = logistic.fit(frame, **options)
    model.export(tmp_path / "card.csv", "scorecard")
    card = pd.read_csv(tmp_path / "card.csv", keep_default_na=False)
    points = card.set_index(["column", "level"])["points"].astype(float)
    rows = frame[options["features"]].dropna().reset_index(drop=True)
    score = points["(base)", ""] + rows["x"] * points["x", "per unit"] + rows["select"] * points["select", "per unit"]
    score += rows["city"].map(points["city"]) + rows["flag"].map(points["flag"])
    found = 1 / (1 + 50 * 2 ** ((score - 600) / 20))
    # Points about 600 leave thirteen digits.
    np.testing.assert_allclose(found, model.predict_proba(rows)[:, 1], rtol=1e-11)


def test_a_scorecard_refuses_what_has_no_points(tmp_path):
    frame, options = training("curves")
    model = logistic.fit(frame, **options)
    with pytest.raises(logistic.Error) as refused:
        model.export(tmp_path / "card.csv", "scorecard")
    assert refused.value.kind == "export" and refused.value.column == "select"
    with pytest.raises(logistic.Error, match="dialect"):
        model.export(tmp_path / "model.sql", "sql")


def test_tables_of_coefficients(tmp_path):
    frame, options = training("pooled")
    model = logistic.fit(frame, **options)
    model.export(tmp_path / "table.csv", "csv")
    table = pd.read_csv(tmp_path / "table.csv")
    assert table["estimate"].tolist() == [of["estimate"] for of in model.coefficients]
    assert table["term"].tolist() == [of["term"] for of in model.coefficients]
    for format in ["latex", "markdown"]:
        model.export(tmp_path / "table", format)
        text = (tmp_path / "table").read_text()
        assert "odds ratio" in text and "Zürich" in text
