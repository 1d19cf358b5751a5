"""Verifiers, one module a family: each says whether a text is valid, invalid or not known, and proves it.

Limits keep a verifier quick on any text; beyond them it says that it does not know.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from typing import ClassVar, Protocol, runtime_checkable

from negspace.errors import PlanError
from negspace.records import Json
from negspace.registry import Registry

DECIMAL = r"(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?"
"""A number as written: digits, perhaps in groups of three, perhaps with decimals; no sign."""

_MOST_DIGITS = 100
_BRACKET = re.compile(r"[(\[{]|[)\]}]")


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


class TextVerifier(ABC):
    """A built-in verifier: it has a name, and does not know a text that is too long.

    Attributes:
        longest: Characters of the longest text that it reads.
    """

    name: ClassVar[str]
    longest: ClassVar[int]

    def describe(self) -> Mapping[str, Json]:
        """What identifies the verifier: all that its verdicts depend on."""
        return {"verifier": self.name}

    def __call__(self, text: str) -> Proof:
        """Judge a text."""
        if len(text) > self.longest:
            return unknown(f"longer than {self.longest:,} characters")
        return self.judge(text)

    @abstractmethod
    def judge(self, text: str) -> Proof:
        """Judge a text that is not too long."""


@dataclass(frozen=True)
class FunctionVerifier:
    """The user's own check as a verifier."""

    name: str
    # Text to True (valid), False (invalid) or None (cannot tell). What it raises is passed on.
    function: Callable[[str], bool | None]

    def describe(self) -> Mapping[str, Json]:
        """The name and the function's own name; the function's content is not looked at."""
        function = getattr(self.function, "__qualname__", type(self.function).__qualname__)
        return {"verifier": self.name, "function": function}

    def __call__(self, text: str) -> Proof:
        """Ask the function; a `PlanError` if it gives anything but True, False and None."""
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


def too_deep(text: str, most: int) -> Proof | None:
    """Refuse brackets nested deeper than ``most``; one inside a string counts too."""
    depth = 0
    for bracket in _BRACKET.finditer(text):
        # Brackets that close nothing must not make room for more that open.
        depth = depth + 1 if bracket[0] in "([{" else max(depth - 1, 0)
        if depth > most:
            return unknown(f"nested deeper than {most}")
    return None


def number(written: str) -> Fraction | None:
    """Read a number exactly; None where it has too many digits to be meant."""
    digits = written.replace(",", "").replace("−", "-")
    return Fraction(digits) if len(digits) <= _MOST_DIGITS else None


def is_rounded(exact: Fraction, written: str) -> bool:
    """Whether a number as written is an exact value rounded to its decimals, and not the value itself.

    "1 / 3 = 0.33" is what people write for a true statement; it is neither proven nor refuted.
    """
    stated = number(written)
    unit = Fraction(1, 10 ** len(written.partition(".")[2]))
    return (
        stated is not None
        and stated != exact
        and (exact / unit).denominator > 1
        and (abs(exact - stated) <= unit / 2)
    )


VERIFIERS: Registry[Callable[..., Verifier]] = Registry(
    "verifier", group="negspace.verifiers", package="negspace.perturbations.verifiers"
)
"""Verifiers by name; what is registered is called with the argument after the colon, if there is one."""


def open_verifier(spec: str) -> Verifier:
    """Make a verifier from its name: ``"json"``, ``"json-schema:FILE"``, ``"regex:PATTERN"``.

    Raises:
        PlanError: If there is none of the name, or its argument is missing, too much or wrong.
        DataError: If a schema cannot be read.
        MissingExtraError: If ``json-schema`` is asked for and jsonschema is not installed.
    """
    entry, argument = VERIFIERS.find(spec)
    return entry.target(argument) if argument else entry.target()
