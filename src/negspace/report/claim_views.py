"""From the summary of a claim to what its page and the terminal say: plain data, numbers in words."""

from __future__ import annotations

import itertools
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from negspace.report.numbers import NONE, Summary, count, interval, mean_sd, number, percent, points
from negspace.report.views import OUTCOMES, seed_range

__all__ = [
    "FigureRow",
    "Group",
    "Headline",
    "Place",
    "PlanTables",
    "agreement",
    "compared",
    "curve_table",
    "differences",
    "diverged",
    "groups",
    "headline",
    "is_numeric",
    "outcomes",
    "parts_of",
    "plan_facts",
    "plan_tables",
    "published_effect",
    "quantity",
    "x_values",
]

Place: TypeAlias = int | float | str
"""Where a point of a curve stands: a number, or the name of a rung."""

_TABLED = ("arms", "hypotheses", "seeds")
_AGREES = {True: "yes", False: "no", None: ""}


@dataclass(frozen=True)
class FigureRow:
    """What one arm reached on one test.

    Attributes:
        arm: Its name.
        ours: Mean ± standard deviation over seeds, in per cent.
        interval: The 95 % interval in words; empty where there is none.
        n: Number of test rows in words.
        published: The published mean ± standard deviation; empty where there is none.
        agrees: ``yes`` where ours lies within two published standard deviations, ``no`` where it does not,
            empty where that cannot be said.
    """

    arm: str
    ours: str
    interval: str
    n: str
    published: str
    agrees: str


@dataclass(frozen=True)
class Group:
    """The figures of one measure on one test distribution.

    Attributes:
        title: What is measured on what.
        what: The test distribution in words; empty where the summary does not say.
        figures: The figures as the summary holds them, one an arm.
        rows: The same in words.
    """

    title: str
    what: str
    figures: tuple[Summary, ...]
    rows: tuple[FigureRow, ...]


@dataclass(frozen=True)
class Headline:
    """The effect that stands for a claim in the list of all: the first that has a published figure.

    Attributes:
        says: What is claimed.
        ours: Our effect with its sign, in points.
        interval: Its interval in words; empty where there is none.
        published: The published effect; a dash where there is none.
    """

    says: str
    ours: str
    interval: str
    published: str


def parts_of(summary: Summary, *, control: bool) -> list[Summary]:
    """The published parts, or the controls."""
    return [part for part in summary["parts"] if bool(part["control"]) is control]


def outcomes(parts: Sequence[Summary]) -> list[tuple[str, str, int]]:
    """How many hypotheses came out how: outcome, its name and the count, those that occur."""
    counted = Counter(hypothesis["verdict"] for part in parts for hypothesis in part["hypotheses"])
    return [(key, name, counted[key]) for key, name in OUTCOMES.items() if counted[key]]


def agreement(parts: Sequence[Summary]) -> tuple[int, int]:
    """Of the figures with a published mean and deviation: how many agree, and how many there are."""
    said = [figure["agrees"] for part in parts for figure in part["figures"] if figure["agrees"] is not None]
    return sum(map(bool, said)), len(said)


def headline(summary: Summary) -> Headline | None:
    """The first effect with a published figure, or the first of all; None without hypotheses."""
    published = parts_of(summary, control=False) or list(summary["parts"])
    hypotheses = [hypothesis for part in published for hypothesis in part["hypotheses"]]
    if not hypotheses:
        return None
    chosen = next((h for h in hypotheses if published_effect(h) is not None), hypotheses[0])
    return Headline(
        chosen["says"],
        points(chosen["delta"], signed=True),
        interval(chosen["ci"]),
        points(published_effect(chosen), signed=True),
    )


def published_effect(hypothesis: Summary) -> float | None:
    """The published effect, or None where none was published."""
    published = hypothesis["published"]
    return None if published is None else number(published["delta"])


def compared(hypothesis: Summary) -> str:
    """The arms of a hypothesis with mean ± standard deviation over seeds."""
    return ", ".join(f"{arm['name']} {mean_sd(arm['mean'], arm['sd'])}" for arm in hypothesis["arms"])


def differences(hypothesis: Summary) -> list[float | None]:
    """The effect at each seed: the arm's value, less that of the arm it is compared with."""
    values = [[number(value) for value in arm["per_seed"]] for arm in hypothesis["arms"]]
    if not values:
        return []
    if len(values) == 1:
        return values[0]
    pairs = zip(values[0], values[1], strict=False)
    return [None if a is None or b is None else a - b for a, b in pairs]


def groups(part: Summary) -> list[Group]:
    """A part's figures by measure and test distribution, in order of their first figure."""
    collected: dict[tuple[str, str], list[Summary]] = {}
    for figure in part["figures"]:
        collected.setdefault((figure["measure"], figure["test"]), []).append(figure)
    return [
        Group(
            measure if test in measure else f"{measure}, {test}",
            part["tests"].get(test, ""),
            tuple(figures),
            tuple(map(_figure_row, figures)),
        )
        for (measure, test), figures in collected.items()
    ]


def _figure_row(figure: Summary) -> FigureRow:
    published = figure["published"]
    return FigureRow(
        figure["arm"],
        mean_sd(figure["mean"], figure["sd"]),
        interval(figure["ci"]),
        count(figure["n"]),
        "" if published is None else mean_sd(published["mean"], published["sd"]),
        _AGREES[figure["agrees"]],
    )


def quantity(x: Place) -> str:
    """A place on a curve's axis: 1600 -> ``1,600``; a name as it is."""
    if isinstance(x, str):
        return x
    return count(int(x)) if float(x).is_integer() else f"{x:g}".replace("-", "−")


def x_values(curve: Summary) -> list[Place]:
    """All places of a curve: numbers ascending, names in order of first appearance."""
    points_of = itertools.chain(*(one["points"] for one in curve["series"]), curve["published"] or ())
    places = list(dict.fromkeys(point["x"] for point in points_of))
    if is_numeric(curve, places):
        return sorted(places)
    return places


def is_numeric(curve: Summary, places: Sequence[Place]) -> bool:
    """Whether the places of a curve stand on a scale; a ladder's are rungs, whatever they are called."""
    return curve["kind"] == "line" and not any(isinstance(x, str) for x in places)


def curve_table(curve: Summary) -> tuple[list[str], list[tuple[str, list[tuple[str, str]]]]]:
    """A curve in numbers: names of its columns; for each place its name, then means with intervals."""
    columns = [one["name"] for one in curve["series"]]
    found = [{point["x"]: point for point in one["points"]} for one in curve["series"]]
    published = {point["x"]: point for point in curve["published"] or ()}
    rows = []
    for x in x_values(curve):
        cells = [_cell(points_of.get(x)) for points_of in found]
        if published:
            cells.append(_cell(published.get(x)))
        rows.append((quantity(x), cells))
    return [*columns, *(["published"] if published else [])], rows


def _cell(point: Summary | None) -> tuple[str, str]:
    if point is None:
        return NONE, ""
    return percent(point["mean"]), interval([point.get("low"), point.get("high")])


def diverged(part: Summary) -> list[str]:
    """A sentence for each replica that was masked."""
    return [
        f"{one['arm']}, seed {one['seed']}: training diverged at step {count(one['step'])}; "
        "its figures are those of its last finite parameters"
        for one in part["diverged"]
    ]


def plan_facts(part: Summary) -> list[tuple[str, str]]:
    """The plan in lines: its hash, the seeds, and every setting that is no arm and no hypothesis."""
    plan: Mapping[str, Any] = part["plan"]
    facts = [("Hash of the plan", str(part["plan_hash"])), ("Seeds", seed_range(part["seeds"]))]
    facts += [
        (name.replace("_", " ").capitalize(), _setting(value))
        for name, value in plan.items()
        if name not in _TABLED
    ]
    common = _common(plan.get("arms", []))
    if common:
        facts.append(("All arms", _setting(common)))
    facts += [(f"Test {name}", said) for name, said in part["tests"].items()]
    return facts


@dataclass(frozen=True)
class PlanTables:
    """The plan's arms and hypotheses.

    Attributes:
        arms: Name of each arm, and the settings that it does not share with all others.
        hypotheses: Name, measure and arms, what the effect must be.
    """

    arms: tuple[tuple[str, str], ...]
    hypotheses: tuple[tuple[str, str, str], ...]


def plan_tables(part: Summary) -> PlanTables:
    """The arms and hypotheses of a plan, in words."""
    arms = part["plan"].get("arms", [])
    common = _common(arms)
    rows = tuple(
        (str(arm.get("name", NONE)), _setting({k: v for k, v in _settings(arm).items() if k not in common}))
        for arm in arms
    )
    return PlanTables(arms=rows, hypotheses=tuple(_hypothesis_rows(part)))


def _settings(arm: Mapping[str, Any]) -> dict[str, Any]:
    """An arm's settings with nested ones by their path: ``adam.lr``."""
    return dict(_flat({key: value for key, value in arm.items() if key != "name"}))


def _flat(settings: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in settings.items():
        if isinstance(value, Mapping) and value:
            yield from _flat(value, f"{path}{key}.")
        else:
            yield f"{path}{key}", value


def _common(arms: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The settings that two or more arms all share."""
    if len(arms) < 2:
        return {}
    first, *others = map(_settings, arms)
    missing = object()
    return {k: v for k, v in first.items() if all(arm.get(k, missing) == v for arm in others)}


def _hypothesis_rows(part: Summary) -> Iterator[tuple[str, str, str]]:
    for hypothesis in part["hypotheses"]:
        names = [arm["name"] for arm in hypothesis["arms"]]
        bound = "more than" if hypothesis["claim"] == "more" else "short by less than"
        asked = f"{bound} {points(hypothesis['margin'])}"
        yield hypothesis["name"], f"{hypothesis['measure']}: {' against '.join(names)}", asked


def _setting(value: Any) -> str:
    """A setting of the plan, read aloud: nested settings in brackets."""
    if isinstance(value, Mapping):
        return ", ".join(f"{key} = {_inner(inner)}" for key, inner in value.items())
    if isinstance(value, list | tuple):
        return "; ".join(_setting(inner) for inner in value) or NONE
    if isinstance(value, str):
        return value
    return json.dumps(value)


def _inner(value: Any) -> str:
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_inner, value))}]"
    said = _setting(value)
    return f"({said})" if isinstance(value, Mapping) and value else said or NONE
