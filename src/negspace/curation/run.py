"""Curation: from a pool to the rows that teach its boundary."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext

import numpy as np
from jaxtyping import Int
from joblib import cpu_count

from negspace.curation.building import survey
from negspace.curation.inputs import read_pool
from negspace.curation.pool import Pool, Strategy
from negspace.curation.quotas import Balance, Room
from negspace.curation.result import Selection
from negspace.curation.strategies import open_strategy
from negspace.curation.trial import REFERENCE, candidates, run_trial
from negspace.curation.worklist import choose_worklist
from negspace.errors import PlanError
from negspace.models import TextLearner, open_learner
from negspace.store import RunStore, default_store_path
from negspace.study import N_SEEDS, Progress

__all__ = ["curate"]

_CHOICE, _WORKLIST = 3, 4  # which of the seed's streams; 1 and 2 are those of the trial's arms


def curate(
    pool: object,
    budget: int,
    *,
    text: str | None = None,
    label: str | None = None,
    group: str | None = None,
    source: str | None = None,
    real: str | None = None,
    real_share: float = 0.0,
    balance: Balance = "pool",
    strategy: str | None = None,
    also_try: Sequence[str] = (),
    worklist: int = 0,
    learner: str | TextLearner = "tfidf",
    seeds: int = 12,
    seed: int = 0,
    margin: float = 0.01,
    workers: int | None = None,
    store: RunStore | None = None,
    progress: Progress | None = None,
) -> Selection:
    """Choose the rows of a pool that teach its boundary, after trying on held-out rows that they do.

    Args:
        pool: A path (JSONL, CSV, TSV, Parquet, a Hugging Face dataset folder) or a pandas or polars frame, an
            Arrow table, a ``datasets.Dataset``.
        budget: Rows to choose.
        text: Column of texts; recognised by its name where None.
        label: Column of labels; recognised by its name where None.
        group: Column that joins near misses of each other; found by nearness where None.
        source: Column that says where a row comes from, for ``real``.
        real: Its value for true rows; all others are synthetic.
        real_share: Least share of true rows among those chosen.
        balance: Labels in the shares of the pool, or evenly.
        strategy: Use this one without a trial.
        also_try: Further strategies, by name, for the trial.
        worklist: Rows to propose for rewriting to another label.
        learner: For the trial: ``"tfidf"``, ``"lstm"``, ``"st:PATH"``, ``"hf:PATH"``, or one of your own.
        seeds: Times each strategy is tried. A verdict needs at least 10.
        seed: First of the seeds; also decides the split and the choice.
        margin: Accuracy that a strategy may lose on one test if it gains on the other.
        workers: Fits at once; the number of cores where None. No result depends on it.
        store: Where finished fits are kept, so that a second run resumes; the user's own where None.
        progress: Told what is being done.

    Returns:
        The selection: ``indices``, ``to_dict()``, ``save(folder)``.

    Raises:
        DataError: If the data cannot be used; says where, what came and what to do.
        PlanError: If the settings cannot give an answer.
        MissingExtraError: If the learner needs a package that is not installed.

    Examples:
        >>> import negspace
        >>> chosen = negspace.curate("pool.csv", 200)  # doctest: +SKIP
        >>> datasets.Dataset.from_csv("pool.csv").select(chosen.indices)  # doctest: +SKIP
    """
    _check_settings(budget, seeds, seed, margin, worklist)
    fits = open_learner(learner) if isinstance(learner, str) else learner
    for name in also_try:
        open_strategy(name, balance=balance, real_share=real_share)
    given = None if strategy is None else open_strategy(strategy, balance=balance, real_share=real_share)
    report = progress or (lambda _stage, _done, _total: None)
    workers = workers or cpu_count()
    report("reading", 0, 1)
    file = read_pool(pool, text=text, label=label, group=group, source_column=source, real=real)
    report("comparing rows", 0, 1)
    examples = file.dataset.examples
    surveyed = survey(
        examples.texts,
        examples.labels,
        examples.label_names,
        groups=examples.groups,
        real=file.real,
        seed=seed,
        workers=workers,
    )
    found = candidates(surveyed.pool, budget, balance=balance, real_share=real_share, others=also_try)
    proposed = None
    if worklist:
        proposed = choose_worklist(surveyed.pool, worklist, np.random.default_rng([seed, _WORKLIST]))
    trial = None
    if given is None:
        # Of a budget that cannot be met, told before the trial.
        Room(
            surveyed.pool,
            budget,
            ~surveyed.pool.suspected,
            balance=balance,
            real_share=real_share,
            rng=np.random.default_rng(seed),
        )
        with _opened(store) as kept:
            trial = run_trial(
                surveyed.pool,
                budget,
                found,
                fits,
                seeds=seeds,
                seed=seed,
                margin=margin,
                real_share=real_share,
                workers=workers,
                store=kept,
                progress=report,
            )
    name = strategy or (trial and trial.winner) or REFERENCE
    chosen = _choose(surveyed.pool, budget, given or found[name], seed)
    return Selection(file, surveyed, chosen, name, given or found[name], trial, proposed, seed)


def _choose(pool: Pool, budget: int, strategy: Strategy, seed: int) -> Int[np.ndarray, " chosen"]:
    return strategy(pool, budget, np.random.default_rng([seed, _CHOICE]))


def _opened(store: RunStore | None) -> AbstractContextManager[RunStore]:
    return RunStore(default_store_path()) if store is None else nullcontext(store)


def _check_settings(budget: int, seeds: int, seed: int, margin: float, worklist: int) -> None:
    if budget < 1:
        raise PlanError("a budget is a number of rows", got=budget, hint="give --budget 200, say")
    if worklist < 0:
        raise PlanError("a worklist has a number of rows", got=worklist, hint="give --worklist 100, say")
    if seeds < 1:
        raise PlanError("a trial needs at least one seed", got=seeds, hint="give --seeds 10")
    if seed < 0 or seed + seeds > N_SEEDS:
        raise PlanError(f"seeds are whole numbers from 0 to {N_SEEDS - 1}", got=f"{seeds} seeds from {seed}")
    if not 0 < margin < 1:
        raise PlanError(
            "the margin is a difference of accuracies, above 0 and below 1",
            got=margin,
            hint="give --margin 0.01",
        )
