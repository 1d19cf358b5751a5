"""Valid items to make near misses from: one generator for each built-in verifier, as fixtures."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import date, timedelta
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from negspace.perturbations import UNITS, JsonSchema, Regex, Verifier, open_verifier

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")

SAMPLE_PATTERN = r"[A-Z]{3}-\d{4}(?:/[a-z]+)?"
"""A part number such as ``QXB-0412/left``."""

SAMPLE_SCHEMA: Mapping[str, Any] = {
    "type": "object",
    "required": ["id", "name", "price", "tags"],
    "additionalProperties": False,
    "properties": {
        "id": {"type": "integer", "minimum": 1},
        "name": {"type": "string", "minLength": 1},
        "price": {"type": "number", "minimum": 0, "multipleOf": 0.01},
        "tags": {"type": "array", "items": {"type": "string"}, "uniqueItems": True, "maxItems": 4},
        "in_stock": {"type": "boolean"},
    },
}
"""An article of a shop."""

_WORDS = ("amber", "birch", "cedar", "delta", "ember", "fjord", "grove", "harbor", "inlet", "jetty", "kelp")


@pytest.fixture(scope="session")
def sample_item() -> Callable[[str, np.random.Generator], str]:
    """Makes a text that the built-in verifier of a name holds to be valid."""
    return lambda name, rng: _GENERATORS[name](rng)


@pytest.fixture(scope="session")
def sample_verifier() -> Callable[[str], Verifier]:
    """Gives the verifier that `sample_item` makes items for."""

    def give(name: str) -> Verifier:
        if name == "json-schema":
            return JsonSchema(SAMPLE_SCHEMA)
        return Regex(SAMPLE_PATTERN) if name == "regex" else open_verifier(name)

    return give


def _below(rng: np.random.Generator, high: int) -> int:
    return int(rng.integers(high))


def _word(rng: np.random.Generator) -> str:
    return _WORDS[_below(rng, len(_WORDS))]


def _some_words(rng: np.random.Generator, count: int) -> list[str]:
    return [_WORDS[i] for i in rng.choice(len(_WORDS), size=count, replace=False)]


def _arithmetic(rng: np.random.Generator) -> str:
    """An expression of two to four numbers with its whole value, sometimes in a sentence."""
    while True:
        written, value = _expression(rng, 2 + _below(rng, 3))
        if value.denominator == 1:
            break
    written = written[1:-1] if written.startswith("(") else written
    claim = f"{written} = {value}"
    return (claim, claim, f"So {claim}.", f"Note that {claim}.")[_below(rng, 4)]


def _expression(rng: np.random.Generator, numbers: int) -> tuple[str, Fraction]:
    if numbers == 1:
        value = 1 + _below(rng, 50)
        return str(value), Fraction(value)
    left_numbers = 1 + _below(rng, numbers - 1)
    left, one = _expression(rng, left_numbers)
    right, other = _expression(rng, numbers - left_numbers)
    match _below(rng, 4):
        case 0:
            return f"({left} + {right})", one + other
        case 1:
            return f"({left} - {right})", one - other
        case 2 if other != 0:
            return f"({left} / {right})", one / other
        case _:
            return f"({left} * {right})", one * other


def _ordering(rng: np.random.Generator) -> str:
    count = 3 + _below(rng, 6)
    if _below(rng, 3) == 0:
        return ", ".join(sorted(_some_words(rng, count)))
    return ", ".join(map(str, sorted(rng.integers(-20, 200, size=count).tolist())))


def _brackets(rng: np.random.Generator) -> str:
    return " ".join(_bracketed(rng, 3) for _ in range(1 + _below(rng, 3)))


def _bracketed(rng: np.random.Generator, depth: int) -> str:
    opens, closes = ("()", "[]", "{}")[_below(rng, 3)]
    inside = [
        _bracketed(rng, depth - 1) if depth and _below(rng, 2) else _word(rng) for _ in range(_below(rng, 4))
    ]
    return opens + " ".join(inside) + closes


def _json(rng: np.random.Generator) -> str:
    return json.dumps(_value(rng, 3), indent=(None, 2)[_below(rng, 2)])


def _value(rng: np.random.Generator, depth: int) -> Any:
    kind = _below(rng, 7) if depth < 3 else 5 + _below(rng, 2)
    if kind >= 5 and depth:
        values = [_value(rng, depth - 1) for _ in range(1 + _below(rng, 4))]
        return values if kind == 5 else dict(zip(_some_words(rng, len(values)), values, strict=True))
    leaves = (None, True, _below(rng, 1000), _below(rng, 10_000) / 100, _word(rng))
    return leaves[kind % len(leaves)]


def _article(rng: np.random.Generator) -> str:
    article: dict[str, Any] = {
        "id": 1 + _below(rng, 9999),
        "name": _word(rng),
        "price": _below(rng, 100_000) / 100,
        "tags": _some_words(rng, _below(rng, 4)),
    }
    if _below(rng, 2):
        article["in_stock"] = bool(_below(rng, 2))
    return json.dumps(article)


def _python(rng: np.random.Generator) -> str:
    """A function of a few statements, some of them with a block."""
    name, *others = _some_words(rng, 4)
    lines = [f"def {name}({', '.join(others)}):"]
    for _ in range(1 + _below(rng, 4)):
        one, other = others[_below(rng, 3)], others[_below(rng, 3)]
        lines += (
            [f"    {one} = [{other}, {_below(rng, 99)}]"],
            [f"    if {one} < {_below(rng, 99)}:", f"        {other} += 1"],
            [f"    for {one} in range({1 + _below(rng, 99)}):", f"        print({one}, {other})"],
            [f'    {one} = {{"{other}": ({one} + 1) * {_below(rng, 99)}}}'],
        )[_below(rng, 4)]
    return "\n".join([*lines, f"    return {others[_below(rng, 3)]}", ""])


def _part_number(rng: np.random.Generator) -> str:
    letters = "".join(chr(ord("A") + i) for i in rng.integers(26, size=3).tolist())
    return f"{letters}-{_below(rng, 10_000):04}" + (f"/{_word(rng)}" if _below(rng, 2) else "")


def _units(rng: np.random.Generator) -> str:
    """A quantity in two units, drawn again until the second number has few decimals."""
    symbols = [name for name in UNITS if len(name) < 3]
    while True:
        one, other = symbols[_below(rng, len(symbols))], symbols[_below(rng, len(symbols))]
        left, right = UNITS[one], UNITS[other]
        if one == other or left.measures != right.measures:
            continue
        count = Fraction(1 + _below(rng, 500), (1, 1, 10)[_below(rng, 3)])
        found = (count * left.factor + left.offset - right.offset) / right.factor
        if found >= 0 and (10**4 * found).denominator == 1 and found < 10**8:
            return f"{_decimal(count)} {one} = {_decimal(found)} {other}"


def _decimal(value: Fraction) -> str:
    """Write a fraction of at most four decimals."""
    whole, rest = divmod(int(value * 10**4), 10**4)
    return f"{whole}.{rest:04}".rstrip("0").rstrip(".")


def _dates(rng: np.random.Generator) -> str:
    day = date(1900, 1, 1) + timedelta(days=_below(rng, 73_000))
    days = 1 + _below(rng, 400)
    match _below(rng, 5):
        case 0:
            return f"{day} is a {WEEKDAYS[day.weekday()]}"
        case 1:
            return f"{day} is {days} days before {day + timedelta(days=days)}"
        case 2:
            return f"{day} is {days % 50 + 1} weeks after {day - timedelta(weeks=days % 50 + 1)}"
        case 3:
            return f"{day} is before {day + timedelta(days=days)}"
        case _:
            return f"{day} is {days} days after {day - timedelta(days=days)}"


_GENERATORS: Mapping[str, Callable[[np.random.Generator], str]] = {
    "arithmetic": _arithmetic,
    "ordering": _ordering,
    "brackets": _brackets,
    "json": _json,
    "json-schema": _article,
    "python": _python,
    "regex": _part_number,
    "units": _units,
    "dates": _dates,
}
