#!/usr/bin/env python3
"""Two moons and circles by scikit-learn, and networks trained on them by PyTorch, into networks.json.

    python3 testdata/golden/make_networks.py        # needs scikit-learn and torch

A run has the loss of every epoch as a user would see it, in float32, and in float64 from the same float32 initialisation;
the penalty is in the loss, on the weights alone. `ends` are the first and the last four parameters after the last epoch, in
the order of `model.parameters()`.
"""

import json
from pathlib import Path

import numpy as np
import sklearn
import torch
from sklearn.datasets import make_blobs, make_circles, make_moons
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

HERE = Path(__file__).resolve().parent
EPOCHS = 20
SHAPES = [
    ("moons", {"n_samples": 12, "random_state": 0}),
    ("moons", {"n_samples": 15, "noise": 0.2, "random_state": 7}),
    ("moons", {"n_samples": [3, 8], "noise": 0.05, "shuffle": False, "random_state": 1}),
    ("moons", {"n_samples": 2, "random_state": 3}),
    ("moons", {"n_samples": 1, "noise": 1.0, "random_state": 3}),
    ("circles", {"n_samples": 12, "random_state": 0}),
    ("circles", {"n_samples": 15, "noise": 0.1, "factor": 0.5, "random_state": 7}),
    ("circles", {"n_samples": [8, 3], "noise": 0.05, "factor": 0.0, "shuffle": False, "random_state": 1}),
]
RUNS = [
    {"name": "relu", "data": "moons", "hidden": [16], "activation": "relu", "solver": "sgd", "learning_rate": 0.1,
     "momentum": 0.0, "batch_size": 16, "l2": 0.0, "weighted": False, "seed": 1},
    {"name": "tanh", "data": "moons", "hidden": [8, 4], "activation": "tanh", "solver": "adam", "learning_rate": 0.01,
     "momentum": 0.0, "batch_size": 16, "l2": 0.01, "weighted": True, "seed": 2},
    {"name": "classes", "data": "blobs", "hidden": [16, 8], "activation": "relu", "solver": "adam",
     "learning_rate": 0.01, "momentum": 0.0, "batch_size": 10, "l2": 0.0, "weighted": False, "seed": 3},
    {"name": "momentum", "data": "blobs", "hidden": [5], "activation": "tanh", "solver": "sgd", "learning_rate": 0.05,
     "momentum": 0.9, "batch_size": 32, "l2": 0.001, "weighted": True, "seed": 4},
]


def shapes():
    for shape, params in SHAPES:
        given = dict(params)
        if isinstance(given["n_samples"], list):
            given["n_samples"] = tuple(given["n_samples"])
        x, y = {"moons": make_moons, "circles": make_circles}[shape](**given)
        yield {"shape": shape, "params": params, "x": x.ravel().tolist(), "y": y.tolist()}


def data(run):
    if run["data"] == "moons":
        x, y = make_moons(200, noise=0.2, random_state=3)
    else:
        x, y = make_blobs(150, centers=3, cluster_std=3.0, random_state=5)
    weight = (np.arange(len(y)) % 3 + 1) / 2 if run["weighted"] else np.ones(len(y))
    return x.astype(np.float32), y, weight


def train(run, dtype):
    x, y, weight = data(run)
    binary = run["data"] == "moons"
    torch.manual_seed(run["seed"])
    sizes = [2, *run["hidden"], 1 if binary else 3]
    layers = []
    for a, b in zip(sizes, sizes[1:]):
        layers += [nn.Linear(a, b), nn.ReLU() if run["activation"] == "relu" else nn.Tanh()]
    model = nn.Sequential(*layers[:-1]).to(dtype)
    target = torch.tensor(y, dtype=dtype) if binary else torch.tensor(y)
    rows = TensorDataset(torch.tensor(x).to(dtype), target, torch.tensor(weight, dtype=dtype))
    loader = DataLoader(rows, batch_size=run["batch_size"], shuffle=True)
    each = nn.BCEWithLogitsLoss(reduction="none") if binary else nn.CrossEntropyLoss(reduction="none")
    rate = run["learning_rate"]
    optimizer = (torch.optim.Adam(model.parameters(), lr=rate) if run["solver"] == "adam"
                 else torch.optim.SGD(model.parameters(), lr=rate, momentum=run["momentum"]))
    losses = []
    for _ in range(EPOCHS):
        total = 0.0
        for xs, ys, ws in loader:
            z = model(xs)
            loss = (ws * each(z.squeeze(1) if binary else z, ys)).sum() / ws.sum()
            loss = loss + 0.5 * run["l2"] * sum((p * p).sum() for n, p in model.named_parameters() if "weight" in n)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item()
        losses.append(total / len(loader))
    flat = torch.cat([p.detach().double().ravel() for p in model.parameters()])
    return losses, flat[:4].tolist() + flat[-4:].tolist()


def main():
    torch.set_num_threads(1)
    runs = []
    for run in RUNS:
        single, _ = train(run, torch.float32)
        double, ends = train(run, torch.float64)
        runs.append({**run, "float32": single, "float64": double, "ends": ends})
    versions = {"scikit-learn": sklearn.__version__, "torch": torch.__version__.split("+")[0], "numpy": np.__version__}
    lines = lambda records: ",\n".join(json.dumps(record) for record in records)
    text = f'{{"versions": {json.dumps(versions)},\n"shapes": [\n{lines(shapes())}\n],\n"runs": [\n{lines(runs)}\n]}}\n'
    (HERE / "networks.json").write_text(text)


if __name__ == "__main__":
    main()
