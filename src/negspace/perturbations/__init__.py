"""Edits with a verifier: near misses made from a text, each with its label proven."""

from __future__ import annotations

from negspace.perturbations.edit_search import (
    OPERATORS,
    OPERATORS_FOR,
    EditSearch,
    VerifiedEdit,
    near_misses,
    open_operators,
    operators_for,
    repairs,
    search,
    variations,
)
from negspace.perturbations.edits import Candidate, Edit, EditKind, EditLevel, Operator, edit_distance
from negspace.perturbations.label_preserving import VARIATIONS, Variation, as_variation, conflict
from negspace.perturbations.verifiers import (
    VERIFIERS,
    FunctionVerifier,
    Proof,
    Validity,
    Verifier,
    open_verifier,
)
from negspace.perturbations.verifiers.arithmetic import Arithmetic
from negspace.perturbations.verifiers.json_documents import JsonSchema, JsonSyntax
from negspace.perturbations.verifiers.statements import UNITS, Dates, Units
from negspace.perturbations.verifiers.syntax import Brackets, Ordering, PythonSyntax, Regex

__all__ = [
    "OPERATORS", "OPERATORS_FOR", "UNITS", "VARIATIONS", "VERIFIERS", "Arithmetic", "Brackets", "Candidate",
    "Dates", "Edit", "EditKind", "EditLevel", "EditSearch", "FunctionVerifier", "JsonSchema", "JsonSyntax",
    "Operator", "Ordering", "Proof", "PythonSyntax", "Regex", "Units", "Validity", "Variation",
    "VerifiedEdit", "Verifier", "as_variation", "conflict", "edit_distance", "near_misses", "open_operators",
    "open_verifier", "operators_for", "repairs", "search", "variations",
]  # fmt: skip
