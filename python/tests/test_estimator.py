"""The estimator in company: pipelines, searches, copies, files; what it tells, and how it stops."""

import _thread
import pickle
import subprocess
import sys
import threading
import time
import warnings

import joblib
import numpy as np
import pandas as pd
import pytest
import sklearn
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import make_column_transformer
from sklearn.datasets import load_breast_cancer, load_iris
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

import logistic
from logistic import LogisticRegression


@pytest.fixture(scope="module")
def iris():
    return load_iris(return_X_y=True)


@pytest.fixture(scope="module")
def cancer():
    return load_breast_cancer(return_X_y=True)


def test_pipelines_searches_and_calibration(cancer):
    x, y = cancer
    pipeline = make_pipeline(StandardScaler(), LogisticRegression())
    search = GridSearchCV(pipeline, {"logisticregression__C": [0.01, 0.1, 1.0], "logisticregression__l1_ratio": [0, 1]})
    search.fit(x, y)
    assert search.best_score_ > 0.97
    assert cross_val_score(pipeline, x, y, scoring="neg_log_loss").mean() > -0.12
    calibrated = CalibratedClassifierCV(pipeline, cv=3).fit(x, y)
    assert calibrated.score(x, y) > 0.97


def test_column_transformers_and_frames_out(people):
    frame, outcome = people
    frame = frame.fillna({"age": 45.0, "sex": "f"}).astype({"sex": object})
    columns = make_column_transformer(
        (StandardScaler(), ["age"]), (OneHotEncoder(drop="first", sparse_output=False), ["sex", "city"])
    )
    pipeline = make_pipeline(columns, LogisticRegression()).set_output(transform="pandas")
    pipeline.fit(frame, outcome)
    assert pipeline[-1].feature_names_in_.tolist() == list(pipeline[0].transform(frame).columns)


def test_metadata_routing(cancer):
    x, y = cancer
    weight = np.random.default_rng(0).uniform(0.5, 2, len(y))
    with sklearn.config_context(enable_metadata_routing=True):
        asked = LogisticRegression().set_fit_request(sample_weight=True)
        pipeline = make_pipeline(StandardScaler().set_fit_request(sample_weight=False), asked)
        pipeline.fit(x, y, sample_weight=weight)
        assert "progress" not in str(asked.get_metadata_routing().fit.requests)
    plain = LogisticRegression().fit(StandardScaler().fit_transform(x), y, sample_weight=weight)
    np.testing.assert_allclose(pipeline[-1].coef_, plain.coef_, rtol=1e-9)


@pytest.mark.parametrize("copy", [pickle, joblib], ids=["pickle", "joblib"])
def test_copies(iris, people, tmp_path, copy):
    x, y = iris
    for model, rows in (
        (LogisticRegression(C=np.inf).fit(x[50:], y[50:]), x),
        (LogisticRegression(missing="impute").fit(*people), people[0]),
    ):
        path = tmp_path / "model"
        with open(path, "wb") as file:
            copy.dump(model, file)
        with open(path, "rb") as file:
            again = copy.load(file)
        np.testing.assert_array_equal(again.predict_proba(rows), model.predict_proba(rows))
        assert repr(again.summary()) == repr(model.summary())
        assert clone(again).get_params() == model.get_params()


def test_model_files(iris, people, tmp_path):
    x, y = iris
    path = tmp_path / "model.json"
    for model, rows in (
        (LogisticRegression(C=np.inf).fit(x[50:], y[50:]), x),
        (LogisticRegression().fit(x, y), x),
        (LogisticRegression(missing="impute").fit(*people), people[0]),
    ):
        model.save(path)
        again = LogisticRegression.load(path)
        assert again.classes_.tolist() == model.classes_.tolist()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            np.testing.assert_array_equal(again.predict_proba(rows), model.predict_proba(rows))
        assert (again.C, again.l1_ratio) == (pytest.approx(model.C), model.l1_ratio)
    path.write_text(path.read_text().replace("age", "agf"))
    with pytest.raises(logistic.Error, match="checksum"):
        LogisticRegression.load(path)
    with pytest.raises(FileNotFoundError):
        LogisticRegression.load(tmp_path / "none.json")


def test_summary(iris):
    x, y = iris
    model = LogisticRegression(C=np.inf).fit(x[50:], y[50:])
    summary = model.summary()
    assert "log-likelihood -5.94" in repr(summary)
    assert "<table>" in summary._repr_html_()
    # R's glm: 2.4652, standard error 2.394, z 1.030, p 0.3032, of the other class.
    frame = summary.to_pandas().set_index("term")
    assert frame.loc["x0", "std_error"] == pytest.approx(2.3943010185352165, rel=1e-6)
    assert frame.loc["x0", "p_value"] == pytest.approx(0.3031884267750762, rel=1e-6)
    np.testing.assert_allclose(model.conf_int()[1], frame.loc["x0", ["ci_low", "ci_high"]].astype(float), rtol=1e-9)
    narrow = model.conf_int(0.5)
    assert (narrow[:, 0] > model.conf_int()[:, 0]).all()
    with pytest.raises(ValueError, match="no intervals"):
        LogisticRegression().fit(x, y).conf_int()


def test_certificate_and_separation(iris):
    x, y = iris
    model = LogisticRegression().fit(x, y)
    assert model.termination_ == "converged"
    assert 0 <= model.certificate_.gap * len(y) <= 1e-8
    with pytest.warns(ConvergenceWarning, match="separation"):
        separated = LogisticRegression(C=np.inf).fit(x[:100], y[:100])
    assert separated.termination_ == "no_finite_optimum"
    assert np.isfinite(separated.coef_).all()


def test_iterations_are_limited(cancer):
    with pytest.warns(ConvergenceWarning, match="max_iter"):
        model = LogisticRegression(C=100.0, max_iter=2).fit(*cancer)
    assert (model.n_iter_.tolist(), model.termination_) == ([2], "max_iterations")


def test_warm_starts(cancer):
    x, y = cancer
    model = LogisticRegression(warm_start=True).fit(x, y)
    cold = model.n_iter_[0]
    coef = model.coef_
    model.fit(x, y)
    assert model.n_iter_[0] < cold
    np.testing.assert_allclose(model.coef_, coef, rtol=1e-7)


def test_progress(cancer):
    heard = []
    LogisticRegression().fit(*cancer, progress=lambda iteration, objective: heard.append((iteration, objective)))
    assert [iteration for iteration, _ in heard] == list(range(1, len(heard) + 1))
    assert heard[-1][1] <= heard[0][1]

    def refuse(iteration, objective):
        raise RuntimeError("enough")

    with pytest.raises(RuntimeError, match="enough"):
        LogisticRegression().fit(*cancer, progress=refuse)


def test_ctrl_c_stops_a_fit_within_a_second():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(60_000, 300))
    y = rng.integers(0, 8, 60_000)
    started = threading.Event()
    at = []

    def interrupt():
        started.wait()
        time.sleep(0.3)
        at.append(time.monotonic())
        _thread.interrupt_main()

    thread = threading.Thread(target=interrupt)
    thread.start()
    with pytest.raises(KeyboardInterrupt):
        started.set()
        LogisticRegression(l1_ratio=0.5, C=0.01).fit(x, y)
    assert time.monotonic() - at[0] < 1.0
    thread.join()


def test_other_threads_run_while_a_fit_works():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(200_000, 30)), rng.integers(0, 2, 200_000)
    done, turns, most = threading.Event(), [], []

    def fit():
        # On a busy machine a single fit may be over before anybody else has a turn.
        for _ in range(200):
            before = len(turns)
            LogisticRegression().fit(x, y)
            most.append(len(turns) - before)
            if most[-1] > 10:
                break
        done.set()

    thread = threading.Thread(target=fit)
    thread.start()
    while not done.is_set():
        turns.append(1)
        time.sleep(0.001)
    thread.join()
    assert max(most) > 10


def test_a_fork_can_fit(iris):
    code = """
import faulthandler, os, sys
from sklearn.datasets import load_iris
from logistic import LogisticRegression
x, y = load_iris(return_X_y=True)
LogisticRegression().fit(x, y)
child = os.fork()
if child == 0:
    faulthandler.dump_traceback_later(30, exit=True)
    LogisticRegression().fit(x, y)
    os._exit(0)
sys.exit(os.waitpid(child, 0)[1])
"""
    subprocess.run([sys.executable, "-W", "ignore", "-c", code], check=True, timeout=120)


def test_the_least_that_works_without_scikit_learn(iris):
    code = """
import sys
sys.modules["sklearn"] = None
import numpy as np
from logistic import LogisticRegression
x = np.random.default_rng(0).normal(size=(100, 2))
y = (x[:, 0] + x[:, 1] ** 2 > 0.5).astype(int)
model = LogisticRegression(C=2.0).fit(x, y)
assert model.get_params()["C"] == 2.0
assert repr(model) == "LogisticRegression(C=2.0)", repr(model)
assert model.score(x, y) == (model.predict(x) == y).mean()
assert model.set_params(C=1.0).C == 1.0
try:
    LogisticRegression().predict(x)
except ValueError as error:
    assert "not fitted" in str(error)
else:
    raise AssertionError
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_importing_costs_little():
    code = "import numpy, time; t = time.perf_counter(); import logistic; print(time.perf_counter() - t)"
    times = [float(subprocess.run([sys.executable, "-c", code], check=True, capture_output=True).stdout) for _ in range(3)]
    assert min(times) < 0.1
    code = "import sys, logistic; assert not {'sklearn', 'pandas', 'scipy', 'pyarrow'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_what_is_not_fitted_says_so():
    for method in ("predict", "predict_proba", "decision_function"):
        with pytest.raises(NotFittedError):
            getattr(LogisticRegression(), method)([[1.0]])
    with pytest.raises(NotFittedError):
        LogisticRegression().summary()


@pytest.mark.parametrize(
    "asked",
    [{"C": 0}, {"C": "1"}, {"l1_ratio": 2}, {"max_iter": -1}, {"solver": "magic"}, {"missing": "ignore"}, {"tol": -1}],
)
def test_parameters_are_checked(iris, asked):
    with pytest.raises(ValueError, match=f"'{next(iter(asked))}' parameter of LogisticRegression must be"):
        LogisticRegression(**asked).fit(*iris)


def test_sparsify(iris):
    x, y = iris
    model = LogisticRegression(l1_ratio=1).fit(x, y)
    dense = model.predict_proba(x)
    assert model.sparsify().coef_.nnz < model.coef_.shape[0] * model.coef_.shape[1]
    np.testing.assert_array_equal(model.predict_proba(x), dense)
    assert isinstance(model.densify().coef_, np.ndarray)


@pytest.mark.parametrize("asked", [{}, {"C": np.inf}, {"l1_ratio": 0.5, "C": 0.5}])
def test_a_class_that_weighs_nothing_is_as_if_it_were_not_there(asked):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(400, 3))
    y = np.digitize(x[:, 0] + rng.logistic(size=400), [-1, 0, 1])
    model = LogisticRegression(**asked, class_weight={2: 0}).fit(x, y)
    without = LogisticRegression(**asked).fit(x[y != 2], y[y != 2])
    np.testing.assert_allclose(model.coef_[[0, 1, 3]], without.coef_, rtol=1e-6, atol=1e-9)
    assert (model.predict_proba(x)[:, 2] == 0).all()
    # Of three classes the two left have one coefficient, of which each has a half.
    few = y < 3
    model = LogisticRegression(C=0.7, class_weight={2: 0}).fit(x[few], y[few])
    two = LogisticRegression(C=2 * 0.7).fit(x[y < 2], y[y < 2])
    np.testing.assert_allclose(model.coef_[:2], [-two.coef_[0] / 2, two.coef_[0] / 2], rtol=1e-6)
    np.testing.assert_allclose(model.predict_proba(x)[:, :2], two.predict_proba(x), rtol=1e-6)
    with pytest.raises(ValueError, match="class"):
        LogisticRegression(class_weight={0: 0}).fit(x[y < 2], y[y < 2])


def test_no_iterations_leave_the_start(iris):
    with pytest.warns(ConvergenceWarning, match="max_iter=0"):
        model = LogisticRegression(max_iter=0).fit(*iris)
    assert model.n_iter_ == 0 and not model.coef_.any()
    with pytest.raises(ValueError, match="no fit"):
        model.summary()


def test_log_probabilities_keep_their_digits():
    x = np.array([[-1.0], [1.0]])
    model = LogisticRegression(C=np.inf, fit_intercept=False)
    model.fit(np.array([[1.0], [1.0], [1.0]]), [0, 1, 1])
    model.coef_ = np.array([[800.0]])
    assert model.predict_log_proba(x).tolist() == [[0.0, -800.0], [-800.0, 0.0]]


def test_columns_of_a_frame_are_those_of_the_fit(iris):
    x, y = iris
    frame = pd.DataFrame(x, columns=list("abcd"))
    model = LogisticRegression().fit(frame, y)
    with pytest.raises(ValueError, match="Feature names unseen at fit time"):
        model.predict(frame.rename(columns={"a": "z"}))
    with pytest.raises(ValueError, match="same order"):
        model.predict(frame[["b", "a", "c", "d"]])
