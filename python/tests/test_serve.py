"""The page of `logistic serve`, as a browser shows it.

Wants Chromium (`make browser`) and the binary, which `make python` builds and names in LOGISTIC; the wheel has no server."""

import json
import math
import os
import subprocess
import time
from pathlib import Path
from urllib.request import Request, urlopen

import pytest

from pages import CONTRAST, LEAST_CONTRAST

DATA = Path(__file__).parents[2] / "testdata"
BINARY = os.environ.get("LOGISTIC")
# Seconds that a page may take where the machine is busy with other things.
PATIENCE = 120

if BINARY is None:
    pytest.skip("no binary: `make python` builds it, and says where it is", allow_module_level=True)

MODELS = {
    "hearts": ("saheart", "chd", []),
    "iris": ("iris", "species", ["--l2", "0.01"]),
    "credit": ("german_credit", "creditability", ["--positive", "bad", "--unseen", "baseline", "--missing", "impute"]),
}


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    for name, (table, target, words) in MODELS.items():
        told = [BINARY, "train", DATA / f"{table}.csv", "--target", target, *words, "-o", folder / f"{name}.json"]
        subprocess.run(told, check=True, capture_output=True)
    return folder


@pytest.fixture
def served(models):
    """Starts servers, and gives their addresses; all end with the test."""
    servers = []

    def start(name, *words):
        command = [BINARY, "serve", models / f"{name}.json", "--port", "0", *map(str, words)]
        servers.append(subprocess.Popen(command, stdout=subprocess.PIPE, text=True))
        return servers[-1].stdout.readline().split()[-1]

    yield start
    for server in servers:
        server.terminate()
        assert server.wait(timeout=PATIENCE) == 0


@pytest.fixture
def opened(browser):
    """Opens pages; at the end none may have had an error, or have asked anyone but its server."""
    troubles, contexts = [], []

    def open_page(address, allowed=(), **context):
        contexts.append(browser.new_context(**context))
        page = contexts[-1].new_page()
        page.set_default_timeout(1000 * PATIENCE)
        page.on("console", lambda message: any(word in message.text for word in allowed) or troubles.append(message.text))
        page.on("pageerror", lambda error: troubles.append(str(error)))
        page.on("request", lambda of: of.url.startswith((address, "data:")) or troubles.append(of.url))
        page.goto(address)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert troubles == []


def settled(page, condition):
    # Not by the browser's own waiting, which would evaluate a string in the page: its policy forbids that.
    begun = time.monotonic()
    while not page.evaluate(condition):
        assert time.monotonic() - begun < PATIENCE, condition
        time.sleep(0.02)


def predict(address, row):
    request = Request(f"{address}/predict", json.dumps({"rows": [row]}).encode(), {"content-type": "application/json"})
    with urlopen(request) as answer:
        return json.load(answer)["predictions"][0]


def contributions(page):
    rows = page.locator("#contributions tbody tr").evaluate_all(
        "(rows) => rows.map((row) => [...row.cells].map((cell) => cell.textContent))"
    )
    return {row[0]: float(row[3].replace("−", "-")) for row in rows}


def test_the_probability_and_the_contributions_follow_the_inputs(served, opened, tmp_path):
    address = served("hearts")
    page = opened(address)
    settled(page, "document.querySelectorAll('#contributions tbody tr').length === 9")
    # A typical row differs from itself in nothing.
    assert set(contributions(page).values()) == {0.0}
    row = {
        name: page.get_by_label(name, exact=True).input_value()
        for name in ["sbp", "tobacco", "ldl", "adiposity", "typea", "obesity", "alcohol", "age"]
    }
    row = {name: float(value) for name, value in row.items()} | {"famhist": "Present"}
    page.get_by_label("famhist", exact=True).select_option("Present")
    slider = page.get_by_role("slider", name="tobacco, from 0 to 31.2")
    slider.focus()
    for _ in range(40):
        slider.press("ArrowRight")
    page.get_by_label("age", exact=True).fill("70")
    row |= {"age": 70.0, "tobacco": float(page.get_by_label("tobacco", exact=True).input_value())}
    # 40 steps of 200 over the range, from the mean.
    assert row["tobacco"] == pytest.approx(3.63565 + 40 * 31.2 / 200, abs=1e-4)
    expected = predict(address, row)
    settled(page, f"document.querySelector('#probabilities .number').textContent === '{expected['probability']:.3f}'")
    low, high = expected["interval"]
    told = page.locator("#told").inner_text()
    assert told == (
        f"chd is 1 with a probability of {expected['probability']:.3f} (95 %: {low:.3f} to {high:.3f}); the row is called 1."
    )
    assert page.locator("#told").get_attribute("aria-live") == "polite"
    shown = contributions(page)
    assert shown == {part["column"]: pytest.approx(part["logit"], abs=6e-4) for part in expected["contributions"]}
    sizes = [abs(value) for value in shown.values()]
    assert sizes == sorted(sizes, reverse=True)
    ends = page.locator("#contributions tfoot td:last-child").all_inner_texts()
    base, logit = (float(text.replace("−", "-")) for text in ends)
    assert base + sum(shown.values()) == pytest.approx(logit, abs=6e-3)
    assert 1 / (1 + math.exp(-logit)) == pytest.approx(expected["probability"], abs=1e-3)
    # The longest bar is half the picture, and bars run to the side of their sign.
    bars = page.locator("#contributions tbody rect").evaluate_all(
        "(all) => all.map((bar) => [Number(bar.getAttribute('x')), Number(bar.getAttribute('width'))])"
    )
    assert bars[0][1] == 50.0
    assert all((x == 50.0) if value >= 0 else (x < 50.0) for (x, _), value in zip(bars, shown.values()))
    assert page.locator("#flags li").all_inner_texts() == ["age: 70 is above 64, the largest in training"]
    assert '"age":70' in page.locator("#request").inner_text()
    assert len(page.screenshot(path=tmp_path / "page.png", full_page=True)) > 50_000
    page.get_by_role("button", name="Typical row").click()
    settled(page, "document.querySelector('#flags').hidden")
    assert set(contributions(page).values()) == {0.0}


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_is_readable_light_dark_and_narrow(served, opened, name, scheme):
    page = opened(served(name), color_scheme=scheme, viewport={"width": 390, "height": 844})
    settled(page, "document.querySelectorAll('#contributions tbody tr').length > 0")
    wide = page.evaluate("[document.documentElement.scrollWidth, window.innerWidth]")
    assert wide[0] <= wide[1] == 390
    count, worst, where = page.evaluate(CONTRAST)
    assert count > 40 and worst >= LEAST_CONTRAST, where


def test_the_page_tells_its_structure(served, opened):
    page = opened(served("credit"))
    settled(page, "document.querySelectorAll('#inputs input, #inputs select').length > 20")
    assert page.title() == "Probability that creditability is bad – logistic"
    levels = page.evaluate("[...document.querySelectorAll('h1, h2, h3')].map((of) => Number(of.tagName[1]))")
    assert levels[0] == 1 and set(levels[1:]) == {2}
    nameless = """[...document.querySelectorAll('input:not([aria-label]), select')].filter((of) => !of.labels.length).length
        + [...document.querySelectorAll('th:not([scope])')].length
        + [...document.querySelectorAll('svg:not([aria-hidden])')].length"""
    assert page.evaluate(nameless) == 0
    for landmark in ("banner", "main"):
        assert page.get_by_role(landmark).count() == 1
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the content"


def test_missing_cells_levels_and_classes(served, opened):
    page = opened(served("credit"))
    settled(page, "document.querySelectorAll('#contributions tbody tr').length === 20")
    page.get_by_label("age_in_years is missing").check()
    settled(page, "document.querySelector('#flags').textContent === 'age_in_years: the value is missing'")
    assert page.get_by_label("age_in_years", exact=True).is_disabled()
    address = served("iris")
    page = opened(address)
    settled(page, "document.querySelectorAll('#probabilities .number').length === 3")
    shown = page.locator("#probabilities .number").all_inner_texts()
    row = {name: float(page.get_by_label(name, exact=True).input_value()) for name in
           ["sepal length (cm)", "sepal width (cm)", "petal length (cm)", "petal width (cm)"]}
    expected = predict(address, row)
    assert shown == [f"{p:.3f}" for p in expected["probability"].values()]
    page.get_by_label("petal length (cm)", exact=True).fill("6.5")
    settled(page, "document.querySelector('#told').textContent.endsWith('called virginica.')")
    # The class that the row is called, until another is chosen.
    assert page.get_by_label("Class").input_value() == "virginica"
    page.get_by_label("Class").select_option("setosa")
    parts = predict(address, row | {"petal length (cm)": 6.5})["contributions"]
    assert contributions(page) == {part["column"]: pytest.approx(part["logit"]["setosa"], abs=6e-4) for part in parts}


def test_the_page_asks_for_the_token(served, opened, tmp_path):
    (tmp_path / "token").write_text("s3cret\n")
    # The browser itself says that a request was refused.
    page = opened(served("hearts", "--token-file", tmp_path / "token"), allowed=["401"])
    page.get_by_label("Token").fill("wrong")
    page.get_by_role("button", name="Go on").click()
    settled(page, "document.querySelector('#trouble').textContent === 'That was not the token.'")
    assert page.get_by_role("alert").is_visible() and not page.locator("#desk").is_visible()
    page.get_by_label("Token").fill("s3cret")
    page.get_by_label("Token").press("Enter")
    settled(page, "document.querySelectorAll('#contributions tbody tr').length === 9")
    assert not page.get_by_label("Token").is_visible() and not page.locator("#trouble").is_visible()
    assert "s3cret" not in page.locator("#request").inner_text()


def test_another_model_makes_other_inputs(served, opened, models, tmp_path):
    (models / "changing.json").write_bytes((models / "hearts.json").read_bytes())
    address = served("changing")
    page = opened(address)
    settled(page, "document.querySelectorAll('#contributions tbody tr').length === 9")
    told = [BINARY, "train", DATA / "saheart.csv", "--target", "chd", "--features", "age,ldl", "-o", models / "changing.json"]
    subprocess.run(told, check=True, capture_output=True)
    version = page.locator("#lead").inner_text()
    settled(page, f"fetch('/health').then((r) => r.json()).then((h) => !{json.dumps(version)}.includes(h.model))")
    # What the old inputs ask for still has what the new model needs.
    page.get_by_label("age", exact=True).fill("50")
    settled(page, "document.querySelectorAll('#contributions tbody tr').length === 2")
    assert page.locator("#lead").inner_text() != version
