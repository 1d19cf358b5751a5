from __future__ import annotations

import io
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from rich.console import Console, RenderableType

Summary = dict[str, Any]
Make = Callable[..., dict[str, Any]]
Show = SimpleNamespace


def printed(what: RenderableType, *, encoding: str = "utf-8", **options: Any) -> str:
    """What a console of 80 columns prints, through a stream of the given encoding."""
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding=encoding, newline="")
    Console(file=stream, width=80, **options).print(what)
    stream.flush()
    return raw.getvalue().decode(encoding)


def test_the_figures_stand_on_one_line_each(summary: Summary, show: Show) -> None:
    lines = printed(show.lines(summary, "out/report.html")).splitlines()
    assert max(len(line) for line in lines) <= 80
    squeezed = [" ".join(line.split()) for line in lines]
    assert squeezed[0] == "Supported Is the near-miss gap larger than 5 points?"
    for start in (
        "Easy 86.9 % 84.2 to 89.6 488",
        "Near misses 54.3 % 50.2 to 58.4 488",
        "Near-miss gap 32.6 points 28.0 to 37.2 976",
        "Pair consistency 44.3 % 39.9 to 48.7 488",
        "Rows boundary 64, redundant 112, suspect 51, plain 1,480",
        "Report out/report.html",
    ):
        assert any(line.startswith(start) for line in squeezed), start
    assert "…" not in "".join(lines)


def test_large_counts_still_fit(summary: Summary, show: Show) -> None:
    for key in ("easy", "near_miss", "gap", "pair_consistency"):
        summary[key]["n"] = 1_234_567
    text = printed(show.lines(summary))
    assert text.count("1,234,567") == 4
    assert "…" not in text


def test_the_bar_marks_mean_and_interval_in_proportion(summary: Summary, show: Show) -> None:
    line = next(li for li in printed(show.lines(summary)).splitlines() if li.startswith("Near misses"))
    bar = line.split()[-1]
    assert len(bar) == 20
    assert bar.index("●") == round(0.543 * 19)
    heavy = [place for place, sign in enumerate(bar) if sign in "━●"]
    assert (heavy[0], heavy[-1]) == (round(0.502 * 19), round(0.584 * 19))


def test_no_colour_means_no_escape(summary: Summary, show: Show) -> None:
    assert "\x1b" not in printed(show.lines(summary))
    coloured = printed(show.lines(summary), force_terminal=True, color_system="standard", no_color=False)
    assert "\x1b[" in coloured


def test_a_terminal_that_is_not_unicode_is_served(summary: Summary, show: Show) -> None:
    assert "32.6 points" in printed(show.lines(summary), encoding="cp1252")
    assert "-" in printed(show.table([("a", summary), ("b", summary)]), encoding="cp1252")


def test_text_is_never_markup(summary: Summary, show: Show) -> None:
    summary["verdict"]["reason"] = "[bold red]no[/bold red] [/] \x1b[31m"
    summary["warnings"] = ["[link=http://evil]x[/link]"]
    text = printed(show.lines(summary, "a[b]c/report.html")) + printed(
        show.table([("[red]x[/]", summary), ("b", summary)])
    )
    for part in (
        "[bold red]no[/bold red] [/] ␛[31m",
        "[link=http://evil]x[/link]",
        "a[b]c/report.html",
        "[red]x",
    ):
        assert part in text
    assert "\x1b" not in text


def test_nulls_are_dashes(bare: Summary, show: Show) -> None:
    text = printed(show.lines(bare))
    assert text.startswith("Inconclusive")
    assert "None" not in text
    squeezed = [" ".join(line.split()) for line in text.splitlines()]
    for name in ("Easy", "Near misses", "Near-miss gap", "Pair consistency"):
        assert any(line.startswith(f"{name} - Not measured") for line in squeezed), name


def test_a_long_path_is_whole(summary: Summary, show: Show) -> None:
    path = "/".join(["folder"] * 30) + "/report.html"
    text = printed(show.lines(summary, path))
    assert path in "".join(line.rstrip() for line in text.splitlines())


@pytest.mark.parametrize("names", [("before", "after"), ("a", "b", "c")])
def test_audits_side_by_side(make_summary: Make, names: tuple[str, ...], show: Show) -> None:
    audits = [(name, make_summary(0.869, 0.543 + 0.1 * k)) for k, name in enumerate(names)]
    lines = [" ".join(line.split()) for line in printed(show.table(audits)).splitlines()]
    near = next(line for line in lines if line.startswith("Near misses"))
    assert near.startswith("Near misses 54.3 % 64.3 %")
    assert near.endswith("+10.0 points" if len(names) == 2 else "+10.0 +20.0")
    assert next(line for line in lines if line.startswith("Verdict")).split()[1:] == ["Supported"] * len(
        names
    )
