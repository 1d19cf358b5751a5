"""Edits of words, numbers and signs."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from negspace.perturbations.edit import Candidate, Kind, Level, exchange, shuffled, splice

__all__ = ["INTERCHANGEABLE", "TokenDelete", "TokenInsert", "TokenReplace", "TokenSwap"]

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
class TokenSwap:
    """Exchange two tokens.

    Attributes:
        reach: How many tokens apart they may be; 1 for neighbours only.
    """

    reach: int = 3

    name = "token swap"
    kind = Kind.SWAP
    level = Level.TOKEN

    def candidates(self, text: str, rng: np.random.Generator) -> Iterator[Candidate]:
        """Exchange any two tokens within reach."""
        tokens = _tokens(text)
        for apart in range(1, self.reach + 1):
            for i in shuffled(rng, max(len(tokens) - apart, 0)):
                yield exchange(self, text, tokens[i], tokens[i + apart])


@dataclass(frozen=True)
class TokenReplace:
    """Put another token of its kind in a token's place.

    The other is a member of its group, or another word, number or sign of the same text.

    Attributes:
        groups: Tokens that stand for each other: the signs of arithmetic, days of the week, units.
    """

    groups: tuple[tuple[str, ...], ...] = INTERCHANGEABLE

    name = "token replace"
    kind = Kind.REPLACE
    level = Level.TOKEN

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
    kind = Kind.INSERT
    level = Level.TOKEN

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
    kind = Kind.DELETE
    level = Level.TOKEN

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
