"""Verifiers, one module a family: each says of a text whether it is valid, and proves it."""

from __future__ import annotations

from collections.abc import Callable

from negspace.perturbations.proof import Verifier
from negspace.registry import Registry

__all__ = ["VERIFIERS", "open_verifier"]

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
