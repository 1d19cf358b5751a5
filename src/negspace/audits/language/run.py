"""The audit of minimal pairs: from sentences to a verdict on a language model's boundary."""

from __future__ import annotations

from collections.abc import Sequence

from joblib import cpu_count

from negspace.audits.language.learner import SETTINGS, PairLearner, WholeCorpus, open_pair_learner
from negspace.audits.language.metrics import CompetitorProbability, Margin, Pressure
from negspace.audits.language.result import MinimalPairsAudit
from negspace.audits.language.summary import PairFindings
from negspace.audits.run import ARM, GAP, check_settings
from negspace.data.minimal_pairs import read_minimal_pairs
from negspace.evaluation import EASY, NEAR_MISS, PAIRS
from negspace.evaluation.minimal_pairs import (
    EASY_PER_TOKEN,
    NEAR_MISS_PER_TOKEN,
    PairTask,
    build_pair_task,
    of_paradigm,
)
from negspace.language_models import TinySettings
from negspace.metrics import Accuracy, Gap, Metric, PairConsistency
from negspace.store import RunStore, default_store_path
from negspace.study import Hypothesis, Progress, Study

__all__ = ["audit_minimal_pairs"]


def audit_minimal_pairs(
    pairs: object,
    *,
    learner: str | PairLearner,
    good: str | None = None,
    bad: str | None = None,
    paradigm: str | None = None,
    seeds: int = 20,
    seed: int = 0,
    margin: float = 0.05,
    settings: TinySettings = SETTINGS,
    workers: int | None = None,
    store: RunStore | None = None,
    progress: Progress | None = None,
) -> MinimalPairsAudit:
    """Measure whether a language model knows where acceptable sentences end.

    A pair is right where the model finds the good sentence more probable than the bad one (Warstadt et al.
    2020, BLiMP). The same is asked of the good sentence and its own words shuffled, which is easy; the gap
    between the two shares is judged as in the audit of a training set.

    Args:
        pairs: A path (JSONL, CSV, TSV, Parquet, a Hugging Face dataset folder, a folder of such files) or a
            pandas or polars frame, an Arrow table, a ``datasets.Dataset``, a list of dicts.
        learner: ``"tiny:CORPUS"`` (small GPTs, one trained for each seed) or ``"hf:PATH"`` (a causal language
            model, which is one run).
        good: Column of the sentences to be preferred; recognised by its name where None.
        bad: Column of the others; recognised by its name where None.
        paradigm: Column of what a pair tests; recognised by its name, else the file's name, where None.
        seeds: How many models are trained. A verdict needs at least 10.
        seed: First of the seeds; also decides the shuffled words.
        margin: Smallest near-miss gap that matters, in accuracy.
        settings: Size and training of models trained here.
        workers: Models trained at once; the number of cores where None. No result depends on it.
        store: Where finished runs are kept, so that a second call resumes; the user's own where None.
        progress: Told what is being done.

    Returns:
        The result: ``verdict``, ``to_dict()``, ``save(folder)``; it shows itself in a notebook.

    Raises:
        DataError: If the pairs, the corpus or the model cannot be used; says where and what to do.
        PlanError: If the settings cannot give an answer.
        MissingExtraError: If PyTorch or transformers is not installed.

    Examples:
        >>> from negspace.audits import audit_minimal_pairs
        >>> result = audit_minimal_pairs("blimp/", learner="hf:path/to/gpt2")  # doctest: +SKIP
        >>> result.to_dict()["paradigms"][0]["near_miss"]["mean"]  # doctest: +SKIP
        0.91
    """
    check_settings(seeds=seeds, seed=seed, margin=margin)
    report = progress or (lambda _stage, _done, _total: None)
    report("reading", 0, 1)
    read = read_minimal_pairs(pairs, good=good, bad=bad, paradigm=paradigm)
    report("opening the model", 0, 1)
    opened = open_pair_learner(learner, settings=settings) if isinstance(learner, str) else learner
    report("encoding", 0, 1)
    task = build_pair_task(read, opened.encode, context=opened.context, seed=seed)
    numbers = range(1) if opened.is_fixed else range(seed, seed + seeds)
    study = Study(
        task,
        [WholeCorpus(ARM)],
        opened,
        numbers,
        _metrics(task),
        [Hypothesis(GAP, Gap(Accuracy(EASY), Accuracy(NEAR_MISS)), ARM, margin=margin)],
    )
    if store is None:
        with RunStore(default_store_path()) as own:
            result = study.run(store=own, workers=workers or cpu_count(), progress=report)
    else:
        result = study.run(store=store, workers=workers or cpu_count(), progress=report)
    return MinimalPairsAudit(PairFindings(result, opened))


def _metrics(task: PairTask) -> Sequence[Metric]:
    metrics: list[Metric] = [
        Accuracy(EASY),
        Accuracy(NEAR_MISS),
        Accuracy(EASY_PER_TOKEN),
        Accuracy(NEAR_MISS_PER_TOKEN),
        PairConsistency(PAIRS),
    ]
    for paradigm in task.pairs.paradigms:
        on = of_paradigm(NEAR_MISS, paradigm)
        metrics += [Accuracy(of_paradigm(name, paradigm)) for name in (EASY, NEAR_MISS, NEAR_MISS_PER_TOKEN)]
        metrics += [Margin(on), Pressure(on), CompetitorProbability(on)]
    return metrics
