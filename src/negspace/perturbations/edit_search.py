"""From a text to its near misses: edits whose label is proven, nearest first."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from negspace.errors import PlanError, did_you_mean
from negspace.perturbations.edits import Candidate, Edit, Operator, edit_distance
from negspace.perturbations.text_operators import CLAUSES, NUMBERS, TOKEN_REPLACE, TOKEN_SWAP, TOKENS
from negspace.perturbations.tree_operators import BLOCKS, BRACKETS, JSON_TREE
from negspace.perturbations.verifiers import Proof, Validity, Verifier
from negspace.records import Json

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

TRIES = 256
LONGEST_SPAN = 1_000
"""An edit of a longer span (characters) is no small change, and its distance is slow to count."""


@dataclass(frozen=True)
class VerifiedEdit:
    """An edited text with a proven label."""

    text: str
    edit: Edit
    proof: Proof  # proof for the edited text; VALID or INVALID, never UNKNOWN
    verifier: str
    distance: int  # character edit distance from the original

    def describe(self) -> Mapping[str, Json]:
        """The provenance to write beside the text."""
        return {
            "verifier": self.verifier,
            "validity": self.proof.validity.value,
            "reason": self.proof.reason,
            "distance": self.distance,
            "operator": self.edit.operator,
            "kind": self.edit.kind.value,
            "level": self.edit.level.value,
            "start": self.edit.start,
            "end": self.edit.end,
            "before": self.edit.before,
            "after": self.edit.after,
        }


@dataclass(frozen=True)
class EditSearch:
    """What a search found, and why it found no more."""

    proof: Proof  # verdict on the original text. Where it is not the verdict asked for, nothing was tried
    kept: tuple[VerifiedEdit, ...]  # distinct edits proven to have the verdict asked for, nearest first
    tried: int  # how many distinct edits were put to the verifier
    unknown: int  # how many of those it could not judge


def operators_for(verifier: str) -> tuple[Operator, ...]:
    """Give the operators that suit a verifier; all of them for one that is not built in."""
    return OPERATORS_FOR.get(verifier, tuple(OPERATORS.values()))


def open_operators(names: Iterable[str]) -> tuple[Operator, ...]:
    """Look operators up by name; a `PlanError` names the nearest."""
    chosen = []
    for name in names:
        if name not in OPERATORS:
            raise PlanError(f"there is no edit operator '{name}'", hint=did_you_mean(name, OPERATORS))
        chosen.append(OPERATORS[name])
    return tuple(chosen)


def search(
    text: str,
    verifier: Verifier,
    operators: Sequence[Operator] | None = None,
    *,
    start: Validity,
    goal: Validity,
    rng: np.random.Generator | int,
    n: int = 10,
    tries: int = TRIES,
) -> EditSearch:
    """Find edits that lead from one verdict to another, or keep it.

    ``tries`` distinct edits are drawn, the operators taking turns, and put to the verifier from the
    nearest on, until ``n`` are proven. So "nearest" is among those drawn.

    Args:
        text: The original.
        verifier: Says what is valid.
        operators: Make the edits; None takes those that suit the verifier (`operators_for`).
        start: The verdict the original must have.
        goal: The verdict the edits must have.
        rng: Generator, or a seed for one.
        n: Edits to keep at most.
        tries: Edits to draw at most.

    Raises:
        PlanError: If ``start`` or ``goal`` is UNKNOWN, or ``n`` or ``tries`` is negative.
    """
    if Validity.UNKNOWN in {start, goal}:
        raise PlanError("a label that is not known is no label", hint="search between valid and invalid")
    if n < 0 or tries < 0:
        raise PlanError("a search keeps and tries 0 edits or more", got=f"n={n}, tries={tries}")
    proof = verifier(text)
    if proof.validity is not start:
        return EditSearch(proof, (), 0, 0)
    drawn = list(draw_candidates(text, operators or operators_for(verifier.name), rng, tries))
    distances = [edit_distance(c.edit.before, c.edit.after) for c in drawn]
    kept: list[VerifiedEdit] = []
    tried = not_known = 0
    for i in sorted(range(len(drawn)), key=distances.__getitem__):
        if len(kept) >= n:
            break
        found = verifier(drawn[i].text)
        tried += 1
        not_known += found.validity is Validity.UNKNOWN
        if found.validity is goal:
            kept.append(VerifiedEdit(drawn[i].text, drawn[i].edit, found, verifier.name, distances[i]))
    return EditSearch(proof, tuple(kept), tried, not_known)


def near_misses(
    text: str, verifier: Verifier, operators: Sequence[Operator] | None = None, **settings: Any
) -> list[VerifiedEdit]:
    """Edit a valid text into proven invalid ones, nearest first; settings as of `search`.

    None for a text that is not proven valid; the reason is in ``verifier(text)``.
    """
    start, goal = Validity.VALID, Validity.INVALID
    return list(search(text, verifier, operators, start=start, goal=goal, **settings).kept)


def repairs(
    text: str, verifier: Verifier, operators: Sequence[Operator] | None = None, **settings: Any
) -> list[VerifiedEdit]:
    """Edit an invalid text into proven valid ones, nearest first; none for one that is not proven invalid."""
    start, goal = Validity.INVALID, Validity.VALID
    return list(search(text, verifier, operators, start=start, goal=goal, **settings).kept)


def variations(
    text: str, verifier: Verifier, operators: Sequence[Operator] | None = None, **settings: Any
) -> list[VerifiedEdit]:
    """Edit a valid text into other valid ones, nearest first; none for one that is not proven valid."""
    start = goal = Validity.VALID
    return list(search(text, verifier, operators, start=start, goal=goal, **settings).kept)


def draw_candidates(
    text: str, operators: Sequence[Operator], rng: np.random.Generator | int, tries: int
) -> Iterator[Candidate]:
    """Draw distinct edits that change the text and do not empty it, the operators taking turns.

    Each operator has a random stream of its own, so what one draws does not depend on how far the others are.
    """
    seeds = np.random.default_rng(rng).integers(2**63, size=len(operators)).tolist()
    waiting = [
        operator.candidates(text, np.random.default_rng(seed))
        for operator, seed in zip(operators, seeds, strict=True)
    ]
    seen = {text}
    # An operator that repeats itself for ever must not hold the search for ever.
    for _ in range(4 * tries):
        if not waiting or len(seen) > tries:
            return
        source = waiting.pop(0)
        candidate = next(source, None)
        if candidate is None:
            continue
        waiting.append(source)
        longest = max(len(candidate.edit.before), len(candidate.edit.after))
        # A blank text is no near miss of anything, whatever a verifier says of it.
        if candidate.text not in seen and candidate.text.strip() and longest <= LONGEST_SPAN:
            seen.add(candidate.text)
            yield candidate
