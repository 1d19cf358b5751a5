"""The tokens of one fragment, fit to be coloured and read as text."""

from __future__ import annotations

import bisect
import itertools
from collections.abc import Sequence
from dataclasses import dataclass

from negspace.report.numbers import Summary, number, percent
from negspace.report.probe_views import measured

__all__ = ["STEPS", "Piece", "Token", "legend", "named", "tokens"]

# Of a weak model nearly all pressures lie near 1, of a strong one near 0: equal steps would be one colour.
STEPS = (0.1, 0.5, 0.8, 0.95, 0.99)
"""Where one colour of pressure ends and the next begins; the same on every page."""

_SIGNS = {"\n": "↵", "\t": "⇥"}


@dataclass(frozen=True)
class Piece:
    """A part of a token's text.

    Attributes:
        text: As it stands in the fragment.
        sign: Shown before it, where the text alone would be invisible.
    """

    text: str
    sign: str = ""


@dataclass(frozen=True)
class Token:
    """A token as the page shows it.

    Attributes:
        pieces: Its text, cut where a sign is needed.
        name: Its text on one line, for the sentence about it.
        step: Position of its colour, 0 the palest; None where no pressure was measured.
        predicted: Whether anything was; the first token of a fragment is only read.
        loss: In words.
        pressure: In words.
        competitors: The tokens pushed down most, and the probability of each in words.
    """

    pieces: tuple[Piece, ...]
    name: str
    step: int | None
    predicted: bool
    loss: str
    pressure: str
    competitors: tuple[tuple[str, str], ...]


def tokens(shown: Sequence[Summary]) -> list[Token]:
    """The tokens of a fragment.

    Args:
        shown: The part ``tokens`` of a chosen fragment.
    """
    return [_token(each) for each in shown]


def _token(token: Summary) -> Token:
    pressure = number(token["pressure"])
    return Token(
        pieces=_pieces(token["text"]),
        name=named(token["text"]),
        step=None if pressure is None else bisect.bisect_right(STEPS, pressure),
        predicted=pressure is not None or number(token["loss"]) is not None,
        loss=measured(token["loss"]),
        pressure=measured(pressure),
        competitors=tuple((named(text), percent(share)) for text, share in token["competitors"] or ()),
    )


def legend() -> list[tuple[int, str]]:
    """Each colour's position, and the pressures that have it."""
    ends = [f"{end:g}" for end in STEPS]
    said = [
        f"below {ends[0]}",
        *(f"{low} to {high}" for low, high in itertools.pairwise(ends)),
        f"{ends[-1]} and above",
    ]
    return list(enumerate(said))


def _pieces(text: str) -> tuple[Piece, ...]:
    """Line breaks and tabs get a sign and stay; a token of spaces alone, or of nothing, gets one too."""
    text = text.replace("\r\n", "\n")
    if not text:
        return (Piece("", "∅"),)
    if not text.strip(" \u00a0"):
        return (Piece(text, "␣"),)
    pieces: list[Piece] = []
    plain = ""
    for char in text:
        if char in _SIGNS:
            pieces += [Piece(plain)] if plain else []
            pieces.append(Piece(char, _SIGNS[char]))
            plain = ""
        else:
            plain += char
    return (*pieces, Piece(plain)) if plain else tuple(pieces)


def named(text: str) -> str:
    """A token on one line, its spaces and breaks as signs."""
    if not text:
        return "∅"
    text = text.replace("\r\n", "\n")
    return text.translate({ord(" "): "␣", **{ord(char): sign for char, sign in _SIGNS.items()}})
