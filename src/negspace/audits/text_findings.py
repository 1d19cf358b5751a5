"""From the parts of an audit of labelled texts to its findings, the words in them included."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
from jaxtyping import Float

from negspace._version import __version__
from negspace.audits.findings import (
    SCHEMA,
    AuditedData,
    AuditFindings,
    Calibration,
    ContrastFile,
    CurveBin,
    Decision,
    Ends,
    Estimated,
    HeldOutRows,
    LeftOut,
    MacroF1Findings,
    NearMissAccuracy,
    RoleExample,
    Step,
    VariationFindings,
    WrongPair,
    finite,
)
from negspace.evaluation import (
    EASY,
    NEAR_MISS,
    PAIRS,
    Boundary,
    EmbeddedRows,
    EvaluationFiles,
    EvaluationPlan,
    Role,
    RowRoles,
    Source,
)
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
from negspace.models import TextArm, TextTask, fixed_runs
from negspace.records import Outcome
from negspace.search import NEAR_MISS_RADIUS
from negspace.statistics import another_training_set, item_variance_of
from negspace.study import StudyResult

_ALPHA = 0.05
_UNBALANCED = 1.5  # most common label against the rarest
_PAIRS_SHOWN = 12
_EXAMPLES_SHOWN = 5


@dataclass(frozen=True, eq=False)
class AuditParts:
    """All parts of an audit, as they were computed."""

    files: EvaluationFiles
    embedded: EmbeddedRows
    boundary: Boundary
    plan: EvaluationPlan
    result: StudyResult[TextTask, TextArm]
    roles: RowRoles
    further: tuple[Metric, ...] = ()
    tenths: StudyResult[TextTask, TextArm] | None = None

    def estimate(self, metric: Metric) -> Estimated | None:
        """A metric over all seeds; None if it is undefined, or the learner does not give what it reads."""
        if not set(metric.reads) <= set(self.result.study.learner.gives):
            return None
        found = self.result.estimate(self.result.study.arms[0].name, metric)
        if math.isnan(found.mean):
            return None
        # No interval goes beyond the metric's bounds, which Student's t does not know.
        low, high = metric.bounds
        ends = finite(max(found.interval.low, low)), finite(min(found.interval.high, high))
        per_seed = tuple(finite(value) for value in found.per_seed)
        return Estimated(found.mean, ends, per_seed, found.n, found.clusters)

    @cached_property
    def another_training_set(self) -> Ends | None:
        """What the gap might be for another training set of this size; None where it was not measured."""
        if self.tenths is None:
            return None
        gap, study = Gap(Accuracy(EASY), Accuracy(NEAR_MISS)), self.result.study
        seeds = self.result.measurements(study.arms[0].name, gap)
        left_out = [self.tenths.measurements(arm.name, gap)[0].value for arm in self.tenths.study.arms]
        variance, df = item_variance_of(seeds)
        found = another_training_set(
            np.array([each.value for each in seeds]),
            np.array(left_out),
            item_variance=variance,
            item_df=df,
        )
        low, high = gap.bounds
        ends = finite(max(found.low, low)), finite(min(found.high, high))
        return None if None in ends else ends

    @cached_property
    def share_right(self) -> Float[np.ndarray, " held_out"]:
        """For each held-out row, the share of seeds that predict its label."""
        truth = self.plan.task.held_out_labels
        runs = self.result.of_arm(self.result.study.arms[0].name)
        return np.asarray(np.mean([run.values["label"] == truth for run in runs], axis=0))


def text_findings(parts: AuditParts, method: tuple[Step, ...]) -> AuditFindings:
    """Say what an audit of labelled texts found; what is undefined is None."""
    study, source, files = parts.result.study, parts.boundary.source, parts.files
    easy, near = parts.estimate(Accuracy(EASY)), parts.estimate(Accuracy(NEAR_MISS))
    data = _data(parts)
    curve = tuple(_curve(parts))
    warnings = [*files.warnings, *parts.embedded.notes]
    if fixed_runs(study.learner) is not None:
        warnings.append(
            "scores were made elsewhere: invariance was not measured, and nothing here knows what that "
            "model was trained on"
        )
    warnings += [
        f"{name}: {measured.rough}"
        for name, measured in (("easy", easy), ("near misses", near))
        if measured is not None and measured.rough
    ]
    return AuditFindings(
        schema=SCHEMA,
        version=__version__,
        plan_hash=study.plan_hash,
        data=data,
        learner=dict(study.learner.describe()),
        seeds=tuple(study.seeds),
        easy=easy,
        near_miss=NearMissAccuracy.of(near, source.value),
        gap=parts.estimate(Gap(Accuracy(EASY), Accuracy(NEAR_MISS))),
        another_training_set=parts.another_training_set,
        pair_consistency=parts.estimate(PairConsistency(PAIRS)),
        macro_f1=MacroF1Findings(*(parts.estimate(MacroF1(name)) for name in (EASY, NEAR_MISS)))
        if data.unbalanced
        else MacroF1Findings(),
        calibration=Calibration(
            *(parts.estimate(metric(NEAR_MISS)) for metric in (CalibrationError, BrierScore, Confidence))
        ),
        invariance=tuple(
            VariationFindings(
                variation.name,
                variation.what,
                None if on is None else parts.estimate(Invariance(on)),
                why,
            )
            for variation, on, why in parts.plan.variations
        ),
        curve=curve,
        curve_reading=_curve_reading(curve, *_trend(parts)),
        verdict=_verdict(parts, has_easy=easy is not None, has_near=near is not None),
        roles=parts.roles.count(),
        role_examples={role.value: tuple(_role_examples(parts, role)) for role in Role},
        pairs=tuple(_wrong_pairs(parts)),
        left_out=_left_out(parts),
        metrics={metric.name: parts.estimate(metric) for metric in parts.further},
        warnings=tuple(warnings),
        method=method,
    )


def _data(parts: AuditParts) -> AuditedData:
    embedded, own, contrast = parts.embedded, parts.files.test, parts.files.near_miss
    examples, columns = parts.files.train.examples, parts.files.train.columns
    counts = np.bincount(examples.labels, minlength=len(examples.label_names))
    clusters = embedded.clusters[: len(examples)] if examples.groups is None else examples.groups
    sizes = np.unique(clusters, return_counts=True)[1]
    return AuditedData(
        path=examples.source,
        fingerprint=examples.fingerprint,
        rows=len(examples),
        labels={name: int(count) for name, count in zip(examples.label_names, counts, strict=True)},
        groups=int((sizes > 1).sum()),
        groups_source="found" if examples.groups is None else "given",
        columns={"text": columns.text, "label": columns.label, "group": columns.group},
        trained_on=len(embedded.train),
        test=HeldOutRows(
            None if own is None else own.examples.source,
            len(embedded.test),
            "held out" if own is None else "given",
        ),
        near_miss_file=None if contrast is None else ContrastFile(contrast.examples.source, len(contrast)),
        unbalanced=bool(counts.max() > _UNBALANCED * counts.min()),
    )


def _curve(parts: AuditParts) -> Iterator[CurveBin]:
    for each in parts.plan.bins:
        found = parts.estimate(Accuracy(each.on))
        if found is not None:
            yield CurveBin(each.low, each.high, found.n, found.mean, found.ci)


def _trend(parts: AuditParts) -> tuple[float, float]:
    """Rank correlation of distance and share of seeds right, over held-out rows, and its p-value."""
    from scipy.stats import spearmanr

    distance = parts.boundary.distance
    share = parts.share_right[: len(distance)]
    if len(np.unique(distance)) < 2 or len(np.unique(share)) < 2:
        return math.nan, math.nan
    found = spearmanr(distance, share)
    return float(found.statistic), float(found.pvalue)


def _curve_reading(curve: Sequence[CurveBin], trend: float, p_value: float) -> str:
    """Say whether accuracy falls towards the boundary, and where it does not.

    Args:
        curve: The bins, nearest first.
        trend: Spearman's rank correlation, over held-out rows, of distance and share of seeds right.
        p_value: Two-sided p of the trend; both are NaN where every row is as often right.

    Returns:
        One sentence. Named as an exception is a bin that lies above the next farther one by more than
        their two standard errors joined.
    """
    if len(curve) < 2:
        return "Too few held-out rows, or distances too much alike, to draw a curve."
    if math.isnan(trend):
        return f"Accuracy is {curve[0].mean:.3f} at every distance to the nearest row of another label."
    lead = ", ".join(f"{each.mean:.3f} at {_range(each)}" for each in (curve[0], curve[-1]))
    tested = f"rank correlation with distance {trend:+.2f}, p = {p_value:.2g}; {lead}"
    if not p_value <= _ALPHA:
        return f"Accuracy does not clearly change towards the nearest row of another label ({tested})."
    if trend < 0:
        return f"Accuracy rises as the nearest row of another label gets closer ({tested})."
    exceptions = [
        f"{near.mean:.3f} at {_range(near)} is above {far.mean:.3f} at {_range(far)}"
        for near, far in pairwise(curve)
        if near.mean - far.mean > math.hypot(_half_width(near), _half_width(far))
    ]
    but = f" Not everywhere: {'; '.join(exceptions)}." if exceptions else ""
    return f"Accuracy falls as the nearest row of another label gets closer ({tested}).{but}"


def _half_width(each: CurveBin) -> float:
    low, high = each.ci
    return math.inf if low is None or high is None else (high - low) / 2


def _range(each: CurveBin) -> str:
    alike = round(each.low, 2) == round(each.high, 2)
    return f"{each.low:.2f}" if alike else f"{each.low:.2f}-{each.high:.2f}"


def _verdict(parts: AuditParts, *, has_easy: bool, has_near: bool) -> Decision:
    verdict, source = parts.result.verdict, parts.boundary.source
    reason = verdict.reason
    if not has_easy:
        where = "in its group" if source is Source.GROUP else f"within {NEAR_MISS_RADIUS:g}"
        reason = f"every test row has a near miss {where}: there is nothing easy to compare with"
    elif not has_near:
        reason = "no test row has a near miss: accuracy there is unknown, however high it is elsewhere"
    return Decision.of(
        verdict,
        reason=reason,
        question=f"Is accuracy on near misses more than {100 * verdict.margin:g} points below accuracy on "
        "easy rows?",
        next=_next_step(verdict.outcome, source, has_easy=has_easy, has_near=has_near),
    )


def _next_step(outcome: Outcome, source: Source, *, has_easy: bool, has_near: bool) -> str:
    if not has_near:
        return (
            "Rewrite some test rows to another label, changing as few words as you can, and pass them with "
            "--near-miss."
        )
    if not has_easy:
        return "Pass ordinary rows with --test and the near misses with --near-miss."
    if outcome is Outcome.SUPPORTED:
        if source is Source.MINED:
            return (
                "The training set does not teach this boundary: add near misses (the report shows the worst "
                "pairs), and confirm with a contrast set written by hand (--near-miss)."
            )
        return (
            "The training set does not teach this boundary: replace a share of its rows by near misses, each "
            "together with its counterpart (the report shows the worst pairs), and audit again."
        )
    if outcome is Outcome.REFUTED:
        return (
            "The training set teaches this boundary; keep its boundary rows when you clean, trim or "
            "regenerate it."
        )
    return "Add near-miss test rows, or seeds, until the interval leaves the margin on one side."


def _role_examples(parts: AuditParts, role: Role) -> Iterator[RoleExample]:
    """The clearest rows of a role: lowest label quality for suspects, else nearest neighbour first."""
    roles, examples = parts.roles, parts.files.train.examples
    rows = np.array([row for row, each in enumerate(roles.role) if each is role], dtype=np.int64)
    order = roles.label_quality if role is Role.SUSPECT else np.nan_to_num(roles.distance, nan=2.0)
    for row in rows[np.argsort(order[rows], kind="stable")[:_EXAMPLES_SHOWN]].tolist():
        other = int(roles.neighbour[row])
        yield RoleExample(
            row=row,
            line=int(examples.lines[row]) if examples.lines is not None else row + 1,
            text=examples.texts[row],
            label=examples.label_names[examples.labels[row]],
            reason=roles.reason[row],
            neighbour_text=examples.texts[other] if other >= 0 else None,
            neighbour_label=examples.label_names[examples.labels[other]] if other >= 0 else None,
            distance=finite(roles.distance[row]),
        )


def _wrong_pairs(parts: AuditParts) -> Iterator[WrongPair]:
    """Pairs of which a side is wrong at most seeds, the nearest first among equals."""
    task, share, distance = parts.plan.task, parts.share_right, parts.boundary.pair_distance
    pairs = task.eval_sets[PAIRS]
    assert pairs.partner is not None
    worse = np.minimum(share[pairs.rows], share[pairs.partner])
    texts, labels = task.texts[task.n_train :], task.held_out_labels
    for pair in np.lexsort((distance, worse))[:_PAIRS_SHOWN].tolist():
        if worse[pair] == 1:
            return
        row, other = int(pairs.rows[pair]), int(pairs.partner[pair])
        sides = ((texts[at], task.label_names[int(labels[at])], float(share[at])) for at in (row, other))
        (text, label, right), (other_text, other_label, other_right) = sides
        yield WrongPair(text, label, right, other_text, other_label, other_right, float(distance[pair]))


def _left_out(parts: AuditParts) -> LeftOut:
    """Near misses left out as suspects, and what accuracy would be with them."""
    dropped = parts.boundary.suspects
    if not len(dropped):
        return LeftOut(0, None)
    near = np.concatenate([parts.boundary.near_miss, dropped])
    at = np.isin(parts.plan.rows[: len(parts.boundary.rows)], near)
    return LeftOut(len(dropped), float(parts.share_right[: len(at)][at].mean()))
