"""Moved to :mod:`negspace.reports.textdiff`."""

from __future__ import annotations

from negspace.reports.textdiff import Kind, abridge, clip, visible, word_diff
from negspace.reports.textdiff import Stretch as Block

__all__ = ["Block", "Kind", "abridge", "clip", "visible", "word_diff"]
