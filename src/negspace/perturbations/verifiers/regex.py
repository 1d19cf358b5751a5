"""Does a whole text match a pattern?"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from negspace.errors import PlanError
from negspace.perturbations.proof import Proof, invalid, valid
from negspace.perturbations.verifiers.limits import too_long
from negspace.records import Json

__all__ = ["Regex"]

_LONGEST_TEXT = 10_000


@dataclass(frozen=True)
class Regex:
    """Whether a whole text matches a regular expression, as Python's re has them.

    Unknown: a text of more than 10,000 characters. A pattern that backtracks without end, such as
    ``(a+)+b``, does so on far shorter ones: the pattern is the user's own.

    Attributes:
        pattern: The regular expression.

    Raises:
        PlanError: If it is not one.
    """

    pattern: str
    _compiled: re.Pattern[str] = field(init=False, repr=False, compare=False)

    name = "regex"

    def __post_init__(self) -> None:
        try:
            compiled = re.compile(self.pattern)
        except (re.error, OverflowError, RecursionError) as error:
            raise PlanError(f"no regular expression: {error}", got=self.pattern) from error
        object.__setattr__(self, "_compiled", compiled)

    def describe(self) -> Mapping[str, Json]:
        """The verifier and its pattern."""
        return {"verifier": self.name, "pattern": self.pattern}

    def __call__(self, text: str) -> Proof:
        """Judge a text."""
        if (refused := too_long(text, _LONGEST_TEXT)) is not None:
            return refused
        if self._compiled.fullmatch(text):
            return valid("matches the pattern")
        return invalid("does not match the pattern")
