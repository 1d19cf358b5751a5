"""A claim small enough to run in a test, whose truth is known."""

from __future__ import annotations

import pytest

from negspace.lab.claims import Claim, Curve, Experiment, HeldOut, Point, Published, Scale, more
from negspace.lab.concepts import Sorted
from negspace.lab.concepts import Test as Distribution
from negspace.lab.replicas import ReplicaArm, TrueRows
from negspace.metrics import Accuracy

SEEDS = 10


def small_experiment(scale: Scale, name: str, arm: str, versus: str) -> Experiment:
    """Two hundred steps teach a model to tell random rows from sorted ones; forty do not."""
    rows = TrueRows(Sorted(), {"random": 1.0})
    steps = (40, 200)
    curve = Curve(
        "Accuracy by steps",
        "steps",
        "accuracy",
        {"random": [Point(float(n), f"{n} steps", Accuracy("easy")) for n in steps]},
    )
    held_out = HeldOut.draw(Sorted(), [Distribution("easy", 12, "random", 60)], scale)
    return held_out.experiment(
        name,
        "How long to train",
        arms=[ReplicaArm(f"{n} steps", rows, steps=scale.steps(n)) for n in steps],
        seeds=SEEDS,
        tests=["easy"],
        stated=[more(f"{arm} beat {versus}", "easy", arm, versus, 0.1, name=name, published=0.4)],
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
        plan=lambda scale: [small_experiment(scale, "training helps", "200 steps", "40 steps")],
        controls=lambda scale: [small_experiment(scale, "training harms", "40 steps", "200 steps")],
    )
