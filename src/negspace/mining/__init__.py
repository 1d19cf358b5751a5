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

__all__ = [
    "FORMATS", "OUT", "PARTNERS", "SAMPLINGS", "SCHEMA", "SOURCES", "Findings", "Links", "Mined",
    "MiningPool", "MiningSettings", "NeighbourSource", "PoolKind", "SameTexts", "check_whole", "code_hash",
    "mine", "mining_report", "output_place",
]  # fmt: skip


# Modules are imported when something is asked of them, the light ones first: help needs the names of formats
# and sources only.
_MODULES = ("settings", "formats", "pool", "findings", "output", "report", "sources", "run")


def __getattr__(name: str) -> object:
    if name in __all__:
        for module in (import_module(f"{__name__}.{each}") for each in _MODULES):
            if hasattr(module, name):
                return getattr(module, name)
    raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
