"""The words of a verdict: each finding as a clause with its numbers."""

from __future__ import annotations

import math

from negspace.records import Interval

__all__ = [
    "UNDEFINED_ITEMS",
    "above",
    "lead",
    "no_spread",
    "outlook",
    "refuted",
    "tests",
    "too_few_seeds",
    "undecided",
    "undefined_seeds",
]

UNDEFINED_ITEMS = "its error from the test rows is undefined, so no interval can be given"


def lead(what: str, effect: float, interval: Interval) -> str:
    """Effect and interval, to begin a reason with."""
    return f"{what} is {effect:.3g}, {100 * interval.level:g} % CI [{interval.low:.3g}, {interval.high:.3g}]"


def tests(seeds: int, p_flip: float, adjusted: float, family: int) -> str:
    """The seeds and the sign-flip test, for the brackets."""
    text = f"{seeds} seeds, sign-flip p = {p_flip:.2g}"
    return text if family == 1 else f"{text}, {adjusted:.2g} after Holm over {family} hypotheses"


def above(margin: float) -> str:
    """Supported: the interval clears the margin."""
    if margin < 0:
        return f"it does not fall short by {-margin:.3g}"
    return f"it lies above the margin {margin:.3g}"


def refuted(interval: Interval, margin: float, p_equivalent: float) -> str:
    """Refuted, by where the interval lies."""
    if margin == 0:
        return "it lies below 0, the opposite of the claim"
    if margin < 0:
        return f"it falls short by more than {-margin:.3g}"
    if interval.high < -margin:
        return f"it lies below -{margin:.3g}, the opposite of the claim"
    if interval.high >= margin:
        return (
            f"the equivalence test puts it inside ±{margin:.3g}, too small to matter, p = {p_equivalent:.2g}"
        )
    if interval.low > -margin:
        return f"it lies inside ±{margin:.3g}, too small to matter"
    return f"it lies below the margin {margin:.3g}"


def undecided(interval: Interval, margin: float, skewed: bool, family: int) -> str:
    """Inconclusive, by what stood in the way."""
    if interval.low <= margin <= interval.high:
        return f"the interval holds the margin {margin:.3g}"
    side = "above" if interval.low > margin else "below"
    if skewed:
        doubt = "a few seeds lie far off the others, towards the margin"
    elif family > 1:
        doubt = "not after correction for the family"
    else:
        doubt = "the sign-flip test does not agree"
    return f"the interval lies {side} the margin {margin:.3g}, but {doubt}"


def outlook(mde: float, needed: int | None, *, has_item_error: bool) -> str:
    """What it would take to decide."""
    if math.isfinite(mde):
        detectable = f"a true effect of {mde:.3g} would come out supported with 80 % power"
    else:
        detectable = "no effect would come out supported with these seeds and test rows"
    if needed is not None:
        return f"{detectable}; about {needed} seeds would decide on an effect as large as seen"
    rows = "more seeds alone would not decide, it takes more test rows"
    return f"{detectable}; " + (rows if has_item_error else "no number of seeds tells it from the margin")


def too_few_seeds(seeds: int, min_seeds: int) -> str:
    """Fewer seeds than a verdict takes."""
    return f"a verdict takes {min_seeds} seeds and there are {seeds}: run {min_seeds - seeds} more"


def undefined_seeds(undefined: int, seeds: int) -> str:
    """Differences that are NaN or infinite."""
    return f"it is undefined (NaN or infinite) at {undefined} of {seeds} seeds, which a verdict may not drop"


def no_spread(seeds: int, value: float) -> str:
    """All differences are equal and the items add no error."""
    return (
        f"it is {value:.3g} at all {seeds} seeds and the test rows add no error: "
        "the seeds varied nothing the measure can see, and a width of zero is no evidence"
    )
