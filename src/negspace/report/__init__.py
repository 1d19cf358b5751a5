"""From a summary (plain data) to what people read: a page, a notebook block, terminal lines."""

from __future__ import annotations

from negspace.report.claim_page import render_claim, render_lab
from negspace.report.claim_terminal import claim_lines
from negspace.report.page import fragment, render, render_comparison
from negspace.report.selection_page import render_selection
from negspace.report.selection_terminal import selection_lines
from negspace.report.terminal import comparison_table, summary_lines

__all__ = [
    "claim_lines",
    "comparison_table",
    "fragment",
    "render",
    "render_claim",
    "render_comparison",
    "render_lab",
    "render_selection",
    "selection_lines",
    "summary_lines",
]
