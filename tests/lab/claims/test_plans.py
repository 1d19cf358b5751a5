"""The registered plans: as published, fair, frozen, and able to come out both ways."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pytest

from negspace.lab.claims import CLAIMS, Experiment, Scale, claims_in_order
from negspace.lab.replicas import Adam, LstmNet, PseudoLabelledRows, ReplicaArm, Sweep, count

REGISTERED = {
    "invariant": "b1b2bf44aacfe72f",
    "collapse": "ad7105f9e8f3858a",
    "zigzag": "4778c312a72f555f",
    "pivot": "80516aeb7bd302e2",
    "structure": "2892fea0bbed912c",
    "depth": "9a39a93b9f98b634",
    "predictors": "04cbf863d2a16eba",
}
OF_REPLICAS = ("invariant", "collapse", "zigzag", "pivot")


def experiments() -> Iterator[tuple[str, Experiment]]:
    for claim in claims_in_order():
        for experiment in claim.experiments(Scale()):
            yield claim.name, experiment


EXPERIMENTS = list(experiments())
IDS = [f"{name}, {experiment.name}" for name, experiment in EXPERIMENTS]
REPLICA_EXPERIMENTS = [(name, experiment) for name, experiment in EXPERIMENTS if name in OF_REPLICAS]
REPLICA_IDS = [f"{name}, {experiment.name}" for name, experiment in REPLICA_EXPERIMENTS]


def replica_arms(experiment: Experiment) -> Iterator[ReplicaArm]:
    for arm in experiment.study.arms:
        yield from arm.arms if isinstance(arm, Sweep) else (arm,)


def _without_versions(plan: Any) -> Any:
    """The plan without what an upgrade changes: engines, and the code of other architectures."""
    if isinstance(plan, Mapping):
        left = {key: value for key, value in plan.items() if key not in {"learner", "source", "torch"}}
        return {key: _without_versions(value) for key, value in left.items()}
    if isinstance(plan, Sequence) and not isinstance(plan, str):
        return [_without_versions(value) for value in plan]
    return plan


@pytest.mark.parametrize("name", list(CLAIMS))
def test_a_plan_stays_as_it_was_registered(name: str) -> None:
    """A plan that changes is another plan: then change the hash here, and say so in the changelog."""
    plans = _without_versions([experiment.study.plan() for experiment in CLAIMS[name].experiments(Scale())])
    assert hashlib.sha256(json.dumps(plans, sort_keys=True).encode()).hexdigest()[:16] == REGISTERED[name]


@pytest.mark.parametrize(("name", "experiment"), REPLICA_EXPERIMENTS, ids=REPLICA_IDS)
def test_the_model_and_its_training_are_those_that_were_published(name: str, experiment: Experiment) -> None:
    steps = {"invariant": 1600, "collapse": 1600, "zigzag": 2000, "pivot": 2000}[name]
    for arm in replica_arms(experiment):
        assert arm.batch == 32
        assert arm.lengths == (6, 12)
        if isinstance(arm.net, LstmNet):
            assert (arm.net.hidden, arm.net.vocabulary) == (32, 50)
            assert arm.net.inputs == (8 if arm.net.embedding == 8 and arm.net.delta is None else 16)
        if experiment.name != "architectures":
            assert arm.adam == Adam(lr=0.005, weight_decay=1e-4)
        if experiment.name != "budget":
            assert arm.steps == steps
    assert list(experiment.study.seeds) == list(range(20 if name in {"invariant", "collapse"} else 10))


def test_published_arms_are_compared_at_equal_budget() -> None:
    for _, experiment in REPLICA_EXPERIMENTS:
        if not experiment.control:
            assert len({(arm.steps, arm.batch, arm.lengths) for arm in replica_arms(experiment)}) == 1


@pytest.mark.parametrize(("name", "experiment"), EXPERIMENTS, ids=IDS)
def test_every_hypothesis_can_be_supported_and_refuted(name: str, experiment: Experiment) -> None:
    for stated in experiment.stated:
        hypothesis = stated.hypothesis
        low, high = hypothesis.metric.bounds
        if hypothesis.versus is not None:
            low, high = low - high, high - low
        threshold = hypothesis.margin if hypothesis.claim == "more" else -hypothesis.margin
        assert low < threshold < high
        assert stated.on in experiment.study.task.eval_sets
    assert [s.hypothesis for s in experiment.stated] == list(experiment.study.hypotheses)


def test_figures_that_were_published_belong_to_arms_and_tests_of_the_plan() -> None:
    seen = 0
    for _, experiment in EXPERIMENTS:
        names = {arm.name for arm in experiment.study.arms}
        for figure in experiment.published:
            assert figure.arm in names
            assert figure.on in experiment.tests
            seen += 1
        for curve in experiment.curves:
            assert {point.arm for points in curve.series.values() for point in points} <= names
    assert seen > 10


@pytest.mark.parametrize("name", ["zigzag", "pivot"])
def test_other_architectures_are_as_large_and_tuned_alike(name: str) -> None:
    (experiment,) = (
        experiment for experiment in CLAIMS[name].experiments(Scale()) if experiment.name == "architectures"
    )
    sweeps = [arm for arm in experiment.study.arms if isinstance(arm, Sweep)]
    assert len(sweeps) == len(experiment.study.arms) >= 4
    assert len({tuple(arm.adam.lr for arm in sweep.arms) for sweep in sweeps}) == 1
    sizes = {sweep.name: count(sweep.arms[0].net) for sweep in sweeps}
    plain = next(size for arm, size in sizes.items() if arm.startswith("embedding"))
    others = [sizes["GRU, tuned"], sizes["transformer, tuned"]]
    assert all(math.isclose(size, plain, rel_tol=0.015) for size in others)
    for sweep in sweeps:
        assert sweep.on not in experiment.tests  # what chooses is not reported on


def test_a_chain_has_every_generation_taught_by_the_one_before() -> None:
    (experiment,) = (
        experiment for experiment in CLAIMS["collapse"].experiments(Scale()) if experiment.name == "six"
    )
    arms = {arm.name: arm for arm in replica_arms(experiment)}
    for chain in ("hard labels", "soft labels", "20% true rows", "30% true rows"):
        for generation in range(1, 7):
            rows = arms[f"{chain}, generation {generation}"].rows
            assert isinstance(rows, PseudoLabelledRows)
            assert rows.generation == generation
            before = "generation 0" if generation == 1 else f"{chain}, generation {generation - 1}"
            assert rows.teacher == arms[before]


def test_a_smaller_scale_is_another_plan() -> None:
    registered, fewer, smoke = (
        CLAIMS["invariant"].experiments(scale)[0].study
        for scale in (Scale(), Scale(seeds=5), Scale(smoke=True))
    )
    assert len({registered.plan_hash, fewer.plan_hash, smoke.plan_hash}) == 3
    assert list(fewer.seeds) == list(range(5))
    assert list(smoke.seeds) == [0, 1]
    assert smoke.arms[0].steps == 40
    assert len(CLAIMS["invariant"].experiments(Scale(), controls=False)) == 2
