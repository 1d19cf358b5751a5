"""A corpus with planted truth: rules, facts and noise, each fragment's role known."""

from __future__ import annotations

from negspace.concepts.planted.checks import CHECKS, read_record
from negspace.concepts.planted.corpus import NOISES, ROLES, PlantedCorpus, PlantedRecipe, planted_corpus
from negspace.concepts.planted.facts import KINDS, Record
from negspace.concepts.planted.rules import RULES

__all__ = [
    "CHECKS",
    "KINDS",
    "NOISES",
    "ROLES",
    "RULES",
    "PlantedCorpus",
    "PlantedRecipe",
    "Record",
    "planted_corpus",
    "read_record",
]
