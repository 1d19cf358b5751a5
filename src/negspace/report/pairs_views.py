"""What a page or a terminal says of an audit of minimal pairs: plain data, every number already in words."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from negspace.report import views
from negspace.report.numbers import NONE, Summary, count, interval, number, percent, points, share_of

__all__ = ["Paradigm", "estimate_of", "facts", "headlines", "is_of_pairs", "pairs", "paradigms", "seed_table"]

_PER_TOKEN = "near_miss_per_token"  # noqa: S105  (no password)


@dataclass(frozen=True)
class Paradigm:
    """One paradigm's figures in words; each with its interval, empty where there is none.

    Attributes:
        name: As the data have it.
        pairs: How many.
        near: Accuracy on its minimal pairs.
        per_token: The same by log-probability per token.
        easy: Accuracy against shuffled words.
        gap: ``easy`` less ``near``.
        margin: Mean difference of log-probabilities.
        pressure: 1 - P of the good token where the sentences part.
        bad_token: P of the bad token there.
        rank: Median rank of the good token there.
    """

    name: str
    pairs: str
    near: tuple[str, str]
    per_token: tuple[str, str]
    easy: tuple[str, str]
    gap: tuple[str, str]
    margin: tuple[str, str]
    pressure: tuple[str, str]
    bad_token: tuple[str, str]
    rank: str


def is_of_pairs(summary: Summary) -> bool:
    """Whether a summary is of an audit of minimal pairs."""
    return "paradigms" in summary


def headlines(summary: Summary) -> list[views.Figure]:
    """Easy, near misses, gap and near misses per token, with intervals, counts and what each says."""
    no_twin = "no sentence has words that could be shuffled"
    shown = (
        ("easy", "Easy", "good sentence above its own words shuffled"),
        ("near_miss", "Near misses", "good sentence above the bad one"),
        ("gap", "Near-miss gap", "easy minus near-miss accuracy"),
        (_PER_TOKEN, "Near misses per token", "by log-probability per token, which spares long sentences"),
    )
    return [_figure(key, name, estimate_of(summary, key), note, no_twin) for key, name, note in shown]


def estimate_of(summary: Summary, key: str) -> Summary | None:
    """The estimate behind a headline figure."""
    found: Summary | None = summary["per_token"]["near_miss"] if key == _PER_TOKEN else summary[key]
    return found


def _figure(key: str, name: str, estimate: Summary | None, note: str, why: str) -> views.Figure:
    if estimate is None:
        return views.Figure(key, name, NONE, "", "", "", f"Not measured: {why}.", missing=True)
    mean = estimate["mean"]
    value, _, unit = points(mean).partition("\u00a0") if key == "gap" else (percent(mean), "", "")
    n = f"{count(estimate['n'])} choices"
    return views.Figure(key, name, value, unit, interval(estimate["ci"]), n, note, missing=False)


def paradigms(summary: Summary) -> list[Paradigm]:
    """All paradigms, the least accurate first."""
    found = sorted(summary["paradigms"], key=lambda each: each["near_miss"]["mean"])
    return [
        Paradigm(
            each["name"],
            count(each["pairs"]),
            _share(each["near_miss"]),
            _share(each["near_miss_per_token"]),
            _share(each["easy"]),
            _points(each["gap"]),
            _decimal(each["margin"], 2),
            _decimal(each["pressure"], 3),
            _decimal(each["bad_token"], 4),
            NONE if each["median_rank"] is None else f"{each['median_rank']:,.0f}",
        )
        for each in found
    ]


def _share(estimate: Summary | None) -> tuple[str, str]:
    return (NONE, "") if estimate is None else (percent(estimate["mean"]), interval(estimate["ci"]))


def _points(estimate: Summary | None) -> tuple[str, str]:
    if estimate is None:
        return NONE, ""
    return points(estimate["mean"]).partition("\u00a0")[0], interval(estimate["ci"])


def _decimal(estimate: Summary | None, digits: int) -> tuple[str, str]:
    if estimate is None:
        return NONE, ""
    value, ends = f"{estimate['mean']:.{digits}f}", [number(end) for end in estimate["ci"]]
    said = "" if None in ends else " to ".join(f"{end:.{digits}f}" for end in ends)
    return value.replace("-", "−"), said.replace("-", "−")


def pairs(summary: Summary) -> list[dict[str, Any]]:
    """The worst pairs, compared word by word, each with what the model made of it."""
    seeds = len(summary["seeds"])
    shown = []
    for pair, compared in zip(summary["pairs"], views.pairs(summary), strict=True):
        said = [
            f"preferred by {share_of(pair['right'], seeds)}" if seeds > 1 else "",
            f"margin {pair['margin']:.2f} nats".replace("-", "−"),
        ]
        if pair["pressure"] is not None:
            said.append(f"pressure {pair['pressure']:.3f}")
        shown.append(
            {
                "paradigm": pair["paradigm"],
                "line": pair["line"],
                "compared": compared,
                "said": " · ".join(part for part in said if part),
                "parted": pair["parted"],
            }
        )
    return shown


def seed_table(summary: Summary) -> tuple[list[str], list[tuple[int, list[str]]]]:
    """Every seed's numbers: the column names, and for each seed its values in words."""
    columns = {
        "easy": summary["easy"],
        "near misses": summary["near_miss"],
        "gap": summary["gap"],
        "both": summary["pair_consistency"],
        "easy per token": summary["per_token"]["easy"],
        "near misses per token": summary["per_token"]["near_miss"],
        **{each["name"]: each["near_miss"] for each in summary["paradigms"]},
    }
    known = {name: estimate["per_seed"] for name, estimate in columns.items() if estimate is not None}
    rows = [
        (seed, [NONE if v[i] is None else f"{100 * v[i]:.2f}".replace("-", "−") for v in known.values()])
        for i, seed in enumerate(summary["seeds"])
    ]
    return list(known), rows


def facts(summary: Summary) -> list[tuple[str, str]]:
    """What was audited and with which settings: name and value."""
    return [(name, value) for name, value in _facts(summary) if value]


def _facts(summary: Summary) -> Iterator[tuple[str, str]]:
    data = summary["data"]
    yield "Pairs", f"{data['path']}, {count(data['rows'])} of {count(len(summary['paradigms']))} paradigms"
    named = [f"{role}: {name}" for role, name in data["columns"].items() if name is not None]
    yield "Columns", ", ".join(named)
    settings = {key: value for key, value in summary["learner"].items() if key != "name"}
    yield "Learner", str(summary["learner"]["name"])
    yield "Settings", ", ".join(f"{key} = {value}" for key, value in settings.items())
    yield "Seeds", views.seed_range(summary["seeds"])
    yield "Fingerprint of the data", str(data["fingerprint"])
    yield "Hash of the plan", str(summary["plan_hash"])
    yield "negspace", str(summary["version"])
