"""The demo: two training sets of support tickets, audited on the same test rows."""

from __future__ import annotations

from negspace.demo.before_after import run_demo

__all__ = ["run_demo"]
