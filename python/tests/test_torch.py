"""The tutorial's vocabulary against what PyTorch and scikit-learn gave: draws to the bit, training to float32's digits."""

import hashlib
import json
from collections import OrderedDict
from pathlib import Path

import numpy as np
import pytest

from logistic import torch

GOLDEN = Path(__file__).parents[2] / "testdata" / "golden" / "seed"

# PyTorch ran in float32, and differs by up to 5e-7 between processors.
LOSS = 1e-6
# Relative to weights above 1.
WEIGHT = 1e-5
# Steps beyond the stable length, where rounding grows from epoch to epoch.
UNSTABLE = {"pos_weight_3_momentum_wd": (1e-3, 1e-2)}
# Optimisers of PyTorch's that are not offered.
ABSENT = {"adamw_0.01", "adagrad_0.1", "rmsprop_0.01"}


def golden(name):
    return json.loads((GOLDEN / f"{name}.json").read_text())


def sha256(array, dtype):
    return hashlib.sha256(np.ascontiguousarray(array, dtype=dtype).tobytes()).hexdigest()


@pytest.mark.parametrize("case", golden("make_blobs"), ids=lambda case: str(case["index"]))
def test_blobs_are_scikit_learns(case):
    x, y, centers = torch.make_blobs(**case["params"], return_centers=True)
    assert list(x.shape) == case["shape"]
    assert sha256(x, "<f8") == case["X_sha256_f64_le"]
    assert sha256(y, "<i8") == case["y_sha256_i64_le"]
    np.testing.assert_array_equal(centers, case["centers"])


# The others have no bias, or are float64 from the first draw on.
LAYERS = [case for case in golden("torch_linear_init") if "weight_sha256_f32_le" in case]


@pytest.mark.parametrize("case", LAYERS, ids=lambda case: f"{case['seed']}-{case['in_features']}")
def test_layers_begin_as_pytorchs(case):
    torch.manual_seed(case["seed"])
    layer = torch.Linear(case["in_features"], case["out_features"])
    assert sha256(layer.weight.data, "<f4") == case["weight_sha256_f32_le"]
    np.testing.assert_array_equal(layer.bias.data, case["bias"])


def test_splits_are_pytorchs():
    for case in golden("torch_random_split"):
        rows = torch.TensorDataset(np.arange(case["n"]))
        if "generator_seed" in case:
            parts = torch.random_split(rows, case["lengths"], torch.Generator(case["generator_seed"]))
        else:
            torch.manual_seed(case["seed"])
            parts = torch.random_split(rows, case["lengths"])
        assert [part.indices.tolist() for part in parts] == case["indices"]


def test_batches_are_pytorchs():
    for case in golden("torch_dataloader"):
        if "batch_size" not in case:
            continue  # It explains the draws of the others.
        rows = torch.TensorDataset(np.arange(case["n"]))
        own = torch.Generator(case["generator_seed"]) if "generator_seed" in case else None
        if own is None:
            torch.manual_seed(case["seed"])
        drop_last = case.get("drop_last", False)
        loader = torch.DataLoader(rows, case["batch_size"], shuffle=True, drop_last=drop_last, generator=own)
        for epoch in case["epochs"]:
            assert [batch.tolist() for (batch,) in loader] == epoch
        assert len(loader) == len(case["epochs"][0])


class Data(torch.Dataset):
    """As a user of PyTorch writes it: rows one by one."""

    def __init__(self):
        x, y = torch.make_blobs(n_samples=1000, centers=2, random_state=261)
        self.x, self.y = x.astype(np.float32), y.astype(np.float32)

    def __len__(self):
        return len(self.y)

    def __getitem__(self, index):
        return self.x[index], self.y[index]


class Regression(torch.Module):
    def __init__(self, with_sigmoid):
        self.model = torch.Sequential(OrderedDict(linear=torch.Linear(2, 1)))
        self.with_sigmoid = with_sigmoid

    def forward(self, x):
        z = self.model(x)
        return torch.sigmoid(z) if self.with_sigmoid else z


def optimizer_of(group, parameters):
    def value(name):
        return group.split(f" {name}: ")[1].split()[0]

    if group.startswith("Adam "):
        return torch.Adam(parameters, lr=float(value("lr")))
    return torch.SGD(
        parameters,
        lr=float(value("lr")),
        momentum=float(value("momentum")),
        dampening=float(value("dampening")),
        weight_decay=float(value("weight_decay")),
        nesterov=value("nesterov") == "True",
    )


def trained(run):
    settings = run["settings"]
    data = Data()
    torch.manual_seed(420)
    torch.Linear(2, 1)
    for _ in range(2 if run["name"] == "two_splits" else 1):
        train, _ = torch.random_split(data, [800, 200])
    torch.manual_seed(420)
    with_sigmoid = settings["loss"] == "bce"
    model = Regression(with_sigmoid)
    criterion = torch.BCELoss() if with_sigmoid else torch.BCEWithLogitsLoss(pos_weight=settings["pos_weight"])
    optimizer = optimizer_of(settings["optimizer"], model.parameters())
    loader = torch.DataLoader(train, batch_size=settings["batch_size"], shuffle=True)
    losses, parameters = [], []
    for _ in range(settings["epochs"]):
        total = 0.0
        for x, y in loader:
            optimizer.zero_grad()
            loss = criterion(model(x).squeeze(1), y)
            loss.backward()
            optimizer.step()
            total += loss.item()
        losses.append(total / len(loader))
        parameters.append([*model.model.linear.weight.data[0], *model.model.linear.bias.data])
    return losses, parameters


RUNS = [golden("run_base"), *(run for run in golden("run_variants")["runs"] if run["name"] not in ABSENT)]


@pytest.mark.parametrize("run", RUNS, ids=lambda run: run.get("name", "base"))
def test_training_is_pytorchs(run):
    run.setdefault("name", "base")
    losses, parameters = trained(run)
    loss, weight = UNSTABLE.get(run["name"], (LOSS, WEIGHT))
    np.testing.assert_allclose(losses, run["epoch_mean_loss"], rtol=0, atol=loss)
    expected = np.array(run["weights_per_epoch_w1_w2_b"])
    assert np.all(np.abs(parameters - expected) < weight * np.maximum(np.abs(expected), 1))


def one_batch():
    torch.manual_seed(1)
    model = torch.Linear(2, 1)
    x, y = torch.make_blobs(n_samples=40, centers=2, random_state=3)
    return model, x, y[:, None]


def test_gradients_add_up_until_they_are_forgotten():
    model, x, y = one_batch()
    criterion = torch.BCEWithLogitsLoss(reduction="sum")
    assert model.weight.grad is None
    criterion(model(x), y).backward()
    whole = model.weight.grad
    model.zero_grad()
    criterion(model(x[:15]), y[:15]).backward()
    criterion(model(x[15:]), y[15:]).backward()
    np.testing.assert_allclose(model.weight.grad, whole, rtol=1e-13)
    # The derivative of the loss in the bias is the sum of p − y.
    np.testing.assert_allclose(model.bias.grad, (np.asarray(torch.sigmoid(model(x))) - y).sum(0), rtol=1e-13)


def test_a_step_without_a_gradient_stays():
    model, _, _ = one_batch()
    before = model.weight.data
    torch.SGD(model.parameters(), lr=1.0, momentum=0.9).step()
    np.testing.assert_array_equal(model.weight.data, before)


def test_no_gradient_is_ever_wrong():
    model, x, y = one_batch()
    criterion, optimizer = torch.BCEWithLogitsLoss(), torch.SGD(model.parameters(), lr=0.1)
    output = model(x)
    loss = criterion(output, y)
    loss.backward()
    with pytest.raises(RuntimeError, match="added already"):
        loss.backward()
    waiting = criterion(model(x), y)
    optimizer.step()
    with pytest.raises(RuntimeError, match="has moved"):
        waiting.backward()
    with pytest.raises(RuntimeError, match="has moved"):
        criterion(output, y)
    with pytest.raises(TypeError, match="what a model puts out"):
        criterion(output.numpy() * 2, y)
    with pytest.raises(TypeError, match="what a model puts out"):
        criterion(model(x).detach(), y)
    with pytest.raises(ValueError, match=r"shape \(40,\)"):
        criterion(model(x), y[:, 0])
    with pytest.raises(ValueError, match="leave the sigmoid out"):
        criterion(torch.sigmoid(model(x)), y)
    with pytest.raises(ValueError, match="put a sigmoid behind"):
        torch.BCELoss()(model(x), y)
    with pytest.raises(ValueError, match="probabilities already"):
        torch.sigmoid(torch.sigmoid(model(x)))
    with pytest.raises(ValueError, match="between 0 and 1"):
        criterion(model(x), y * 2)
    with pytest.raises(ValueError, match="one layer"):
        torch.SGD([model.weight], lr=0.1)


def test_losses_are_the_formulas():
    model, x, y = one_batch()
    p = np.asarray(torch.sigmoid(model(x)))
    expected = -np.mean(y * np.log(p) + (1 - y) * np.log(1 - p))
    assert torch.BCEWithLogitsLoss()(model(x), y).item() == pytest.approx(expected, rel=1e-12)
    assert torch.BCELoss()(torch.sigmoid(model(x)), y).item() == pytest.approx(expected, rel=1e-12)
    assert torch.BCELoss(reduction="sum")(torch.sigmoid(model(x)), y).item() == pytest.approx(40 * expected, rel=1e-12)


def test_state_goes_from_one_model_to_another():
    model, _, _ = one_batch()
    state = torch.Sequential(model, torch.Sigmoid()).state_dict()
    assert list(state) == ["0.weight", "0.bias"]
    other = Regression(True)
    other.load_state_dict({"model.linear.weight": state["0.weight"], "model.linear.bias": state["0.bias"]})
    np.testing.assert_array_equal(other.model.linear.weight.data, model.weight.data)
    with pytest.raises(ValueError, match="expected the parameters"):
        other.load_state_dict(state)
    with pytest.raises(ValueError):
        other.load_state_dict({"model.linear.weight": np.zeros((1, 3)), "model.linear.bias": [0.0]})


def test_a_row_that_does_not_exist_is_an_error():
    rows = torch.TensorDataset(np.arange(5), np.arange(5))
    with pytest.raises(IndexError):
        rows[5]
    with pytest.raises(IndexError):
        torch.Subset(rows, [1, 2])[2]


def test_shares_are_pytorchs():
    rows = torch.TensorDataset(np.arange(11))
    assert [len(part) for part in torch.random_split(rows, [0.8, 0.2])] == [9, 2]
    assert [len(part) for part in torch.random_split(rows, [0.4, 0.4, 0.2])] == [5, 4, 2]
    for lengths in ([0.8, 0.3], [8, 2], [0.25] * 4):
        with pytest.raises(ValueError):
            torch.random_split(rows, lengths)


def test_wrong_settings_are_refused():
    for wrong in (
        lambda: torch.DataLoader(torch.TensorDataset(np.arange(3)), batch_size=0),
        lambda: torch.SGD(torch.Linear(2, 1).parameters(), lr=-1.0),
        lambda: torch.SGD(torch.Linear(2, 1).parameters(), lr=0.1, nesterov=True),
        lambda: torch.BCELoss(reduction="none"),
        lambda: torch.manual_seed(2**64),
        lambda: torch.make_blobs(n_samples=0),
        lambda: torch.TensorDataset(np.arange(3), np.arange(4)),
        lambda: torch.Linear(2, 1)(np.zeros((4, 3))),
    ):
        with pytest.raises(ValueError):
            wrong()
