"""Texts that stand in the training set and in the test set."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

import numpy as np
from jaxtyping import Int

from negspace.records import Examples

__all__ = ["Duplicates", "duplicates_across"]


@dataclass(frozen=True, eq=False)
class Duplicates:
    """Test rows whose text the model was trained on.

    Attributes:
        test_rows: Positions in the test set, ascending.
        train_rows: For each, the first training row with the same text.
        note: A sentence that counts them and names the first; empty where there are none.
    """

    test_rows: Int[np.ndarray, " duplicates"]
    train_rows: Int[np.ndarray, " duplicates"]
    note: str = ""

    def __len__(self) -> int:
        return len(self.test_rows)


def duplicates_across(train: Examples, test: Examples) -> Duplicates:
    """Find the test rows whose text is also a training row's.

    Texts are the same if they are after Unicode normalisation (NFC; UAX #15) and after every run of
    whitespace has become one space.
    """
    first: dict[str, int] = {}
    for row, text in enumerate(train.texts):
        first.setdefault(_folded(text), row)
    pairs = [(row, first[key]) for row, key in enumerate(map(_folded, test.texts)) if key in first]
    test_rows, train_rows = np.array(pairs, dtype=np.int64).reshape(-1, 2).T
    return Duplicates(test_rows, train_rows, _note(train, test, pairs))


def _folded(text: str) -> str:
    return " ".join(unicodedata.normalize("NFC", text).split())


def _note(train: Examples, test: Examples, pairs: list[tuple[int, int]]) -> str:
    if not pairs:
        return ""
    shown = ", ".join(f"{_line(test, row)} = {_line(train, twin)}" for row, twin in pairs[:3])
    more = f" and {len(pairs) - 3} more" if len(pairs) > 3 else ""
    return (
        f"{len(pairs)} of {len(test)} rows of {test.source} have the text of a row of {train.source} "
        f"(line {shown}{more}): accuracy on them is memory"
    )


def _line(examples: Examples, row: int) -> int:
    return row + 1 if examples.lines is None else int(examples.lines[row])
