"""Edits of what any text has: words and signs, numbers, clauses."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise

import numpy as np

from negspace.perturbations.edits import (
    Change,
    EditKind,
    EditLevel,
    Operator,
    SpanOperator,
    exchange,
    shuffled,
)

_TOKEN = re.compile(r"\d+(?:\.\d+)?|\w+|<=|>=|==|!=|\*\*|//|[^\w\s]")
_PER_PLACE = 4
_NUMBER = re.compile(r"\d+(?:\.\d+)?")
_MOST_DIGITS = 100
"""Longer numbers are left alone: Python refuses to read integers of more than 4,300 digits."""
# A minus after a number, a word or a closing bracket is a subtraction or a hyphen, not a sign.
_SIGNABLE = re.compile(r"(?<![\w.)\]\-])(?<![\w)\]]\s)(-?)(?=\d)")
# A comma inside a number (1,000) divides nothing.
_CLAUSE = re.compile(r"(?:[^,;\n]|(?<=\d),(?=\d{3}\b))+")

_INTERCHANGEABLE: tuple[tuple[str, ...], ...] = (
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


def swaps(
    spans: Callable[[str], list[tuple[int, int]]], *, reach: int = 3
) -> Callable[[str, np.random.Generator], Iterator[Change]]:
    """Exchange any two spans that are at most ``reach`` apart."""

    def changes(text: str, rng: np.random.Generator) -> Iterator[Change]:
        places = spans(text)
        for apart in range(1, reach + 1):
            for one, other in shuffled(rng, list(zip(places, places[apart:], strict=False))):
                yield exchange(text, one, other)

    return changes


def _tokens(text: str) -> list[tuple[int, int]]:
    return [match.span() for match in _TOKEN.finditer(text)]


def _shape(token: str) -> str:
    """What kind of token it is: only a word may stand for a word."""
    return "number" if token[0].isdigit() else "word" if token[0].isalpha() or token[0] == "_" else "sign"


def _few(rng: np.random.Generator, others: Sequence[str]) -> list[int]:
    count = min(_PER_PLACE, len(others))
    return [] if not count else rng.choice(len(others), size=count, replace=False, shuffle=True).tolist()


def _replace_token(text: str, rng: np.random.Generator) -> Iterator[Change]:
    """Put a few other tokens in each one's place: members of its group, or others of its kind in the text."""
    tokens = _tokens(text)
    by_shape: dict[str, list[str]] = {}
    for token in dict.fromkeys(text[start:end] for start, end in tokens):
        by_shape.setdefault(_shape(token), []).append(token)
    for start, end in shuffled(rng, tokens):
        token = text[start:end]
        # "°C" is two tokens to the pattern: the letter of a degree is replaced as one.
        degree = text[max(start - 1, 0) : end] if text[max(start - 1, 0)] == "°" else ""
        members = [m for group in _INTERCHANGEABLE if token in group for m in group if m != token]
        degrees = [m[-1] for group in _INTERCHANGEABLE if degree in group for m in group if m[0] == "°"]
        for others in (members or degrees, by_shape[_shape(token)]):
            for k in _few(rng, others):
                yield start, end, others[k]


def _insert_token(text: str, rng: np.random.Generator) -> Iterator[Change]:
    """Insert a few of the text's tokens before each of them, and at the end."""
    tokens = _tokens(text)
    known = list(dict.fromkeys(text[start:end] for start, end in tokens))
    places = [start for start, _ in tokens] + [len(text.rstrip())]
    for at in shuffled(rng, places):
        for k in _few(rng, known):
            # Where words stand apart, so does the new one; signs and numbers of "a[0]" do not.
            apart = " " if _shape(known[k]) != "sign" else ""
            yield at, at, f"{apart}{known[k]}" if at == places[-1] else f"{known[k]}{apart}"


def _delete_token(text: str, rng: np.random.Generator) -> Iterator[Change]:
    """Leave each token out, and one of the blanks around it."""
    for start, end in shuffled(rng, _tokens(text)):
        first, last = start == 0, end == len(text)
        if (first or text[start - 1] == " ") and (last or text[end] == " "):
            yield (start, min(end + 1, len(text)), "") if first else (start - 1, end, "")
        else:
            yield start, end, ""


def _rewritten(
    rewrite: Callable[[str, np.random.Generator], Iterator[str]],
) -> Callable[[str, np.random.Generator], Iterator[Change]]:
    """Write each number (ASCII digits, perhaps a decimal point) in other ways."""

    def changes(text: str, rng: np.random.Generator) -> Iterator[Change]:
        numbers = [m.span() for m in _NUMBER.finditer(text) if m[0].isascii() and len(m[0]) <= _MOST_DIGITS]
        for start, end in shuffled(rng, numbers):
            for after in rewrite(text[start:end], rng):
                yield start, end, after

    return changes


def _nudged(number: str, rng: np.random.Generator) -> Iterator[str]:
    whole, point, decimals = number.partition(".")
    digits = whole + decimals
    for by in shuffled(rng, (1, -1)):
        value = int(digits) + by
        if value >= 0:
            nudged = str(value).zfill(len(digits))
            cut = len(nudged) - len(decimals)
            yield nudged[:cut] + point + nudged[cut:]


def _one_digit_changed(number: str, rng: np.random.Generator) -> Iterator[str]:
    for i in shuffled(rng, range(len(number))):
        if number[i] != ".":
            digit = (int(number[i]) + int(rng.integers(1, 10))) % 10
            yield f"{number[:i]}{digit}{number[i + 1 :]}"


def _two_digits_swapped(number: str, rng: np.random.Generator) -> Iterator[str]:
    places = [i for i, digit in enumerate(number) if digit != "."]
    for i, j in shuffled(rng, list(pairwise(places))):
        yield f"{number[:i]}{number[j]}{number[i + 1 : j]}{number[i]}{number[j + 1 :]}"


def _ten_times_or_a_tenth(number: str, rng: np.random.Generator) -> Iterator[str]:
    del rng
    whole, _, decimals = number.partition(".")
    yield f"{whole}{decimals[:1]}.{decimals[1:]}" if len(decimals) > 1 else f"{whole}{decimals or '0'}"
    if len(whole) > 1:
        yield f"{whole[:-1]}.{whole[-1]}{decimals}" if decimals or whole[-1] != "0" else whole[:-1]


def _flip_sign(text: str, rng: np.random.Generator) -> Iterator[Change]:
    """Write a minus before each number that may have a sign, or take it away."""
    for start, end in shuffled(rng, [m.span(1) for m in _SIGNABLE.finditer(text)]):
        yield start, end, "" if end > start else "-"


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


def _delete_clause(text: str, rng: np.random.Generator) -> Iterator[Change]:
    """Leave each clause out, with the separator after it (the last one: before it)."""
    clauses = _clauses(text)
    for i in shuffled(rng, range(len(clauses) if len(clauses) > 1 else 0)):
        start, end = clauses[i]
        yield (start, clauses[i + 1][0], "") if i + 1 < len(clauses) else (clauses[i - 1][1], end, "")


def _insert_clause(text: str, rng: np.random.Generator) -> Iterator[Change]:
    """Write each clause twice: right after itself, with the separator that stands between two."""
    clauses = _clauses(text)
    for i in shuffled(rng, range(len(clauses) if len(clauses) > 1 else 0)):
        start, end = clauses[i]
        before = i if i + 1 < len(clauses) else i - 1
        yield end, end, text[clauses[before][1] : clauses[before + 1][0]] + text[start:end]


TOKEN_SWAP = SpanOperator("token swap", EditKind.SWAP, EditLevel.TOKEN, swaps(_tokens))
TOKEN_REPLACE = SpanOperator("token replace", EditKind.REPLACE, EditLevel.TOKEN, _replace_token)
TOKENS: tuple[Operator, ...] = (
    TOKEN_SWAP,
    TOKEN_REPLACE,
    SpanOperator("token insert", EditKind.INSERT, EditLevel.TOKEN, _insert_token),
    SpanOperator("token delete", EditKind.DELETE, EditLevel.TOKEN, _delete_token),
)
NUMBERS: tuple[Operator, ...] = (
    SpanOperator("number nudge", EditKind.REPLACE, EditLevel.NUMBER, _rewritten(_nudged)),
    SpanOperator("digit change", EditKind.REPLACE, EditLevel.NUMBER, _rewritten(_one_digit_changed)),
    SpanOperator("digit swap", EditKind.SWAP, EditLevel.NUMBER, _rewritten(_two_digits_swapped)),
    SpanOperator("sign flip", EditKind.REPLACE, EditLevel.NUMBER, _flip_sign),
    SpanOperator("magnitude", EditKind.REPLACE, EditLevel.NUMBER, _rewritten(_ten_times_or_a_tenth)),
)
CLAUSES: tuple[Operator, ...] = (
    SpanOperator("clause swap", EditKind.SWAP, EditLevel.CLAUSE, swaps(_clauses)),
    SpanOperator("clause insert", EditKind.INSERT, EditLevel.CLAUSE, _insert_clause),
    SpanOperator("clause delete", EditKind.DELETE, EditLevel.CLAUSE, _delete_clause),
)
