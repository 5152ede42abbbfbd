"""The classifier that chooses its penalty by cross-validation."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable
from numbers import Integral, Real
from typing import Any

import numpy as np

from . import _core
from ._base import HAS_SKLEARN, UNUSED, ConvergenceWarning
from ._estimator import LogisticRegression
from ._inputs import Design, Labels, is_sparse
from ._progress import reporter


class LogisticRegressionCV(LogisticRegression):
    """Logistic regression whose `C` and `l1_ratio` are chosen by cross-validation.

    A drop-in for scikit-learn's class of the same name, which must be installed. The fits of a fold go from the strongest
    penalty on, each from where the one before ended, on rows that are not copied.

    Parameters
    ----------
    Cs : int or array-like, default=10
        The values of `C` that are tried, or how many of them between 1e-4 and 1e4.
    l1_ratios : array-like, default=None
        The shares of l1 that are tried.
    fit_intercept, solver, tol, max_iter, class_weight, n_jobs, verbose, dual, penalty, intercept_scaling, random_state
        As in :class:`LogisticRegression`. All cores work whatever `n_jobs` is.
    cv : int, splitter or iterable, default=None
        How rows are taken apart: 5 folds with classes in equal parts.
    scoring : str or callable, default=None
        What is compared: accuracy, or what scikit-learn's scorers know. 'neg_log_loss' is the fastest and the sharpest.
    refit : bool, default=True
        Whether the best penalty is fitted on all rows; otherwise the coefficients of each fold's best are averaged.
    use_legacy_attributes : bool, default=True
        Whether attributes have the shapes of scikit-learn before 1.10.
    penalty_factor, bounds, categorical, missing
        As in :class:`LogisticRegression`.

    Attributes
    ----------
    C_, l1_ratio_ : ndarray or float
        What was chosen.
    Cs_, l1_ratios_ : ndarray
        What was tried.
    scores_ : dict or ndarray
        The score of each fold and penalty.
    coefs_paths_ : dict or ndarray
        The coefficients of each fold and penalty, the intercept last.
    n_iter_ : ndarray
        The iterations of each fold and penalty.

    Notes
    -----
    Beside these, the attributes of :class:`LogisticRegression`.
    """

    __metadata_request__fit = {"progress": UNUSED}
    __metadata_request__score = {"sample_weight": UNUSED}

    def __init__(
        self,
        *,
        Cs: Any = 10,
        l1_ratios: Any = "warn",
        fit_intercept: bool = True,
        cv: Any = None,
        dual: bool = False,
        penalty: Any = "deprecated",
        scoring: Any = "warn",
        solver: str = "lbfgs",
        tol: float = 1e-4,
        max_iter: int = 100,
        class_weight: Any = None,
        n_jobs: int | None = None,
        verbose: int = 0,
        refit: bool = True,
        intercept_scaling: float = 1.0,
        random_state: Any = None,
        use_legacy_attributes: Any = "warn",
        penalty_factor: Any = None,
        bounds: Any = None,
        categorical: Any = None,
        missing: str = "error",
    ) -> None:
        self.Cs = Cs
        self.l1_ratios = l1_ratios
        self.fit_intercept = fit_intercept
        self.cv = cv
        self.dual = dual
        self.penalty = penalty
        self.scoring = scoring
        self.tol = tol
        self.max_iter = max_iter
        self.class_weight = class_weight
        self.n_jobs = n_jobs
        self.verbose = verbose
        self.solver = solver
        self.refit = refit
        self.intercept_scaling = intercept_scaling
        self.random_state = random_state
        self.use_legacy_attributes = use_legacy_attributes
        self.penalty_factor = penalty_factor
        self.bounds = bounds
        self.categorical = categorical
        self.missing = missing

    def fit(  # type: ignore[override]
        self, X: Any, y: Any, sample_weight: Any = None, *, progress: Any = None, **params: Any
    ) -> LogisticRegressionCV:
        """Choose the penalty and fit the model.

        Parameters
        ----------
        X : array-like, sparse matrix or data frame of shape (n_samples, n_features)
            The features.
        y : array-like of shape (n_samples,)
            The classes.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows.
        progress : callable or bool, default=None
            Called as ``progress(iteration, objective)`` after every iteration of every fit; True for a bar of ``tqdm``.
        **params : dict
            What the splitter and the scorer are given.

        Returns
        -------
        self : LogisticRegressionCV
            The fitted estimator.
        """
        if not HAS_SKLEARN:
            raise ImportError("LogisticRegressionCV needs scikit-learn, for its splitters and scorers")
        self._check_parameters()
        ratios, scoring, legacy = self._choices()
        routed = self._routed(sample_weight, params)
        data, design, labels = self._read(X, y, sample_weight, None)
        folds = self._folds(X, labels, routed.splitter.split)
        cs = np.logspace(-4, 4, self.Cs) if isinstance(self.Cs, Integral) else np.asarray(self.Cs, dtype=np.float64)
        settings = self._settings(data, labels, 1.0, 0.0)
        _balance(settings, data)
        shares = [0.0 if ratio is None else float(ratio) for ratio in ratios]
        if self.penalty == "l1":
            shares = [1.0] * len(shares)
        rows = _rows_of(data, folds)
        with reporter(progress, self.verbose) as hear:
            found = self._explained(
                lambda: _core.fit_folds(data, settings, (cs.tolist(), shares), rows, progress=hear), design
            )
            if not found["converged"]:
                warnings.warn("some fits of folds did not reach the optimum", ConvergenceWarning, stacklevel=2)
            n_outputs = 1 if len(labels.classes) == 2 else len(labels.classes)
            paths = found["parameters"].reshape(*found["n_iter"].shape, n_outputs, -1)
            score = self._scorer(X, labels, design, folds, (scoring, routed.scorer.score))
            scores = score(found, paths)
            self.Cs_ = cs
            self._choose(data, settings, (labels, design), (ratios, shares), (paths, scores), hear)
        self._shape(ratios, (paths, scores, found["n_iter"]), legacy)
        return self

    def score(self, X: Any, y: Any, *, sample_weight: Any = None, **score_params: Any) -> float:
        """The score of rows, by `scoring`.

        Parameters
        ----------
        X : array-like, sparse matrix or data frame of shape (n_samples, n_features)
            The features.
        y : array-like of shape (n_samples,)
            The classes.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows.
        **score_params : dict
            What the scorer is given.

        Returns
        -------
        score : float
            The score.
        """
        from sklearn.utils.metadata_routing import process_routing

        _refuse_params(score_params, "score")
        if sample_weight is not None:
            score_params["sample_weight"] = sample_weight
        if _routing_enabled():
            score_params = process_routing(self, "score", **score_params).scorer.score
        return self._get_scorer()(self, X, y, **score_params)

    def get_metadata_routing(self) -> Any:
        """The metadata that fit and score pass on.

        Returns
        -------
        routing : MetadataRouter
            To the splitter and to the scorer.
        """
        from sklearn.utils.metadata_routing import MetadataRouter, MethodMapping

        to_scorer = MethodMapping().add(caller="score", callee="score").add(caller="fit", callee="score")
        return (
            MetadataRouter(owner=self)
            .add_self_request(self)
            .add(splitter=self.cv, method_mapping=MethodMapping().add(caller="fit", callee="split"))
            .add(scorer=self._get_scorer(), method_mapping=to_scorer)
        )

    # What is asked.

    def _get_scorer(self) -> Any:
        from sklearn.metrics import get_scorer

        return get_scorer("accuracy" if self.scoring in (None, "warn") else self.scoring)

    def _choices(self) -> tuple[list[float | None], Any, bool]:
        """The l1 ratios, the scoring, and whether attributes have their old shapes; with warnings as of scikit-learn 1.9."""
        self._check_grid()
        ratios = self.l1_ratios
        if isinstance(ratios, str):
            warnings.warn(
                "The default value for l1_ratios will change from None to (0.0,), as in scikit-learn 1.10. To avoid this "
                "warning, explicitly set a value, e.g. l1_ratios=(0,).",
                FutureWarning,
                stacklevel=3,
            )
            ratios = None
        elif ratios is None and self.penalty == "deprecated":
            warnings.warn("'l1_ratios=None' was deprecated in scikit-learn 1.8: use numbers in [0, 1].", FutureWarning, stacklevel=3)
        if self.penalty != "deprecated":
            warnings.warn("'penalty' was deprecated in scikit-learn 1.8: use l1_ratios.", FutureWarning, stacklevel=3)
            if self.penalty != "elasticnet" and ratios is not None:
                words = f"l1_ratios parameter is only used when penalty is 'elasticnet'. Got (penalty={self.penalty})"
                warnings.warn(words, stacklevel=3)
        if self.scoring == "warn":
            warnings.warn(
                "The default value of the parameter 'scoring' will change from None, i.e. accuracy, to 'neg_log_loss'. To "
                "silence this warning, explicitly set the scoring parameter.",
                FutureWarning,
                stacklevel=3,
            )
        if self.use_legacy_attributes == "warn":
            warnings.warn(
                f"The fitted attributes of {type(self).__name__} will be simplified. Set `use_legacy_attributes=False` to "
                "enable the new behavior now, or set it to `True` to silence this warning. The default value of "
                "use_legacy_attributes will change from True to False, as in scikit-learn 1.10.",
                FutureWarning,
                stacklevel=3,
            )
        listed = [None] if ratios is None else list(ratios)
        legacy = True if self.use_legacy_attributes == "warn" else bool(self.use_legacy_attributes)
        return listed, None if self.scoring == "warn" else self.scoring, legacy

    def _check_grid(self) -> None:
        who = type(self).__name__
        if isinstance(self.Cs, Integral) and self.Cs < 1 or isinstance(self.Cs, (str, float)):
            raise ValueError(
                f"The 'Cs' parameter of {who} must be an int in the range [1, inf) or an array-like. Got {self.Cs!r} "
                "instead."
            )
        if not isinstance(self.Cs, Integral) and not all(isinstance(c, Real) and c > 0 for c in self.Cs):
            raise ValueError(f"The values of 'Cs' of {who} must be above 0. Got {self.Cs!r} instead.")
        ratios = self.l1_ratios
        if isinstance(ratios, str) and ratios != "warn" or isinstance(ratios, Real):
            raise ValueError(
                f"The 'l1_ratios' parameter of {who} must be an array-like or None. Got {ratios!r} instead."
            )
        needed = self.penalty == "elasticnet"
        if ratios is None or isinstance(ratios, str):
            wrong = needed
        else:
            wrong = len(ratios) == 0 or any(not isinstance(r, Real) or not 0 <= r <= 1 for r in ratios)
        if wrong:
            raise ValueError(f"l1_ratios must be an array-like of numbers between 0 and 1; got (l1_ratios={ratios!r})")

    def _routed(self, sample_weight: Any, params: dict[str, Any]) -> Any:
        from sklearn.utils import Bunch
        from sklearn.utils.metadata_routing import process_routing

        _refuse_params(params, "fit")
        if _routing_enabled():
            return process_routing(self, "fit", sample_weight=sample_weight, **params)
        score = dict(params) if sample_weight is None else {**params, "sample_weight": sample_weight}
        return Bunch(splitter=Bunch(split={}), scorer=Bunch(score=score))

    def _folds(self, X: Any, labels: Labels, split: dict[str, Any]) -> list[tuple[np.ndarray, np.ndarray]]:
        from sklearn.model_selection import check_cv

        y = labels.classes[labels.codes]
        cv = check_cv(self.cv, y, classifier=True)
        return [(_indices(train, len(y)), _indices(test, len(y))) for train, test in cv.split(X, y, **split)]

    def _scorer(
        self,
        X: Any,
        labels: Labels,
        design: Design,
        folds: list[tuple[np.ndarray, np.ndarray]],
        asked: tuple[Any, dict[str, Any]],
    ) -> Callable[[dict[str, Any], np.ndarray], np.ndarray]:
        """How the fits of folds are scored: by the losses that came with them, or by a scorer."""
        scoring, params = asked
        by_losses = scoring == "neg_log_loss" and set(params) <= {"sample_weight"} and not _routing_enabled()
        scorer = _with_labels(self._get_scorer(), labels.classes)

        def scores(found: dict[str, Any], paths: np.ndarray) -> np.ndarray:
            if by_losses and found["whole"]:
                return -found["log_loss"]
            if design.features is None:
                raise ValueError(
                    "a frame of text, categories or missing values is scored by 'neg_log_loss' alone, in folds that train on "
                    "rows of all classes"
                )
            values = np.empty(paths.shape[:3])
            for at, (_, test) in enumerate(folds):
                held_out, truth = _taken(X, test), labels.classes[labels.codes[test]]
                own = {name: _param(value, test, design.n_samples) for name, value in params.items()}
                for place in np.ndindex(paths.shape[1:3]):
                    view = self._view(labels, design, paths[(at, *place)])
                    values[(at, *place)] = scorer(view, held_out, truth, **own)
            return values

        return scores

    def _view(self, labels: Labels, design: Design, parameters: np.ndarray) -> LogisticRegression:
        view = LogisticRegression()
        view.classes_, view.n_features_in_ = labels.classes, design.n_features
        if design.names is not None:
            view.feature_names_in_ = design.names
        view.coef_, view.intercept_ = parameters[:, :-1], parameters[:, -1]
        return view

    # What was found.

    def _choose(
        self,
        data: _core.Data,
        settings: dict[str, Any],
        given: tuple[Labels, Design],
        tried: tuple[list[float | None], list[float]],
        results: tuple[np.ndarray, np.ndarray],
        hear: Any,
    ) -> None:
        labels, design = given
        ratios, shares = tried
        paths, scores = results
        if self.refit:
            # Ties go to the first C, and of one C to the first ratio.
            total = scores.sum(axis=0).T
            c, ratio = np.unravel_index(np.argmax(total), total.shape)
            self.C_, self.l1_ratio_ = float(self.Cs_[c]), ratios[ratio]
            near = paths[:, ratio, c].mean(axis=0)
            # Where folds trained without a class, intercepts are infinite.
            start = _parameters(near) if np.isfinite(near).all() else None
            asked = {**settings, "c": self.C_, "l1_ratio": shares[ratio]}
            found = self._explained(lambda: _core.fit(data, asked, start=start, progress=hear), design)
            self._take(found, labels, design)
            return
        if design.features is None:
            raise ValueError("refit=False averages coefficients, which a frame of categories does not allow")
        best = [np.unravel_index(np.argmax(own.T), own.T.shape) for own in scores]
        chosen = np.mean([paths[fold, ratio, c] for fold, (c, ratio) in enumerate(best)], axis=0)
        self.C_ = float(np.mean([self.Cs_[c] for c, _ in best]))
        elastic = len(set(shares)) > 1 or 0.0 < shares[0] < 1.0
        self.l1_ratio_ = float(np.mean([shares[ratio] for _, ratio in best])) if elastic else 0.0
        self.classes_, self._model = labels.classes, None
        self._encoded = self._called_by_model = False
        self.coef_, self.intercept_ = chosen[:, :-1].copy(), chosen[:, -1].copy()
        for name in ("certificate_", "termination_", "warnings_"):
            self.__dict__.pop(name, None)

    def _shape(
        self,
        ratios: list[float | None],
        results: tuple[np.ndarray, np.ndarray, np.ndarray],
        legacy: bool,
    ) -> None:
        """Sets the attributes of all fits, in their old or their new shapes."""
        paths, scores, n_iter = results
        if not self.fit_intercept:
            paths = paths[..., :-1]
        self.l1_ratios_ = np.asarray(ratios)
        if not legacy:
            self.l1_ratio_ = float(self.penalty == "l1") if self.l1_ratio_ is None else float(self.l1_ratio_)
            self.coefs_paths_, self.scores_, self.n_iter_ = paths, scores, n_iter
            return
        labels = self.classes_[1:] if len(self.classes_) == 2 else self.classes_
        self.C_ = np.full(len(labels), self.C_)
        self.l1_ratio_ = np.asarray([self.l1_ratio_] * len(labels))

        def old(values: np.ndarray) -> np.ndarray:
            values = np.swapaxes(values, 1, 2)
            return values[:, :, 0] if ratios == [None] else values

        self.n_iter_ = old(n_iter)[None]
        self.scores_ = {label: old(scores).copy() for label in labels}
        self.coefs_paths_ = {label: old(paths[:, :, :, k]) for k, label in enumerate(labels)}


def _parameters(parameters: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return np.ascontiguousarray(parameters[:, :-1]), np.ascontiguousarray(parameters[:, -1])


def _routing_enabled() -> bool:
    from sklearn import get_config

    return bool(get_config().get("enable_metadata_routing", False))


def _refuse_params(params: dict[str, Any], method: str) -> None:
    if params and not _routing_enabled():
        raise ValueError(
            f"Passing extra keyword arguments to LogisticRegressionCV.{method} is only supported if "
            "enable_metadata_routing=True, which you can set using `sklearn.set_config`. Extra parameters passed are: "
            f"{set(params)}"
        )


def _balance(settings: dict[str, Any], data: _core.Data) -> None:
    """Takes balanced weights of all rows for those of every fold, as scikit-learn does."""
    if settings["balanced"]:
        settings["class_weight"], settings["balanced"] = data.balanced(), False


def _indices(rows: Any, n: int) -> np.ndarray:
    rows = np.asarray(rows)
    if rows.dtype == bool:
        return np.flatnonzero(rows)
    return np.where(rows < 0, rows + n, rows).astype(np.int64)


def _rows_of(data: _core.Data, folds: list[tuple[np.ndarray, np.ndarray]]) -> list[tuple[np.ndarray, np.ndarray]]:
    """The folds as rows of the dataset, from which some rows of the frame may have been left out."""
    if data.rows is None:
        return folds
    kept = np.asarray(data.rows)
    place = np.full(kept.max() + 1 if len(kept) else 0, -1, dtype=np.int64)
    place[kept] = np.arange(len(kept))

    def of(rows: np.ndarray) -> np.ndarray:
        found = place[rows[rows < len(place)]]
        return found[found >= 0]

    return [(of(train), of(test)) for train, test in folds]


def _taken(X: Any, rows: np.ndarray) -> Any:
    from sklearn.utils import _safe_indexing

    if is_sparse(X):
        return X.tocsr()[rows]
    return _safe_indexing(X if hasattr(X, "shape") else np.asarray(X), rows)


def _param(value: Any, rows: np.ndarray, n_samples: int) -> Any:
    per_row = hasattr(value, "__len__") and not isinstance(value, str) and len(value) == n_samples
    return np.asarray(value)[rows] if per_row else value


def _with_labels(scorer: Any, classes: np.ndarray) -> Any:
    """The same scorer, which knows of classes that no row held out is of."""
    from sklearn.metrics import make_scorer

    function = getattr(scorer, "_score_func", None)
    known = inspect.signature(function).parameters if function is not None else {}
    if "labels" not in known:
        return scorer
    more = {"pos_label": classes[-1]} if len(classes) == 2 and "pos_label" in known else {}
    return make_scorer(
        function,
        greater_is_better=scorer._sign == 1,
        response_method=scorer._response_method,
        labels=classes,
        **more,
        **getattr(scorer, "_kwargs", {}),
    )
