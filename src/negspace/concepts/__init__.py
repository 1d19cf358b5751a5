"""Concepts: tasks whose boundary is known exactly, one a file."""

from __future__ import annotations
