"""Models of coefficients that PyTorch or scikit-learn estimated."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from . import _core
from ._train import Model


def from_state_dict(
    state: str | os.PathLike[str] | Mapping[str, Any],
    *,
    columns: Sequence[str],
    classes: Sequence[Any] | None = None,
    target: str = "target",
) -> Model:
    """The model of a linear layer of PyTorch's, for columns of numbers.

    Parameters
    ----------
    state : path or mapping
        A safetensors file of the layer's `state_dict`, or the dictionary itself, of tensors or arrays: `weight` and
        `bias`, or `linear.weight` and `linear.bias`, and nothing else. One output is the logit of the second of two classes;
        more are the logits of as many classes.
    columns : sequence of str
        The columns in the order of the layer's inputs.
    classes : sequence, optional
        The class of every output, of one output the negative and the positive one; 0, 1, … when left out.
    target : str, default 'target'
        What the target's column is called.

    Returns
    -------
    Model
        It predicts and exports as others do. Nothing is known of the fit: no standard errors, no certificate.

    Raises
    ------
    Error
        For a file that is no safetensors file, tensors that are not one layer, or columns and classes that are not its own.

    Examples
    --------
    >>> model = logistic.from_state_dict("layer.safetensors", columns=["x1", "x2"])  # doctest: +SKIP
    """
    if isinstance(state, Mapping):
        weight, bias, n_columns = _core.layer_of([_tensor(name, tensor) for name, tensor in state.items()])
    else:
        with open(state, "rb") as file:
            weight, bias, n_columns = _core.layer_read(file.read(), os.fspath(state))
    columns = list(columns)
    if len(columns) != n_columns:
        raise ValueError(f"columns must name the {n_columns} inputs of the layer, found {len(columns)} names")
    if classes is None:
        classes = range(max(2, len(weight) // n_columns if n_columns else len(bias)))
    return _model(columns, target, classes, weight, bias)


def from_sklearn(estimator: Any, columns: Sequence[str] | None = None, *, target: str = "target") -> Model:
    """The model of a fitted `LogisticRegression` of scikit-learn's, or of a pipeline of `StandardScaler` and one.

    Parameters
    ----------
    estimator : LogisticRegression, LogisticRegressionCV or Pipeline
        Fitted. The scaler's means and scales go into the coefficients.
    columns : sequence of str, optional
        The columns in the order of the features; when left out, those that the estimator was fitted on, or `x0`, `x1`, ….
    target : str, default 'target'
        What the target's column is called.

    Returns
    -------
    Model
        Its probabilities are those of `predict_proba`. Nothing is known of the fit: no standard errors, no certificate.

    Raises
    ------
    TypeError
        For another estimator, or another step before it.
    Error
        For columns that are not the estimator's.

    Examples
    --------
    >>> model = logistic.from_sklearn(make_pipeline(StandardScaler(), LogisticRegression()).fit(X, y))  # doctest: +SKIP
    """
    from sklearn.linear_model import LogisticRegression, LogisticRegressionCV
    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import StandardScaler
    from sklearn.utils.validation import check_is_fitted

    steps = [step for _, step in estimator.steps] if isinstance(estimator, Pipeline) else [estimator]
    *scalers, last = [step for step in steps if step is not None and not isinstance(step, str)]
    if not isinstance(last, (LogisticRegression, LogisticRegressionCV)):
        raise TypeError(f"expected scikit-learn's LogisticRegression, found {type(last).__name__}")
    check_is_fitted(last)
    if columns is None:
        first = [*scalers, last][0]
        columns = getattr(first, "feature_names_in_", [f"x{at}" for at in range(first.n_features_in_)])
    columns = [str(name) for name in columns]
    weight = np.array(last.coef_.toarray() if hasattr(last.coef_, "toarray") else last.coef_, dtype=np.float64)
    bias = np.broadcast_to(np.asarray(last.intercept_, dtype=np.float64), len(weight)).copy()
    _refuse_schemes(last, len(weight))
    if len(columns) != weight.shape[1]:
        raise ValueError(f"columns must name the {weight.shape[1]} features, found {len(columns)} names")
    for scaler in reversed(scalers):
        if type(scaler) is not StandardScaler:
            raise TypeError(f"expected StandardScaler before the regression, found {type(scaler).__name__}")
        if scaler.scale_ is not None:
            weight = weight / scaler.scale_
        if scaler.with_mean:
            bias = np.array([math.fsum([b, *(-own * scaler.mean_)]) for b, own in zip(bias, weight, strict=True)])
    return _model(columns, target, last.classes_.tolist(), weight.ravel().tolist(), bias.tolist())


def _refuse_schemes(estimator: Any, n_outputs: int) -> None:
    """What older versions of scikit-learn made of several classes, or of two by a softmax, are other probabilities."""
    scheme = getattr(estimator, "multi_class", "auto")
    one_by_one = n_outputs > 1 and (scheme == "ovr" or estimator.solver == "liblinear")
    if one_by_one or (n_outputs == 1 and scheme == "multinomial"):
        raise TypeError("expected the logistic function for two classes, or one softmax for more; this estimator has another")


def _tensor(name: str, tensor: Any) -> tuple[str, list[int], list[float]]:
    if hasattr(tensor, "detach"):
        # bfloat16 is no type of NumPy's.
        tensor = tensor.detach().cpu().double().numpy()
    values = np.asarray(tensor, dtype=np.float64)
    return str(name), list(values.shape), values.ravel().tolist()


def _model(columns: list[str], target: str, classes: Any, weight: list[float], bias: list[float]) -> Model:
    classes = list(classes)
    numeric = all(isinstance(of, (int, float, np.number)) and not isinstance(of, (bool, np.bool_)) for of in classes)
    names = [_named(of) for of in classes]
    return Model(_core.imported(columns, target, names, numeric, weight, bias))


def _named(label: Any) -> str:
    """A class as a table of such labels names it."""
    if isinstance(label, (bool, np.bool_)):
        return "true" if label else "false"
    if isinstance(label, (int, float, np.number)):
        return str(int(label)) if float(label).is_integer() else repr(float(label))
    return str(label)
