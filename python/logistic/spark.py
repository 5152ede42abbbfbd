"""Fits of Spark's data frames, where their rows are.

Every partition answers questions, such as what its part of a Hessian is, by the library's own kernels; the library's own
solver asks them from the driver, and gives the model that `logistic.fit` gives, with its inference and its certificate.
What it needs of Spark is `mapInArrow` and `collect`, so that engines which speak Spark's protocol, such as Sail, will do.
The package must be installed on every executor, in the same version.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from . import _core
from ._columns import given
from ._progress import reporter
from ._train import Model, _warn

__all__ = ["fit"]


def fit(dataframe: Any, *, target: str, progress: Any = None, **options: Any) -> Model:
    """Fit a model to a data frame of Spark.

    Parameters
    ----------
    dataframe : pyspark.sql.DataFrame
        Numbers, text, booleans, dates and times. It is kept (`persist`) while the fit lasts, unless it is cached already:
        every iteration passes over it.
    target : str
        The column to predict.
    progress : callable or bool, optional
        Called with the number of every iteration and the objective; True shows a bar of tqdm's.
    **options
        Those of `logistic.fit` that need no more of rows than sums over all of them: columns, weights, reference levels,
        rare levels, products, logarithms, penalties and bounds, `class_weight`, `weight_kind`, `covariance`, `lr_tests`,
        `intervals`, `no_intercept`, `missing` ("error" or "drop"), `solver` ("auto", "newton" or "lbfgs"), `output`. Others
        are refused, not ignored.

    Returns
    -------
    Model
        As `logistic.fit` gives it for the same rows, its coefficients to about 1e-12: sums are taken partition by partition.

    Raises
    ------
    Error
        Where `logistic.fit` would fail, and of the kind "engine" where Spark does, which is then the cause.

    Notes
    -----
    Whether classes are separated is not decided here: a fit that finds no optimum says that it did not converge, and has no
    standard errors. Lost executors are Spark's to replace; what they had is asked again.
    """
    typed = given({"target": target, **options})
    _core.check_given(typed)
    own = not _is_kept(dataframe)
    rows = dataframe.persist() if own else dataframe
    try:
        surveys = _answers(rows, _Survey(typed))
        with reporter(progress, 0) as hear:

            def ask(encoder: str, weights: str | None, question: bytes) -> list[bytes]:
                return _answers(rows, _Answer(encoder, weights, question))

            model = Model(_core.train_elsewhere(typed, [survey.decode() for survey in surveys], ask, hear))
    finally:
        if own:
            rows.unpersist()
    _warn(warning["message"] for warning in model.warnings)
    return model


def _is_kept(dataframe: Any) -> bool:
    level = dataframe.storageLevel
    return bool(level.useMemory or level.useDisk)


class _Survey:
    """What the rows of a partition are like."""

    def __init__(self, typed: list[tuple[str, list[str]]]) -> None:
        self.typed = typed

    def __call__(self, batches: _core.Batches) -> bytes:
        return _core.survey(self.typed, batches).encode()


class _Answer:
    """The answer of a partition to a question."""

    def __init__(self, encoder: str, weights: str | None, question: bytes) -> None:
        self.asked = encoder, weights, question

    def __call__(self, batches: _core.Batches) -> bytes:
        return _core.answer(*self.asked, batches)


def _answers(dataframe: Any, of: Callable[[_core.Batches], bytes]) -> list[bytes]:
    """What `of` says of every partition that has rows, in their order."""

    def partition(batches: Iterator[Any]) -> Iterator[Any]:
        import pyarrow
        from pyspark import TaskContext

        full = [batch for batch in batches if batch.num_rows]
        if full:
            task = TaskContext.get()
            answer = of(_core.Batches.from_stream(pyarrow.Table.from_batches(full)))
            columns = [pyarrow.array([task.partitionId() if task else 0]), pyarrow.array([answer], pyarrow.binary())]
            yield pyarrow.RecordBatch.from_arrays(columns, names=["partition", "answer"])

    rows = dataframe.mapInArrow(partition, "partition long, answer binary").collect()
    return [bytes(row.answer) for row in sorted(rows, key=lambda row: row.partition)]
