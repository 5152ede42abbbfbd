"""How far every answer in FOLDER/answers is from the best of them, in the mean loss plus penalty: `judge_fits.py FOLDER
L2` prints a JSON object, answer by answer.

The objective is ours: mean loss, plus ½·l2·‖w‖² over the weights in the user's units; intercepts are not penalised. Of
a path it is the lasso's, with the penalty on weights of standardised columns, and the largest distance of all
penalties counts.
"""

import json
import sys
from pathlib import Path

import numpy as np
from folder import load


def logits(data, weight, bias):
    """Of every row, or of every row and class."""
    outputs = len(bias)
    weight = np.asarray(weight).reshape(outputs, -1)
    numbers = data.x.shape[1]
    z = data.x @ weight[:, :numbers].T + np.asarray(bias)
    at = numbers
    for codes, levels in data.codes:
        # The first level is the reference.
        effect = np.vstack([np.zeros(outputs), weight[:, at : at + levels - 1].T])
        z = z + effect[codes]
        at += levels - 1
    return z[:, 0] if outputs == 1 else z


def mean_loss(data, z):
    """The mean negative log-likelihood."""
    if z.ndim == 1:
        return (np.logaddexp(0, z) - data.y * z).mean()
    largest = z.max(1, keepdims=True)
    normaliser = np.log(np.exp(z - largest).sum(1)) + largest[:, 0]
    return (normaliser - z[np.arange(len(z)), data.y.astype(int)]).mean()


def objectives(data, answer, l2, scale):
    """The objective of an answer; of a path, of every point."""
    if "path" not in answer:
        loss = mean_loss(data, logits(data, answer["weight"], answer["bias"]))
        return np.array([loss + 0.5 * l2 * np.square(answer["weight"]).sum()])
    lasso = lambda point: point["l1"] * np.abs(np.multiply(point["weight"], scale)).sum()  # noqa: E731
    loss = lambda point: mean_loss(data, logits(data, point["weight"], point["bias"]))  # noqa: E731
    return np.array([loss(point) + lasso(point) for point in answer["path"]])


def main():
    folder, l2 = Path(sys.argv[1]), float(sys.argv[2])
    data = load(folder)
    found, scale = {}, None
    for path in sorted((folder / "answers").glob("*.json")):
        answer = json.loads(path.read_text())
        if "path" in answer and scale is None:
            scale = data.x.std(0)
        found[path.stem] = objectives(data, answer, l2, scale)
    # A path may end before the others.
    best = {}
    for values in found.values():
        for at, value in enumerate(values):
            best[at] = min(value, best.get(at, np.inf))
    judged = {
        name: {
            "objective": float(values[-1]),
            "gap": float(max(value - best[at] for at, value in enumerate(values))),
        }
        for name, values in found.items()
    }
    print(json.dumps(judged))


if __name__ == "__main__":
    main()
