"""Writes metrics.json: the metrics of small sets of predictions, as scikit-learn and statsmodels compute them.

    pip install scikit-learn==1.9.1 statsmodels==0.15.0
    apt-get install r-base-core r-cran-proc
    python make_metrics.py

The inputs of the case `tutorial` are the logits and labels of the tutorial's test rows, in the order in which PyTorch
2.11 met them; they are taken over from metrics.json itself. All other inputs are drawn here from a fixed seed.

A number that does not exist is null. `logit` is what the recalibrating regression was fitted on: ln p - ln(1-p), and
for p = 0 and 1 that of the nearest number strictly between. Curves are given without their first threshold (infinity).
scikit-learn's calibration_curve takes no weights: it is given each row as often as its weight says, where weights are
whole. Where statsmodels' Logit takes no weights its GLM does.

The variance of the ROC area, and the test of two areas, are those of R's pROC (method "delong"); it takes no weights
and gives a variance of 0 for separated classes, for which nothing is recorded. Wilson's intervals are those of
statsmodels; with weights it is given the effective number of rows. The paired comparison of log losses is scipy's
t-test, of which only the standard error is taken.
"""

import json
import platform
import subprocess
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
from statsmodels.stats.proportion import proportion_confint

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
        "negative_predictive_value": none_for_nan(metrics.precision_score(y, called, pos_label=0, **nan)),
        "recall": none_for_nan(recall),
        "specificity": none_for_nan(specificity),
        "f1": none_for_nan(metrics.f1_score(y, called, **nan)),
        # scikit-learn says 0 where it is 0/0.
        "mcc": None if one_sided else metrics.matthews_corrcoef(y, called, **kw),
    }


def wilson(p, y, w, threshold):
    called = p >= threshold
    every = np.ones(len(p), bool)
    shares = {
        "accuracy": (every, called == (y == 1)),
        "precision": (called, y == 1),
        "recall": (y == 1, called),
        "false_positive_rate": (y == 0, called),
        "specificity": (y == 0, ~called),
        "negative_predictive_value": (~called, y == 0),
    }
    out = {}
    for name, (among, right) in shares.items():
        if not w[among].any():
            out[name] = None
            continue
        rows = w[among].sum() ** 2 / (w[among] ** 2).sum()
        share = w[among & right].sum() / w[among].sum()
        out[name] = [float(end) for end in proportion_confint(share * rows, rows, method="wilson")]
    return out


R = """
suppressMessages(library(pROC))
data <- read.csv(file("stdin"), colClasses = "numeric")
one <- roc(data$y, data$p, levels = c(0, 1), direction = "<", quiet = TRUE)
numbers <- c(var(one, method = "delong"), ci.auc(one, method = "delong")[c(1, 3)])
if (!is.null(data$other)) {
  other <- roc(data$y, data$other, levels = c(0, 1), direction = "<", quiet = TRUE)
  test <- roc.test(one, other, method = "delong", paired = TRUE)
  numbers <- c(numbers, auc(one), auc(other), test$statistic, test$p.value, test$conf.int)
}
cat(sprintf("%.17g", numbers), sep = "\n")
"""


def proc(p, y, other=None):
    columns = [p, y] if other is None else [p, y, other]
    lines = [",".join(repr(float(cell)) for cell in row) for row in zip(*columns)]
    text = "\n".join(["p,y" if other is None else "p,y,other", *lines]) + "\n"
    done = subprocess.run(["Rscript", "-e", R], input=text, capture_output=True, text=True, check=True)
    return [float(line) for line in done.stdout.split()]


def delong(p, y, w):
    p, y, w = p[w > 0], y[w > 0], w[w > 0]
    if min(np.sum(y == 0), np.sum(y == 1)) < 2 or len(set(w)) > 1:
        return None
    variance, low, high = proc(p, y)
    return {"std_error": variance**0.5, "interval": [low, high]} if variance > 0 else None


def comparison(name, p, other, y):
    variance, low, high, area, other_area, z, p_value, *interval = proc(p, y, other)
    loss = [-np.where(y == 1, np.log(q), np.log1p(-q)) for q in (p, other)]
    test = scipy.stats.ttest_rel(*loss)
    return {
        "name": name,
        "probability": p.tolist(),
        "other": other.tolist(),
        "y": y.tolist(),
        "expected": {
            "roc_auc": [area, other_area],
            "z": z,
            "p_value": p_value,
            "interval": interval,
            "log_loss": [metrics.log_loss(y, q) for q in (p, other)],
            "log_loss_std_error": float(test._standard_error),
        },
    }


def several(name, p, y, w=None):
    """Several classes, all of which have rows."""
    n = p.shape[1]
    labels = list(range(n))
    called = p.argmax(axis=1)
    kw = dict(labels=labels, sample_weight=w)
    nan = dict(zero_division=np.nan, **kw)
    never = len(set(called[np.ones(len(y), bool) if w is None else w > 0])) < n

    def averages(average):
        area = [metrics.roc_auc_score(y == k, p[:, k], sample_weight=w) for k in labels]
        share = np.ones(n) if average == "macro" else metrics.confusion_matrix(y, called, **kw).sum(axis=1)
        of = lambda score: float(score(y, called, average=average, **nan))
        return {
            "precision": None if never else of(metrics.precision_score),
            "recall": of(metrics.recall_score),
            "f1": float(metrics.f1_score(y, called, average=average, zero_division=0, **kw)),
            "roc_auc": float(np.average(area, weights=share)),
        }

    return {
        "name": name,
        "n_classes": n,
        "probability": p.ravel().tolist(),
        "y": y.tolist(),
        "weight": None if w is None else w.tolist(),
        "expected": {
            "confusion_matrix": metrics.confusion_matrix(y, called, **kw).astype(float).ravel().tolist(),
            "accuracy": metrics.accuracy_score(y, called, sample_weight=w),
            "balanced_accuracy": metrics.balanced_accuracy_score(y, called, sample_weight=w),
            "kappa": metrics.cohen_kappa_score(y, called, **kw),
            "log_loss": metrics.log_loss(y, p, **kw),
            "brier": metrics.brier_score_loss(y, p, **kw),
            "precision": [none_for_nan(x) for x in metrics.precision_score(y, called, average=None, **nan)],
            "recall": [none_for_nan(x) for x in metrics.recall_score(y, called, average=None, **nan)],
            "f1": metrics.f1_score(y, called, average=None, zero_division=0, **kw).tolist(),
            "roc_auc": [metrics.roc_auc_score(y == k, p[:, k], sample_weight=w) for k in labels],
            "macro": averages("macro"),
            "weighted": averages("weighted"),
        },
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
        "wilson": wilson(p, y, one, threshold),
        "delong": delong(p, y, one),
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


def comparisons():
    rng = np.random.default_rng(20241)
    z = rng.normal(size=160)
    y = rng.binomial(1, expit(z))
    p, other = expit(z + 0.5 * rng.normal(size=160)), expit(0.5 * z + rng.normal(size=160))
    yield comparison("one better than the other", p, other, y)
    yield comparison("ties", np.round(np.clip(p, 0.1, 0.9), 1), np.round(np.clip(other, 0.1, 0.9), 1), y)


def multi():
    rng = np.random.default_rng(20242)
    z = 1.2 * rng.normal(size=(120, 3))
    p = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    y = np.array([rng.choice(3, p=row) for row in p])
    yield several("three classes", p, y)
    # Sixteenths sum to 1 without rounding, and tie.
    coarse = np.floor(16 * p) / 16
    coarse[:, 2] = 1 - coarse[:, 0] - coarse[:, 1]
    w = np.round(rng.gamma(0.7, size=120), 4)
    w[::11] = 0.0
    yield several("ties and weights", coarse, y, w)
    never = np.column_stack([0.75 * p, np.full(120, 0.25)])
    never[:, 0] += 0.25
    never[:, 3] -= 0.25
    y = np.where(np.arange(120) % 10 == 3, 3, y)
    yield several("a class never called", never, y)


if __name__ == "__main__":
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        computed = list(cases())
        compared, of_several = list(comparisons()), list(multi())
    versions = {"python": platform.python_version()}
    versions |= {module.__name__: module.__version__ for module in (np, scipy, sklearn, statsmodels)}
    proc_version = "cat(as.character(packageVersion('pROC')))"
    versions["pROC"] = subprocess.run(["Rscript", "-e", proc_version], capture_output=True, text=True).stdout
    lines, compared, of_several = (
        ",\n".join(json.dumps(case, allow_nan=False) for case in group) for group in (computed, compared, of_several)
    )
    made_by = json.dumps({"command": "python make_metrics.py", "versions": versions})
    PATH.write_text(f'{{"made_by": {made_by},\n"cases": [\n{lines}\n],\n"comparisons": [\n{compared}\n],\n'
                    f'"several": [\n{of_several}\n]}}\n')
