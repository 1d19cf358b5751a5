"""Which column holds the text, and which the label."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from negspace.data.finding import check_column, known_columns, listed
from negspace.data.table import Table
from negspace.errors import DataError

__all__ = ["LABEL_NAMES", "TEXT_NAMES", "Recognised", "recognise"]

TEXT_NAMES = (
    "text",
    "sentence",
    "review",
    "content",
    "utterance",
    "query",
    "document",
    "body",
    "comment",
    "question",
    "message",
    "tweet",
    "post",
    "article",
    "passage",
    "sms",
)
LABEL_NAMES = (
    "label",
    "labels",
    "class",
    "category",
    "sentiment",
    "intent",
    "target",
    "topic",
    "emotion",
    "y",
)


@dataclass(frozen=True)
class Recognised:
    """The columns that were taken, by their names in the source.

    Attributes:
        text: Column of texts.
        label: Column of labels.
        group: Column of groups, or None.
    """

    text: str
    label: str
    group: str | None = None

    def __str__(self) -> str:
        parts = [("text", self.text), ("label", self.label), ("group", self.group)]
        return ", ".join(f"{role} = '{name}'" for role, name in parts if name is not None)


def recognise(
    table: Table, *, text: str | None, label: str | None, group: str | None, group_optional: bool = False
) -> Recognised:
    """Find the columns: those named, else by the names people give them, ignoring case.

    The plain name (``text``, ``label``) is taken before any other of the list, so that ``label``
    may stand beside ``topic``; two of the others are ambiguous. A group is never guessed.

    Raises:
        DataError: A named column does not exist or is named twice; no column or several have a
            known name.
    """
    if group_optional and group is not None and group not in table.columns:
        group = None
    for role, name in (("text", text), ("label", label), ("group", group)):
        if name is not None:
            check_column(table, role, name)
    taken = [name for name in (text, label, group) if name is not None]
    if len(set(taken)) < len(taken):
        raise DataError(
            f"{table.source}: one column cannot be two things",
            got=f"text={text!r}, label={label!r}, group={group!r}",
            hint="name different columns with --text, --label and --group",
        )
    if text is None:
        text = _find(table, "text", TEXT_NAMES, taken)
    if label is None:
        label = _find(table, "label", LABEL_NAMES, taken)
    return Recognised(text, label, group)


def _find(table: Table, role: str, known: Collection[str], taken: Collection[str]) -> str:
    found = known_columns(table, role, known, taken)
    if len(found) == 1:
        return found[0]
    why = "several columns may hold" if found else "no column is known to hold"
    raise _unclear(table, role, f"{why} the {role}", found)


def _unclear(table: Table, role: str, why: str, found: list[str]) -> DataError:
    hint = f"name it with --{role} COLUMN (in Python: {role}='COLUMN')"
    only = next(iter(table.columns))
    separators = {";": "semicolons", "\t": "tabs", ",": "commas", "|": "bars"}
    if len(table.columns) == 1 and (mark := next((m for m in separators if m in only), None)):
        hint = (
            f"the cells seem to be separated by {separators[mark]}: save them as CSV (commas) or TSV (tabs)"
        )
    return DataError(f"{table.source}: {why}", got=listed(found or table.columns), hint=hint)
