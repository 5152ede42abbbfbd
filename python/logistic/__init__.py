"""Logistic regression: certified optima, inference, and scikit-learn's interface.

All arithmetic is a compiled library's; this package converts arrays and frames, and nothing else.
"""

from ._core import Error, __version__

__all__ = ["Error", "__version__"]
