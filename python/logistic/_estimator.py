"""The classifier."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from numbers import Integral, Real
from os import PathLike, fspath
from typing import Any, NamedTuple

import numpy as np

from . import _core, _words
from ._base import UNUSED, BaseEstimator, ClassifierMixin, ConvergenceWarning, NotFittedError
from ._inputs import (
    MISSING_POLICIES,
    Design,
    Labels,
    class_names,
    explain,
    is_frame,
    named_classes,
    read_design,
    read_labels,
    read_offset,
    read_weight,
)
from ._progress import reporter
from ._summary import Summary, intervals

SOLVERS = ("lbfgs", "liblinear", "newton-cg", "newton-cholesky", "sag", "saga")


class Certificate(NamedTuple):
    """How close to the optimum a fit is.

    Attributes
    ----------
    gap : float
        A bound on the distance of the objective to its minimum, in nats per row.
    gradient_max_norm : float
        The largest absolute entry of the gradient (under an l1 penalty of the subgradient of least size), in
        standardised columns.
    objective : float
        The mean loss of the rows plus the penalty, divided by the weight of all rows.
    """

    gap: float
    gradient_max_norm: float
    objective: float


class LogisticRegression(ClassifierMixin, BaseEstimator):
    """Logistic regression, binary or multinomial, at its certified optimum.

    A drop-in for scikit-learn's class of the same name: the same parameters, the same objective
    ``C * sum(s_i * loss_i) + l1_ratio * |w|_1 + (1 - l1_ratio) / 2 * |w|_2^2`` with the intercept unpenalised, the same
    attributes. The fit always goes to the optimum; how close it came is computed and stands in ``certificate_``.

    Parameters
    ----------
    penalty : {'l1', 'l2', 'elasticnet', None}
        As in scikit-learn, where it is deprecated: `l1_ratio` and `C` say the same.
    C : float, default=1.0
        Inverse of the strength of the penalty; ``np.inf`` for maximum likelihood, with standard errors, tests and
        intervals in :meth:`summary`.
    l1_ratio : float, default=0.0
        The share of the l1 penalty: 0 for ridge, 1 for the lasso.
    dual, intercept_scaling, n_jobs, random_state, tol
        Accepted, and without effect: no fit depends on chance, and each ends at the optimum.
    fit_intercept : bool, default=True
        Whether there is an intercept. It is never penalised, whatever the solver.
    class_weight : dict or 'balanced', default=None
        Weights of the classes, which multiply those of the rows.
    solver : str, default='lbfgs'
        Any of scikit-learn's names. All lead to the same Newton's method, which takes every penalty and any number of
        classes.
    max_iter : int, default=100
        The most iterations. A fit rarely takes more than a dozen.
    verbose : int, default=0
        Shows progress where it is not 0.
    warm_start : bool, default=False
        Whether to start from where the last fit ended.
    penalty_factor : array-like or dict, default=None
        What multiplies the penalty of each column's coefficients: one number per column of the design matrix, or a dict
        from columns to numbers, 1 where a column is not in it. 0 leaves a column unpenalised.
    bounds : tuple, sequence or dict, default=None
        The lowest and highest value of coefficients: one pair for all, one per column of the design matrix, or a dict
        from columns to pairs. None in a pair is no bound. For two classes.
    categorical : sequence of str, default=None
        Columns of a frame that are categories even though they hold numbers.
    missing : {'error', 'drop', 'impute'}, default='error'
        What happens to missing values in a frame: they are refused; their rows are left out; the median or the most
        frequent level takes their place, and a column marks their rows.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The classes, sorted.
    coef_ : ndarray of shape (1, n_columns) or (n_classes, n_columns)
        The coefficients of the columns of the design matrix: of `X`, or what its categories and missing values become.
    intercept_ : ndarray of shape (1,) or (n_classes,)
        The intercepts.
    n_iter_ : ndarray of shape (1,)
        The number of iterations.
    n_features_in_ : int
        The number of columns of `X`.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Their names, where all of them are text.
    terms_ : ndarray of shape (n_columns,)
        The names of the columns of the design matrix.
    certificate_ : Certificate
        How close to the optimum the fit is.
    termination_ : str
        How the fit ended: 'converged', 'max_iterations', 'stalled', or 'no_finite_optimum' where classes can be separated
        and nothing keeps coefficients finite; then those are of a slight ridge penalty.
    warnings_ : list of str
        What is worth knowing of the fit.

    Notes
    -----
    Frames of pandas, polars and pyarrow that hold text, categories, dates or missing values are taken as they are: a
    category becomes a column for each level but the first, as in the command line of this package. The model file that
    :meth:`save` writes is that of the command line.

    Examples
    --------
    >>> from logistic import LogisticRegression
    >>> model = LogisticRegression(C=10.0).fit([[0.0], [1.0], [2.0], [3.0]], ["no", "yes", "no", "yes"])
    >>> model.predict([[2.5]])
    array(['yes'], dtype='<U3')
    """

    __metadata_request__fit = {"progress": UNUSED}

    # Whether scores come from a frame by way of the model's encoder, and classes by its threshold.
    _encoded = False
    _called_by_model = False

    def __init__(
        self,
        penalty: Any = "deprecated",
        *,
        C: float = 1.0,
        l1_ratio: float | None = 0.0,
        dual: bool = False,
        tol: float = 1e-4,
        fit_intercept: bool = True,
        intercept_scaling: float = 1,
        class_weight: Any = None,
        random_state: Any = None,
        solver: str = "lbfgs",
        max_iter: int = 100,
        verbose: int = 0,
        warm_start: bool = False,
        n_jobs: int | None = None,
        penalty_factor: Any = None,
        bounds: Any = None,
        categorical: Any = None,
        missing: str = "error",
    ) -> None:
        self.penalty = penalty
        self.C = C
        self.l1_ratio = l1_ratio
        self.dual = dual
        self.tol = tol
        self.fit_intercept = fit_intercept
        self.intercept_scaling = intercept_scaling
        self.class_weight = class_weight
        self.random_state = random_state
        self.solver = solver
        self.max_iter = max_iter
        self.verbose = verbose
        self.warm_start = warm_start
        self.n_jobs = n_jobs
        self.penalty_factor = penalty_factor
        self.bounds = bounds
        self.categorical = categorical
        self.missing = missing

    def fit(
        self, X: Any, y: Any, sample_weight: Any = None, *, offset: Any = None, progress: Any = None
    ) -> LogisticRegression:
        """Fit the model.

        Parameters
        ----------
        X : array-like, sparse matrix or data frame of shape (n_samples, n_features)
            The features.
        y : array-like of shape (n_samples,)
            The classes.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows.
        offset : array-like of shape (n_samples,), default=None
            Numbers that are added to the logits. For two classes.
        progress : callable or bool, default=None
            Called as ``progress(iteration, objective)`` after every iteration; True for a bar of ``tqdm``.

        Returns
        -------
        self : LogisticRegression
            The fitted estimator.
        """
        self._check_parameters()
        C, l1_ratio = self._strength()
        data, design, labels = self._read(X, y, sample_weight, offset)
        settings = self._settings(data, labels, C, l1_ratio)
        start = self._start() if self.warm_start and hasattr(self, "coef_") else None
        if self.max_iter == 0:
            return self._begin(data, start, labels, design)
        with reporter(progress, self.verbose) as hear:
            found = self._explained(lambda: _core.fit(data, settings, start=start, progress=hear), design)
        self._take(found, labels, design)
        return self

    def decision_function(self, X: Any, offset: Any = None) -> np.ndarray:
        """The logits of rows.

        Parameters
        ----------
        X : array-like, sparse matrix or data frame of shape (n_samples, n_features)
            The features.
        offset : array-like of shape (n_samples,), default=None
            Numbers that are added to the logits.

        Returns
        -------
        scores : ndarray of shape (n_samples,) or (n_samples, n_classes)
            Of two classes the logit of the second; of more those of every class.
        """
        scores = self._scores(X, offset, "logit")
        return scores[:, 0] if scores.shape[1] == 1 else scores

    def predict_proba(self, X: Any, offset: Any = None) -> np.ndarray:
        """The probabilities of the classes of rows.

        Parameters
        ----------
        X : array-like, sparse matrix or data frame of shape (n_samples, n_features)
            The features.
        offset : array-like of shape (n_samples,), default=None
            Numbers that are added to the logits.

        Returns
        -------
        probabilities : ndarray of shape (n_samples, n_classes)
            In the order of `classes_`. NaN for rows that ``missing='drop'`` leaves out.
        """
        return self._scores(X, offset, "probability")

    def predict_log_proba(self, X: Any, offset: Any = None) -> np.ndarray:
        """The logarithms of the probabilities, exact where those are all but 0.

        Parameters
        ----------
        X : array-like, sparse matrix or data frame of shape (n_samples, n_features)
            The features.
        offset : array-like of shape (n_samples,), default=None
            Numbers that are added to the logits.

        Returns
        -------
        log_probabilities : ndarray of shape (n_samples, n_classes)
            In the order of `classes_`.
        """
        return self._scores(X, offset, "log_probability")

    def predict(self, X: Any, offset: Any = None) -> np.ndarray:
        """The most probable class of rows.

        Parameters
        ----------
        X : array-like, sparse matrix or data frame of shape (n_samples, n_features)
            The features.
        offset : array-like of shape (n_samples,), default=None
            Numbers that are added to the logits.

        Returns
        -------
        labels : ndarray of shape (n_samples,)
            The classes.
        """
        self._check_fitted()
        if self._called_by_model:
            scores = self._scores(X, offset, "probability")
            _refuse_unscored(scores)
            return self.classes_[self._model.called(np.ascontiguousarray(scores, dtype=np.float64))]
        scores = self._scores(X, offset, "logit")
        places = scores.argmax(axis=1) if scores.shape[1] > 1 else (scores[:, 0] > 0).astype(np.intp)
        return self.classes_[places]

    def summary(self) -> Summary:
        """The coefficients with what is known of them, as a table.

        Standard errors, tests and intervals exist for fits without penalty or bounds.

        Returns
        -------
        summary : Summary
            A table that prints; `to_pandas` gives it as a frame.
        """
        return Summary(self._fitted_model())

    def conf_int(self, level: float = 0.95) -> np.ndarray:
        """Wald intervals of the coefficients.

        Parameters
        ----------
        level : float, default=0.95
            Their level.

        Returns
        -------
        intervals : ndarray of shape (n_rows, 2)
            The lower and upper ends, in the order of :meth:`summary`; NaN for a coefficient without one.
        """
        return intervals(self._fitted_model(), level)

    def save(self, path: str | PathLike[str]) -> None:
        """Write the model file, which the command line and :meth:`load` read.

        Parameters
        ----------
        path : path-like
            The file. It is replaced in one move.
        """
        self._fitted_model().save(fspath(path))

    def to_onnx(self, path: str | PathLike[str]) -> None:
        """Write the model as an ONNX file, in 64 bits, its encoder included.

        Inputs are the columns by name, each of shape (N, 1): numbers and days since 1970-01-01 as double, NaN where they
        are missing, and text as string, empty where it is missing. Outputs are `probability`, that of the
        second of two classes or of every class of more, and `label`.

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

    def export(self, path: str | PathLike[str], format: str, dialect: str | None = None) -> None:
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
        self._fitted_model().export(path, format, dialect)

    def report(self, path: str | PathLike[str], X: Any = None, y: Any = None, sample_weight: Any = None) -> None:
        """Write a page about the model: one HTML file that needs no network.

        An estimator does not keep its data. Without `X` and `y` the page has what the model knows: coefficients with a
        forest plot, certificate, warnings, training curve. With them it also describes the columns, measures the
        predictions (confusion matrix with a threshold to move, curves, calibration, lift), and shows effects and
        residuals; give rows that the model was not fitted to, to see what it is worth.

        Parameters
        ----------
        path : path-like
            The file. It is replaced in one move.
        X : array-like, sparse matrix or data frame of shape (n_samples, n_features), default=None
            The features.
        y : array-like of shape (n_samples,), default=None
            The classes.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows.
        """
        model = self._fitted_model()
        if (X is None) != (y is None):
            raise ValueError("a report takes both X and y, or neither")
        if X is None:
            _core.report(model, fspath(path), f"{self!r}.fit(X, y).report({fspath(path)!r})")
            return
        if model.offset is not None:
            raise ValueError("the report of a model with an offset is that of `logistic report`: save the model")
        design = read_design(self, X, reset=False, as_table=self._encoded)
        labels = read_labels(y, design.n_samples, type(self).__name__)
        if len(model.classes) != len(self.classes_):
            raise ValueError("the model was fitted to rows that lack a class")
        known = {label: code for code, label in enumerate(self.classes_.tolist())}
        unknown = [label for label in labels.classes.tolist() if label not in known]
        if unknown:
            raise ValueError(f"y has classes that the model was not fitted to: {unknown}")
        codes = np.asarray([known[label] for label in labels.classes.tolist()], dtype=np.uint32)
        outcomes = {
            "target": model.target,
            "classes": model.classes,
            "numeric": model.numeric,
            "codes": codes[np.asarray(labels.codes)],
            "weight": read_weight(sample_weight, design.n_samples),
            "offset": None,
        }
        command = f"{self!r}.fit(…).report({fspath(path)!r}, X, y{'' if sample_weight is None else ', sample_weight'})"

        def written() -> None:
            if not self._encoded:
                _core.report(model, fspath(path), command, (design.features, outcomes))
                return
            table = _core.Table.from_frame(design.source, text=model.text_columns, only=model.columns)
            _core.report(model, fspath(path), command, (table, outcomes))

        self._explained(written, design)

    @classmethod
    def load(cls, path: str | PathLike[str]) -> LogisticRegression:
        """Read a model file of this package or its command line.

        Parameters
        ----------
        path : path-like
            The file.

        Returns
        -------
        estimator : LogisticRegression
            A fitted estimator. Frames are read as the model file says; where all its columns are plain numbers, arrays
            with columns in the same order are too.
        """
        model = _core.Model.load(fspath(path))
        facts = model.facts()
        total = facts["l1"] + facts["l2"]
        estimator = cls(
            C=1.0 / (total * facts["total_weight"]) if total else np.inf,
            l1_ratio=facts["l1"] / total if total else 0.0,
        )
        coef, intercept = model.estimates()
        estimator.classes_ = named_classes(model.classes, model.numeric)
        estimator.coef_, estimator.intercept_ = coef, intercept
        estimator.feature_names_in_ = np.asarray(model.columns, dtype=object)
        estimator.n_features_in_ = len(estimator.feature_names_in_)
        estimator._model, estimator._encoded, estimator._called_by_model = model, not model.is_plain, True
        told = [_words.warning(kind, words) for kind, words, _ in model.warnings]
        estimator._tell(facts["termination"], facts, told)
        return estimator

    def sparsify(self) -> LogisticRegression:
        """Convert `coef_` to a sparse matrix of SciPy's.

        Returns
        -------
        self : LogisticRegression
            The estimator.
        """
        self._check_fitted()
        from scipy import sparse

        self.coef_ = sparse.csr_matrix(self.coef_)
        return self

    def densify(self) -> LogisticRegression:
        """Convert `coef_` back to an array.

        Returns
        -------
        self : LogisticRegression
            The estimator.
        """
        self._check_fitted()
        self.coef_ = self._dense_coef()
        return self

    @property
    def terms_(self) -> np.ndarray:
        """The names of the columns of the design matrix."""
        return np.asarray(self._fitted_model().terms, dtype=object)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags

    # What is asked.

    def _check_parameters(self) -> None:
        who = type(self).__name__

        def refuse(name: str, expected: str) -> None:
            raise ValueError(f"The {name!r} parameter of {who} must be {expected}. Got {getattr(self, name)!r} instead.")

        def is_real(value: Any) -> bool:
            return isinstance(value, Real) and not isinstance(value, bool)

        if "C" in self.get_params(deep=False) and not (is_real(self.C) and self.C > 0):
            refuse("C", "a float in the range (0.0, inf]")
        if not (is_real(self.tol) and self.tol >= 0):
            refuse("tol", "a float in the range [0.0, inf)")
        if not (isinstance(self.max_iter, Integral) and self.max_iter >= 0):
            refuse("max_iter", "an int in the range [0, inf)")
        if self.solver not in SOLVERS:
            refuse("solver", f"a str among {set(SOLVERS)}")
        if not (self.class_weight is None or self.class_weight == "balanced" or isinstance(self.class_weight, Mapping)):
            refuse("class_weight", "an instance of 'dict', a str among {'balanced'} or None")
        if self.missing not in MISSING_POLICIES:
            refuse("missing", f"a str among {set(MISSING_POLICIES)}")
        if self.penalty not in ("deprecated", "l1", "l2", "elasticnet", None):
            refuse("penalty", "a str among {'l1', 'l2', 'elasticnet'} or None")
        if not (is_real(self.intercept_scaling) and self.intercept_scaling > 0):
            refuse("intercept_scaling", "a float in the range (0.0, inf)")

    def _strength(self) -> tuple[float, float]:
        """The inverse of the penalty and its share of l1, by `penalty` where that is given."""
        if self.n_jobs is not None:
            words = f"'n_jobs' has no effect. You provided 'n_jobs={self.n_jobs}', please leave it unspecified."
            warnings.warn(words, FutureWarning, stacklevel=3)
        ratio = self.l1_ratio
        if ratio is not None and not (isinstance(ratio, Real) and 0 <= ratio <= 1):
            raise ValueError(
                f"The 'l1_ratio' parameter of {type(self).__name__} must be a float in the range [0.0, 1.0] or None. Got "
                f"{ratio!r} instead."
            )
        if self.penalty == "deprecated":
            if ratio is None:
                warnings.warn("'l1_ratio=None' was deprecated in scikit-learn 1.8: use 0 <= l1_ratio <= 1.", FutureWarning, stacklevel=3)
            return float(self.C), float(ratio or 0.0)
        _warn_penalty(self.penalty, ratio)
        if self.penalty is None:
            if self.C != 1.0:
                warnings.warn("Setting penalty=None will ignore the C and l1_ratio parameters", stacklevel=3)
            return np.inf, 0.0
        if self.penalty == "elasticnet" and ratio is None:
            raise ValueError("l1_ratio must be specified when penalty is elasticnet.")
        return float(self.C), {"l1": 1.0, "l2": 0.0}.get(self.penalty, float(ratio or 0.0))

    def _read(
        self, X: Any, y: Any, sample_weight: Any, offset: Any
    ) -> tuple[_core.Data, Design, Labels]:
        as_table = is_frame(X) and (self.missing != "error" or bool(self.categorical))
        if self.categorical and not is_frame(X):
            raise ValueError("`categorical` names columns of a data frame, found an array")
        design = read_design(self, X, reset=True, as_table=as_table)
        labels = read_labels(y, design.n_samples, type(self).__name__)
        names, numeric = class_names(labels.classes)
        outcomes = {
            "target": _target_name(labels.name, design),
            "classes": names,
            "numeric": numeric,
            "codes": labels.codes,
            "weight": read_weight(sample_weight, design.n_samples),
            "offset": read_offset(offset, design.n_samples),
        }
        return self._explained(lambda: self._data(design, outcomes), design), design, labels

    def _data(self, design: Design, outcomes: dict[str, Any]) -> _core.Data:
        if design.features is not None:
            names = None if design.names is None else list(design.names)
            return _core.Data.from_features(design.features, outcomes, names)
        categorical = [str(name) for name in self.categorical or []]
        table = _core.Table.from_frame(design.source, text=categorical)
        return _core.Data.from_table(table, outcomes, self.missing, categorical)

    def _explained(self, work: Any, design: Design) -> Any:
        try:
            return work()
        except _core.Error as error:
            raise _words.error(explain(error, design, type(self).__name__)) from None

    def _settings(self, data: _core.Data, labels: Labels, C: float, l1_ratio: float) -> dict[str, Any]:
        return {
            "c": C,
            "l1_ratio": l1_ratio,
            "intercept": bool(self.fit_intercept),
            "class_weight": _class_weight(self.class_weight, labels.classes),
            "balanced": isinstance(self.class_weight, str),
            "penalty_factor": _factors(self.penalty_factor, data),
            "bounds": _bounds(self.bounds, data),
            "max_iter": int(self.max_iter),
        }

    def _begin(self, data: _core.Data, start: Any, labels: Labels, design: Design) -> LogisticRegression:
        """Takes what a fit would start from for what was found."""
        outputs = 1 if len(labels.classes) == 2 else len(labels.classes)
        coef, intercept = start or (np.zeros((outputs, len(data.columns))), np.zeros(outputs))
        self.classes_, self.n_iter_ = labels.classes, np.zeros(1, dtype=np.int32)
        self.coef_, self.intercept_ = coef.astype(design.dtype), intercept.astype(design.dtype)
        self._model, self._encoded, self._called_by_model = None, False, False
        words = "max_iter=0 leaves the coefficients where a fit would start"
        self.termination_, self.certificate_, self.warnings_ = "max_iterations", None, [words]
        warnings.warn(words, ConvergenceWarning, stacklevel=3)
        return self

    def _start(self) -> tuple[np.ndarray, np.ndarray]:
        coef = np.ascontiguousarray(self._dense_coef(), dtype=np.float64)
        # The intercept of a class without rows is at minus infinity.
        return coef, np.maximum(np.asarray(self.intercept_, dtype=np.float64).reshape(-1), -1e3)

    # What was found.

    def _take(self, found: dict[str, Any], labels: Labels, design: Design) -> None:
        self.classes_ = labels.classes
        self.coef_ = found["coef"].astype(design.dtype, copy=False)
        self.intercept_ = found["intercept"].astype(design.dtype, copy=False)
        self.n_iter_ = np.asarray([found["n_iter"]], dtype=np.int32)
        self._model = found["model"]
        self._encoded = self._called_by_model = design.features is None
        told = [(kind, _words.warning(kind, words)) for kind, words, _ in found["warnings"]]
        self._tell(found["termination"], found, [words for _, words in told])
        for kind, words in told:
            if kind in ("not_converged", "separation"):
                warnings.warn(words, ConvergenceWarning, stacklevel=3)
            elif design.features is None or kind != "collinear":
                warnings.warn(words, UserWarning, stacklevel=3)

    def _tell(self, termination: str, facts: Mapping[str, Any], told: list[str]) -> None:
        self.termination_ = termination
        self.certificate_ = Certificate(facts["gap"], facts["gradient_max_norm"], facts["objective"])
        self.warnings_ = told

    def _check_fitted(self) -> None:
        if not hasattr(self, "coef_"):
            raise NotFittedError(
                f"This {type(self).__name__} instance is not fitted yet. Call 'fit' with appropriate arguments before "
                "using this estimator."
            )

    def _fitted_model(self) -> _core.Model:
        self._check_fitted()
        if self._model is None:
            raise ValueError("there is no fit to tell of: with max_iter=0 there was none, with refit=False there are several")
        return self._model

    def _dense_coef(self) -> np.ndarray:
        return self.coef_.toarray() if hasattr(self.coef_, "toarray") else self.coef_

    def _scores(self, X: Any, offset: Any, scale: str) -> np.ndarray:
        self._check_fitted()
        if self._encoded:
            return self._frame_scores(X, offset, scale)
        design = read_design(self, X, reset=False)
        if design.features is None:
            raise ValueError("X holds text or dates where the model was fitted on numbers alone")
        coef = np.ascontiguousarray(self._dense_coef(), dtype=np.float64)
        intercept = np.asarray(self.intercept_, dtype=np.float64).reshape(-1)
        if len(intercept) == 1 and len(coef) > 1:
            intercept = np.repeat(intercept, len(coef))
        offset = read_offset(offset, design.n_samples)
        scores = _core.scores(design.features, coef, intercept, scale=scale, offset=offset)
        if not np.isfinite(scores).all():
            error = explain(_core.Error("the scores of some rows are not finite"), design, type(self).__name__)
            if not isinstance(error, _core.Error):
                raise error
        return scores.astype(np.result_type(design.dtype, self.coef_.dtype), copy=False)

    def _frame_scores(self, X: Any, offset: Any, scale: str) -> np.ndarray:
        if not is_frame(X):
            raise ValueError(f"X must be a data frame with the columns {self._model.columns}, found {type(X).__name__}")
        design = read_design(self, X, reset=False, as_table=True)
        model = self._model
        columns = model.columns
        if model.offset is not None and offset is None:
            columns = [*columns, model.offset]
        offset = read_offset(offset, design.n_samples)

        def scored() -> tuple[np.ndarray, np.ndarray, list[tuple[str, str]]]:
            table = _core.Table.from_frame(design.source, text=model.text_columns, only=columns)
            return model.scores(table, scale=scale, offset=offset)

        rows, scores, told = self._explained(scored, design)
        for kind, words in told:
            warnings.warn(_words.warning(kind, words), UserWarning, stacklevel=4)
        if len(rows) == design.n_samples:
            return scores
        whole = np.full((design.n_samples, scores.shape[1]), np.nan)
        whole[rows] = scores
        return whole


def _refuse_unscored(probabilities: np.ndarray) -> None:
    rows = np.flatnonzero(np.isnan(probabilities[:, 0]))
    if len(rows):
        raise ValueError(
            f"{len(rows)} rows, the first of them row {rows[0]}, have missing values and so no class; predict_proba gives "
            "NaN for them, and a model fitted with missing='impute' a probability"
        )


def _warn_penalty(penalty: str | None, l1_ratio: float | None) -> None:
    warnings.warn(
        "'penalty' was deprecated in scikit-learn 1.8: use l1_ratio=0 instead of penalty='l2', l1_ratio=1 instead of "
        "penalty='l1', l1_ratio set to any float between 0 and 1 instead of penalty='elasticnet', and C=np.inf instead of "
        "penalty=None.",
        FutureWarning,
        stacklevel=4,
    )
    if penalty != "elasticnet" and l1_ratio is not None and 0 < l1_ratio < 1:
        warnings.warn(
            f"l1_ratio parameter is only used when penalty is 'elasticnet'. Got (penalty={penalty})", stacklevel=4
        )
    if penalty == "l2" and l1_ratio != 0 or penalty == "l1" and l1_ratio != 1:
        warnings.warn(f"Inconsistent values: penalty={penalty} with l1_ratio={l1_ratio}.", stacklevel=4)


def _target_name(name: str, design: Design) -> str:
    taken = set() if design.names is None else set(design.names)
    while name in taken:
        name += "_"
    return name


def _class_weight(class_weight: Any, classes: np.ndarray) -> list[float] | None:
    """A weight for each class, where they are given one by one."""
    if not isinstance(class_weight, Mapping) or not class_weight:
        return None
    known = classes.tolist()
    given = [label in class_weight for label in known]
    if not all(given) and sum(given) != len(class_weight):
        missing = [label for label, there in zip(known, given) if not there]
        raise ValueError(f"The classes, {missing}, are not in class_weight")
    return [float(class_weight.get(label, 1.0)) for label in known]


def _factors(penalty_factor: Any, data: _core.Data) -> list[float]:
    if penalty_factor is None:
        return []
    if isinstance(penalty_factor, Mapping):
        _check_columns("penalty_factor", penalty_factor, data)
        return [float(penalty_factor.get(column, 1.0)) for column in data.columns]
    return [float(factor) for factor in penalty_factor]


def _bounds(bounds: Any, data: _core.Data) -> list[tuple[float, float]]:
    def pair(ends: Any) -> tuple[float, float]:
        low, high = (None, None) if ends is None else ends
        return (-np.inf if low is None else float(low), np.inf if high is None else float(high))

    if bounds is None:
        return []
    if isinstance(bounds, Mapping):
        _check_columns("bounds", bounds, data)
        return [pair(bounds.get(column)) for column in data.columns]
    bounds = list(bounds)
    if len(bounds) == 2 and all(end is None or isinstance(end, Real) for end in bounds):
        return [pair(bounds)] * len(data.columns)
    return [pair(ends) for ends in bounds]


def _check_columns(name: str, named: Mapping[str, Any], data: _core.Data) -> None:
    unknown = [column for column in named if column not in set(data.columns)]
    if unknown:
        raise ValueError(f"`{name}` names columns that X does not have: {unknown}")
