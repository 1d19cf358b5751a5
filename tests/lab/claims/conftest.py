"""A claim small enough to run in a test, whose truth is known."""

from __future__ import annotations

import pytest

from negspace.lab.claims import Claim, Curve, Expectation, Ground, Part, Point, Published, Scale, part
from negspace.lab.concepts import Sorted
from negspace.lab.concepts import Test as Distribution
from negspace.lab.replicas import ReplicaArm, TrueRows
from negspace.metrics import Accuracy
from negspace.study import Hypothesis

SEEDS = 10


def small_part(scale: Scale, name: str, arm: str, versus: str) -> Part:
    """Two hundred steps teach a model to tell random rows from sorted ones; forty do not."""
    rows = TrueRows(Sorted(), {"random": 1.0})
    hypothesis = Hypothesis(name, Accuracy("easy"), arm, versus, 0.1)
    steps = (40, 200)
    curve = Curve(
        "Accuracy by steps",
        "steps",
        "accuracy",
        {"random": [Point(float(n), f"{n} steps", Accuracy("easy")) for n in steps]},
    )
    return part(
        name,
        "How long to train",
        Ground.of(Sorted(), [Distribution("easy", 12, "random", 60)], scale),
        arms=[ReplicaArm(f"{n} steps", rows, steps=scale.steps(n)) for n in steps],
        seeds=SEEDS,
        tests=["easy"],
        expectations=[Expectation(hypothesis, f"{arm} beat {versus}", "easy", 0.4)],
        published=[Published("200 steps", "easy", 0.9, 0.1), Published("40 steps", "easy", 0.0, 0.01)],
        curves=[curve],
    )


@pytest.fixture
def small() -> Claim:
    """Supported in what was published, refuted in its control."""
    return Claim(
        name="small",
        title="Training helps",
        statement="Forty steps are too few.",
        source="These tests",
        plan=lambda scale: [small_part(scale, "training helps", "200 steps", "40 steps")],
        controls=lambda scale: [small_part(scale, "training harms", "40 steps", "200 steps")],
    )
