"""Metrics against scikit-learn and direct sums; influences against re-weighting."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest
from sklearn.metrics import f1_score

from negspace.errors import PlanError
from negspace.metrics import (
    METRICS,
    Accuracy,
    AgainstLevel,
    BrierScore,
    CalibrationError,
    Confidence,
    Gap,
    Invariance,
    MacroF1,
    Metric,
    PairConsistency,
)
from negspace.models import TextTask
from negspace.quantities import QUANTITIES
from negspace.records import EvalSet, Run

HELD_OUT, LABELS = 120, 4
Weighted = Callable[[Run, TextTask, np.ndarray], float]


def make(seed: int = 0) -> tuple[Run, TextTask]:
    """A run that is right two times in three, on rows in clusters of up to three."""
    rng = np.random.default_rng(seed)
    labels = rng.choice(LABELS - 1, size=HELD_OUT, p=[0.7, 0.2, 0.1])  # the last label never occurs
    said = np.where(rng.random(HELD_OUT) < 0.66, labels, rng.integers(0, LABELS - 1, HELD_OUT))
    rows = rng.permutation(HELD_OUT)
    task = TextTask(
        texts=("a",) * (3 + HELD_OUT),
        labels=np.concatenate([[0, 1, 2], labels]),
        label_names=tuple("wxyz"),
        clusters=np.concatenate([[0, 0, 0], 1 + np.arange(HELD_OUT) // 3]),
        n_train=3,
        eval_sets={
            "some": EvalSet("some", rows[:85]),
            "others": EvalSet("others", rows[60:]),
            "pairs": EvalSet("pairs", rows[:50], rows[50:100]),
            "empty": EvalSet("empty", np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64)),
        },
        distance=np.full(HELD_OUT, np.nan),
        fingerprint="",
    )
    confidence = rng.uniform(1 / 3, 1, HELD_OUT)
    return Run("a", 0, {"label": said, "confidence": confidence}), task


def right(run: Run, task: TextTask) -> np.ndarray:
    return run.values["label"] == task.held_out_labels


def weighted_mean(x: np.ndarray, w: np.ndarray) -> float:
    return float((w * x).sum() / w.sum())


def accuracy(run: Run, task: TextTask, w: np.ndarray) -> float:
    return weighted_mean(right(run, task)[task.eval_sets["some"].rows], w)


def consistency(run: Run, task: TextTask, w: np.ndarray) -> float:
    pairs, ok = task.eval_sets["pairs"], right(run, task)
    return weighted_mean(
        np.array([ok[a] and ok[b] for a, b in zip(pairs.rows, pairs.partner, strict=True)]), w
    )


def invariance(run: Run, task: TextTask, w: np.ndarray) -> float:
    pairs, said = task.eval_sets["pairs"], run.values["label"]
    return weighted_mean(
        np.array([said[a] == said[b] for a, b in zip(pairs.rows, pairs.partner, strict=True)]), w
    )


def confidence(run: Run, task: TextTask, w: np.ndarray) -> float:
    return weighted_mean(run.values["confidence"][task.eval_sets["some"].rows], w)


def brier(run: Run, task: TextTask, w: np.ndarray) -> float:
    rows = task.eval_sets["some"].rows
    return weighted_mean((run.values["confidence"] - right(run, task))[rows] ** 2, w)


def calibration(run: Run, task: TextTask, w: np.ndarray) -> float:
    """85 rows of distinct confidence: four bins of 21 or 22, by rank."""
    rows = task.eval_sets["some"].rows
    sure, ok = run.values["confidence"][rows], right(run, task)[rows]
    rank = np.argsort(np.argsort(sure))
    edges = [0, 21, 42, 64, 85]
    total = 0.0
    for low, high in pairwise(edges):
        inside = (rank >= low) & (rank < high)
        total += abs((w * (sure - ok))[inside].sum())
    return total / w.sum()


def macro_f1(run: Run, task: TextTask, w: np.ndarray) -> float:
    rows = task.eval_sets["some"].rows
    return f1_score(
        task.held_out_labels[rows],
        run.values["label"][rows],
        average="macro",
        sample_weight=w,
        zero_division=0,
    )


CASES: list[tuple[Metric, Weighted]] = [
    (Accuracy("some"), accuracy),
    (PairConsistency("pairs"), consistency),
    (Invariance("pairs"), invariance),
    (Confidence("some"), confidence),
    (BrierScore("some"), brier),
    (CalibrationError("some"), calibration),
    (MacroF1("some"), macro_f1),
]
each = pytest.mark.parametrize(("metric", "direct"), CASES, ids=lambda case: getattr(case, "name", ""))


@each
@pytest.mark.parametrize("seed", range(5))
def test_value_is_the_direct_one(metric: Metric, direct: Weighted, seed: int) -> None:
    run, task = make(seed)
    got = metric(run, task)
    assert got.value == pytest.approx(direct(run, task, np.ones(len(got.influence))), abs=1e-12)
    assert 0.01 < got.value < 0.99


@each
def test_influence_is_the_derivative_by_weight(metric: Metric, direct: Weighted) -> None:
    run, task = make()
    influence = metric(run, task).influence
    n, eps = len(influence), 1e-6
    derivative = np.empty(n)
    for i in range(n):
        up, down = np.ones(n), np.ones(n)
        up[i], down[i] = 1 + eps, 1 - eps
        derivative[i] = (direct(run, task, up) - direct(run, task, down)) / (2 * eps)
    np.testing.assert_allclose(influence, derivative, atol=1e-8)
    assert np.ptp(influence) > 1e-3
    assert influence.sum() == pytest.approx(0, abs=1e-12)


@each
def test_items_are_those_of_the_eval_set(metric: Metric, direct: Weighted) -> None:
    run, task = make()
    rows = task.eval_sets[metric.describe()["on"]].rows
    assert np.array_equal(metric(run, task).clusters, task.held_out_clusters[rows])


@each
def test_nothing_to_measure_is_nan(metric: Metric, direct: Weighted) -> None:
    run, task = make()
    got = type(metric)("empty")(run, task)
    assert math.isnan(got.value)
    assert len(got.influence) == len(got.clusters) == 0


@each
def test_the_name_tells_the_test_distribution(metric: Metric, direct: Weighted) -> None:
    other = type(metric)("elsewhere")
    assert other.name.endswith(" elsewhere")
    assert other.describe() != metric.describe()


def test_names_and_descriptions_tell_measures_apart() -> None:
    gap = Gap(Accuracy("some"), Accuracy("others"))
    metrics = [*(metric for metric, _ in CASES), gap, Gap(gap.near, gap.far)]
    assert len({metric.name for metric in metrics}) == len(metrics)
    assert len({repr(metric.describe()) for metric in metrics}) == len(metrics)
    # The number of bins decides a calibration error.
    five, two = (CalibrationError("some", bins=bins) for bins in (5, 2))
    assert five(*make()).value != two(*make()).value
    assert five.describe() != two.describe() != CalibrationError("some").describe()


@pytest.mark.parametrize("name", list(METRICS))
def test_a_registered_metric_reads_only_what_it_declares(name: str) -> None:
    run, task = make()
    metric = METRICS[name]("pairs")
    metric.check(task)
    whole = {**run.values, "truth": run.values["confidence"]}
    told = Run("a", 0, {quantity: whole[quantity] for quantity in metric.reads})
    assert metric(told, task).value == metric(Run("a", 0, whole), task).value
    assert set(metric.reads) <= set(QUANTITIES)


def test_what_cannot_be_measured_on_a_task_is_refused() -> None:
    _, task = make()
    for metric in (
        Accuracy("som"),
        Gap(Accuracy("some"), MacroF1("som")),
        AgainstLevel(Accuracy("som"), 1.0),
    ):
        with pytest.raises(PlanError, match=r"the task has no eval set 'som'\n.*'some'"):
            metric.check(task)
    for paired in (PairConsistency, Invariance):
        paired("pairs").check(task)
        with pytest.raises(PlanError, match="'some' have no partners"):
            paired("some").check(task)

    class Unlabelled:
        fingerprint = task.fingerprint
        eval_sets = task.eval_sets
        held_out_clusters = task.held_out_clusters

    Confidence("some").check(Unlabelled())
    with pytest.raises(PlanError, match="no labels"):
        Accuracy("some").check(Unlabelled())


def test_gap_is_the_difference_with_both_influences() -> None:
    run, task = make()
    far, near = Accuracy("some")(run, task), Accuracy("others")(run, task)
    got = Gap(Accuracy("some"), Accuracy("others"))(run, task)
    assert got.value == pytest.approx(far.value - near.value)
    assert got.influence.tolist() == [*far.influence, *-near.influence]
    assert got.clusters.tolist() == [*far.clusters, *near.clusters]


def test_gap_of_one_set_with_itself_cancels_row_by_row() -> None:
    got = Gap(Accuracy("some"), Accuracy("some"))(*make())
    assert got.value == 0
    by_cluster = np.bincount(got.clusters, weights=got.influence)
    np.testing.assert_allclose(by_cluster, 0, atol=1e-15)


def test_against_a_level_only_the_value_moves() -> None:
    run, task = make()
    plain, got = Accuracy("some")(run, task), AgainstLevel(Accuracy("some"), 0.9)(run, task)
    assert got.value == pytest.approx(plain.value - 0.9)
    assert got.influence.tolist() == plain.influence.tolist()
    assert got.resolution == plain.resolution


@pytest.mark.parametrize(
    "metric",
    [
        *(metric for metric, _ in CASES),
        Gap(Accuracy("some"), Accuracy("others")),
        AgainstLevel(MacroF1("some"), 1.0),
    ],
    ids=lambda metric: metric.name,
)
def test_values_lie_within_the_bounds(metric: Metric) -> None:
    low, high = metric.bounds
    values = [metric(*make(seed)).value for seed in range(20)]
    assert low <= min(values) < max(values) <= high
    assert high - low == (2 if isinstance(metric, Gap) else 1)


@pytest.mark.parametrize("metric", [Confidence("some"), BrierScore("some"), CalibrationError("some")])
def test_without_probabilities_there_is_no_calibration(metric: Metric) -> None:
    run, task = make()
    unsaid = np.full(HELD_OUT, np.nan)
    assert math.isnan(metric(Run("a", 0, {**run.values, "confidence": unsaid}), task).value)
    assert not math.isnan(Accuracy("some")(run, task).value)


@pytest.mark.parametrize("n", [1, 7, 39, 40, 200])
def test_macro_f1_is_that_of_scikit_learn(n: int) -> None:
    for seed in range(20):
        rng = np.random.default_rng([n, seed])
        truth, said = rng.integers(0, 6, n), rng.integers(0, 6, n)
        task = TextTask(
            ("a",) * n,
            truth,
            tuple("uvwxyz"),
            np.arange(n),
            0,
            {"x": EvalSet("x", np.arange(n))},
            np.zeros(n),
            "",
        )
        run = Run("a", 0, {"label": said})
        got = MacroF1("x")(run, task)
        assert got.value == pytest.approx(f1_score(truth, said, average="macro", zero_division=0))
        assert got.influence.sum() == pytest.approx(0, abs=1e-12)


def calibration_of(confidence: np.ndarray, ok: np.ndarray, **settings: int) -> float:
    n = len(ok)
    task = TextTask(
        ("a",) * n,
        np.zeros(n, int),
        ("x", "y"),
        np.arange(n),
        0,
        {"x": EvalSet("x", np.arange(n))},
        np.zeros(n),
        "",
    )
    run = Run("a", 0, {"label": np.where(ok, 0, 1), "confidence": confidence})
    return CalibrationError("x", **settings)(run, task).value


def test_calibration_error_of_one_bin_is_the_overconfidence() -> None:
    rng = np.random.default_rng(0)
    sure, ok = rng.uniform(0.5, 1, 39), rng.random(39) < 0.6
    assert calibration_of(sure, ok) == pytest.approx(abs(sure.mean() - ok.mean()))
    sure, ok = np.repeat(sure, 10), np.repeat(ok, 10)
    assert calibration_of(sure, ok, bins=1) == pytest.approx(abs(sure.mean() - ok.mean()))


def test_calibration_error_does_not_depend_on_the_order_of_rows() -> None:
    """200 rows at confidence 0.8, of which 80 % are right, are calibrated however the file is sorted."""
    ok = np.arange(200) < 160
    assert calibration_of(np.full(200, 0.8), ok) == pytest.approx(0)
    rng = np.random.default_rng(0)
    sure = rng.choice([0.5, 0.7, 0.9], size=200)
    expected = calibration_of(sure, ok)
    assert expected > 0.05
    for _ in range(5):
        order = rng.permutation(200)
        assert calibration_of(sure[order], ok[order]) == pytest.approx(expected)


def test_calibration_error_of_a_calibrated_model_is_small() -> None:
    rng = np.random.default_rng(1)
    sure = rng.uniform(0.5, 1, 20_000)
    assert calibration_of(sure, rng.random(20_000) < sure) < 0.015
    assert calibration_of(sure, rng.random(20_000) < sure - 0.2) == pytest.approx(0.2, abs=0.015)
