"""Is a text JSON?"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NoReturn

from negspace.perturbations.proof import Proof, invalid, unknown, valid
from negspace.perturbations.verifiers.limits import too_deep, too_long
from negspace.records import Json

__all__ = ["JsonSyntax", "not_json"]

_LONGEST_TEXT = 100_000
_MOST_NESTED = 200


def not_json(constant: str) -> NoReturn:
    """Refuse NaN and Infinity, which Python reads and JSON does not have."""
    raise ValueError(f"JSON has no {constant}")


@dataclass(frozen=True)
class JsonSyntax:
    """Whether a text is JSON by the grammar of RFC 8259.

    The grammar admits a key that occurs twice and any number of digits; so does this. Unknown: nested
    deeper than 200, or longer than 100,000 characters.
    """

    name = "json"

    def describe(self) -> Mapping[str, Json]:
        """What identifies the verifier."""
        return {"verifier": self.name}

    def __call__(self, text: str) -> Proof:
        """Judge a text."""
        refused = too_long(text, _LONGEST_TEXT) or too_deep(text, _MOST_NESTED)
        if refused is not None:
            return refused
        try:
            # Numbers are left as text: Python refuses to read integers of more than 4,300 digits.
            json.loads(text, parse_int=str, parse_float=str, parse_constant=not_json)
        except RecursionError:
            return unknown("nested too deep for the parser")
        except ValueError as error:
            return invalid(str(error))
        return valid("JSON by RFC 8259")
