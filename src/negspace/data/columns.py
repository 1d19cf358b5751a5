"""Which column holds what: the one that is named, else the one with a name that people give it."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from negspace.data.table import Table, suggest, texts_of
from negspace.errors import DataError


def known_columns(table: Table, role: str, known: Collection[str], taken: Collection[str] = ()) -> list[str]:
    """Columns whose name is known for a role, ignoring case; the plain name alone where it is among them."""
    names = [name for name in table.columns if name.strip().casefold() in known and name not in taken]
    return [name for name in names if name.strip().casefold() == role] or names


def check_column(table: Table, role: str, name: str) -> str:
    """Give a named column back; a `DataError` names the nearest there is where it does not exist."""
    if name not in table.columns:
        raise DataError(
            f"{table.source}: there is no column '{name}' (asked for by --{role})",
            got=listed(table.columns),
            hint=suggest(name, table.columns),
        )
    return name


def find_column(
    table: Table, role: str, known: Collection[str], *, named: str | None = None, taken: Collection[str] = ()
) -> str:
    """Find the column of a role: the one named, else the only one with a known name, else a `DataError`."""
    if named is not None:
        return check_column(table, role, named)
    found = known_columns(table, role, known, taken)
    if len(found) == 1:
        return found[0]
    hint = f"name it with --{role} COLUMN (in Python: {role}='COLUMN')"
    separators = {";": "semicolons", "\t": "tabs", ",": "commas", "|": "bars"}
    only = next(iter(table.columns))
    if len(table.columns) == 1 and (mark := next((m for m in separators if m in only), None)):
        separated = separators[mark]
        hint = f"the cells seem to be separated by {separated}: save them as CSV (commas) or TSV (tabs)"
    why = "several columns may hold" if found else "no column is known to hold"
    raise DataError(f"{table.source}: {why} the {role}", got=listed(found or table.columns), hint=hint)


def role_texts(table: Table, column: str, role: str) -> tuple[str, ...]:
    """The texts of a column, checked as by `texts_of`; a `DataError` names the role's own flag."""
    try:
        return texts_of(table, column)
    except DataError as error:
        hint = None if error.hint is None else error.hint.replace("--text", f"--{role}")
        raise DataError(error.what, got=error.got, hint=hint) from error


def listed(names: Iterable[str]) -> str:
    """The columns as messages name them."""
    return "the columns " + ", ".join(f"'{name}'" for name in names)


TEXT_NAMES = (
    "text", "sentence", "review", "content", "utterance", "query", "document", "body", "comment", "question",
    "message", "tweet", "post", "article", "passage", "sms",
)  # fmt: skip
LABEL_NAMES = (
    "label", "labels", "class", "category", "sentiment", "intent", "target", "topic", "emotion", "y",
)  # fmt: skip


@dataclass(frozen=True)
class Recognised:
    """The columns that were taken, by their names in the source."""

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

    The plain name (``text``, ``label``) is taken before any other of the list, so that ``label`` may stand
    beside ``topic``; two of the others are ambiguous. A group is never guessed. What is missing, ambiguous or
    named twice is a `DataError`.
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
        text = find_column(table, "text", TEXT_NAMES, taken=taken)
    if label is None:
        label = find_column(table, "label", LABEL_NAMES, taken=taken)
    return Recognised(text, label, group)
