from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import pytest
from rich.console import Console

from negspace.lab.claims import ClaimResult
from negspace.reports.terminal import brief_report


def printed(summary: dict[str, Any], report: str | None = None, *, encoding: str = "utf-8") -> str:
    """What a console of 80 columns prints, through a stream of the given encoding."""
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding=encoding, newline="")
    shown = ClaimResult.from_dict(summary).report()
    Console(file=stream, width=80).print(brief_report(shown, {"Report": report} if report else {}))
    stream.flush()
    return raw.getvalue().decode(encoding)


def squeezed(text: str) -> list[str]:
    return [" ".join(line.split()) for line in text.splitlines()]


def test_hypotheses_and_figures_stand_on_lines_that_fit(claim: dict[str, Any]) -> None:
    text = printed(claim, "out/invariant.html")
    lines = squeezed(text)
    assert max(len(line) for line in text.splitlines()) <= 80
    low, high = (f"{100 * end:.1f}" for end in claim["parts"][0]["hypotheses"][0]["ci"])
    assert f"near misses teach the rule +37.0 [{low}, {high}] +35.3 Supported" in lines
    figures = lines.index("near miss 98.1 ± 2.4 87.1 ± 6.4 83.8 ± 5.0")
    assert lines[figures + 1] == "(97.7 ± 3.1) (85.3 ± 7.0) *(65.7 ± 7.6)"
    assert "Report out/invariant.html" in lines
    assert "Control Mixes of both negatives, and more steps seeds 20: 0 to 19" in lines
    assert any("seed 19: training diverged at step 1,204" in line for line in lines)
    assert "in 5 of 6 figures; * where not." in " ".join(lines)
    assert "…" not in text


def test_ten_tests_of_twelve_arms_lose_no_figure(make_large_claim: Callable[..., dict[str, Any]]) -> None:
    claim = make_large_claim()
    text = printed(claim)
    assert max(len(line) for line in text.splitlines()) <= 80
    assert "…" not in text
    for figure in claim["parts"][0]["figures"]:
        assert f"{100 * figure['mean']:.1f} ± {100 * figure['sd']:.1f}" in text
    assert text.count("(70.0 ± 5.0)") == 120


def test_long_names_wrap(claim: dict[str, Any]) -> None:
    claim["parts"][0]["hypotheses"][0]["name"] = "Q" * 70
    for figure in claim["parts"][0]["figures"][:2]:
        figure |= {"test": "Z" * 50, "measure": f"accuracy on {'Z' * 50}"}
    text = printed(claim)
    assert text.count("Q") == 70
    assert text.count("Z") == 50
    assert max(len(line) for line in text.splitlines()) <= 80
    assert "87.1 ± 6.4" in text


def test_a_smoke_run_is_no_result(claim: dict[str, Any]) -> None:
    assert "no result" not in printed(claim)
    assert squeezed(printed(claim | {"smoke": True}))[1] == "Smoke run: no result"
    assert squeezed(printed(claim | {"registered": False}))[1].startswith("Trial: not the registered number")


@pytest.mark.parametrize("seeds", [1, 20])
def test_a_terminal_that_is_not_unicode_is_served(
    make_claim: Callable[..., dict[str, Any]], seeds: int
) -> None:
    assert "+37.0" in printed(make_claim(seeds), encoding="cp1252")


def test_nulls_are_dashes(make_bare_claim: Callable[[], dict[str, Any]]) -> None:
    text = printed(make_bare_claim())
    assert "None" not in text
    assert "nan" not in text
    assert "easy accuracy is kept - - Inconclusive" in squeezed(text)


def test_text_is_never_markup(claim: dict[str, Any]) -> None:
    claim["title"] = "[bold red]no[/bold red] [/] \x1b[31m"
    claim["parts"][0]["title"] = "[link=http://evil]x[/link]"
    claim["parts"][0]["hypotheses"][0]["name"] = "[red]x[/]"
    text = printed(claim, "a[b]c/x.html")
    for said in ("[bold red]no[/bold red] [/] ␛[31m", "[link=http://evil]x[/link]", "[red]x[/]", "a[b]c/x"):
        assert said in text
    assert "\x1b" not in text
