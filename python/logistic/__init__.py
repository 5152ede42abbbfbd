"""Logistic regression: certified optima, inference, and scikit-learn's interface.

All arithmetic is a compiled library's; this package converts arrays and frames, and nothing else.
"""

from typing import TYPE_CHECKING, Any

from ._core import Error, __version__

if TYPE_CHECKING:
    from . import spark, torch
    from ._cv import LogisticRegressionCV
    from ._estimator import LogisticRegression
    from ._imports import from_sklearn, from_state_dict
    from ._train import Model, evaluate, fit

__all__ = [
    "Error",
    "LogisticRegression",
    "LogisticRegressionCV",
    "Model",
    "__version__",
    "evaluate",
    "fit",
    "from_sklearn",
    "from_state_dict",
    "spark",
    "torch",
]

# scikit-learn takes longer to import than all of this package, so it waits until an estimator is asked for.
_LAZY = {
    "LogisticRegression": "._estimator",
    "LogisticRegressionCV": "._cv",
    "Model": "._train",
    "evaluate": "._train",
    "fit": "._train",
    "from_sklearn": "._imports",
    "from_state_dict": "._imports",
    "spark": ".spark",
    "torch": ".torch",
}


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    module = import_module(_LAZY[name], __name__)
    value = module if _LAZY[name] == f".{name}" else getattr(module, name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
