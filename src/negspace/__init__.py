"""Measure what a training set teaches a model to rule out."""

from __future__ import annotations

from negspace._version import __version__
from negspace.errors import NegspaceError

__all__ = ["NegspaceError", "__version__"]
