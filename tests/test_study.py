"""The corridor: plans are checked, runs are kept and found again, verdicts are paired by seed."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from negspace.errors import PlanError
from negspace.metrics import Accuracy, AgainstLevel, Confidence, Gap
from negspace.models import RowsArm, TextTask, TfidfLearner
from negspace.quantities import PREDICTION, QUANTITIES, Quantity, declare
from negspace.records import EvalSet, Json, Measurement, Outcome, Run
from negspace.store import RunStore
from negspace.study import Hypothesis, Study, StudyResult

HELD_OUT = 50
SEEDS = tuple(range(12))


@dataclass
class Scripted:
    """Predicts at random, and writes down what it was asked to fit."""

    level: float = 0.7
    order: int = 1  # 1: as asked; -1: backwards
    dies_after: int | None = None
    fitted: list[tuple[str, int]] = field(default_factory=list)

    name = "scripted"
    gives = PREDICTION

    def describe(self) -> Mapping[str, Json]:
        return {"name": self.name, "level": self.level}

    def runs(self, task: TextTask, jobs: Sequence[tuple[RowsArm, int]], *, workers: int) -> Iterator[Run]:
        del workers
        for arm, seed in jobs[:: self.order]:
            if self.dies_after is not None and len(self.fitted) == self.dies_after:
                raise RuntimeError("out of memory")
            self.fitted.append((arm.name, seed))
            rng = np.random.default_rng([seed, *arm.name.encode()])
            right = rng.random(HELD_OUT) < self.level
            truth = task.held_out_labels
            confidence = rng.uniform(0.5, 1, HELD_OUT)
            values = {
                "label": np.where(right, truth, 1 - truth),
                "confidence": confidence,
                "truth": np.where(right, confidence, 1 - confidence),
            }
            yield Run(arm.name, seed, values)


@dataclass(frozen=True)
class Written:
    """A metric that looks its values up: what decides a verdict is then known to the last digit."""

    values: Mapping[tuple[str, int], float]
    name: str = "written"

    bounds = (-math.inf, math.inf)
    reads = ()

    def describe(self) -> Mapping[str, Json]:
        return {"measure": self.name}

    def check(self, task: TextTask) -> None:
        pass

    def __call__(self, run: Run, task: TextTask) -> Measurement:
        del task
        value = self.values.get((run.arm, run.seed), 0.0)
        return Measurement(value, np.empty(0), np.empty(0, dtype=np.int64))


def task_of(fingerprint: str = "t") -> TextTask:
    labels = np.arange(20 + HELD_OUT) % 2
    return TextTask(
        texts=tuple(f"{'red' if label else 'blue'} w{i % 6}" for i, label in enumerate(labels)),
        labels=labels,
        label_names=("n", "y"),
        clusters=np.arange(20 + HELD_OUT),
        n_train=20,
        eval_sets={
            "easy": EvalSet("easy", np.arange(25)),
            "near_miss": EvalSet("near_miss", np.arange(25, HELD_OUT)),
        },
        distance=np.full(HELD_OUT, np.nan),
        fingerprint=fingerprint,
    )


ALL = RowsArm("all", np.arange(20))
HALF = RowsArm("half", np.arange(0, 20, 2))
EASY, NEAR = Accuracy("easy"), Accuracy("near_miss")


def study_of(**changes: object) -> Study:
    parts: dict[str, object] = {
        "task": task_of(),
        "arms": [ALL, HALF],
        "learner": Scripted(),
        "seeds": SEEDS,
        "metrics": [EASY, NEAR],
        "hypotheses": [
            Hypothesis("gap", Gap(EASY, NEAR), "all", margin=0.05),
            Hypothesis("more rows", EASY, "all", versus="half"),
        ],
    }
    return Study(**{**parts, **changes})


def asserted_equal(one: StudyResult, other: StudyResult) -> None:
    assert list(one.runs) == list(other.runs)
    for key, run in one.runs.items():
        theirs = other.runs[key]
        assert (run.arm, run.seed) == (theirs.arm, theirs.seed)
        for part in ("label", "confidence", "truth"):
            assert run.values[part].tobytes() == theirs.values[part].tobytes()
    # As text: a verdict may hold NaN, which equals nothing.
    assert repr(one.verdicts) == repr(other.verdicts)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"arms": []}, "at least one arm"),
        ({"seeds": []}, "at least one seed"),
        ({"hypotheses": []}, "at least one hypothesis"),
        ({"arms": [ALL, replace(HALF, name="all")]}, "each arm of a study must be given once"),
        ({"seeds": [1, 2, 1]}, "each seed of a study must be given once"),
        ({"hypotheses": [Hypothesis("h", EASY, "all"), Hypothesis("h", NEAR, "all")]}, "each hypothesis"),
        ({"seeds": [0, -1]}, "a seed is a whole number"),
        ({"seeds": [2**32]}, "a seed is a whole number"),
        ({"hypotheses": [Hypothesis("h", EASY, "al")]}, "no arm is called 'al'\n.*did you mean 'all'"),
        ({"hypotheses": [Hypothesis("h", EASY, "all", "haf")]}, "no arm is called 'haf'\n.*'half'"),
        ({"hypotheses": [Hypothesis("h", EASY, "all", "all")]}, "compares arm 'all' with itself"),
        ({"hypotheses": [Hypothesis("h", EASY, "all", margin=-0.1)]}, "the margin must be"),
        ({"hypotheses": [Hypothesis("h", EASY, "all", margin=math.nan)]}, "the margin must be"),
        ({"hypotheses": [Hypothesis("h", EASY, "all", margin=math.inf)]}, "the margin must be"),
        ({"arms": [ALL, replace(HALF, rows=np.arange(0))]}, "arm 'half' has no rows"),
        ({"arms": [ALL, replace(HALF, rows=np.arange(15, 21))]}, "no training rows.*\n.*15 to 20 of 20"),
        ({"arms": [ALL, replace(HALF, rows=np.array([-1, 3]))]}, "no training rows of the task"),
        ({"metrics": [Accuracy("esay")]}, "esay: the task has no eval set 'esay'\n.*mean 'easy'"),
        ({"hypotheses": [Hypothesis("h", Accuracy("hard"), "all", margin=0.5)]}, "no eval set 'hard'"),
        ({"hypotheses": [Hypothesis("h", EASY, "all")]}, "one way only: the effect lies from 0 to 1"),
        ({"hypotheses": [Hypothesis("h", EASY, "all", "half", margin=1.0)]}, "one way only: .* from -1 to 1"),
        ({"hypotheses": [Hypothesis("h", EASY, "all", "half", 1.0, "no less")]}, "exceeds -1"),
        ({"arms": [ALL, replace(ALL, name="half")]}, "the same under two names"),
    ],
)
def test_a_plan_that_cannot_give_an_answer_is_refused(changes: dict[str, object], message: str) -> None:
    with pytest.raises(PlanError, match=message):
        study_of(**changes)


def test_what_a_learner_does_not_give_is_refused_before_the_first_fit() -> None:
    class Labels(Scripted):
        gives = ("label",)

    class Undeclared(Scripted):
        gives = ("label", "mood")

    class Ranks(Written):
        reads = ("reciprocal rank",)

    labels = Labels()
    study_of(learner=labels)
    for metric in (Confidence("easy"), Gap(EASY, Confidence("easy")), AgainstLevel(Confidence("easy"), 0.5)):
        with pytest.raises(
            PlanError, match=r"reads 'confidence' .*'scripted' does not give\n *got: *label\n"
        ):
            study_of(learner=labels, metrics=[metric])
    with pytest.raises(PlanError, match="no quantity is called 'mood'"):
        study_of(learner=Undeclared())
    with pytest.raises(PlanError, match="no quantity is called 'reciprocal rank'"):
        study_of(metrics=[Ranks({})])
    assert labels.fitted == []


def test_a_quantity_has_one_meaning() -> None:
    (label, *_) = PREDICTION
    assert declare(QUANTITIES[label]) == ("label",)
    with pytest.raises(PlanError, match="two quantities are called 'label'"):
        declare(Quantity("label", "name of the file", "text"))


def test_the_plan_hash_changes_with_every_part_of_the_plan() -> None:
    plain = study_of()
    others = [
        study_of(task=task_of("u")),
        study_of(arms=[ALL, replace(HALF, rows=np.arange(10))]),
        study_of(arms=[ALL, replace(HALF, keep=0.8)]),
        study_of(arms=[HALF, ALL]),
        study_of(learner=Scripted(level=0.8)),
        study_of(learner=TfidfLearner()),
        study_of(learner=TfidfLearner(c=1.0)),
        study_of(seeds=range(13)),
        study_of(seeds=range(1, 13)),
        study_of(metrics=[EASY]),
        study_of(metrics=[EASY, Gap(EASY, NEAR)]),
        study_of(hypotheses=plain.hypotheses[:1]),
        study_of(hypotheses=[replace(plain.hypotheses[0], margin=0.06), plain.hypotheses[1]]),
        study_of(hypotheses=[replace(plain.hypotheses[0], metric=NEAR), plain.hypotheses[1]]),
        study_of(hypotheses=[replace(plain.hypotheses[0], arm="half"), plain.hypotheses[1]]),
        study_of(hypotheses=[replace(plain.hypotheses[0], versus="half"), plain.hypotheses[1]]),
        study_of(hypotheses=[replace(plain.hypotheses[0], name="chasm"), plain.hypotheses[1]]),
        study_of(hypotheses=[replace(plain.hypotheses[0], claim="no less"), plain.hypotheses[1]]),
    ]
    hashes = [study.plan_hash for study in (plain, *others)]
    assert len(set(hashes)) == len(hashes)
    assert study_of().plan_hash == plain.plan_hash
    # Neither running nor how it is run is part of the plan.
    assert plain.run(workers=2).study.plan_hash == hashes[0]
    assert study_of(learner=Scripted(order=-1)).plan_hash == hashes[0]


def test_a_study_resumes_where_it_was_left(tmp_path: Path) -> None:
    fresh = study_of().run()
    learner = Scripted()
    with RunStore(tmp_path / "r.sqlite") as store:
        first = study_of(learner=learner, seeds=SEEDS[:6]).run(store=store, counted=False)
        assert (first.resumed, len(learner.fitted)) == (0, 12)
        learner.fitted.clear()
        second = study_of(learner=learner).run(store=store)
        assert learner.fitted == [(arm, seed) for arm in ("all", "half") for seed in SEEDS[6:]]
    assert second.resumed == 12
    asserted_equal(fresh, second)
    with RunStore(tmp_path / "r.sqlite") as store:
        learner.fitted.clear()
        third = study_of(learner=learner).run(store=store)
    assert (third.resumed, learner.fitted) == (24, [])
    asserted_equal(fresh, third)


def test_another_arm_learner_or_task_is_fitted_anew(tmp_path: Path) -> None:
    with RunStore(tmp_path / "r.sqlite") as store:
        study_of().run(store=store)
        for changes, fits in (
            ({"task": task_of("u")}, 24),
            ({"arms": [ALL, replace(HALF, keep=0.5)]}, 12),
            ({"learner": Scripted(level=0.71)}, 24),
            ({"hypotheses": [Hypothesis("other", Gap(NEAR, EASY), "half")], "metrics": []}, 0),
        ):
            study = study_of(**changes)
            study.run(store=store)
            assert len(study.learner.fitted) == fits


def test_an_arm_whose_code_changed_is_fitted_anew(tmp_path: Path) -> None:
    class Before:
        """Draws rows one way."""

    class After:
        """Draws rows another way, with the same settings."""

    @dataclass(frozen=True, eq=False)
    class Coded(RowsArm):
        parts: tuple[object, ...] = ()

        @property
        def code(self) -> tuple[object, ...]:
            return self.parts

    coded = Coded("all", np.arange(20), parts=(Before(),))
    with RunStore(tmp_path / "r.sqlite") as store:
        study_of(arms=[coded, HALF]).run(store=store)
        for parts, fits in (((Before(),), 0), ((After(),), 12), ((Before(), After()), 12), ((After(),), 0)):
            learner = Scripted()
            study_of(arms=[replace(coded, parts=parts), HALF], learner=learner).run(store=store)
            assert learner.fitted == [("all", seed) for seed in SEEDS[:fits]]


def test_a_learner_that_dies_leaves_what_it_had_finished(tmp_path: Path) -> None:
    with RunStore(tmp_path / "r.sqlite") as store:
        with pytest.raises(RuntimeError, match="out of memory"):
            study_of(learner=Scripted(dies_after=9)).run(store=store)
        healthy = Scripted()
        result = study_of(learner=healthy).run(store=store)
    assert (result.resumed, len(healthy.fitted)) == (9, 15)
    asserted_equal(result, study_of().run())


def test_the_order_in_which_runs_finish_does_not_matter() -> None:
    asserted_equal(study_of().run(), study_of(learner=Scripted(order=-1)).run())


@pytest.mark.parametrize("workers", [1, 2])
def test_a_real_learner_resumes_to_the_bit(tmp_path: Path, workers: int) -> None:
    parts = {"learner": TfidfLearner(), "seeds": range(4)}
    fresh = study_of(**parts).run(workers=1)
    with RunStore(tmp_path / "r.sqlite") as store:
        study_of(**{**parts, "seeds": (2, 1)}).run(store=store, workers=workers, counted=False)
        resumed = study_of(**parts).run(store=store, workers=workers)
    assert resumed.resumed == 4
    asserted_equal(fresh, resumed)


def test_arms_are_paired_by_seed() -> None:
    """Seeds differ far more than arms do: only the difference within a seed shows the effect."""
    rng = np.random.default_rng(0)
    seed_effect, noise = rng.normal(0, 1.0, 12), rng.normal(0, 0.02, 12)
    values = {("half", s): seed_effect[s] for s in SEEDS}
    values |= {("all", s): seed_effect[s] + 0.1 + noise[s] for s in SEEDS}
    hypothesis = Hypothesis("more rows", Written(values), "all", versus="half", margin=0.05)
    backwards = study_of(hypotheses=[hypothesis], learner=Scripted(order=-1), seeds=SEEDS[::-1])
    for study in (study_of(hypotheses=[hypothesis]), backwards):
        verdict = study.run().verdict
        paired = stats.ttest_1samp(0.1 + noise, 0.0).confidence_interval(0.95)
        assert verdict.outcome is Outcome.SUPPORTED
        assert verdict.effect == pytest.approx((0.1 + noise).mean())
        assert (verdict.interval.low, verdict.interval.high) == pytest.approx((paired.low, paired.high))
    unpaired = stats.ttest_ind([values["all", s] for s in SEEDS], [values["half", s] for s in SEEDS])
    assert unpaired.pvalue > 0.5
    swapped = replace(hypothesis, arm="half", versus="all", margin=0.0)
    assert study_of(hypotheses=[swapped]).run().verdict.outcome is Outcome.REFUTED


def test_no_less_is_supported_by_an_effect_of_nothing() -> None:
    rng = np.random.default_rng(2)
    values = {("all", s): rng.normal(0, 0.01) for s in SEEDS}
    claim = Hypothesis("h", Written(values), "all", versus="half", margin=0.05, claim="no less")
    assert study_of(hypotheses=[claim]).run().verdict.outcome is Outcome.SUPPORTED
    more = replace(claim, claim="more")
    assert study_of(hypotheses=[more]).run().verdict.outcome is Outcome.REFUTED
    worse = replace(claim, metric=Written({key: value - 0.2 for key, value in values.items()}))
    assert study_of(hypotheses=[worse]).run().verdict.outcome is Outcome.REFUTED


def test_few_seeds_give_no_verdict() -> None:
    verdict = study_of(seeds=range(9)).run().verdict
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert study_of(seeds=range(9)).run().verdicts.keys() == {"gap", "more rows"}


def test_hypotheses_are_one_family() -> None:
    rng = np.random.default_rng(1)
    values = {("all", s): 0.1 + rng.normal(0, 0.05) for s in SEEDS}
    one = Hypothesis("h0", Written(values), "all")
    alone = study_of(hypotheses=[one]).run().verdict
    family = study_of(hypotheses=[replace(one, name=f"h{i}") for i in range(3)]).run().verdict
    assert family.p_value == alone.p_value
    assert family.p_adjusted == pytest.approx(3 * alone.p_value)


def test_a_question_asked_again_in_another_way_is_another_look(tmp_path: Path) -> None:
    values = {("all", s): 0.1 + 0.05 * np.sin(7 * s) for s in range(40)}

    def ask(store: RunStore, margin: float = 0.0, name: str = "h", **changes: object) -> Verdict:
        hypothesis = Hypothesis(name, Written(values), "all", margin=margin)
        return study_of(**{"hypotheses": [hypothesis], **changes}).run(store=store).verdict

    with RunStore(tmp_path / "r.sqlite") as store:
        first = ask(store)
        assert (first.look, first.interval.level) == (1, 0.95)
        second = ask(store, margin=0.02)
        assert (second.look, second.interval.level) == (2, pytest.approx(1 - 2 * 0.05 / 6))
        assert "second look" in second.reason
        assert ask(store, seeds=range(14)).look == 3
        assert ask(store, learner=Scripted(level=0.71)).look == 4
        # Another question, of another arm or task, or the same in the same words again.
        other = Hypothesis("h", Written({("half", s): value for (_, s), value in values.items()}), "half")
        assert ask(store, hypotheses=[other]).look == 1
        assert ask(store, task=task_of("u")).look == 1
        assert ask(store, metrics=[]).look == 1
    with RunStore(tmp_path / "r.sqlite") as store:
        for margin, seeds, look in ((0.0, SEEDS, 1), (0.02, SEEDS, 2), (0.0, range(14), 3)):
            assert ask(store, margin=margin, seeds=seeds).look == look
        family = [Hypothesis(f"h{m}", Written(values), "all", margin=m) for m in (0.0, 0.2)]
        assert {v.look for v in study_of(hypotheses=family).run(store=store).verdicts.values()} == {6}
    with RunStore() as memory:
        assert ask(memory) == first


def test_looks_of_trial_runs_do_not_count(tmp_path: Path) -> None:
    with RunStore(tmp_path / "r.sqlite") as store:
        study_of(seeds=range(3)).run(store=store, counted=False)
        assert study_of().run(store=store).verdict.look == 1


def test_what_a_result_hands_out() -> None:
    result = study_of(seeds=(5, 3, 11)).run()
    assert [run.seed for run in result.of_arm("half")] == [5, 3, 11]
    accuracy = [
        np.mean(run.values["label"][:25] == result.study.task.held_out_labels[:25])
        for run in result.of_arm("half")
    ]
    estimate = result.estimate("half", EASY)
    assert estimate.per_seed == pytest.approx(accuracy)
    assert (estimate.metric, estimate.n) == ("accuracy on easy", 25)
    assert [m.value for m in result.measurements("half", EASY)] == pytest.approx(accuracy)
    assert result.verdict is result.verdicts["gap"]


def test_progress_counts_what_was_resumed(tmp_path: Path) -> None:
    told: list[tuple[str, int, int]] = []
    with RunStore(tmp_path / "r.sqlite") as store:
        study_of(seeds=SEEDS[:2]).run(store=store)
        study_of(seeds=SEEDS[:3]).run(store=store, progress=lambda *step: told.append(step))
    assert told == [("fitting", 4, 6), ("fitting", 5, 6), ("fitting", 6, 6)]


@dataclass
class Wrong(Scripted):
    """Breaks the contract of a learner in some way."""

    how: str = ""

    def runs(self, task: TextTask, jobs: Sequence[tuple[RowsArm, int]], *, workers: int) -> Iterator[Run]:
        runs = list(super().runs(task, jobs, workers=workers))
        if self.how == "too few":
            yield from runs[:-1]
        elif self.how in {"percent", "fractions"}:
            kept = {name: values.copy() for name, values in runs[0].values.items()}
            kept["confidence"][3] = 70.0 if self.how == "percent" else math.nan
            kept["label"] = kept["label"] + (0.5 if self.how == "fractions" else 0)
            kept["label"][0] = 0.5 if self.how == "fractions" else 0
            yield replace(runs[0], values=kept)
        elif self.how == "other names":
            kept = runs[0].values
            yield replace(runs[0], values={name: kept[name] for name in ("label", "confidence")})
        elif self.how == "other":
            yield replace(runs[0], seed=99)
        else:
            yield replace(runs[0], values={name: kept[:-1] for name, kept in runs[0].values.items()})


@pytest.mark.parametrize(
    ("how", "message"),
    [
        (
            "percent",
            "'confidence' of held-out item 3 is no probability of the .*\n.*got: *70",
        ),
        ("fractions", "'label' of held-out item 0 is no predicted label\n.*got: *0.5"),
        ("other names", "must give label, confidence, truth\n.*got: *label, confidence$"),
        ("too few", "gave no run of arm 'half', seed 11"),
        ("other", "a run nobody asked for\n.*arm 'all', seed 99"),
        ("short", "must give 'label' for each of the 50 held-out items\n.*49 values"),
    ],
)
def test_a_learner_that_breaks_its_contract_is_named(how: str, message: str) -> None:
    with pytest.raises(PlanError, match=f"learner 'scripted' {message}|learner 'scripted'.*{message}"):
        study_of(learner=Wrong(how=how)).run()
