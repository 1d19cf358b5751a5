"""Is a list sorted?"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

from negspace.errors import PlanError, did_you_mean
from negspace.perturbations.proof import Proof, TextVerifier, invalid, number, unknown, valid
from negspace.perturbations.verifiers import VERIFIERS
from negspace.records import Json

_DIRECTIONS = ("ascending", "descending")
_NUMBER = re.compile(r"[-−+]?\d+(?:\.\d+)?", re.ASCII)
_WORD = re.compile(r"[A-Za-z]+")
# "1,000, 2,000": whether the comma divides numbers or digits cannot be told.
_GROUPED = re.compile(r"\d,\d{3}(?!\d)")


@VERIFIERS.register("ordering", argument="DIRECTION", required=False, summary="the list is sorted")
@dataclass(frozen=True)
class Ordering(TextVerifier):
    """Whether a list of numbers, or of words, is sorted; equal neighbours are.

    Items are divided by commas and semicolons, else by line ends, else by blanks; brackets around the list
    and a full stop after it are passed over. Numbers are compared exactly. Words are of the letters a to z
    only, compared without regard to case: what comes after "ä" depends on the language. Unknown: fewer than
    two items, an empty one, numbers and words mixed, and commas that may belong to a number ("1,000", or
    any beside semicolons).

    Attributes:
        direction: "ascending" or "descending".

    Raises:
        PlanError: If the direction is neither.
    """

    direction: str = "ascending"

    name = "ordering"
    longest = 100_000

    def __post_init__(self) -> None:
        if self.direction not in _DIRECTIONS:
            raise PlanError(
                f"there is no direction '{self.direction}'", hint=did_you_mean(self.direction, _DIRECTIONS)
            )

    def describe(self) -> Mapping[str, Json]:
        """What identifies the verifier."""
        return {"verifier": self.name, "direction": self.direction}

    def judge(self, text: str) -> Proof:
        """Judge a text that is not too long."""
        items = _items(text)
        if len(items) < 2:
            return unknown("no list of two items or more")
        keys: Sequence[Fraction] | Sequence[str]
        if all(map(_NUMBER.fullmatch, items)):
            if _GROUPED.search(text):
                return unknown("a comma that may belong to a number")
            if "," in text and ";" in text:  # "1,5; 1,25": decimal commas, or items?
                return unknown("commas and semicolons between numbers")
            numbers = [number(item) for item in items]
            keys = [value for value in numbers if value is not None]
            if len(keys) < len(items):
                return unknown("a number with too many digits")
        elif all(map(_WORD.fullmatch, items)):
            keys = [item.casefold() for item in items]
        else:
            return unknown("neither all numbers nor all words of the letters a to z")
        return self._compare(items, keys)

    def _compare(self, items: Sequence[str], keys: Sequence[Fraction] | Sequence[str]) -> Proof:
        falls = self.direction == "descending"
        for i, (one, other) in enumerate(pairwise(keys)):
            if one != other and (one > other) is not falls:  # type: ignore[operator]
                return invalid(f"{items[i]} stands before {items[i + 1]}")
        return valid(f"{len(items)} items in {self.direction} order")


def _items(text: str) -> list[str]:
    bare = text.strip().removesuffix(".").strip()
    if (bare[:1], bare[-1:]) in {("[", "]"), ("(", ")"), ("{", "}")}:
        bare = bare[1:-1].strip()
    if re.search(r"[,;]", bare):
        return [item.strip() for item in re.split(r"[,;]", bare)]
    return [item.strip() for item in bare.split("\n")] if "\n" in bare else bare.split()
