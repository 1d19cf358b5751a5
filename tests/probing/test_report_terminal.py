"""What is printed after a probe: 80 columns, numbers of the summary, nothing that a terminal would obey."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from rich.console import Console

from negspace.probing import probe_report
from negspace.reports.terminal import brief_report

from . import made_findings as made


def printed(summary: dict[str, Any], width: int = 80) -> str:
    out = io.StringIO()
    Console(width=width, file=out, force_terminal=False).print(
        brief_report(probe_report(made.findings_of(summary)), {"Report": "out/report.html"})
    )
    return out.getvalue()


def test_it_fits_and_says_where_the_corpus_lies() -> None:
    summary = made.build_probe(200)
    said = printed(summary)
    assert max(map(len, said.splitlines())) <= 80
    losses = [each["values"][0] for each in summary["fragments"]]
    low, middle, high = np.quantile(losses, (0.05, 0.5, 0.95))
    row = next(line.split() for line in said.splitlines() if line.startswith("loss"))
    assert row == ["loss", f"{low:.2f}", f"{middle:.2f}", f"{high:.2f}", "200"]
    for role, n in summary["roles"]["counts"].items():
        line = next(line.split() for line in said.splitlines() if line.startswith(role))
        assert line[1] == str(n)
    assert "gone after 12.3 steps" in said
    assert "0.91" in said
    assert "1.7 % of the parameters are not in these gradients." in " ".join(said.split())
    assert "out/report.html" in said


def test_it_prints_in_every_encoding() -> None:
    summary = made.build_probe(50)
    for each in summary["fragments"]:
        each["values"][0] = 2.5e-7
    said = printed(summary)
    said.encode("latin-1")
    assert "2.5e-7" in said


def test_what_is_missing_is_left_out() -> None:
    said = printed(made.build_bare_probe())
    assert said.startswith("1 fragment,")
    assert "None" not in said
    assert "role" not in said


def test_a_name_commands_nothing() -> None:
    summary = made.build_bare_probe()
    summary["model"]["name"] = "\x1b[31m[bold]x\u202e"
    assert "\x1b" not in printed(summary)
    assert "\u202e" not in printed(summary)
    assert "[bold]x" in printed(summary)
