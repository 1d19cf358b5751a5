"""Edits with a verifier: near misses made from a text, each with its label proven."""

from __future__ import annotations

from negspace.negatives.edits.distance import edit_distance
from negspace.negatives.edits.edit import Candidate, Edit, Kind, Level, Operator
from negspace.negatives.edits.items import sample_item, sample_verifier
from negspace.negatives.edits.operators import OPERATORS, OPERATORS_FOR, open_operators, operators_for
from negspace.negatives.edits.proof import FunctionVerifier, Proof, Validity, Verifier
from negspace.negatives.edits.search import (
    EditSearch,
    VerifiedEdit,
    near_misses,
    repairs,
    search,
    variations,
)
from negspace.negatives.edits.variation import as_variation
from negspace.negatives.edits.verifiers import (
    UNITS,
    VERIFIERS,
    Arithmetic,
    Brackets,
    Dates,
    JsonSchema,
    JsonSyntax,
    Ordering,
    PythonSyntax,
    Regex,
    Units,
    open_verifier,
)

__all__ = [
    "OPERATORS",
    "OPERATORS_FOR",
    "UNITS",
    "VERIFIERS",
    "Arithmetic",
    "Brackets",
    "Candidate",
    "Dates",
    "Edit",
    "EditSearch",
    "FunctionVerifier",
    "JsonSchema",
    "JsonSyntax",
    "Kind",
    "Level",
    "Operator",
    "Ordering",
    "Proof",
    "PythonSyntax",
    "Regex",
    "Units",
    "Validity",
    "VerifiedEdit",
    "Verifier",
    "as_variation",
    "edit_distance",
    "near_misses",
    "open_operators",
    "open_verifier",
    "operators_for",
    "repairs",
    "sample_item",
    "sample_verifier",
    "search",
    "variations",
]
