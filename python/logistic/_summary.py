"""The coefficients of a fit as a table."""

from __future__ import annotations

from html import escape
from statistics import NormalDist
from typing import Any

import numpy as np

from . import _core, _words

_NUMBERS = ("estimate", "std_error", "z", "p_value", "ci_low", "ci_high")


class Summary:
    """The coefficients of a fit with what is known of them.

    Attributes
    ----------
    columns : dict
        Lists of one entry per coefficient: `term`, `class` (for more than two classes), `estimate`, `std_error`, `z`,
        `p_value`, `ci_low` and `ci_high`; None where there is no such number.
    facts : dict
        What was fitted on what, and how it went.
    warnings : list of str
        What is worth knowing.
    """

    def __init__(self, model: _core.Model) -> None:
        self.columns: dict[str, list[Any]] = model.coefficients()
        if all(label is None for label in self.columns["class"]):
            del self.columns["class"]
        self.facts: dict[str, Any] = model.facts()
        self.warnings = [_words.warning(kind, words) for kind, words, _ in model.warnings]

    def to_pandas(self) -> Any:
        """The table as a frame of pandas."""
        import pandas

        return pandas.DataFrame({name: _array(name, values) for name, values in self.columns.items()})

    def _shown(self) -> tuple[list[str], list[list[str]]]:
        known = [name for name, values in self.columns.items() if any(value is not None for value in values)]
        cells = [[_cell(name, value) for value in self.columns[name]] for name in known]
        return known, [list(row) for row in zip(*cells)]

    def _lines(self) -> list[str]:
        facts = self.facts
        lines = [
            f"{facts['n_rows']} rows, {_penalty(facts)}: {facts['termination']} after {facts['iterations']} iterations, "
            f"gap {facts['gap']:.1e}",
            f"log-likelihood {facts['log_likelihood']:.6g}, null {facts['null_log_likelihood']:.6g}, McFadden's R2 "
            f"{facts['pseudo_r2_mcfadden']:.4f}",
        ]
        if facts["aic"] is not None:
            lines[-1] += f", AIC {facts['aic']:.6g}, BIC {facts['bic']:.6g}"
        return lines + [f"warning: {words}" for words in self.warnings]

    def __repr__(self) -> str:
        head, rows = self._shown()
        widths = [max(len(cell) for cell in column) for column in zip(head, *rows)]
        left = sum(name in ("term", "class") for name in head)

        def line(cells: list[str]) -> str:
            padded = [
                cell.ljust(width) if at < left else cell.rjust(width)
                for at, (cell, width) in enumerate(zip(cells, widths))
            ]
            return "  ".join(padded).rstrip()

        return "\n".join([*self._lines(), "", line(head), *map(line, rows)])

    def _repr_html_(self) -> str:
        head, rows = self._shown()
        top = "".join(f"<th>{escape(name)}</th>" for name in head)
        body = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
        words = "<br>".join(escape(line) for line in self._lines())
        return f"<p>{words}</p><table><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table>"


def _array(name: str, values: list[Any]) -> Any:
    return np.array(values, dtype=float) if name in _NUMBERS else values


def _cell(name: str, value: Any) -> str:
    if value is None:
        return ""
    return f"{value:.4g}" if name in _NUMBERS else str(value)


def _penalty(facts: dict[str, Any]) -> str:
    strengths = [f"{name} = {facts[name]:.4g}" for name in ("l1", "l2") if facts[name]]
    words = "penalty " + ", ".join(strengths) if strengths else "maximum likelihood"
    return words + (" within bounds" if facts["bounded"] else "")


def intervals(model: _core.Model, level: float) -> np.ndarray:
    """The Wald intervals of all coefficients, NaN where there is none."""
    if not 0 < level < 1:
        raise ValueError(f"`level` must be between 0 and 1, found {level}")
    columns = model.coefficients()
    estimate = np.array(columns["estimate"], dtype=float)
    error = np.array(columns["std_error"], dtype=float)
    if np.isnan(error).all():
        raise ValueError(
            "there are no intervals: they exist for maximum likelihood (C=np.inf) without bounds, on data that has an "
            "optimum"
        )
    half = NormalDist().inv_cdf(0.5 + level / 2) * error
    return np.column_stack([estimate - half, estimate + half])
