"""The page and the lines of a curation: every number from the summary, every word escaped."""

from __future__ import annotations

import copy
import html as entities
import io
import re
from html.parser import HTMLParser
from typing import Any

import numpy as np
import pytest
from rich.console import Console

from negspace.curation import curate
from negspace.demo import tickets
from negspace.report import render_selection, selection_lines
from negspace.store import RunStore

EVIL = (
    "<script>alert(1)</script></style><img src=x onerror=alert(2)>\"' {{ 7 * 7 }} \u202e [b]bold[/b] \x1b[31m"
)
LABELS = {label: f"{EVIL}{label}" for label in tickets.LABELS}
VOID = {"meta", "br"}


class Tags(HTMLParser):
    """Which elements there are, and whether they balance."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.named: list[str] = []
        self.open: list[str] = []
        self.faults: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, _attrs: list[tuple[str, str | None]]) -> None:
        self.named.append(tag)
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.faults.append(tag)


def words(page: str) -> str:
    bare = re.sub(r"<(style|svg)\b.*?</\1>", " ", page, flags=re.S)
    return " ".join(entities.unescape(re.sub(r"<[^>]+>", " ", bare)).replace("\u00a0", " ").split())


def lines(summary: dict[str, Any], report: str | None = None) -> str:
    out = io.StringIO()
    Console(width=80, file=out).print(selection_lines(summary, report))
    return out.getvalue()


@pytest.fixture(scope="module")
def drawn() -> dict[str, Any]:
    """A trial of too few seeds, from a pool whose texts and labels are hostile."""
    rng = np.random.default_rng(0)
    rows = [tickets.ordinary(rng, tickets.LABELS[i % 2]) for i in range(60)]
    rows += [ticket for pair in tickets.written_pairs(rng, 40) for ticket in pair]
    pool = [
        {"text": f"{ticket.text} {EVIL if i % 3 else ''}", "label": LABELS[ticket.label]}
        for i, ticket in enumerate(rows)
    ]
    with RunStore() as store:
        return curate(pool, 20, seeds=2, worklist=6, workers=1, store=store).to_dict()


@pytest.fixture
def fell_back(drawn: dict[str, Any]) -> dict[str, Any]:
    return copy.deepcopy(drawn)


@pytest.fixture
def won(drawn: dict[str, Any]) -> dict[str, Any]:
    """The same with a strategy that was shown better on near misses and no less on the rest."""
    summary = copy.deepcopy(drawn)
    winner = summary["trial"]["strategies"][1]
    for verdict in winner["hypotheses"]:
        verdict |= {
            "outcome": "supported",
            "effect": 0.1234,
            "ci": [0.1, 0.15],
            "p_value": 0.001,
            "mde": 0.02,
        }
        verdict["reason"] = f"{winner['name']}: {verdict['question']} is 0.123: it lies above"
    winner["qualifies"] = True
    summary |= {"fell_back": False, "strategy": winner["name"], "conclusion": "it beats them by 12 points"}
    summary["trial"]["winner"] = winner["name"]
    return summary


@pytest.mark.parametrize("which", ["won", "fell_back"])
def test_nothing_of_the_data_becomes_markup(request: pytest.FixtureRequest, which: str) -> None:
    summary = request.getfixturevalue(which)
    summary["data"]["source"] = f"{EVIL}.csv"
    summary["warnings"] = [EVIL]
    page = render_selection(summary)
    tags = Tags(page)
    assert tags.faults == tags.open == []
    assert not {"script", "img", "b"} & set(tags.named)
    assert tags.named.count("style") == 1
    assert "\u202e" not in page and "\x1b" not in page
    assert "{{ 7 * 7 }}" in page
    assert not re.search(r"(src|href)=[\"'](?!#)", page)
    assert render_selection(summary) == page
    said = lines(summary)
    assert "\x1b" not in said and "\u202e" not in said
    assert "[b]" in said  # no markup for the terminal either
    assert EVIL[:25] in words(page)


def test_the_conclusion_comes_first(won: dict[str, Any], fell_back: dict[str, Any]) -> None:
    for summary in (won, fell_back):
        said = words(render_selection(summary))
        assert 0 < said.casefold().index(summary["conclusion"].casefold()) < said.index("The trial")
        assert lines(summary).index(summary["conclusion"].split()[-1]) < lines(summary).index(
            "held-out rows, %"
        )
    assert "by the strategy “near-miss groups”" in words(render_selection(won))
    assert "at random within labels" in words(render_selection(fell_back))


def test_every_strategy_is_on_the_page_with_its_numbers(fell_back: dict[str, Any]) -> None:
    trial = fell_back["trial"]
    page = render_selection(fell_back)
    said, printed = words(page), lines(fell_back)
    strategies = trial["strategies"]
    assert len(strategies) >= 4
    for each in strategies:
        for on in ("held_out", "near_miss"):
            assert f"{100 * each[on]['mean']:.1f} %" in said
            assert f"{100 * each[on]['mean']:.1f}" in printed
        for verdict in each["hypotheses"]:
            effect = f"{100 * verdict['effect']:+.1f}".replace("-", "−")
            assert effect in said or abs(verdict["effect"]) < 0.0005  # 0.0 has no sign
    # A drawing for each strategy on each test, and the axes; every seed has a dot with its number.
    assert len(re.findall(r'aria-label="2 seeds: ', page)) == 2 * len(strategies)
    dots = re.findall(r"<title>seed \d: ([\d.]+)\u00a0%</title>", page)
    assert sorted(dots) == sorted(
        f"{100 * value:.1f}"
        for each in strategies
        for on in ("held_out", "near_miss")
        for value in each[on]["per_seed"]
    )
    assert said.count(" reference") >= 2


def test_the_verdicts_that_decided_are_cards_and_the_others_a_table(
    won: dict[str, Any], fell_back: dict[str, Any]
) -> None:
    page = render_selection(won)
    assert page.count('<div class="verdict supported">') == 2
    said = words(page)
    assert "“near-miss groups”: More accurate on near misses" in said
    assert "“near-miss groups”: No less accurate on held-out rows" in said
    assert "The difference is 0.123: it lies above." in said
    assert '<div class="verdict' not in render_selection(fell_back)
    rows = len(won["trial"]["strategies"]) - 1
    assert page.count(">no less</span>") == 2 * rows


def test_composition_labels_examples_and_worklist(fell_back: dict[str, Any]) -> None:
    said = words(render_selection(fell_back))
    for row in fell_back["composition"]["rows"][1:]:
        if row["pool"]:
            shares = f"{100 * row['pool'] / 140:.1f} % {row['chosen']} {100 * row['chosen'] / 20:.1f} %"
            assert f"{row['what']} {row['pool']} {shares}" in said
            assert row["what"] in lines(fell_back).replace("\n", " ")
    page = render_selection(fell_back)
    shown = ("chosen_examples", "rejected_examples", "worklist")
    assert page.count('<div class="example">') == sum(len(fell_back[key]) for key in shown) > 20
    for key in shown:
        for row in fell_back[key]:
            assert row["where"] in said
    assert "to be rewritten to" in said
    fell_back["worklist"] = None
    assert "Worth rewriting" not in words(render_selection(fell_back))


def test_without_a_trial_the_page_says_that_nothing_was_tried(fell_back: dict[str, Any]) -> None:
    summary = {**fell_back, "trial": None, "fell_back": False, "strategy": "cover", "worklist": None}
    page = render_selection(summary)
    assert "None was made: the strategy was given." in words(page)
    assert "by the strategy “cover”" in words(page)
    assert "<svg" not in page
    assert "held-out rows" not in lines(summary)


def test_a_trial_without_near_misses_shows_one_test(fell_back: dict[str, Any]) -> None:
    for each in fell_back["trial"]["strategies"]:
        each["near_miss"] = None
        each["hypotheses"] = [h for h in each["hypotheses"] if h["question"] == "more on held_out"]
    fell_back["trial"]["near_misses"] = 0
    page = render_selection(fell_back)
    assert page.count('<figure class="strips">') == 1
    assert "near misses, %" not in lines(fell_back)


def test_many_labels_are_folded(fell_back: dict[str, Any]) -> None:
    fell_back["labels"] = [{"label": f"label {i}", "pool": 3, "chosen": 1} for i in range(50)]
    fell_back["data"]["labels"] = 150
    said = words(render_selection(fell_back))
    assert "Labels, the 50 most frequent" in said
    assert "label 49 3 1" in said


def test_the_lines_fit_a_terminal(won: dict[str, Any]) -> None:
    won["warnings"] = ["a warning " * 30]
    said = lines(won, "out/report.html")
    assert max(map(len, said.splitlines())) <= 80
    assert "out/report.html" in said
    assert said.isascii() or all(ord(char) < 0x2500 for char in said)
    assert said.splitlines()[0].startswith("20 of 140 rows by the strategy 'near-miss groups'")
