"""The audit of minimal pairs: from sentences to a verdict on a language model's boundary."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property

import numpy as np

from negspace.audits.findings import Audit, Step
from negspace.audits.language import (
    SETTINGS,
    CompetitorProbability,
    Margin,
    PairLearner,
    Pressure,
    WholeCorpus,
    open_pair_learner,
)
from negspace.audits.minimal_pairs_findings import MinimalPairsFindings, PairParts, pair_findings
from negspace.audits.minimal_pairs_report import minimal_pairs_report
from negspace.audits.text_audit import ARM, GAP, check_settings
from negspace.audits.text_method import VERDICT_METHOD
from negspace.data.minimal_pairs import read_minimal_pairs
from negspace.evaluation import (
    EASY,
    EASY_PER_TOKEN,
    NEAR_MISS,
    NEAR_MISS_PER_TOKEN,
    PAIRS,
    PairTask,
    build_pair_task,
    of_paradigm,
)
from negspace.execution import cpu_count
from negspace.language_models import TinySettings
from negspace.metrics import Accuracy, Gap, Metric, PairConsistency
from negspace.reports.blocks import Report
from negspace.store import RunStore, default_store_path
from negspace.study import Hypothesis, Progress, Study


class MinimalPairsAudit(Audit[PairParts]):
    """What an audit of minimal pairs found."""

    @cached_property
    def findings(self) -> MinimalPairsFindings:
        """The content of ``audit.json``, typed."""
        return pair_findings(self.parts, tuple(_method(fixed=self.parts.learner.is_fixed)))

    def report(self) -> Report:
        """What the page and the terminal show."""
        return minimal_pairs_report(self.findings).with_registered("audit", self)

    def rows(self) -> list[dict[str, object]]:
        """One record per pair: the content of ``rows.parquet``. Numbers are means over seeds."""
        task, scores = self.parts.task, self.parts.scores
        pairs, count = task.pairs, len(task.pairs)
        twin = np.full(count, -1)
        twin[task.twin_of] = np.arange(len(task.twin_of))
        sentences = np.mean([each.sentences for each in scores], axis=0)
        good, bad = (
            np.mean([np.exp(token) for token in tokens], axis=0)
            for tokens in ([s.good_token for s in scores], [s.bad_token for s in scores])
        )
        rank = np.median([each.rank for each in scores], axis=0)
        return [
            {
                "index": row,
                "file": pairs.files[row],
                "line": int(pairs.lines[row]),
                "paradigm": pairs.paradigms[pairs.paradigm[row]],
                "good": pairs.good[row],
                "bad": pairs.bad[row],
                "shuffled": None if twin[row] < 0 else task.shuffled[twin[row]],
                "preferred": float(self.parts.preferred[row]),
                "margin": float(sentences[row] - sentences[count + row]),
                "easy_margin": None
                if twin[row] < 0
                else float(sentences[row] - sentences[2 * count + twin[row]]),
                "good_tokens": int(task.scored[row]),
                "bad_tokens": int(task.scored[count + row]),
                "parting": int(task.parting[row]) or None,
                "pressure": None if np.isnan(good[row]) else float(1 - good[row]),
                "bad_token": None if np.isnan(bad[row]) else float(bad[row]),
                "rank": None if np.isnan(rank[row]) else float(rank[row]),
            }
            for row in range(count)
        ]


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
        good: Column of the sentences to be preferred; recognised by its name if None.
        bad: Column of the others; recognised by its name if None.
        paradigm: Column of what a pair tests; recognised by its name, else the file's name, if None.
        seeds: How many models are trained. A verdict needs at least 10.
        seed: First of the seeds; also decides the shuffled words.
        margin: Smallest near-miss gap that matters, in accuracy.
        settings: Size and training of models trained here.
        workers: Models trained at once; the number of cores if None. No result depends on it.
        store: Where finished runs are kept, so that a second call resumes; the user's own if None.
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
    return MinimalPairsAudit(PairParts(result, opened))


def _metrics(task: PairTask) -> list[Metric]:
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


def _method(*, fixed: bool) -> Iterator[Step]:
    """How the audit was computed, step by step."""
    yield Step(
        "score",
        "ln P of a sentence: the sum over its tokens of ln P(token | those before it), the first given "
        "the model's token for the begin of a text; per token: that sum divided by the number of tokens",
    )
    yield Step(
        "near misses",
        "the good sentence against the bad one; right where it is the more probable; a tie is wrong",
    )
    yield Step(
        "easy", "the good sentence against its own words in a random order that is neither it nor the bad one"
    )
    yield Step("margin", "ln P(good) - ln P(bad), in nats")
    yield Step(
        "pressure",
        "1 - P(good token) at the first token in which the two sentences differ; beside it P(bad token), "
        "and the rank of the good token among all",
    )
    yield Step(
        "fits",
        "none: the model was trained elsewhere, and is one run"
        if fixed
        else "one small GPT a seed, trained on the whole corpus; the seed decides initialisation and "
        "order; the tokenizer is trained once",
    )
    yield Step(
        "intervals",
        "95 %, Student's t over pairs alone (a pair and its shuffled twin counted as one)"
        if fixed
        else "95 %, Student's t over seeds and pairs (a pair and its shuffled twin counted as one)",
    )
    yield Step("verdict", "none for one model: at least 10 seeds" if fixed else VERDICT_METHOD)
