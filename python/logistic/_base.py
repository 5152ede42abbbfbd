"""What estimators are built on: scikit-learn's base classes where it is installed, the least that is needed where not."""

from __future__ import annotations

import inspect
from typing import Any

try:
    from sklearn.base import BaseEstimator, ClassifierMixin
    from sklearn.exceptions import ConvergenceWarning, NotFittedError
    from sklearn.utils.metadata_routing import UNUSED

    HAS_SKLEARN = True
except ImportError:
    HAS_SKLEARN = False
    UNUSED = "unused"

    class NotFittedError(ValueError, AttributeError):  # type: ignore[no-redef]
        """The estimator was not fitted."""

    class ConvergenceWarning(UserWarning):  # type: ignore[no-redef]
        """The fit is not at an optimum."""

    class BaseEstimator:  # type: ignore[no-redef]
        """Parameters by the names of the constructor's arguments."""

        @classmethod
        def _parameter_names(cls) -> list[str]:
            return [name for name in inspect.signature(cls.__init__).parameters if name != "self"]

        def get_params(self, deep: bool = True) -> dict[str, Any]:
            """The parameters, by name."""
            return {name: getattr(self, name) for name in self._parameter_names()}

        def set_params(self, **params: Any) -> BaseEstimator:
            """Sets parameters by name."""
            known = self._parameter_names()
            for name, value in params.items():
                if name not in known:
                    raise ValueError(
                        f"Invalid parameter {name!r} for estimator {self!r}. Valid parameters are: {known!r}."
                    )
                setattr(self, name, value)
            return self

        def __repr__(self) -> str:
            defaults = inspect.signature(type(self).__init__).parameters
            changed = [
                f"{name}={value!r}" for name, value in self.get_params().items() if value is not defaults[name].default
            ]
            return f"{type(self).__name__}({', '.join(changed)})"

    class ClassifierMixin:  # type: ignore[no-redef]
        """The score of a classifier."""

        _estimator_type = "classifier"

        def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
            """The share of rows, by weight, whose class is predicted."""
            import numpy as np

            right = self.predict(X) == np.asarray(y).reshape(-1)  # type: ignore[attr-defined]
            return float(np.average(right, weights=sample_weight))


__all__ = ["HAS_SKLEARN", "UNUSED", "BaseEstimator", "ClassifierMixin", "ConvergenceWarning", "NotFittedError"]
