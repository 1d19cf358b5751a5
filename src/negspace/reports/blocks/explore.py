"""Blocks to look around in: a text coloured by token, and thousands of rows to sort and search."""

from __future__ import annotations

from dataclasses import dataclass

from negspace.reports.blocks.text import Block, Mark, Text


@dataclass(frozen=True)
class Token:
    """A token of a :class:`TokenMap`.

    Attributes:
        text: As it stands in the text; line breaks and spaces alone are shown by signs.
        step: Position of its colour, 0 the palest; None where it has no value.
        tip: What is said of it when it is pointed at; the token itself is named before.
        rivals: Names and numbers below the tip.
    """

    text: str
    step: int | None
    tip: Text
    rivals: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class TokenMap(Block):
    """A text coloured token by token.

    Attributes:
        legend: For each colour, from the palest, the values that have it; empty where nothing is coloured.
        without: What a token without a value is.
        label: What the colours are, for screen readers.
        rivals: Words before the rivals: ``pushes down``.
    """

    tokens: tuple[Token, ...]
    legend: tuple[str, ...] = ()
    without: str = ""
    label: str = ""
    rivals: str = ""


@dataclass(frozen=True)
class ExplorerRow:
    """A row of an :class:`Explorer`.

    Attributes:
        number: Decides the order of equals.
        values: One a column; None where nothing was measured.
        page: Path of its own page, or empty.
    """

    number: int
    place: str
    excerpt: str
    tokens: int
    role: str | None
    values: tuple[float | None, ...]
    page: str = ""


@dataclass(frozen=True)
class Explorer(Block):
    """Thousands of rows to sort, search and filter; at most one a page.

    Attributes:
        roles: The groups, each with its sign.
        plain: Shown in its place where no script runs, in the terminal and in Markdown.
    """

    columns: tuple[tuple[str, str], ...]
    rows: tuple[ExplorerRow, ...]
    roles: tuple[tuple[str, Mark], ...] = ()
    plain: tuple[Block, ...] = ()
