"""The page and the lines of a proof: all of its numbers, nobody's markup."""

from __future__ import annotations

from collections.abc import Callable
from html.parser import HTMLParser
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from negspace.proofs import FromPool, Proof
from negspace.reports.html import render_notebook, render_page
from negspace.reports.terminal import brief_report

Prove = Callable[..., Proof]
EVIL = '<script>alert("1")</script>'


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.ids: list[str] = []
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.ids += [value for key, value in attrs if key == "id" and value]

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def _parsed(page: str) -> _Tags:
    parser = _Tags()
    parser.feed(page)
    return parser


@pytest.fixture(scope="module")
def proof(proof_of: Prove, data: Any, tmp_path_factory: pytest.TempPathFactory) -> Proof:
    pytest.importorskip("optuna", reason="the extra 'tune' is not installed")
    arms = {EVIL: data.pairs, "ordinary": data.ordinary, "b&b": FromPool("random", data.pool)}
    path = tmp_path_factory.mktemp("report") / "t.journal"
    return proof_of(arms, seeds=2, tune=2, tune_storage=path)


@pytest.fixture(scope="module")
def page(proof: Proof) -> str:
    return render_page(proof.report())


def test_names_are_shown_and_never_run(proof: Proof, page: str) -> None:
    for shown in (page, render_notebook(proof.report())):
        parsed = _parsed(shown)
        assert "script" not in parsed.tags
        assert any(EVIL in text for text in parsed.text)


def test_the_page_says_what_was_found(proof: Proof, page: str) -> None:
    parsed = _parsed(page)
    text, summary = "".join(parsed.text), proof.to_dict()
    for comparison in summary["comparisons"]:
        assert comparison["says"] in text
    for arm in summary["arms"]:
        assert arm["exchange"]["near_miss"]["brief"] in text
        assert arm["how"] in text
    # Two strips a comparison, two curves, two best-of-k.
    assert parsed.tags.count("figure") >= 2 * 2 + 2 + 2
    assert len(parsed.ids) == len(set(parsed.ids))


def test_the_page_asks_for_nothing_outside(proof: Proof, page: str) -> None:
    assert "http://" not in page
    assert "https://" not in page
    assert page == render_page(proof.report())


def test_the_terminal_fits_80_columns(proof: Proof) -> None:
    printed = StringIO()
    Console(file=printed, width=80, no_color=True).print(
        brief_report(proof.report(), {"Report": "out/report.html"})
    )
    lines = printed.getvalue().splitlines()
    assert max(map(len, lines)) <= 80
    text = " ".join(" ".join(lines).split())
    assert "out/report.html" in text
    assert "worth in random rows" in text
    assert "the search" in text


def test_one_seed_has_no_intervals_and_still_a_page(proof_of: Prove, data: Any, tmp_path: Path) -> None:
    proof = proof_of({"pairs": data.pairs, "ordinary": data.ordinary}, seeds=1)
    assert proof.to_dict()["comparisons"][0]["near_miss"]["ci"] == [None, None]
    assert "div" in _parsed(proof._repr_html_()).tags
    proof.save(tmp_path / "out")
    assert sorted(each.name for each in (tmp_path / "out").iterdir()) == ["proof.json", "report.html"]
