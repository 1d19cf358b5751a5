"""From a summary (plain data) to what people read: a page, a notebook block, terminal lines."""

from __future__ import annotations

from negspace.report.page import fragment, render, render_comparison
from negspace.report.terminal import comparison_table, summary_lines

__all__ = ["comparison_table", "fragment", "render", "render_comparison", "summary_lines"]
