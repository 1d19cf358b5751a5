"""The audit of labelled texts: from a data set to a verdict on its boundary; which sources it is for."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from functools import cached_property

import numpy as np

from negspace.audits.findings import Audit, AuditFindings, finite
from negspace.audits.report import audit_report
from negspace.audits.text_findings import AuditParts, text_findings
from negspace.audits.text_method import text_method
from negspace.data import grouped_folds
from negspace.data.minimal_pairs import looks_like_minimal_pairs
from negspace.errors import DataError, PlanError
from negspace.evaluation import (
    EASY,
    NEAR_MISS,
    PAIRS,
    EvaluationPlan,
    Source,
    embed_rows,
    find_boundary,
    plan_evaluation,
    read_files,
    sort_rows,
    source_of,
    suspected_rows,
)
from negspace.execution import cpu_count
from negspace.metrics import (
    METRICS,
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
)
from negspace.perturbations import VARIATIONS, Verifier, as_variation, open_verifier
from negspace.reports.blocks import Report
from negspace.statistics import MIN_SEEDS
from negspace.store import RunStore, default_store_path
from negspace.study import N_SEEDS, Hypothesis, Progress, Study, StudyResult

ARM = "as given"
_TENTHS = 10
GAP = "near-miss gap"


class AuditResult(Audit[AuditParts]):
    """What an audit of labelled texts found."""

    @cached_property
    def findings(self) -> AuditFindings:
        """The content of ``audit.json``, typed."""
        return text_findings(self.parts, tuple(text_method(self.parts)))

    def report(self) -> Report:
        """What the page and the terminal show."""
        return audit_report(self.findings).with_registered("audit", self)

    def rows(self) -> list[dict[str, object]]:
        """One record per row of the training file: the content of ``rows.parquet``.

        ``index`` and ``neighbour`` count rows from 0; ``line`` is the line of the file.
        """
        roles, embedded = self.parts.roles, self.parts.embedded
        examples = self.parts.files.train.examples
        trained = np.zeros(len(embedded.texts), dtype=bool)
        trained[embedded.train] = True
        return [
            {
                "index": row,
                "line": int(examples.lines[row]) if examples.lines is not None else row + 1,
                "role": role.value,
                "reason": roles.reason[row],
                "neighbour": neighbour if (neighbour := int(roles.neighbour[row])) >= 0 else None,
                "distance": finite(roles.distance[row]),
                "label_quality": float(roles.label_quality[row]),
                "cluster": int(embedded.clusters[row]),
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
    metrics: Sequence[str] = (),
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
        test: Ordinary test rows, in any of these forms; a fifth of ``train`` is held out if None.
        near_miss: A contrast set: test rows changed a little, to another label. Where None, near misses
            are the rows of a group with different labels, else the nearest rows of another label.
        text: Column of texts; recognised by its name if None.
        label: Column of labels; recognised by its name if None.
        group: Column that joins near misses of each other; its groups are never divided.
        learner: ``"tfidf"``, ``"lstm"``, ``"st:PATH"`` or ``"hf:PATH"`` (logistic regression on the frozen
            embeddings of a model), ``"scores:FILE"`` (predictions of any model for the held-out rows), or a
            learner of your own.
        verifier: Proves what a text's label is (``"arithmetic"``, ``"json"``, …, or one of your own); edits
            that it proves to keep the label are then one more variation.
        metrics: Names of further metrics (`negspace.metrics.METRICS`), measured on easy rows and near misses.
        seeds: How often the learner is fitted. A verdict needs at least 10.
        seed: First of the seeds; also decides the split and the folds.
        margin: Smallest near-miss gap that matters, in accuracy.
        workers: Fits at once; the number of cores if None. No result depends on it.
        store: Where finished fits are kept, so that a second run resumes; the user's own if None.
        progress: Told what is being done.

    Returns:
        The result: ``verdict``, ``to_dict()``, ``save(folder)``; it shows itself in a notebook.

    Raises:
        DataError: If the data cannot be used; says where, what was got and what to do.
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
    variations = VARIATIONS
    if verifier is not None:
        proven = open_verifier(verifier) if isinstance(verifier, str) else verifier
        variations = (*VARIATIONS, as_variation(proven))
    further = tuple(METRICS[name](on) for name in metrics for on in (EASY, NEAR_MISS))
    report = progress or (lambda _stage, _done, _total: None)
    workers = workers or cpu_count()
    report("reading", 0, 1)
    files = read_files(train, test, near_miss, text=text, label=label, group=group)
    report("comparing rows", 0, 1)
    embedded = embed_rows(files, seed=seed)
    audited, examples = len(files.train), files.train.examples
    report("checking labels", 0, 1)
    source = source_of(embedded, grouped=(files.test or files.train).examples.groups is not None)
    rows = np.arange(audited)
    if source is Source.MINED and files.test is not None:  # near misses are mined from the test rows too
        rows = np.concatenate([rows, embedded.test])
    probabilities, suspected = suspected_rows(
        embedded, rows, len(examples.label_names), seed=seed, workers=workers
    )
    boundary = find_boundary(embedded, source, suspected)
    plan = plan_evaluation(
        embedded,
        boundary,
        examples.label_names,
        variations=variations if fixed_runs(opened) is None else (),
        seed=seed,
    )
    if isinstance(opened, ScoresFile):
        columns = files.train.columns
        taken = [c for c in (columns.text, columns.label, columns.group) if c is not None]
        opened = opened.for_task(plan.task, ignore=taken)
    n_runs = fixed_runs(opened)
    study: Study[TextTask, TextArm] = Study(
        plan.task,
        [RowsArm(ARM, np.arange(plan.task.n_train))],
        opened,
        range(seed, seed + seeds) if n_runs is None else range(n_runs),
        [*_metrics(plan, opened), *further],
        [Hypothesis(GAP, Gap(Accuracy(EASY), Accuracy(NEAR_MISS)), ARM, margin=margin)],
    )
    with ExitStack() as exits:
        if store is None:
            store = exits.enter_context(RunStore(default_store_path()))
        result = study.run(store=store, workers=workers, progress=report)
        tenths = _without_each_tenth(study, result, seed)
        left_out = (
            None
            if tenths is None
            else tenths.run(store=store, workers=workers, progress=report, counted=False)
        )
    roles = sort_rows(
        examples,
        embedded.neighbours,
        embedded.in_group,
        probabilities[:audited],
        suspected[:audited],
        unit=files.train.unit,
    )
    return AuditResult(AuditParts(files, embedded, boundary, plan, result, roles, further, left_out))


def _without_each_tenth(
    study: Study[TextTask, TextArm], result: StudyResult[TextTask, TextArm], seed: int
) -> Study[TextTask, TextArm] | None:
    """Fits that each leave out another tenth of the training rows; None where they could show nothing.

    They are not worth their time without a verdict, or without a gap.
    """
    task, gap = study.task, study.hypotheses[0].metric
    clusters = task.clusters[: task.n_train]
    if fixed_runs(study.learner) is not None or len(study.seeds) < MIN_SEEDS:
        return None
    if len(np.unique(clusters)) < _TENTHS or math.isnan(result.estimate(ARM, gap).mean):
        return None
    tenth = grouped_folds(task.labels[: task.n_train], clusters, _TENTHS, seed)
    arms: list[TextArm] = [
        RowsArm(f"without tenth {g + 1}", np.flatnonzero(tenth != g), keep=1.0) for g in range(_TENTHS)
    ]
    asked = replace(study.hypotheses[0], arm=arms[0].name)
    return Study(task, arms, study.learner, [seed], [], [asked])


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


def _metrics(plan: EvaluationPlan, learner: TextLearner) -> Sequence[Metric]:
    metrics: list[Metric] = [Accuracy(EASY), Accuracy(NEAR_MISS), PairConsistency(PAIRS)]
    if "confidence" in learner.gives:
        metrics += [CalibrationError(NEAR_MISS), BrierScore(NEAR_MISS), Confidence(NEAR_MISS)]
    metrics += [MacroF1(EASY), MacroF1(NEAR_MISS)]
    metrics += [Accuracy(each.on) for each in plan.bins]
    metrics += [Invariance(on) for _, on, _ in plan.variations if on is not None]
    return metrics


def is_minimal_pairs(
    source: object,
    learner: object,
    *,
    for_texts: Mapping[str, object] | None = None,
    for_pairs: Mapping[str, object] | None = None,
) -> bool:
    """Tell whether a source is to be audited as minimal pairs.

    An option decides it if one is given that only one kind has; else the columns do.

    Args:
        source: What is audited.
        learner: What it is audited with.
        for_texts: Options that only labelled texts have, by name; None where one is not given.
        for_pairs: Options that only minimal pairs have.

    Raises:
        PlanError: If options of both kinds are given, or the learner is for the other kind.
    """
    texts, pairs = (_given(options) for options in (for_texts, for_pairs))
    if texts and pairs:
        raise PlanError(
            f"--{texts[0]} is for labelled texts, and --{pairs[0]} for minimal pairs",
            hint="leave one of them out",
        )
    named = {"text", "label"} & set(texts)
    if pairs or (not named and looks_like_minimal_pairs(source)):
        if texts:
            raise PlanError(
                f"--{texts[0]} is for labelled texts, and there are the columns of minimal pairs",
                hint=f"leave --{texts[0]} out; or, where they are labelled texts, name --text and --label",
            )
        return True
    if isinstance(learner, str) and learner.partition(":")[0] == "tiny":
        raise PlanError(
            f"the learner '{learner}' is a language model for minimal pairs, and there are no columns "
            "sentence_good and sentence_bad",
            hint="name them with --good and --bad; or, for labelled texts, give another learner (tfidf, "
            "lstm, st:PATH, hf:PATH, scores:FILE)",
        )
    return False


def _given(options: Mapping[str, object] | None) -> list[str]:
    """Names of the options that are given, as the command line has them."""
    return [name.replace("_", "-") for name, value in (options or {}).items() if value not in (None, ())]
