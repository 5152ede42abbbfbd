"""What the package is, before anything is fitted."""

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import logistic
from logistic._core import Table


@pytest.mark.parametrize("make", [pd.DataFrame, pl.DataFrame, pa.table], ids=["pandas", "polars", "pyarrow"])
def test_frames_are_read(make):
    table = Table.from_frame(make({"age": [1.0, None, 3.0], "sex": ["f", "m", "f"]}))
    assert (table.n_rows, table.names) == (3, ["age", "sex"])


def test_an_error_says_where_and_what():
    with pytest.raises(logistic.Error, match="no rows|rows") as raised:
        Table.from_frame(pa.table({"age": pa.array([], pa.float64())}))
    assert raised.value.kind == "malformed"
    assert raised.value.path == "frame"
