"""Tables, designs and fits in 80-bit arithmetic, for make_inference.py."""

import json
import re
from pathlib import Path

import mpmath as mp
import numpy as np
import pandas as pd

HERE = Path(__file__).parent
L = np.longdouble
mp.mp.dps = 30

FITS = {}
for _spec in json.loads((HERE / "fits.json").read_text()):
    FITS.setdefault(_spec["id"], _spec)


def spec_of(fit_id, **changes):
    """A spec of fits.json, without what is default, and with changes."""
    spec = {k: v for k, v in FITS[fit_id].items() if v is not None and k not in ("id", "kind", "C", "l1_ratio")}
    spec.update(changes)
    return {k: v for k, v in spec.items() if v is not None and v != []}


def index_formula(text, i):
    """The value of a formula in the row number i, which counts from 0 in the file."""
    assert re.fullmatch(r"[0-9i mod+\-*.()]+", text), text
    return eval(text.replace("mod", "%"), {"i": i})


class Design:
    def __init__(self, spec):
        self.spec = spec
        table = pd.read_csv(HERE.parent / f"{spec['case']}.csv", dtype=str, keep_default_na=False, na_filter=False)
        numeric, categorical = spec.get("numeric", []), spec.get("categorical", [])
        extra = [spec[k] for k in ("cluster", "offset") if k in spec and spec[k] in table.columns]
        used = [spec["target"], *numeric, *categorical, *extra]
        missing = [*spec.get("na_values", []), ""]
        keep = ~table[used].isin(missing).any(axis=1)
        for column, labels in spec.get("filter", {}).items():
            keep &= table[column].isin(labels)
        self.dropped = int((~keep).sum())
        table = table[keep]
        i = table.index.to_numpy()
        self.table = table
        self.target = table[spec["target"]].to_numpy()
        if "positive" in spec:
            self.y = (self.target == spec["positive"]).astype(L)
        columns, names, source = [], [], []
        if spec.get("intercept", True):
            columns.append(np.ones(len(i), L))
            names.append("(Intercept)")
            source.append(None)
        for c in numeric:
            columns.append(table[c].astype(float).to_numpy().astype(L))
            names.append(c)
            source.append(c)
        self.levels = {}
        for c in categorical:
            levels = sorted(set(table[c]))
            self.levels[c] = levels
            for level in levels if spec.get("coding") == "onehot" else levels[1:]:
                columns.append((table[c] == level).to_numpy().astype(L))
                names.append(f"{c}[{level}]")
                source.append(c)
        self.x = np.column_stack(columns)
        self.names, self.source = names, source
        self.n, self.k = self.x.shape
        if spec.get("scale") == "zscore":
            for j, name in enumerate(names):
                if name != "(Intercept)":
                    v = self.x[:, j]
                    v = v - v.mean()
                    self.x[:, j] = v / np.sqrt((v * v).mean())
        self.s = np.ones(self.n, L)
        if "weight_formula" in spec:
            self.s = np.array([index_formula(spec["weight_formula"], int(v)) for v in i], float).astype(L)
        self.offset = np.zeros(self.n, L)
        if "offset" in spec:
            self.offset = table[spec["offset"]].astype(float).to_numpy().astype(L)
        if "offset_formula" in spec:
            self.offset = np.array([index_formula(spec["offset_formula"], int(v)) for v in i], float).astype(L)
        self.cluster = table[spec["cluster"]].to_numpy() if "cluster" in spec else None

    def terms(self):
        """Source columns and where they lie in the design."""
        found = {}
        for j, c in enumerate(self.source):
            if c is not None:
                found.setdefault(c, []).append(j)
        return found


def solve(a, b):
    """Gaussian elimination with row pivoting in 80 bits; b a vector or a matrix."""
    a, b = np.array(a, L), np.array(b, L)
    vector = b.ndim == 1
    b = b[:, None] if vector else b
    # Equilibrate symmetrically: the columns' units differ by 1e5.
    d = 1 / np.sqrt(np.maximum(np.abs(np.diag(a)), L(1e-300)))
    a, b = a * d[:, None] * d[None, :], b * d[:, None]
    n = len(a)
    for c in range(n):
        p = c + int(np.argmax(abs(a[c:, c])))
        if a[p, c] == 0:
            raise ZeroDivisionError("singular")
        if p != c:
            a[[c, p]], b[[c, p]] = a[[p, c]], b[[p, c]]
        f = a[c + 1 :, c] / a[c, c]
        a[c + 1 :] -= f[:, None] * a[c]
        b[c + 1 :] -= f[:, None] * b[c]
    for c in range(n - 1, -1, -1):
        b[c] = (b[c] - a[c, c + 1 :] @ b[c + 1 :]) / a[c, c]
    b = b * d[:, None]
    return b[:, 0] if vector else b


def softplus(e):
    return np.maximum(e, 0) + np.log1p(np.exp(-abs(e)))


def sigmoid(e):
    t = np.exp(-abs(e))
    return np.where(e >= 0, 1 / (1 + t), t / (1 + t))


class Fit:
    pass


def newton(x, y, s=None, offset=None, ridge=None, start=None, fixed=()):
    """Σ s l + ½ Σ ridge_j w_j² to the limit of 80-bit arithmetic. `fixed` columns keep the value of `start`."""
    n, k = x.shape
    s = np.ones(n, L) if s is None else s
    offset = np.zeros(n, L) if offset is None else offset
    ridge = np.zeros(k, L) if ridge is None else np.array(ridge, L)
    w = np.zeros(k, L) if start is None else np.array(start, L)
    free = [j for j in range(k) if j not in fixed]
    xf = x[:, free]

    def value(w):
        e = x @ w + offset
        return (s * (softplus(e) - y * e)).sum() + (ridge * w * w).sum() / 2

    now, quiet = value(w), 0
    for iteration in range(200):
        if not free:
            break
        mu = sigmoid(x @ w + offset)
        g = xf.T @ (s * (mu - y)) + ridge[free] * w[free]
        h = xf.T @ (xf * (s * mu * (1 - mu))[:, None]) + np.diag(ridge[free])
        step = solve(h, g)
        scale, t = abs(step).max() / (abs(w[free]).max() + L(1e-300)), L(1)
        if float(g @ step) < 1e-22 * max(1.0, float(abs(now))):
            quiet += 1
            w[free] -= step
            if quiet >= 3 or scale < L(1e-18):
                break
            continue
        while True:
            new = w.copy()
            new[free] -= t * step
            v = value(new)
            if v <= now or t < 1e-6:
                break
            t /= 2
        w, now = new, v
        if abs(w).max() > 1e6 and float(now) < 1e-6:
            raise ArithmeticError("separated")
    else:
        raise ArithmeticError("no convergence")
    fit = Fit()
    fit.w, fit.eta = w, x @ w + offset
    fit.mu = sigmoid(fit.eta)
    fit.loglik = -(s * (softplus(fit.eta) - y * fit.eta)).sum()
    fit.penalised = fit.loglik - (ridge * w * w).sum() / 2
    fit.score = x.T @ (s * (y - fit.mu)) - ridge * w
    fit.v = s * fit.mu * (1 - fit.mu)
    fit.information = x.T @ (x * fit.v[:, None]) + np.diag(ridge)
    fit.iterations = iteration
    return fit


def mpf(v):
    """An 80-bit number exactly."""
    v = L(v)
    high = float(v)
    return mp.mpf(high) + mp.mpf(float(v - L(high)))


def p_normal(z):
    return float(mp.erfc(abs(mpf(z)) / mp.sqrt(2)))


def p_chi2(x, df):
    return float(mp.gammainc(mp.mpf(df) / 2, mpf(x) / 2, regularized=True)) if x > 0 else 1.0


Z95 = mp.sqrt(2) * mp.erfinv(mp.mpf("0.95"))
Z95L = L(float(Z95)) + L(float(Z95 - mp.mpf(float(Z95))))
CHI95 = Z95L * Z95L


def wald(w, se):
    z = w / se
    return {
        "se": se,
        "z": z,
        "p_value": [p_normal(v) for v in z],
        "ci_low": w - Z95L * se,
        "ci_high": w + Z95L * se,
    }


def plain(value):
    """For JSON: 80-bit numbers rounded to f64, which is written with up to 17 digits; null for what does not exist."""
    if isinstance(value, dict):
        return {k: plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple, np.ndarray)):
        return [plain(v) for v in value]
    if isinstance(value, (bool, np.bool_)):
        return bool(value)
    if isinstance(value, (np.floating, float)):
        value = float(value)
        return value if np.isfinite(value) else None if np.isnan(value) else str(value)
    if isinstance(value, np.integer):
        return int(value)
    return value


def apart(found, expected):
    """The greatest difference, each relative to the expected number."""
    a, b = np.asarray(found, float).ravel(), np.asarray(plain(expected), float).ravel()
    assert a.shape == b.shape, (a.shape, b.shape)
    return float(f"{np.max(abs(a - b) / np.maximum(abs(b), 1e-300)):.2e}")
