"""Which column plays a role: the one that is named, else the one with a name people give it."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from negspace.data.table import Table, suggest
from negspace.data.values import texts_of
from negspace.errors import DataError

__all__ = ["check_column", "find_column", "known_columns", "listed", "role_texts"]


def known_columns(table: Table, role: str, known: Collection[str], taken: Collection[str] = ()) -> list[str]:
    """Columns whose name is known for a role, ignoring case; the plain name alone where it is among them."""
    names = [name for name in table.columns if name.strip().casefold() in known and name not in taken]
    return [name for name in names if name.strip().casefold() == role] or names


def check_column(table: Table, role: str, name: str) -> str:
    """Give a named column back if it exists.

    Raises:
        DataError: It does not; names the nearest there is.
    """
    if name not in table.columns:
        raise DataError(
            f"{table.source}: there is no column '{name}' (asked for by --{role})",
            got=listed(table.columns),
            hint=suggest(name, table.columns),
        )
    return name


def find_column(
    table: Table, role: str, known: Collection[str], *, named: str | None, taken: Collection[str] = ()
) -> str:
    """Find the column of a role.

    Args:
        table: The rows.
        role: The role, which is also the column's plain name and its flag.
        known: Names that columns of this role go by, folded.
        named: The column the user named; None to recognise it.
        taken: Columns that have another role.

    Raises:
        DataError: The named column does not exist; no column, or several, have a known name.
    """
    if named is not None:
        return check_column(table, role, named)
    found = known_columns(table, role, known, taken)
    if len(found) == 1:
        return found[0]
    why = "several columns may hold" if found else "no column is known to hold"
    raise DataError(
        f"{table.source}: {why} the {role}",
        got=listed(found or table.columns),
        hint=f"name it with --{role} COLUMN (in Python: {role}='COLUMN')",
    )


def role_texts(table: Table, column: str, role: str) -> tuple[str, ...]:
    """The texts of a column, checked; what is wrong with them is said with the role's own flag.

    Raises:
        DataError: See `texts_of`.
    """
    try:
        return texts_of(table, column)
    except DataError as error:
        hint = None if error.hint is None else error.hint.replace("--text", f"--{role}")
        raise DataError(error.what, got=error.got, hint=hint) from error


def listed(names: Iterable[str]) -> str:
    """The columns as messages name them."""
    return "the columns " + ", ".join(f"'{name}'" for name in names)
