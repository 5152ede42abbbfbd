"""Coefficients against reference solutions of the penalised problems, and against scikit-learn at its tightest."""

import numpy as np
import pytest
from conftest import design, golden_fits
from sklearn.linear_model import LogisticRegression as Peer

from logistic import LogisticRegression

RELATIVE = 1e-6
# scikit-learn's Newton solver to rounding, and the only one of its solvers that takes an l1 penalty, to its tightest.
TIGHT = {"tol": 1e-13, "max_iter": 100_000}


def close(ours, reference, tolerance=RELATIVE):
    reference = np.asarray(reference, dtype=float)
    assert np.shape(ours) == reference.shape
    assert np.abs(ours - reference).max() <= tolerance * np.abs(reference).max()


def identity(fit):
    return fit["id"] if isinstance(fit, dict) else ""


def solved(case, fit):
    spec = fit["spec"]
    x, names, labels = design(case, spec)
    y = labels == spec["positive"] if "positive" in spec else labels
    assert len(y) == fit["n"]
    asked = {"C": spec["C"], "l1_ratio": spec["l1_ratio"], "class_weight": spec.get("class_weight")}
    model = LogisticRegression(**asked, fit_intercept=spec["intercept"]).fit(x, y)
    assert model.termination_ == "converged"
    return model, names


@pytest.mark.parametrize(("case", "fit"), golden_fits("pen"), ids=identity)
def test_two_classes(case, fit):
    model, names = solved(case, fit)
    reference = fit["reference"]["coef"]
    close(model.coef_[0], [reference[name] for name in names])
    if fit["spec"]["intercept"]:
        close(model.intercept_[0], reference["(Intercept)"], RELATIVE * max(1, np.abs(model.coef_).max()))


@pytest.mark.parametrize(("case", "fit"), golden_fits("mpen"), ids=identity)
def test_softmax(case, fit):
    model, names = solved(case, fit)
    reference = fit["reference"]["coef"]
    assert list(model.classes_) == fit["classes"]
    close(model.coef_, [[reference[label][name] for name in names] for label in fit["classes"]])
    if fit["spec"]["intercept"]:
        close(model.intercept_, [reference[label]["(Intercept)"] for label in fit["classes"]])


@pytest.mark.parametrize(("case", "fit"), golden_fits("mle"), ids=identity)
def test_maximum_likelihood(case, fit):
    spec = fit["spec"]
    if spec.get("weight") or spec.get("trials") or spec.get("success"):
        pytest.skip("grouped rows are not rows of an array")
    x, names, labels = design(case, spec)
    model = LogisticRegression(C=np.inf, fit_intercept=spec["intercept"]).fit(x, labels == spec["positive"])
    reference = fit["reference"]
    close(model.coef_[0], [reference["coef"].get(name) or 0.0 for name in names])
    summary = model.summary().columns
    for term, found in zip(_terms(names, spec), summary["std_error"]):
        expected = reference["se"].get(term.replace("(intercept)", "(Intercept)"))
        assert found is None if expected is None else found == pytest.approx(expected, rel=RELATIVE)


def _terms(names, spec):
    return ["(intercept)", *names] if spec["intercept"] else names


def variants():
    rng = np.random.default_rng(3)
    x = rng.normal(size=(300, 6)) @ rng.normal(size=(6, 6))
    two = rng.random(300) < 1 / (1 + np.exp(-x @ rng.normal(size=6) / 4))
    three = np.digitize(x @ rng.normal(size=6) / 6 + rng.logistic(size=300), [-1, 1])
    weight = rng.uniform(0.2, 3, 300)
    settings = {
        "ridge": {},
        "weak": {"C": 100.0},
        "no intercept": {"fit_intercept": False},
        "balanced": {"class_weight": "balanced"},
        "class weights": {"class_weight": {0: 2.0, 1: 0.5}},
        "lasso": {"l1_ratio": 1.0, "C": 0.1},
        "elastic net": {"l1_ratio": 0.4, "C": 0.2},
    }
    for name, asked in settings.items():
        for classes, y in (("two", two.astype(int)), ("three", three)):
            for weights, own in (("rows alike", None), ("weights", weight)):
                yield pytest.param(asked, x, y, own, id=f"{name}, {classes}, {weights}")


@pytest.mark.parametrize(("asked", "x", "y", "weight"), list(variants()))
def test_as_scikit_learn(asked, x, y, weight):
    solver = "saga" if asked.get("l1_ratio") else "newton-cholesky"
    peer = Peer(**asked, **TIGHT, solver=solver, random_state=0).fit(x, y, sample_weight=weight)
    ours = LogisticRegression(**asked).fit(x, y, sample_weight=weight)
    close(ours.coef_, peer.coef_)
    close(ours.decision_function(x), peer.decision_function(x))
    close(ours.predict_proba(x), peer.predict_proba(x))
    assert (ours.predict(x) == peer.predict(x)).all()


def test_repeated_columns_share_a_coefficient_under_ridge():
    rng = np.random.default_rng(5)
    x = rng.normal(size=(200, 3))
    y = (x @ [1.0, -1.0, 0.5] + rng.logistic(size=200) > 0).astype(int)
    twice = np.column_stack([x, x[:, 0]])
    peer = Peer(solver="newton-cholesky", **TIGHT).fit(twice, y)
    close(LogisticRegression().fit(twice, y).coef_, peer.coef_)


def test_unpenalised_classes_are_centred():
    rng = np.random.default_rng(6)
    x = rng.normal(size=(400, 3))
    y = np.digitize(x @ [1.0, -1.0, 0.5] + rng.logistic(size=400), [-1, 1])
    peer = Peer(C=np.inf, solver="lbfgs", tol=1e-12, max_iter=10_000).fit(x, y)
    ours = LogisticRegression(C=np.inf).fit(x, y)
    # lbfgs ends where its own steps end.
    close(ours.coef_, peer.coef_, 1e-4)
    close(ours.coef_.sum(axis=0) + 1.0, np.ones(3), 1e-12)
    assert ours.certificate_.objective <= _mean_loss(peer, x, y) + 1e-12


def _mean_loss(model, x, y):
    return -model.predict_log_proba(x)[np.arange(len(y)), y].mean()
