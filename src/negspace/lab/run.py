"""Testing claims: experiments run out of one store, results are kept, and pages written."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from negspace._version import __version__
from negspace.data import write_text
from negspace.lab.claim import Claim, Curve, Experiment, Scale, StatedHypothesis, plan_hash
from negspace.lab.result import (
    FORMAT,
    ArmFigure,
    ArmValues,
    ClaimResult,
    CurvePoint,
    CurveResult,
    CurveSeries,
    Divergence,
    Ends,
    ExperimentResult,
    HypothesisResult,
    LabResult,
    Number,
    PublishedEffect,
    PublishedFigure,
    PublishedPoint,
)
from negspace.records import Estimate, Interval, Outcome
from negspace.store import RunStore, default_store_path
from negspace.study import Progress


@dataclass(frozen=True)
class LatestResult:
    """The result of a claim that is kept, and when it was found: ``YYYY-MM-DD HH:MM:SS`` in UTC."""

    finished: str
    result: ClaimResult


def run_claim(
    claim: Claim,
    scale: Scale | None = None,
    *,
    controls: bool = True,
    store: RunStore | None = None,
    workers: int | None = None,
    progress: Progress | None = None,
) -> ClaimResult:
    """Test a claim: run what is not in the store yet, judge, and keep the result.

    Args:
        claim: The claim.
        scale: How large it is run; as registered if None.
        controls: Whether the controls are run as well.
        store: Where runs and results are kept; the user's own if None.
        workers: How many runs at once; as many as there are cores if None. No result depends on it.
        progress: Told after every run.

    Returns:
        The result. It is kept as the claim's own if it was run at the registered scale.

    Raises:
        StoreError: If the store cannot be read or written.
        MissingExtraError: If a package that trains an arm is not installed.
        PlanError: If the plan cannot come out both ways at this scale.
    """
    from negspace.execution import cpu_count  # a claim can be listed without it

    if store is None:
        with RunStore(default_store_path()) as own:
            return run_claim(claim, scale, controls=controls, store=own, workers=workers, progress=progress)
    scale = scale or Scale()
    experiments = claim.experiments(scale, controls=controls)
    studies = []
    for each in experiments:

        def named(_stage: str, done: int, total: int, what: str = f"{claim.name}, {each.name}") -> None:
            if progress is not None:
                progress(what, done, total)

        studies.append(
            each.study.run(
                store=store, workers=workers or cpu_count(), progress=named, counted=not scale.smoke
            )
        )
    result = ClaimResult(
        claim=claim.name,
        title=claim.title,
        statement=claim.statement,
        source=claim.source,
        negspace=__version__,
        device=scale.device,
        smoke=scale.smoke,
        registered=scale.registered,
        plan_hash=plan_hash(experiments),
        experiments=tuple(map(_experiment, experiments, studies)),
        studies=tuple(studies),
    )
    if scale.registered and not _is_less(result, latest_results(store).get(claim.name)):
        store.put_result(claim.name, result.plan_hash, result.to_dict())
    return result


def _experiment(experiment: Experiment, result: LabResult) -> ExperimentResult:
    study = experiment.study
    figures = (_figure(arm.name, on, experiment, result) for on in experiment.tests for arm in study.arms)
    return ExperimentResult(
        name=experiment.name,
        title=experiment.title,
        control=experiment.control,
        plan_hash=study.plan_hash,
        plan=study.plan(),
        seeds=tuple(study.seeds),
        tests=dict(experiment.tests),
        hypotheses=tuple(_hypothesis(stated, result) for stated in experiment.stated),
        figures=tuple(figures),
        curves=tuple(_curve(curve, result) for curve in experiment.curves),
        diverged=tuple(
            Divergence(run.arm, run.seed, run.diverged_at)
            for run in result.runs.values()
            if run.diverged_at is not None
        ),
    )


def _hypothesis(stated: StatedHypothesis, result: LabResult) -> HypothesisResult:
    asked, verdict = stated.hypothesis, result.verdicts[stated.hypothesis.name]
    names = [asked.arm] if asked.versus is None else [asked.arm, asked.versus]
    return HypothesisResult(
        name=asked.name,
        says=stated.says,
        claim=asked.claim,
        measure=asked.metric.name,
        test=stated.on,
        arms=tuple(ArmValues(arm, *_spread(result.estimate(arm, asked.metric))) for arm in names),
        margin=asked.margin,
        delta=_number(verdict.effect),
        ci=_ends(verdict.interval),
        level=verdict.interval.level,
        p_value=_number(verdict.p_value),
        p_adjusted=_number(verdict.p_adjusted),
        mde=_number(verdict.mde),
        seeds_needed=verdict.seeds_needed,
        look=verdict.look,
        published=None if stated.published is None else PublishedEffect(stated.published),
        verdict=verdict.outcome,
        reason=verdict.reason,
    )


def _figure(arm: str, on: str, experiment: Experiment, result: LabResult) -> ArmFigure:
    found = result.estimate(arm, experiment.metric(on))
    theirs = next((p for p in experiment.published if (p.arm, p.on) == (arm, on)), None)
    published = None if theirs is None else PublishedFigure(theirs.mean, theirs.sd)
    return ArmFigure(arm, found.metric, on, *_spread(found), _ends(found.interval), found.n, published)


def _curve(curve: Curve, result: LabResult) -> CurveResult:
    series = []
    for name, points in curve.series.items():
        found = [(point.x, result.estimate(point.arm, point.metric)) for point in points]
        places = (CurvePoint(x, _number(e.mean), *_ends(e.interval), _spread(e)[2]) for x, e in found)
        series.append(CurveSeries(name, tuple(places)))
    published = tuple(PublishedPoint(x, mean) for x, mean in curve.published.items()) or None
    return CurveResult(curve.title, curve.x_label, curve.y_label, curve.kind, published, tuple(series))


def _number(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _ends(interval: Interval) -> Ends:
    return _number(interval.low), _number(interval.high)


def _spread(estimate: Estimate) -> tuple[Number, Number, tuple[Number, ...]]:
    """Mean, standard deviation over seeds, and the value at each seed."""
    values = np.array(estimate.per_seed)
    sd = float(values.std(ddof=1)) if len(values) > 1 else math.nan
    return _number(estimate.mean), _number(sd), tuple(map(_number, estimate.per_seed))


def _is_less(result: ClaimResult, kept: LatestResult | None) -> bool:
    """Whether the result that is kept has the same published experiments and the controls as well."""
    if kept is None:
        return False
    ours, theirs = ([e.plan_hash for e in each.experiments] for each in (result, kept.result))
    return len(theirs) > len(ours) and theirs[: len(ours)] == ours


def latest_results(store: RunStore) -> Mapping[str, LatestResult]:
    """The results that are kept, by claim; those of another format are left out.

    Raises:
        StoreError: If the store cannot be read.
    """
    return {
        name: LatestResult(last.finished, ClaimResult.from_dict(last.summary))
        for name, last in store.latest_results().items()
        if last.summary.get("format") == FORMAT
    }


def status(last: LatestResult | None) -> str:
    """Say what the last run of a claim found.

    Args:
        last: Its last result, or None.

    Returns:
        ``not run``, or the number of hypotheses by outcome, the day, and whether the controls were left out.
    """
    if last is None:
        return "not run"
    found = last.result
    outcomes = Counter(verdict.outcome for verdict in found.verdicts.values())
    counts = ", ".join(f"{outcomes[outcome]} {outcome.value}" for outcome in Outcome)
    controls = "" if any(each.control for each in found.experiments) else ", without controls"
    return f"{counts} ({last.finished[:10]}{controls})"


def save_lab(results: Sequence[ClaimResult], folder: Path, *, progress: Progress | None = None) -> Path:
    """Write the pages of claims, and ``index.html`` over all of them.

    Args:
        results: The claims' results, in the order of the index.
        folder: Made if need be; files of an earlier report are replaced.
        progress: Told before every claim.

    Returns:
        Path of the index.

    Raises:
        StoreError: If the folder cannot be written.
    """
    from negspace.lab.report import lab_report
    from negspace.reports.html import render_page

    links = {}
    for done, result in enumerate(results):
        if progress is not None:
            progress(f"page of {result.claim}", done, len(results))
        links[result.claim] = result.save(folder).name
    index = folder / "index.html"
    write_text(index, render_page(lab_report(results, links)))
    return index
