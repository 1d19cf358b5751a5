"""The page of a proof. The template escapes whatever it is given."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from negspace.report import proof_figures
from negspace.report.effect_strip import effect_strip
from negspace.report.environment import template
from negspace.report.numbers import NONE, Summary, bounds, count, percent
from negspace.report.views import seed_range

__all__ = ["SETS", "TONES", "proof_fragment", "render_proof", "split_rows"]

SETS: Mapping[str, str] = {"near_miss": "near misses", "easy": "easy rows"}
"""What is tested on, in the order of the page."""

TONES: Mapping[str, str] = {
    "superior": "supported",
    "worse": "refuted",
    "mixed": "inconclusive",
    "not shown": "inconclusive",
}
"""The outcome whose tone a conclusion takes."""

_PARTS: Mapping[str, str] = {
    "data": "the data (mean of the two lines below)",
    "data_default": "data, nobody tunes",
    "data_tuned": "data, both tuned",
    "search": "the search (mean of the two lines below)",
    "search_arm": "search, on the first arm",
    "search_reference": "search, on the other arm",
    "total": "data and search: first arm tuned, other arm not",
    "interaction": "interaction: both tuned less nobody tuned",
}


def render_proof(summary: Summary) -> str:
    """Write the page of a proof.

    Args:
        summary: What ``proof.json`` holds. Nothing else is read.

    Returns:
        A complete HTML document that asks for nothing outside itself. The same summary gives the same bytes.
    """
    tuning = summary["tuning"]
    return template("proof.html.j2").render(
        summary=summary,
        sets=SETS,
        tones=TONES,
        comparisons=[_comparison(each, f"c{place}") for place, each in enumerate(summary["comparisons"])],
        has_pairs=any(arm["pair_consistency"] is not None for arm in summary["arms"]),
        has_draws=any(arm["random_draws_as_good"] is not None for arm in summary["arms"]),
        curves=[
            (said, proof_figures.exchange_curve(summary, on, f"curve-{on}")) for on, said in SETS.items()
        ],
        fits=list(_fits(summary)),
        best=[]
        if tuning is None
        else [(said, proof_figures.best_of_curves(tuning, on, f"best-{on}")) for on, said in SETS.items()],
        splits=[] if tuning is None else [(split, split_rows(split)) for split in tuning["splits"]],
        seed_rows=_seed_rows(summary),
        facts=list(_facts(summary)),
    )


def proof_fragment(summary: Summary) -> str:
    """Write the short block that a notebook shows."""
    return template("proof_fragment.html.j2").render(summary=summary, tones=TONES)


def split_rows(split: Summary) -> list[tuple[str, str, list[Summary | None]]]:
    """Each part of a split: its key, what it is, and its estimate on each test set."""
    return [(key, said, [split[on][key] for on in SETS]) for key, said in _PARTS.items()]


def _comparison(comparison: Summary, name: str) -> dict[str, Any]:
    """A comparison with the drawing of each of its two verdicts."""
    cards = []
    for on in SETS:
        verdict = comparison[on]
        drawn = effect_strip(
            verdict["effect"],
            bounds(verdict["ci"]),
            verdict["margin"],
            f"{name}-{on}",
            no_less=verdict["claim"] == "no less",
            per_seed=verdict["per_seed"],
        )
        cards.append((verdict, drawn))
    return {"comparison": comparison, "cards": cards}


def _fits(summary: Summary) -> Iterator[tuple[str, str, Summary]]:
    for arm in summary["arms"]:
        for on, said in SETS.items():
            yield arm["name"], said, arm["exchange"][on]


def _seed_rows(summary: Summary) -> list[tuple[int, list[str]]]:
    columns = [arm[on]["per_seed"] for arm in summary["arms"] for on in SETS]
    return [
        (seed, [percent(column[place], 2) for column in columns])
        for place, seed in enumerate(summary["seeds"])
    ]


def _facts(summary: Summary) -> Iterator[tuple[str, str]]:
    data, reference = summary["data"], summary["reference"]
    for each in data["files"]:
        yield "Training file", f"{each['path']}, {count(each['rows'])} rows, SHA-256 {each['fingerprint']}"
    yield "Reference pool", f"{reference['path']}, {count(reference['rows'])} rows"
    yield "Test rows", f"{data['test']['path']}, {count(data['test']['rows'])} rows"
    if data["near_miss_file"] is not None:
        given = data["near_miss_file"]
        yield "Near-miss file", f"{given['path']}, {count(given['rows'])} rows"
    yield "Easy rows", count(data["easy_rows"])
    yield "Near misses", f"{count(data['near_miss_rows'])}, {data['near_miss_source']}"
    labels = data["labels"]
    yield "Labels", f"{count(len(labels))}: " + ", ".join(labels[:12]) + (", …" if len(labels) > 12 else "")
    settings = {key: value for key, value in summary["learner"].items() if key != "name"}
    yield "Learner", str(summary["learner"]["name"])
    yield "Settings", ", ".join(f"{key} = {value}" for key, value in settings.items()) or NONE
    yield "Seeds", seed_range(summary["seeds"])
    if summary["tuning"] is not None:
        yield "Trials", f"{summary['tuning']['study']} in {summary['tuning']['storage']}"
    yield "Hash of the plan", str(summary["plan_hash"])
    yield "negspace", str(summary["version"])
