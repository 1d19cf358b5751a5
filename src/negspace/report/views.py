"""Moved to :mod:`negspace.reports.charts` and :mod:`negspace.reports.numbers`."""

from __future__ import annotations

from negspace.reports.charts import ANSWERS, OUTCOMES
from negspace.reports.numbers import seed_range

__all__ = ["ANSWERS", "OUTCOMES", "seed_range"]
