"""The programs of bench/larger.py: makes its data, fits them with peers, and judges coefficients.

    larger.py make FILE ROWS | sklearn FILE | text FILE TEXT ROWS | vw TEXT | judge FILE TERMS ROWS
"""

import json
import sys
import time

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

COLUMNS = [f"x{j}" for j in range(28)]
GROUP = 1 << 20
# Where Vowpal Wabbit keeps the intercept, in a table of 2¹⁸ weights.
CONSTANT = 116060
BATCH = 1 << 18
# The scales of the columns: units differ, as in tables of the world.
SCALES = np.array([10.0 ** (j % 3 - 1) for j in range(28)], dtype=np.float32)


def make(path, rows):
    """Writes the rows in pieces; nothing of them stays in memory."""
    random = np.random.default_rng(7)
    effects = (random.normal(size=28) / 4).astype(np.float32)
    schema = pa.schema([(name, pa.float32()) for name in COLUMNS] + [("y", pa.int8())])
    with pq.ParquetWriter(path, schema, compression="none", use_dictionary=["y"]) as writer:
        for start in range(0, rows, GROUP):
            n = min(GROUP, rows - start)
            x = random.standard_normal((28, n), dtype=np.float32)
            logit = effects @ x - np.float32(0.5)
            y = (random.random(n, dtype=np.float32) < 1 / (1 + np.exp(-logit))).astype(np.int8)
            columns = [x[j] * SCALES[j] for j in range(28)]
            writer.write_table(pa.table([*columns, y], schema=schema), row_group_size=GROUP)


def batches(path):
    """The file's rows, some at a time: x (n, 28) and y (n)."""
    for batch in pq.ParquetFile(path).iter_batches(BATCH):
        x = np.column_stack([batch.column(j).to_numpy() for j in range(28)])
        yield x, batch.column(28).to_numpy()


def told(seconds, intercept, weights):
    """What a fit prints."""
    terms = {"(intercept)": float(intercept), **dict(zip(COLUMNS, map(float, weights)))}
    print(json.dumps({"seconds": seconds, "terms": terms}))


def sklearn(path):
    """One pass of stochastic gradient descent, over columns that are scaled by the first batch."""
    from sklearn.linear_model import SGDClassifier

    start = time.perf_counter()
    model, scale = SGDClassifier(loss="log_loss", penalty=None, average=True, random_state=0), None
    for x, y in batches(path):
        scale = x.std(axis=0) if scale is None else scale
        model.partial_fit(x / scale, y, classes=[0, 1])
    told(time.perf_counter() - start, model.intercept_[0], model.coef_[0] / scale)


def text(path, out, rows):
    """The first rows in Vowpal Wabbit's format."""
    left = rows
    with open(out, "w") as file:
        for x, y in batches(path):
            for row, outcome in zip(x[:left], y[:left]):
                numbers = " ".join(f"{name}:{value:.7g}" for name, value in zip(COLUMNS, row))
                file.write(f"{2 * outcome - 1} | {numbers}\n")
            left -= len(y)
            if left <= 0:
                return


def vw(path):
    """One pass with its defaults, which are adaptive, normalised and invariant to the weights of examples."""
    from vowpalwabbit import Workspace

    start = time.perf_counter()
    model = Workspace(f"--quiet --loss_function logistic -d {path}")
    seconds = time.perf_counter() - start
    told(seconds, model.get_weight(CONSTANT), [model.get_weight_from_name(name) for name in COLUMNS])


def judge(path, terms, rows):
    """The mean loss of every fit over the last rows."""
    file = pq.ParquetFile(path)
    fits = json.load(open(terms))
    sums, left = {name: 0.0 for name in fits}, rows
    for group in reversed(range(file.num_row_groups)):
        table = file.read_row_group(group)
        x = np.column_stack([table.column(j).to_numpy() for j in range(28)])[-left:].astype(float)
        y = table.column(28).to_numpy()[-left:]
        for name, fit in fits.items():
            logit = x @ np.array([fit[column] for column in COLUMNS]) + fit["(intercept)"]
            sums[name] += float(np.logaddexp(0, np.where(y == 1, -logit, logit)).sum())
        left -= len(y)
        if left <= 0:
            break
    print(json.dumps({name: total / rows for name, total in sums.items()}))


def main():
    task, *rest = sys.argv[1:]
    known = {"make": make, "sklearn": sklearn, "text": text, "vw": vw, "judge": judge}
    known[task](*[int(word) if word.isdigit() else word for word in rest])


if __name__ == "__main__":
    main()
