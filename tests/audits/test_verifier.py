"""An audit of labels that can be proven: edits that keep them are one more variation."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import negspace
from negspace.perturbations import near_misses, open_verifier


@pytest.fixture(scope="module")
def sums() -> list[dict[str, str]]:
    rng, verifier = np.random.default_rng(0), open_verifier("arithmetic")
    rows = []
    for _ in range(40):
        one, other = rng.integers(1, 60, 2).tolist()
        text = f"{one} + {other} = {one + other}" if one % 2 else f"{one} * {other} = {one * other}"
        rows.append({"text": text, "label": "true"})
        rows += [
            {"text": found.text, "label": "false"} for found in near_misses(text, verifier, rng=rng, n=1)
        ]
    return rows


def invariance(rows: list[dict[str, str]], verifier: str | None) -> dict[str, Any]:
    found = negspace.audit(rows, verifier=verifier, seeds=2, seed=1).to_dict()["invariance"]
    return {each["variation"]: each for each in found}


def test_invariance_is_measured_on_edits_that_keep_the_label(sums: list[dict[str, str]]) -> None:
    measured = invariance(sums, "arithmetic")["arithmetic kept"]
    assert measured["estimate"]["n"] >= 3
    assert 0 <= measured["estimate"]["mean"] < 1  # words do not tell whether a sum is true
    assert "arithmetic kept" not in invariance(sums, None)


def test_labels_that_are_about_something_else_are_left_alone(sums: list[dict[str, str]]) -> None:
    # Two true sums of different labels: whether a sum is true is not what the labels say.
    rows = [{**row, "label": ("red", "blue", "blue")[i % 3]} for i, row in enumerate(sums)]
    assert "differ in nothing else" in invariance(rows, "arithmetic")["arithmetic kept"]["left_out"]


def test_a_mistyped_verifier_is_told_before_any_work() -> None:
    with pytest.raises(negspace.NegspaceError, match="arithmetic"):
        negspace.audit("nowhere.csv", verifier="arithmetik")
