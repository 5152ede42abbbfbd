"""Advice in the words of the estimators, where that of the library speaks of its command line."""

from __future__ import annotations

from . import _core

_ADVICE = {
    "separation": "a finite C, and no column spared by penalty_factor, has a finite optimum",
    "not_converged": "a larger max_iter goes on",
    "missing_value": "missing='drop' leaves such rows out; missing='impute' fills in the median or the most frequent level "
    "and adds an indicator column",
    "too_many_terms": "a finite C penalises coefficients; fewer columns need no penalty",
    "malformed": "name the column in `categorical`, or drop it or the cell from the frame",
    "mixed_column": "`categorical` declares that",
    "rows_unscored": "a model fitted with missing='impute' gives one",
}


def warning(kind: str, words: str) -> str:
    """The words of a warning."""
    told, flag, _ = words.partition("`--")
    if not flag:
        return words
    told = told.rpartition("; ")[0]
    return f"{told}; {_ADVICE[kind]}" if kind in _ADVICE else told


def error(raised: ValueError) -> ValueError:
    """The same error with the estimators' advice."""
    kind, told = getattr(raised, "kind", None), getattr(raised, "help", None)
    if not told or "`--" not in told:
        return raised
    advice = _ADVICE.get(kind)
    words = str(raised).partition("\nhelp: ")[0]
    own = _core.Error(words if advice is None else f"{words}\nhelp: {advice}")
    for name in ("kind", "path", "line", "column"):
        setattr(own, name, getattr(raised, name))
    own.help = advice
    return own
