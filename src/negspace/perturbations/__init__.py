"""Edits with a verifier: near misses made from a text, each with its label proven."""

from __future__ import annotations

from negspace.perturbations.distance import edit_distance
from negspace.perturbations.edit import Candidate, Edit, Kind, Level, Operator
from negspace.perturbations.items import sample_item, sample_verifier
from negspace.perturbations.operators import OPERATORS, OPERATORS_FOR, open_operators, operators_for
from negspace.perturbations.proof import FunctionVerifier, Proof, Validity, Verifier
from negspace.perturbations.search import (
    EditSearch,
    VerifiedEdit,
    near_misses,
    repairs,
    search,
    variations,
)
from negspace.perturbations.variation import as_variation
from negspace.perturbations.variations import VARIATIONS, Variation, conflict
from negspace.perturbations.verifiers import (
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
    "VARIATIONS",
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
    "Variation",
    "VerifiedEdit",
    "Verifier",
    "as_variation",
    "conflict",
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
