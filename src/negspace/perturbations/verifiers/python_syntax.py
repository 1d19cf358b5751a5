"""Is a text Python, by its grammar?"""

from __future__ import annotations

import ast
import platform
import warnings
from collections.abc import Mapping
from dataclasses import dataclass

from negspace.perturbations.proof import Proof, invalid, unknown, valid
from negspace.perturbations.verifiers.limits import too_deep, too_long
from negspace.records import Json

__all__ = ["PythonSyntax"]

_LONGEST_TEXT = 50_000
_MOST_NESTED = 60
# What the parser refuses although the grammar has it.
_PARSER_LIMITS = ("too many", "Exceeds the limit", "parser stack overflow", "too complex")


@dataclass(frozen=True)
class PythonSyntax:
    """Whether a text parses as a Python module, by the grammar of the running Python.

    Nothing is run, nor compiled: ``return`` outside a function is for the compiler to refuse, not for the
    grammar. An empty text is a module. Unknown: what exceeds the parser's own limits.
    """

    name = "python"

    def describe(self) -> Mapping[str, Json]:
        """The verifier and the version of the grammar."""
        return {"verifier": self.name, "python": ".".join(platform.python_version_tuple()[:2])}

    def __call__(self, text: str) -> Proof:
        """Judge a text."""
        refused = too_long(text, _LONGEST_TEXT) or too_deep(text, _MOST_NESTED)
        if refused is not None:
            return refused
        if "\0" in text:
            return invalid("a NUL character")
        try:
            with warnings.catch_warnings():
                # An escape like "\d" is warned of, and is still Python.
                warnings.simplefilter("ignore")
                ast.parse(text)
        except SyntaxError as error:
            if error.msg.startswith(_PARSER_LIMITS):
                return unknown(f"beyond the parser: {error.msg[:60]}")
            return invalid(f"line {error.lineno}: {error.msg}")
        except (RecursionError, MemoryError, ValueError, OverflowError) as error:
            return unknown(f"beyond the parser: {type(error).__name__}")
        return valid("parses as a Python module")
