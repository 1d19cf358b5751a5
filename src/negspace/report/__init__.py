"""From a summary (plain data) to what people read: a page, a notebook block, terminal lines."""

from __future__ import annotations

from negspace.report.claim_page import render_claim, render_lab
from negspace.report.claim_terminal import claim_lines
from negspace.report.page import fragment, render, render_comparison
from negspace.report.terminal import comparison_table, summary_lines

__all__ = [
    "claim_lines",
    "comparison_table",
    "fragment",
    "render",
    "render_claim",
    "render_comparison",
    "render_lab",
    "summary_lines",
]
