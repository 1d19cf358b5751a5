"""Choosing rows: what each one does in its set."""

from __future__ import annotations

from negspace.curation.roles import Role, Roles, sort_rows, suspects

__all__ = ["Role", "Roles", "sort_rows", "suspects"]
