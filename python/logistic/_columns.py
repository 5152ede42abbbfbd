"""What a table can be given as: a frame, columns by name, or files; as the compiled half takes it."""

from __future__ import annotations

import numbers
import os
from collections.abc import Iterable, Mapping
from datetime import date
from importlib.util import find_spec
from typing import Any

import numpy as np

from . import _core

Source = tuple[list[str], list[tuple[str, _core.Batches]]]


def source(data: Any, name: str) -> Source:
    """The names that stand for a table, and its batches under `name` where it stands in memory."""
    if isinstance(data, (str, os.PathLike)):
        return [os.fspath(data)], []
    if isinstance(data, (list, tuple)) and data and all(isinstance(path, (str, os.PathLike)) for path in data):
        return [os.fspath(path) for path in data], []
    return [name], [(name, _batches(data))]


def _batches(data: Any) -> _core.Batches:
    if isinstance(data, Mapping):
        return _core.Batches.from_columns(_columns(data))
    if hasattr(data, "iloc") and hasattr(data, "reset_index"):
        # An index labels rows and is no column; Arrow would make it one.
        data = data.reset_index(drop=True)
        if find_spec("pyarrow") is None:
            return _core.Batches.from_columns(_columns({str(name): data[name] for name in data.columns}))
    if not hasattr(data, "__arrow_c_stream__"):
        raise TypeError(
            "expected a frame of pandas, polars or pyarrow (or another with `__arrow_c_stream__`), a dict of arrays, or "
            f"the path of a file, found {type(data).__qualname__}"
        )
    try:
        return _core.Batches.from_stream(data)
    except _core.Error:
        raise
    except (TypeError, ValueError) as error:
        raise malformed(f"the frame has a column that is no table's: {error}") from error


def malformed(message: str, column: str | None = None) -> _core.Error:
    """The error for data that are no table."""
    error = _core.Error(message)
    error.kind = "malformed"
    error.column = column
    return error


def _columns(data: Mapping[str, Any]) -> list[tuple[str, Any]]:
    columns: list[tuple[str, Any]] = []
    first = None
    for name, values in data.items():
        if not isinstance(name, str):
            raise TypeError(f"the names of columns are text, found {name!r}")
        array, length = _column(name, values)
        first = (name, length) if first is None else first
        if length != first[1]:
            raise malformed(f"column `{name}` has {length} rows, and `{first[0]}` {first[1]}", name)
        columns.append((name, array))
    return columns


def _column(name: str, values: Any) -> tuple[Any, int]:
    if str(getattr(values, "dtype", "")) == "category":
        words = [None if is_missing(value) else text(value) for value in values]
        return words, len(words)
    array = np.asarray(values)
    if array.ndim != 1:
        raise malformed(f"column `{name}`: expected one dimension, found {array.ndim}", name)
    return _of_kind(name, array), len(array)


def _of_kind(name: str, array: np.ndarray) -> Any:
    kind, size = array.dtype.kind, array.dtype.itemsize
    if kind in "biu":
        return array.astype(array.dtype.newbyteorder("="), copy=False)
    if kind == "f":
        return array.astype(np.float32 if size <= 4 else np.float64, copy=False)
    if kind in "UT":
        return array.tolist()
    if kind == "M":
        return (array.astype("datetime64[us]").view(np.int64),)
    if kind == "O":
        return _objects(name, array.tolist())
    raise malformed(f"column `{name}`: expected numbers, text, booleans, dates or times, found {array.dtype}", name)


def _objects(name: str, values: list[Any]) -> Any:
    there = [value for value in values if not is_missing(value)]
    if all(isinstance(value, (str, bool, np.bool_)) for value in there):
        return [None if is_missing(value) else text(value) for value in values]
    if all(isinstance(value, numbers.Real) and not isinstance(value, bool) for value in there):
        return _numbers(name, values, there)
    if all(isinstance(value, (date, np.datetime64)) for value in there):
        times = np.array(["NaT" if is_missing(value) else value for value in values], dtype="datetime64[us]")
        return (times.view(np.int64),)
    kinds = ", ".join(sorted({type(value).__qualname__ for value in there}))
    raise malformed(f"column `{name}`: expected numbers, text, booleans, dates or times, found {kinds}", name)


def _numbers(name: str, values: list[Any], there: list[Any]) -> np.ndarray:
    try:
        if len(there) == len(values) and all(isinstance(value, numbers.Integral) for value in there):
            return np.array(values, dtype=np.int64)
        return np.array([np.nan if is_missing(value) else float(value) for value in values])
    except OverflowError as error:
        raise malformed(f"column `{name}`: {error}", name) from error


def is_missing(value: Any) -> bool:
    """Whether a cell is missing: None, NaN, NaT or pandas' NA, none of which equals itself as a truth."""
    if value is None:
        return True
    if isinstance(value, (str, bytes)):
        return False
    unequal = value != value
    return isinstance(unequal, (bool, np.bool_)) and bool(unequal) or type(value).__name__ == "NAType"


def text(value: Any) -> str:
    """A value as the command line would have it typed."""
    if isinstance(value, (bool, np.bool_)):
        return "true" if value else "false"
    if isinstance(value, numbers.Integral):
        return str(int(value))
    if isinstance(value, numbers.Real):
        return repr(float(value)).removesuffix(".0")
    if isinstance(value, (str, os.PathLike)):
        return os.fspath(value)
    raise TypeError(f"expected text, a number or a truth, found {type(value).__qualname__}")


# The sign between the two halves of a pair.
_BETWEEN = {"interaction": ":", "spline": ":"}


def given(options: Mapping[str, Any]) -> list[tuple[str, list[str]]]:
    """Options as names with the texts of their values; those that are None are not given."""
    return [(name, _texts(name, value)) for name, value in options.items() if value is not None]


def _texts(name: str, value: Any) -> list[str]:
    between = _BETWEEN.get(name, "=")
    if isinstance(value, Mapping):
        return [f"{text(key)}{between}{text(of)}" for key, of in value.items()]
    if isinstance(value, (str, os.PathLike)) or not isinstance(value, Iterable):
        return [text(value)]
    return [between.join(map(text, item)) if isinstance(item, tuple) else text(item) for item in value]
