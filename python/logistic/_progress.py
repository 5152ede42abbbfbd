"""How a fit tells of its progress."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

Hear = Callable[[int, float], Any]


@contextmanager
def reporter(progress: Any, verbose: int) -> Iterator[Hear | None]:
    """What hears of every iteration: `progress` where it can be called, a bar of tqdm where it is True, lines on standard
    error for `verbose`, or nothing."""
    if callable(progress):
        yield progress
    elif progress:
        from tqdm.auto import tqdm

        with tqdm(desc="logistic", unit="iteration") as bar:

            def move(iteration: int, objective: float) -> None:
                bar.set_postfix_str(f"objective {objective:.6f}", refresh=False)
                bar.update(iteration - bar.n)

            yield move
    elif verbose:
        yield lambda iteration, objective: print(f"iteration {iteration}: objective {objective:.10g}", file=sys.stderr)
    else:
        yield None
