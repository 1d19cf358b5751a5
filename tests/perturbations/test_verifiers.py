"""What each verifier holds to be valid, invalid and not known; and that no text troubles it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from negspace.errors import DataError, MissingExtraError, NegspaceError, PlanError
from negspace.perturbations import (
    UNITS,
    VERIFIERS,
    FunctionVerifier,
    JsonSchema,
    Ordering,
    Regex,
    Validity,
    Verifier,
    open_verifier,
)

SampleVerifier = Callable[[str], Verifier]

checked = settings(max_examples=100, deadline=None, derandomize=True)

CASES = {
    "arithmetic": {
        Validity.VALID: [
            "12 + 7 * 3 = 33",
            "12 + 7 × 3 = 33",
            "So 12 + 7 * 3 = 33.",
            "0.1 + 0.2 = 0.3",
            "2 ^ 10 = 1,024",
            "2 ** 3 ** 2 = 512",
            "-2 ^ 2 = -4",
            "1 < 2 <= 2 != 3",
            "5 ≥ 3",
            "1/3 + 1/6 = 1/2",
            "Total: 3 + 4 = 7",
            "The final answer: 3 + 4 = 7",
            "Check: 1 + 1 = 2",
            "So:\n1 + 1 = 2",
            "As we know, 2 + 2 = 4. And 5 > 3!",
            "1 + 1 = 2\n2 + 2 = 4",
            "12\n+ 7 = 19",
            "(12\r+ 3456) = 3468",
        ],
        Validity.INVALID: [
            "12 + 7 * 3 = 57",
            "0.1 + 0.2 = 0.30000000000000004",
            "99999999999999999999 + 1 = 100000000000000000001",
            "3 = 3 = 4",
            "So 2 + 2 = 5.",
            "1 + 1 = 2, 2 + 2 = 5",
            "1 + 1 = 2; 2 < 1",
            "2 / 3 = 0.6",
            "2 / 3 = .6",
            "-1 / 3 = - 0.3333 + 1",
            "Note: 2 + 2 = 5",
            "9999999999 ^ 64 = 1",
            "(12\r+ 3456) = 15",
        ],
        Validity.UNKNOWN: [
            "",
            "no numbers here",
            "12 + 7",
            "half of 6 = 3",
            "half of\n6 = 3",
            "the sum of 3, 4 = 7",
            "x + 3 = 5",
            "f(3) = 5",
            "5 mod 3 = 2",
            "1 = 1000 grams",
            "3! = 6",
            "√9 = 3",
            "50% = 0.5",
            "22 / 7 = 3.14",
            "3.14 = 22 / 7",
            "2 / 3 = 0.67",
            "5 / 11 = .5",
            ".5 = 5 / 11",
            "-1 / 3 = - 0.33",
            "-1 / 3 = -(.33)",
            "Rounded to tens: 10 + 19 = 30",
            "Modulo five: 3 + 4 = 2",
            "Binary: 1 + 1 = 10",
            "Binary:\n1 + 1 = 10",
            "Binary:\n\n1 + 1 = 10",
            "1 / 0 = 5",
            "0 ^ 0 = 1",
            "2 ^ 0.5 = 1",
            "2(3) = 6",
            "= 3",
            "+ 7 = 19",
            "3.14 ≈ 3",
            "٣ = 4",
        ],
    },
    "ordering": {
        Validity.VALID: ["3, 5, 9", "[3, 5, 9]", "-2 0.5 0.5 10", "apple; Banana; cherry.", "1\n2\n10"],
        Validity.INVALID: ["3, 9, 5", "0.30, 0.3, 0.29", "10, 9", "pear, apple", "1\n10\n2"],
        Validity.UNKNOWN: [
            "",
            "3",
            "3, five",
            "3, , 5",
            "1,000, 2,000",
            "äpfel, birnen",
            "new york, oslo",
            "1,5; 1,25",
            "3; 2, 1",
        ],
    },
    "brackets": {
        Validity.VALID: ["", "no brackets", "a(b[c]{d})", "()[]{}"],
        Validity.INVALID: ["(", ")", "(]", "([)]", ")(", "f(x", "print(')')"],
        Validity.UNKNOWN: ["(" * 100_001],
    },
    "json": {
        Validity.VALID: ["{}", ' [1, -2.5e3, "a\\u00e9", null] ', "0", '{"a": 1, "a": 2}', "9" * 5_000],
        Validity.INVALID: [
            "",
            "{",
            "[1,]",
            "{'a': 1}",
            "NaN",
            "[Infinity]",
            "01",
            '"\n"',
            "[1] 2",
            "\0",
            "\ufeff1",
        ],
        Validity.UNKNOWN: ["[" * 201 + "]" * 201, "]" * 300 + "[" * 201, "1" * 100_001],
    },
    "python": {
        Validity.VALID: ["", "x = 1\n", "if x:\n    y\n", "'\\d'", "return 1", "def f(x, /, *, y): ..."],
        Validity.INVALID: ["if x\n    y", "x = (", "x = )", "  x", "1 +", "\0", "a b", "f(x=1, 2)"],
        Validity.UNKNOWN: ["(" * 61 + ")" * 61, "x = " + "9" * 5_000, "#" * 50_001],
    },
    "regex": {
        Validity.VALID: ["ABC-0123", "ABC-0123/left"],
        Validity.INVALID: ["", "ABC-123", "ABC-0123\n", " ABC-0123", "ABC-0123/"],
        Validity.UNKNOWN: ["A" * 10_001],
    },
    "units": {
        Validity.VALID: [
            "5 km = 5000 m",
            "5 km = 5,000 m.",
            "1 mile = 1.609344 km",
            "2 weeks equals 336 h",
            "100 °C = 373.15 K",
            "212 °F = 100 °C",
            "-40 °F = -40 °C",
            "1 ft < 1 m",
            "3 lb >= 1 kg",
            "1 m³ = 1000 L",
            "1 in ≠ 1 cm",
        ],
        Validity.INVALID: [
            "5 km = 500 m",
            "5.0 km = 5060 m",
            "0.4 in = 1.2 cm",
            "1 mile = 1.6 m",
            "1 kg = 1 m",
            "1 ft > 1 m",
            "0 °C = 0 K",
            "1 in != 2.54 cm",
        ],
        Validity.UNKNOWN: [
            "",
            "5 km",
            "5 miles = 8 km",
            "5 miles = 8.05 km",
            "5 km = 5001 m",
            "0.4 in = 1.017 cm",
            "3.3 ft = 1.00 m",
            "1 kg < 1 m",
            "-1 K = -274.15 °C",
            "5 parsec = 1 m",
            "run 5 km = 5000 m",
        ],
    },
    "dates": {
        Validity.VALID: [
            "2024-03-01 is 5 days after 2024-02-25",
            "2023-03-01 is 1 day after 2023-02-28.",
            "2024-02-29 is a Thursday",
            "1999-12-31 is before 2000-01-01",
            "2024-01-01 is 2 weeks before 2024-01-15",
            "2024-01-01 is the same day as 2024-01-01",
            "2000-02-29",
        ],
        Validity.INVALID: [
            "2024-03-01 is 4 days after 2024-02-25",
            "2024-03-01 is 5 days before 2024-02-25",
            "2024-02-29 is a Friday",
            "2023-02-29 is a Wednesday",
            "1900-02-29",
            "2024-01-01 is after 2024-01-01",
            "2024-13-01 is before 2025-01-01",
        ],
        Validity.UNKNOWN: ["", "today", "0000-01-01", "2024-03-01 is 1 month after 2024-02-01", "01/02/2024"],
    },
}


@pytest.mark.parametrize(
    ("name", "validity", "text"),
    [
        (name, validity, text)
        for name, kinds in CASES.items()
        for validity in kinds
        for text in kinds[validity]
    ],
    ids=lambda value: str(value)[:30].encode("unicode_escape").decode(),
)
def test_verdicts(name: str, validity: Validity, text: str, sample_verifier: SampleVerifier) -> None:
    proof = sample_verifier(name)(text)
    assert proof.validity is validity, proof
    assert proof.reason and not proof.reason.endswith(".")


def test_json_schema_verdicts() -> None:
    pytest.importorskip("jsonschema", reason="needs the extra 'mine'")
    step = JsonSchema({"properties": {"a": {"multipleOf": 0.1}}})
    assert step('{"a": 0.3}').validity is Validity.VALID  # in floats 0.3 / 0.1 is no whole number
    assert step('{"a": 0.35}').validity is Validity.INVALID
    assert step("{").validity is Validity.INVALID
    assert step('{"a": 1, "a": 0.35}').validity is Validity.UNKNOWN
    for unheld in ("1e999", "1e-999", "0.1000000000000000055511151231257827", "9" * 5_000):
        assert step(f'{{"a": {unheld}}}').validity is Validity.UNKNOWN
    assert step('{"a": 0.0e-9}').validity is Validity.VALID
    assert JsonSchema(False)("1").validity is Validity.INVALID
    older = {"$schema": "http://json-schema.org/draft-04/schema#", "maximum": 3, "exclusiveMaximum": True}
    assert JsonSchema(older)("3").validity is Validity.INVALID


def test_references_are_not_fetched(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("jsonschema", reason="needs the extra 'mine'")
    asked: list[object] = []
    monkeypatch.setattr("urllib.request.urlopen", asked.append)
    proof = JsonSchema({"$ref": "http://example.org/schema.json"})("1")
    assert proof.validity is Validity.UNKNOWN
    assert "example.org" in proof.reason
    assert asked == []


@checked
@given(st.lists(st.decimals(-1000, 1000, places=2), min_size=2, max_size=6))
def test_ordering_agrees_with_sorted(values: list[Decimal]) -> None:
    text = ", ".join(map(str, values))
    assert (Ordering()(text).validity is Validity.VALID) == (values == sorted(values))
    assert (Ordering("descending")(text).validity is Validity.VALID) == (
        values == sorted(values, reverse=True)
    )


@checked
@given(st.text("()[]{}a", max_size=12))
def test_brackets_agree_with_a_pattern_reduced_from_the_inside_out(text: str) -> None:
    bare = text.replace("a", "")
    while bare != (bare := re.sub(r"\(\)|\[\]|\{\}", "", bare)):
        pass
    assert (open_verifier("brackets")(text).validity is Validity.VALID) == (not bare)


@checked
@given(a=st.integers(-999, 999), b=st.integers(-999, 999), c=st.integers(-999, 999))
def test_arithmetic_agrees_with_integers(a: int, b: int, c: int) -> None:
    judge = open_verifier("arithmetic")
    assert judge(f"{a} + {b} * {c} = {a + b * c}").validity is Validity.VALID
    assert judge(f"({a} - {b}) * {c} != {(a - b) * c}").validity is Validity.INVALID
    assert (judge(f"{a} * {b} < {c}").validity is Validity.VALID) == (a * b < c)


def test_units_agree_with_pint() -> None:
    pint = pytest.importorskip("pint", reason="another library of units")
    registry = pint.UnitRegistry(non_int_type=Fraction)
    for name, unit in UNITS.items():
        if unit.measures != "temperature":
            base = {"length": "m", "mass": "kg", "time": "s", "volume": "L"}[unit.measures]
            spelled = name.replace("³", "^3")
            assert registry.Quantity(Fraction(1), spelled).to(base).magnitude == unit.factor, name


HOSTILE = [
    "9**9**9 = 1",
    "9" * 200 + " ** 64 ** 64 = 1",
    "(" * 100_000,
    "(" * 100 + "1" + ")" * 100 + " = 1",
    "[" * 50_000 + "]" * 50_000,
    '{"a":' * 5_000 + "1" + "}" * 5_000,
    "-" * 290 + "1 = 1",
    "1" + "+1" * 140 + " = 141",
    "1" * 9_999 + "x",
    "1 " * 4_900 + "= 1",
    "1," * 40_000 + " " * 9_000 + "x,2",
    "1" + " " * 90_000 + "2,3",
    "\n" * 90_000,
    "x = " + "-" * 40_000 + "1",
    "x = " + "not " * 10_000 + "1",
    "x" + ".a" * 20_000,
    "1" + "+1" * 20_000,
    "".join(" " * i + "if 1:\n" for i in range(150)),
    "f'{" * 200,
    "lambda: " * 5_000 + "1",
    "\0",
    "5 km = \0 m",
    "\ud800",
    "a" * 2_000_000,
    "9" * 90_000,
    "1e" + "9" * 20,
    "0." + "0" * 90_000 + "1",
    "5 km = " + "9" * 900 + " m",
    "9999-12-31 is 99999999 weeks after 0001-01-01",
    "١٢٣٤-٠١-٠١",
    "\u2028\u202e\x0b\x1c\x85",
    '"\\u' * 10_000,
]


@pytest.mark.parametrize("name", list(VERIFIERS))
def test_hostile_texts_are_judged(name: str, sample_verifier: SampleVerifier) -> None:
    """No text raises; that none takes long is seen when this test does not end."""
    if name == "json-schema":
        pytest.importorskip("jsonschema", reason="needs the extra 'mine'")
    judge = sample_verifier(name)
    for text in HOSTILE:
        assert judge(text) == judge(text)


@checked
@given(text=st.text(max_size=40) | st.text('0123456789+-*/=<>(). ,:\n"[]{}km', max_size=40))
def test_any_text_is_judged(text: str, sample_verifier: SampleVerifier) -> None:
    for name in sorted({*VERIFIERS} - {"json-schema"}):
        assert sample_verifier(name)(text).validity in Validity


def test_a_function_is_a_verifier() -> None:
    judge = FunctionVerifier("even", lambda text: int(text) % 2 == 0 if text.isdigit() else None)
    assert isinstance(judge, Verifier)
    assert [judge(text).validity.value for text in ("2", "3", "x")] == ["valid", "invalid", "unknown"]
    assert judge.describe()["verifier"] == "even"
    with pytest.raises(PlanError, match="True, False or None"):
        FunctionVerifier("odd", len)("x")  # type: ignore[arg-type]


def test_names_open_verifiers(tmp_path: Path) -> None:
    for name in {*VERIFIERS} - {"json-schema", "regex"}:
        assert open_verifier(name).name == name
    assert open_verifier("regex:a:b*")("a:bb").validity is Validity.VALID
    assert open_verifier("ordering:descending")("3, 2").validity is Validity.VALID
    pytest.importorskip("jsonschema", reason="needs the extra 'mine'")
    (tmp_path / "s.json").write_text('{"type": "array"}')
    assert open_verifier(f"json-schema:{tmp_path / 's.json'}")("[]").validity is Validity.VALID


@pytest.mark.parametrize(
    ("spec", "error", "said"),
    [
        ("jsn", PlanError, "did you mean 'json'"),
        ("json:x", PlanError, "takes nothing"),
        ("regex", PlanError, "regex:PATTERN"),
        ("regex:(", PlanError, r"got:  \("),
        ("ordering:ascendin", PlanError, "did you mean 'ascending'"),
        ("json-schema:", PlanError, "json-schema:FILE"),
        ("json-schema:absent.json", DataError, "absent.json"),
    ],
)
def test_a_wrong_name_says_what_to_do(spec: str, error: type[NegspaceError], said: str) -> None:
    with pytest.raises(error, match=said):
        open_verifier(spec)


def test_a_schema_that_is_none_is_refused(tmp_path: Path) -> None:
    pytest.importorskip("jsonschema", reason="needs the extra 'mine'")
    for content in ("[]", '{"type": "objekt"}', "{"):
        (tmp_path / "s.json").write_text(content)
        with pytest.raises(DataError, match=r"s\.json|\$\.type"):
            open_verifier(f"json-schema:{tmp_path / 's.json'}")


def test_without_jsonschema_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "jsonschema", None)
    with pytest.raises(MissingExtraError, match=r"negspace\[mine\]"):
        JsonSchema({})


def test_descriptions_tell_verifiers_apart_and_are_json(sample_verifier: SampleVerifier) -> None:
    pytest.importorskip("jsonschema", reason="needs the extra 'mine'")
    judges = [*map(sample_verifier, VERIFIERS), Regex("a"), Ordering("descending"), JsonSchema({})]
    assert len({json.dumps(judge.describe(), sort_keys=True) for judge in judges}) == len(judges)
