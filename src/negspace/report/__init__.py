"""From a summary (plain data) to what people read: a page, a notebook block, terminal lines."""

from __future__ import annotations

from negspace.report.claim_page import render_claim, render_lab
from negspace.report.claim_terminal import claim_lines

__all__ = [
    "claim_lines",
    "render_claim",
    "render_lab",
]
