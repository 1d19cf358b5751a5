"""Edits of numbers: each writes a number a little differently."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from negspace.perturbations.edit import Candidate, Kind, Level, shuffled, splice

__all__ = ["DIGIT_CHANGE", "DIGIT_SWAP", "MAGNITUDE", "NUDGE", "NumberEdit", "SignFlip"]

_NUMBER = re.compile(r"\d+(?:\.\d+)?")
_MOST_DIGITS = 100
"""Longer numbers are left alone: Python refuses to read integers of more than 4,300 digits."""


@dataclass(frozen=True)
class NumberEdit:
    """Write a number another way.

    Attributes:
        name: As results name it.
        kind: What it does.
        rewrite: Number as written (ASCII digits, perhaps a decimal point) and generator to other numbers.
    """

    name: str
    kind: Kind
    rewrite: Callable[[str, np.random.Generator], Iterator[str]]

    level = Level.NUMBER

    def candidates(self, text: str, rng: np.random.Generator) -> Iterator[Candidate]:
        """Rewrite each number in each way."""
        numbers = [m.span() for m in _NUMBER.finditer(text) if m[0].isascii() and len(m[0]) <= _MOST_DIGITS]
        for i in shuffled(rng, len(numbers)):
            start, end = numbers[i]
            for after in self.rewrite(text[start:end], rng):
                yield splice(self, text, start, end, after)


def _nudged(number: str, rng: np.random.Generator) -> Iterator[str]:
    whole, point, decimals = number.partition(".")
    digits = whole + decimals
    for k in shuffled(rng, 2):
        value = int(digits) + (1, -1)[k]
        if value >= 0:
            nudged = str(value).zfill(len(digits))
            cut = len(nudged) - len(decimals)
            yield nudged[:cut] + point + nudged[cut:]


def _one_digit_changed(number: str, rng: np.random.Generator) -> Iterator[str]:
    for i in shuffled(rng, len(number)):
        if number[i] != ".":
            digit = (int(number[i]) + int(rng.integers(1, 10))) % 10
            yield f"{number[:i]}{digit}{number[i + 1 :]}"


def _two_digits_swapped(number: str, rng: np.random.Generator) -> Iterator[str]:
    places = [i for i, digit in enumerate(number) if digit != "."]
    for k in shuffled(rng, len(places) - 1):
        i, j = places[k], places[k + 1]
        yield f"{number[:i]}{number[j]}{number[i + 1 : j]}{number[i]}{number[j + 1 :]}"


def _ten_times_or_a_tenth(number: str, rng: np.random.Generator) -> Iterator[str]:
    del rng
    whole, _, decimals = number.partition(".")
    yield f"{whole}{decimals[:1]}.{decimals[1:]}" if len(decimals) > 1 else f"{whole}{decimals or '0'}"
    if len(whole) > 1:
        yield f"{whole[:-1]}.{whole[-1]}{decimals}" if decimals or whole[-1] != "0" else whole[:-1]


NUDGE = NumberEdit("number nudge", Kind.REPLACE, _nudged)
DIGIT_CHANGE = NumberEdit("digit change", Kind.REPLACE, _one_digit_changed)
DIGIT_SWAP = NumberEdit("digit swap", Kind.SWAP, _two_digits_swapped)
MAGNITUDE = NumberEdit("magnitude", Kind.REPLACE, _ten_times_or_a_tenth)

# A minus after a number, a word or a closing bracket is a subtraction or a hyphen, not a sign.
_SIGNABLE = re.compile(r"(?<![\w.)\]\-])(?<![\w)\]]\s)(-?)(?=\d)")


@dataclass(frozen=True)
class SignFlip:
    """Write a minus before a number, or take one away."""

    name = "sign flip"
    kind = Kind.REPLACE
    level = Level.NUMBER

    def candidates(self, text: str, rng: np.random.Generator) -> Iterator[Candidate]:
        """Flip the sign of each number that stands where one may have a sign."""
        places = [m.span(1) for m in _SIGNABLE.finditer(text)]
        for i in shuffled(rng, len(places)):
            start, end = places[i]
            yield splice(self, text, start, end, "" if end > start else "-")
