"""Statements about quantities ("5 km = 5000 m") by the exact definitions of units, and about dates.

Sources of the table: the SI brochure (9th edition, 2019) for metric units and those accepted beside them; the
international yard and pound agreement of 1959 (1 yd = 0.9144 m, 1 lb = 0.45359237 kg). Units that differ
between countries (pint, gallon, ton) are left out.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from fractions import Fraction

from negspace.perturbations.verifiers import (
    DECIMAL,
    VERIFIERS,
    Proof,
    TextVerifier,
    invalid,
    is_rounded,
    number,
    unknown,
    valid,
)


@dataclass(frozen=True)
class Unit:
    """A unit: a value in it, times ``factor`` plus ``offset``, is a value in the base unit."""

    measures: str  # what it is a unit of; only units of the same quantity compare
    factor: Fraction  # number of base units (metre, kilogram, second, litre, kelvin)
    offset: Fraction = Fraction(0)  # number of base units; other than 0 for temperatures only


_DEFINED: Mapping[str, tuple[tuple[str, str], ...]] = {
    "length": (
        ("mm millimetre millimetres millimeter millimeters", "0.001"),
        ("cm centimetre centimetres centimeter centimeters", "0.01"),
        ("m metre metres meter meters", "1"),
        ("km kilometre kilometres kilometer kilometers", "1000"),
        ("in inch inches", "0.0254"),
        ("ft foot feet", "0.3048"),
        ("yd yard yards", "0.9144"),
        ("mi mile miles", "1609.344"),
    ),
    "mass": (
        ("mg milligram milligrams", "0.000001"),
        ("g gram grams", "0.001"),
        ("kg kilogram kilograms", "1"),
        ("t tonne tonnes", "1000"),
        ("oz ounce ounces", "0.028349523125"),
        ("lb pound pounds", "0.45359237"),
    ),
    "time": (
        ("ms millisecond milliseconds", "0.001"),
        ("s second seconds", "1"),
        ("min minute minutes", "60"),
        ("h hour hours", "3600"),
        ("d day days", "86400"),
        ("week weeks", "604800"),
    ),
    "volume": (
        ("mL ml millilitre millilitres milliliter milliliters", "0.001"),
        ("cL cl centilitre centilitres centiliter centiliters", "0.01"),
        ("L l litre litres liter liters", "1"),
        ("m³ m^3", "1000"),
        ("cm³ cm^3", "0.001"),
    ),
}

UNITS: Mapping[str, Unit] = {
    name: Unit(measures, Fraction(factor))
    for measures, units in _DEFINED.items()
    for names, factor in units
    for name in names.split()
} | {
    "K": Unit("temperature", Fraction(1)),
    "°C": Unit("temperature", Fraction(1), Fraction("273.15")),
    "°F": Unit("temperature", Fraction(5, 9), Fraction("459.67") * Fraction(5, 9)),
}
"""By symbol or name; symbols as the SI writes them, names in lower case."""

_QUANTITY = rf"([-−]?{DECIMAL})\s*({'|'.join(map(re.escape, sorted(UNITS, key=len, reverse=True)))})"
_QUANTITY_CLAIM = re.compile(
    rf"{_QUANTITY}\s*(<=|>=|!=|[=<>≤≥≠]|equals|is equal to)\s*{_QUANTITY}\s*\.?", re.ASCII
)
_EQUALS = ("=", "equals", "is equal to")
_RELATIONS: Mapping[str, Callable[[Fraction, Fraction], bool]] = {
    **dict.fromkeys(_EQUALS, operator.eq),
    **dict.fromkeys(("!=", "≠"), operator.ne),
    **dict.fromkeys(("<=", "≤"), operator.le),
    **dict.fromkeys((">=", "≥"), operator.ge),
    "<": operator.lt,
    ">": operator.gt,
}


@VERIFIERS.register("units", summary="the two quantities compare as stated")
@dataclass(frozen=True)
class Units(TextVerifier):
    """Whether one quantity equals another, is more or is less, exactly.

    A text is one statement: number and unit, ``= != < > <= >=`` (or ``≤ ≥ ≠``, "equals", "is equal to"),
    number and unit; `UNITS` has the units. Quantities of different kinds are never equal, and which is more
    is not known. Unknown too: any other text, a temperature below absolute zero, and one side that is
    the other rounded ("5 mi = 8 km", "0.4 in = 1.017 cm").
    """

    name = "units"
    longest = 1_000

    def judge(self, text: str) -> Proof:
        """Judge a text that is not too long."""
        claim = _QUANTITY_CLAIM.fullmatch(text.strip())
        if claim is None:
            return unknown("not one statement about two quantities")
        one, one_unit, sign, other, other_unit = claim.groups()
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


_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_DATE = r"\d{4}-\d{2}-\d{2}"
_DATE_CLAIM = re.compile(
    rf"({_DATE})(?:\s+is\s+(?:"
    rf"an?\s+(?P<weekday>{'|'.join(_WEEKDAYS)})"
    rf"|(?:(?P<count>\d{{1,8}})\s+(?P<unit>days?|weeks?)\s+)?(?P<side>before|after)\s+({_DATE})"
    rf"|(?P<same>the\s+same\s+day\s+as)\s+({_DATE})))?\s*\.?",
    re.ASCII,
)
_ISO_DATE = re.compile(_DATE, re.ASCII)


@VERIFIERS.register("dates", summary="the statement about dates holds")
@dataclass(frozen=True)
class Dates(TextVerifier):
    """Whether a statement about dates (YYYY-MM-DD, Gregorian calendar) holds.

    A text is one statement: "D is a Thursday", "D is 5 days after D" (or weeks, or before), "D is before D",
    "D is the same day as D", or a date alone, which says that there is such a day. A statement about a day
    that does not exist is invalid. Unknown: any other text, and the year 0.
    """

    name = "dates"
    longest = 1_000

    def judge(self, text: str) -> Proof:
        """Judge a text that is not too long."""
        claim = _DATE_CLAIM.fullmatch(text.strip())
        if claim is None:
            return unknown("not one statement about dates")
        days: list[date] = []
        for written in _ISO_DATE.findall(text):
            if written.startswith("0000"):
                return unknown("the year 0")
            try:
                days.append(date.fromisoformat(written))
            except ValueError:
                return invalid(f"there is no day {written}")
        if len(days) == 1 and not claim["weekday"]:
            return valid(f"there is a day {days[0]}")
        if claim["weekday"]:
            fact = f"{days[0]} is a {_WEEKDAYS[days[0].weekday()]}"
            holds = fact.endswith(claim["weekday"])
        else:
            later = (days[0] - days[1]).days
            fact = f"{days[0]} is {abs(later)} days {'before' if later < 0 else 'after'} {days[1]}"
            sign = 1 if claim["side"] == "after" else -1
            if claim["same"]:
                holds = later == 0
            elif claim["count"] is None:
                holds = sign * later > 0
            else:
                holds = later == sign * int(claim["count"]) * (7 if claim["unit"].startswith("week") else 1)
        return valid(fact) if holds else invalid(fact)
