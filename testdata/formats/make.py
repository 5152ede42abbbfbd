#!/usr/bin/env python3
"""Writes penguins.csv, with a date and a boolean derived from it, in every format that is read.

    python3 testdata/formats/make.py        # needs pandas, pyarrow and zstandard
"""

import datetime
import gzip
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet
import zstandard

HERE = Path(__file__).resolve().parent
FIRST_DAY = datetime.date(2007, 11, 11)


def penguins():
    frame = pd.read_csv(HERE.parent / "penguins.csv")
    frame["day"] = [FIRST_DAY + datetime.timedelta(days=7 * (row % 101)) for row in range(len(frame))]
    frame["heavy"] = (frame["body_mass_g"] > 4200).where(frame["body_mass_g"].notna()).astype("boolean")
    for name in ("flipper_length_mm", "body_mass_g"):
        frame[name] = frame[name].astype("Int64")
    return frame


def main():
    frame = penguins()
    frame.to_csv(HERE / "table.csv", index=False)
    frame.to_csv(HERE / "table.tsv", index=False, sep="\t", na_rep="NA", lineterminator="\r\n")
    frame.to_csv(HERE / "table-comma.csv", index=False, sep=";", decimal=",", quoting=1)
    text = (HERE / "table.csv").read_bytes()
    # The content tells, not the name.
    (HERE / "table-gzip.csv").write_bytes(gzip.compress(text, mtime=0))
    (HERE / "table.csv.zst").write_bytes(zstandard.compress(text))
    frame.assign(day=frame["day"].astype(str)).to_json(HERE / "table.jsonl", orient="records", lines=True)

    table = pa.Table.from_pandas(frame, preserve_index=False)
    dictionary = table["species"].combine_chunks().dictionary_encode()
    table = table.set_column(0, "species", dictionary)
    pyarrow.parquet.write_table(table, HERE / "table.parquet", compression="zstd", row_group_size=100)
    pyarrow.feather.write_feather(table, HERE / "table.arrow", compression="zstd", chunksize=100)
    with pa.ipc.new_stream(HERE / "table.arrows", table.schema) as stream:
        stream.write_table(table, max_chunksize=150)

    parts = HERE / "parts"
    parts.mkdir(exist_ok=True)
    (parts / "_SUCCESS").write_bytes(b"")
    frame[:100].to_csv(parts / "part-0.csv", index=False)
    frame[100:101][frame.columns[::-1]].to_csv(parts / "part-1.csv", index=False)
    pyarrow.parquet.write_table(table.slice(101), parts / "part-2.parquet")


main()
