"""Edits that keep the verdict, as a variation for the audit's invariance."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from negspace.perturbations.edit import Operator
from negspace.perturbations.operators import operators_for
from negspace.perturbations.proof import Validity, Verifier
from negspace.perturbations.search import draw_candidates
from negspace.perturbations.variations import Variation

__all__ = ["as_variation"]


def as_variation(
    verifier: Verifier, operators: Sequence[Operator] | None = None, *, tries: int = 64
) -> Variation:
    """Edit a text into another with the same verdict.

    What the variation claims is that the verdict decides the label. So its canonical form is the verdict:
    texts proven valid are all the same to it, as are texts proven invalid, and a text it cannot judge
    is like itself only. Two valid rows of different labels are then a conflict, and the audit leaves the
    variation out: there the label is about something else.

    Args:
        verifier: Says what is valid.
        operators: Make the edits; None takes those that suit the verifier.
        tries: Edits to try on a text before it is said not to apply.
    """
    chosen = tuple(operators or operators_for(verifier.name))

    def apply(text: str, rng: np.random.Generator) -> str | None:
        validity = verifier(text).validity
        if validity is Validity.UNKNOWN:
            return None
        drawn = draw_candidates(text, chosen, rng, tries)
        return next((c.text for c in drawn if verifier(c.text).validity is validity), None)

    def canonical(text: str) -> str:
        validity = verifier(text).validity
        # A leading NUL keeps the verdict apart from a text that happens to read "valid".
        return text if validity is Validity.UNKNOWN else f"\0{validity.value}"

    return Variation(
        f"{verifier.name} kept",
        f"one edit that leaves the verdict of '{verifier.name}' as it is",
        apply,
        canonical,
    )
