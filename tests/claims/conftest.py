"""A claim small enough to run in a test, whose truth is known."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from negspace.claims import Claim, Curve, Expectation, Part, Point, Published, Scale, part
from negspace.concepts import Sorted, sequence_task
from negspace.concepts import Test as Distribution
from negspace.learners.replicas import ReplicaArm, TrueRows
from negspace.measures import Accuracy
from negspace.study import Hypothesis

SEEDS = 10


def small_plan(scale: Scale) -> Sequence[Part]:
    """Two hundred steps teach a model to tell random rows from sorted ones; forty do not."""
    concept = Sorted()
    rows = TrueRows(concept, {"random": 1.0})
    task = sequence_task(concept, [Distribution("easy", 12, "random", 60)], seed=0)

    def arms(*steps: int) -> list[ReplicaArm]:
        return [ReplicaArm(f"{n} steps", rows, steps=scale.steps(n)) for n in steps]

    def expects(arm: str, versus: str, name: str, published: float | None = None) -> Expectation:
        hypothesis = Hypothesis(name, Accuracy("easy"), arm, versus, 0.1)
        return Expectation(hypothesis, f"{arm} beat {versus}", "easy", published)

    tests = {"easy": "60 positives and 60 random negatives of length 12"}
    curve = Curve(
        "Accuracy by steps",
        "steps",
        "accuracy",
        {"random": [Point(float(n), f"{n} steps", Accuracy("easy")) for n in (40, 200)]},
    )
    return [
        part(
            "published",
            "Training helps",
            control=False,
            scale=scale,
            task=task,
            arms=arms(40, 200),
            seeds=SEEDS,
            tests=tests,
            expectations=[expects("200 steps", "40 steps", "training helps", 0.4)],
            published=[Published("200 steps", "easy", 0.9, 0.1), Published("40 steps", "easy", 0.0, 0.01)],
            curves=[curve],
        ),
        part(
            "backwards",
            "Training harms",
            scale=scale,
            task=task,
            arms=arms(40, 200),
            seeds=SEEDS,
            tests=tests,
            expectations=[expects("40 steps", "200 steps", "training harms")],
        ),
    ]


@pytest.fixture
def small() -> Claim:
    """Supported in what was published, refuted in its control."""
    return Claim("small", "Training helps", "Forty steps are too few.", "These tests", small_plan)
