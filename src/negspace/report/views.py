"""From a summary to what a page or a terminal says: plain data, every number already in words."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from negspace.report.numbers import NONE, Summary, count, interval, number, percent, points, share_of
from negspace.report.words import Block, abridge, clip, visible, word_diff

__all__ = [
    "ANSWERS",
    "OUTCOMES",
    "ROLES",
    "SOURCES",
    "Figure",
    "Pair",
    "facts",
    "headlines",
    "measures",
    "pairs",
    "role_rows",
    "seed_range",
    "seed_table",
    "title_of",
]

OUTCOMES: Mapping[str, str] = {
    "supported": "Supported",
    "refuted": "Refuted",
    "inconclusive": "Inconclusive",
}
# The same as an answer to the question that stands above it: "supported" alone could be read as praise.
ANSWERS: Mapping[str, str] = {
    "supported": "Supported: yes",
    "refuted": "Refuted: no",
    "inconclusive": "Inconclusive",
}
SOURCES: Mapping[str, str] = {
    "given": "the contrast set that was given",
    "group": "test rows of one group with different labels",
    "mined": "nearest held-out rows of another label, found by negspace",
}
ROLES: Mapping[str, str] = {
    "boundary": "has a near miss of another label in the set, and so shows where the labels part",
    "redundant": "has near-duplicates of its own label and no near miss, and so says little new",
    "suspect": "is likely mislabelled: models that never saw it disagree with its label",
    "plain": "is none of these",
}
_LONGEST_TEXT = 20_000


@dataclass(frozen=True)
class Figure:
    """One headline figure.

    Attributes:
        key: Its key in the summary.
        name: What it is called.
        value: The mean over seeds in words; ``–`` where there is none.
        unit: Its unit where that is not the per cent sign.
        interval: The 95 % interval in words; empty where there is none.
        n: Number of test rows (or pairs) in words; empty where there is none.
        note: What it says, or why there is none.
        missing: True where there is no number.
    """

    key: str
    name: str
    value: str
    unit: str
    interval: str
    n: str
    note: str
    missing: bool


@dataclass(frozen=True)
class Pair:
    """Two near-miss texts side by side.

    Attributes:
        sides: Label and how often it was predicted, of the left and the right text.
        distance: Cosine distance in words.
        short: The texts abridged around their differences.
        full: The texts whole (at most 20,000 characters of each), or None where ``short`` is whole.
    """

    sides: tuple[tuple[str, str], tuple[str, str]]
    distance: str
    short: tuple[Block, ...]
    full: tuple[Block, ...] | None


def title_of(summary: Summary) -> str:
    """The last part of the data's path, which is what a reader knows it by."""
    path = str(summary["data"]["path"])
    return path.replace("\\", "/").rstrip("/").rpartition("/")[2] or path


def headlines(summary: Summary) -> list[Figure]:
    """Easy, near-miss, gap and pair consistency, with intervals, counts and what each says."""
    near = summary["near_miss"]
    source = SOURCES.get(near["source"], near["source"]) if near else ""
    near_why = "the test rows hold no near misses"
    easy_why = "every test row has a near miss, so there is nothing easy to compare with"
    if near is None:
        easy_why = "there are no test rows to measure it on"
    no_gap = easy_why if summary["easy"] is None else near_why
    return [
        _figure(summary, "easy", "Easy", "right on test rows far from the boundary", easy_why),
        _figure(summary, "near_miss", "Near misses", f"right on {source}", near_why),
        _figure(summary, "gap", "Near-miss gap", "easy minus near-miss accuracy", no_gap),
        _figure(summary, "pair_consistency", "Pair consistency", "both sides of a pair right", near_why),
    ]


def _figure(summary: Summary, key: str, name: str, note: str, why: str) -> Figure:
    estimate = summary[key]
    mean = None if estimate is None else number(estimate["mean"])
    if estimate is None or mean is None:
        return Figure(key, name, NONE, "", "", "", f"Not measured: {why}.", missing=True)
    value, _, unit = points(mean).partition("\u00a0") if key == "gap" else (percent(mean), "", "")
    counted = "pairs" if key == "pair_consistency" else "rows"
    n = f"{count(estimate['n'])} {counted}"
    return Figure(key, name, value, unit, interval(estimate["ci"]), n, note, missing=False)


def measures(summary: Summary) -> list[tuple[str, str, str, str]]:
    """What else was measured on near misses: name, value, interval, what it means."""
    calibration, f1 = summary["calibration"], summary["macro_f1"]
    named = (
        (
            "Mean confidence",
            calibration["confidence"],
            "how sure the model is of its answers, right or wrong",
        ),
        ("Calibration error", calibration["ece"], "how far confidence and accuracy part (0 is best)"),
        ("Brier score", calibration["brier"], "squared error of the probabilities (0 is best)"),
        ("Macro-F1, easy", f1["easy"], "F1 averaged over labels, as they are unbalanced"),
        ("Macro-F1, near misses", f1["near_miss"], "the same, on near misses"),
    )
    rows = []
    for name, estimate, meaning in named:
        if estimate is not None and number(estimate["mean"]) is not None:
            as_share = name == "Mean confidence"
            value = percent(estimate["mean"]) if as_share else f"{estimate['mean']:.3f}"
            ends = interval(estimate["ci"]) if as_share else _thousandths(estimate["ci"])
            rows.append((name, value, ends, meaning))
    return rows


def _thousandths(ci: Sequence[float | None]) -> str:
    return " to ".join(f"{end:.3f}" for end in ci if end is not None) if interval(ci) else ""


def pairs(summary: Summary) -> list[Pair]:
    """The worst near-miss pairs, compared word by word."""
    seeds = len(summary["seeds"])
    shown = []
    for pair in summary["pairs"]:
        left, right = _bounded(pair["text"]), _bounded(pair["other_text"])
        full = word_diff(left, right)
        short = abridge(full)
        whole = not any(block.kind == "cut" for block in short)
        sides = (
            (pair["label"], share_of(pair["right"], seeds)),
            (pair["other_label"], share_of(pair["other_right"], seeds)),
        )
        shown.append(Pair(sides, _distance(pair["distance"]), short, None if whole else full))
    return shown


def _bounded(text: str) -> str:
    rest = len(text) - _LONGEST_TEXT
    # Named before comparing: an invisible character may be the whole difference.
    return visible(text if rest <= 0 else f"{text[:_LONGEST_TEXT]} … ({count(rest)} more characters)")


def _distance(value: float | None) -> str:
    value = number(value)
    return "" if value is None else f"{value:.2f}"


def role_rows(summary: Summary) -> list[dict[str, Any]]:
    """Each role with its count, share of the rows in per cent, meaning and examples."""
    roles = summary["roles"]
    total = sum(roles.values()) or 1
    return [
        {
            "role": role,
            "count": roles[role],
            "share": 100 * roles[role] / total,
            "meaning": ROLES.get(role, ""),
            "examples": [_example(example) for example in summary["role_examples"].get(role, [])],
        }
        for role in [*ROLES, *(role for role in roles if role not in ROLES)]
        if role in roles
    ]


def _example(example: Mapping[str, Any]) -> dict[str, Any]:
    text, other = _bounded(example["text"]), example["neighbour_text"]
    blocks = None
    if other is not None:
        blocks = abridge(word_diff(text, _bounded(other)), context=6, longest=16, most=48, short=36)
    return {
        "line": example["line"],
        "label": example["label"],
        "reason": example["reason"],
        "text": clip(text),
        "other_label": example["neighbour_label"],
        "distance": _distance(example["distance"]),
        "blocks": blocks,
    }


def seed_table(summary: Summary) -> tuple[list[str], list[tuple[int, list[str]]]]:
    """Every seed's numbers: the column names, and for each seed its values in words."""
    calibration, f1 = summary["calibration"], summary["macro_f1"]
    candidates = {
        "easy": summary["easy"],
        "near misses": summary["near_miss"],
        "gap": summary["gap"],
        "pair consistency": summary["pair_consistency"],
        "confidence": calibration["confidence"],
        "calibration error": calibration["ece"],
        "Brier score": calibration["brier"],
        "macro-F1 easy": f1["easy"],
        "macro-F1 near misses": f1["near_miss"],
    }
    columns = {name: estimate["per_seed"] for name, estimate in candidates.items() if estimate is not None}
    rows = itertools.zip_longest(summary["seeds"], *columns.values())
    return list(columns), [(seed, [_hundredths(value) for value in values]) for seed, *values in rows]


def _hundredths(value: float | None) -> str:
    value = number(value)
    return NONE if value is None else f"{100 * value:.2f}".replace("-", "−")


def facts(summary: Summary) -> list[tuple[str, str]]:
    """What was audited and with which settings: name and value."""
    return [(name, value) for name, value in _facts(summary) if value]


def _facts(summary: Summary) -> Iterator[tuple[str, str]]:
    data, test = summary["data"], summary["data"]["test"]
    yield "Training data", f"{data['path']}, {count(data['rows'])} rows"
    yield (
        "Columns",
        ", ".join(f"{role}: {name}" for role, name in data["columns"].items() if name is not None),
    )
    yield "Labels", _labels(data["labels"])
    if data["groups"] is not None:
        source = "found as near-duplicates" if data["groups_source"] == "found" else "given"
        yield "Groups", f"{count(data['groups'])}, {source}"
    yield "Test rows", f"{count(test['rows'])}, {test['how']}" + (f": {test['path']}" if test["path"] else "")
    if data["near_miss_file"] is not None:
        given = data["near_miss_file"]
        yield "Near-miss file", f"{given['path']}, {count(given['rows'])} rows"
    settings = {key: value for key, value in summary["learner"].items() if key != "name"}
    yield "Learner", str(summary["learner"]["name"])
    yield "Settings", ", ".join(f"{key} = {value}" for key, value in settings.items())
    yield "Seeds", seed_range(summary["seeds"])
    yield "Fingerprint of the data", str(data["fingerprint"])
    yield "Hash of the plan", str(summary["plan_hash"])
    yield "negspace", str(summary["version"])


def _labels(labels: Mapping[str, int], most: int = 12) -> str:
    named = sorted(labels.items(), key=lambda item: (-item[1], item[0]))
    said = ", ".join(f"{label} ({count(n)})" for label, n in named[:most])
    return said + (f" and {len(named) - most} more" if len(named) > most else "")


def seed_range(seeds: Sequence[int]) -> str:
    """How many seeds and which: ``20: 0 to 19``."""
    if len(seeds) > 2 and list(seeds) == list(range(seeds[0], seeds[-1] + 1)):
        return f"{len(seeds)}: {seeds[0]} to {seeds[-1]}"
    return f"{len(seeds)}: " + ", ".join(str(seed) for seed in seeds)
