"""Models that PyTorch and scikit-learn estimated."""

import json
import struct

import numpy as np
import pandas as pd
import pytest

import logistic


def rows(n=300, columns=3):
    rng = np.random.default_rng(4)
    x = rng.normal(size=(n, columns)) * [1.0, 20.0, 0.1] + [0.0, 5.0, -1.0]
    return pd.DataFrame(x, columns=["a", "b", "c"])


def outcomes(x, kind):
    noise = np.random.default_rng(5).logistic(size=len(x))
    z = x["a"] + 0.05 * x["b"] + noise
    return {
        "words": np.where(z > 0, "yes", "no"),
        "numbers": (z > 0).astype(int),
        "booleans": z.to_numpy() > 0,
        "several": np.digitize(z, [-1.0, 0.5, 2.0]),
        "several words": np.array(["low", "high", "middle"])[np.digitize(z, [-1.0, 1.0])],
    }[kind]


KINDS = ["words", "numbers", "booleans", "several", "several words"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("scaled", [False, True])
def test_scikit_learn_s_probabilities(kind, scaled, tmp_path):
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    x = rows()
    y = outcomes(x, kind)
    regression = LogisticRegression(C=10.0, max_iter=1000)
    estimator = (make_pipeline(StandardScaler(), regression) if scaled else regression).fit(x, y)
    model = logistic.from_sklearn(estimator)
    assert [of["term"] for of in model.coefficients[:4]] == ["(intercept)", "a", "b", "c"]
    np.testing.assert_allclose(model.predict_proba(x), estimator.predict_proba(x), rtol=1e-12, atol=0)
    np.testing.assert_array_equal(model.predict(x), estimator.predict(x))
    assert model.predict(x).dtype.kind == estimator.predict(x).dtype.kind

    model.save(tmp_path / "model.json")
    again = logistic.Model.load(tmp_path / "model.json")
    np.testing.assert_array_equal(again.predict_proba(x), model.predict_proba(x))
    assert again.json["n_rows"] is None and again.json["gap"] is None and not again.json["converged"]
    assert all(of["std_error"] is None and of["estimate"] is not None for of in again.coefficients)
    assert "imported" in again.summary() and "NaN" not in again.summary()
    again.report(tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text()
    assert "Imported from another program" in page and "NaN" not in page
    for format, dialect in [("onnx", None), ("c", None), ("sql", "sqlite"), ("pmml", None), ("csv", None)]:
        model.export(tmp_path / "out", format, dialect)
        assert (tmp_path / "out").stat().st_size > 100


def test_scalers_of_every_setting():
    from sklearn.linear_model import LogisticRegression, LogisticRegressionCV
    from sklearn.pipeline import Pipeline, make_pipeline
    from sklearn.preprocessing import StandardScaler

    x = rows()
    y = outcomes(x, "words")
    for estimator in [
        make_pipeline(StandardScaler(with_mean=False), LogisticRegression(max_iter=1000)),
        make_pipeline(StandardScaler(with_std=False), LogisticRegression(max_iter=1000)),
        make_pipeline(StandardScaler(), StandardScaler(), LogisticRegression(fit_intercept=False)),
        Pipeline([("nothing", "passthrough"), ("model", LogisticRegression(max_iter=1000).fit(x, y))]),
        LogisticRegression(max_iter=1000),
        LogisticRegressionCV(max_iter=1000, Cs=3, scoring="accuracy", l1_ratios=(0,), use_legacy_attributes=False),
    ]:
        estimator.fit(x, y)
        model = logistic.from_sklearn(estimator)
        np.testing.assert_allclose(model.predict_proba(x), estimator.predict_proba(x), rtol=1e-12)
    plain = LogisticRegression().fit(x.to_numpy()[:, :2], y)
    assert [of["term"] for of in logistic.from_sklearn(plain).coefficients] == ["(intercept)", "x0", "x1"]
    named = logistic.from_sklearn(plain, columns=["u", "v"], target="sold")
    assert [of["term"] for of in named.coefficients] == ["(intercept)", "u", "v"] and named.json["target"] == "sold"


def test_what_is_no_such_estimator_is_refused():
    from sklearn.exceptions import NotFittedError
    from sklearn.linear_model import LinearRegression, LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import MinMaxScaler

    x = rows()
    y = outcomes(x, "numbers")
    with pytest.raises(TypeError, match="LinearRegression"):
        logistic.from_sklearn(LinearRegression().fit(x, y))
    with pytest.raises(TypeError, match="MinMaxScaler"):
        logistic.from_sklearn(make_pipeline(MinMaxScaler(), LogisticRegression()).fit(x, y))
    with pytest.raises(NotFittedError):
        logistic.from_sklearn(LogisticRegression())
    fitted = LogisticRegression(max_iter=1000).fit(x, y)
    with pytest.raises(ValueError, match="3 features"):
        logistic.from_sklearn(fitted, columns=["a"])
    for columns, target in [(["a", "a", "c"], "y"), (["a", "b", "c"], "c")]:
        with pytest.raises(logistic.Error) as refused:
            logistic.from_sklearn(fitted, columns=columns, target=target)
        assert refused.value.kind == "malformed" and refused.value.column in ("a", "c")


def test_safetensors_there_and_back(tmp_path):
    x = rows()
    for kind in ["words", "several words"]:
        frame = x.assign(y=outcomes(x, kind))
        model = logistic.fit(frame, target="y", l2=0.01)
        model.export(tmp_path / "layer.safetensors", "safetensors")
        again = logistic.from_state_dict(
            tmp_path / "layer.safetensors", columns=["a", "b", "c"], classes=model.classes, target="y"
        )
        np.testing.assert_allclose(again.predict_proba(x), model.predict_proba(x), rtol=1e-12)
        np.testing.assert_array_equal(again.predict(x), model.predict(x))
        # What was imported may be evaluated.
        assert again.evaluate(frame)["log_loss"] == pytest.approx(model.evaluate(frame)["log_loss"], rel=1e-12)


def test_a_state_dict_of_pytorch():
    torch = pytest.importorskip("torch")
    x = rows()
    inputs = torch.tensor(x.to_numpy())
    torch.manual_seed(0)
    for outputs, of in [(1, torch.sigmoid), (2, torch.nn.Softmax(1)), (4, torch.nn.Softmax(1))]:
        for kind in [torch.float64, torch.float32]:
            layer = torch.nn.Linear(3, outputs, dtype=kind)
            model = logistic.from_state_dict(layer.state_dict(), columns=list(x))
            expected = of(layer.double()(inputs)).detach().numpy()
            found = model.predict_proba(x)
            # Of two classes the negative one has what the positive one leaves of 1.
            np.testing.assert_allclose(found[:, 1:] if outputs == 1 else found, expected, rtol=1e-12, atol=1e-15)
            assert model.classes == [str(k) for k in range(max(2, outputs))]
    network = torch.nn.Sequential(torch.nn.Linear(3, 1, bias=False), torch.nn.Sigmoid()).double()
    model = logistic.from_state_dict(network.state_dict(), columns=list(x), classes=["no", "yes"])
    np.testing.assert_allclose(model.predict_proba(x)[:, 1:], network(inputs).detach().numpy(), rtol=1e-12)
    with pytest.raises(logistic.Error, match="one layer"):
        logistic.from_state_dict(torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.Linear(2, 1)).state_dict(), columns=list(x))


def written(path, header, numbers=b"", length=None):
    header = header if isinstance(header, bytes) else json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(header) if length is None else length) + header + numbers)
    return path


def test_bytes_that_are_no_layer(tmp_path):
    path = tmp_path / "layer.safetensors"
    two = struct.pack("<dd", 1.0, 2.0)

    def described(dtype="F64", shape=(1, 2), offsets=(0, 16)):
        return {"dtype": dtype, "shape": list(shape), "data_offsets": list(offsets)}

    good = {"linear.weight": described()}
    model = logistic.from_state_dict(written(path, good, two), columns=["a", "b"])
    assert [of["estimate"] for of in model.coefficients] == [1.0, 2.0]
    bad = [
        (b"", b"", None, "header"),
        (good, two, 2**63, "header"),
        (good, two, 10**6, "header"),
        (b"\xff\xfe{", b"", None, "JSON"),
        (b"[1, 2]", b"", None, "JSON"),
        (b"[" * 100_000, b"", None, "JSON"),
        ({}, b"", None, "`weight`"),
        ({"weight": 3}, two, None, "described"),
        ({"weight": described(shape=(-1, 2))}, two, None, "described"),
        ({"weight": described(shape=(2**63, 2**63))}, two, None, "shape"),
        ({"weight": described(shape=(1, 3))}, two, None, "shape"),
        ({"weight": described(shape=(2,))}, two, None, "outputs, columns"),
        ({"weight": described(offsets=(8, 0))}, two, None, "stand at"),
        ({"weight": described(offsets=(0, 2**63))}, two, None, "stand at"),
        ({"weight": described()}, two[:15], None, "stand at"),
        ({"weight": described(dtype="F16")}, two, None, "F16"),
        ({"weight": described(dtype="I64")}, two, None, "I64"),
        (good | {"bias": described(shape=(1,), offsets=(0, 8))}, two, None, "one layer"),
        ({"weight": described(), "bias": described(shape=(2,))}, two, None, "`bias`"),
        (good | {"scale": described()}, two, None, "alone"),
    ]
    for header, numbers, length, word in bad:
        if header == b"":
            path.write_bytes(b"\x01\x02")
        else:
            written(path, header, numbers, length)
        with pytest.raises(logistic.Error, match=word) as refused:
            logistic.from_state_dict(path, columns=["a", "b"])
        assert refused.value.kind == "model_file" and refused.value.path == str(path) and refused.value.help
    # No beginning of a file is a layer, and no byte turned around does more than raise.
    whole = written(path, good, two).read_bytes()
    for end in range(len(whole)):
        path.write_bytes(whole[:end])
        with pytest.raises(logistic.Error):
            logistic.from_state_dict(path, columns=["a", "b"])
    for at in range(len(whole)):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 0xFF]) + whole[at + 1 :])
        try:
            logistic.from_state_dict(path, columns=["a", "b"])
        except ValueError:
            pass


def test_coefficients_that_are_not_the_model_s(tmp_path):
    one = {"weight": [[1.0, 2.0]], "bias": [0.5]}
    for state, options, error in [
        (one, {"classes": ["a"]}, "two classes"),
        (one, {"classes": ["a", "a"]}, "twice"),
        (one, {"classes": ["a", "b", "c"]}, "outputs"),
        ({"weight": [[1.0, np.nan]], "bias": [0.5]}, {}, "finite"),
        ({"weight": [[1.0, 2.0]], "bias": [np.inf]}, {}, "finite"),
        (one, {"columns": ["a"]}, "2 inputs"),
    ]:
        with pytest.raises(ValueError, match=error):
            logistic.from_state_dict(state, **{"columns": ["a", "b"]} | options)
    with pytest.raises(FileNotFoundError):
        logistic.from_state_dict(tmp_path / "nothing", columns=["a"])
