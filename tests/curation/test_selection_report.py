"""The page and the lines of a curation: every number from the selection, every word escaped."""

from __future__ import annotations

import html as entities
import io
import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest
from rich.console import Console

from negspace.curation import Selection, curate
from negspace.demo import tickets
from negspace.records import Interval, Outcome
from negspace.reports.html import render_page
from negspace.reports.terminal import brief_report
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


def page_of(selection: Selection) -> str:
    return render_page(selection.report())


def words(page: str) -> str:
    bare = re.sub(r"<(style|svg)\b.*?</\1>", " ", page, flags=re.S)
    return " ".join(entities.unescape(re.sub(r"<[^>]+>", " ", bare)).replace("\u00a0", " ").split())


def lines(selection: Selection, report: str | None = None) -> str:
    out = io.StringIO()
    places = {} if report is None else {"Report": report}
    Console(width=80, file=out).print(brief_report(selection.report(), places))
    return out.getvalue()


@pytest.fixture(scope="module")
def fell_back() -> Selection:
    """A trial of too few seeds, from a pool whose texts and labels are hostile."""
    rng = np.random.default_rng(0)
    rows = [tickets.ordinary(rng, tickets.LABELS[i % 2]) for i in range(60)]
    rows += [ticket for pair in tickets.written_pairs(rng, 40) for ticket in pair]
    pool = [
        {"text": f"{ticket.text} {EVIL if i % 3 else ''}", "label": LABELS[ticket.label]}
        for i, ticket in enumerate(rows)
    ]
    with RunStore() as store:
        return curate(pool, 20, seeds=2, worklist=6, workers=1, store=store)


@pytest.fixture(scope="module")
def won(fell_back: Selection) -> Selection:
    """The same with a strategy that was shown better on near misses and no less on the rest."""
    trial = fell_back.trial
    assert trial is not None
    winner = list(trial.strategies)[1]
    verdicts = dict(trial.judged)
    for question, verdict in verdicts.items():
        if question.startswith(f"{winner}: "):
            verdicts[question] = replace(
                verdict,
                outcome=Outcome.SUPPORTED,
                reason="the difference is 0.123: it lies above",
                effect=0.1234,
                interval=Interval(0.1, 0.15),
                p_value=0.001,
                mde=0.02,
            )
    shown = replace(trial, judged=verdicts)
    return replace(fell_back, strategy_name=winner, strategy=trial.strategies[winner], trial=shown)


def warned(selection: Selection, *notes: str) -> Selection:
    """The same, from a pool with an evil name and further notes."""
    dataset = selection.file.dataset
    examples = replace(dataset.examples, source=f"{EVIL}.csv")
    return replace(
        selection, file=replace(selection.file, dataset=replace(dataset, examples=examples, notes=notes))
    )


@pytest.mark.parametrize("which", ["won", "fell_back"])
def test_nothing_of_the_data_becomes_markup(request: pytest.FixtureRequest, which: str) -> None:
    selection = warned(request.getfixturevalue(which), EVIL)
    page = page_of(selection)
    tags = Tags(page)
    assert tags.faults == tags.open == []
    assert not {"script", "img", "b"} & set(tags.named)
    assert tags.named.count("style") == 1
    assert "\u202e" not in page and "\x1b" not in page
    assert "{{ 7 * 7 }}" in page
    assert not re.search(r"(src|href)=[\"'](?!#)", page)
    assert page_of(selection) == page
    said = lines(selection)
    assert "\x1b" not in said and "\u202e" not in said
    assert "[b]" in said  # no markup for the terminal either
    assert EVIL[:25] in words(page)


def test_the_conclusion_comes_first(won: Selection, fell_back: Selection) -> None:
    for selection in (won, fell_back):
        said = words(page_of(selection))
        assert 0 < said.casefold().index(selection.conclusion.casefold()) < said.index("The trial")
        printed = lines(selection)
        assert printed.index(selection.conclusion.split()[-1]) < printed.index("held-out rows, %")
    assert "by the strategy “near-miss groups”" in words(page_of(won))
    assert "at random within labels" in words(page_of(fell_back))


def test_every_strategy_is_on_the_page_with_its_numbers(fell_back: Selection) -> None:
    trial = fell_back.to_dict()["trial"]
    page = page_of(fell_back)
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
    won: Selection, fell_back: Selection
) -> None:
    page = page_of(won)
    assert page.count('<div class="verdict supported">') == 2
    said = words(page)
    assert "“near-miss groups”: More accurate on near misses" in said
    assert "“near-miss groups”: No less accurate on held-out rows" in said
    assert "The difference is 0.123: it lies above." in said
    assert '<div class="verdict' not in page_of(fell_back)
    assert won.trial is not None
    rows = len(won.trial.strategies) - 1
    assert len(re.findall(r">\s*no less</span>", page)) == 2 * rows


def test_composition_labels_examples_and_worklist(fell_back: Selection) -> None:
    page, summary = page_of(fell_back), fell_back.to_dict()
    said, printed = words(page), set(lines(fell_back).split())
    for row in summary["composition"]["rows"][1:]:
        if row["pool"]:
            shares = f"{100 * row['pool'] / 140:.1f} % {row['chosen']} {100 * row['chosen'] / 20:.1f} %"
            assert f"{row['what']} {row['pool']} {shares}" in said
            assert set(row["what"].split()) <= printed
    shown = ("chosen_examples", "rejected_examples", "worklist")
    assert page.count('<div class="example">') == sum(len(summary[key]) for key in shown) > 20
    for key in shown:
        for row in summary[key]:
            assert row["where"] in said
    assert "to be rewritten to" in said
    assert "Worth rewriting" not in words(page_of(replace(fell_back, worklist=None)))


def test_without_a_trial_the_page_says_that_nothing_was_tried(fell_back: Selection) -> None:
    selection = replace(fell_back, trial=None, strategy_name="cover", worklist=None)
    page = page_of(selection)
    assert "None was made: the strategy was given." in words(page)
    assert "by the strategy “cover”" in words(page)
    assert "<svg" not in page
    assert "held-out rows" not in lines(selection)


def test_a_trial_without_near_misses_shows_one_test(fell_back: Selection) -> None:
    assert fell_back.trial is not None
    selection = replace(fell_back, trial=replace(fell_back.trial, near_misses=False))
    page = page_of(selection)
    assert page.count('<figure class="strips">') == 1
    assert "near misses, %" not in lines(selection)


def test_many_labels_are_folded() -> None:
    pool = [{"text": f"row {i} {i % 60}", "label": f"label {i % 60}"} for i in range(180)]
    said = words(page_of(curate(pool, 60, strategy="stratified", workers=1)))
    assert "Labels, the 50 most frequent" in said
    assert "label 49 3 1" in said


def test_the_lines_fit_a_terminal(won: Selection) -> None:
    said = lines(warned(won, "a warning " * 30), "out/report.html")
    assert max(map(len, said.splitlines())) <= 80
    assert "out/report.html" in said
    assert said.isascii() or all(ord(char) < 0x2500 for char in said)
    assert said.splitlines()[0].startswith("20 of 140 rows by the strategy 'near-miss groups'")
