"""Parts of what is printed: the tones of outcomes, hanging lines, paths, signs every terminal has."""

from __future__ import annotations

from collections.abc import Mapping

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

__all__ = ["TONES", "copied", "flat", "hanging", "plain_table"]

TONES: Mapping[str, str] = {"supported": "bold blue", "refuted": "bold yellow", "inconclusive": "bold"}


def plain_table() -> Table:
    """A table without lines, its columns two spaces apart."""
    return Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="dim")


def hanging(head: str, said: str, style: str = "dim") -> RenderableType:
    """A word in the margin and a text that wraps beside it."""
    table = Table.grid(padding=(0, 0))
    table.add_column(width=9, no_wrap=True)
    table.add_column(overflow="fold")
    table.add_row(Text(head, style=style), Text(said))
    return table


def copied(head: str, path: str) -> Text:
    """A path is there to be copied: broken only where the terminal is too narrow, and never cut."""
    line = Text(f"{head:<9}", style="dim", overflow="fold")
    line.append(path, style="not dim")
    return line


def flat(text: str) -> str:
    """Signs that every terminal's encoding has."""
    return text.replace("\u00a0", " ").replace("−", "-").replace("–", "-")
