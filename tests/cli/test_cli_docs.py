"""``docs/reference/cli.md`` is made of what ``--help`` prints; to make it anew:

NEGSPACE_WRITE_DOCS=1 python -m pytest tests/cli/test_cli_docs.py
"""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import pytest

from negspace.cli.main import cli

PAGE = Path(__file__).resolve().parents[2] / "docs" / "reference" / "cli.md"


def commands(group: click.Group, *words: str) -> dict[tuple[str, ...], click.Command]:
    """Every command by its words, those of groups included."""
    found: dict[tuple[str, ...], click.Command] = {}
    for name in sorted(group.commands):
        command = group.commands[name]
        found[*words, name] = command
        if isinstance(command, click.Group):
            found |= commands(command, *words, name)
    return found


COMMANDS = commands(cli)
WORKING = [words for words, command in COMMANDS.items() if not isinstance(command, click.Group)]
HEAD = """\
# The command line

<!-- Made of what --help prints. Do not edit: change the help and run
     NEGSPACE_WRITE_DOCS=1 python -m pytest tests/cli/test_cli_docs.py -->

Results go to standard output, progress and errors to standard error. Exit codes: 0 done, whatever the
verdict; 2 something to mend in the input, the options or the output folder; 130 interrupted (the same
command then goes on from the fits that were finished).
"""


@pytest.fixture
def page(command: Callable[..., Any]) -> str:
    """The page as it should be."""
    parts = [HEAD]
    for words in ((), *COMMANDS):
        ended = command(*words, "--help")
        assert (ended.code, ended.err) == (0, "")
        title = " ".join(["negspace", *words])
        parts.append(f"## {title}\n\n```text\n$ {title} --help\n{ended.out.rstrip()}\n```\n")
    return "\n".join(parts)


def test_the_page_is_what_help_prints(page: str) -> None:
    if os.environ.get("NEGSPACE_WRITE_DOCS"):
        PAGE.write_text(page, encoding="utf-8")
    assert PAGE.read_text(encoding="utf-8") == page


@pytest.mark.parametrize("width", [30, 300])
def test_the_help_is_the_same_on_every_terminal(
    page: str, command: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, width: int
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    for words in COMMANDS:
        shown = command(*words, "--help").out
        assert shown.rstrip() in page
        assert max(map(len, shown.splitlines())) <= 80


@pytest.mark.parametrize("words", WORKING, ids=" ".join)
def test_every_command_has_examples_that_parse(words: tuple[str, ...]) -> None:
    command = COMMANDS[words]
    examples = re.findall(r"^ +negspace (.*)$", command.epilog or "", flags=re.MULTILINE)
    assert examples
    for example in examples:
        asked = shlex.split(example.split(" | ")[0])
        assert tuple(asked[: len(words)]) == words
        # Raises where an option does not exist. Names of the help option are the group's, and kept.
        parent = click.Context(cli, **cli.context_settings)
        command.make_context(words[-1], asked[len(words) :], parent=parent)


@pytest.mark.parametrize("words", WORKING, ids=" ".join)
def test_every_option_says_what_it_is(words: tuple[str, ...]) -> None:
    for option in COMMANDS[words].params:
        if isinstance(option, click.Option):
            assert option.help, option.name
