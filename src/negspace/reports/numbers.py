"""How numbers are written in reports: accuracies in per cent, differences in points."""

from __future__ import annotations

import math
from collections.abc import Sequence

NONE = "–"
_SPACE = "\u00a0"
_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def number(value: float | None) -> float | None:
    """The value, or None where it is missing or not finite."""
    return None if value is None or not math.isfinite(value) else float(value)


def bounds(ci: Sequence[float | None] | None) -> tuple[float, float] | None:
    """Both ends of an interval, or None where one of them is missing."""
    if ci is None or len(ci) != 2:
        return None
    low, high = number(ci[0]), number(ci[1])
    return None if low is None or high is None else (low, high)


def limits(
    values: Sequence[float | None], spans: Sequence[tuple[float, float] | None] = (), *, least: float = 0.0
) -> tuple[float, float] | None:
    """Where an axis begins and ends so that all values are on it; None where there is none.

    Of the intervals (``spans``) only what lies between ``least`` and 1, where shares lie, or among the
    values: the interval of two seeds can be many times as wide, and the dots would be a heap.
    """
    shown = [value for value in map(number, values) if value is not None]
    if not shown:
        return None
    low, high = min(least, *shown), max(1.0, *shown)
    shown += [min(max(end, low), high) for span in spans for end in span or ()]
    return min(shown), max(shown)


def measured(value: float | None) -> str:
    """Three significant digits, for any unit: ``4.10``, ``0.0312``, ``1,024``, ``2.1 × 10⁻⁶``."""
    value = number(value)
    if value is None:
        return NONE
    size = abs(value)
    if not size:
        return "0"
    if 999.5 <= size < 1e6:
        said = f"{value:,.0f}"
    elif 1e-3 <= size < 1e6:
        said = f"{value:#.3g}".removesuffix(".")
    else:
        mantissa, _, power = f"{value:.1e}".partition("e")
        said = f"{mantissa}{_SPACE}×{_SPACE}10{str(int(power)).translate(_RAISED)}"
    return said.replace("-", "−")


def percent(value: float | None, digits: int = 1) -> str:
    """0.5432 -> ``54.3 %``."""
    value = number(value)
    return NONE if value is None else f"{_minus(100 * value, digits)}{_SPACE}%"


def points(value: float | None, *, signed: bool = False) -> str:
    """A difference of two shares, in percentage points: 0.326 -> ``32.6 points``."""
    value = number(value)
    return NONE if value is None else f"{_minus(100 * value, 1, signed=signed)}{_SPACE}points"


def interval(ci: Sequence[float | None] | None) -> str:
    """[0.512, 0.574] -> ``51.2 to 57.4``; empty where there is none."""
    ends = bounds(ci)
    return "" if ends is None else " to ".join(_minus(100 * end, 1) for end in ends)


def mean_sd(mean: float | None, sd: float | None) -> str:
    """A mean and its spread over seeds, in per cent without the sign: 0.853, 0.07 -> ``85.3 ± 7.0``."""
    mean, sd = number(mean), number(sd)
    if mean is None:
        return NONE
    return _minus(100 * mean, 1) + ("" if sd is None else f"{_SPACE}±{_SPACE}{_minus(100 * sd, 1)}")


def count(value: int | None) -> str:
    """12345 -> ``12,345``."""
    return NONE if value is None else f"{value:,}"


def sentence(text: str) -> str:
    """Begin with a capital and end with a full stop, whatever the writer did."""
    text = text.strip().replace(" %", f"{_SPACE}%")
    return text if not text else text[0].upper() + text[1:] + ("" if text[-1] in ".!?…" else ".")


def share_of(right: float, seeds: int) -> str:
    """A share of seeds as a count of them: 0.15 of 20 -> ``3 of 20 seeds``."""
    return f"{round(right * seeds)} of {seeds} seed{'' if seeds == 1 else 's'}"


def plural(n: int, noun: str) -> str:
    """1 -> ``1 seed``; 20 -> ``20 seeds``."""
    return f"{count(n)} {noun}{'' if n == 1 else 's'}"


def seed_range(seeds: Sequence[int]) -> str:
    """How many seeds and which: ``20: 0 to 19``."""
    if len(seeds) > 2 and list(seeds) == list(range(seeds[0], seeds[-1] + 1)):
        return f"{len(seeds)}: {seeds[0]} to {seeds[-1]}"
    return f"{len(seeds)}: " + ", ".join(str(seed) for seed in seeds)


def file_name(path: str) -> str:
    """The last part of a path, which is what a reader knows it by."""
    return path.replace("\\", "/").rstrip("/").rpartition("/")[2] or path


def _minus(value: float, digits: int, *, signed: bool = False) -> str:
    text = f"{value:+.{digits}f}" if signed else f"{value:.{digits}f}"
    if not float(text):
        text = text.lstrip("+-")
    return text.replace("-", "−")
