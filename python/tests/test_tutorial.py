"""The Python of docs/tutorial.md is one session, and prints what stands behind each block."""

import io
import re
from contextlib import redirect_stdout
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "tutorial.md"

BLOCK = re.compile(r"^```python\n(?P<code>.*?)^```\n(?:\n```text\n(?P<text>.*?)^```\n)?", re.MULTILINE | re.DOTALL)


def test_every_block_prints_what_stands_behind_it(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    page = PAGE.read_text(encoding="utf-8")
    blocks = list(BLOCK.finditer(page))
    assert len(blocks) == page.count("```python") >= 8
    assert page.count("```text") == sum(block["text"] is not None for block in blocks) >= 7
    names = {"__name__": "__main__"}
    for block in blocks:
        line = page[: block.start()].count("\n") + 1
        printed = io.StringIO()
        with redirect_stdout(printed):
            # Empty lines before the code, so that errors name the line of the page.
            exec(compile("\n" * line + block["code"], str(PAGE), "exec"), names)
        assert printed.getvalue() == (block["text"] or ""), f"line {line}"
    assert (tmp_path / "page.html").stat().st_size > 10_000
