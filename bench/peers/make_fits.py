"""Writes a dataset for bench/fits.py into a folder, with fixed seeds: `make_fits.py FOLDER '{"kind": "dense", …}'`.

`data.json` names the features; every array is a file of little-endian numbers, whose ending is their type. Columns are
in units of their own and correlated, as those of real tables are, and the classes overlap.
"""

import json
import sys
from pathlib import Path

import numpy as np

BLOCK = 100_000
# The shapes that images are made of.
SHAPES = 40


def outcomes(rng, z):
    """0 or 1, by the logit."""
    return (rng.random(len(z)) < 1 / (1 + np.exp(-z))).astype("<f8")


def columns(rng, count, factors=5):
    """Common factors behind the columns, their units and centres, and the effect of each in its own spread."""
    return {
        "loading": rng.standard_normal((factors, count)) * 0.5,
        "scale": np.exp(rng.standard_normal(count)),
        "centre": rng.standard_normal(count) * 2,
        "effect": rng.standard_normal(count) * (rng.random(count) < 0.5) * 1.5 / np.sqrt(count),
    }


def block_of(rng, how, rows):
    """Some rows in the user's units, and their logits."""
    factors, count = how["loading"].shape
    own = rng.standard_normal((rows, count)) + rng.standard_normal((rows, factors)) @ how["loading"]
    return (own + how["centre"]) * how["scale"], own @ how["effect"] - 0.5


def dense(folder, size):
    """Numbers row after row, written block by block."""
    rng = np.random.default_rng(1)
    how = columns(rng, size["columns"])
    ending = size.get("type", "f64")
    with (folder / f"x.{ending}").open("wb") as x, (folder / "y.f64").open("wb") as y:
        for start in range(0, size["rows"], BLOCK):
            block, z = block_of(rng, how, min(BLOCK, size["rows"] - start))
            block.astype(f"<{ending[0]}{int(ending[1:]) // 8}").tofile(x)
            outcomes(rng, z).tofile(y)
    return 2, [{"kind": "matrix", "values": f"x.{ending}", "n_columns": size["columns"]}]


def csv(folder, size):
    """A dense dataset, and the same as a CSV file with all digits."""
    import polars as pl

    described = dense(folder, size)
    x = np.fromfile(folder / "x.f64").reshape(-1, size["columns"])
    table = {f"x{j + 1}": x[:, j] for j in range(size["columns"])}
    table["y"] = np.fromfile(folder / "y.f64").astype(np.int64)
    pl.DataFrame(table).write_csv(folder / "numbers.csv")
    return described


def softmax(folder, size):
    """Images of ten classes in 256 shades: a class leans to some of forty shapes; dim pixels are 0, as is the frame."""
    rng = np.random.default_rng(2)
    side, frame = size["side"], size["side"] // 7
    places = np.stack(np.meshgrid(*[np.arange(side)] * 2), -1).reshape(-1, 2)
    middle = rng.uniform(frame + 2, side - frame - 2, (SHAPES, 1, 2))
    shapes = np.exp(-np.square(places - middle).sum(-1) / (2 * rng.uniform(1.5, 3, (SHAPES, 1)) ** 2))
    shapes[:, ((places < frame) | (places >= side - frame)).any(1)] = 0
    lean = rng.standard_normal((size["classes"], SHAPES)) * 0.35
    with (folder / "x.f64").open("wb") as x, (folder / "y.f64").open("wb") as y:
        for start in range(0, size["rows"], BLOCK):
            rows = min(BLOCK, size["rows"] - start)
            of = rng.integers(size["classes"], size=rows)
            image = (lean[of] + 0.5 * rng.standard_normal((rows, SHAPES))) @ shapes
            image += 0.1 * rng.standard_normal(image.shape) * (shapes.sum(0) > 0)
            image = np.where(image > 0.3, np.minimum(image, 1), 0)
            (np.round(image * 255) / 255).astype("<f8").tofile(x)
            of.astype("<f8").tofile(y)
    return size["classes"], [{"kind": "matrix", "values": "x.f64", "n_columns": side * side}]


def sparse(folder, size):
    """Word counts: of every row some words by Zipf's law, weighted by the logarithm of their count, and of length 1."""
    from scipy.sparse import csr_matrix

    rng = np.random.default_rng(3)
    n, p = size["rows"], size["columns"]
    share = np.cumsum(1 / (np.arange(p) + 20.0))
    words = np.searchsorted(share, rng.random(n * size["words"]) * share[-1]).astype(np.int32)
    rows = np.repeat(np.arange(n, dtype=np.int32), size["words"])
    counts = csr_matrix((np.ones(len(words)), (rows, words)), shape=(n, p))
    counts.sum_duplicates()
    counts.data = 1 + np.log(counts.data)
    starts = counts.indptr.astype(np.int64)
    counts.data /= np.repeat(np.sqrt(np.add.reduceat(counts.data**2, starts[:-1])), np.diff(starts))
    effect = rng.standard_normal(p) * (rng.random(p) < 0.2) * 8
    outcomes(rng, counts @ effect).tofile(folder / "y.f64")
    starts.astype("<u8").tofile(folder / "starts.u64")
    counts.indices.astype("<u4").tofile(folder / "columns.u32")
    counts.data.astype("<f8").tofile(folder / "values.f64")
    names = {"starts": "starts.u64", "columns": "columns.u32", "values": "values.f64"}
    return 2, [{"kind": "csr", **names, "n_columns": p}]


def categories(folder, size):
    """Numbers, and categories whose levels are as unequal as those of real ones."""
    rng = np.random.default_rng(4)
    n, levels = size["rows"], size["levels"]
    x, z = block_of(rng, columns(rng, size["numbers"]), n)
    x.astype("<f8").tofile(folder / "x.f64")
    features = [{"kind": "matrix", "values": "x.f64", "n_columns": size["numbers"]}]
    share = np.cumsum(1 / (np.arange(levels) + 10.0))
    for k in range(size["categories"]):
        # Every level occurs.
        codes = np.minimum(np.searchsorted(share, rng.random(n) * share[-1]), levels - 1)
        codes[:levels] = np.arange(levels)
        z = z + (rng.standard_normal(levels) * 0.5)[codes]
        codes.astype("<u4").tofile(folder / f"codes{k}.u32")
        features.append({"kind": "codes", "codes": f"codes{k}.u32", "levels": levels})
    outcomes(rng, z).tofile(folder / "y.f64")
    return 2, features


def main():
    folder, size = Path(sys.argv[1]), json.loads(sys.argv[2])
    kinds = {"dense": dense, "csv": csv, "softmax": softmax, "sparse": sparse, "categories": categories}
    classes, features = kinds[size["kind"]](folder, size)
    described = {"classes": classes, "features": features, "outcomes": "y.f64"}
    (folder / "data.json").write_text(json.dumps(described, indent=1) + "\n")


if __name__ == "__main__":
    main()
