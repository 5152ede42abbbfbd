"""The report: what the command and the two calls write, and the page as a browser shows it.

The tests of the page want Chromium (`make browser`); without it they are skipped."""

import csv
import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import logistic
from pages import CONTRAST, LEAST_CONTRAST

DATA = Path(__file__).parents[2] / "testdata"

# A usual report is smaller than this.
MOST_BYTES = 1_000_000


def command(*words):
    done = subprocess.run([sys.executable, "-m", "logistic", *map(str, words)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def hearts(tmp_path_factory):
    """A page about rows of a file apart, and the outcomes and probabilities of those rows."""
    folder = tmp_path_factory.mktemp("hearts")
    rows = (DATA / "saheart.csv").read_text().splitlines()
    (folder / "train.csv").write_text("\n".join([rows[0], *rows[1:320]]) + "\n")
    (folder / "test.csv").write_text("\n".join([rows[0], *rows[320:]]) + "\n")
    told = ["--test-data", folder / "test.csv", "--report", folder / "page.html", "-o", folder / "model.json"]
    command("train", folder / "train.csv", "--target", "chd", *told)
    command("predict", folder / "model.json", folder / "test.csv", "-o", folder / "scored.csv")
    with open(folder / "scored.csv", newline="") as file:
        scored = [(row["chd"] == "1", float(row["probability"])) for row in csv.DictReader(file)]
    y, probability = map(np.array, zip(*scored))
    return folder / "page.html", y, probability


@pytest.fixture
def opened(browser):
    """Opens files; at the end no page may have had an error, or have asked for anything but itself."""
    troubles, contexts = [], []

    def open_page(path, **context):
        contexts.append(browser.new_context(**context))
        page = contexts[-1].new_page()
        page.on("console", lambda message: troubles.append(message.text))
        page.on("pageerror", lambda error: troubles.append(str(error)))
        own = path.as_uri()
        page.on("request", lambda of: of.url in (own, "data:,") or troubles.append(of.url))
        page.goto(own)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert troubles == []


def at(threshold, y, probability):
    called = probability >= threshold
    return {
        "tp": int((called & y).sum()),
        "fp": int((called & ~y).sum()),
        "fn": int((~called & y).sum()),
        "tn": int((~called & ~y).sum()),
    }


def shown(page, ids):
    return {name: page.locator(f"#{name}").inner_text() for name in ids}


def test_the_slider_moves_the_matrix_the_rates_and_the_cost(hearts, opened, tmp_path):
    path, y, probability = hearts
    page = opened(path)
    assert page.locator("#threshold-value").inner_text() == "0.5"
    slider = page.get_by_role("slider", name="Threshold")
    slider.focus()
    page.get_by_label("Cost of a false positive").fill("2")
    page.get_by_label("Cost of a false negative").fill("5.5")
    seen = set()
    for key, times in [("ArrowLeft", 0), ("ArrowLeft", 37), ("ArrowRight", 81), ("Home", 1), ("End", 1), ("ArrowLeft", 60)]:
        for _ in range(times):
            slider.press(key)
        threshold = float(page.locator("#threshold-value").inner_text())
        seen.add(threshold)
        matrix = at(threshold, y, probability)
        assert {name: int(text) for name, text in shown(page, matrix).items()} == matrix, threshold
        tp, fp, fn, tn = (matrix[name] for name in ("tp", "fp", "fn", "tn"))
        share = lambda part, whole: f"{part / whole:.3f}" if whole else "–"
        rates = {
            "accuracy": share(tp + tn, len(y)),
            "precision": share(tp, tp + fp),
            "recall": share(tp, tp + fn),
            "specificity": share(tn, tn + fp),
            "fpr": share(fp, tn + fp),
            "f1": share(2 * tp, 2 * tp + fp + fn),
        }
        assert shown(page, rates) == rates, threshold
        assert float(page.locator("#cost").inner_text()) == 2 * fp + 5.5 * fn
        assert slider.get_attribute("aria-valuetext") == f"threshold {page.locator('#threshold-value').inner_text()}"
        told = page.locator("#told").inner_text()
        assert f"{tp} of the {tp + fn} rows that are 1 are found; {fp} of the {tp + fp} called 1 are" in told
        place = page.locator("[data-curve=roc] circle")
        x0, dx, y0, dy = map(float, page.locator("[data-curve=roc]").get_attribute("data-scale").split())
        # The picture has tenths of a pixel.
        assert float(place.get_attribute("cx")) == pytest.approx(x0 + dx * fp / (fp + tn), abs=0.06)
        assert float(place.get_attribute("cy")) == pytest.approx(y0 + dy * tp / (tp + fn), abs=0.06)
    assert seen == {0.0, 0.315, 0.5, 0.72, 0.735, 1.0}
    page.get_by_role("button", name="Cheapest threshold").click()
    counts = json.loads(page.locator("#counts").text_content())
    prices = [2 * of["fp"] + 5.5 * of["fn"] for of in (at(t, y, probability) for t in counts["threshold"])]
    assert float(page.locator("#cost").inner_text()) == min(prices)
    page.get_by_role("button", name="The model’s threshold").click()
    assert page.locator("#threshold-value").inner_text() == "0.5"
    assert len(page.screenshot(path=tmp_path / "page.png", full_page=True)) > 50_000


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_is_readable_light_dark_and_narrow(hearts, opened, scheme):
    page = opened(hearts[0], color_scheme=scheme, viewport={"width": 390, "height": 844})
    wide = page.evaluate("[document.documentElement.scrollWidth, window.innerWidth]")
    assert wide[0] <= wide[1] == 390
    background = page.evaluate("getComputedStyle(document.body).backgroundColor")
    brightness = sum(map(int, re.findall(r"\d+", background)[:3])) / 3
    assert brightness < 60 if scheme == "dark" else brightness > 240
    count, worst, where = page.evaluate(CONTRAST)
    assert count > 300 and worst >= LEAST_CONTRAST, where


def test_the_page_tells_its_structure(hearts, opened):
    page = opened(hearts[0])
    assert page.evaluate("document.documentElement.lang") == "en" and "chd" in page.title()
    levels = page.evaluate("[...document.querySelectorAll('h1, h2, h3')].map((of) => Number(of.tagName[1]))")
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(below <= above + 1 for above, below in zip(levels, levels[1:]))
    nameless = """[...document.querySelectorAll(
        'input:not([aria-label])')].filter((of) => !of.labels.length).length
        + [...document.querySelectorAll('table')].filter((of) => !of.caption).length
        + [...document.querySelectorAll('th:not([scope])')].length
        + [...document.querySelectorAll('svg:not([aria-hidden])')].filter(
            (of) => of.getAttribute('role') !== 'img' || of.firstElementChild.tagName !== 'title').length"""
    assert page.evaluate(nameless) == 0
    for landmark in ("banner", "navigation", "main"):
        assert page.get_by_role(landmark).count() == 1
    links = page.evaluate("[...document.querySelectorAll('nav a')].map((of) => document.querySelector(of.getAttribute('href')) !== null)")
    assert len(links) >= 10 and all(links)
    assert page.locator("#told").get_attribute("aria-live") == "polite"
    # The first thing that the keyboard reaches leads past the links.
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the content"


PAGES = {
    "many levels": ("german_credit", "creditability", ["--positive", "bad"], "Probability by purpose"),
    "softmax": ("iris", "species", ["--l2", "0.01"], "called versicolor"),
    "no interval": ("wine", "cultivar", [], "complete separation"),
    "separated": ("sonar", "Class", ["--positive", "R"], "the classes are separated"),
    "lasso": ("saheart", "chd", ["--l1", "auto"], "Penalty chosen"),
}


@pytest.mark.parametrize("kind", PAGES)
def test_pages_of_every_kind_open_without_an_error(opened, tmp_path, kind):
    case, target, words, told = PAGES[kind]
    path = tmp_path / "page.html"
    command("train", DATA / f"{case}.csv", "--target", target, *words, "--report", path)
    assert path.stat().st_size < MOST_BYTES
    page = opened(path, viewport={"width": 390, "height": 844})
    assert told.lower() in page.locator("body").inner_text().lower()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    if kind in ("softmax", "no interval"):
        assert page.locator("#threshold").count() == 0


def test_effects_are_the_models_probabilities(hearts, opened):
    page = opened(hearts[0])
    table = page.locator("table", has=page.locator("caption", has_text="Probability by age"))
    rows = table.locator("tbody tr").evaluate_all("(rows) => rows.map((row) => [...row.cells].map((cell) => cell.textContent))")
    fitted = pd.read_csv(hearts[0].with_name("train.csv"))
    typical = {name: fitted[name].mean() for name in fitted.columns.drop(["chd", "famhist"])}
    typical["famhist"] = fitted["famhist"].mode()[0]
    frame = pd.DataFrame([{**typical, "age": float(row[0].replace(",", ""))} for row in rows])
    expected = logistic.Model.load(hearts[0].with_name("model.json")).predict_proba(frame)[:, 1]
    assert len(rows) == 5
    # Three decimals are shown, of ages of four digits.
    assert [float(row[1].split()[0]) for row in rows] == pytest.approx(expected, abs=6e-4)
    shown_ends = [tuple(map(float, re.fullmatch(r"[\d.]+ \(([\d.]+) to ([\d.]+)\)", row[1].strip()).groups())) for row in rows]
    # The delta method by NumPy: the inverse information of the rows of the fit, and the rows in the middle.
    model = logistic.Model.load(hearts[0].with_name("model.json"))
    numbers = fitted.columns.drop(["chd", "famhist"])

    def design(rows):
        return np.column_stack([np.ones(len(rows)), rows[numbers], rows["famhist"] == "Present"]).astype(float)

    p = model.predict_proba(fitted)[:, 1]
    covariance = np.linalg.inv(design(fitted).T * (p * (1 - p)) @ design(fitted))
    middle = np.log(expected / (1 - expected))
    half = 1.959963984540054 * np.sqrt(np.einsum("ij,jk,ik->i", design(frame), covariance, design(frame)))
    ends = [1 / (1 + np.exp(-(middle + sign * half))) for sign in (-1, 1)]
    assert np.array(shown_ends) == pytest.approx(np.column_stack(ends), abs=6e-4)


def test_the_estimator_writes_a_page_with_and_without_rows(tmp_path):
    table = pd.read_csv(DATA / "saheart.csv")
    x, y = table.drop(columns=["chd", "famhist"]), table["chd"]
    model = logistic.LogisticRegression(C=np.inf).fit(x, y)
    model.report(tmp_path / "model.html")
    alone = (tmp_path / "model.html").read_text()
    assert "Odds ratio" in alone and "Training curve" in alone and "made from the model alone" in alone
    for name, rows in {"frame": x, "array": x.to_numpy()}.items():
        fitted = logistic.LogisticRegression(C=np.inf).fit(rows, y)
        fitted.report(tmp_path / f"{name}.html", rows, y)
        text = (tmp_path / f"{name}.html").read_text()
        assert "462 rows given" in text and "id=\"threshold\"" in text and "Cumulative gains" in text
    weight = np.where(y == 1, 2.0, 1.0)
    model.report(tmp_path / "weighted.html", x, y, sample_weight=weight)
    counts = json.loads(re.search(r'id="counts"[^>]*>(.*?)</script>', (tmp_path / "weighted.html").read_text())[1])
    assert counts["positives"] == 2 * (y == 1).sum()
    with pytest.raises(ValueError, match="both X and y"):
        model.report(tmp_path / "half.html", x)
    with pytest.raises(ValueError, match="classes that the model was not fitted to"):
        model.report(tmp_path / "other.html", x, y + 1)
    with pytest.raises(OSError):
        model.report(tmp_path / "missing" / "page.html")
    assert not (tmp_path / "half.html").exists() and not (tmp_path / "other.html").exists()


def test_the_estimator_takes_frames_with_categories_and_missing_cells(people, tmp_path):
    frame, outcome = people
    model = logistic.LogisticRegression(C=np.inf, missing="impute").fit(frame, outcome)
    model.report(tmp_path / "page.html", frame, outcome)
    text = (tmp_path / "page.html").read_text()
    assert "Probability by city" in text and "Bern" in text and f"{frame['age'].isna().sum()} (" in text


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_the_page_of_a_frame_is_the_command_lines(tmp_path):
    frame = pd.read_csv(DATA / "saheart.csv")
    model = logistic.fit(frame, target="chd")
    model.report(tmp_path / "called.html", DATA / "saheart.csv")
    model.save(tmp_path / "model.json")
    command("report", tmp_path / "model.json", DATA / "saheart.csv", "-o", tmp_path / "typed.html")
    without = [re.sub(r"<pre.*?</pre>", "", (tmp_path / name).read_text()) for name in ("called.html", "typed.html")]
    assert without[0] == without[1]
    logistic.fit(frame, target="chd", test_fraction=0.25, report=tmp_path / "held-out.html")
    text = (tmp_path / "held-out.html").read_text()
    assert "were held out of the fit" in text and "logistic.fit(frame, target=" in text
    model.report(tmp_path / "alone.html")
    assert "made from the model alone" in (tmp_path / "alone.html").read_text()
