"""What two verdicts say together: superior, worse, or not shown to be either."""

from __future__ import annotations

import math
from enum import StrEnum

from negspace.records import Outcome, Verdict

__all__ = ["Conclusion", "conclude", "in_words"]


class Conclusion(StrEnum):
    """How the first arm of a proof stands to another."""

    SUPERIOR = "superior"
    MIXED = "mixed"
    WORSE = "worse"
    NOT_SHOWN = "not shown"


def conclude(near_miss: Verdict, easy: Verdict) -> Conclusion:
    """Join the verdicts on near misses ("more") and on easy rows ("no less").

    *Superior*: both are supported. *Mixed*: more accurate on near misses, and shown to fall short on easy
    rows by the margin or more. *Worse*: one of the two is shown to be lower, and near misses not to be
    higher. *Not shown*: all else. Both claims must hold for "superior", so that it is false no more
    often than either.

    Args:
        near_miss: Verdict on "more accurate on near misses".
        easy: Verdict on "no less accurate on easy rows".
    """
    more = near_miss.outcome is Outcome.SUPPORTED
    short = easy.outcome is Outcome.REFUTED
    if more and easy.outcome is Outcome.SUPPORTED:
        return Conclusion.SUPERIOR
    if more and short:
        return Conclusion.MIXED
    if not more and (short or _lower(near_miss)):
        return Conclusion.WORSE
    return Conclusion.NOT_SHOWN


def in_words(conclusion: Conclusion, arm: str, versus: str, near_miss: Verdict, easy: Verdict) -> str:
    """One sentence with the two effects, in points.

    Args:
        conclusion: Of the two verdicts.
        arm: Name of the first arm.
        versus: Name of the other.
        near_miss: Verdict on near misses.
        easy: Verdict on easy rows.
    """
    head = {
        Conclusion.SUPERIOR: f"{arm} is superior to {versus}",
        Conclusion.MIXED: f"{arm} beats {versus} on near misses and loses to it on easy rows",
        Conclusion.WORSE: f"{arm} is worse than {versus}{_where(near_miss, easy)}",
        Conclusion.NOT_SHOWN: f"{arm} is not shown to be superior to {versus}, nor to be worse",
    }[conclusion]
    return f"{head}: {_effect(near_miss)} points on near misses, {_effect(easy)} on easy rows"


def _lower(verdict: Verdict) -> bool:
    """Whether the effect is shown to lie below 0 by the margin or more.

    Inside the margin the verdict is corrected for the family, and the interval that tells 0 is not.
    """
    return verdict.outcome is Outcome.REFUTED and verdict.interval.high < -verdict.margin


def _where(near_miss: Verdict, easy: Verdict) -> str:
    if _lower(near_miss) and easy.outcome is Outcome.REFUTED:
        return " on both tests"
    return " on near misses" if _lower(near_miss) else " on easy rows"


def _effect(verdict: Verdict) -> str:
    low, high = verdict.interval.low, verdict.interval.high
    interval = f" [{100 * low:.1f}, {100 * high:.1f}]" if math.isfinite(high - low) else ""
    return f"{100 * verdict.effect:+.1f}{interval}".replace("-", "−")
