"""Each operator makes the edits its name says, all of them, and nothing on a text without a place for one."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from negspace.perturbations import OPERATORS, Operator

checked = settings(max_examples=60, deadline=None, derandomize=True)


def edits(name: str, text: str, seed: int = 0) -> set[str]:
    return {c.text for c in OPERATORS[name].candidates(text, np.random.default_rng(seed))}


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("token swap", "a = b", {"= a b", "a b =", "b = a"}),
        ("token delete", "a b c", {"b c", "a c", "a b"}),
        ("token delete", "f(x)", {"(x)", "fx)", "f()", "f(x"}),
        ("token insert", "no", {"no no"}),
        ("number nudge", "v 9.99", {"v 10.00", "v 9.98"}),
        ("number nudge", "007", {"008", "006"}),
        ("number nudge", "0", {"1"}),
        ("digit swap", "120", {"210", "102"}),
        ("digit swap", "1.2", {"2.1"}),
        ("sign flip", "3 - 4 = -1", {"-3 - 4 = -1", "3 - 4 = 1", "3 - -4 = -1"}),
        ("magnitude", "120", {"1200", "12"}),
        ("magnitude", "1.25", {"12.5"}),
        ("magnitude", "12.5", {"125", "1.25"}),
        ("clause swap", "[a, b; c]", {"[b, a; c]", "[a, c; b]", "[c, b; a]"}),
        ("clause swap", "1,000, 2", {"2, 1,000"}),
        ("clause insert", "a, b", {"a, a, b", "a, b, b"}),
        ("clause delete", "a, b.", {"b.", "a."}),
        ("bracket delete", "f(x)", {"fx)", "f(x"}),
        ("bracket swap", "f(x)", {"f)x("}),
        ("bracket replace", "(", {"(", ")", "[", "]", "{", "}"}),
        (
            "line indent",
            "a\n    b",
            {" a\n    b", "    a\n    b", "a\n     b", "a\n        b", "a\n   b", "a\nb"},
        ),
        ("colon delete", "if a[1:2]:  # why\n  b: int", {"if a[1:2]  # why\n  b: int"}),
        ("JSON member delete", '{"a": 1, "b": [2]}', {'{"b": [2]}', '{"a": 1}', '{"a": 1, "b": []}'}),
        ("JSON member insert", '{"a": [2]}', {'{"a": [2], "a": [2]}', '{"a": [2, 2]}'}),
        ("JSON value swap", '{"a": 1, "b": [2]}', {'{"a": [2], "b": 1}'}),
        ("JSON type replace", '"7"', {"7", '["7"]', "null", "true"}),
        ("JSON type replace", "true", {'"true"', "[true]", "null"}),
    ],
)
def test_edits_are_all_there(name: str, text: str, expected: set[str]) -> None:
    assert edits(name, text) | edits(name, text, seed=1) == expected


def test_replacements_come_from_the_group_or_the_text() -> None:
    assert {"1 - 2", "1 * 2", "1 / 2", "2 + 2", "1 + 1"} <= edits("token replace", "1 + 2")
    found = set().union(*(edits("token replace", "2024-02-29 is a Thursday", seed) for seed in range(8)))
    assert {f"2024-02-29 is a {day}" for day in ("Monday", "Friday", "Sunday")} <= found
    found = set().union(*(edits("token replace", "20 °C", seed) for seed in range(4)))
    assert "20 °F" in found


def test_a_digit_change_changes_one_digit() -> None:
    for text in edits("digit change", "12.50"):
        assert sum(a != b for a, b in zip(text, "12.50", strict=True)) == 1
        assert text[2] == "."


def test_a_misspelt_key_is_one_letter_off() -> None:
    found = set().union(*(edits("JSON key replace", '{"ab": "ab"}', seed) for seed in range(8)))
    assert found == {'{"a": "ab"}', '{"b": "ab"}', '{"aab": "ab"}', '{"abb": "ab"}'}


leaves = st.none() | st.booleans() | st.integers(-99, 99) | st.text('a"\\[{:,é\n', max_size=4)
trees = st.recursive(
    leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("ab", max_size=2), inner)
)


@checked
@given(tree=trees, indent=st.sampled_from([None, 2]), ascii_only=st.booleans())
def test_edits_of_a_tree_are_json_again(tree: object, indent: int | None, ascii_only: bool) -> None:
    text = json.dumps(tree, indent=indent, ensure_ascii=ascii_only)
    for name in (
        "JSON value swap",
        "JSON type replace",
        "JSON member insert",
        "JSON member delete",
        "JSON key replace",
    ):
        for edited in edits(name, text):
            json.loads(edited)


@pytest.mark.parametrize("operator", OPERATORS.values(), ids=lambda operator: operator.name)
@checked
@given(text=st.text(max_size=12) | st.text('019.-,;:\n ()[]{}"ab°C', max_size=16), seed=st.integers(0, 9))
def test_a_record_is_the_whole_edit(operator: Operator, text: str, seed: int) -> None:
    for candidate in operator.candidates(text, np.random.default_rng(seed)):
        edit = candidate.edit
        assert text[edit.start : edit.end] == edit.before
        assert text[: edit.start] + edit.after + text[edit.end :] == candidate.text
        if edit.kind == "insert":
            assert edit.before == ""
        if edit.kind == "delete":
            assert edit.after == ""
        if edit.kind == "swap":
            assert sorted(edit.before) == sorted(edit.after)


@pytest.mark.parametrize("operator", OPERATORS.values(), ids=lambda operator: operator.name)
def test_candidates_come_one_at_a_time(operator: Operator) -> None:
    """The first edit of a long text is there without the others, which would fill the memory."""
    text = (
        json.dumps({"a": [{"b": i} for i in range(5_000)]})
        if "JSON" in operator.name
        else "if (x, 12):\n" * 7_000
    )
    assert next(operator.candidates(text, np.random.default_rng(0)), None) is not None
