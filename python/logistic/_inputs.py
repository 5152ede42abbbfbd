"""What estimators are given, as the compiled half takes it: arrays and frames of numbers as features, other frames as tables.

The words of errors are scikit-learn's, since programs look for them.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np

from . import _core

MISSING_POLICIES = ("error", "drop", "impute")


@dataclass
class Design:
    """The rows that an estimator is given."""

    n_samples: int
    n_features: int
    names: np.ndarray | None
    """The names of the columns, where all of them are text."""
    dtype: np.dtype
    """float32 where all numbers are, otherwise float64."""
    features: _core.Features | None
    """The columns, where all of them are plain numbers."""
    source: Any
    """What was given, for a frame; otherwise the array."""


@dataclass
class Labels:
    """The classes of rows."""

    classes: np.ndarray
    codes: np.ndarray
    name: str


def read_design(estimator: Any, X: Any, *, reset: bool, as_table: bool = False) -> Design:
    """Reads `X` and checks its shape and names against those of the fit, or sets them with `reset`."""
    who = type(estimator).__name__
    names = feature_names(X)
    _check_names(estimator, names, reset=reset, by_name=as_table and not reset)
    design = _frame(X, names, as_table) if is_frame(X) else _sparse(X, who) if is_sparse(X) else _dense(X, names, who)
    if design.n_samples < 1:
        shape = (design.n_samples, design.n_features)
        raise ValueError(f"Found array with 0 sample(s) (shape={shape}) while a minimum of 1 is required by {who}.")
    if design.n_features < 1:
        shape = (design.n_samples, design.n_features)
        raise ValueError(f"Found array with 0 feature(s) (shape={shape}) while a minimum of 1 is required.")
    if reset:
        estimator.n_features_in_ = design.n_features
    elif not as_table and design.n_features != estimator.n_features_in_:
        raise ValueError(
            f"X has {design.n_features} features, but {who} is expecting {estimator.n_features_in_} features as input."
        )
    return design


def is_frame(X: Any) -> bool:
    """Whether it is a data frame: of pandas, polars, pyarrow, or what behaves like theirs."""
    return hasattr(X, "columns") and len(getattr(X, "shape", ())) == 2


def is_sparse(X: Any) -> bool:
    """Whether it is a sparse matrix of SciPy's."""
    return hasattr(X, "tocsr") and hasattr(X, "nnz")


def feature_names(X: Any) -> np.ndarray | None:
    """The names of a frame's columns, where all of them are text."""
    if not is_frame(X):
        return None
    names = list(X.column_names if hasattr(X, "column_names") else X.columns)
    kinds = sorted({type(name).__qualname__ for name in names})
    if len(kinds) > 1 and "str" in kinds:
        raise TypeError(
            "Feature names are only supported if all input features have string names, but your input has "
            f"{kinds} as feature name / column name types. If you want feature names to be stored and validated, you "
            "must convert them all to strings, by using X.columns = X.columns.astype(str) for example. Otherwise you "
            "can remove feature / column names from your input data, or convert them all to a non-string data type."
        )
    return np.asarray(names, dtype=object) if kinds == ["str"] else None


def _check_names(estimator: Any, names: np.ndarray | None, *, reset: bool, by_name: bool) -> None:
    who = type(estimator).__name__
    if reset:
        if names is not None:
            estimator.feature_names_in_ = names
        elif hasattr(estimator, "feature_names_in_"):
            del estimator.feature_names_in_
        return
    fitted = getattr(estimator, "feature_names_in_", None)
    if names is None and fitted is None or by_name:
        return
    if fitted is None:
        warnings.warn(f"X has feature names, but {who} was fitted without feature names", stacklevel=4)
    elif names is None:
        warnings.warn(f"X does not have valid feature names, but {who} was fitted with feature names", stacklevel=4)
    elif len(fitted) != len(names) or np.any(fitted != names):
        raise ValueError(_other_names(set(names), set(fitted)))


def _other_names(given: set[str], fitted: set[str]) -> str:
    def listed(names: set[str]) -> str:
        shown = "".join(f"- {name}\n" for name in sorted(names)[:5])
        return shown + ("- ...\n" if len(names) > 5 else "")

    words = "The feature names should match those that were passed during fit.\n"
    if given - fitted:
        words += "Feature names unseen at fit time:\n" + listed(given - fitted)
    if fitted - given:
        words += "Feature names seen at fit time, yet now missing:\n" + listed(fitted - given)
    if given == fitted:
        words += "Feature names must be in the same order as they were in fit.\n"
    return words


def _frame(X: Any, names: np.ndarray | None, as_table: bool) -> Design:
    n_samples, n_features = X.shape
    columns = None if as_table or not n_features else _numeric_columns(X)
    if columns is None:
        return Design(n_samples, n_features, names, np.dtype(np.float64), None, X)
    if isinstance(columns, np.ndarray):
        return Design(n_samples, n_features, names, _result_dtype(columns.dtype), _features(columns), X)
    dtype = _result_dtype(np.result_type(*[column.dtype for column in columns]))
    features = _core.Features.from_columns([np.ascontiguousarray(_plain(column)) for column in columns])
    return Design(n_samples, n_features, names, dtype, features, X)


_ARROW_NUMBERS = {"bool", "halffloat", "float", "double"} | {f"{u}int{n}" for u in ("", "u") for n in (8, 16, 32, 64)}


def _numeric_columns(X: Any) -> np.ndarray | list[np.ndarray] | None:
    """The columns of a frame that holds nothing but numbers and booleans: one array where they are of one type."""
    if hasattr(X, "iloc"):
        dtypes = list(X.dtypes)
        if any(getattr(dtype, "kind", "O") not in "biuf" for dtype in dtypes):
            return None
        if all(isinstance(dtype, np.dtype) for dtype in dtypes) and len(set(dtypes)) == 1:
            return X.to_numpy()
        return [_pandas_column(X.iloc[:, j], dtype) for j, dtype in enumerate(dtypes)]
    if hasattr(X, "schema") and hasattr(X, "get_columns"):
        columns = X.get_columns()
        kinds = [column.dtype for column in columns]
        numbers = all(kind.is_integer() or kind.is_float() or str(kind) == "Boolean" for kind in kinds)
        return [_floats(column.to_numpy()) for column in columns] if numbers else None
    if hasattr(X, "column_names"):
        if any(str(field.type) not in _ARROW_NUMBERS for field in X.schema):
            return None
        return [_floats(np.asarray(X.column(j))) for j in range(X.num_columns)]
    return None


def _pandas_column(column: Any, dtype: Any) -> np.ndarray:
    if isinstance(dtype, np.dtype):
        return column.to_numpy()
    if column.isna().any() or dtype.kind == "b":
        return column.to_numpy(dtype="float64", na_value=np.nan)
    return column.to_numpy(dtype=np.dtype(f"{dtype.kind}{dtype.itemsize}"))


def _floats(values: np.ndarray) -> np.ndarray:
    """The same, where booleans of which some are missing came as objects."""
    if values.dtype != object:
        return values
    return np.array([np.nan if value is None else float(value) for value in values])


def _sparse(X: Any, who: str) -> Design:
    if X.ndim != 2:
        raise ValueError(
            f"Expected 2D input, got input with shape {X.shape}.\nReshape your data either using array.reshape(-1, 1) "
            "if your data has a single feature or array.reshape(1, -1) if it contains a single sample."
        )
    _refuse_complex(X)
    rows = X.tocsr()
    if not rows.has_canonical_format:
        rows = rows.copy() if rows is X else rows
        rows.sum_duplicates()
    values = _plain(rows.data)
    features = _core.Features.from_csr(
        rows.indptr.astype(np.int64, copy=False), _unsigned(rows.indices), np.ascontiguousarray(values), X.shape[1]
    )
    return Design(X.shape[0], X.shape[1], None, _result_dtype(X.dtype), features, X)


def _unsigned(indices: np.ndarray) -> np.ndarray:
    return indices.view(np.uint32) if indices.dtype == np.int32 else indices.astype(np.uint32)


def _dense(X: Any, names: np.ndarray | None, who: str) -> Design:
    if hasattr(X, "detach") and hasattr(X, "numpy"):
        X = X.detach().numpy()
    kind = type(X)
    array = np.asarray(X)
    _refuse_complex(array)
    if array.ndim == 0:
        raise ValueError(
            f"Expected 2D array, got scalar array instead:\narray={array}.\nReshape your data either using "
            "array.reshape(-1, 1) if your data has a single feature or array.reshape(1, -1) if it contains a single "
            "sample."
        )
    if array.ndim == 1 and hasattr(X, "dtype") and (hasattr(X, "iloc") or hasattr(X, "to_frame")):
        raise ValueError(
            f"Expected a 2-dimensional container but got {kind} instead. Pass a DataFrame containing a single row (i.e. "
            "single sample) or a single column (i.e. single feature) instead."
        )
    if array.ndim == 1:
        raise ValueError(
            f"Expected 2D array, got 1D array instead:\narray={array}.\nReshape your data either using "
            "array.reshape(-1, 1) if your data has a single feature or array.reshape(1, -1) if it contains a single "
            "sample."
        )
    if array.ndim > 2:
        raise ValueError(f"Found array with dim {array.ndim}, while dim <= 2 is required by {who}.")
    features = _features(array) if array.size else None
    return Design(array.shape[0], array.shape[1], names, _result_dtype(array.dtype), features, array)


def _features(array: np.ndarray) -> _core.Features:
    array = _plain(array)
    # Columns of an array in Fortran's order are taken one by one, as they stand.
    if array.flags.f_contiguous and array.shape[1] > 1 and array.shape[0] > 1:
        return _core.Features.from_columns(list(array.T))
    return _core.Features.from_rows(np.ascontiguousarray(array))


def _plain(array: np.ndarray) -> np.ndarray:
    """The same numbers as float32 where that holds them all exactly, otherwise as float64."""
    if array.dtype in (np.float64, np.float32):
        return array if array.dtype.isnative else array.astype(array.dtype.newbyteorder("="))
    narrow = array.dtype.kind == "b" or array.dtype.kind in "iuf" and array.dtype.itemsize <= 2
    return array.astype(np.float32 if narrow else np.float64)


def _result_dtype(dtype: np.dtype) -> np.dtype:
    return np.dtype(np.float32 if dtype == np.float32 else np.float64)


def _refuse_complex(array: Any) -> None:
    if getattr(array.dtype, "kind", "") == "c":
        raise ValueError(f"Complex data not supported\n{array}\n")


def explain(error: _core.Error, design: Design, who: str) -> ValueError:
    """The error to raise instead of `error`, where numbers that are not finite are the reason for it."""
    if design.features is None:
        return error
    X = design.source
    if is_frame(X):
        columns = _numeric_columns(X)
        blocks = [columns] if isinstance(columns, np.ndarray) else columns
    else:
        blocks = [X.data if is_sparse(X) else X]
    blocks = [_plain(block) for block in blocks or []]
    if any(np.isnan(block).any() for block in blocks):
        way_out = (
            "`missing='impute'` fills them in and marks their rows, `missing='drop'` leaves their rows out."
            if is_frame(X)
            else "In a data frame, `missing='impute'` fills them in and marks their rows, `missing='drop'` leaves their "
            "rows out; in an array, an imputer does it beforehand."
        )
        return ValueError(
            f"Input X contains NaN.\n{who} does not accept missing values encoded as NaN natively. {way_out}"
        )
    if any(np.isinf(block).any() for block in blocks):
        return ValueError(f"Input X contains infinity or a value too large for {design.dtype!r}.")
    return error


def read_labels(y: Any, n_samples: int, who: str) -> Labels:
    """The classes of `y`, sorted, and the place of each row's among them."""
    if y is None:
        raise ValueError(f"{who} requires y to be passed, but the target y is None")
    name = getattr(y, "name", None)
    if hasattr(y, "detach") and hasattr(y, "numpy"):
        y = y.detach().numpy()
    if hasattr(y, "columns") and len(getattr(y, "shape", ())) == 2 and y.shape[1] == 1:
        name = list(y.column_names if hasattr(y, "column_names") else y.columns)[0]
    if is_sparse(y):
        raise TypeError("Sparse data was passed for y, but dense data is required. Use '.toarray()' to convert to dense.")
    array = np.asarray(y)
    if array.ndim == 2 and array.shape[1] == 1:
        _warn_column_vector()
        array = array.reshape(-1)
    if array.ndim != 1:
        raise ValueError(f"y should be a 1d array, got an array of shape {array.shape} instead.")
    _check_labels(array)
    if len(array) != n_samples:
        raise ValueError(f"Found input variables with inconsistent numbers of samples: {[n_samples, len(array)]}")
    classes, codes = _classes(np.ascontiguousarray(array))
    if len(classes) < 2:
        raise ValueError(
            "This solver needs samples of at least 2 classes in the data, but the data contains only one class: "
            f"{classes[0]!r}"
        )
    if n_samples > 20 and len(classes) > 2 and len(classes) > round(0.5 * n_samples):
        warnings.warn(
            "The number of unique classes is greater than 50% of the number of samples. `y` could represent a regression "
            "problem, not a classification problem.",
            UserWarning,
            stacklevel=4,
        )
    return Labels(classes, codes, name if isinstance(name, str) and name else "target")


def _warn_column_vector() -> None:
    try:
        from sklearn.exceptions import DataConversionWarning as Kind
    except ImportError:
        Kind = UserWarning
    warnings.warn(
        "A column-vector y was passed when a 1d array was expected. Please change the shape of y to (n_samples, ), for "
        "example using ravel().",
        Kind,
        stacklevel=5,
    )


def _check_labels(array: np.ndarray) -> None:
    _refuse_complex(array)
    if array.dtype.kind == "f":
        if np.isnan(array).any():
            raise ValueError("Input y contains NaN.")
        if np.isinf(array).any():
            raise ValueError(f"Input y contains infinity or a value too large for {array.dtype!r}.")
        if (array != np.floor(array)).any():
            raise ValueError(
                "Unknown label type: continuous. Maybe you are trying to fit a classifier, which expects discrete "
                "classes on a regression target with continuous values."
            )
    elif array.dtype.kind == "S":
        raise TypeError(
            "Support for labels represented as bytes is not supported. Convert the labels to a string or integer format."
        )
    elif array.dtype.kind == "O" and len(array):
        if any(value is None or isinstance(value, float) and np.isnan(value) for value in array):
            raise ValueError("Input y contains NaN.")
        if not isinstance(array[0], str):
            raise ValueError(
                "Unknown label type: unknown. Maybe you are trying to fit a classifier, which expects discrete classes "
                "on a regression target with continuous values."
            )


def _classes(array: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    found = _core.few_classes(array) if array.dtype.isnative else None
    if found is not None:
        return found
    classes, codes = np.unique(array, return_inverse=True)
    return classes, codes.reshape(-1).astype(np.uint32)


def read_weight(sample_weight: Any, n_samples: int) -> np.ndarray | None:
    """Weights of rows, one for each."""
    if sample_weight is None:
        return None
    weight = _per_row(sample_weight, n_samples, "sample_weight")
    if not weight.any():
        raise ValueError("Sample weights must contain at least one non-zero number.")
    return weight


def read_offset(offset: Any, n_samples: int) -> np.ndarray | None:
    """Numbers that are added to the logits, one for each row."""
    return None if offset is None else _per_row(offset, n_samples, "offset")


def _per_row(values: Any, n_samples: int, name: str) -> np.ndarray:
    array = np.asarray(values, dtype=np.float64)
    if array.ndim == 0:
        array = np.full(n_samples, float(array))
    if array.ndim != 1:
        words = "Sample weights" if name == "sample_weight" else name
        raise ValueError(
            f"{words} must be 1D array or scalar, got {array.ndim}D array. Expected either a scalar value or a 1D array "
            f"of length {n_samples}."
        )
    if array.shape != (n_samples,):
        raise ValueError(f"{name}.shape == {array.shape}, expected {(n_samples,)}!")
    if np.isnan(array).any():
        raise ValueError(f"Input {name} contains NaN.")
    if np.isinf(array).any():
        raise ValueError(f"Input {name} contains infinity or a value too large for {array.dtype!r}.")
    return np.ascontiguousarray(array)


def class_names(classes: np.ndarray) -> tuple[list[str], bool]:
    """What a model file calls classes, and whether they are numbers."""
    if classes.dtype.kind == "b":
        return [str(bool(label)).lower() for label in classes], False
    if classes.dtype.kind in "iuf":
        return [str(int(label)) for label in classes], True
    return [str(label) for label in classes], False


def named_classes(names: list[str], numeric: bool) -> np.ndarray:
    """The classes of a model file, as an estimator has them."""
    if not numeric:
        return np.asarray(names)
    numbers = np.asarray([float(name) for name in names])
    whole = (numbers == np.floor(numbers)).all() and (np.abs(numbers) < 2**53).all()
    return numbers.astype(np.int64) if whole else numbers
