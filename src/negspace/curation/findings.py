"""What a selection says in words and numbers: its reasons, its conclusion, and the content of its files."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Bool, Int

from negspace._version import __version__
from negspace.curation.strategies import Cover, Stratified, eligible_rows
from negspace.curation.trial import HELD_OUT, REFERENCE, Trial
from negspace.evaluation import NEAR_MISS, Role
from negspace.records import Estimate, Json, Verdict
from negspace.search import nearest_in_group

if TYPE_CHECKING:
    from negspace.curation.selection import Selection

SCHEMA = 1
EXAMPLES = 12
_FEWEST_SEEDS = 10  # of a verdict
_LABELS = 50
TESTS: Mapping[str, str] = {HELD_OUT: "held-out rows", NEAR_MISS: "near misses"}
"""The tests of a trial in words."""


def reasons(selection: Selection) -> list[str]:
    """Why each row of the pool was chosen or not."""
    pool, roles, strategy = selection.survey.pool, selection.roles, selection.strategy
    name, dataset, chosen = selection.strategy_name, selection.file.dataset, selection.chosen
    taken = np.zeros(len(pool), dtype=bool)
    taken[chosen] = True
    together = _with_near_miss(selection)
    covers, at_random = isinstance(strategy, Cover), isinstance(strategy, Stratified)
    excluded = ~eligible_rows(strategy, pool)
    synthetic = np.zeros(len(pool), dtype=bool)
    if pool.real is not None and isinstance(strategy, Cover) and strategy.real_share > 0:
        synthetic = ~pool.real
    # The nearest near miss of each chosen row among the chosen ones.
    partner, distance = np.full(len(pool), -1), np.full(len(pool), np.nan)
    nearest, apart = nearest_in_group(pool.embedding[chosen], pool.labels[chosen], pool.groups[chosen])
    found = nearest >= 0
    partner[chosen[found]], distance[chosen[found]] = chosen[nearest[found]], apart[found]
    names: list[str] = [pool.label_names[label] for label in pool.labels.tolist()]

    def why(row: int) -> str:
        if taken[row]:
            if together[row] and covers:
                other = int(partner[row])
                return (
                    f"with its near miss, {distance[row]:.2f} away: {dataset.where(other)} ({names[other]})"
                )
            if covers:
                return f"shows words that few chosen rows of {names[row]} show"
            doubt = "; its label is suspected" if pool.suspected[row] else ""
            how = f"drawn at random among the rows of {names[row]}" if at_random else f"chosen by {name}"
            return how + doubt
        if excluded[row]:
            return f"suspect: {roles.reason[row]}"
        if at_random:
            return f"not drawn among the rows of {names[row]}"
        if not covers:
            return f"not chosen by {name}"
        if pool.redundant[row]:
            return f"redundant: {roles.reason[row]}"
        if synthetic[row]:
            return "synthetic, and adds less than the rows chosen"
        if pool.paired[row]:
            return "its near-miss group adds less than the rows chosen"
        return "adds less than the rows chosen"

    return [why(row) for row in range(len(pool))]


def _with_near_miss(selection: Selection) -> Bool[np.ndarray, " rows"]:
    """Which rows were chosen together with a near miss of theirs."""
    rows = np.sort(selection.chosen)
    found = np.zeros(len(selection.survey.pool), dtype=bool)
    found[rows] = selection.survey.pool.take(rows).paired
    return found


def conclusion(selection: Selection) -> str:
    """What the trial showed, in one sentence or two."""
    trial, name = selection.trial, selection.strategy_name
    if trial is None:
        return f"Chosen by '{name}' as asked; no trial was made, so nothing says that it beats random rows."
    if trial.winner is None:
        return f"{_why_none(trial)}, so the choice is stratified random."
    gains = [
        f"{_points(gain)} on {TESTS[on]}" for on in trial.tests if (gain := trial.gain(name, on)) is not None
    ]
    p = trial.p_values[name][1]
    shown = "p < 1e-6" if p < 1e-6 else f"p = {p:.2g}"
    return (
        f"'{name}' was shown better than stratified random rows on the held-out part of this pool "
        f"({shown}, corrected for {len(trial.p_values)} tried). On the half of it that had no part in "
        f"choosing between strategies: {' and '.join(gains)} ({trial.budget} rows each, "
        f"{len(trial.seeds)} seeds).{_too_few(trial, name)}"
    )


def _too_few(trial: Trial, name: str) -> str:
    """What loss of the winner a test could not exclude, where that is more than the margin asked for."""
    said = [
        f" Too few {TESTS[on]} to exclude a loss of less than {100 * trial.margins[on]:.1f} points on them."
        for on in trial.tests
        if trial.margins[on] > trial.margin and trial.judged[f"{name}: more on {on}"].p_value > trial.level
    ]
    return "".join(said)


def _why_none(trial: Trial) -> str:
    """Why no strategy qualifies; of those that gained something, what they lack."""
    none = "No strategy was shown to beat stratified random rows on the held-out part of this pool"
    gained = {name: why_not(trial, name) for name in trial.p_values if trial.gained(name)}
    if not gained:
        return none
    name = min(gained, key=lambda each: trial.p_values[each][0])
    others = f", and {len(gained) - 1} more gained too" if len(gained) > 1 else ""
    return f"{none} without a loss elsewhere (of '{name}' {gained[name]}{others})"


def why_not(trial: Trial, name: str) -> str:
    """Why a strategy does not qualify, as a clause; empty where it does."""
    if trial.qualifies(name):
        return ""
    if math.isnan(trial.p_values[name][0]):
        return f"nothing is known: a verdict takes {_FEWEST_SEEDS} seeds and seeds that differ"
    if not trial.gained(name):
        return "no gain was shown"
    if not (lacking := trial.lacking(name)):
        return f"a gain was shown, but not after correction for {len(trial.p_values)} strategies"
    said = []
    for on in lacking:
        unseen = trial.unseen_loss(name, on)
        said.append(
            f"a loss on {TESTS[on]} was not excluded"
            if unseen is None
            else f"there were too few {TESTS[on]} to exclude a loss, as one of {100 * unseen:.1f} points "
            "could go unseen"
        )
    return f"a gain was shown, but {' and '.join(said)}"


def _points(gain: Estimate) -> str:
    """A difference in points, with its interval."""
    low, high = 100 * gain.interval.low, 100 * gain.interval.high
    return f"{100 * gain.mean:+.1f} points [{low:.1f}, {high:.1f}]".replace("-", "\u2212")


def selection_warnings(selection: Selection) -> Iterator[str]:
    """What the user should know before trusting the choice."""
    trial, pool = selection.trial, selection.survey.pool
    yield from selection.file.dataset.notes
    if note := selection.survey.note:
        yield note
    if trial is not None:
        if len(trial.seeds) < _FEWEST_SEEDS:
            yield (
                f"{len(trial.seeds)} seeds give no verdict, so no strategy could be shown better; run at "
                f"least {_FEWEST_SEEDS}"
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


def composition(selection: Selection) -> list[tuple[str, int, int]]:
    """What pool and choice are made of: kind of rows, how many there are, how many were chosen; all first."""
    pool = selection.survey.pool
    chosen = np.zeros(len(pool), dtype=bool)
    chosen[selection.chosen] = True
    together = _with_near_miss(selection)
    found = [
        ("all", len(pool), int(chosen.sum())),
        ("near misses, with their counterpart", int(pool.paired.sum()), int(together.sum())),
    ]
    roles = np.array([role.value for role in selection.roles.role])
    kinds = [(f"{role} rows", roles == role.value) for role in Role]
    if pool.real is not None:
        kinds.append(("true rows", pool.real))
    return found + [(what, int(rows.sum()), int((chosen & rows).sum())) for what, rows in kinds]


def labels(selection: Selection) -> list[tuple[str, int, int]]:
    """The most frequent labels: name, rows in the pool, rows chosen."""
    pool = selection.survey.pool
    there, taken = Counter(pool.labels.tolist()), Counter(pool.labels[selection.chosen].tolist())
    return [(pool.label_names[label], count, taken[label]) for label, count in there.most_common(_LABELS)]


def example_rows(selection: Selection, *, chosen: bool) -> list[int]:
    """The first rows chosen, or some of those that were not, in turn of each kind of reason."""
    if chosen:
        return [int(row) for row in selection.chosen[:EXAMPLES]]
    left: Int[np.ndarray, " left"] = np.setdiff1d(np.arange(len(selection.survey.pool)), selection.chosen)
    turn, seen = np.zeros(len(left), dtype=np.int64), Counter[str]()
    for place, row in enumerate(left.tolist()):
        kind = selection.reasons[row].split(":")[0].split(",")[0]
        turn[place] = seen[kind]
        seen[kind] += 1
    return [int(row) for row in left[np.lexsort((left, turn))][:EXAMPLES]]


def to_json(selection: Selection) -> dict[str, Json]:
    """The content of ``curation.json``, without NaN: what is undefined is None."""
    dataset, trial, pool = selection.file.dataset, selection.trial, selection.survey.pool
    work = selection.worklist

    def example(row: int) -> dict[str, Json]:
        where, label = dataset.where(row), pool.label_names[pool.labels[row]]
        return {"where": where, "text": pool.texts[row], "label": label}

    def examples(*, chosen: bool) -> list[Json]:
        rows = example_rows(selection, chosen=chosen)
        return [{**example(row), "reason": selection.reasons[row]} for row in rows]

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
        "conclusion": selection.conclusion,
        "fell_back": selection.fell_back,
        "trial": None if trial is None else _trial(trial),
        "composition": {
            "rows": [
                {"what": what, "pool": there, "chosen": taken}
                for what, there, taken in composition(selection)
            ],
            "groups": "found by nearness" if dataset.examples.groups is None else "given",
        },
        "labels": [
            {"label": name, "pool": there, "chosen": taken} for name, there, taken in labels(selection)
        ],
        "indices": selection.indices,
        "chosen_examples": examples(chosen=True),
        "rejected_examples": examples(chosen=False),
        "worklist": None
        if work is None
        else [
            {**example(row), "to": pool.label_names[work.proposed[place]], "reason": work.reasons[place]}
            for place, row in enumerate(work.rows.tolist()[:EXAMPLES])
        ],
        "warnings": list(selection.warnings),
    }


def _trial(trial: Trial) -> dict[str, Json]:
    study = trial.result.study
    sets = study.task.eval_sets
    return {
        "plan_hash": study.plan_hash,
        "learner": dict(study.learner.describe()),
        "seeds": list(trial.seeds),
        "budget": trial.budget,
        "pool": study.task.n_train,
        "held_out": len(sets[HELD_OUT]),
        "near_misses": len(sets[NEAR_MISS]) if trial.near_misses else 0,
        "margin": trial.margin,
        "margins": dict(trial.margins),
        "reference": REFERENCE,
        "winner": trial.winner,
        "strategies": [
            {
                "name": name,
                "held_out": _estimate(trial.estimate(name, HELD_OUT)),
                "near_miss": _estimate(trial.estimate(name, NEAR_MISS)) if trial.near_misses else None,
                **({"qualifies": None, "hypotheses": []} if name == REFERENCE else _decision(trial, name)),
            }
            for name in trial.strategies
        ],
    }


def _decision(trial: Trial, name: str) -> dict[str, Json]:
    """What a strategy was judged by, and its gain where nothing was chosen by it."""
    gains = {on: trial.gain(name, on) for on in trial.tests}
    p_value, p_adjusted = trial.p_values[name]
    return {
        "qualifies": trial.qualifies(name),
        "why_not": why_not(trial, name),
        "p_value": _number(p_value),
        "p_adjusted": _number(p_adjusted),
        "gain": {on: None if gain is None else _estimate(gain, low=-1.0) for on, gain in gains.items()},
        "hypotheses": [_verdict(*each) for each in trial.verdicts(name).items()],
    }


def _verdict(question: str, verdict: Verdict) -> dict[str, Json]:
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
        "look": verdict.look,
        "level": verdict.interval.level,
    }


def _estimate(estimate: Estimate, *, low: float = 0.0) -> dict[str, Json]:
    return {
        "mean": _number(estimate.mean),
        "ci": [_number(end) for end in shown_interval(estimate, low=low)],
        "per_seed": [_number(value) for value in estimate.per_seed],
        "n": estimate.n,
    }


def shown_interval(estimate: Estimate, *, low: float = 0.0) -> tuple[float, float]:
    """The interval of an accuracy, cut to where accuracies lie; that of a difference, with ``low`` of -1."""
    return max(low, estimate.interval.low), min(1.0, estimate.interval.high)


def _number(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None
