"""The vocabulary of the PyTorch tutorial that this project grew from, over the compiled library's streams and types.

The names are PyTorch's (and `make_blobs` scikit-learn's), and so are their meanings, as far as a logistic regression
needs them: one `Linear` layer with or without a `Sigmoid`, its two losses, and two optimisers. Seeds give PyTorch's own
draws: initial weights, splits and mini-batches are the same.

What differs:

- Arrays are NumPy's. Parameters and losses are float64 throughout; data may be float32, as the tutorial's tensors are.
- There is no automatic differentiation. What a model puts out remembers its layer and its rows, so that the loss of it
  knows value and gradient, both computed by the library. `loss.backward()` adds that gradient to the layer's,
  `optimizer.step()` moves the layer along the sum, `optimizer.zero_grad()` forgets it. Anything else done to what a model
  puts out gives plain NumPy arrays, of which there is no gradient.
- Two formulas of the tutorial are right here. Binary cross-entropy is −1/N Σ [y·log p + (1 − y)·log(1 − p)], where the
  tutorial writes it without the labels y, which is another function. Precision is TP / (TP + FP) and recall
  TP / (TP + FN), where the tutorial takes other cells of the matrix; `logistic.evaluate` has both.
- A row that does not exist is an IndexError, where the tutorial's dataset returned a string.
"""

from __future__ import annotations

import os
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from typing import Any

import numpy as np

from . import _core

__all__ = [
    "Adam",
    "BCELoss",
    "BCEWithLogitsLoss",
    "DataLoader",
    "Dataset",
    "Generator",
    "Linear",
    "Module",
    "Output",
    "SGD",
    "Sequential",
    "Sigmoid",
    "Subset",
    "TensorDataset",
    "make_blobs",
    "manual_seed",
    "no_grad",
    "random_split",
    "sigmoid",
]


class Generator:
    """PyTorch's generator on the CPU.

    Parameters
    ----------
    seed : int, optional
        As for `manual_seed`; by chance where there is none.
    """

    def __init__(self, seed: int | None = None) -> None:
        self._core = _core.Generator(int.from_bytes(os.urandom(4), "little") if seed is None else _seed(seed))

    def manual_seed(self, seed: int) -> Generator:
        """Start again from a seed, as `torch.manual_seed` does."""
        self._core.manual_seed(_seed(seed))
        return self


def _seed(seed: int) -> int:
    if not -(2**63) <= seed < 2**64:
        raise ValueError(f"a seed is a whole number of 64 bits, found {seed}")
    return seed % 2**64


_default = Generator()


def manual_seed(seed: int) -> Generator:
    """Start the generator behind everything that is given none from a seed; gives that generator."""
    return _default.manual_seed(seed)


def make_blobs(
    n_samples: int | Sequence[int] = 100,
    n_features: int = 2,
    *,
    centers: int | Any = None,
    cluster_std: float | Sequence[float] = 1.0,
    center_box: tuple[float, float] = (-10.0, 10.0),
    shuffle: bool = True,
    random_state: int | None = None,
    return_centers: bool = False,
) -> tuple[np.ndarray, ...]:
    """Gaussian blobs, bit for bit those of `sklearn.datasets.make_blobs` with the same `random_state`.

    Parameters
    ----------
    n_samples : int or sequence of int
        The number of points, or one number for each centre.
    n_features : int
        The number of coordinates.
    centers : int or array_like of shape (n_centers, n_features), optional
        The number of centres, or the centres; 3, or one for each count.
    cluster_std : float or sequence of float
        The standard deviation around every centre, or one for each.
    center_box : (float, float)
        The bounds of centres that are drawn.
    shuffle : bool
        Whether the points come in random order.
    random_state : int, optional
        The seed, below 2**32; by chance where there is none.
    return_centers : bool
        Whether to return the centres too.

    Returns
    -------
    X : ndarray of shape (n_samples, n_features)
    y : ndarray of shape (n_samples,)
        The number of each point's centre.
    centers : ndarray of shape (n_centers, n_features)
        With `return_centers`.
    """
    if random_state is None:
        random_state = int.from_bytes(os.urandom(4), "little")
    if centers is not None and not isinstance(centers, (int, np.integer)):
        centers = np.asarray(centers, dtype=np.float64).tolist()
    counts = n_samples if isinstance(n_samples, (int, np.integer)) else list(n_samples)
    deviations = cluster_std if isinstance(cluster_std, (int, float, np.number)) else list(cluster_std)
    x, y, found = _core.make_blobs(
        (counts, n_features), (centers, deviations), tuple(center_box), (bool(shuffle), random_state)
    )
    return (x, y, found) if return_centers else (x, y)


class Dataset:
    """Rows by number: subclasses have `__len__` and `__getitem__`, which raises IndexError for a row that does not exist."""

    def __getitem__(self, index: int) -> Any:
        raise NotImplementedError

    def __len__(self) -> int:
        raise NotImplementedError


class TensorDataset(Dataset):
    """Arrays of the same length; a row is a tuple of one entry of each.

    Attributes
    ----------
    tensors : tuple of ndarray
    """

    def __init__(self, *tensors: Any) -> None:
        self.tensors = tuple(np.asarray(tensor) for tensor in tensors)
        if len({len(tensor) for tensor in self.tensors}) != 1:
            raise ValueError(f"expected arrays of one length, found {[len(tensor) for tensor in self.tensors]}")

    def __len__(self) -> int:
        return len(self.tensors[0])

    def __getitem__(self, index: Any) -> tuple[Any, ...]:
        return tuple(tensor[index] for tensor in self.tensors)


class Subset(Dataset):
    """Some rows of a dataset.

    Attributes
    ----------
    dataset : Dataset
    indices : ndarray of int
    """

    def __init__(self, dataset: Any, indices: Any) -> None:
        self.dataset = dataset
        self.indices = np.asarray(indices, dtype=np.int64)

    def __len__(self) -> int:
        return len(self.indices)

    def __getitem__(self, index: Any) -> Any:
        return self.dataset[self.indices[index]]


def random_split(dataset: Any, lengths: Sequence[float], generator: Generator | None = None) -> list[Subset]:
    """Split a dataset at random.

    Parameters
    ----------
    dataset : Dataset
    lengths : sequence of int or float
        The number of rows of each part, or two or three shares with sum 1; of shares each part's rows are rounded down,
        and those left over dealt out from the first part on.
    generator : Generator, optional
        The one to draw from.

    Returns
    -------
    list of Subset
    """
    n = len(dataset)
    shares = any(isinstance(length, (float, np.floating)) for length in lengths)
    counts = _core.lengths(n, [float(share) for share in lengths]) if shares else [int(length) for length in lengths]
    if counts is None:
        raise ValueError(f"expected two or three shares, found {len(lengths)}; numbers of rows may be any number")
    if sum(counts) != n or min(counts, default=0) < 0:
        raise ValueError(f"the sum of the lengths is that of {n} rows, found {counts}")
    order = (generator or _default)._core.randperm(n)
    ends = np.cumsum(counts)
    return [Subset(dataset, order[end - count : end]) for count, end in zip(counts, ends)]


class DataLoader:
    """Mini-batches, in the order in which PyTorch's loader deals them.

    Parameters
    ----------
    dataset : Dataset
        Rows that are arrays or numbers, or tuples of these.
    batch_size : int
        The rows in a batch.
    shuffle : bool
        Whether each epoch has an order of its own.
    drop_last : bool
        Whether to leave out a last batch that is not full.
    generator : Generator, optional
        The one to draw from.
    """

    def __init__(
        self,
        dataset: Any,
        batch_size: int = 1,
        shuffle: bool = False,
        *,
        drop_last: bool = False,
        generator: Generator | None = None,
    ) -> None:
        if batch_size < 1:
            raise ValueError(f"a batch has at least one row, found {batch_size}")
        self.dataset = dataset
        self.batch_size = batch_size
        self.shuffle = shuffle
        self.drop_last = drop_last
        self.generator = generator

    def __len__(self) -> int:
        n = len(self.dataset)
        return n // self.batch_size if self.drop_last else -(-n // self.batch_size)

    def __iter__(self) -> Iterator[Any]:
        # PyTorch draws when an epoch begins, and so does this: the generator expression waits, the draw does not.
        generator = self.generator or _default
        sizes = (len(self.dataset), self.batch_size)
        epoch = generator._core.epoch(sizes, (self.shuffle, self.drop_last, self.generator is not None))
        return (_rows(self.dataset, batch) for batch in epoch)


def _rows(dataset: Any, indices: np.ndarray) -> Any:
    if isinstance(dataset, Subset):
        return _rows(dataset.dataset, dataset.indices[indices])
    if isinstance(dataset, TensorDataset):
        return list(dataset[indices])
    rows = [dataset[int(index)] for index in indices]
    if isinstance(rows[0], (tuple, list)):
        return [np.stack([np.asarray(entry) for entry in entries]) for entries in zip(*rows)]
    return np.stack([np.asarray(row) for row in rows])


class Parameter:
    """The weights or the biases of a layer."""

    def __init__(self, linear: Linear, name: str) -> None:
        self._linear = linear
        self._name = name

    @property
    def data(self) -> np.ndarray:
        """The values, as an array of their own."""
        return getattr(self._linear._layer, self._name)

    @property
    def grad(self) -> np.ndarray | None:
        """The gradient that `backward` added up; None where there is none."""
        gradient = self._linear._gradient
        if gradient is None:
            return None
        n_weights = self._linear.in_features * self._linear.out_features
        part = gradient[:n_weights] if self._name == "weight" else gradient[n_weights:]
        return part.reshape(self.shape).copy()

    @property
    def shape(self) -> tuple[int, ...]:
        """The size along each axis."""
        return self.data.shape

    def detach(self) -> Parameter:
        """The same parameter."""
        return self

    def numpy(self) -> np.ndarray:
        """The values, as an array of their own."""
        return self.data

    def item(self) -> float:
        """The value of a parameter that is one number."""
        return self.data.item()

    def tolist(self) -> Any:
        """The values as lists."""
        return self.data.tolist()

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return np.array(self.data, dtype=dtype)

    def __getitem__(self, at: Any) -> Any:
        return self.data[at]

    def __repr__(self) -> str:
        return f"Parameter({self.data!r})"


class Module:
    """A model: `forward` says what it puts out. Layers that are its attributes are parts of it."""

    def __call__(self, *args: Any) -> Any:
        return self.forward(*args)

    def forward(self, *args: Any) -> Any:
        """What the model puts out."""
        raise NotImplementedError

    def _children(self) -> Iterator[tuple[str, Module]]:
        return ((name, value) for name, value in vars(self).items() if isinstance(value, Module))

    def named_parameters(self, prefix: str = "") -> Iterator[tuple[str, Parameter]]:
        """The parameters with PyTorch's names."""
        for name, child in self._children():
            yield from child.named_parameters(f"{prefix}{name}.")

    def parameters(self) -> Iterator[Parameter]:
        """The parameters."""
        return (parameter for _, parameter in self.named_parameters())

    def state_dict(self) -> OrderedDict[str, np.ndarray]:
        """The values of the parameters under PyTorch's names."""
        return OrderedDict((name, parameter.data) for name, parameter in self.named_parameters())

    def load_state_dict(self, state: Any) -> None:
        """Take the values of the parameters from arrays named as `state_dict` names them."""
        own = dict(self.named_parameters())
        if set(own) != set(state):
            raise ValueError(f"expected the parameters {sorted(own)}, found {sorted(state)}")
        for name, parameter in own.items():
            parameter._linear._load(parameter._name, np.asarray(state[name], dtype=np.float64))

    def zero_grad(self) -> None:
        """Forget the gradients."""
        for parameter in self.parameters():
            parameter._linear._gradient = None

    def train(self, mode: bool = True) -> Module:
        """The same model, which is one in training and after."""
        return self

    def eval(self) -> Module:
        """The same model, which is one in training and after."""
        return self


class Linear(Module):
    """`z = W·x + b`, drawn as `torch.nn.Linear` draws it.

    Parameters
    ----------
    in_features : int
    out_features : int
        Losses take one.
    generator : Generator, optional
        The one to draw from.

    Attributes
    ----------
    weight : Parameter of shape (out_features, in_features)
    bias : Parameter of shape (out_features,)
    """

    def __init__(self, in_features: int, out_features: int, *, generator: Generator | None = None) -> None:
        self._layer = _core.Layer(in_features, out_features, (generator or _default)._core)
        self._gradient: np.ndarray | None = None
        self._moves = 0
        self.in_features = in_features
        self.out_features = out_features
        self.weight = Parameter(self, "weight")
        self.bias = Parameter(self, "bias")

    def named_parameters(self, prefix: str = "") -> Iterator[tuple[str, Parameter]]:
        """The weights, then the biases."""
        yield f"{prefix}weight", self.weight
        yield f"{prefix}bias", self.bias

    def forward(self, x: Any) -> Output:
        """The logits (n_rows, out_features) of rows (n_rows, in_features), or (out_features,) of one row."""
        rows = np.asarray(x, dtype=np.float64)
        if rows.ndim not in (1, 2) or rows.shape[-1] != self.in_features:
            raise ValueError(f"expected rows of {self.in_features} numbers, found the shape {rows.shape}")
        rows = np.ascontiguousarray(rows)
        table = rows.reshape(-1, self.in_features)
        values = self._layer.forward(table)
        return Output(values if rows.ndim == 2 else values[0], (self, table, self._moves), probability=False)

    def _load(self, name: str, values: np.ndarray) -> None:
        parts = {"weight": self.weight.data, "bias": self.bias.data, name: values}
        self._layer.load(parts["weight"], parts["bias"])
        self._moves += 1

    def __repr__(self) -> str:
        return f"Linear(in_features={self.in_features}, out_features={self.out_features})"


class Sigmoid(Module):
    """The probability of a logit, `1 / (1 + exp(−z))`."""

    def forward(self, z: Any) -> Any:
        """The probabilities."""
        return sigmoid(z)

    def __repr__(self) -> str:
        return "Sigmoid()"


class Sequential(Module):
    """Modules one after another, by number or, in an `OrderedDict`, by name."""

    def __init__(self, *modules: Module | OrderedDict[str, Module]) -> None:
        if len(modules) == 1 and isinstance(modules[0], dict):
            self._modules = dict(modules[0])
        else:
            self._modules = {str(at): module for at, module in enumerate(modules)}
        for name, module in self._modules.items():
            if not isinstance(module, Module):
                raise TypeError(f"expected modules, found {type(module).__qualname__} as {name}")

    def _children(self) -> Iterator[tuple[str, Module]]:
        return iter(self._modules.items())

    def __getattr__(self, name: str) -> Module:
        modules = self.__dict__.get("_modules", {})
        if name in modules:
            return modules[name]
        raise AttributeError(f"{type(self).__name__!r} has no attribute {name!r}")

    def __getitem__(self, at: int) -> Module:
        return list(self._modules.values())[at]

    def __len__(self) -> int:
        return len(self._modules)

    def forward(self, x: Any) -> Any:
        """What the last module puts out."""
        for module in self._modules.values():
            x = module(x)
        return x

    def __repr__(self) -> str:
        return f"Sequential({', '.join(f'({name}): {module!r}' for name, module in self._modules.items())})"


# A layer, the rows it was given, and how often it had moved by then.
_Origin = tuple[Linear, np.ndarray, int]


class Output:
    """What a model puts out: numbers that know the layer and the rows they come from, so that a loss of them has a gradient.

    `numpy()` gives the numbers alone.
    """

    def __init__(self, values: np.ndarray, origin: _Origin | None, *, probability: bool) -> None:
        self._values = values
        self._origin = origin
        self._probability = probability

    def _shaped(self, values: np.ndarray) -> Output:
        return Output(values, self._origin, probability=self._probability)

    def squeeze(self, axis: int | None = None) -> Output:
        """The same numbers without axes of length 1, or without this one."""
        if axis is not None and self._values.shape[axis] != 1:
            return self
        return self._shaped(self._values.squeeze(axis))

    def flatten(self) -> Output:
        """The same numbers along one axis."""
        return self._shaped(self._values.reshape(-1))

    def detach(self) -> Output:
        """The same numbers, of which there is no gradient."""
        return Output(self._values, None, probability=self._probability)

    def numpy(self) -> np.ndarray:
        """The numbers, as an array of their own."""
        return self._values.copy()

    def item(self) -> float:
        """The number, where it is one."""
        return self._values.item()

    def tolist(self) -> Any:
        """The numbers as lists."""
        return self._values.tolist()

    @property
    def shape(self) -> tuple[int, ...]:
        """The size along each axis."""
        return self._values.shape

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return np.array(self._values, dtype=dtype)

    def __len__(self) -> int:
        return len(self._values)

    def __getitem__(self, at: Any) -> Any:
        return self._values[at]

    def __ge__(self, other: Any) -> np.ndarray:
        return self._values >= other

    def __gt__(self, other: Any) -> np.ndarray:
        return self._values > other

    def __le__(self, other: Any) -> np.ndarray:
        return self._values <= other

    def __lt__(self, other: Any) -> np.ndarray:
        return self._values < other

    def __repr__(self) -> str:
        return f"Output({self._values!r})"


def sigmoid(z: Any) -> Any:
    """The probability of a logit, `1 / (1 + exp(−z))`: of what a model puts out still that of the model; of numbers, numbers."""
    if isinstance(z, Output):
        if z._probability:
            raise ValueError("these are probabilities already")
        return Output(_probability(z._values), z._origin, probability=True)
    return _probability(np.asarray(z, dtype=np.float64))


def _probability(z: np.ndarray) -> np.ndarray:
    return _core.probability(np.ascontiguousarray(z).reshape(-1)).reshape(z.shape)


class Loss:
    """A loss over some rows, with its gradient in the parameters of the layer behind it."""

    def __init__(self, value: float, gradient: np.ndarray, origin: _Origin) -> None:
        self._value = value
        self._gradient: np.ndarray | None = gradient
        self._origin = origin

    def item(self) -> float:
        """The loss."""
        return self._value

    def backward(self) -> None:
        """Add the gradient to the layer's."""
        linear, _, moves = self._origin
        if self._gradient is None:
            raise RuntimeError("the gradient of this loss was added already")
        _unmoved(linear, moves)
        linear._gradient = self._gradient if linear._gradient is None else linear._gradient + self._gradient
        self._gradient = None

    def __float__(self) -> float:
        return self._value

    def __repr__(self) -> str:
        return f"Loss({self._value!r})"


def _unmoved(linear: Linear, moves: int) -> None:
    if linear._moves != moves:
        raise RuntimeError("the layer has moved since it put this out: call the model again")


class _Criterion(Module):
    _probability: bool
    _refusal: str

    def __init__(self, reduction: str = "mean") -> None:
        if reduction not in ("mean", "sum"):
            raise ValueError(f"`reduction` is `mean` or `sum`, found {reduction!r}")
        self.reduction = reduction

    def _of(self) -> Any:
        raise NotImplementedError

    def forward(self, output: Output, target: Any) -> Loss:
        """The loss of what a model puts out, where it should have been `target`, of the same shape."""
        if not isinstance(output, Output) or output._origin is None:
            raise TypeError("expected what a model puts out, as it is; of other numbers there is no gradient")
        if output._probability != self._probability:
            raise ValueError(self._refusal)
        linear, rows, moves = output._origin
        _unmoved(linear, moves)
        y = np.asarray(target, dtype=np.float64)
        if y.shape != output.shape:
            raise ValueError(
                f"the target has the shape {y.shape}, what the model puts out {output.shape}: reshape either, as by "
                "`target[:, None]` or `output.squeeze(1)`"
            )
        if linear.out_features != 1:
            raise ValueError(f"expected a layer with one output, found {linear.out_features}")
        value, gradient = linear._layer.loss(rows, np.ascontiguousarray(y.reshape(-1)), self._of())
        return Loss(value, gradient, output._origin)


class BCEWithLogitsLoss(_Criterion):
    """Binary cross-entropy of logits: −1/N Σ [w·y·log p + (1 − y)·log(1 − p)] with p = sigmoid(z).

    Parameters
    ----------
    reduction : {"mean", "sum"}
        Over the rows.
    pos_weight : float, default 1
        The factor w on rows of class 1.
    """

    _probability = False
    _refusal = "this loss takes logits: leave the sigmoid out, or use BCELoss"

    def __init__(self, reduction: str = "mean", *, pos_weight: Any = None) -> None:
        super().__init__(reduction)
        self.pos_weight = 1.0 if pos_weight is None else float(np.asarray(pos_weight).item())

    def _of(self) -> Any:
        return (self.pos_weight, self.reduction == "sum")


class BCELoss(_Criterion):
    """Binary cross-entropy of probabilities: −1/N Σ [y·log p + (1 − y)·log(1 − p)].

    As in PyTorch, logarithms are no less than −100.

    Parameters
    ----------
    reduction : {"mean", "sum"}
        Over the rows.
    """

    _probability = True
    _refusal = "this loss takes probabilities: put a sigmoid behind the layer, or use BCEWithLogitsLoss"

    def _of(self) -> Any:
        return (self.reduction == "sum",)


class _Optimizer:
    def __init__(self, params: Any, solver: _core.Optimizer) -> None:
        params = list(params)
        linears = {id(parameter._linear): parameter._linear for parameter in params}
        if len(linears) != 1 or {parameter._name for parameter in params} != {"weight", "bias"}:
            raise ValueError("expected the parameters of one layer, weights and biases, as `model.parameters()` gives them")
        (self._linear,) = linears.values()
        self._solver = solver

    def zero_grad(self) -> None:
        """Forget the gradient."""
        self._linear._gradient = None

    def step(self) -> None:
        """Move the layer by the gradient that `backward` added up; without one it stays."""
        if self._linear._gradient is not None:
            self._solver.step(self._linear._layer, self._linear._gradient)
            self._linear._moves += 1


class SGD(_Optimizer):
    """Gradient steps, as `torch.optim.SGD` takes them.

    Parameters
    ----------
    params : iterable of Parameter
        Those of one layer.
    lr : float
        The length of a step, in gradients.
    momentum : float
        The share of the last direction that is kept.
    dampening : float
        The share taken off a gradient that joins the momentum.
    weight_decay : float
        Times the parameters, biases included, is added to the gradient.
    nesterov : bool
        Whether to look ahead along the momentum.
    """

    def __init__(
        self,
        params: Any,
        lr: float = 1e-3,
        momentum: float = 0.0,
        dampening: float = 0.0,
        weight_decay: float = 0.0,
        nesterov: bool = False,
    ) -> None:
        for name, value in (("lr", lr), ("momentum", momentum), ("weight_decay", weight_decay)):
            _not_negative(name, value)
        if nesterov and (momentum <= 0 or dampening != 0):
            raise ValueError("Nesterov's way wants a momentum and no dampening")
        super().__init__(params, _core.Optimizer.sgd(lr, momentum, dampening, weight_decay, nesterov))


class Adam(_Optimizer):
    """Adam, as `torch.optim.Adam` with its defaults.

    Parameters
    ----------
    params : iterable of Parameter
        Those of one layer.
    lr : float
        The length of a step, about, in every parameter.
    """

    def __init__(self, params: Any, lr: float = 1e-3) -> None:
        _not_negative("lr", lr)
        super().__init__(params, _core.Optimizer.adam(lr))


def _not_negative(name: str, value: float) -> None:
    if not value >= 0:
        raise ValueError(f"`{name}` is at least 0, found {value}")


def no_grad() -> nullcontext[None]:
    """Nothing: gradients are only added up by `backward`. It is here so that the tutorial's lines can stay."""
    return nullcontext()
