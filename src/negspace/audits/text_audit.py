"""The audit of labelled texts: from a data set to a verdict on its boundary."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import numpy as np
from jaxtyping import Bool, Float

from negspace.audits.dispatch import is_minimal_pairs
from negspace.audits.findings import AuditFindings, finite
from negspace.audits.report import audit_report
from negspace.audits.result import Audit
from negspace.audits.text_findings import AuditParts, text_findings
from negspace.errors import DataError, PlanError
from negspace.evaluation import (
    EASY,
    NEAR_MISS,
    PAIRS,
    Inputs,
    Layout,
    Source,
    Space,
    build_task,
    find_boundary,
    lay_out,
    read_inputs,
    sort_rows,
    source_of,
    suspects,
)
from negspace.execution import cpu_count
from negspace.metrics import (
    Accuracy,
    BrierScore,
    CalibrationError,
    Confidence,
    Gap,
    Invariance,
    MacroF1,
    Metric,
    PairConsistency,
)
from negspace.models import (
    RowsArm,
    ScoresFile,
    TextArm,
    TextLearner,
    TextTask,
    fixed_runs,
    open_learner,
    out_of_fold,
)
from negspace.perturbations import VARIATIONS, Variation, Verifier, as_variation, open_verifier
from negspace.reports.blocks import Report
from negspace.store import RunStore, default_store_path
from negspace.study import N_SEEDS, Hypothesis, Progress, Study

__all__ = ["ARM", "GAP", "AuditResult", "audit", "check_settings"]

ARM = "as given"
GAP = "near-miss gap"


class AuditResult(Audit[AuditParts]):
    """What an audit of labelled texts found."""

    @cached_property
    def findings(self) -> AuditFindings:
        """The content of ``audit.json``, typed."""
        return text_findings(self.parts)

    def report(self) -> Report:
        """What the page and the terminal show."""
        return audit_report(self.findings)

    def rows(self) -> list[dict[str, object]]:
        """One record per row of the training file: the content of ``rows.parquet``.

        ``index`` and ``neighbour`` count rows from 0; ``line`` is the line of the file.
        """
        roles, space = self.parts.roles, self.parts.space
        examples = self.parts.inputs.train.examples
        trained = np.zeros(len(space.texts), dtype=bool)
        trained[space.train] = True
        return [
            {
                "index": row,
                "line": int(examples.lines[row]) if examples.lines is not None else row + 1,
                "role": role.value,
                "reason": roles.reason[row],
                "neighbour": neighbour if (neighbour := int(roles.neighbour[row])) >= 0 else None,
                "distance": finite(roles.distance[row]),
                "label_quality": float(roles.label_quality[row]),
                "cluster": int(space.clusters[row]),
                "split": "train" if trained[row] else "test",
            }
            for row, role in enumerate(roles.role)
        ]


def audit(
    train: object,
    *,
    test: object | None = None,
    near_miss: object | None = None,
    text: str | None = None,
    label: str | None = None,
    group: str | None = None,
    learner: str | TextLearner = "tfidf",
    verifier: str | Verifier | None = None,
    seeds: int = 20,
    seed: int = 0,
    margin: float = 0.05,
    workers: int | None = None,
    store: RunStore | None = None,
    progress: Progress | None = None,
) -> AuditResult:
    """Measure whether a model trained on a data set knows where the labels part.

    Args:
        train: The set to audit: a path (JSONL, CSV, TSV, Parquet, a Hugging Face dataset folder) or a
            pandas or polars frame, an Arrow table, a ``datasets.Dataset``.
        test: Ordinary test rows, in any of these forms; a fifth of ``train`` is held out where None.
        near_miss: A contrast set: test rows changed a little, to another label. Where None, near misses
            are the rows of a group with different labels, else the nearest rows of another label.
        text: Column of texts; recognised by its name where None.
        label: Column of labels; recognised by its name where None.
        group: Column that joins near misses of each other; its groups are never divided.
        learner: ``"tfidf"``, ``"lstm"``, ``"st:PATH"`` or ``"hf:PATH"`` (logistic regression on the frozen
            embeddings of a model), ``"scores:FILE"`` (predictions of any model for the held-out rows), or a
            learner of your own.
        verifier: Proves what a text's label is (``"arithmetic"``, ``"json"``, …, or one of your own); edits
            that it proves to keep the label are then one more variation.
        seeds: How often the learner is fitted. A verdict needs at least 10.
        seed: First of the seeds; also decides the split and the folds.
        margin: Smallest near-miss gap that matters, in accuracy.
        workers: Fits at once; the number of cores where None. No result depends on it.
        store: Where finished fits are kept, so that a second run resumes; the user's own where None.
        progress: Told what is being done.

    Returns:
        The result: ``verdict``, ``to_dict()``, ``save(folder)``; it shows itself in a notebook.

    Raises:
        DataError: If the data cannot be used; says where, what came and what to do.
        PlanError: If the settings cannot give an answer.
        MissingExtraError: If the learner needs a package that is not installed.

    Examples:
        >>> import negspace
        >>> result = negspace.audit("train.csv", test="test.csv", near_miss="rewritten.csv")  # doctest: +SKIP
        >>> result.verdict.outcome  # doctest: +SKIP
        <Outcome.SUPPORTED: 'supported'>
    """
    check_settings(seeds=seeds, seed=seed, margin=margin)
    if is_minimal_pairs(train, learner, for_texts={"text": text, "label": label}):
        raise PlanError(
            "these are minimal pairs (sentence_good, sentence_bad), which have no labels to learn",
            hint="put them to a language model: "
            "negspace.audits.audit_minimal_pairs(pairs, learner='hf:PATH')",
        )
    opened = _open(learner, has_test=test is not None)
    variations = VARIATIONS if verifier is None else (*VARIATIONS, _edits(verifier))
    report = progress or (lambda _stage, _done, _total: None)
    workers = workers or cpu_count()
    report("reading", 0, 1)
    inputs = read_inputs(train, test, near_miss, text=text, label=label, group=group)
    report("comparing rows", 0, 1)
    space = lay_out(inputs, seed=seed)
    label_names = inputs.train.examples.label_names
    report("checking labels", 0, 1)
    source = source_of(space, grouped=(inputs.test or inputs.train).examples.groups is not None)
    probabilities, suspected = _check_labels(space, inputs, source, seed=seed, workers=workers)
    boundary = find_boundary(space, source, suspected)
    layout = build_task(
        space, boundary, label_names, variations=variations if fixed_runs(opened) is None else (), seed=seed
    )
    if isinstance(opened, ScoresFile):
        columns = inputs.train.columns
        taken = [c for c in (columns.text, columns.label, columns.group) if c is not None]
        opened = opened.for_task(layout.task, ignore=taken)
    study = _study(layout, opened, seeds=seeds, seed=seed, margin=margin)
    if store is None:
        with RunStore(default_store_path()) as own:
            result = study.run(store=own, workers=workers, progress=report)
    else:
        result = study.run(store=store, workers=workers, progress=report)
    roles = sort_rows(
        inputs.train.examples,
        space.neighbours,
        space.in_group,
        probabilities,
        suspected[: len(inputs.train)],
        unit=inputs.train.unit,
    )
    return AuditResult(AuditParts(inputs, space, boundary, layout, result, roles))


def check_settings(*, seeds: int, seed: int = 0, margin: float = 0.0) -> None:
    """Refuse settings with which no audit can run.

    Args:
        seeds: How often the learner is fitted.
        seed: First of the seeds.
        margin: Smallest near-miss gap that matters.

    Raises:
        PlanError: If one is out of its range.
    """
    if seeds < 1:
        raise PlanError("an audit needs at least one seed", got=seeds, hint="give --seeds 20")
    if seed < 0 or seed + seeds > N_SEEDS:
        raise PlanError(
            f"seeds are whole numbers from 0 to {N_SEEDS - 1}",
            got=f"{seeds} seeds from {seed}",
            hint="give --seed 0",
        )
    if not 0 <= margin < 1:
        raise PlanError(
            "the margin is a difference of accuracies, from 0 to 1", got=margin, hint="give --margin 0.05"
        )


def _open(learner: str | TextLearner, *, has_test: bool) -> TextLearner:
    """Open a learner before any work is done for it."""
    if not isinstance(learner, str):
        return learner
    opened = open_learner(learner)
    if isinstance(opened, ScoresFile) and not has_test:
        raise DataError(
            "scores are for rows of a test file, and none is given",
            got=learner,
            hint="give --test (and --near-miss, if there is one): the rows that were scored",
        )
    return opened


def _edits(verifier: str | Verifier) -> Variation:
    return as_variation(open_verifier(verifier) if isinstance(verifier, str) else verifier)


def _check_labels(
    space: Space, inputs: Inputs, source: Source, *, seed: int, workers: int
) -> tuple[Float[np.ndarray, "audited labels"], Bool[np.ndarray, " rows"]]:
    """Out-of-fold probabilities of the training file, and which labels of all rows are suspected.

    Test rows of a file of their own join the folds only where near misses are mined from them.
    """
    audited = len(inputs.train)
    rows = np.arange(audited)
    if source is Source.MINED and inputs.test is not None:
        rows = np.concatenate([rows, space.test])
    n_labels = len(inputs.train.examples.label_names)
    texts = tuple(space.texts[row] for row in rows)
    probabilities = out_of_fold(
        texts, space.labels[rows], space.clusters[rows], n_labels, seed=seed, workers=workers
    )
    suspected = np.zeros(len(space.texts), dtype=bool)
    suspected[rows] = suspects(space.labels[rows], probabilities)
    return probabilities[:audited], suspected


def _study(
    layout: Layout, learner: TextLearner, *, seeds: int, seed: int, margin: float
) -> Study[TextTask, TextArm]:
    n_runs = fixed_runs(learner)
    numbers = range(seed, seed + seeds) if n_runs is None else range(n_runs)
    return Study(
        layout.task,
        [RowsArm(ARM, np.arange(layout.task.n_train))],
        learner,
        numbers,
        _metrics(layout),
        [Hypothesis(GAP, Gap(Accuracy(EASY), Accuracy(NEAR_MISS)), ARM, margin=margin)],
    )


def _metrics(layout: Layout) -> Sequence[Metric]:
    metrics: list[Metric] = [Accuracy(EASY), Accuracy(NEAR_MISS), PairConsistency(PAIRS)]
    for kind in (CalibrationError, BrierScore, Confidence):
        metrics.append(kind(NEAR_MISS))
    metrics += [MacroF1(EASY), MacroF1(NEAR_MISS)]
    metrics += [Accuracy(band.on) for band in layout.bands]
    metrics += [Invariance(on) for _, on, _ in layout.variations if on is not None]
    return metrics
