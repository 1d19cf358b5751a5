"""Typed edit operators, by name; and which of them suit which verifier."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from negspace.errors import PlanError, did_you_mean
from negspace.perturbations.edit import Operator
from negspace.perturbations.operators.blocks import ColonDelete, LineIndent
from negspace.perturbations.operators.brackets import (
    BracketDelete,
    BracketInsert,
    BracketReplace,
    BracketSwap,
)
from negspace.perturbations.operators.clauses import ClauseDelete, ClauseInsert, ClauseSwap
from negspace.perturbations.operators.json_tree import (
    JsonKeyReplace,
    JsonMemberDelete,
    JsonMemberInsert,
    JsonTypeReplace,
    JsonValueSwap,
)
from negspace.perturbations.operators.numbers import DIGIT_CHANGE, DIGIT_SWAP, MAGNITUDE, NUDGE, SignFlip
from negspace.perturbations.operators.tokens import TokenDelete, TokenInsert, TokenReplace, TokenSwap

__all__ = ["OPERATORS", "OPERATORS_FOR", "open_operators", "operators_for"]

_TOKENS: tuple[Operator, ...] = (TokenSwap(), TokenReplace(), TokenInsert(), TokenDelete())
_NUMBERS: tuple[Operator, ...] = (NUDGE, DIGIT_CHANGE, DIGIT_SWAP, SignFlip(), MAGNITUDE)
_CLAUSES: tuple[Operator, ...] = (ClauseSwap(), ClauseInsert(), ClauseDelete())
_BRACKETS: tuple[Operator, ...] = (BracketSwap(), BracketReplace(), BracketInsert(), BracketDelete())
_JSON: tuple[Operator, ...] = (
    JsonValueSwap(),
    JsonTypeReplace(),
    JsonKeyReplace(),
    JsonMemberInsert(),
    JsonMemberDelete(),
)
_BLOCKS: tuple[Operator, ...] = (LineIndent(), ColonDelete())

OPERATORS: Mapping[str, Operator] = {
    operator.name: operator for operator in (*_TOKENS, *_NUMBERS, *_CLAUSES, *_BRACKETS, *_JSON, *_BLOCKS)
}

OPERATORS_FOR: Mapping[str, tuple[Operator, ...]] = {
    "arithmetic": (*_NUMBERS, TokenSwap(), TokenReplace()),
    "ordering": (*_NUMBERS, *_CLAUSES, TokenSwap()),
    "brackets": (*_BRACKETS, *_TOKENS),
    "json": (*_BRACKETS, *_JSON, *_TOKENS, *_NUMBERS),
    "json-schema": (*_JSON, *_NUMBERS),
    "python": (*_BLOCKS, *_BRACKETS, *_TOKENS, *_NUMBERS),
    "regex": (*_TOKENS, *_NUMBERS, *_CLAUSES),
    "units": (*_NUMBERS, TokenSwap(), TokenReplace()),
    "dates": (*_NUMBERS, TokenSwap(), TokenReplace()),
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
