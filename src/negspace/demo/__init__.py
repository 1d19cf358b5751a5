"""The demo: two training sets of support tickets, audited on the same test rows."""

from __future__ import annotations

from negspace.demo.before_after import Demo, comparison_report, run_demo

__all__ = ["Demo", "comparison_report", "run_demo"]
