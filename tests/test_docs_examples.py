"""What the pages show in a console is what happens."""

from __future__ import annotations

import doctest
import re
import shlex
from pathlib import Path

import click
import pytest

from negspace.cli.main import cli
from negspace.data.formats import FORMATS
from negspace.metrics import METRICS
from negspace.models import LEARNERS

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
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
    for registry in (FORMATS, LEARNERS, METRICS):  # what a page registers goes with it
        assert list(registry)
        monkeypatch.setattr(registry, "_own", dict(vars(registry)["_own"]))
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
        "explanation/evidence",
        "reference/learners",
        "reference/metrics",
        "explanation/near-misses",
        "how-to/replicas",
        "reference/store",
        "explanation/traces",
        "how-to/curate",
    ],
)
def test_pages_of_packages_have_examples(page: str) -> None:
    assert ">>> " in PAGES[page]


WRITTEN = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", *sorted(DOCS.rglob("*.md"))]


def anchors(page: Path) -> set[str]:
    """The anchors that GitHub gives to the headings of a page."""
    text = re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    found = re.findall(r"^#+ +(.+?) *$", text, flags=re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in found}


@pytest.mark.parametrize("page", WRITTEN, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(page: Path) -> None:
    text = re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    broken = []
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        if not file.exists() or (anchor and anchor not in anchors(file)):
            broken.append(target)
    assert broken == []


def command_lines(page: Path) -> list[str]:
    """The ``negspace`` commands in the shell blocks of a page, and after a prompt in its other blocks."""
    found = []
    for language, block in re.findall(
        r"^```(\w*)\n(.*?)^```$", page.read_text("utf-8"), re.MULTILINE | re.DOTALL
    ):
        prompt = r"(?:\$ )?" if language in {"", "sh", "bash"} else r"\$ "
        found += re.findall(rf"^{prompt}(negspace .*)$", block.replace("\\\n", " "), flags=re.MULTILINE)
    return found


@pytest.mark.parametrize(
    "page",
    [
        page for page in WRITTEN if command_lines(page) and page.name != "cli.md"
    ],  # cli.md: tests/cli/test_cli_docs.py
    ids=lambda page: page.relative_to(ROOT).as_posix(),
)
def test_commands_parse(page: Path) -> None:
    """Raises where a command or an option does not exist, or an argument is missing."""
    for line in command_lines(page):
        name, *words = shlex.split(line, comments=True)
        command: click.Command = cli
        while isinstance(command, click.Group):
            name, *words = words
            assert name in command.commands, line
            command = command.commands[name]
        command.make_context(name, words, parent=click.Context(cli, **cli.context_settings))
