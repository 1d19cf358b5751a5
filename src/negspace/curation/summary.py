"""A curation as plain data: what the report, the terminal and other programs read."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Bool

from negspace._version import __version__
from negspace.curation.reasons import whole_groups
from negspace.curation.trial import HELD_OUT, REFERENCE, Trial, more_on
from negspace.evaluation import NEAR_MISS, Role
from negspace.metrics import Accuracy
from negspace.records import Estimate, Json, Verdict

if TYPE_CHECKING:
    from negspace.curation.result import Selection

__all__ = ["SCHEMA", "summarise"]

SCHEMA = 1
_EXAMPLES = 12
_FEWEST_SEEDS = 10  # of a verdict
_LABELS = 50


def summarise(selection: Selection) -> dict[str, Json]:
    """Put a curation into plain data.

    Args:
        selection: The curation.

    Returns:
        JSON-able, without NaN: what is undefined is None. ``docs/selection.md`` describes every key.
    """
    dataset, trial = selection.file.dataset, selection.trial
    return {
        "schema": SCHEMA,
        "version": __version__,
        "data": {
            "source": dataset.examples.source,
            "fingerprint": dataset.examples.fingerprint,
            "rows": len(dataset),
            "labels": len(dataset.examples.label_names),
            "columns": str(dataset.columns),
        },
        "budget": len(selection.chosen),
        "seed": selection.seed,
        "strategy": selection.strategy_name,
        "conclusion": _conclusion(selection),
        "fell_back": trial is not None and trial.winner is None,
        "trial": None if trial is None else _trial(trial),
        "composition": _composition(selection),
        "labels": _labels(selection),
        "indices": selection.indices,
        "chosen_examples": _examples(selection, chosen=True),
        "rejected_examples": _examples(selection, chosen=False),
        "worklist": _worklist(selection),
        "warnings": [*dataset.notes, *_warnings(selection)],
    }


def _conclusion(selection: Selection) -> str:
    trial, name = selection.trial, selection.strategy_name
    if trial is None:
        return f"Chosen by '{name}' as asked; no trial was made, so nothing says that it beats random rows."
    if trial.winner is None:
        return (
            "No strategy was shown to beat stratified random rows on the held-out part of this pool without "
            "a loss elsewhere, so the choice is stratified random."
        )
    gains = [f"{_gain(trial, name, HELD_OUT)} on held-out rows"]
    if trial.near_misses:
        gains.append(f"{_gain(trial, name, NEAR_MISS)} on near misses")
    tried = len(trial.strategies) - 1
    caveat = f" It is the best of {tried} tried on these rows, so expect somewhat less." if tried > 1 else ""
    return (
        f"'{name}' was shown better than stratified random rows on the held-out part of this pool: "
        f"{' and '.join(gains)} ({trial.budget} rows each, {len(trial.result.study.seeds)} seeds).{caveat}"
    )


def _gain(trial: Trial, name: str, on: str) -> str:
    """The difference from the reference in points, with its interval."""
    found = trial.result.verdicts[more_on(name, on)]
    low, high = 100 * found.interval.low, 100 * found.interval.high
    return f"{100 * found.effect:+.1f} points [{low:.1f}, {high:.1f}]".replace("-", "\u2212")


def _warnings(selection: Selection) -> Iterator[str]:
    trial, pool = selection.trial, selection.survey.pool
    if trial is not None:
        seeds = len(trial.result.study.seeds)
        if seeds < _FEWEST_SEEDS:
            yield (
                f"{seeds} seeds give no verdict, so no strategy could be shown better; run at least "
                f"{_FEWEST_SEEDS}"
            )
        if trial.budget < len(selection.chosen):
            yield (
                f"in the trial each strategy chose {trial.budget} rows rather than {len(selection.chosen)}: "
                "from the part of the pool that is not held out, more would be nearly all there is"
            )
        if not trial.near_misses:
            yield "too few held-out rows have a near miss to measure on: ordinary held-out rows alone decided"
    if suspected := int(pool.suspected[selection.chosen].sum()):
        yield (
            f"{suspected} of the chosen rows have a suspected label, for '{selection.strategy_name}' does "
            "not leave them out; rows.parquet names them"
        )


def _trial(trial: Trial) -> dict[str, Json]:
    study = trial.result.study
    return {
        "plan_hash": study.plan_hash,
        "learner": dict(study.learner.describe()),
        "seeds": list(study.seeds),
        "budget": trial.budget,
        "pool": study.task.n_train,
        "held_out": len(study.task.eval_sets[HELD_OUT]),
        "near_misses": len(study.task.eval_sets[NEAR_MISS]) if trial.near_misses else 0,
        "margin": trial.margin,
        "reference": REFERENCE,
        "winner": trial.winner,
        "strategies": [_strategy(trial, name) for name in trial.strategies],
    }


def _strategy(trial: Trial, name: str) -> dict[str, Json]:
    return {
        "name": name,
        "held_out": _estimate(trial.result.estimate(name, Accuracy(HELD_OUT))),
        "near_miss": _estimate(trial.result.estimate(name, Accuracy(NEAR_MISS)))
        if trial.near_misses
        else None,
        "qualifies": None if name == REFERENCE else trial.qualifies(name),
        "hypotheses": [
            _hypothesis(question.removeprefix(f"{name}: "), verdict)
            for question, verdict in trial.result.verdicts.items()
            if question.startswith(f"{name}: ")
        ],
    }


def _hypothesis(question: str, verdict: Verdict) -> dict[str, Json]:
    return {
        "question": question,
        "outcome": verdict.outcome.value,
        "reason": verdict.reason,
        "effect": _number(verdict.effect),
        "ci": [_number(verdict.interval.low), _number(verdict.interval.high)],
        "margin": verdict.margin,
        "p_value": _number(verdict.p_value),
        "mde": _number(verdict.mde),
        "seeds_needed": verdict.seeds_needed,
    }


def _estimate(estimate: Estimate) -> dict[str, Json]:
    return {
        "mean": _number(estimate.mean),
        "ci": [_number(max(0.0, estimate.interval.low)), _number(min(1.0, estimate.interval.high))],
        "per_seed": [_number(value) for value in estimate.per_seed],
        "n": estimate.n,
    }


def _composition(selection: Selection) -> dict[str, Json]:
    pool = selection.survey.pool
    chosen = np.zeros(len(pool), dtype=bool)
    chosen[selection.chosen] = True
    roles = np.array([role.value for role in selection.roles.role])

    def counted(what: str, of_pool: Bool[np.ndarray, " rows"], of_chosen: Bool[np.ndarray, " rows"]) -> Json:
        return {"what": what, "pool": int(of_pool.sum()), "chosen": int(of_chosen.sum())}

    rows = [
        counted("all", np.ones(len(pool), dtype=bool), chosen),
        counted("near misses, with their counterpart", pool.paired, whole_groups(selection.survey, chosen)),
        *(counted(f"{role} rows", roles == role.value, chosen & (roles == role.value)) for role in Role),
    ]
    if pool.real is not None:
        rows.append(counted("true rows", pool.real, chosen & pool.real))
    given = selection.file.dataset.examples.groups is not None
    return {"rows": rows, "groups": "given" if given else "found by nearness"}


def _labels(selection: Selection) -> list[Json]:
    pool = selection.survey.pool
    there, taken = Counter(pool.labels.tolist()), Counter(pool.labels[selection.chosen].tolist())
    return [
        {"label": pool.label_names[label], "pool": count, "chosen": taken[label]}
        for label, count in there.most_common(_LABELS)
    ]


def _examples(selection: Selection, *, chosen: bool) -> list[Json]:
    """The first rows chosen, or of those that were not, some of each reason."""
    pool, dataset = selection.survey.pool, selection.file.dataset
    if chosen:
        rows = selection.chosen[:_EXAMPLES].tolist()
    else:
        left = np.setdiff1d(np.arange(len(pool)), selection.chosen)
        kinds = [selection.reasons[row].split(":")[0].split(",")[0] for row in left.tolist()]
        _, kind = np.unique(kinds, return_inverse=True) if kinds else (None, np.empty(0, np.int64))
        turn = np.zeros(len(left), dtype=np.int64)
        for each in np.unique(kind):
            turn[kind == each] = np.arange((kind == each).sum())
        rows = left[np.lexsort((left, turn))][:_EXAMPLES].tolist()
    return [
        {
            "where": dataset.where(row),
            "text": pool.texts[row],
            "label": pool.label_names[pool.labels[row]],
            "reason": selection.reasons[row],
        }
        for row in rows
    ]


def _worklist(selection: Selection) -> list[Json] | None:
    work, pool = selection.worklist, selection.survey.pool
    if work is None:
        return None
    return [
        {
            "where": selection.file.dataset.where(row),
            "text": pool.texts[row],
            "label": pool.label_names[pool.labels[row]],
            "to": pool.label_names[work.proposed[place]],
            "reason": work.reasons[place],
        }
        for place, row in enumerate(work.rows.tolist()[:_EXAMPLES])
    ]


def _number(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None
