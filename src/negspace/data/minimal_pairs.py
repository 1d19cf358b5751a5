"""Minimal pairs: a sentence that a language model should prefer, and one that differs from it by little."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow as pa
from jaxtyping import Int

from negspace.data.columns import check_column, known_columns, listed, role_texts
from negspace.data.formats import format_of, known_suffixes
from negspace.data.formats.arrow import is_dataset_folder
from negspace.data.sources import check_exists, read_table
from negspace.data.table import Table, fingerprint, names_of, suggest
from negspace.errors import DataError

GOOD_NAMES = ("sentence_good", "good_sentence", "good")
BAD_NAMES = ("sentence_bad", "bad_sentence", "bad")
PARADIGM_NAMES = ("uid", "paradigm", "phenomenon")
_SHOWN = 3


@dataclass(frozen=True, eq=False)
class MinimalPairs:
    """Pairs of sentences in the order of their source."""

    good: tuple[str, ...]
    bad: tuple[str, ...]  # the other, of each pair; never the same
    paradigms: tuple[str, ...]  # names of what the pairs test, in order of first appearance
    paradigm: Int[np.ndarray, " pairs"]  # position of each pair's paradigm in ``paradigms``
    # Columns that were taken, by role: ``good``, ``bad``, ``paradigm``; of the first file. The paradigm's is
    # None where the file's name was taken.
    columns: Mapping[str, str | None]
    source: str
    files: tuple[str, ...]
    lines: Int[np.ndarray, " pairs"]  # line of its file on which each pair starts, 1-based
    unit: str  # what ``lines`` counts: ``"line"`` or ``"row"``
    fingerprint: str  # SHA-256 (hex) of sentences and paradigms
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.good)

    def take(self, rows: Int[np.ndarray, " taken"]) -> MinimalPairs:
        """Some of the pairs; all paradigms keep their positions."""
        goods, bads = (tuple(texts[row] for row in rows) for texts in (self.good, self.bad))
        names = [self.paradigms[i] for i in self.paradigm[rows]]
        return replace(
            self,
            good=goods,
            bad=bads,
            paradigm=self.paradigm[rows],
            files=tuple(self.files[row] for row in rows),
            lines=self.lines[rows],
            fingerprint=fingerprint(goods, bads, names),
        )

    def where(self, pair: int) -> str:
        """Place of a pair, as messages give it: ``npi.jsonl, line 7``."""
        return f"{self.files[pair]}, {self.unit} {self.lines[pair]}"


def read_minimal_pairs(
    source: object, *, good: str | None = None, bad: str | None = None, paradigm: str | None = None
) -> MinimalPairs:
    """Read minimal pairs (BLiMP, Warstadt et al. 2020) from what `read_table` takes, or a folder of it.

    Columns are recognised by their names (``sentence_good``, ``sentence_bad``, ``UID``) where None; without
    one of paradigms a file is a paradigm. A pair of two equal sentences is left out, with a note: BLiMP has a
    few.

    Raises:
        DataError: The data cannot be used; the message says where, what came and what to do.
        MissingExtraError: The folder needs the library ``datasets``.
    """
    path = Path(os.fspath(source)).expanduser() if isinstance(source, str | os.PathLike) else None
    if path is None or not path.is_dir() or is_dataset_folder(path):
        tables = [read_table(source if path is None else path)]
    else:
        tables = [read_table(file) for file in _files(path)]
    if path is not None and not tables:
        raise DataError(
            f"{path}: there are no files of pairs in the folder",
            got=", ".join(sorted(item.name for item in path.iterdir())[:5]) or "an empty folder",
            hint=f"name a folder with files of one of the kinds {', '.join(known_suffixes())}",
        )
    parts = [_read_part(table, good, bad, paradigm) for table in tables]
    goods = tuple(text for part in parts for text in part[0])
    bads = tuple(text for part in parts for text in part[1])
    names = [name for part in parts for name in part[2]]
    paradigms = tuple(dict.fromkeys(names))
    number = {name: i for i, name in enumerate(paradigms)}
    pairs = MinimalPairs(
        goods,
        bads,
        paradigms,
        np.array([number[name] for name in names], dtype=np.int64),
        parts[0][3],
        tables[0].source if len(tables) == 1 else str(source),
        tuple(table.source for table in tables for _ in range(len(table))),
        np.concatenate([table.lines for table in tables]),
        tables[0].unit,
        fingerprint(goods, bads, names),
    )
    return _without_equals(pairs)


def looks_like_minimal_pairs(source: object) -> bool:
    """Tell by the names of columns whether a source holds minimal pairs; no more than needed is read.

    A column called ``sentence_good`` or ``sentence_bad`` is enough: where the other is missing, the reader
    can say so. What cannot be read holds none, for whoever reads it next has better words.
    """
    folded = {name.strip().casefold() for name in _names_in(source)}
    return bool(folded & {GOOD_NAMES[0], BAD_NAMES[0]})


def _files(folder: Path) -> list[Path]:
    return sorted(file for file in folder.iterdir() if file.is_file() and format_of(file) is not None)


def _read_part(
    table: Table, good: str | None, bad: str | None, paradigm: str | None
) -> tuple[tuple[str, ...], tuple[str, ...], list[str], dict[str, str | None]]:
    """The good and the bad sentences of a file, their paradigms, and the columns that were taken."""
    others = (bad,) if bad is not None else known_columns(table, BAD_NAMES[0], BAD_NAMES)
    good = _sentences(table, "good", GOOD_NAMES, good, taken=others)
    bad = _sentences(table, "bad", BAD_NAMES, bad, taken=(good,))
    if good == bad:
        raise DataError(
            f"{table.source}: one column cannot be both the good and the bad sentences",
            got=f"'{good}'",
            hint="name different columns with --good and --bad",
        )
    goods, bads = role_texts(table, good, "good"), role_texts(table, bad, "bad")
    if paradigm is not None:
        check_column(table, "paradigm", paradigm)
    else:  # of several known names the first as they are listed
        found = known_columns(table, "paradigm", PARADIGM_NAMES, (good, bad))
        paradigm = min(found, key=lambda name: PARADIGM_NAMES.index(name.strip().casefold()), default=None)
    if paradigm is None:
        names = [Path(table.source).stem or table.source] * len(table)
    else:
        names = [name or "" for name in names_of(table, paradigm, "paradigm", required=True)]
    return goods, bads, names, {"good": good, "bad": bad, "paradigm": paradigm}


def _without_equals(pairs: MinimalPairs) -> MinimalPairs:
    """Leave out pairs whose sentences are the same: there is nothing to prefer."""
    same = [row for row, (good, bad) in enumerate(zip(pairs.good, pairs.bad, strict=True)) if good == bad]
    if not same:
        return pairs
    if len(same) == len(pairs):
        raise DataError(
            f"{pairs.where(0)}: the two sentences of the pair are the same, and so are those of all pairs",
            got=pairs.good[0],
            hint="name the right columns with --good and --bad",
        )
    places = ", ".join(pairs.where(row) for row in same[:_SHOWN])
    more = f" and {len(same) - _SHOWN} more" if len(same) > _SHOWN else ""
    count = f"{len(same)} pairs are" if len(same) > 1 else "1 pair is"
    note = f"{count} left out, for the two sentences are the same: {places}{more}"
    kept = np.setdiff1d(np.arange(len(pairs)), same)
    return replace(pairs.take(kept), notes=(*pairs.notes, note))


def _sentences(
    table: Table, role: str, known: Sequence[str], named: str | None, *, taken: Sequence[str]
) -> str:
    """The column of one side; one that the other side has already is not suggested."""
    if named is not None:
        return check_column(table, role, named)
    found = known_columns(table, known[0], known)
    if len(found) == 1:
        return found[0]
    why = "several columns may hold" if found else "no column is known to hold"
    free = [name for name in table.columns if name not in taken]
    near = "" if found else f"{suggest(known[0], free)} "
    raise DataError(
        f"{table.source}: {why} the {role} sentences",
        got=listed(found or table.columns),
        hint=f"{near if near.endswith('? ') else ''}"
        f"name it with --{role} COLUMN (in Python: {role}='COLUMN')",
    )


def _names_in(source: object) -> Iterable[str]:
    if isinstance(source, str | os.PathLike):
        try:
            return _names_in_path(Path(os.fspath(source)).expanduser())
        except (DataError, OSError, ValueError, csv.Error, pa.ArrowException):
            return ()
    for attribute in ("column_names", "columns"):
        names = getattr(source, attribute, None)
        if isinstance(names, Iterable):
            return [str(name) for name in names]
    if isinstance(source, Sequence) and source and isinstance(source[0], Mapping):
        return [str(name) for name in source[0]]
    return ()


def _names_in_path(path: Path) -> Iterable[str]:
    check_exists(path)
    if path.is_dir():
        files = _files(path)
        if is_dataset_folder(path):
            return read_table(path).columns
        return _names_in_path(files[0]) if files else ()
    form = format_of(path)
    if form is None:
        return ()
    return form.read(path).columns if form.column_names is None else form.column_names(path)
