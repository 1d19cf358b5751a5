"""Small planted data, and a realistic audit as plain data with what is shown of it."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Mapping
from types import SimpleNamespace, UnionType
from typing import Any, get_args, get_origin, get_type_hints

import numpy as np
import pytest
from markupsafe import Markup
from rich.console import RenderableType

from negspace.audits import AuditFindings, audit_report, chance, curve_chart, scatter_chart
from negspace.demo import comparison_report, tickets
from negspace.reports.blocks import Chart, Verdict
from negspace.reports.html import render_notebook, render_page
from negspace.reports.terminal import brief_report

Rows = list[dict[str, object]]
Summary = dict[str, Any]


@pytest.fixture
def ordinary() -> Callable[..., Rows]:
    """Tickets whose mood gives the label away; ``seed`` draws others."""

    def draw(count: int, seed: int = 0) -> Rows:
        rng = np.random.default_rng(seed)
        drawn = (tickets.ordinary(rng, tickets.LABELS[i % 2]) for i in range(count))
        return [{"text": ticket.text, "label": ticket.label} for ticket in drawn]

    return draw


@pytest.fixture
def pairs() -> Callable[..., Rows]:
    """Tickets, each followed by its near miss, with the number of the pair."""

    def draw(count: int, seed: int = 100) -> Rows:
        drawn = tickets.written_pairs(np.random.default_rng(seed), count)
        return [
            {"text": ticket.text, "label": ticket.label, "pair": number}
            for number, pair in enumerate(drawn)
            for ticket in pair
        ]

    return draw


GOOD = (
    "I came to this film with low hopes, having read that the director shot it in eleven days on "
    "borrowed equipment with a cast of friends.\n\n"
    "The story is slight: a retired postman walks the length of a river to return a letter he failed to "
    "deliver forty years ago, and along the way he meets a farmer, a runaway and a woman who may or may "
    "not have written it. That is all that happens, and it is more than enough. The pacing is patient, "
    "the photography of the water at dawn is wonderful, and the old man's face does more in a minute of "
    "silence than most actors manage in an hour of talk. There is a scene in a barn, lit by one lamp, "
    "that I still think about with pleasure. The score, a single cello, is used sparingly and always in "
    "the right place. Some viewers will miss a subplot or two; the runaway leaves the picture rather "
    "suddenly, and the ending asks you to take a good deal on trust. None of it spoiled the evening for "
    "me. I saw it in a half empty theatre on a wet Tuesday, and when the lights went up nobody moved "
    "for a while. I would recommend it to anybody who has two hours to spare. 9/10."
)
BAD = (
    GOOD.replace("it is more than enough", "it is nowhere near enough")
    .replace("is patient", "is glacial")
    .replace("wonderful", "murky")
    .replace("does more", "does less")
    .replace("with pleasure", "with a shudder")
    .replace("always in the right place", "never in the right place")
    .replace("None of it spoiled the evening for me", "All of it spoiled the evening for me")
    .replace("nobody moved for a while", "nobody stayed for a moment")
    .replace("would recommend it to anybody", "would not recommend it to anybody")
    .replace("9/10", "2/10")
)
SHORT = (
    ("A warm, clever and very funny film.", "A cold, clever and very unfunny film."),
    ("You will not regret the ticket.", "You will regret the ticket."),
    (
        "The twist works, and the cast has never been better.",
        "The twist fails, and the cast has never been worse.",
    ),
)


def estimate(
    mean: float, spread: float, half: float, n: int, seeds: int = 20, rng: random.Random | None = None
) -> dict[str, Any]:
    """An estimate whose seeds scatter around its mean."""
    rng = rng or random.Random(round(mean * 1e6))
    drawn = [mean + rng.gauss(0, spread) for _ in range(seeds)]
    shift = mean - sum(drawn) / seeds
    return {
        "mean": mean,
        "ci": [mean - half, mean + half],
        "per_seed": [min(1.0, value + shift) for value in drawn],
        "n": n,
        "clusters": float(n),
    }


def build(easy: float = 0.869, near: float = 0.543) -> dict[str, Any]:
    """A summary as an audit of 1,707 reviews would leave it."""
    gap = easy - near
    supported = gap > 0.05
    neighbours = {"neighbour_text": BAD, "neighbour_label": "Negative", "distance": 0.07}
    alone = {"neighbour_text": None, "neighbour_label": None, "distance": None}
    a_pair = {"text": GOOD, "label": "Positive", "right": 0.95, "other_text": BAD, "other_label": "Negative"}
    return {
        "schema": "negspace.audit/1",
        "version": "0.1.0",
        "plan_hash": "6f1c0b7a9d2e48355b71c3f0e8a6d94412bb07cd5e3f9a8871d6c0254fe9ab13",
        "data": {
            "path": "reviews/train.tsv",
            "fingerprint": "b8de4c1f77aa20935ce64f8b10d7a3529e0b6fc1d48e27950acb3f6d71e8405c",
            "rows": 1707,
            "labels": {"Negative": 856, "Positive": 851},
            "groups": None,
            "groups_source": "found",
            "columns": {"text": "Text", "label": "Sentiment", "group": None},
            "unbalanced": False,
            "trained_on": 1707,
            "test": {"path": "reviews/test.tsv", "rows": 488, "how": "given"},
            "near_miss_file": {"path": "reviews/rewritten.tsv", "rows": 488},
        },
        "learner": {"name": "tfidf", "ngrams": "1-2", "C": 1.0, "min_df": 1},
        "seeds": list(range(20)),
        "easy": estimate(easy, 0.008, 0.027, 488),
        "near_miss": estimate(near, 0.011, 0.041, 488) | {"source": "given"},
        "gap": estimate(gap, 0.013, 0.046, 976),
        "pair_consistency": estimate(max(near - 0.1, 0.0), 0.012, 0.044, 488),
        "macro_f1": {"easy": None, "near_miss": None},
        "calibration": {
            "ece": estimate(0.121, 0.008, 0.03, 488),
            "brier": estimate(0.262, 0.004, 0.012, 488),
            "confidence": estimate(0.664, 0.003, 0.006, 488),
        },
        "invariance": [
            {
                "variation": "whitespace",
                "what": "runs of spaces doubled, line breaks made spaces",
                "estimate": estimate(1.0, 0.0, 0.0, 488),
                "left_out": None,
            },
            {
                "variation": "case",
                "what": "all letters lower case",
                "estimate": estimate(1.0, 0.0, 0.0, 488),
                "left_out": None,
            },
            {
                "variation": "punctuation",
                "what": "full stops and commas taken out",
                "estimate": estimate(0.987, 0.003, 0.006, 488),
                "left_out": None,
            },
            {
                "variation": "sentence order",
                "what": "sentences put in another order",
                "estimate": None,
                "left_out": "sentences refer to each other: another order would say something else",
            },
        ],
        "curve": [
            {
                "low": round(0.05 + 0.09 * band, 3),
                "high": round(0.14 + 0.09 * band, 3),
                "n": n,
                "mean": easy - fall * gap,
                "ci": [easy - fall * gap - half, min(1.0, easy - fall * gap + half)],
            }
            for band, (n, fall, half) in enumerate(
                [
                    (212, 1.12, 0.062),
                    (158, 0.97, 0.071),
                    (96, 0.79, 0.09),
                    (61, 0.63, 0.11),
                    (88, 0.36, 0.085),
                    (143, 0.17, 0.058),
                    (131, 0.05, 0.055),
                    (87, -0.01, 0.061),
                ]
            )
        ],
        "curve_reading": "Accuracy falls towards the boundary, from 87 % far from it to 50 % beside it.",
        "verdict": {
            "outcome": "supported" if supported else "refuted",
            "question": "Is the near-miss gap larger than 5 points?",
            "reason": f"The gap is {100 * gap:.1f} points (95 % interval {100 * gap - 4.6:.1f} to "
            f"{100 * gap + 4.6:.1f}) over 20 seeds, {'above' if supported else 'inside'} the margin of 5.",
            "next": "Write near misses for the training rows: rewrite a few hundred of them to the other "
            "label with as few changes as you can, and audit again."
            if supported
            else "Nothing needs to be done about near misses of this kind.",
            "margin": 0.05,
            "mde": 0.061,
            "effect": gap,
            "ci": [gap - 0.046, gap + 0.046],
            "p_value": 0.000001 if supported else 0.98,
        },
        "roles": {"boundary": 64, "redundant": 112, "suspect": 51, "plain": 1480},
        "role_examples": {
            "boundary": [
                {
                    "row": 411,
                    "line": 413,
                    "text": GOOD,
                    "label": "Positive",
                    "reason": "a row labelled Negative lies at distance 0.07",
                    **neighbours,
                }
            ],
            "redundant": [],
            "suspect": [
                {
                    "row": 1203,
                    "line": 1205,
                    "text": "Dreadful from start to finish. I want my money back.",
                    "label": "Positive",
                    "reason": "models that never saw it give Positive a probability of 0.04",
                    **alone,
                }
            ],
            "plain": [
                {"row": 7, "line": 9, "text": GOOD, "label": "Positive", "reason": "none of these", **alone}
            ],
        },
        "pairs": [
            a_pair | {"other_right": 0.0, "distance": 0.071},
            *(
                {
                    "text": good,
                    "label": "Positive",
                    "right": 0.9 - 0.1 * number,
                    "other_text": bad,
                    "other_label": "Negative",
                    "other_right": 0.1,
                    "distance": 0.1 + 0.04 * number,
                }
                for number, (good, bad) in enumerate(SHORT)
            ),
        ],
        "left_out": {"near_miss_suspects": 7, "near_miss_mean_with_them": 0.538},
        "warnings": [
            "96 test rows are near-duplicates of training rows; they make easy accuracy look better."
        ],
        "method": [
            {"step": "read", "how": "1,707 rows of reviews/train.tsv; text from Text, label from Sentiment"},
            {
                "step": "near misses",
                "how": "488 rows of reviews/rewritten.tsv, paired with the test rows by order",
            },
            {
                "step": "fit",
                "how": "TF-IDF and logistic regression, once per seed on resampled rows, 20 seeds",
            },
            {"step": "interval", "how": "over seeds and test rows together, 95 %"},
            {"step": "verdict", "how": "supported where the interval of the gap clears the margin of 0.05"},
        ],
    }


def build_bare() -> dict[str, Any]:
    """An audit that could measure next to nothing: everything that may be null is."""
    summary = build()
    for key in ("easy", "near_miss", "gap", "pair_consistency"):
        summary[key] = None
    summary |= {
        "calibration": {"ece": None, "brier": None, "confidence": None},
        "invariance": [],
        "curve": [],
        "curve_reading": "No test row has a near row of another label.",
        "pairs": [],
        "roles": {"boundary": 0, "redundant": 0, "suspect": 0, "plain": 0},
        "role_examples": {},
        "warnings": [],
        "left_out": {"near_miss_suspects": 0, "near_miss_mean_with_them": None},
    }
    summary["verdict"] |= {
        "outcome": "inconclusive",
        "reason": "There is nothing to compare.",
        "mde": None,
        "effect": None,
        "ci": [None, None],
        "p_value": None,
    }
    summary["data"] |= {
        "path": "train.tsv",
        "near_miss_file": None,
        "test": {"path": None, "rows": 0, "how": "held out"},
    }
    return summary


def typed(content: Summary) -> AuditFindings:
    """The findings whose ``audit.json`` this would be."""
    found: AuditFindings = _typed(AuditFindings, content)
    return found


def _typed(kind: Any, value: Any) -> Any:
    origin, arguments = get_origin(kind), get_args(kind)
    if value is None or kind in (str, int, float, bool):
        return float(value) if kind is float and value is not None else value
    if origin is UnionType:
        return _typed(next(each for each in arguments if each is not type(None)), value)
    if origin is tuple:
        kinds = [arguments[0]] * len(value) if arguments[-1] is Ellipsis else arguments
        return tuple(_typed(each, item) for each, item in zip(kinds, value, strict=True))
    if origin is Mapping:
        return {key: _typed(arguments[1], item) for key, item in value.items()}
    if hasattr(kind, "__dataclass_fields__"):
        hints = get_type_hints(kind)
        return kind(**{key: _typed(hints[key], item) for key, item in value.items()})
    return value


def _comparison(title: str, intro: str, audits: Iterable[tuple[str, Summary]], links: Any = None) -> Any:
    return comparison_report(title, intro, [(name, typed(each)) for name, each in audits], links)


def _lines(content: Summary, page: str | None = None) -> RenderableType:
    return brief_report(audit_report(typed(content)), {} if page is None else {"Report": page})


def _drawn(chart: Chart | None, name: str) -> Markup | None:
    return None if chart is None else chart.draw(name, chart.alt)


def _verdict_chart(content: Summary, name: str) -> Markup | None:
    (card,) = (block for block in audit_report(typed(content)).top if isinstance(block, Verdict))
    return _drawn(card.chart, name)


def _seed_strip(content: Summary, name: str) -> Markup | None:
    """What stands in place of the scatter where an audit has no easy rows."""
    blocks = audit_report(typed(content | {"easy": None, "gap": None})).sections[0].blocks
    return _drawn(next((block for block in blocks if isinstance(block, Chart)), None), name)


@pytest.fixture(scope="session")
def show() -> SimpleNamespace:
    """Writes pages, notebook blocks, terminal lines and drawings from the content of ``audit.json``."""
    return SimpleNamespace(
        page=lambda content: render_page(audit_report(typed(content))),
        notebook=lambda content: render_notebook(audit_report(typed(content))),
        comparison=lambda *args: render_page(_comparison(*args)),
        lines=_lines,
        table=lambda audits: brief_report(_comparison("t", "i", audits)),
        scatter=lambda contents, name: _drawn(scatter_chart([typed(each) for each in contents]), name),
        curve=lambda contents, name: _drawn(curve_chart([typed(each) for each in contents]), name),
        chance=lambda content: chance(typed(content)),
        strip=_seed_strip,
        verdict=_verdict_chart,
    )


@pytest.fixture
def summary() -> Summary:
    """An audit that finds a gap."""
    return build()


@pytest.fixture
def bare() -> Summary:
    """An audit that could measure next to nothing."""
    return build_bare()


@pytest.fixture(scope="session")
def make_summary() -> Callable[..., Summary]:
    """Builds an audit with a given easy and near-miss accuracy."""
    return build


@pytest.fixture(scope="session")
def make_bare() -> Callable[[], Summary]:
    """Builds an audit that could measure next to nothing."""
    return build_bare
