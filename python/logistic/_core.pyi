from collections.abc import Sequence
from typing import Any

__version__: str

class Error(ValueError):
    kind: str
    path: str | None
    line: int | None
    column: str | None
    help: str | None

class Table:
    @staticmethod
    def from_frame(
        frame: Any, *, text: Sequence[str] = ..., exclude: Sequence[str] = ..., only: Sequence[str] | None = ...
    ) -> Table: ...
    @property
    def n_rows(self) -> int: ...
    @property
    def names(self) -> list[str]: ...
