"""Mining: near misses found or made for a data set, false negatives under control, in trainers' formats."""

from __future__ import annotations

from negspace.mining.formats import FORMATS
from negspace.mining.result import Mined
from negspace.mining.run import OUT, mine
from negspace.mining.settings import PARTNERS, SAMPLINGS, SOURCES, Settings
from negspace.mining.summary import SCHEMA

__all__ = ["FORMATS", "OUT", "PARTNERS", "SAMPLINGS", "SCHEMA", "SOURCES", "Mined", "Settings", "mine"]
