"""Statements about quantities: "5 km = 5000 m"."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction

from negspace.perturbations.proof import Proof, invalid, unknown, valid
from negspace.perturbations.verifiers.limits import DECIMAL, is_rounded, number, too_long
from negspace.perturbations.verifiers.unit_table import UNITS
from negspace.records import Json

__all__ = ["Units"]

_LONGEST_TEXT = 1_000
_QUANTITY = rf"([-−]?{DECIMAL})\s*({'|'.join(map(re.escape, sorted(UNITS, key=len, reverse=True)))})"
_CLAIM = re.compile(rf"{_QUANTITY}\s*(<=|>=|!=|[=<>≤≥≠]|equals|is equal to)\s*{_QUANTITY}\s*\.?", re.ASCII)
_EQUALS = ("=", "equals", "is equal to")
_RELATIONS: Mapping[str, Callable[[Fraction, Fraction], bool]] = {
    **dict.fromkeys(_EQUALS, operator.eq),
    **dict.fromkeys(("!=", "≠"), operator.ne),
    **dict.fromkeys(("<=", "≤"), operator.le),
    **dict.fromkeys((">=", "≥"), operator.ge),
    "<": operator.lt,
    ">": operator.gt,
}


@dataclass(frozen=True)
class Units:
    """Whether one quantity equals another, is more or is less, exactly.

    A text is one statement: number and unit, ``= != < > <= >=`` (or ``≤ ≥ ≠``, "equals", "is equal to"),
    number and unit; `UNITS` has the units. Quantities of different kinds are never equal, and which is more
    is not known. Unknown too: any other text, a temperature below absolute zero, and one side that is
    the other rounded ("5 mi = 8 km", "0.4 in = 1.017 cm").
    """

    name = "units"

    def describe(self) -> Mapping[str, Json]:
        """What identifies the verifier."""
        return {"verifier": self.name}

    def __call__(self, text: str) -> Proof:
        """Judge a text."""
        if (refused := too_long(text, _LONGEST_TEXT)) is not None:
            return refused
        claim = _CLAIM.fullmatch(text.strip())
        if claim is None:
            return unknown("not one statement about two quantities")
        one, one_unit, sign, other, other_unit = claim.groups()
        return _compare(one, one_unit, sign, other, other_unit)


def _compare(one: str, one_unit: str, sign: str, other: str, other_unit: str) -> Proof:
    left, right = UNITS[one_unit], UNITS[other_unit]
    counts = number(one), number(other)
    if counts[0] is None or counts[1] is None:
        return unknown("a number with too many digits")
    shown = f"{one} {one_unit} {sign} {other} {other_unit}"
    if left.measures != right.measures:
        if sign in _EQUALS:
            return invalid(f"{one_unit} is a unit of {left.measures}, {other_unit} of {right.measures}")
        return unknown(f"{one_unit} and {other_unit} do not compare")
    base = counts[0] * left.factor + left.offset, counts[1] * right.factor + right.offset
    if left.measures == "temperature" and min(base) < 0:
        return unknown("a temperature below absolute zero")
    if _RELATIONS[sign](*base):
        return valid(f"{shown} holds")
    exact = (base[0] - right.offset) / right.factor
    exact_left = (base[1] - left.offset) / left.factor
    # Which side was measured and which reckoned from it, the text does not say.
    if sign in _EQUALS and (is_rounded(exact, other) or is_rounded(exact_left, one)):
        return unknown(f"{shown} holds when rounded")
    return invalid(f"{shown} does not hold: {one} {one_unit} is {float(exact):.10g} {other_unit}")
