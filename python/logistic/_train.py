"""The command line's `train`, `predict`, `evaluate` and `summary` for frames."""

from __future__ import annotations

import json
import os
import warnings
from typing import Any

import numpy as np

from . import _core
from ._columns import given, source
from ._progress import reporter

# What errors call tables that have no file.
_FRAME = "<frame>"
_TEST = "<test_data>"


def fit(data: Any, *, target: str, progress: Any = None, **options: Any) -> Model:
    """Fit a model to a table, as `logistic train` does.

    Parameters
    ----------
    data : frame, dict of arrays, path, or list of paths
        A frame of pandas, polars or pyarrow, or another with `__arrow_c_stream__`; columns by name; or what
        `logistic train` reads. Categories and missing values are taken as they are, and an index is no column.
    target : str
        The column to predict.
    progress : callable or bool, optional
        Called with the number of every iteration and the objective; True shows a bar of tqdm's.
    **options
        The options of `logistic train` with underscores, which `logistic train --help` explains: `l2=0.1`,
        `categorical=["zip"]`, `positive="yes"`, `solver="newton"`, `test_fraction=0.2`, `firth=True`, `output="model.json"`.
        What takes several values takes a list; what is written `COLUMN=X` takes a dict as well, and `A:B` a tuple.
        `test_data` takes what `data` does. `None` leaves an option out.

    Returns
    -------
    Model
        The same model, to the byte of its file, as `logistic train` makes of a Parquet file of the frame.

    Raises
    ------
    Error
        Where the command line would fail; a ValueError with `kind`, `path`, `line` (the row, from 1), `column` and
        `help`. A file that cannot be read is an OSError.
    TypeError
        For an option that there is not.

    Examples
    --------
    >>> model = logistic.fit(frame, target="churned", categorical=["zip"], test_fraction=0.2)  # doctest: +SKIP
    >>> print(model.summary())  # doctest: +SKIP
    """
    names, frames = source(data, _FRAME)
    if options.get("test_data") is not None:
        options["test_data"], test = source(options["test_data"], _TEST)
        frames = frames + test
    with reporter(progress, 0) as hear:
        model = Model(_core.train(names, given({"target": target, **options}), frames, hear))
    _warn(warning["message"] for warning in model.warnings)
    return model


def evaluate(y: Any, probability: Any, *, threshold: float = 0.5, weight: Any = None) -> dict[str, Any]:
    """How good the probabilities of two classes are.

    Parameters
    ----------
    y : array_like of shape (n_rows,)
        The outcomes: 0 or 1, or booleans.
    probability : array_like of shape (n_rows,)
        The probability of each row's being 1.
    threshold : float, default 0.5
        Rows of at least this probability are called 1.
    weight : array_like of shape (n_rows,), optional
        The weight of each row.

    Returns
    -------
    dict
        The keys of `logistic evaluate --json` without intervals; what does not exist is None.
    """
    columns = [None if of is None else np.asarray(of, dtype=np.float64) for of in (y, probability, weight)]
    return json.loads(_core.evaluation(columns[0], columns[1], threshold, columns[2]))


def _warn(messages: Any, stacklevel: int = 3) -> None:
    for message in messages:
        warnings.warn(message, UserWarning, stacklevel=stacklevel)


class Model:
    """A fitted model; `fit` and `Model.load` make it.

    Its file is the command line's: either reads what the other wrote.
    """

    def __init__(self, trained: _core.Trained) -> None:
        self._trained = trained
        self._answer: dict[str, Any] | None = None

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Model:
        """Read a model file.

        Raises
        ------
        Error
            For a file that is no model, or was changed since it was written.
        """
        return cls(_core.Trained.load(path))

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the model file, whole or not at all."""
        self._trained.save(path)

    def to_onnx(self, path: str | os.PathLike[str]) -> None:
        """Write the model as an ONNX file, in 64 bits, its encoder included.

        Inputs are the columns by name, each of shape (N, 1): numbers and days since 1970-01-01 as double, NaN where they
        are missing, and text as string, empty where it is missing. Outputs are `probability`, that of the
        positive of two classes or of every class of more, and `label`.

        Parameters
        ----------
        path : path-like
            The file. It is replaced in one move.

        Raises
        ------
        Error
            For a column that is called as an output is.
        """
        self.export(path, "onnx")

    def export(self, path: str | os.PathLike[str], format: str, dialect: str | None = None) -> None:
        """Write the model as a file for another program, as `logistic export` does.

        Parameters
        ----------
        path : path-like
            The file. It is replaced in one move.
        format : {'onnx', 'sql', 'c', 'javascript', 'pmml', 'safetensors', 'scorecard', 'csv', 'latex', 'markdown'}
            The format.
        dialect : {'duckdb', 'sqlite', 'postgres'}, optional
            Whose SQL it is, for 'sql'.

        Raises
        ------
        Error
            Where the format cannot say what the model does.
        """
        self._trained.export(path, format, dialect)

    def export_error(self, data: Any) -> np.ndarray:
        """How far the probabilities of an export may lie from those of `predict_proba`, computed for every row.

        Parameters
        ----------
        data : frame, dict of arrays, path, or list of paths
            As for `predict_proba`.

        Returns
        -------
        ndarray of shape (n_rows, n_classes)
            NaN for a row that has no probability, which a model of `missing="error"` or `unseen="error"` refuses.
        """
        return self._trained.export_error(*source(data, _FRAME))

    @property
    def json(self) -> dict[str, Any]:
        """The answer of `logistic train --json`; of a model that was read, that of `logistic summary --json`."""
        if self._answer is None:
            self._answer = json.loads(self._trained.answer)
        return self._answer

    @property
    def classes(self) -> list[str]:
        """The classes in the order of `predict_proba`: of two, the negative one and the positive one."""
        return self._trained.classes

    @property
    def threshold(self) -> float:
        """Of two classes, rows of at least this probability are called the positive one."""
        return self._trained.threshold

    @property
    def coefficients(self) -> list[dict[str, Any]]:
        """The coefficients in the data's own units, each with what is known of it."""
        return self.json["coefficients"]

    @property
    def warnings(self) -> list[dict[str, Any]]:
        """What is worth knowing: `kind`, `columns` and `message` of each warning."""
        return self.json["warnings"]

    def to_pandas(self) -> Any:
        """The coefficients as a frame of pandas."""
        import pandas

        return pandas.DataFrame(self.coefficients)

    def summary(self) -> str:
        """The words of `logistic summary`."""
        return self._trained.summary()

    def predict_proba(self, data: Any) -> np.ndarray:
        """The probability of every class.

        Parameters
        ----------
        data : frame, dict of arrays, path, or list of paths
            As for `fit`; columns that the model does not use may be there or not.

        Returns
        -------
        ndarray of shape (n_rows, n_classes)
            To the bit what `logistic predict` writes, in the order of `classes`. NaN for rows that a model of
            `missing="drop"` leaves out.
        """
        n_rows, rows, probabilities, _ = self._score(data)
        if len(rows) == n_rows:
            return probabilities
        full = np.full((n_rows, probabilities.shape[1]), np.nan)
        full[rows] = probabilities
        return full

    def predict(self, data: Any) -> np.ndarray:
        """The class that every row is called.

        Returns
        -------
        ndarray of shape (n_rows,)
            Numbers for a target of numbers, booleans for one of `false` and `true`, otherwise text. Rows that a model
            of `missing="drop"` leaves out are NaN among numbers, otherwise None.
        """
        n_rows, rows, _, called = self._score(data)
        labels = self._labels()[called]
        if len(rows) == n_rows:
            return labels
        full = np.full(n_rows, np.nan) if labels.dtype.kind in "if" else np.full(n_rows, None, dtype=object)
        full[rows] = labels
        return full

    def evaluate(self, data: Any, **options: Any) -> dict[str, Any]:
        """Measure the model on rows whose outcome is known, as `logistic evaluate` does.

        Parameters
        ----------
        data : frame, dict of arrays, path, or list of paths
            As for `fit`, with the target.
        **options
            The options of `logistic evaluate` with underscores: `threshold`, `weights`, `bootstrap`, `seed`, `plots`,
            `compare` (the path of a model file).

        Returns
        -------
        dict
            The answer of `logistic evaluate --json`.
        """
        names, frames = source(data, _FRAME)
        answer, told = self._trained.evaluate(names, given(options), frames)
        _warn(message for _, _, message in told)
        return json.loads(answer)

    def report(self, path: str | os.PathLike[str], data: Any = None, **options: Any) -> None:
        """Write a page about the model, as `logistic report` does: one HTML file that needs no network.

        A model does not keep its data. Without `data` the page has what the model knows (coefficients, certificate,
        warnings, training curve); with it also the columns, the predictions and their curves, effects and residuals.
        ``logistic.fit(frame, target=…, test_fraction=0.2, report="page.html")`` writes the page of the rows held out.

        Parameters
        ----------
        path : path-like
            The file. It is replaced in one move.
        data : frame, dict of arrays, path, or list of paths, optional
            As for `fit`, with the target.
        **options
            The options of `logistic report` with underscores: `weights`, `bootstrap`, `seed`.
        """
        names, frames = ([], []) if data is None else source(data, _FRAME)
        _warn(message for _, _, message in self._trained.report(names, given({"output": os.fspath(path), **options}), frames))

    def _score(self, data: Any) -> tuple[int, np.ndarray, np.ndarray, np.ndarray]:
        n_rows, rows, probabilities, called, told = self._trained.score(*source(data, _FRAME))
        _warn((message for _, _, message in told), stacklevel=4)
        return n_rows, rows, probabilities, called

    def _labels(self) -> np.ndarray:
        classes = self.classes
        if self._trained.numeric:
            try:
                numbers = np.array([float(label) for label in classes])
            except ValueError:  # One class against all others, which have no number.
                return np.array(classes)
            whole = np.all(numbers == np.rint(numbers)) and np.all(np.abs(numbers) < 2**53)
            return numbers.astype(np.int64) if whole else numbers
        if set(classes) == {"false", "true"}:
            return np.array([label == "true" for label in classes])
        return np.array(classes)

    def __repr__(self) -> str:
        return self.summary()

    def __reduce__(self) -> tuple[Any, tuple[str, str]]:
        return _restored, (self._trained.to_json(), self._trained.answer)


def _restored(text: str, answer: str) -> Model:
    return Model(_core.Trained.from_json(text, answer))
