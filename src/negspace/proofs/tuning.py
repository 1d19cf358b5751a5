"""Idea or tuning: the same trials of hyper-parameter search for every arm, and what each part brought.

Trials are chosen on one half of the held-out rows and judged on the other, so that the choice cannot have
seen what it is judged by.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int

from negspace.data import grouped_folds
from negspace.errors import DataError
from negspace.evaluation import EASY, NEAR_MISS, PAIRS, assemble_task
from negspace.metrics import Accuracy
from negspace.models import RowsArm, SearchSpace, Settings, TextArm, TextTask, search_space, with_settings
from negspace.proofs.plan import ArmComparison, ProofArm
from negspace.proofs.trial_journal import TrialJournal
from negspace.records import EvalSet, Json, Measurement
from negspace.search import components, group_links
from negspace.statistics import BestOf, GainSplit, best_of, split_gain
from negspace.store import RunStore, content_hash
from negspace.study import Progress, Study, StudyResult

_SETS = (EASY, NEAR_MISS)


@dataclass(frozen=True, eq=False)
class TunedArm:
    """What the trials of one arm reached.

    Attributes:
        validation: Mean of easy and near-miss accuracy on the validation half: what trials are chosen by.
        best: For each eval set, the expected best of k, judged on its test half.
        default: For each eval set, the untuned arm on its test half, a seed each.
        chosen: The same for the trial that each seed chose.
    """

    validation: Float[np.ndarray, "trials seeds"]
    best: Mapping[str, BestOf]
    default: Mapping[str, tuple[Measurement, ...]]
    chosen: Mapping[str, tuple[Measurement, ...]]


@dataclass(frozen=True, eq=False)
class Tuned:
    """What a search found.

    Attributes:
        trials: Trials of every arm at every seed, K.
        space: What settings were drawn from.
        settings: Those of each seed's trials, the same for every arm.
        halves: Rows of each eval set in the validation and in the test half.
        arms: By name.
        splits: For each arm that the first is compared with, and each eval set, what data and search brought.
        storage: Name of Optuna's file.
        study: Name of its study in there.
    """

    trials: int
    space: SearchSpace
    settings: Mapping[int, tuple[Settings, ...]]
    halves: Mapping[str, tuple[int, int]]
    arms: Mapping[str, TunedArm]
    splits: Mapping[str, Mapping[str, GainSplit]]
    storage: str
    study: str


def halve(task: TextTask, *, seed: int) -> dict[str, EvalSet]:
    """Divide the easy rows and the near misses into a validation and a test half.

    Clusters stay whole, and so do near misses and what they are near misses of.

    Returns:
        Four eval sets: ``"easy validation"``, ``"easy test"`` and so on.

    Raises:
        DataError: If a half would be empty.
    """
    kind = np.full(len(task.held_out_labels), -1)
    for place, name in enumerate(_SETS):
        kind[task.eval_sets[name].rows] = place
    used = np.flatnonzero(kind >= 0)
    # Labels within easy and near misses are what is dealt evenly.
    strata = task.held_out_labels[used] * len(_SETS) + kind[used]
    half = np.full(len(kind), -1)
    pairs = task.eval_sets[PAIRS]
    assert pairs.partner is not None
    links = [group_links(task.held_out_clusters), np.stack([pairs.rows, pairs.partner], axis=1)]
    together = components(len(kind), np.concatenate(links))
    half[used] = grouped_folds(strata, together[used], 2, seed)
    sets: dict[str, EvalSet] = {}
    for name in _SETS:
        rows = task.eval_sets[name].rows
        for number, which in enumerate(("validation", "test")):
            part = rows[half[rows] == number]
            if not len(part):
                raise DataError(
                    f"the {name.replace('_', ' ')} rows cannot be divided into a validation and a test half",
                    got=f"{len(rows)} rows",
                    hint="give more test rows, or go without --tune",
                )
            sets[f"{name} {which}"] = EvalSet(f"{name} {which}", part)
    return sets


@dataclass(frozen=True, eq=False)
class Tuning:
    """A search to be made.

    Attributes:
        result: The study without search.
        arms: The arms that are searched for; the first is compared with each other.
        claims: The comparisons.
        trials: Number of trials of every arm at every seed.
        seed: Seed of the division into halves.
        path: Optuna's file.
    """

    result: StudyResult[TextTask, TextArm]
    arms: Sequence[ProofArm]
    claims: Sequence[ArmComparison]
    trials: int
    seed: int
    path: Path


def tune_arms(tuning: Tuning, *, store: RunStore, workers: int, progress: Progress) -> Tuned:
    """Make a search, or what is left of it, and take it apart.

    Raises:
        PlanError: If the learner has no search space.
        DataError: If there are too few held-out rows to divide.
        StoreError: If a file cannot be read or written.
    """
    study = tuning.result.study
    space = search_space(study.learner)
    sets = halve(study.task, seed=tuning.seed)
    names = [each.name for each in tuning.arms]
    trials = TrialJournal(
        tuning.path,
        _study_name(tuning, space),
        space,
        names,
        {
            "arms": names,
            "learner": dict(study.learner.describe()),
            "sampler": "RandomSampler; each trial has its own, seeded with 'sampler seed'",
        },
    )
    scored = replace(study.task, eval_sets=sets)
    settings: dict[int, list[Settings]] = {seed: [] for seed in study.seeds}
    measured: dict[tuple[str, int, str], list[Measurement]] = {}
    total, done = len(study.seeds) * tuning.trials, 0
    progress("tuning", done, total)
    with trials.opened() as journal:
        for seed in study.seeds:
            task, arms = _narrowed(study.task, tuning.arms, seed)
            for number in range(tuning.trials):
                drawn, trial = journal.ask(seed, number)
                settings[seed].append(drawn)
                learner = with_settings(study.learner, drawn)
                fitted = Study(task, arms, learner, [seed], [], study.hypotheses).run(
                    counted=False, store=store, workers=workers
                )
                for name in names:
                    for on in scored.eval_sets:
                        found = Accuracy(on)(fitted.runs[name, seed], scored)
                        measured.setdefault((name, seed, on), []).append(found)
                journal.tell(trial, [_objective(measured, name, seed)[-1] for name in names])
                done += 1
                progress("tuning", done, total)
    reached = {name: _take_apart(tuning, name, scored, measured) for name in names}
    return Tuned(
        trials=tuning.trials,
        space=space,
        settings={seed: tuple(of_seed) for seed, of_seed in settings.items()},
        halves={name: (len(sets[f"{name} validation"]), len(sets[f"{name} test"])) for name in _SETS},
        arms=reached,
        splits={
            claim.versus: {on: _split(reached[claim.arm], reached[claim.versus], on) for on in _SETS}
            for claim in tuning.claims
        },
        storage=tuning.path.name,
        study=trials.name,
    )


def _study_name(tuning: Tuning, space: SearchSpace) -> str:
    """One study for what decides its values; more trials or seeds of the same extend it."""
    study = tuning.result.study
    content: dict[str, Json] = {
        "task": study.task.fingerprint,
        "arms": [each.arm.describe() for each in tuning.arms],
        "learner": study.learner.describe(),
        "space": {name: repr(values) for name, values in space.items()},
        "halves": tuning.seed,
    }
    return f"negspace prove {content_hash(content)[:16]}"


def _narrowed(task: TextTask, arms: Sequence[ProofArm], seed: int) -> tuple[TextTask, list[TextArm]]:
    """The task with those training rows alone that an arm draws at one seed: no others need be read."""
    drawn = {each.name: each.arm.draw(task, seed) for each in arms}
    used: Int[np.ndarray, " used"] = np.unique(np.concatenate(list(drawn.values())))
    kept = np.concatenate([used, np.arange(task.n_train, len(task.texts))])
    narrow = assemble_task(
        tuple(task.texts[row] for row in kept.tolist()),
        task.labels[kept],
        task.label_names,
        task.clusters[kept],
        len(used),
        list(task.eval_sets.values()),
        task.distance,
    )
    return narrow, [RowsArm(name, np.searchsorted(used, rows), keep=1.0) for name, rows in drawn.items()]


def _objective(
    measured: Mapping[tuple[str, int, str], Sequence[Measurement]], arm: str, seed: int
) -> list[float]:
    """The mean of easy and near-miss accuracy on the validation half, for each trial so far."""
    easy, near = (measured[arm, seed, f"{name} validation"] for name in _SETS)
    return [(e.value + n.value) / 2 for e, n in zip(easy, near, strict=True)]


def _take_apart(
    tuning: Tuning,
    arm: str,
    scored: TextTask,
    measured: Mapping[tuple[str, int, str], Sequence[Measurement]],
) -> TunedArm:
    seeds = tuning.result.study.seeds
    validation = np.array([_objective(measured, arm, seed) for seed in seeds]).T
    choice = validation.argmax(axis=0).tolist()  # of equally good trials, the first
    best: dict[str, BestOf] = {}
    default: dict[str, tuple[Measurement, ...]] = {}
    chosen: dict[str, tuple[Measurement, ...]] = {}
    for name in _SETS:
        on = f"{name} test"
        best[name] = best_of(validation, list(zip(*(measured[arm, seed, on] for seed in seeds), strict=True)))
        default[name] = tuple(Accuracy(on)(run, scored) for run in tuning.result.of_arm(arm))
        chosen[name] = tuple(
            measured[arm, seed, on][trial] for seed, trial in zip(seeds, choice, strict=True)
        )
    return TunedArm(validation, best, default, chosen)


def _split(arm: TunedArm, reference: TunedArm, on: str) -> GainSplit:
    return split_gain(arm.default[on], arm.chosen[on], reference.default[on], reference.chosen[on])
