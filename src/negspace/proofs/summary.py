"""What a proof found, as plain data: the content of ``proof.json`` and of the report."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

import numpy as np

from negspace._version import __version__
from negspace.evaluation import EASY, NEAR_MISS, PAIRS, Source
from negspace.metrics import Accuracy, Metric, PairConsistency
from negspace.models import TextArm, TextTask
from negspace.models.spaces import Choice, Range
from negspace.proofs import conclusion, words
from negspace.proofs.exchange import Worth
from negspace.proofs.inputs import Files
from negspace.proofs.plan import Comparison, Ladder, ProofArm
from negspace.proofs.tuning import Tuned
from negspace.records import Estimate, Interval, Json, Verdict
from negspace.statistics import BestOf, ExchangeRate, GainSplit, in_brief, in_words
from negspace.study import StudyResult

__all__ = ["SCHEMA", "Findings", "summarise"]

SCHEMA = "negspace.prove/1"

_NAMES = {NEAR_MISS: "near misses", EASY: "easy rows"}
_SETS = tuple(_NAMES)


@dataclass(frozen=True, eq=False)
class Findings:
    """All parts of a proof, as they came out of the rooms."""

    files: Files
    source: Source
    arms: Sequence[ProofArm]
    budget: int
    ladder: Ladder
    claims: Sequence[Comparison]
    result: StudyResult[TextTask, TextArm]
    worth: Mapping[str, Worth]
    tuned: Tuned | None
    notes: Sequence[str]


def summarise(findings: Findings) -> dict[str, Json]:
    """Put a proof into plain data.

    Args:
        findings: The proof.

    Returns:
        JSON-able, without NaN or infinities; ``docs/proofs.md`` says what null means where.
    """
    study = findings.result.study
    files = findings.files
    comparisons = [_comparison(findings, claim) for claim in findings.claims]
    reference = files.sources[files.reference]
    return {
        "schema": SCHEMA,
        "version": __version__,
        "plan_hash": study.plan_hash,
        "headline": str(comparisons[0]["says"]),
        "rows": findings.budget,
        "data": _data(findings),
        "learner": dict(study.learner.describe()),
        "seeds": list(study.seeds),
        "arms": [_arm(findings, arm) for arm in findings.arms],
        "comparisons": comparisons,
        "reference": {
            "path": reference.examples.source,
            "rows": len(reference),
            "sizes": [int(size) for size in findings.ladder.sizes],
            **{on: {"per_seed": findings.worth[on].per_seed.tolist()} for on in _SETS},
        },
        "tuning": None if findings.tuned is None else _tuning(findings, findings.tuned),
        "warnings": _warnings(findings),
        "method": words.method(
            findings.source,
            budget=findings.budget,
            reference=reference.examples.source,
            learner=study.learner.name,
            arms=len(findings.arms),
            tuned=findings.tuned is not None,
        ),
    }


def _data(findings: Findings) -> dict[str, Json]:
    files, task = findings.files, findings.result.study.task
    contrast = files.near_miss
    return {
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
        "near_miss_source": findings.source.value,
        "easy_rows": len(task.eval_sets[EASY]),
        "near_miss_rows": len(task.eval_sets[NEAR_MISS]),
        "pairs": len(task.eval_sets[PAIRS]),
    }


def _arm(findings: Findings, arm: ProofArm) -> dict[str, Json]:
    name = arm.spec.name
    grouped = findings.files.sources[arm.source].examples.groups is not None

    def measured(metric: Metric) -> dict[str, Json] | None:
        return _estimate(findings.result.estimate(name, metric), lowest=0.0)

    return {
        "name": name,
        "path": findings.files.sources[arm.source].examples.source,
        "strategy": arm.spec.strategy,
        "rows": findings.budget,
        "of_rows": arm.of_rows,
        "fixed": arm.fixed,
        "how": words.how_drawn(arm, findings.budget, grouped=grouped),
        "near_miss": measured(Accuracy(NEAR_MISS)),
        "easy": measured(Accuracy(EASY)),
        "pair_consistency": measured(PairConsistency(PAIRS)),
        "exchange": {on: _rate(findings.worth[on].rates[name], findings.budget) for on in _SETS},
        "random_draws_as_good": {on: findings.worth[on].as_good[name] for on in _SETS} if arm.fixed else None,
    }


def _rate(rate: ExchangeRate, own_rows: int) -> dict[str, Json]:
    """An exchange rate; rows are null above the largest size, and 0 below the smallest."""
    observed, fitted = np.array(rate.observed), np.array(rate.fitted)
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
        "fitted": fitted.tolist(),
        "residuals": (observed - fitted).tolist(),
    }


def _comparison(findings: Findings, claim: Comparison) -> dict[str, Json]:
    near = findings.result.verdicts[claim.near_miss.name]
    easy = findings.result.verdicts[claim.easy.name]
    found = conclusion.conclude(near, easy)
    easy_asked = words.easy_question(claim.arm, claim.versus, claim.easy.margin)
    near_asked = words.near_miss_question(claim.arm, claim.versus, claim.near_miss.margin)
    return {
        "arm": claim.arm,
        "versus": claim.versus,
        "conclusion": found.value,
        "says": conclusion.in_words(found, claim.arm, claim.versus, near, easy),
        NEAR_MISS: _verdict(findings, claim, NEAR_MISS, near, near_asked),
        EASY: _verdict(findings, claim, EASY, easy, easy_asked),
    }


def _verdict(
    findings: Findings, claim: Comparison, on: str, verdict: Verdict, question: str
) -> dict[str, Json]:
    one, other = (findings.result.measurements(arm, Accuracy(on)) for arm in (claim.arm, claim.versus))
    return {
        "claim": "more" if on == NEAR_MISS else "no less",
        "question": question,
        "outcome": verdict.outcome.value,
        "reason": verdict.reason,
        "margin": verdict.margin,
        "effect": _number(verdict.effect),
        "ci": _interval(verdict.interval),
        "p_value": _number(verdict.p_value),
        "mde": _number(verdict.mde),
        "seeds_needed": verdict.seeds_needed,
        "per_seed": [a.value - b.value for a, b in zip(one, other, strict=True)],
    }


def _tuning(findings: Findings, tuned: Tuned) -> dict[str, Json]:
    return {
        "trials": tuned.trials,
        "space": {
            name: list(values.values) if isinstance(values, Choice) else _range(values)
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
                "validation": _curve(arm.best[EASY], "validation"),
                **{
                    on: {
                        "expected": _curve(arm.best[on], "test"),
                        "default": _mean(m.value for m in arm.default[on]),
                        "chosen": _mean(m.value for m in arm.chosen[on]),
                    }
                    for on in _SETS
                },
            }
            for name, arm in tuned.arms.items()
        },
        "splits": [
            {
                "arm": findings.claims[0].arm,
                "versus": versus,
                **{on: _gain(split) for on, split in of_sets.items()},
            }
            for versus, of_sets in tuned.splits.items()
        ],
    }


def _range(values: Range) -> dict[str, Json]:
    return {"low": values.low, "high": values.high, "log": values.log}


def _curve(best: BestOf, which: str) -> list[dict[str, Json]]:
    """The expected best of k for k = 1 ... K."""
    values, intervals = (
        (best.validation, best.validation_intervals)
        if which == "validation"
        else (best.test, best.test_intervals)
    )
    return [
        {"k": k, "mean": float(of_k.mean()), "ci": _interval(interval, lowest=0.0)}
        for k, (of_k, interval) in enumerate(zip(values, intervals, strict=True), start=1)
    ]


def _gain(split: GainSplit) -> dict[str, Json]:
    return {
        name: _estimate(part, lowest=-1.0)
        for name, part in (
            ("total", split.total),
            ("data", split.data),
            ("search", split.search),
            ("data_default", split.data_default),
            ("data_tuned", split.data_tuned),
            ("search_arm", split.search_arm),
            ("search_reference", split.search_reference),
            ("interaction", split.interaction),
        )
    }


def _warnings(findings: Findings) -> list[str]:
    spread = []
    for arm in findings.arms:
        runs = findings.result.of_arm(arm.spec.name)
        first = runs[0].values["truth"]
        spread.append(any(not np.array_equal(run.values["truth"], first) for run in runs[1:]))
    task = findings.result.study.task
    misfits = [
        said
        for on in _SETS
        for name, rate in findings.worth[on].rates.items()
        for said in words.misfit_warnings(name, _NAMES[on], rate)
    ]
    return [
        *findings.files.warnings,
        *findings.notes,
        *words.few_rows_warnings({_NAMES[on]: len(task.eval_sets[on]) for on in _SETS}),
        *words.seed_warnings(findings.arms, spread),
        *misfits,
    ]


def _estimate(found: Estimate, *, lowest: float) -> dict[str, Json] | None:
    if math.isnan(found.mean):
        return None
    return {
        "mean": found.mean,
        "ci": _interval(found.interval, lowest=lowest, highest=1.0),
        "per_seed": [_number(value) for value in found.per_seed],
        "n": found.n,
    }


def _interval(interval: Interval, *, lowest: float = -1.0, highest: float = 1.0) -> list[Json]:
    """Ends of an interval, cut to where values can lie; null where there is none."""
    if not math.isfinite(interval.high - interval.low):
        return [None, None]
    return [max(interval.low, lowest), min(interval.high, highest)]


def _mean(values: object) -> float:
    return float(np.mean(list(values)))  # type: ignore[call-overload]


def _number(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None
