"""The built-in verifiers, by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from negspace.errors import PlanError, did_you_mean
from negspace.perturbations.proof import Verifier
from negspace.perturbations.verifiers.arithmetic import Arithmetic
from negspace.perturbations.verifiers.brackets import Brackets
from negspace.perturbations.verifiers.dates import Dates
from negspace.perturbations.verifiers.json_schema import JsonSchema, read_schema
from negspace.perturbations.verifiers.json_syntax import JsonSyntax
from negspace.perturbations.verifiers.ordering import Ordering
from negspace.perturbations.verifiers.python_syntax import PythonSyntax
from negspace.perturbations.verifiers.regex import Regex
from negspace.perturbations.verifiers.unit_table import UNITS
from negspace.perturbations.verifiers.units import Units

__all__ = [
    "UNITS",
    "VERIFIERS",
    "Arithmetic",
    "Brackets",
    "Dates",
    "JsonSchema",
    "JsonSyntax",
    "Ordering",
    "PythonSyntax",
    "Regex",
    "Units",
    "VerifierEntry",
    "open_verifier",
]


@dataclass(frozen=True)
class VerifierEntry:
    """How a verifier is asked for by name.

    Attributes:
        what: What it holds to be valid, for a reader.
        make: Its argument (``""`` where none is given) to the verifier.
        argument: What follows the colon, as a usage line writes it: ``"FILE"``; None where nothing may.
        required: Whether the argument must be there.
    """

    what: str
    make: Callable[[str], Verifier]
    argument: str | None = None
    required: bool = False


VERIFIERS: Mapping[str, VerifierEntry] = {
    "arithmetic": VerifierEntry("every equation and inequality holds", lambda _: Arithmetic()),
    "ordering": VerifierEntry(
        "the list is sorted", lambda direction: Ordering(direction or "ascending"), "DIRECTION"
    ),
    "brackets": VerifierEntry("brackets are balanced", lambda _: Brackets()),
    "json": VerifierEntry("the text is JSON", lambda _: JsonSyntax()),
    "json-schema": VerifierEntry(
        "the text is JSON and meets the schema", lambda file: read_schema(Path(file)), "FILE", True
    ),
    "python": VerifierEntry("the text parses as Python", lambda _: PythonSyntax()),
    "regex": VerifierEntry("the whole text matches the pattern", Regex, "PATTERN", True),
    "units": VerifierEntry("the two quantities compare as stated", lambda _: Units()),
    "dates": VerifierEntry("the statement about dates holds", lambda _: Dates()),
}


def open_verifier(spec: str) -> Verifier:
    """Make a built-in verifier from its name: ``"json"``, ``"json-schema:FILE"``, ``"regex:PATTERN"``.

    Raises:
        PlanError: If there is none of the name, or its argument is missing, too much or wrong.
        DataError: If a schema cannot be read.
        MissingExtraError: If ``json-schema`` is asked for and jsonschema is not installed.
    """
    name, colon, argument = spec.partition(":")
    entry = VERIFIERS.get(name)
    if entry is None:
        raise PlanError(f"there is no verifier '{name}'", hint=did_you_mean(name, VERIFIERS))
    if entry.argument is None and colon:
        raise PlanError(f"the verifier '{name}' takes nothing after its name", got=spec, hint=f"write {name}")
    if entry.required and not argument:
        raise PlanError(
            f"the verifier '{name}' needs a {entry.argument}", hint=f"write {name}:{entry.argument}"
        )
    return entry.make(argument)
