"""Are the brackets of a text balanced?"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from negspace.perturbations.proof import Proof, invalid, valid
from negspace.perturbations.verifiers.limits import too_long
from negspace.records import Json

__all__ = ["Brackets"]

_LONGEST_TEXT = 100_000
_BRACKET = re.compile(r"[()\[\]{}]")
_CLOSES = {")": "(", "]": "[", "}": "{"}


@dataclass(frozen=True)
class Brackets:
    """Whether each of ``( [ {`` is closed by its own kind, in order.

    Every bracket counts, inside quotes too: a text is in no programming language, and where its quotes
    begin and end cannot be told. A text without brackets is balanced.
    """

    name = "brackets"

    def describe(self) -> Mapping[str, Json]:
        """What identifies the verifier."""
        return {"verifier": self.name}

    def __call__(self, text: str) -> Proof:
        """Judge a text."""
        if (refused := too_long(text, _LONGEST_TEXT)) is not None:
            return refused
        waiting: list[tuple[str, int]] = []
        for match in _BRACKET.finditer(text):
            bracket, at = match[0], match.start()
            if bracket not in _CLOSES:
                waiting.append((bracket, at))
            elif not waiting:
                return invalid(f"'{bracket}' at character {at} closes nothing")
            elif waiting.pop()[0] != _CLOSES[bracket]:
                return invalid(f"'{bracket}' at character {at} closes a bracket of another kind")
        if waiting:
            bracket, at = waiting[-1]
            return invalid(f"'{bracket}' at character {at} is never closed")
        return valid("every bracket is closed by its own kind")
