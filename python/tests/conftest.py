"""Tables of the repository, and a browser, that tests share."""

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

TESTDATA = Path(__file__).parents[2] / "testdata"
CHROMIUM = next(filter(None, map(shutil.which, ["chromium", "chromium-browser", "google-chrome"])), None)


def golden_fits(kind):
    """The golden fits of a kind, each with the name of its table."""
    fits = []
    for path in sorted((TESTDATA / "golden" / "fits").glob("*.json")):
        everything = json.loads(path.read_text())
        fits += [(everything["case"], fit) for fit in everything["fits"] if fit["kind"] == kind]
    return fits


def design(case, spec):
    """The design matrix as the golden numbers have it, its columns' names, and the labels."""
    table = pd.read_csv(TESTDATA / f"{case}.csv", na_values=spec.get("na_values", []), keep_default_na=False, dtype=str)
    numeric, categorical = spec.get("numeric") or [], spec.get("categorical") or []
    used = [*numeric, *categorical, spec["target"]]
    table = table[used].replace("", np.nan).dropna()
    for column, kept in (spec.get("filter") or {}).items():
        table = table[table[column].isin(kept)]
    columns = {name: table[name].astype(float).to_numpy() for name in numeric}
    for name in categorical:
        levels = sorted(table[name].unique())
        for level in levels[spec["coding"] == "treatment" :]:
            columns[f"{name}[{level}]"] = (table[name] == level).to_numpy(dtype=float)
    x = np.column_stack(list(columns.values()))
    if spec["scale"] == "zscore":
        x = (x - x.mean(axis=0)) / x.std(axis=0)
    elif spec["scale"] == "div16":
        x = x / 16
    return x, list(columns), table[spec["target"]].to_numpy(dtype=str)


@pytest.fixture(scope="session")
def people():
    """Rows of strings, categories, numbers and missing values, and an outcome that depends on them."""
    rng = np.random.default_rng(7)
    n = 400
    age = rng.normal(45, 12, n).round(1)
    sex = rng.choice(["f", "m"], n)
    city = rng.choice(["Bern", "Lagos", "Oslo", "Quito"], n, p=[0.4, 0.3, 0.2, 0.1])
    logit = 0.05 * (age - 45) + np.where(sex == "m", 0.7, 0.0) + np.where(city == "Oslo", -0.8, 0.2)
    outcome = np.where(rng.random(n) < 1 / (1 + np.exp(-logit)), "yes", "no")
    age[rng.random(n) < 0.1] = np.nan
    sex = pd.Series(sex, dtype=object).mask(rng.random(n) < 0.05)
    frame = pd.DataFrame({"age": age, "sex": sex.astype("string"), "city": pd.Categorical(city)})
    return frame, outcome


@pytest.fixture(scope="session")
def browser():
    if CHROMIUM is None:
        pytest.skip("no Chromium on this machine: `make browser` installs it where it can")
    sync_api = pytest.importorskip("playwright.sync_api")
    with sync_api.sync_playwright() as started:
        # A sandbox of its own is refused to the superuser, who runs tests in a container.
        chromium = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield chromium
        chromium.close()
