"""Edits of what any text has: words and signs, numbers, clauses."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from negspace.perturbations.edits import (
    Candidate,
    EditKind,
    EditLevel,
    Operator,
    exchange,
    shuffled,
    splice,
)

__all__ = ["CLAUSES", "NUMBERS", "TOKENS", "TOKEN_REPLACE", "TOKEN_SWAP", "SpanSwap"]

_TOKEN = re.compile(r"\d+(?:\.\d+)?|\w+|<=|>=|==|!=|\*\*|//|[^\w\s]")
_PER_PLACE = 4

INTERCHANGEABLE: tuple[tuple[str, ...], ...] = (
    ("+", "-", "*", "/"),
    ("−", "×", "÷"),
    ("=", "<", ">", "<=", ">=", "!="),
    ("==", "<", ">", "<=", ">=", "!="),
    ("before", "after"),
    ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
    ("day", "week"),
    ("days", "weeks"),
    ("mm", "cm", "m", "km", "in", "ft", "yd", "mi"),
    ("mg", "g", "kg", "oz", "lb"),
    ("ms", "s", "min", "h"),
    ("mL", "cL", "L"),
    ("°C", "°F", "K"),
    ("true", "false", "null"),
    ("True", "False", "None"),
)


def _tokens(text: str) -> list[tuple[int, int]]:
    return [match.span() for match in _TOKEN.finditer(text)]


def _shape(token: str) -> str:
    """What kind of token it is: only a word may stand for a word."""
    return "number" if token[0].isdigit() else "word" if token[0].isalpha() or token[0] == "_" else "sign"


@dataclass(frozen=True)
class SpanSwap:
    """Exchange two spans.

    Attributes:
        name: As results name it.
        level: What the spans are.
        spans: Text to its spans, in order.
        reach: How many spans apart two may be; 1 for neighbours only.
    """

    name: str
    level: EditLevel
    spans: Callable[[str], list[tuple[int, int]]]
    reach: int = 3

    kind = EditKind.SWAP

    def candidates(self, text: str, rng: np.random.Generator) -> Iterator[Candidate]:
        """Exchange any two spans within reach."""
        spans = self.spans(text)
        for apart in range(1, self.reach + 1):
            for i in shuffled(rng, max(len(spans) - apart, 0)):
                yield exchange(self, text, spans[i], spans[i + apart])


@dataclass(frozen=True)
class TokenReplace:
    """Put another token of its kind in a token's place.

    The other is a member of its group, or another word, number or sign of the same text.

    Attributes:
        groups: Tokens that stand for each other: the signs of arithmetic, days of the week, units.
    """

    groups: tuple[tuple[str, ...], ...] = INTERCHANGEABLE

    name = "token replace"
    kind = EditKind.REPLACE
    level = EditLevel.TOKEN

    def candidates(self, text: str, rng: np.random.Generator) -> Iterator[Candidate]:
        """Replace each token by a few others."""
        tokens = _tokens(text)
        by_shape: dict[str, list[str]] = {}
        for token in dict.fromkeys(text[start:end] for start, end in tokens):
            by_shape.setdefault(_shape(token), []).append(token)
        for i in shuffled(rng, len(tokens)):
            start, end = tokens[i]
            token = text[start:end]
            # "°C" is two tokens to the pattern: the letter of a degree is replaced as one.
            degree = text[max(start - 1, 0) : end] if text[max(start - 1, 0)] == "°" else ""
            members = [m for group in self.groups if token in group for m in group if m != token]
            degrees = [m[-1] for group in self.groups if degree in group for m in group if m[0] == "°"]
            for others in (members or degrees, by_shape[_shape(token)]):
                for k in _few(rng, others):
                    yield splice(self, text, start, end, others[k])


@dataclass(frozen=True)
class TokenInsert:
    """Write a token of the text a second time, elsewhere."""

    name = "token insert"
    kind = EditKind.INSERT
    level = EditLevel.TOKEN

    def candidates(self, text: str, rng: np.random.Generator) -> Iterator[Candidate]:
        """Insert a few of the text's tokens before each of them, and at the end."""
        tokens = _tokens(text)
        known = list(dict.fromkeys(text[start:end] for start, end in tokens))
        places = [start for start, _ in tokens] + [len(text.rstrip())]
        for i in shuffled(rng, len(places)):
            at = places[i]
            for k in _few(rng, known):
                # Where words stand apart, so does the new one; signs and numbers of "a[0]" do not.
                apart = " " if _shape(known[k]) != "sign" else ""
                after = f"{apart}{known[k]}" if at == places[-1] else f"{known[k]}{apart}"
                yield splice(self, text, at, at, after)


@dataclass(frozen=True)
class TokenDelete:
    """Leave a token out, and one of the blanks around it."""

    name = "token delete"
    kind = EditKind.DELETE
    level = EditLevel.TOKEN

    def candidates(self, text: str, rng: np.random.Generator) -> Iterator[Candidate]:
        """Delete each token."""
        tokens = _tokens(text)
        for i in shuffled(rng, len(tokens)):
            start, end = tokens[i]
            first, last = start == 0, end == len(text)
            if (first or text[start - 1] == " ") and (last or text[end] == " "):
                start, end = (start, min(end + 1, len(text))) if first else (start - 1, end)
            yield splice(self, text, start, end, "")


def _few(rng: np.random.Generator, others: Sequence[str]) -> list[int]:
    count = min(_PER_PLACE, len(others))
    return [] if not count else rng.choice(len(others), size=count, replace=False, shuffle=True).tolist()


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
    kind: EditKind
    rewrite: Callable[[str, np.random.Generator], Iterator[str]]

    level = EditLevel.NUMBER

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


# A minus after a number, a word or a closing bracket is a subtraction or a hyphen, not a sign.
_SIGNABLE = re.compile(r"(?<![\w.)\]\-])(?<![\w)\]]\s)(-?)(?=\d)")


@dataclass(frozen=True)
class SignFlip:
    """Write a minus before a number, or take one away."""

    name = "sign flip"
    kind = EditKind.REPLACE
    level = EditLevel.NUMBER

    def candidates(self, text: str, rng: np.random.Generator) -> Iterator[Candidate]:
        """Flip the sign of each number that stands where one may have a sign."""
        places = [m.span(1) for m in _SIGNABLE.finditer(text)]
        for i in shuffled(rng, len(places)):
            start, end = places[i]
            yield splice(self, text, start, end, "" if end > start else "-")


# A comma inside a number (1,000) divides nothing.
_CLAUSE = re.compile(r"(?:[^,;\n]|(?<=\d),(?=\d{3}\b))+")


def _clauses(text: str) -> list[tuple[int, int]]:
    """Spans between separators, without brackets at the ends of the text and without white space."""
    first = len(text) - len(text.lstrip(" \t\r\n[({"))
    last = len(text.rstrip(" \t\r\n])}."))
    spans = []
    for match in _CLAUSE.finditer(text, first, max(first, last)):
        bare = match[0].strip()
        if bare:
            start = match.start() + match[0].index(bare)
            spans.append((start, start + len(bare)))
    return spans


@dataclass(frozen=True)
class ClauseDelete:
    """Leave a clause out, with the separator after it (the last one: before it)."""

    name = "clause delete"
    kind = EditKind.DELETE
    level = EditLevel.CLAUSE

    def candidates(self, text: str, rng: np.random.Generator) -> Iterator[Candidate]:
        """Delete each clause of several."""
        clauses = _clauses(text)
        for i in shuffled(rng, len(clauses) if len(clauses) > 1 else 0):
            start, end = clauses[i]
            if i + 1 < len(clauses):
                yield splice(self, text, start, clauses[i + 1][0], "")
            else:
                yield splice(self, text, clauses[i - 1][1], end, "")


@dataclass(frozen=True)
class ClauseInsert:
    """Write a clause twice: right after itself, with the separator that stands between two."""

    name = "clause insert"
    kind = EditKind.INSERT
    level = EditLevel.CLAUSE

    def candidates(self, text: str, rng: np.random.Generator) -> Iterator[Candidate]:
        """Double each clause of several."""
        clauses = _clauses(text)
        for i in shuffled(rng, len(clauses) if len(clauses) > 1 else 0):
            start, end = clauses[i]
            before = i if i + 1 < len(clauses) else i - 1
            separator = text[clauses[before][1] : clauses[before + 1][0]]
            yield splice(self, text, end, end, separator + text[start:end])


TOKEN_SWAP, TOKEN_REPLACE = SpanSwap("token swap", EditLevel.TOKEN, _tokens), TokenReplace()
TOKENS: tuple[Operator, ...] = (TOKEN_SWAP, TOKEN_REPLACE, TokenInsert(), TokenDelete())
NUMBERS: tuple[Operator, ...] = (
    NumberEdit("number nudge", EditKind.REPLACE, _nudged),
    NumberEdit("digit change", EditKind.REPLACE, _one_digit_changed),
    NumberEdit("digit swap", EditKind.SWAP, _two_digits_swapped),
    SignFlip(),
    NumberEdit("magnitude", EditKind.REPLACE, _ten_times_or_a_tenth),
)
CLAUSES: tuple[Operator, ...] = (
    SpanSwap("clause swap", EditLevel.CLAUSE, _clauses),
    ClauseInsert(),
    ClauseDelete(),
)
