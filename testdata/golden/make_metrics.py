"""Writes metrics.json: the metrics of small sets of predictions, as scikit-learn and statsmodels compute them.

    pip install scikit-learn==1.9.1 statsmodels==0.15.0
    python make_metrics.py

The inputs of the case `tutorial` are the logits and labels of the tutorial's test rows, in the order in which PyTorch
2.11 met them; they are taken over from metrics.json itself. All other inputs are drawn here from a fixed seed.

A number that does not exist is null. `logit` is what the recalibrating regression was fitted on: ln p - ln(1-p), and
for p = 0 and 1 that of the nearest number strictly between. Curves are given without their first threshold (infinity).
scikit-learn's calibration_curve takes no weights: it is given each row as often as its weight says, where weights are
whole. Where statsmodels' Logit takes no weights its GLM does.
"""

import json
import platform
import warnings
from pathlib import Path

import numpy as np
import scipy
import sklearn
import statsmodels
import statsmodels.api as sm
from scipy.special import expit
from sklearn import metrics
from sklearn.calibration import calibration_curve

PATH = Path(__file__).with_name("metrics.json")
BELOW_ONE = np.nextafter(1.0, 0.0)
ABOVE_ZERO = np.nextafter(0.0, 1.0)


def finite_logit(p):
    p = np.clip(p, ABOVE_ZERO, BELOW_ONE)
    return np.log(p) - np.log1p(-p)


def none_for_nan(value):
    return None if np.isnan(value) else float(value)


def rates(p, y, w, threshold):
    called = (p >= threshold).astype(int)
    keep = w > 0
    one_sided = len(set(y[keep])) < 2 or len(set(called[keep])) < 2
    kw = dict(sample_weight=w)
    nan = dict(zero_division=np.nan, **kw)
    matrix = metrics.confusion_matrix(y, called, labels=[0, 1], **kw)
    recall = metrics.recall_score(y, called, **nan)
    specificity = metrics.recall_score(y, called, pos_label=0, **nan)
    return {
        "confusion_matrix": matrix.astype(float).tolist(),
        "accuracy": metrics.accuracy_score(y, called, **kw),
        "balanced_accuracy": none_for_nan((recall + specificity) / 2),
        "precision": none_for_nan(metrics.precision_score(y, called, **nan)),
        "recall": none_for_nan(recall),
        "specificity": none_for_nan(specificity),
        "f1": none_for_nan(metrics.f1_score(y, called, **nan)),
        # scikit-learn says 0 where it is 0/0.
        "mcc": None if one_sided else metrics.matthews_corrcoef(y, called, **kw),
    }


def curves(p, y, w):
    out = {"roc": None, "roc_auc": None, "pr": None, "average_precision": None}
    present = set(y[w > 0])
    if len(present) == 2:
        fpr, tpr, threshold = metrics.roc_curve(y, p, sample_weight=w, drop_intermediate=False)
        out["roc"] = {"threshold": threshold[1:].tolist(), "fpr": fpr.tolist(), "tpr": tpr.tolist()}
        out["roc_auc"] = metrics.roc_auc_score(y, p, sample_weight=w)
    if 1 in present:
        precision, recall, threshold = metrics.precision_recall_curve(y, p, pos_label=1, sample_weight=w)
        out["pr"] = {"threshold": threshold.tolist(), "precision": precision.tolist(), "recall": recall.tolist()}
        out["average_precision"] = metrics.average_precision_score(y, p, sample_weight=w)
    return out


def bins(p, y, w):
    if np.any(w != np.round(w)):
        return None
    times = w.astype(int)
    observed, predicted = calibration_curve(np.repeat(y, times), np.repeat(p, times), pos_label=1, n_bins=10)
    return {"predicted": predicted.tolist(), "observed": observed.tolist()}


def line(z, y, w, weighted):
    keep = w > 0
    z, y, w = z[keep], y[keep], w[keep]
    design = sm.add_constant(z, has_constant="add")
    if weighted:
        fit = sm.GLM(y, design, family=sm.families.Binomial(), freq_weights=w).fit(tol=1e-15, maxiter=200)
    else:
        fit = sm.Logit(y, design).fit(method="newton", tol=1e-14, maxiter=200, disp=False)
    fitted = expit(design @ fit.params)
    score = np.abs(design.T @ (w * (y - fitted))) / (np.abs(design).T @ w)
    assert score.max() < 1e-14, score
    return {"intercept": fit.params[0], "slope": fit.params[1]}


def case(name, p, y, w=None, threshold=0.5, logit=None, has_line=True, with_curves=True):
    one = np.ones(len(p)) if w is None else w
    z = finite_logit(p) if logit is None else logit
    out = {"name": name, "threshold": threshold, "probability": p.tolist(), "y": y.tolist()}
    out["weight"] = None if w is None else w.tolist()
    if logit is not None:
        out["logit"] = logit.tolist()
    out["expected"] = {
        **rates(p, y, one, threshold),
        **curves(p, y, one),
        "log_loss": metrics.log_loss(y, p, sample_weight=one, labels=[0, 1]),
        "brier": metrics.brier_score_loss(y, p, sample_weight=one, pos_label=1),
        "bins": bins(p, y, one),
        "line": line(z, y, one, w is not None) if has_line else None,
    }
    if not with_curves:
        out["expected"].update(roc=None, pr=None)
    return out


def cases():
    recorded = next(c for c in json.loads(PATH.read_text())["cases"] if c["name"] == "tutorial")
    logit, label = np.array(recorded["logit"]), np.array(recorded["y"]).astype(int)
    yield case("tutorial", expit(logit), label, logit=logit)

    rng = np.random.default_rng(20240)
    p = np.round(rng.uniform(size=150), 1)
    yield case("ties on the edges of the bins", p, rng.binomial(1, p), threshold=0.3)

    p = np.round(rng.beta(0.6, 0.9, size=400), 6)
    y = rng.binomial(1, expit(-0.4 + 0.7 * finite_logit(p)))
    yield case("random", p, y, with_curves=False, threshold=0.41)
    p, y = p[:120], y[:120]
    w = np.round(rng.gamma(0.7, size=120), 4)
    w[::11] = 0.0
    yield case("weights", p, y, w)
    yield case("whole weights", p, y, rng.integers(0, 5, size=120).astype(float), threshold=0.25, with_curves=False)
    yield case("rare events", p[:90] * 1e-3, (np.arange(90) % 30 == 7).astype(int), threshold=1e-4, with_curves=False)

    p = np.array([0, 0, 0, 1e-300, 1e-300, 5e-324, 1e-17, 1e-9, 0.2, 0.5, 0.5, 0.8, 1 - 1e-9, BELOW_ONE, 1, 1, 1])
    y = np.array([0, 0, 1, 0, 0, 0, 0, 1, 0, 1, 0, 1, 1, 1, 1, 1, 0])
    yield case("extreme", p, y)

    p = np.array([0.1, 0.2, 0.5, 0.5, 0.9])
    yield case("all positive", p, np.ones(5, int), has_line=False)
    yield case("all negative", p, np.zeros(5, int), has_line=False)
    yield case("all equal", np.full(7, 0.3), np.array([0, 1, 0, 0, 1, 0, 0]), has_line=False)
    yield case("separated", p, np.array([0, 0, 0, 0, 1]), has_line=False)
    yield case("separated but for a tie", p, np.array([0, 0, 0, 1, 1]), has_line=False)
    yield case("backwards", p, np.array([1, 1, 1, 0, 0]), has_line=False)
    yield case("nothing called positive", p, np.array([0, 1, 1, 0, 1]), threshold=0.95)
    yield case("one class by weight", p, np.array([0, 1, 1, 0, 1]), np.array([0.0, 1, 2, 0, 1]), has_line=False)
    yield case("one row", np.array([0.5]), np.array([1]), has_line=False)


if __name__ == "__main__":
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        computed = list(cases())
    versions = {"python": platform.python_version()}
    versions |= {module.__name__: module.__version__ for module in (np, scipy, sklearn, statsmodels)}
    lines = ",\n".join(json.dumps(case, allow_nan=False) for case in computed)
    made_by = json.dumps({"command": "python make_metrics.py", "versions": versions})
    PATH.write_text(f'{{"made_by": {made_by},\n"cases": [\n{lines}\n]}}\n')
