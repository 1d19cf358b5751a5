"""Reports as lists of blocks, and what writes them: pages, terminal lines, Markdown, notebook blocks.

Import blocks from :mod:`negspace.reports.blocks`, shared charts from :mod:`negspace.reports.charts`, and
a writer where it is used: Jinja and rich cost time.
"""

from __future__ import annotations

from negspace.reports.blocks import Report, Section

__all__ = ["Report", "Section"]
