"""Typed edit operators, by name; and which of them suit which verifier."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from negspace.errors import PlanError, did_you_mean
from negspace.perturbations.edits import Operator
from negspace.perturbations.text_operators import CLAUSES, NUMBERS, TOKEN_REPLACE, TOKEN_SWAP, TOKENS
from negspace.perturbations.tree_operators import BLOCKS, BRACKETS, JSON_TREE

__all__ = ["OPERATORS", "OPERATORS_FOR", "open_operators", "operators_for"]

OPERATORS: Mapping[str, Operator] = {
    operator.name: operator for operator in (*TOKENS, *NUMBERS, *CLAUSES, *BRACKETS, *JSON_TREE, *BLOCKS)
}

OPERATORS_FOR: Mapping[str, tuple[Operator, ...]] = {
    "arithmetic": (*NUMBERS, TOKEN_SWAP, TOKEN_REPLACE),
    "ordering": (*NUMBERS, *CLAUSES, TOKEN_SWAP),
    "brackets": (*BRACKETS, *TOKENS),
    "json": (*BRACKETS, *JSON_TREE, *TOKENS, *NUMBERS),
    "json-schema": (*JSON_TREE, *NUMBERS),
    "python": (*BLOCKS, *BRACKETS, *TOKENS, *NUMBERS),
    "regex": (*TOKENS, *NUMBERS, *CLAUSES),
    "units": (*NUMBERS, TOKEN_SWAP, TOKEN_REPLACE),
    "dates": (*NUMBERS, TOKEN_SWAP, TOKEN_REPLACE),
}
"""Operators that suit each built-in verifier: most of what they make, it can judge."""


def operators_for(verifier: str) -> tuple[Operator, ...]:
    """Give the operators that suit a verifier; all of them for one that is not built in."""
    return OPERATORS_FOR.get(verifier, tuple(OPERATORS.values()))


def open_operators(names: Iterable[str]) -> tuple[Operator, ...]:
    """Look operators up by name.

    Raises:
        PlanError: If there is none of a name.
    """
    chosen = []
    for name in names:
        if name not in OPERATORS:
            raise PlanError(f"there is no edit operator '{name}'", hint=did_you_mean(name, OPERATORS))
        chosen.append(OPERATORS[name])
    return tuple(chosen)
