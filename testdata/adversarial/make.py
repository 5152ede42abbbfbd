"""Writes every input of this folder anew: `python make.py [PATH OF logistic]`.

Needs pyarrow. Nothing is random, no file holds a time, so that a second run writes the same bytes. With the path of
the program the good model is trained again first; the damaged models are made from it.
"""

import bz2
import gzip
import hashlib
import io
import json
import lzma
import pathlib
import sqlite3
import struct
import subprocess
import sys
import tempfile
import zipfile
import zlib

import pyarrow as pa
import pyarrow.parquet as pq

HERE = pathlib.Path(__file__).resolve().parent

# Twelve rows that overlap in x, so that a fit exists; the values of x repeat, so that they are no row numbers.
X = [5, 3, 8, 1, 9, 2, 7, 4, 6, 3, 8, 5]
Y = [0, 0, 1, 0, 1, 1, 0, 0, 1, 1, 0, 1]
G = ["a", "b", "b", "a", "a", "b", "a", "b", "b", "a", "a", "b"]


def save(name, content):
    """Writes a file; text is written as UTF-8 without touching its line ends."""
    path = HERE / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())


def table(header, *columns, sep=",", end="\n"):
    """The text of a table."""
    rows = [header, *(sep.join(str(cell) for cell in row) for row in zip(*columns, strict=True))]
    return end.join(rows) + end


def changed(values, **at):
    """The values with some replaced: `changed(X, r3="inf")` replaces the third, which stands on line 4 of a CSV."""
    values = list(values)
    for row, value in at.items():
        values[int(row[1:]) - 1] = value
    return values


def xy(x, y=Y):
    return table("x,y", x, y)


BASE = xy(X)
GOOD = table("x,g,y", X, G, Y)


def shape():
    """Tables whose form is odd: ends of lines, quotes, encodings, headers."""
    save("base.csv", BASE)
    save("empty.csv", "")
    save("only_bom.csv", "\ufeff")
    save("blank_lines.csv", "\n\n\n")
    save("only_spaces.csv", "   \n  \n")
    save("header_only.csv", "x,y\n")
    save("one_row.csv", "x,y\n5,1\n")
    save("one_class.csv", xy(X, [1] * 12))
    save("one_column.csv", table("y", Y))
    save("ragged_short.csv", "x,g,y\n5,a,0\n3,b,0\n8,1\n1,a,0\n9,a,1\n")
    save("ragged_long.csv", "x,g,y\n5,a,0\n3,b,0\n8,b,1\n1,a,0,7\n9,a,1\n")
    save("ragged_first.csv", "x,y\n5,0,1\n3,0,1\n8,1,0\n")
    save("unclosed_quote.csv", BASE.replace("9,1", '"9,1'))
    save("lines_in_quotes.csv", GOOD.replace("b", '"one\ntwo"'))
    # The quoted cell of row 2 spans three lines, so row 4 stands on line 7.
    save("line_after_quotes.csv", 'x,g,y\n5,a,0\n3,"b\nb\nb",0\n8,a,1\n1,a\n9,a,1\n')
    save("doubled_quotes.csv", GOOD.replace("b", '"say ""b"", please"'))
    save("quote_inside_cell.csv", GOOD.replace("b", '5" pipe'))
    save("text_after_quote.csv", GOOD.replace("8,b,1", '8,"b"b,1'))
    save("crlf.csv", BASE.replace("\n", "\r\n"))
    save("lone_cr.csv", BASE.replace("\n", "\r"))
    save("lone_cr_stray.csv", xy(changed(X, r7="seven")).replace("\n", "\r"))
    save("mixed_ends.csv", BASE.replace("\n", "\r\n", 4))
    save("bom.csv", "\ufeff" + BASE)
    save("bom_quoted.csv", '\ufeff"x","y"\n' + BASE.split("\n", 1)[1])
    save("no_final_newline.csv", BASE[:-1])
    save("trailing_blank_lines.csv", BASE + "\n\n\n")
    save("blank_lines_between.csv", BASE.replace("8,1\n", "8,1\n\n\n").replace("7,0", "seven,0"))
    save("nul_byte.csv", BASE.replace("8,1", "8\0,1"))
    save("latin1.csv", GOOD.replace("b", "é").encode("latin-1"))
    save("latin1_header.csv", BASE.replace("x,y", "größe,y").encode("latin-1"))
    save("utf16.csv", BASE.encode("utf-16"))
    save("utf16be.csv", b"\xfe\xff" + BASE.encode("utf-16-be"))
    save("utf16_no_bom.csv", BASE.encode("utf-16-le"))
    save("duplicate_names.csv", table("x,x,y", X, Y, Y))
    save("names_by_case.csv", table("x,X,y", X, changed(X, r1=2, r5=3, r8=9), Y))
    save("unnamed_index.csv", table(",x,y", range(12), X, Y))
    save("unnamed_clash.csv", table(",column1,y", X, X, Y))
    save("spaces_around.csv", table(" x , y ", [f"  {x} " for x in X], [f" {y}\t" for y in Y]))
    save("numbers_as_header.csv", BASE.split("\n", 1)[1])
    save("unicode_names.csv", table("größe 🌍,y", X, Y))
    save("a name with spaces.csv", BASE)
    save("escape_names.csv", table("\x1b[31mx,y", X, Y))
    save("escape_cell.csv", xy(changed(X, r5="\x1b[2Jtwelve")))
    save("line_end_in_name.csv", table('"x\nx",y', X, Y))
    save("long_word.csv", xy(changed(X, r5="long" * 2500)))
    save("long_cell.csv", table("x,g,y", X, [g * 900 for g in G], Y))
    save("wide.csv", wide(10_000))
    save("page.html", "<!DOCTYPE html>\n<html><head><title>Sign in</title></head>\n<body>Sign in first</body></html>\n")
    for name, sep in [("semicolon", ";"), ("tab", "\t"), ("pipe", "|"), ("space", " ")]:
        save(f"{name}.{'tsv' if sep == chr(9) else 'csv'}", table(f"x{sep}g{sep}y", X, G, Y, sep=sep))
    save("semicolons_in_quotes.csv", GOOD.replace("b", '"b;b;b"').replace("x,g,y", 'x,"g;h;i",y'))


def wide(columns):
    """More columns than rows, of single digits."""
    header = ",".join(f"c{i}" for i in range(columns)) + ",y"
    rows = [",".join(str((i * i + 3 * i * row + row) % 7) for i in range(columns)) + f",{Y[row]}" for row in range(12)]
    return "\n".join([header, *rows]) + "\n"


def targets():
    """Classes of every spelling."""
    for name, (negative, positive) in {
        "two_words": ("a", "b"),
        "yes_no": ("no", "yes"),
        "true_false": ("FALSE", "TRUE"),
        "true_false_title": ("False", "True"),
        "minus_plus": ("-1", "1"),
        "one_two": ("1", "2"),
        "zero_one_floats": ("0.0", "1.0"),
    }.items():
        save(f"target_{name}.csv", xy(X, [positive if y else negative for y in Y]))
    save("target_five.csv", xy(X + X, [c for pair in zip("abcdeabcdeab", "edcbaedcbaed") for c in pair]))
    save("target_numbers.csv", xy(X, [y + x / 10 for x, y in zip(X, Y)]))
    save("target_missing_some.csv", xy(X, changed(Y, r2="", r9="NA")))
    save("target_missing_all.csv", xy(X, ["NA"] * 12))
    save("target_case.csv", xy(X, changed(["yes" if y else "no" for y in Y], r3="Yes")))
    save("leak.csv", table("x,copy,y", X, Y, Y))


def numbers():
    """Numbers that are too large, too small, in words, or written as people of some country write them."""
    save("huge.csv", xy([x * 1e307 for x in X]))
    save("max.csv", xy(["1e308" if x > 5 else "-1e308" for x in X]))
    save("beyond_f64.csv", xy(changed(X, r4="1e400")))
    save("tiny.csv", xy([f"{x}e-320" for x in X]))
    save("underflow.csv", xy(changed(X, r4="1e-400")))
    for name, word in {"inf": "inf", "infinity": "Infinity", "minus_inf": "-inf"}.items():
        save(f"{name}.csv", xy(changed(X, r6=word)))
    save("spellings.csv", xy(["+5", "3.", "8e0", "1E+0", "9.0", " 2", "7 ", "-0", ".6e1", "003", "8.000", "5"]))
    for name, word in {
        "hexadecimal": "0x1A",
        "underscore": "1_000",
        "full_width": "５",
        "unicode_minus": "−5",
        "two_dots": "1.2.3",
    }.items():
        save(f"{name}.csv", xy(changed(X, r8=word)))
    save("stray_word.csv", xy(changed(X, r5="twelve")))
    words = "zero one two three four five six seven eight nine".split()
    save("numbers_in_words.csv", xy([words[x % 4] for x in X]))
    save("decimal_comma.csv", table("x;y", [f"{x},5" for x in X], Y, sep=";"))
    save("decimal_mixed.csv", table("x;y", [f"{x}{',' if i == 5 else '.'}5" for i, x in enumerate(X)], Y, sep=";"))
    save("decimal_mixed_dot.csv", table("x;y", [f"{x}{'.' if i == 5 else ','}5" for i, x in enumerate(X)], Y, sep=";"))
    save("thousands.csv", xy([f'"{x},234.5"' for x in X]))
    save("percent.csv", xy([f"{x}%" for x in X]))
    save("dollars.csv", xy([f"${x}" for x in X]))
    save("big_integers.csv", table("serial,y", [9007199254740992 + x for x in X], Y))
    save("far_from_zero.csv", xy([f"1000000000000000{x}" for x in X]))


def missing():
    """Cells without a value."""
    save("missing_words.csv", xy(changed(X, r2="NaN", r4="NA", r6="N/A", r7="null", r9="?", r11="")))
    save("missing_quoted.csv", xy(changed(X, r3='""')))
    save("missing_spaces.csv", xy(changed(X, r3="  ")))
    save("missing_every_row.csv", table("x,z,y", [x if i % 2 else "" for i, x in enumerate(X)],
                                        ["" if i % 2 else x for i, x in enumerate(X)], Y))
    save("missing_column.csv", table("x,z,y", X, [""] * 12, Y))
    save("missing_only_column.csv", table("z,y", ["NA"] * 12, Y))
    save("missing_category.csv", table("g,y", changed(G, r4=""), Y))


def columns():
    """Columns that should not be features, and dates."""
    names = [f"customer-{7919 * (i + 1) % 104729:06}" for i in range(24)]
    save("word_ids.csv", table("who,x,y", names, X + X, Y + Y))
    save("row_numbers.csv", table("id,x,y", range(1, 25), X + X, Y + Y))
    save("constant.csv", table("x,c,y", X, [7] * 12, Y))
    save("constant_word.csv", table("x,c,y", X, ["same"] * 12, Y))
    save("constant_only.csv", table("c,y", [7] * 12, Y))
    save("twin.csv", table("x,twin,y", X, X, Y))
    days = [f"2024-{x:02}-{(3 * x) % 28 + 1:02}" for x in X]
    save("dates.csv", table("day,y", days, Y))
    save("timestamps.csv", table("at,y", [f"{day}T0{x}:30:00Z" for day, x in zip(days, X)], Y))
    save("bad_date.csv", table("day,y", changed(days, r6="2024-02-30"), Y))
    save("negative_weight.csv", table("x,w,y", X, changed([2] * 12, r4=-1), Y))
    save("word_weight.csv", table("x,w,y", X, changed([2] * 12, r4="two"), Y))
    save("missing_weight.csv", table("x,w,y", X, changed([2] * 12, r4=""), Y))
    save("zero_weights.csv", table("x,w,y", X, [0] * 12, Y))
    save("one_class_weighted.csv", table("x,w,y", X, Y, Y))
    save("huge_weights.csv", table("x,w,y", X, ["1e308"] * 12, Y))


def folders():
    """Folders of part files."""
    head, tail = BASE.splitlines(True)[:7], BASE.splitlines(True)[7:]
    for folder in ("parts", "parts_other_columns", "parts_stray", "parts_empty_one"):
        save(f"{folder}/part-1.csv", "".join(head))
    save("parts/part-2.csv", "x,y\n" + "".join(tail))
    save("parts_other_columns/part-2.csv", "x,z\n" + "".join(tail))
    save("parts_stray/part-2.csv", "x,y\n" + "".join(tail).replace("4,0", "four,0"))
    save("parts_empty_one/part-2.csv", "")


def compressed():
    """Compressed files, whole and damaged."""
    packed = gzip.compress(BASE.encode(), mtime=0)
    save("good.csv.gz", packed)
    save("really_gzip.csv", packed)
    save("truncated.csv.gz", packed[: len(packed) // 2])
    save("garbage_behind.csv.gz", packed + b"no gzip at all")
    save("checksum.csv.gz", packed[:-8] + bytes([packed[-8] ^ 1]) + packed[-7:])
    cut = BASE.index("9,1")
    save("two_members.csv.gz", b"".join(gzip.compress(part.encode(), mtime=0) for part in (BASE[:cut], BASE[cut:])))
    save("empty_inside.csv.gz", gzip.compress(b"", mtime=0))
    save("twice.csv.gz", gzip.compress(packed, mtime=0))
    # Ten megabytes of spaces in ten kilobytes.
    save("bomb.csv.gz", gzip.compress(b"x,y\n" + b" " * 10_000_000, mtime=0))
    zstd = pa.compress(BASE.encode(), codec="zstd", asbytes=True)
    save("good.csv.zst", zstd)
    save("truncated.csv.zst", zstd[: len(zstd) // 2])
    save("table.csv.bz2", bz2.compress(BASE.encode()))
    save("table.csv.xz", lzma.compress(BASE.encode()))
    save("table.zip", zipped({"base.csv": BASE}))
    save("table.xlsx", zipped(WORKBOOK))


def zipped(members):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, text in members.items():
            archive.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), text)
    return out.getvalue()


WORKBOOK = {
    "[Content_Types].xml": '<?xml version="1.0"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/'
    'content-types"/>',
    "xl/workbook.xml": '<?xml version="1.0"?><workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/'
    'main"/>',
}


def binary():
    """Parquet, Arrow and what else is not text."""
    frame = pa.table({"x": pa.array(X, pa.int64()), "g": pa.array(G), "y": pa.array(Y, pa.int8())})

    def parquet(frame, **options):
        out = io.BytesIO()
        pq.write_table(frame, out, **options)
        return out.getvalue()

    good = parquet(frame)
    save("good.parquet", good)
    save("really_parquet.csv", good)
    save("really_csv.parquet", BASE)
    save("truncated.parquet", good[: len(good) // 2])
    save("footer.parquet", good[:-60] + bytes(byte ^ 0x55 for byte in good[-60:-8]) + good[-8:])
    save("page.parquet", good[:30] + bytes(byte ^ 0x55 for byte in good[30:90]) + good[90:])
    save("no_rows.parquet", parquet(frame.slice(0, 0)))
    save("nested.parquet", parquet(frame.append_column("tags", pa.array([[x, x + 1] for x in X]))))
    whens = pa.array([x * 86_400_000_000 for x in X], pa.timestamp("us"))
    types = frame.append_column("at", whens).append_column("flag", pa.array([x > 4 for x in X]))
    types = types.append_column("kind", pa.array(G).dictionary_encode())
    save("types.parquet", parquet(types))
    save("nulls.parquet", parquet(frame.set_column(0, "x", pa.array(changed(X, r3=None), pa.int64()))))
    save("infinite.parquet", parquet(frame.set_column(0, "x", pa.array(changed(X, r3=float("inf")), pa.float64()))))
    save("good.arrow", ipc(frame, pa.ipc.new_file))
    save("stream.arrows", ipc(frame, pa.ipc.new_stream))
    save("truncated.arrow", ipc(frame, pa.ipc.new_file)[:400])
    save("truncated.arrows", ipc(frame, pa.ipc.new_stream)[:400])
    # A type of column that does not exist: the reader panics on it.
    hostile = bytearray(ipc(frame, pa.ipc.new_stream))
    hostile[175] = 0
    save("hostile.arrows", bytes(hostile))
    save("picture.png", picture())
    save("page.pdf", b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n1 0 obj\n<<>>\nendobj\ntrailer\n<<>>\n%%EOF\n")
    save("table.sqlite", sqlite())
    save("noise.csv", b"".join(hashlib.sha256(bytes([i])).digest() for i in range(32)))


def ipc(frame, writer):
    out = io.BytesIO()
    with writer(out, frame.schema) as sink:
        sink.write_table(frame)
    return out.getvalue()


def picture():
    """One black pixel."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0\0")) + chunk(b"IEND", b"")


def sqlite():
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "t"
        base = sqlite3.connect(path)
        base.execute("PRAGMA page_size = 512")
        base.execute("CREATE TABLE t (x INTEGER, y INTEGER)")
        base.executemany("INSERT INTO t VALUES (?, ?)", zip(X, Y))
        base.commit()
        base.close()
        return path.read_bytes()


def json_lines():
    """One object per line, more or less."""
    lines = [json.dumps({"x": x, "g": g, "y": y}) for x, g, y in zip(X, G, Y)]

    def with_line(number, text):
        return "\n".join(changed(lines, **{f"r{number}": text})) + "\n"

    save("good.jsonl", "\n".join(lines) + "\n")
    save("blank_line.jsonl", "\n\n".join(lines) + "\n")
    save("broken_line.jsonl", with_line(4, '{"x": 1, "g": "a", "y": '))
    save("cut_off.jsonl", "\n".join(lines)[:-9])
    save("array.json", json.dumps([json.loads(line) for line in lines], indent=1))
    save("one_object.json", json.dumps({"x": X, "y": Y}, indent=1))
    save("nested.jsonl", with_line(5, '{"x": {"value": 9}, "g": "a", "y": 1}'))
    save("list.jsonl", with_line(5, '{"x": 9, "g": ["a"], "y": 1}'))
    save("number_line.jsonl", with_line(3, "42"))
    save("missing_key.jsonl", with_line(6, '{"g": "b", "y": 1}'))
    save("late_key.jsonl", with_line(6, '{"x": 2, "g": "b", "y": 1, "late": 5}'))
    save("null.jsonl", with_line(6, '{"x": null, "g": "b", "y": 1}'))
    save("nan.jsonl", with_line(6, '{"x": NaN, "g": "b", "y": 1}'))
    save("duplicate_key.jsonl", with_line(6, '{"x": 2, "x": 3, "g": "b", "y": 1}'))
    save("quoted_number.jsonl", with_line(6, '{"x": "2", "g": "b", "y": 1}'))
    save("beyond_f64.jsonl", with_line(6, '{"x": 1e400, "g": "b", "y": 1}'))
    save("booleans.jsonl", "".join(json.dumps({"x": x, "y": y == 1}) + "\n" for x, y in zip(X, Y)))
    save("deep.jsonl", with_line(2, '{"x": ' + "[" * 5000 + "]" * 5000 + ', "g": "b", "y": 0}'))


def svmlight():
    """`label index:value index:value`."""
    lines = [f"{y} 1:{x} 3:{(x * x) % 5 + 0.5}" for x, y in zip(X, Y)]

    def with_line(number, text):
        return "\n".join(changed(lines, **{f"r{number}": text})) + "\n"

    save("good.svm", "\n".join(lines) + "\n")
    save("signed.svm", "".join(("+" if y else "-") + line[0].replace("0", "1") + line[1:] + "\n"
                               for line, y in zip(lines, Y)))
    save("comments.svm", "# from nowhere\n" + "".join(line + " # a row\n" for line in lines))
    for name, row in {
        "falling": "1 3:0.5 1:8",
        "repeated": "1 1:8 1:9",
        "word": "1 1:8 3:abc",
        "negative": "1 -1:8 3:0.5",
        "zero": "1 0:8 3:0.5",
        "no_value": "1 1:8 3:",
        "no_colon": "1 1:8 3",
        "no_label": "1:8 3:0.5",
        "far": "1 1:8 4294967295:0.5",
    }.items():
        save(f"{name}.svm", with_line(3, row))


def scoring():
    """Tables for the model of model.json, of tobacco, ldl, famhist and age."""
    rows = [(12.0, 5.73, "Present", 52, 1), (0.01, 4.41, "Absent", 63, 1), (0.08, 3.48, "Present", 46, 0),
            (7.5, 6.41, "Present", 58, 1), (4.6, 3.5, "Absent", 39, 0)]
    tobacco, ldl, famhist, age, chd = zip(*rows)

    def heart(tobacco=tobacco, famhist=famhist, chd=chd):
        return table("tobacco,ldl,famhist,age,chd", tobacco, ldl, famhist, age, chd)

    save("score.csv", heart())
    save("score_reordered.csv", table("extra,age,famhist,tobacco,note,ldl", chd, age, famhist, tobacco, "vwxyz", ldl))
    save("score_lacks_ldl.csv", table("tobacco,famhist,age", tobacco, famhist, age))
    save("score_new_level.csv", heart(famhist=changed(famhist, r4="Unknown")))
    save("score_probability.csv", table("tobacco,ldl,famhist,age,probability", *zip(*rows)))
    save("score_header.csv", "tobacco,ldl,famhist,age\n")
    save("score_header_chd.csv", "tobacco,ldl,famhist,age,chd\n")
    save("score_word.csv", heart(tobacco=changed(tobacco, r2="much")))
    save("score_infinite.csv", heart(tobacco=changed(tobacco, r2="1e400")))
    save("score_far.csv", heart(tobacco=changed(tobacco, r2="1e308")))
    save("score_missing.csv", heart(tobacco=changed(tobacco, r2="")))
    save("score_new_class.csv", heart(chd=changed(chd, r3=2)))
    save("score_one_class.csv", heart(chd=[1] * 5))
    save("score_ragged.csv", heart() + "1,2\n")


def sealed(model):
    """The text of a model file with the checksum that belongs to it."""
    blank = "0" * 64
    text = json.dumps({"format_version": 1, "checksum": blank, "model": model}, indent=2, ensure_ascii=False) + "\n"
    return text.replace(blank, hashlib.sha256(text.encode()).hexdigest(), 1)


def models(program):
    """The good model, and what can happen to one."""
    good = HERE / "model.json"
    if program:
        data = HERE.parent / "saheart.csv"
        what = ["--target", "chd", "--features", "tobacco,ldl,famhist,age"]
        subprocess.run([program, "train", data, *what, "-o", good], check=True, capture_output=True, cwd=HERE)
    text = good.read_text()
    save("model_truncated.json", text[: len(text) // 2])
    at = text.index("Present")
    save("model_changed.json", text[:at] + "p" + text[at + 1 :])
    save("model_newer.json", text.replace('"format_version": 1', '"format_version": 999', 1))
    save("model_version_word.json", text.replace('"format_version": 1', '"format_version": "one"', 1))
    save("model_empty.json", "")
    save("model_words.json", "this is a model, honestly\n")
    save("model_braces.json", "{}\n")
    save("model_deep.json", "[" * 20_000)
    save("model_crlf.json", text.replace("\n", "\r\n"))
    model = json.loads(text)["model"]
    short = json.loads(json.dumps(model))
    for name, values in inner_lists(short):
        if name == "coefficients":
            values.pop()
    save("model_short.json", sealed(short))
    model["encoder"]["sources"] = []
    save("model_no_columns.json", sealed(model))


def inner_lists(value):
    """Every list in a JSON value, with the key under which it stands."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if isinstance(inner, list):
                yield key, inner
            yield from inner_lists(inner)


if __name__ == "__main__":
    for part in (shape, targets, numbers, missing, columns, folders, compressed, binary, json_lines, svmlight, scoring):
        part()
    models(sys.argv[1] if len(sys.argv) > 1 else None)
