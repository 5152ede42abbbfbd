"""Writes separations.json: for small designs of whole numbers, what separates, in exact rational arithmetic.

    python make_separations.py        (Python alone; no packages)

A row i with columns x (the intercept's 1 among them) and y in {0, 1} has the margin (2y-1) x·δ in the direction δ. Row i
is separated if some δ gives no row a negative margin and row i a positive one. The verdict is `none` if no row is
separated, `complete` if all are, else `quasi-complete`. A coefficient is infinite if some vector that is orthogonal to
all rows that are not separated is nonzero there.

A column that is a linear combination of columns before it (the intercept is the first) is aliased: it is left out, and
has no verdict.

The linear programme  max Σ t,  0 <= t_i <= 1,  t_i <= margin_i  is solved by the simplex method with Bland's rule over
fractions. Its answers are then proved, whatever the simplex did: `direction` has a positive margin for each separated
row and zero for the others, and `balance` λ >= 0 has Σ λ_i (2y_i-1) x_i = 0 and λ_i > 0 for each row that is not
separated, which therefore cannot be (Stiemke's lemma). Both are stored as whole numbers.
"""

import json
from fractions import Fraction
from math import gcd, lcm
from pathlib import Path

from splitmix import SplitMix64

PATH = Path(__file__).with_name("separations.json")


def row_reduce(rows):
    """Reduced echelon form and its pivot columns."""
    rows = [[Fraction(v) for v in row] for row in rows]
    pivots, r = [], 0
    for c in range(len(rows[0]) if rows else 0):
        p = next((i for i in range(r, len(rows)) if rows[i][c] != 0), None)
        if p is None:
            continue
        rows[r], rows[p] = rows[p], rows[r]
        head = rows[r][c]
        rows[r] = [v / head for v in rows[r]]
        for i in range(len(rows)):
            if i != r and rows[i][c] != 0:
                f = rows[i][c]
                rows[i] = [a - f * b for a, b in zip(rows[i], rows[r])]
        pivots.append(c)
        r += 1
    return rows[:r], pivots


def simplex(objective, rows, rhs):
    """max objective·x, rows·x <= rhs, x >= 0, rhs >= 0: x and the dual values."""
    m, n = len(rows), len(objective)
    table = [
        [Fraction(v) for v in row] + [Fraction(int(i == k)) for k in range(m)] + [Fraction(b)]
        for i, (row, b) in enumerate(zip(rows, rhs))
    ]
    cost = [Fraction(-v) for v in objective] + [Fraction(0)] * (m + 1)
    basis = list(range(n, n + m))
    while True:
        enter = next((j for j in range(n + m) if cost[j] < 0), None)
        if enter is None:
            break
        ratios = [(table[i][-1] / table[i][enter], basis[i], i) for i in range(m) if table[i][enter] > 0]
        leave = min(ratios)[2]
        head = table[leave][enter]
        table[leave] = [v / head if v else v for v in table[leave]]
        nonzero = [(k, v) for k, v in enumerate(table[leave]) if v != 0]
        for row in [*(table[i] for i in range(m) if i != leave), cost]:
            f = row[enter]
            if f != 0:
                for k, v in nonzero:
                    row[k] -= f * v
        basis[leave] = enter
    x = [Fraction(0)] * (n + m)
    for i, j in enumerate(basis):
        x[j] = table[i][-1]
    return x[:n], cost[n : n + m]


def whole(values):
    scale = lcm(*(v.denominator for v in values)) if values else 1
    values = [int(v * scale) for v in values]
    common = gcd(*values) or 1
    return [v // common for v in values]


def verdict(names, rows, y):
    columns = row_reduce(rows)[1]
    aliased = [name for j, name in enumerate(names) if j not in columns]
    used = [names[j] for j in columns]
    signed = [[(2 * t - 1) * row[j] for j in columns] for row, t in zip(rows, y)]
    n, k = len(signed), len(columns)
    # δ+, δ-, t
    limits = [[-v for v in a] + a + [int(i == j) for j in range(n)] for i, a in enumerate(signed)]
    limits += [[0] * (2 * k) + [int(i == j) for j in range(n)] for i in range(n)]
    x, dual = simplex([0] * (2 * k) + [1] * n, limits, [0] * n + [1] * n)
    direction = whole([x[j] - x[k + j] for j in range(k)])
    balance = whole(dual[:n])
    margins = [sum(a * d for a, d in zip(row, direction)) for row in signed]
    separated = [i for i in range(n) if margins[i] > 0]
    assert all(m >= 0 for m in margins)
    assert all(b >= 0 for b in balance) and all(balance[i] > 0 for i in range(n) if margins[i] == 0)
    assert all(sum(b * row[j] for b, row in zip(balance, signed)) == 0 for j in range(k))
    rest = [row for row, m in zip(signed, margins) if m == 0]
    reduced, pivots = row_reduce(rest)
    # e_j is in the row space exactly if j is a pivot whose reduced row has nothing else.
    finite = {p for row, p in zip(reduced, pivots) if sum(v != 0 for v in row) == 1}
    kind = "none" if not separated else "complete" if len(separated) == n else "quasi-complete"
    return {
        "aliased": aliased,
        "verdict": kind,
        "infinite": [name for j, name in enumerate(used) if j not in finite],
        "separated_rows": separated,
        "direction": dict(zip(used, direction)),
        "balance": balance,
    }


def numbers(g, p, spread):
    return [g.below(2 * spread + 1) - spread for _ in range(p)]


def design(index):
    """Twelve kinds in turn; each a list of rows and of y."""
    g = SplitMix64(1000 + index)
    kind = index % 12
    n, p = 8 + g.below(23), 1 + g.below(4)
    intercept = True
    if kind == 0:
        name = "plain, more rows than usual"
        n = 20 + g.below(11)
        rows = [numbers(g, p, 3) for _ in range(n)]
        y = [g.below(2) for _ in rows]
    elif kind == 1:
        name = "plain, few rows"
        n, p = 8, 2 + g.below(3)
        rows = [numbers(g, p, 3) for _ in range(n)]
        y = [g.below(2) for _ in rows]
    elif kind == 2:
        name = "y is the side of a plane; rows on the plane are left out"
        rows, y, w, c = [], [], [*numbers(g, p - 1, 3), 1], g.below(3) - 1
        while len(rows) < n:
            row = numbers(g, p, 4)
            side = sum(a * b for a, b in zip(row, w)) + c
            if side:
                rows.append(row)
                y.append(int(side > 0))
    elif kind == 3:
        name = "y is the side of a plane; rows on the plane have any y"
        w, c = [*numbers(g, p - 1, 2), 1], g.below(3) - 1
        rows = [numbers(g, p, 2) for _ in range(n)]
        sides = [sum(a * b for a, b in zip(row, w)) + c for row in rows]
        y = [int(s > 0) if s else g.below(2) for s in sides]
    elif kind == 4:
        name = "a 0/1 column that is 1 for events alone, beside numbers"
        rows = [[*numbers(g, p - 1, 3), g.below(2)] for _ in range(n)]
        y = [1 if row[-1] else g.below(2) for row in rows]
    elif kind == 5:
        name = "a category of four levels as dummies, the last level all events"
        p = 3
        levels = [g.below(4) for _ in range(n)]
        levels[:4] = [0, 1, 2, 3]
        rows = [[int(level == k) for k in (1, 2, 3)] for level in levels]
        y = [1 if level == 3 else g.below(2) for level in levels]
    elif kind == 6:
        name = "a category of three levels, its first level all non-events, and a number"
        levels = [g.below(3) for _ in range(n)]
        levels[:3] = [0, 1, 2]
        rows = [[int(level == 1), int(level == 2), *numbers(g, 1, 3)] for level in levels]
        y = [0 if level == 0 else g.below(2) for level in levels]
    elif kind == 7:
        name = "two equal columns"
        p = 1 + g.below(2)
        rows = [numbers(g, p, 3) for _ in range(n)]
        rows = [[*row, row[0]] for row in rows]
        y = [int(row[0] > 0) if index % 24 == 7 else g.below(2) for row in rows]
    elif kind == 8:
        name = "the intercept alone"
        rows = [[] for _ in range(n)]
        y = [g.below(2) if index % 24 == 8 else 1 for _ in rows]
    elif kind == 9:
        name = "no intercept"
        intercept = False
        w = [*numbers(g, p - 1, 2), 1]
        rows = [numbers(g, p, 2) for _ in range(n)]
        sides = [sum(a * b for a, b in zip(row, w)) for row in rows]
        y = [int(s > 0) if s and index % 24 == 9 else g.below(2) for s in sides]
    elif kind == 10:
        name = "one class alone"
        rows = [numbers(g, p, 3) for _ in range(n)]
        y = [index % 24 // 12] * n
    else:
        name = "two 0/1 columns and their product, every row twice; the product is 1 for one class alone"
        half = [[g.below(2), g.below(2)] for _ in range(n // 2)]
        half[:4] = [[0, 0], [0, 1], [1, 0], [1, 1]]
        rows = [[a, b, a * b] for a, b in half + half]
        y = [int(index % 24 == 11) if row[2] else g.below(2) for row in rows]
    return name, intercept, rows, y


def main():
    cases = []
    for index in range(60):
        name, intercept, rows, y = design(index)
        names = (["(Intercept)"] if intercept else []) + [f"x{j + 1}" for j in range(len(rows[0]))]
        full = [[1, *row] if intercept else row for row in rows]
        case = {"id": index, "what": name, "intercept": intercept, "y": y, "x": rows}
        case |= verdict(names, full, y)
        cases.append(case)
        print(index, len(rows), len(names), case["verdict"], case["aliased"], case["infinite"])
    lines = ",\n".join(json.dumps(case, separators=(",", ":")) for case in cases)
    PATH.write_text("[\n" + lines + "\n]\n")


main()
