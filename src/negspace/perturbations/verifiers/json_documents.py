"""Is a text JSON, and does it meet a JSON Schema?"""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any, NoReturn

from negspace.errors import DataError, MissingExtraError
from negspace.perturbations.verifiers import (
    VERIFIERS,
    Proof,
    TextVerifier,
    Validity,
    invalid,
    too_deep,
    unknown,
    valid,
)
from negspace.records import Json

_MOST_DIGITS = 100
_MOST_NESTED = 200


def _not_json(constant: str) -> NoReturn:
    """Refuse NaN and Infinity, which Python reads and JSON does not have."""
    raise ValueError(f"JSON has no {constant}")


@VERIFIERS.register("json", summary="the text is JSON")
@dataclass(frozen=True)
class JsonSyntax(TextVerifier):
    """Whether a text is JSON by the grammar of RFC 8259.

    The grammar admits a key that occurs twice and any number of digits; so does this. Unknown: nested
    deeper than 200, or longer than 100,000 characters.
    """

    name = "json"
    longest = 100_000

    def judge(self, text: str) -> Proof:
        """Judge a text that is not too long."""
        if (refused := too_deep(text, _MOST_NESTED)) is not None:
            return refused
        try:
            # Numbers are left as text: Python refuses to read integers of more than 4,300 digits.
            json.loads(text, parse_int=str, parse_float=str, parse_constant=_not_json)
        except RecursionError:
            return unknown("nested too deep for the parser")
        except ValueError as error:
            return invalid(str(error))
        return valid("JSON by RFC 8259")


class _AmbiguousError(Exception):
    """A JSON text that different readers take differently, and why."""


@dataclass(frozen=True, eq=False)
class JsonSchema:
    """Whether a text is JSON and meets a schema, by the library jsonschema.

    The draft is the one the schema names, else 2020-12. As the specification has it, ``format`` is a
    note and asserts nothing. ``multipleOf`` is computed exactly, not in floats. References to other
    documents are not fetched. A text that is not JSON meets no schema. Unknown: what readers of JSON
    differ in (a key that occurs twice, numbers that no float holds), and a reference that leads nowhere.

    Raises:
        DataError: If the schema is not one.
        MissingExtraError: If jsonschema is not installed.
    """

    schema: Mapping[str, Any] | bool
    _validator: Any = field(init=False, repr=False)

    name = "json-schema"

    def __post_init__(self) -> None:
        object.__setattr__(self, "_validator", _validator(self.schema))

    def describe(self) -> Mapping[str, Json]:
        """The verifier and the SHA-256 (hex) of the schema."""
        content = json.dumps(self.schema, sort_keys=True).encode()
        return {"verifier": self.name, "schema": hashlib.sha256(content).hexdigest()}

    def __call__(self, text: str) -> Proof:
        """Judge a text."""
        syntax = JsonSyntax()(text)
        if syntax.validity is not Validity.VALID:
            return syntax
        # Here, for jsonschema is optional; whoever has a verifier has it.
        from referencing.exceptions import Unresolvable

        try:
            value = json.loads(
                text,
                object_pairs_hook=_unique,
                parse_int=_whole,
                parse_float=_decimal,
                parse_constant=_not_json,
            )
            found = next(self._validator.iter_errors(value), None)
        except _AmbiguousError as ambiguous:
            return unknown(str(ambiguous))
        except Unresolvable as missing:
            return unknown(f"the schema refers to {missing.ref}, which it does not hold")
        except RecursionError:
            return unknown("nested too deep for the schema")
        if found is None:
            return valid("meets the schema")
        return invalid(f"{found.json_path}: {found.message[:200]}")


@VERIFIERS.register("json-schema", argument="FILE", summary="the text is JSON and meets the schema")
def read_schema(file: str) -> JsonSchema:
    """Read a schema from a file."""
    path = Path(file)
    try:
        schema = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise DataError(f"{path}: no JSON Schema can be read from it", got=str(error)) from error
    if not isinstance(schema, dict | bool):
        raise DataError(f"{path}: a JSON Schema is an object, true or false", got=schema)
    return JsonSchema(schema)


def _validator(schema: Mapping[str, Any] | bool) -> Any:
    try:
        import jsonschema
        from jsonschema_specifications import REGISTRY
    except ImportError as error:
        raise MissingExtraError("the verifier 'json-schema'", "mine") from error
    draft = jsonschema.validators.validator_for(schema, default=jsonschema.Draft202012Validator)
    try:
        draft.check_schema(schema)
    except jsonschema.SchemaError as error:
        raise DataError(f"the JSON Schema is no schema: {error.json_path}", got=error.message) from error
    exact = jsonschema.validators.extend(draft, {"multipleOf": _multiple_of})
    # With a registry of its own the library asks no network for references.
    return exact(schema, registry=REGISTRY)


def _multiple_of(validator: Any, step: float, instance: Any, schema: Any) -> Iterator[Any]:
    """As the library's own, which finds 0.3 to be no multiple of 0.1."""
    del schema
    from jsonschema import ValidationError

    if validator.is_type(instance, "number") and Fraction(repr(instance)) % Fraction(repr(step)):
        yield ValidationError(f"{instance!r} is not a multiple of {step!r}")


def _unique(members: list[tuple[str, Any]]) -> dict[str, Any]:
    keys = dict(members)
    if len(keys) < len(members):
        raise _AmbiguousError("a key that occurs twice in one object")
    return keys


def _whole(digits: str) -> int:
    if len(digits) > _MOST_DIGITS:
        raise _AmbiguousError(f"a number of more than {_MOST_DIGITS} digits")
    return int(digits)


def _decimal(written: str) -> float:
    value = float(written)
    underflow = value == 0 and re.match(r"-?0*\.?0*[1-9]", written)
    # Decided before Fraction, which would spell a large exponent out.
    held = len(written) <= _MOST_DIGITS and math.isfinite(value) and not underflow
    if not held or Fraction(written) != Fraction(repr(value)):
        raise _AmbiguousError(f"the number {written[:30]}, which no float holds")
    return value
