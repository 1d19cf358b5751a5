"""Every kept near miss of every built-in verifier is invalid by a check that shares nothing with it."""

from __future__ import annotations

import json
import math
import re
import subprocess
import sys
from collections.abc import Callable
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import constants

from negspace.perturbations import (
    VERIFIERS,
    Validity,
    VerifiedEdit,
    Verifier,
    near_misses,
    variations,
)

SampleItem = Callable[[str, np.random.Generator], str]
SampleVerifier = Callable[[str], Verifier]

FEW, MANY = 50, 10_000


def holds_arithmetic(text: str) -> bool:
    """Shunting yard over pairs of integers; relations by cross-multiplication."""
    claim = re.sub(r"^(So|Note that) |\.$", "", text)
    parts = re.split(r"(<=|>=|!=|==|[<>=])", claim)
    sides = [postfix_value(to_postfix(side)) for side in parts[::2]]
    for (a, b), sign, (c, d) in zip(sides, parts[1::2], sides[1:], strict=False):
        # The sign of a / b - c / d, denominators made positive.
        order = (a * d - c * b) * b * d
        if not {
            "=": order == 0,
            "==": order == 0,
            "!=": order != 0,
            "<": order < 0,
            ">": order > 0,
            "<=": order <= 0,
            ">=": order >= 0,
        }[sign]:
            return False
    return True


def to_postfix(side: str) -> list[str]:
    rank = {"+": 1, "-": 1, "*": 2, "/": 2, "neg": 3, "**": 4}
    out: list[str] = []
    signs: list[str] = []
    before = "("
    for token in re.findall(r"\d+\.?\d*|\.\d+|\*\*|[-+*/()]", side):
        if token[-1].isdigit() or token[-1] == ".":
            out.append(token)
        elif token == "(":
            signs.append(token)
        elif token == ")":
            while signs[-1] != "(":
                out.append(signs.pop())
            signs.pop()
        elif token in {"-", "+"} and before in {"(", "+", "-", "*", "/", "**"}:
            signs += ["neg"] if token == "-" else []
        else:
            while signs and signs[-1] != "(" and rank[signs[-1]] >= rank[token]:
                out.append(signs.pop())
            signs.append(token)
        before = token
    return out + signs[::-1]


def postfix_value(tokens: list[str]) -> tuple[int, int]:
    stack: list[tuple[int, int]] = []
    for token in tokens:
        if token[-1].isdigit() or token[-1] == ".":
            whole, _, decimals = token.partition(".")
            stack.append((int(whole + decimals), 10 ** len(decimals)))
            continue
        c, d = stack.pop()
        if token == "neg":
            stack.append((-c, d))
            continue
        a, b = stack.pop()
        results = {
            "+": (a * d + c * b, b * d),
            "-": (a * d - c * b, b * d),
            "*": (a * c, b * d),
            "/": (a * d, b * c),
        }
        stack.append(results[token])
    (value,) = stack
    return value


def holds_ordering(text: str) -> bool:
    items = text.split(", ")
    keys: list[Any] = [item.lower() for item in items] if items[0].isalpha() else [Decimal(i) for i in items]
    return keys == sorted(keys)


def holds_brackets(text: str) -> bool:
    bare = re.sub(r"[^()\[\]{}]", "", text)
    while bare != (bare := re.sub(r"\(\)|\[\]|\{\}", "", bare)):
        pass
    return not bare


def holds_json(text: str) -> bool:
    """Reduce strings to S, other leaves to V, then objects and arrays from the inside out."""
    string = r'"(?:[^"\\\x00-\x1f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"'
    number = r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?"
    word = re.compile(rf"(?P<S>{string})|(?P<V>{number}|true|false|null)|[ \t\n\r]+|(?P<P>[\[\]{{}},:])")
    bare, at = "", 0
    while at < len(text):
        found = word.match(text, at)
        if found is None:
            return False
        # Two leaves that touch are two leaves, and no JSON.
        bare += found["P"] or (found.lastgroup or "")
        at = found.end()
    inner = r"\[(?:[SV](?:,[SV])*)?\]|\{(?:S:[SV](?:,S:[SV])*)?\}"
    while bare != (bare := re.sub(inner, "V", bare)):
        pass
    return bare in {"S", "V"}


def holds_schema(text: str) -> bool:
    if not holds_json(text):
        return False
    article = json.loads(text, parse_float=Decimal)
    if not isinstance(article, dict) or not {"id", "name", "price", "tags"} <= set(article):
        return False
    tags, price, stock = article["tags"], article["price"], article.get("in_stock", True)
    return (
        set(article) <= {"id", "name", "price", "tags", "in_stock"}
        and type(article["id"]) in {int, Decimal}
        and article["id"] % 1 == 0
        and article["id"] >= 1
        and isinstance(article["name"], str)
        and article["name"] != ""
        and type(price) in {int, Decimal}
        and price >= 0
        and price * 100 % 1 == 0
        and isinstance(tags, list)
        and all(isinstance(tag, str) for tag in tags)
        and len(set(tags)) == len(tags) <= 4
        and isinstance(stock, bool)
    )


def holds_regex(text: str) -> bool:
    """By hand: three capitals, a hyphen, four digits, perhaps a slash and small letters."""
    head, slash, tail = text.partition("/")
    capitals, digits = set("ABCDEFGHIJKLMNOPQRSTUVWXYZ"), set("0123456789")
    return (
        len(head) == 8
        and set(head[:3]) <= capitals
        and head[3] == "-"
        and set(head[4:]) <= digits
        and (not slash or (tail != "" and all("a" <= c <= "z" for c in tail)))
    )


def holds_units(text: str) -> bool:
    """In floats, with the factors of scipy.constants."""
    claim = re.fullmatch(r"(-?[\d.]+) (\S+) (<=|>=|!=|[<>=]) (-?[\d.]+) (\S+)", text)
    assert claim is not None, text
    (one, one_kind), (other, other_kind) = in_base(claim[1], claim[2]), in_base(claim[4], claim[5])
    assert one_kind == other_kind or claim[3] == "="
    same = one_kind == other_kind and math.isclose(one, other, rel_tol=1e-12)
    return {
        "=": same,
        "!=": not same,
        "<": one < other and not same,
        ">": one > other and not same,
        "<=": one < other or same,
        ">=": one > other or same,
    }[claim[3]]


def in_base(count: str, unit: str) -> tuple[float, str]:
    c = constants
    if unit in {"K", "°C", "°F"}:
        scale = {"K": "Kelvin", "°C": "Celsius", "°F": "Fahrenheit"}[unit]
        return float(c.convert_temperature(float(count), scale, "Kelvin")), "temperature"
    tables: dict[str, dict[str, float]] = {
        "length": {
            "mm": c.milli,
            "cm": c.centi,
            "m": 1.0,
            "km": c.kilo,
            "in": c.inch,
            "ft": c.foot,
            "yd": c.yard,
        }
        | {"mi": c.mile},
        "mass": {"mg": 1e-6, "g": c.gram, "kg": 1.0, "t": c.metric_ton, "oz": c.oz, "lb": c.lb},
        "time": {"ms": c.milli, "s": 1.0, "min": c.minute, "h": c.hour, "d": c.day},
        "volume": {"mL": 1e-6, "ml": 1e-6, "cL": 1e-5, "cl": 1e-5, "L": c.liter, "l": c.liter, "m³": 1.0},
    }
    for kind, units in tables.items():
        if unit in units:
            return float(count) * units[unit], kind
    raise AssertionError(unit)


def holds_dates(text: str) -> bool:
    """By Julian day numbers (Fliegel & Van Flandern 1968) and the leap year rule."""
    days = []
    for year, month, day in re.findall(r"(\d{4})-(\d\d)-(\d\d)", text):
        y, m, d = int(year), int(month), int(day)
        leap = y % 4 == 0 and (y % 100 != 0 or y % 400 == 0)
        lengths = [31, 29 if leap else 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
        if not 1 <= m <= 12 or not 1 <= d <= lengths[m - 1]:
            return False
        a = (m - 14) // 12 + (1 if (m - 14) % 12 else 0)  # towards zero, as in FORTRAN
        days.append(
            1461 * (y + 4800 + a) // 4
            + 367 * (m - 2 - 12 * a) // 12
            - 3 * ((y + 4900 + a) // 100) // 4
            + d
            - 32075
        )
    week = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
    if found := re.search(r"is an? (\w+)$", text):
        return week[days[0] % 7] == found[1]
    found = re.search(r"is (?:(\d+) (day|week)s? )?(before|after)", text)
    assert found is not None, text
    later = (days[0] - days[1]) * (1 if found[3] == "after" else -1)
    return later > 0 if found[1] is None else later == int(found[1]) * (7 if found[2] == "week" else 1)


TRUTH = {
    "arithmetic": holds_arithmetic,
    "ordering": holds_ordering,
    "brackets": holds_brackets,
    "json": holds_json,
    "json-schema": holds_schema,
    "regex": holds_regex,
    "units": holds_units,
    "dates": holds_dates,
}


def edited(
    name: str, items: int, seed: int, sample_item: SampleItem, sample_verifier: SampleVerifier
) -> list[tuple[str, list[VerifiedEdit], list[VerifiedEdit]]]:
    """Items, their near misses, and edits of them that stay valid."""
    if name == "json-schema":
        pytest.importorskip("jsonschema", reason="needs the extra 'mine'")
    rng, verifier = np.random.default_rng(seed), sample_verifier(name)
    rows = []
    for i in range(items):
        text = sample_item(name, rng)
        missed = near_misses(text, verifier, rng=i, n=3, tries=9)
        rows.append((text, missed, variations(text, verifier, rng=i, n=2, tries=6) if i % 5 == 0 else []))
    assert sum(bool(missed) for _, missed, _ in rows) > 0.95 * items
    return rows


@pytest.mark.parametrize("name", TRUTH)
@pytest.mark.parametrize("items", [FEW, pytest.param(MANY, marks=pytest.mark.slow)])
def test_near_misses_are_invalid_and_variations_valid(
    name: str, items: int, sample_item: SampleItem, sample_verifier: SampleVerifier
) -> None:
    holds = TRUTH[name]
    for text, missed, varied in edited(name, items, 7, sample_item, sample_verifier):
        assert holds(text), text
        for edit in missed:
            assert edit.proof.validity is Validity.INVALID
            assert not holds(edit.text), (text, edit)
        for edit in varied:
            assert edit.proof.validity is Validity.VALID
            assert edit.text != text and holds(edit.text), (text, edit)
        assert all(a.distance <= b.distance for a, b in pairwise(missed))
        assert len({edit.text for edit in missed}) == len(missed)


@pytest.mark.parametrize("items", [FEW, pytest.param(MANY, marks=pytest.mark.slow)])
def test_python_near_misses_are_invalid_to_another_parser(
    items: int, tmp_path: Path, sample_item: SampleItem, sample_verifier: SampleVerifier
) -> None:
    """Ruff's parser, written in Rust, reads each of them as a file."""
    pytest.importorskip("ruff", reason="needs ruff, a parser of Python that is not Python's")
    for i, (text, missed, varied) in enumerate(edited("python", items, 7, sample_item, sample_verifier)):
        for k, edit in enumerate(missed[:2]):
            (tmp_path / f"bad_{i}_{k}.py").write_text(edit.text)
        for k, content in enumerate([text, *(edit.text for edit in varied)]):
            (tmp_path / f"good_{i}_{k}.py").write_text(content)
    version = f"py{sys.version_info.major}{sys.version_info.minor}"
    command = [sys.executable, "-m", "ruff", "check", "--isolated", "--no-cache", "--select", "E902"]
    said = subprocess.run(
        [*command, "--target-version", version, "--output-format", "json", str(tmp_path)],
        check=False,
        capture_output=True,
        text=True,
    )
    refused = {Path(found["filename"]).name for found in json.loads(said.stdout)}
    names = {path.name for path in tmp_path.glob("*.py")}
    assert {name for name in names if name.startswith("bad")} == refused


def test_every_built_in_verifier_is_checked() -> None:
    assert {*TRUTH, "python"} == set(VERIFIERS)
