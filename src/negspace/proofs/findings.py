"""What a proof says in words and numbers: questions, warnings, method, and the content of ``proof.json``."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float

from negspace._version import __version__
from negspace.evaluation import EASY, NEAR_MISS, PAIRS, Source
from negspace.metrics import Accuracy, PairConsistency
from negspace.models import Choice
from negspace.proofs.plan import ArmComparison, ProofArm
from negspace.proofs.tuning import Tuned
from negspace.records import Estimate, Interval, Json, Measurement
from negspace.search import NEAR_DUPLICATE_RADIUS
from negspace.statistics import ExchangeRate, in_brief, in_words

if TYPE_CHECKING:
    from negspace.proofs.run import Proof

SCHEMA = "negspace.prove/1"
TESTS: Mapping[str, str] = {NEAR_MISS: "near misses", EASY: "easy rows"}
"""What is tested on, in the order of the page."""

_FEW = 50


def question(claim: ArmComparison, on: str) -> str:
    """A claim as a question."""
    if on == NEAR_MISS:
        by = f" by more than {100 * claim.near_miss.margin:g} points" if claim.near_miss.margin else ""
        return f"Is {claim.arm} more accurate than {claim.versus} on near misses{by}?"
    but = f", but for {100 * claim.easy.margin:g} points" if claim.easy.margin else ""
    return f"Is {claim.arm} no less accurate than {claim.versus} on easy rows{but}?"


def how_drawn(proof: Proof, arm: ProofArm) -> str:
    """How the rows of an arm come about, in a few words."""
    strategy, budget = arm.spec.strategy, proof.budget
    if strategy is None:
        if arm.fixed:
            return f"all {budget:,} rows of the file, at every seed"
        grouped = proof.files.sources[arm.source].examples.groups is not None
        clusters = "groups and near-duplicates" if grouped else "near-duplicates"
        return f"at every seed {budget:,} of {arm.of_rows:,} rows, {clusters} whole where they fit"
    if strategy in ("random", "stratified"):
        each = ", each label in its share" if strategy == "stratified" else ""
        return f"at every seed {budget:,} random rows of {arm.of_rows:,}{each}"
    return (
        f"at every seed {budget:,} rows that '{strategy}' chooses from a random nine tenths of the clusters "
        f"of {arm.of_rows:,} rows"
    )


def proof_warnings(proof: Proof) -> list[str]:
    """What the user should know before trusting a number."""
    task, result = proof.result.study.task, proof.result
    said = [*proof.files.warnings, *proof.notes]
    for on, name in TESTS.items():
        if (rows := len(task.eval_sets[on])) < _FEW:
            said.append(f"there are only {rows} {name}: their intervals are wide")
    # Seeds add nothing where rows are fixed and the learner draws nothing.
    same = []
    for arm in proof.arms:
        first, *others = (run.values["truth"] for run in result.of_arm(arm.name))
        if arm.fixed and all(np.array_equal(other, first) for other in others):
            same.append(arm.name)
    if len(same) > 1 and proof.arms[0].spec.name in same:
        said.append(
            f"{same[0]} and {', '.join(same[1:])} give the same predictions at every seed: their comparison "
            "rests on the test rows alone, and is of these very rows, not of how they were chosen"
        )
    for on, name in TESTS.items():
        for arm_name, rate in proof.worth[on].rates.items():
            said += misfit_warning(arm_name, name, rate)
    return said


def misfit_warning(arm: str, name: str, rate: ExchangeRate) -> list[str]:
    """Say where the fitted curve never reaches an accuracy that the random rows themselves do."""
    if math.isfinite(rate.rows) or max(rate.observed) < rate.accuracy:
        return []
    return [
        f"on {name}, random rows of the pool do reach the accuracy of {arm}, though the curve fitted to them "
        "does not: read the points of the curve, not the exchange rate"
    ]


def method(proof: Proof) -> list[tuple[str, str]]:
    """How the proof was computed: a word and a sentence for each step."""
    reference = proof.files.sources[proof.files.reference].examples.source
    family = 2 * (len(proof.arms) - 1)
    steps = [
        ("equal rows", f"every arm trains on exactly {proof.budget:,} rows at every seed"),
        (
            "seeds",
            "arms are paired by seed. A seed draws the rows of arms that have more of them, and the "
            "learner's own randomness; a file of exactly so many rows is trained on whole, so that what is "
            "found of it holds for these very rows",
        ),
        ("near misses", proof.source.how),
        ("easy", "all test rows" if proof.source is Source.GIVEN else "test rows without a near miss"),
        (
            "clusters",
            f"given groups and near-duplicates (cosine distance within {NEAR_DUPLICATE_RADIUS:g}, chained); "
            "test rows of one count as one",
        ),
        (
            "verdicts",
            "95 % intervals, Student's t over seeds and test rows, wider where seeds trail far off; "
            f"the {family} claims are one family (Holm); at least 10 seeds",
        ),
        (
            "superior",
            "more accurate on near misses by more than the margin, and on easy rows not less accurate by the "
            "easy margin or more; both must be supported",
        ),
        (
            "exchange rate",
            f"random rows of {reference}, each label in its share, at sizes up to all of it, nested within a "
            "seed; the curve "
            "error = a + b n^-c, or an isotonic one where that does not fit, is read backwards at the arm's "
            "accuracy; its interval resamples seeds and test clusters; nothing is extrapolated",
        ),
        (
            "random draws as good",
            "for a file of exactly the budget: how many of the random draws of as many rows, one a seed, are "
            "at least as accurate as it",
        ),
    ]
    if proof.tuned is not None:
        steps.append(
            (
                "search",
                "independent random trials (Optuna), new ones at every seed and the same for every arm; "
                "chosen by mean accuracy on one half of the easy rows and near misses, judged on the other",
            )
        )
    return [*steps, ("learner", proof.result.study.learner.name)]


def to_json(proof: Proof) -> dict[str, Json]:
    """The content of ``proof.json``, without NaN or infinities."""
    result, files, tuned = proof.result, proof.files, proof.tuned
    study, task = result.study, result.study.task
    reference, contrast = files.sources[files.reference], files.near_miss
    return {
        "schema": SCHEMA,
        "version": __version__,
        "plan_hash": study.plan_hash,
        "headline": proof.sentence(proof.claims[0]),
        "rows": proof.budget,
        "data": {
            "labels": list(files.label_names),
            "files": [
                {
                    "path": each.examples.source,
                    "rows": len(each),
                    "fingerprint": each.examples.fingerprint,
                    "columns": asdict(each.columns),
                }
                for each in files.sources
            ],
            "test": {"path": files.test.examples.source, "rows": len(files.test)},
            "near_miss_file": (
                None if contrast is None else {"path": contrast.examples.source, "rows": len(contrast)}
            ),
            "near_miss_source": proof.source.value,
            "easy_rows": len(task.eval_sets[EASY]),
            "near_miss_rows": len(task.eval_sets[NEAR_MISS]),
            "pairs": len(task.eval_sets[PAIRS]),
        },
        "learner": dict(study.learner.describe()),
        "seeds": list(study.seeds),
        "arms": [_arm(proof, arm) for arm in proof.arms],
        "comparisons": [
            {
                "arm": claim.arm,
                "versus": claim.versus,
                "conclusion": proof.conclusions[claim.versus].value,
                "says": proof.sentence(claim),
                NEAR_MISS: _verdict(proof, claim, NEAR_MISS),
                EASY: _verdict(proof, claim, EASY),
            }
            for claim in proof.claims
        ],
        "reference": {
            "path": reference.examples.source,
            "rows": len(reference),
            "sizes": [int(size) for size in proof.ladder.sizes],
            **{on: {"per_seed": proof.worth[on].per_seed.tolist()} for on in TESTS},
        },
        "tuning": None if tuned is None else _tuning(tuned, proof.claims[0].arm),
        "warnings": list(proof.warnings),
        "method": [{"step": step, "how": how} for step, how in method(proof)],
    }


def _arm(proof: Proof, arm: ProofArm) -> dict[str, Json]:
    name, result = arm.name, proof.result
    return {
        "name": name,
        "path": proof.files.sources[arm.source].examples.source,
        "strategy": arm.spec.strategy,
        "rows": proof.budget,
        "of_rows": arm.of_rows,
        "fixed": arm.fixed,
        "how": how_drawn(proof, arm),
        "near_miss": _estimate(result.estimate(name, Accuracy(NEAR_MISS)), 0.0),
        "easy": _estimate(result.estimate(name, Accuracy(EASY)), 0.0),
        "pair_consistency": _estimate(result.estimate(name, PairConsistency(PAIRS)), 0.0),
        "exchange": {on: _rate(proof.worth[on].rates[name], proof.budget) for on in TESTS},
        "random_draws_as_good": {on: proof.worth[on].as_good[name] for on in TESTS} if arm.fixed else None,
    }


def _rate(rate: ExchangeRate, own_rows: int) -> dict[str, Json]:
    """An exchange rate; rows are null above the largest size, and 0 below the smallest."""
    return {
        "rows": _number(rate.rows),
        "low": _number(rate.low),
        "high": _number(rate.high),
        "brief": in_brief(rate),
        "says": in_words(rate, own_rows),
        "beyond": _number(rate.beyond),
        "below": _number(rate.below),
        "accuracy": rate.accuracy,
        "method": rate.method,
        "parameters": None if rate.parameters is None else list(rate.parameters),
        "misfit_p": _number(rate.misfit_p),
        "fitted": list(rate.fitted),
        "residuals": (np.array(rate.observed) - np.array(rate.fitted)).tolist(),
    }


def _verdict(proof: Proof, claim: ArmComparison, on: str) -> dict[str, Json]:
    verdict = proof.verdict(claim, on)
    return {
        "claim": "more" if on == NEAR_MISS else "no less",
        "question": question(claim, on),
        "outcome": verdict.outcome.value,
        "reason": verdict.reason,
        "margin": verdict.margin,
        "effect": _number(verdict.effect),
        "ci": _interval(verdict.interval),
        "p_value": _number(verdict.p_value),
        "p_adjusted": _number(verdict.p_adjusted),
        "mde": _number(verdict.mde),
        "seeds_needed": verdict.seeds_needed,
        "look": verdict.look,
        "level": verdict.interval.level,
        "per_seed": proof.per_seed_difference(claim, on),
    }


def _tuning(tuned: Tuned, first: str) -> dict[str, Json]:
    return {
        "trials": tuned.trials,
        "space": {
            name: list(values.values) if isinstance(values, Choice) else asdict(values)
            for name, values in tuned.space.items()
        },
        "storage": tuned.storage,
        "study": tuned.study,
        "rows": {
            on: {"validation": validation, "test": test} for on, (validation, test) in tuned.halves.items()
        },
        "settings": {str(seed): [dict(each) for each in of] for seed, of in tuned.settings.items()},
        "arms": {
            name: {
                "validation": _curve(arm.best[EASY].validation, arm.best[EASY].validation_intervals),
                **{
                    on: {
                        "expected": _curve(arm.best[on].test, arm.best[on].test_intervals),
                        "default": mean_value(arm.default[on]),
                        "chosen": mean_value(arm.chosen[on]),
                    }
                    for on in TESTS
                },
            }
            for name, arm in tuned.arms.items()
        },
        "splits": [
            {
                "arm": first,
                "versus": versus,
                **{
                    on: {name: _estimate(part, -1.0) for name, part in vars(split).items()}
                    for on, split in of_sets.items()
                },
            }
            for versus, of_sets in tuned.splits.items()
        ],
    }


def _curve(expected: Float[np.ndarray, "k seeds"], intervals: Sequence[Interval]) -> list[Json]:
    """The expected best of k for k = 1 ... K."""
    return [
        {"k": k, "mean": float(of_k.mean()), "ci": _interval(interval, 0.0)}
        for k, (of_k, interval) in enumerate(zip(expected, intervals, strict=True), start=1)
    ]


def mean_value(measurements: Sequence[Measurement]) -> float:
    """Mean over seeds of what was measured at each."""
    return float(np.mean([each.value for each in measurements]))


def _estimate(found: Estimate, lowest: float) -> dict[str, Json] | None:
    if math.isnan(found.mean):
        return None
    return {
        "mean": found.mean,
        "ci": _interval(found.interval, lowest),
        "per_seed": [_number(value) for value in found.per_seed],
        "n": found.n,
    }


def shown_interval(interval: Interval, lowest: float = -1.0) -> tuple[float, float] | None:
    """Ends of an interval, cut to where values can lie; None where it has none."""
    if not math.isfinite(interval.high - interval.low):
        return None
    return max(interval.low, lowest), min(interval.high, 1.0)


def _interval(interval: Interval, lowest: float = -1.0) -> list[Json]:
    return list(shown_interval(interval, lowest) or (None, None))


def _number(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None
