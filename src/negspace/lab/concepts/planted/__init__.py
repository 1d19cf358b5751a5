"""A corpus with planted truth: rules, facts and noise, each fragment's role known."""

from __future__ import annotations

from negspace.lab.concepts.planted.checks import CHECKS, read_record
from negspace.lab.concepts.planted.corpus import NOISES, ROLES, PlantedCorpus, PlantedRecipe, planted_corpus
from negspace.lab.concepts.planted.facts import KINDS, Record
from negspace.lab.concepts.planted.rules import RULES

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
