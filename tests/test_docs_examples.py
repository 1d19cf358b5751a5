"""What the pages show in a console is what happens."""

from __future__ import annotations

import doctest
import re
from pathlib import Path

import pytest

DOCS = Path(__file__).resolve().parents[1] / "docs"
CONSOLE = re.compile(r"^```(?:pycon|python)\n(>>> .*?)^```$", re.MULTILINE | re.DOTALL)
PAGES = {
    page.relative_to(DOCS).with_suffix("").as_posix(): page.read_text(encoding="utf-8")
    for page in sorted(DOCS.rglob("*.md"))
}


def consoles(text: str) -> str:
    """The page with all but its consoles blanked, so that line numbers stay."""
    lines = [""] * (text.count("\n") + 2)
    for block in CONSOLE.finditer(text):
        first = text.count("\n", 0, block.start(1))
        for i, line in enumerate(block[1].splitlines()):
            lines[first + i] = line
    return "\n".join(lines)


@pytest.mark.parametrize("page", [page for page, text in PAGES.items() if ">>>" in text])
def test_consoles_are_real(page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The examples of a page share their names, from top to bottom, and run in an empty folder."""
    monkeypatch.chdir(tmp_path)
    text = PAGES[page]
    found = doctest.DocTestParser().get_doctest(consoles(text), {}, page, str(DOCS / f"{page}.md"), 0)
    assert len(found.examples) == len(re.findall(r"^>>> ", text, re.MULTILINE)), "a prompt outside a console"
    said: list[str] = []
    result = doctest.DocTestRunner().run(found, out=said.append)
    assert result.failed == 0, "".join(said)


@pytest.mark.parametrize(
    "page",
    [
        "claims",
        "how-to/concepts",
        "explanation/strategies",
        "how-to/make-edits",
        "reference/embedders",
        "explanation/exchange-rate",
        "reference/learners",
        "reference/metrics",
        "explanation/near-misses",
        "how-to/replicas",
        "reference/store",
        "explanation/studies",
        "how-to/worklist",
    ],
)
def test_pages_of_packages_have_examples(page: str) -> None:
    assert ">>> " in PAGES[page]
