"""Limits that keep a verifier quick on any text; beyond them it says that it does not know."""

from __future__ import annotations

import re
from fractions import Fraction

from negspace.perturbations.proof import Proof, unknown

__all__ = ["DECIMAL", "is_rounded", "number", "too_deep", "too_long"]

DECIMAL = r"(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?"
"""A number as written: digits, perhaps in groups of three, perhaps with decimals; no sign."""

_MOST_DIGITS = 100
_BRACKET = re.compile(r"[(\[{]|[)\]}]")


def too_long(text: str, most: int) -> Proof | None:
    """Refuse a text of more than ``most`` characters."""
    return unknown(f"longer than {most:,} characters") if len(text) > most else None


def too_deep(text: str, most: int) -> Proof | None:
    """Refuse brackets nested deeper than ``most``; one inside a string counts too."""
    depth = 0
    for bracket in _BRACKET.finditer(text):
        # Brackets that close nothing must not make room for more that open.
        depth = depth + 1 if bracket[0] in "([{" else max(depth - 1, 0)
        if depth > most:
            return unknown(f"nested deeper than {most}")
    return None


def number(written: str) -> Fraction | None:
    """Read a number exactly; None where it has too many digits to be meant."""
    digits = written.replace(",", "").replace("−", "-")
    return Fraction(digits) if len(digits) <= _MOST_DIGITS else None


def is_rounded(exact: Fraction, written: str) -> bool:
    """Whether a number as written is an exact value rounded to its decimals, and not the value itself.

    "1 / 3 = 0.33" is what people write for a true statement; it is neither proven nor refuted.
    """
    stated = number(written)
    unit = Fraction(1, 10 ** len(written.partition(".")[2]))
    return (
        stated is not None
        and stated != exact
        and (exact / unit).denominator > 1
        and (abs(exact - stated) <= unit / 2)
    )
