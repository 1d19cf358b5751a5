"""The page and the lines of a mining run: every number from the summary, every word escaped."""

from __future__ import annotations

import html as entities
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.console import Console

from negspace.mining import Mined, mine
from negspace.reports.html import render_page
from negspace.reports.terminal import brief_report

WORDS = [f"{a}{b}" for a in "abcdefgh" for b in "xyz"]
EVIL = "<script>alert(1)</script> \u202e {{ 7 * 7 }} [b]bold[/b]"


@pytest.fixture
def mined(tmp_path: Path) -> Mined:
    rng = np.random.default_rng(0)
    rows = [
        {"text": f"{EVIL if i % 2 else ''}{' '.join(rng.choice(WORDS, 5))} w{i % 3}", "label": f"<b>{i % 3}"}
        for i in range(90)
    ]
    (tmp_path / "r.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    sources = "neighbours,model"
    return mine(tmp_path / "r.jsonl", out=tmp_path / "o.jsonl", sources=sources, relative_margin=0.05)


@pytest.fixture
def summary(mined: Mined) -> dict[str, Any]:
    return mined.to_dict()


@pytest.fixture
def page(mined: Mined) -> str:
    return render_page(mined.report())


def words(page: str) -> str:
    bare = re.sub(r"<(style|svg)\b.*?</\1>", " ", page, flags=re.S)
    return " ".join(entities.unescape(re.sub(r"<[^>]+>", " ", bare)).replace("\u00a0", " ").split())


def test_nothing_of_the_data_becomes_markup(mined: Mined, page: str) -> None:
    assert "<script" not in page
    assert "<b>0" not in page
    assert "\u202e" not in page
    assert "{{ 7 * 7 }}" in page.replace("&#39;", "'")
    assert not re.search(r"(src|href)=[\"'](https?:)?//", page)
    assert render_page(mined.report()) == page


def test_the_control_of_false_negatives_is_on_the_page_and_in_the_terminal(
    mined: Mined, summary: dict[str, Any], page: str
) -> None:
    said = words(page)
    console = Console(width=80, record=True, file=Path("/dev/null").open("w"))  # noqa: SIM115
    with console.file:
        console.print(brief_report(mined.report(), {"Report": "report.html"}))
        lines = console.export_text()
    for same in summary["control"]["same_class"]:
        for share in (same["before"], same["by_rules"], same["after"]):
            if share is not None:
                assert f"{100 * share:.1f} %" in said
                assert f"{100 * share:.1f} %" in lines
    assert len(summary["control"]["dropped"]) == 4  # two rules, two sources
    for each in summary["control"]["dropped"]:
        assert f"{each['what']} {each['limit']:g} {each['dropped']:,}" in said
    assert f"{summary['output']['rows']:,} rows" in lines
    assert max(map(len, lines.splitlines())) <= 80
    assert "report.html" in lines


def test_examples_stand_beside_their_anchor(summary: dict[str, Any], page: str) -> None:
    assert page.count('<article class="pair">') == len(summary["examples"]) > 5
    assert page.count("<svg") == 2  # the scores of each source
    assert "<mark>" in page
