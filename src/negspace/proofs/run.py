"""The proof: equal rows, paired seeds, and a verdict on each pair of arms."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

import numpy as np
from jaxtyping import Bool
from joblib import cpu_count

from negspace.errors import DataError, PlanError
from negspace.evaluation import (
    EASY,
    NEAR_MISS,
    Layout,
    Source,
    Space,
    build_task,
    find_boundary,
    lay_out,
    source_of,
    suspects,
)
from negspace.models import ScoresLearner, TextLearner, out_of_fold
from negspace.models.opening import open_learner
from negspace.models.spaces import search_space
from negspace.proofs.exchange import measure_worth
from negspace.proofs.inputs import Files, read_files
from negspace.proofs.plan import (
    build_arms,
    build_ladder,
    build_study,
    check_settings,
    choose_budget,
    comparisons,
)
from negspace.proofs.result import Proof
from negspace.proofs.specs import parse_arms
from negspace.proofs.summary import Findings
from negspace.proofs.trials import check_installed
from negspace.proofs.tuning import Tuning, tune_arms
from negspace.store import RunStore, default_store_path
from negspace.study import Progress

__all__ = ["prove"]


def prove(
    arms: Mapping[str, object] | Sequence[object],
    *,
    test: object,
    near_miss: object | None = None,
    reference: object | None = None,
    budget: int | None = None,
    text: str | None = None,
    label: str | None = None,
    group: str | None = None,
    learner: str | TextLearner = "tfidf",
    seeds: int = 20,
    seed: int = 0,
    margin: float = 0.0,
    easy_margin: float = 0.02,
    tune: int = 0,
    tune_storage: str | Path | None = None,
    workers: int | None = None,
    store: RunStore | None = None,
    progress: Progress | None = None,
) -> Proof:
    """Compare training sets of equal size: which teaches near misses better, and at what cost elsewhere.

    Args:
        arms: Two or more, the first compared with each other: ``"[NAME=]FILE"``, ``"[NAME=]STRATEGY@POOL"``
            (rows that a strategy of `negspace.curation.STRATEGIES` draws from a pool anew at each seed), a
            path, data in memory, or `FromPool`. A mapping gives them names.
        test: Ordinary test rows: a path or data in memory.
        near_miss: A contrast set: test rows changed a little, to another label. Where None, near misses are
            the test rows of a group with different labels, else the nearest test rows of another label.
        reference: The pool whose random rows arms are exchanged for; where None, the pool of the first
            strategy, else the last arm's file.
        budget: Rows every arm trains on; where None, those of the smallest file.
        text: Column of texts; recognised by its name where None.
        label: Column of labels; recognised by its name where None.
        group: Column that joins near misses of each other, in the files that have it.
        learner: ``"tfidf"``, ``"lstm"``, ``"st:PATH"``, ``"hf:PATH"``, or a learner of your own.
        seeds: How often each arm is drawn and fitted. A verdict needs at least 10.
        seed: First of the seeds; also decides the halves of ``tune``, and the folds that check labels.
        margin: Smallest gain on near misses that matters, in accuracy.
        easy_margin: Loss on easy rows that does not matter yet, in accuracy.
        tune: Trials of hyper-parameter search for every arm at every seed; 0 for none.
        tune_storage: Optuna's journal; ``tuning.journal`` beside the run store where None.
        workers: Fits at once; the number of cores where None. No result depends on it.
        store: Where finished fits are kept, so that a second run resumes; the user's own where None.
        progress: Told what is being done.

    Returns:
        The proof: ``verdicts``, ``conclusions``, ``to_dict()``, ``save(folder)``.

    Raises:
        DataError: If the data cannot be used; says where, what came and what to do.
        PlanError: If the settings cannot give an answer.
        StoreError: If the run store or the file of trials cannot be used.
        MissingExtraError: If the learner or the search needs a package that is not installed.

    Examples:
        >>> import negspace
        >>> proof = negspace.prove(  # doctest: +SKIP
        ...     ["pairs.tsv", "random@pool.tsv"], test="test.tsv", near_miss="rewritten.tsv"
        ... )
        >>> proof.conclusions  # doctest: +SKIP
        {'random@pool.tsv': <Conclusion.SUPERIOR: 'superior'>}
    """
    check_settings(seeds=seeds, seed=seed, budget=budget, margin=margin, easy_margin=easy_margin, tune=tune)
    specs = parse_arms(arms)
    report = progress or (lambda _stage, _done, _total: None)
    fitted = _open(learner, report)
    if tune:
        check_installed()
        search_space(fitted)
    workers = workers or cpu_count()
    report("reading", 0, 1)
    files = read_files(specs, test, near_miss, reference, text=text, label=label, group=group)
    budget = choose_budget(specs, files, budget)
    report("comparing rows", 0, 1)
    layout, source, notes = _lay_out(files, seed=seed, workers=workers)
    report("preparing arms", 0, 1)
    built = build_arms(specs, files, layout, budget, seed=seed, workers=workers)
    ladder = build_ladder(built, files, budget)
    claims = comparisons(built, margin=margin, easy_margin=easy_margin)
    study = build_study(layout, built, ladder, fitted, claims, range(seed, seed + seeds))
    with ExitStack() as opened:
        if store is None:
            store = opened.enter_context(RunStore(default_store_path()))
        result = study.run(store=store, workers=workers, progress=report)
        tuned = None
        if tune:
            path = Path(tune_storage) if tune_storage else default_store_path().with_name("tuning.journal")
            search = Tuning(result, built, claims, tune, seed, path.expanduser())
            tuned = tune_arms(search, store=store, workers=workers, progress=report)
    report("reading curves", 0, 1)
    names = [each.spec.name for each in built]
    worth = {
        on: measure_worth(result, names, ladder, on, budget=budget, seed=seed) for on in (NEAR_MISS, EASY)
    }
    return Proof(Findings(files, source, built, budget, ladder, claims, result, worth, tuned, notes))


def _open(learner: str | TextLearner, progress: Progress) -> TextLearner:
    if isinstance(learner, ScoresLearner) or (isinstance(learner, str) and learner.startswith("scores")):
        raise PlanError(
            "a proof fits each arm at several sizes and seeds, which scores from elsewhere cannot answer",
            got="scores" if isinstance(learner, ScoresLearner) else learner,
            hint="give --learner tfidf, lstm, st:PATH or hf:PATH",
        )
    return open_learner(learner, progress=progress) if isinstance(learner, str) else learner


def _lay_out(files: Files, *, seed: int, workers: int) -> tuple[Layout, Source, tuple[str, ...]]:
    """Find the easy rows and the near misses among the test rows."""
    space = lay_out(files.joined(), seed=seed)
    source = source_of(space, grouped=files.test.examples.groups is not None)
    suspected = np.zeros(len(space.texts), dtype=bool)
    if source is Source.MINED:
        suspected = _suspected(space, files, seed=seed, workers=workers)
    boundary = find_boundary(space, source, suspected)
    if not len(boundary.near_miss):
        raise DataError(
            f"{files.test.examples.source}: no test row is a near miss of another",
            hint="give --near-miss: test rows changed a little, to another label",
        )
    if not len(boundary.easy):
        raise DataError(
            f"{files.test.examples.source}: every test row has a near miss, so that none is easy",
            hint="give ordinary rows with --test and the near misses with --near-miss",
        )
    notes = space.notes
    if len(boundary.suspects):
        notes = (*notes, f"{len(boundary.suspects)} near misses that look mislabelled are left out")
    return build_task(space, boundary, files.label_names, variations=(), seed=seed), source, notes


def _suspected(space: Space, files: Files, *, seed: int, workers: int) -> Bool[np.ndarray, " rows"]:
    """Which test labels are likely wrong, told by test rows and the reference pool alone.

    So that the test rows stay the same whatever arms are compared.
    """
    rows = np.concatenate([files.rows(files.reference), space.test])
    texts = tuple(space.texts[row] for row in rows.tolist())
    probabilities = out_of_fold(
        texts, space.labels[rows], space.clusters[rows], len(files.label_names), seed=seed, workers=workers
    )
    suspected = np.zeros(len(space.texts), dtype=bool)
    suspected[rows] = suspects(space.labels[rows], probabilities)
    return suspected
