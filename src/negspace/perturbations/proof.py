"""What a verifier says of a text, and what it may be: valid, invalid, or not known."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol, runtime_checkable

from negspace.errors import PlanError
from negspace.records import Json

__all__ = ["FunctionVerifier", "Proof", "Validity", "Verifier", "invalid", "unknown", "valid"]


class Validity(StrEnum):
    """The label of a text, as far as it can be proven."""

    VALID = "valid"
    INVALID = "invalid"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Proof:
    """A verdict on one text.

    Attributes:
        validity: The verdict. UNKNOWN is no label: a text the verifier cannot read is not thereby invalid.
        reason: Why, in one sentence without its full stop.
    """

    validity: Validity
    reason: str


def valid(reason: str) -> Proof:
    """A proof that the text is valid."""
    return Proof(Validity.VALID, reason)


def invalid(reason: str) -> Proof:
    """A proof that the text is not valid."""
    return Proof(Validity.INVALID, reason)


def unknown(reason: str) -> Proof:
    """No proof either way."""
    return Proof(Validity.UNKNOWN, reason)


@runtime_checkable
class Verifier(Protocol):
    """Tells whether a text is valid; a pure function of the text that raises on none."""

    @property
    def name(self) -> str:
        """As results name the verifier."""

    def describe(self) -> Mapping[str, Json]:
        """What identifies the verifier: all that its verdicts depend on."""

    def __call__(self, text: str) -> Proof:
        """Judge a text."""


@dataclass(frozen=True)
class FunctionVerifier:
    """The user's own check as a verifier.

    Attributes:
        name: As results name it.
        function: Text to True (valid), False (invalid) or None (cannot tell). What it raises is passed on.
    """

    name: str
    function: Callable[[str], bool | None]

    def describe(self) -> Mapping[str, Json]:
        """The name and the function's own name; the function's content is not looked at."""
        function = getattr(self.function, "__qualname__", type(self.function).__qualname__)
        return {"verifier": self.name, "function": function}

    def __call__(self, text: str) -> Proof:
        """Ask the function.

        Raises:
            PlanError: If it gives anything but True, False and None.
        """
        said = self.function(text)
        if said is None:
            return unknown(f"{self.name} cannot tell")
        if not isinstance(said, bool):
            raise PlanError(
                f"the function of the verifier '{self.name}' gives True, False or None",
                got=said,
                hint="wrap what it returns in bool()",
            )
        return valid(f"{self.name} holds") if said else invalid(f"{self.name} does not hold")
