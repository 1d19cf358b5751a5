"""Mining: near misses found or made for a data set, false negatives under control, in trainers' formats."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from negspace.mining.findings import SCHEMA, Findings, Mined
    from negspace.mining.formats import FORMATS
    from negspace.mining.output import output_place
    from negspace.mining.pool import Links, MiningPool, PoolKind, SameTexts
    from negspace.mining.report import mining_report
    from negspace.mining.run import OUT, code_hash, mine
    from negspace.mining.settings import PARTNERS, SAMPLINGS, SOURCES, MiningSettings, check_whole
    from negspace.mining.sources import NeighbourSource

# Modules are imported when something is asked of them: help needs the names of formats and sources only.
_MODULES = {
    "findings": ("SCHEMA", "Findings", "Mined"),
    "formats": ("FORMATS",),
    "output": ("output_place",),
    "pool": ("Links", "MiningPool", "PoolKind", "SameTexts"),
    "report": ("mining_report",),
    "run": ("OUT", "code_hash", "mine"),
    "settings": ("PARTNERS", "SAMPLINGS", "SOURCES", "MiningSettings", "check_whole"),
    "sources": ("NeighbourSource",),
}

__all__ = [
    "FORMATS",
    "OUT",
    "PARTNERS",
    "SAMPLINGS",
    "SCHEMA",
    "SOURCES",
    "Findings",
    "Links",
    "Mined",
    "MiningPool",
    "MiningSettings",
    "NeighbourSource",
    "PoolKind",
    "SameTexts",
    "check_whole",
    "code_hash",
    "mine",
    "mining_report",
    "output_place",
]


def __getattr__(name: str) -> object:
    for module, names in _MODULES.items():
        if name in names:
            return getattr(import_module(f"{__name__}.{module}"), name)
    raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
