"""What can be given: arrays of all orders and types, frames, sparse matrices, tensors."""

import subprocess
import sys
import warnings

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from scipy import sparse

import logistic
from logistic import LogisticRegression

EXACT = {"rtol": 1e-12, "atol": 1e-13}


@pytest.fixture(scope="module")
def rows():
    rng = np.random.default_rng(1)
    x = rng.normal(size=(300, 5)).round(2)
    y = (x @ [1.0, -2.0, 0.5, 0.0, 1.0] + rng.logistic(size=300) > 0).astype(int)
    return x, y


def frames(x):
    columns = {f"c{j}": x[:, j].copy() for j in range(x.shape[1])}
    return {"pandas": pd.DataFrame(columns), "polars": pl.DataFrame(columns), "pyarrow": pa.table(columns)}


GIVEN = {
    "fortran": np.asfortranarray,
    "strided": lambda x: np.repeat(x, 2, axis=1)[:, ::2],
    "reversed": lambda x: x[::-1][::-1],
    "big endian": lambda x: x.astype(">f8"),
    "lists": lambda x: x.tolist(),
    "objects": lambda x: x.astype(object),
    "csr": sparse.csr_matrix,
    "csc": sparse.csc_array,
    "coo": sparse.coo_array,
    "pandas": lambda x: frames(x)["pandas"],
    "pandas, one block": pd.DataFrame,
    "pandas, own types": lambda x: frames(x)["pandas"].convert_dtypes(),
    "pandas, pyarrow": lambda x: frames(x)["pandas"].convert_dtypes(dtype_backend="pyarrow"),
    "polars": lambda x: frames(x)["polars"],
    "pyarrow": lambda x: frames(x)["pyarrow"],
}


@pytest.mark.parametrize("given", GIVEN.values(), ids=GIVEN)
def test_all_forms_give_one_fit(rows, given):
    x, y = rows
    expected = LogisticRegression().fit(x, y)
    model = LogisticRegression().fit(given(x), y)
    np.testing.assert_allclose(model.coef_, expected.coef_, **EXACT)
    np.testing.assert_allclose(model.predict_proba(given(x)), expected.predict_proba(x), **EXACT)


@pytest.mark.parametrize("kind", ["float32", "float16", "int64", "int32", "int8", "uint16", "bool"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_numbers_of_all_types(rows, kind, order):
    x, y = rows
    narrow = (np.round(x) if kind != "bool" else x > 0).astype(kind, order=order) if kind[0] != "u" else np.abs(
        np.round(x)
    ).astype(kind, order=order)
    expected = LogisticRegression().fit(narrow.astype(float), y)
    model = LogisticRegression().fit(narrow, y)
    single = kind == "float32"
    assert model.coef_.dtype == (np.float32 if single else np.float64)
    np.testing.assert_allclose(model.coef_, expected.coef_, rtol=1e-6 if single else 1e-11, atol=1e-9)
    assert model.predict_proba(narrow).dtype == model.coef_.dtype


def test_tensors(rows):
    torch = pytest.importorskip("torch")
    x, y = rows
    model = LogisticRegression().fit(torch.tensor(x), torch.tensor(y))
    np.testing.assert_array_equal(model.coef_, LogisticRegression().fit(x, y).coef_)


def test_repeated_entries_of_a_sparse_matrix_are_summed(rows):
    x, y = rows
    at = np.arange(300)
    twice = sparse.csr_matrix(
        (np.concatenate([x[:, 0] - 1.0, np.ones(300)]), (np.concatenate([at, at]), np.zeros(600, int))), (300, 1)
    )
    model = LogisticRegression().fit(sparse.hstack([twice, x[:, 1:]], format="coo"), y)
    np.testing.assert_allclose(model.coef_, LogisticRegression().fit(x, y).coef_, **EXACT)


@pytest.mark.parametrize(
    ("y", "classes"),
    [
        ([0, 1], [0, 1]),
        ([True, False], [False, True]),
        (["b", "a"], ["a", "b"]),
        ([2.0, -1.0], [-1.0, 2.0]),
        ([10, 9, 100], [9, 10, 100]),
        (np.array(["x", "y"], dtype=object), ["x", "y"]),
        (np.array([3, 200], dtype=np.uint8), [3, 200]),
    ],
)
def test_labels_of_all_types(y, classes):
    labels = np.resize(np.asarray(y), 60)
    x = np.random.default_rng(0).normal(size=(60, 2))
    model = LogisticRegression().fit(x, labels)
    assert model.classes_.tolist() == classes
    assert model.classes_.dtype == labels.dtype
    assert set(model.predict(x)) <= set(labels)


def test_more_classes_than_are_looked_through():
    labels = np.repeat(np.arange(100) * 3, 5)
    x = np.random.default_rng(0).normal(size=(500, 2))
    model = LogisticRegression().fit(x, labels)
    assert model.coef_.shape == (100, 2)
    assert model.classes_.tolist() == sorted(set(labels))


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("form", [np.asarray, np.asfortranarray, sparse.csr_matrix, pd.DataFrame])
def test_what_is_not_finite_is_refused(rows, value, form):
    x, y = rows
    x = x.copy()
    x[17, 2] = value
    with pytest.raises(ValueError, match="NaN" if np.isnan(value) else "infinity"):
        LogisticRegression().fit(form(x), y)
    model = LogisticRegression().fit(*rows)
    with warnings.catch_warnings(), pytest.raises(ValueError, match="NaN" if np.isnan(value) else "infinity"):
        warnings.simplefilter("ignore")
        model.predict(form(x))


def test_offsets_move_logits(rows):
    x, y = rows
    whole = LogisticRegression(C=np.inf).fit(x, y)
    known = LogisticRegression(C=np.inf).fit(x[:, 1:], y, offset=whole.coef_[0, 0] * x[:, 0])
    np.testing.assert_allclose(known.coef_[0], whole.coef_[0, 1:], rtol=1e-9)
    scores = known.decision_function(x[:, 1:], offset=whole.coef_[0, 0] * x[:, 0])
    np.testing.assert_allclose(scores, whole.decision_function(x), rtol=1e-8, atol=1e-9)


def test_penalty_factors_and_bounds(rows):
    x, y = rows
    free = LogisticRegression(C=1e-9, penalty_factor=[0, 1, 1, 1, 1]).fit(x, y)
    alone = LogisticRegression(C=np.inf).fit(x[:, :1], y)
    np.testing.assert_allclose(free.coef_[0, 0], alone.coef_[0, 0], rtol=1e-6)
    frame = frames(x)["pandas"]
    by_name = LogisticRegression(C=1e-9, penalty_factor={"c0": 0}).fit(frame, y)
    np.testing.assert_allclose(by_name.coef_, free.coef_, rtol=1e-12)
    held = LogisticRegression(bounds={"c1": (0, None)}).fit(frame, y)
    assert held.coef_[0, 1] == 0.0
    assert (LogisticRegression(bounds=(0, None)).fit(x, y).coef_ >= 0).all()
    with pytest.raises(ValueError, match="does not have"):
        LogisticRegression(bounds={"c9": (0, None)}).fit(frame, y)


def frame_forms(frame):
    return {"pandas": frame, "polars": pl.from_pandas(frame), "pyarrow": pa.Table.from_pandas(frame)}


@pytest.mark.parametrize("kind", ["pandas", "polars", "pyarrow"])
@pytest.mark.parametrize("missing", ["impute", "drop"])
def test_categories_and_missing_values(people, kind, missing):
    frame, outcome = people
    given = frame_forms(frame)[kind]
    model = LogisticRegression(C=np.inf, missing=missing).fit(given, outcome)
    numeric = ["age", "age[missing]", "sex[m]", "sex[missing]"] if missing == "impute" else ["age", "sex[m]"]
    assert model.terms_.tolist() == [*numeric, "city[Lagos]", "city[Oslo]", "city[Quito]"]
    assert model.coef_.shape == (1, len(model.terms_))
    if missing == "impute":
        probabilities = model.predict_proba(given)
        assert model.score(given, outcome) == (model.predict(given) == outcome).mean() > 0.5
    else:
        with pytest.warns(UserWarning, match="missing"):
            probabilities = model.predict_proba(given)
        whole = frame.notna().all(axis=1).to_numpy()
        assert (np.isnan(probabilities).any(axis=1) == ~whole).all()
        with pytest.warns(UserWarning), pytest.raises(ValueError, match="no class"):
            model.predict(given)
    other = LogisticRegression(C=np.inf, missing=missing).fit(frame, outcome)
    np.testing.assert_array_equal(probabilities, other.predict_proba(frame))


def test_dummies_by_hand_give_the_same_fit(people):
    frame, outcome = people
    whole = frame.notna().all(axis=1).to_numpy()
    by_hand = pd.get_dummies(frame[whole], drop_first=True, dtype=float)
    model = LogisticRegression(missing="drop").fit(frame, outcome)
    plain = LogisticRegression().fit(by_hand, outcome[whole])
    np.testing.assert_allclose(model.coef_, plain.coef_, rtol=1e-9, atol=1e-12)


def test_missing_values_are_refused_unless_asked_for(people):
    frame, outcome = people
    with pytest.raises(logistic.Error, match="missing") as raised:
        LogisticRegression().fit(frame, outcome)
    assert raised.value.column in ("age", "sex")
    with pytest.raises(ValueError, match="Input X contains NaN"):
        LogisticRegression().fit(frame[["age"]], outcome)


def test_a_level_that_was_not_seen_is_refused(people):
    frame, outcome = people
    model = LogisticRegression(missing="impute").fit(frame, outcome)
    strange = frame.assign(city="Perth")
    with pytest.raises(logistic.Error, match="Perth"):
        model.predict(strange)


def test_numbers_as_categories():
    rng = np.random.default_rng(2)
    frame = pd.DataFrame({"zip": rng.choice([8001, 8002, 8003], 300), "x": rng.normal(size=300)})
    y = rng.integers(0, 2, 300)
    model = LogisticRegression(categorical=["zip"]).fit(frame, y)
    assert model.terms_.tolist() == ["zip[8002]", "zip[8003]", "x"]
    with pytest.raises(ValueError, match="data frame"):
        LogisticRegression(categorical=["zip"]).fit(frame.to_numpy(), y)


@pytest.mark.parametrize(("kind", "order"), [("float64", "C"), ("float64", "F"), ("float32", "C"), ("float32", "F")])
def test_an_array_is_not_copied(kind, order):
    code = f"""
import resource
import numpy as np
from logistic import LogisticRegression

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024

x = np.empty((1_000_000, 28), dtype="{kind}", order="{order}")
for j in range(28):
    x[:, j] = np.random.default_rng(j).random(1_000_000, dtype="{kind}")
y = x[:, 0] + x[:, 1] > 1
# What threads and libraries take is not the array's.
LogisticRegression().fit(x[:1000], y[:1000])
before = peak()
LogisticRegression().fit(x, y)
print((peak() - before) / (8 * x.size))
"""
    run = subprocess.run([sys.executable, "-W", "ignore", "-c", code], check=True, capture_output=True)
    assert float(run.stdout) < 0.1
