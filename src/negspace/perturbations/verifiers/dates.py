"""Statements about dates: "2024-03-01 is 5 days after 2024-02-25"."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date

from negspace.perturbations.proof import Proof, TextVerifier, invalid, unknown, valid
from negspace.perturbations.verifiers import VERIFIERS

_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_DATE = r"\d{4}-\d{2}-\d{2}"
_CLAIM = re.compile(
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
        claim = _CLAIM.fullmatch(text.strip())
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
        return _judge(claim, days)


def _judge(claim: re.Match[str], days: list[date]) -> Proof:
    if claim["weekday"]:
        found = _WEEKDAYS[days[0].weekday()]
        return _said(found == claim["weekday"], f"{days[0]} is a {found}")
    if len(days) == 1:
        return valid(f"there is a day {days[0]}")
    later = (days[0] - days[1]).days
    fact = f"{days[0]} is {abs(later)} days {'before' if later < 0 else 'after'} {days[1]}"
    if claim["same"]:
        return _said(later == 0, fact)
    sign = 1 if claim["side"] == "after" else -1
    if claim["count"] is None:
        return _said(sign * later > 0, fact)
    length = 7 if claim["unit"].startswith("week") else 1
    return _said(later == sign * length * int(claim["count"]), fact)


def _said(holds: bool, fact: str) -> Proof:
    return valid(fact) if holds else invalid(fact)
