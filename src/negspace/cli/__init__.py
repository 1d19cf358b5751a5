"""The command line: one command a file, no logic."""

from __future__ import annotations

from negspace.cli.main import main

__all__ = ["main"]
