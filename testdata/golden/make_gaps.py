"""Writes gaps.json: the minima of 1,000 small random problems, by which an optimality gap can be checked.

    pip install mpmath numpy
    python make_gaps.py

Problem i (0 … 999) comes from SplitMix64 (splitmix.py) with the state i at the start; `below(m)` is (next() >> 33) mod m.
Drawn in this order, all whole numbers:

    n = 20 + below(41)            rows
    p = 1 + below(5)              columns
    a = below(8), b = below(12)   l1 = 2^-(2+a), l2 = 2^-(1+b), where the problem has them
    v_j = below(4097) - 2048      for j = 1 … p
    then row by row
        k_j = below(4097) - 2048  for j = 1 … p;  x_j = k_j / 1024
        e = below(8193) - 4096;   y = 1 if Σ_j v_j k_j + 1024 e > 0 else 0
        s = (1 + below(16)) / 4   drawn in every problem, the weight where the problem has weights, else 1

    i mod 4:       0 unpenalised, 1 l2, 2 l1, 3 both
    (i div 4) mod 3 = 2: weights, else none
    (i div 12) mod 5 = 4: no bias, else a bias, never penalised

    objective(w, b) = (1/Σs) Σ s_i log(1 + exp(-(2y_i-1)(b + w·x_i))) + l1 ‖w‖₁ + l2/2 ‖w‖²

The support is found in 64-bit arithmetic by coordinate descent; then Newton's method runs on it with 50 digits until its
step is below 1e-30, and the conditions of the minimum are checked: signs agree, and |gradient| <= l1 off the support.
Where no minimum exists (Newton does not arrive: one class, or separation without penalty) the entry is null.
"""

import json
from pathlib import Path

import mpmath as mp
import numpy as np
from splitmix import SplitMix64

PATH = Path(__file__).with_name("gaps.json")
mp.mp.dps = 50


def problem(i):
    g = SplitMix64(i)
    n, p = 20 + g.below(41), 1 + g.below(5)
    a, b = g.below(8), g.below(12)
    v = [g.below(4097) - 2048 for _ in range(p)]
    rows, y, s = [], [], []
    for _ in range(n):
        k = [g.below(4097) - 2048 for _ in range(p)]
        e = g.below(8193) - 4096
        rows.append(k)
        y.append(int(sum(x * w for x, w in zip(k, v)) + 1024 * e > 0))
        s.append(1 + g.below(16))
    kind = i % 4
    if i // 4 % 3 != 2:
        s = [4] * n
    return {
        "x": np.array(rows) / 1024.0,
        "y": np.array(y, float),
        "s": np.array(s) / 4.0,
        "l1": 2.0 ** -(2 + a) if kind in (2, 3) else 0.0,
        "l2": 2.0 ** -(1 + b) if kind in (1, 3) else 0.0,
        "bias": i // 12 % 5 != 4,
    }


def rough(q):
    """Proximal Newton in f64: quadratic models, each minimised by coordinate descent."""
    x = np.column_stack([np.ones(len(q["y"])), q["x"]]) if q["bias"] else q["x"]
    free = np.array([q["bias"]] + [False] * q["x"].shape[1]) if q["bias"] else np.zeros(x.shape[1], bool)
    l1, l2 = np.where(free, 0, q["l1"]), np.where(free, 0, q["l2"])
    s = q["s"] / q["s"].sum()
    sign = 2 * q["y"] - 1
    w = np.zeros(x.shape[1])

    def value(w):
        return s @ np.logaddexp(0, -sign * (x @ w)) + l1 @ abs(w) + l2 @ w**2 / 2

    for _ in range(100):
        mu = 1 / (1 + np.exp(-(x @ w)))
        g = x.T @ (s * (mu - q["y"])) + l2 * w
        h = x.T @ (x * (s * mu * (1 - mu))[:, None]) + np.diag(l2) + 1e-12 * np.eye(len(w))
        new = w.copy()
        for _ in range(500):
            old = new.copy()
            for j in range(len(w)):
                r = new[j] - (g[j] + h[j] @ (new - w)) / h[j, j]
                new[j] = np.sign(r) * max(abs(r) - l1[j] / h[j, j], 0)
            if abs(new - old).max() < 1e-15:
                break
        step = 1.0
        while value(w + step * (new - w)) > value(w) + 1e-15 and step > 1e-10:
            step /= 2
        moved = abs(step * (new - w)).max()
        w = w + step * (new - w) if step < 1 else new
        if moved < 1e-13 or abs(w).max() > 1e3:
            break
    return w, x, l1, l2


def minimum(i):
    q = problem(i)
    if len(set(q["y"])) == 1:
        if q["bias"]:
            return None, "one class"
    w, x, l1, l2 = rough(q)
    if abs(w).max() > 1e3:
        return None, "separated"
    n, k = x.shape
    X = [[mp.mpf(float(v)) for v in row] for row in x]
    s = [mp.mpf(float(v)) for v in q["s"]]
    total = mp.fsum(s)
    sign = [int(2 * v - 1) for v in q["y"]]
    active = [j for j in range(k) if w[j] != 0]
    signs = {j: int(np.sign(w[j])) for j in active}
    b = {j: mp.mpf(float(w[j])) for j in active}
    for _ in range(30):
        eta = [mp.fsum(row[j] * b[j] for j in active) for row in X]
        away = [1 / (1 + mp.exp(t * e)) for t, e in zip(sign, eta)]
        grad = [
            -mp.fsum(si * t * row[j] * u for si, t, row, u in zip(s, sign, X, away)) / total for j in range(k)
        ]
        for j in active:
            grad[j] += mp.mpf(float(l2[j])) * b[j] + mp.mpf(float(l1[j])) * signs[j]
        if not active:
            break
        curve = [si * u * (1 - u) / total for si, u in zip(s, away)]
        h = mp.matrix(len(active))
        for c, j in enumerate(active):
            for d, m in enumerate(active[: c + 1]):
                h[c, d] = h[d, c] = mp.fsum(row[j] * row[m] * v for row, v in zip(X, curve))
            h[c, c] += mp.mpf(float(l2[j]))
        try:
            step = mp.lu_solve(h, mp.matrix([grad[j] for j in active]))
        except ZeroDivisionError:
            return None, "singular"
        for c, j in enumerate(active):
            b[j] -= step[c]
        moved = max(abs(v) for v in step)
        if moved < mp.mpf("1e-30"):
            break
    else:
        return None, "no convergence"
    eta = [mp.fsum(row[j] * b[j] for j in active) for row in X]
    for j in range(k):
        if j in b:
            assert l1[j] == 0 or mp.sign(b[j]) == signs[j], (i, j)
        else:
            assert abs(grad[j]) <= l1[j], (i, j, grad[j], l1[j])
    value = mp.fsum(si * mp.log1p(mp.exp(-t * e)) for si, t, e in zip(s, sign, eta)) / total
    value += mp.fsum(mp.mpf(float(l1[j])) * abs(b[j]) + mp.mpf(float(l2[j])) * b[j] ** 2 / 2 for j in active)
    return mp.nstr(value, 20, strip_zeros=False, min_fixed=-5), k - len(active)


def main():
    minima, count = [], {}
    for i in range(1000):
        value, note = minimum(i)
        minima.append(value)
        key = (i % 4, note)
        count[key] = count.get(key, 0) + 1
        if i % 100 == 0:
            print(i, value, note, flush=True)
    print(sorted(count.items(), key=str))
    lines = ",\n".join(
        "[" + ",".join(json.dumps(v) for v in minima[i : i + 5]) + "]" for i in range(0, 1000, 5)
    )
    probe = problem(0)
    head = {
        "what": "minima[i / 5][i % 5]: the least objective of problem i, 20 digits; make_gaps.py says how it is drawn",
        "splitmix64_state_0": [f"{v:016x}" for v in (lambda g: [g.next() for _ in range(4)])(SplitMix64(0))],
        "problem_0": {
            "n": len(probe["y"]),
            "p": probe["x"].shape[1],
            "first_row": probe["x"][0].tolist(),
            "y": probe["y"].astype(int).tolist(),
        },
        "problem_11": {
            "n": len(problem(11)["y"]),
            "p": problem(11)["x"].shape[1],
            "l1": problem(11)["l1"],
            "l2": problem(11)["l2"],
            "first_row": problem(11)["x"][0].tolist(),
            "s": problem(11)["s"].tolist(),
        },
    }
    PATH.write_text(json.dumps(head)[:-1] + ',\n"minima":[\n' + lines + "\n]}\n")


main()
