"""Errors say what is wrong, what came and what to do, on one line each."""

from __future__ import annotations

from negspace.errors import DataError, MissingExtraError, did_you_mean


def test_an_error_is_three_short_lines() -> None:
    error = DataError("train.csv, line 3: the text is missing", got=["x"] * 500, hint="fill it in")
    what, got, hint = str(error).splitlines()
    assert what == "train.csv, line 3: the text is missing"
    assert got.startswith("  got:  ['x', 'x'")
    assert len(got) <= 130
    assert hint == "  hint: fill it in"
    assert error.exit_code == 2


def test_a_missing_extra_names_how_to_install_it() -> None:
    assert "pip install 'negspace[torch]'" in str(MissingExtraError("the lstm learner", "torch"))


def test_near_names_are_proposed_whatever_their_case() -> None:
    assert did_you_mean("sentimant", ["Text", "Sentiment"]) == "did you mean 'Sentiment'?"


def test_far_names_are_listed_up_to_a_point() -> None:
    assert did_you_mean("qqq", ["Text", "Label"]) == "there is 'Text', 'Label'"
    assert did_you_mean("qqq", [f"intent {i}" for i in range(150)]).endswith("'intent 9' and 140 more")
