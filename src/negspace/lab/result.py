"""What came of a claim, as a typed record: what pages show, ``--json`` prints and the store keeps.

Fields are named as in the JSON, and a number that is not finite is None, as it is there.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import MISSING, asdict, dataclass, field, fields, is_dataclass
from pathlib import Path
from types import NoneType
from typing import Any, Literal, TypeAlias, TypeVar, get_args, get_origin, get_type_hints

import numpy as np

from negspace.data import check_writable, write_text
from negspace.lab.claim import Curve, Experiment, StatedHypothesis
from negspace.records import Estimate, Interval, Json, Outcome, Verdict
from negspace.reports.blocks import Report, Reported
from negspace.study import StudyResult

FORMAT = 1
"""Format of the stored JSON; records of another one are not read."""

LabResult: TypeAlias = StudyResult[Any, Any]
T = TypeVar("T")
Number: TypeAlias = float | int | None
Ends: TypeAlias = tuple[Number, Number]


@dataclass(frozen=True)
class ArmValues:
    """A metric of an arm: its mean and standard deviation over seeds, and the value at each seed."""

    name: str
    mean: Number
    sd: Number
    per_seed: tuple[Number, ...]


@dataclass(frozen=True)
class PublishedEffect:
    """The effect that was published for a hypothesis."""

    delta: Number


@dataclass(frozen=True)
class HypothesisResult:
    """A hypothesis and its verdict.

    ``arms`` are the arm and the one that it is compared with, if any; ``delta``, ``ci`` and ``level`` are
    the effect with its interval; ``p_value`` is one-sided and the interval's own, ``p_adjusted`` the same
    after Holm's correction within the experiment; ``mde`` is the smallest effect that would have come out
    supported with 80 % power; ``look`` counts how often the question was asked.
    """

    name: str
    says: str
    claim: Literal["more", "no less"]
    measure: str
    test: str
    arms: tuple[ArmValues, ...]
    margin: float | int
    delta: Number
    ci: Ends
    level: float
    p_value: Number
    mde: Number
    seeds_needed: int | None
    published: PublishedEffect | None
    verdict: Outcome
    reason: str
    p_adjusted: Number = None
    look: int = 1

    @property
    def decision(self) -> Verdict:
        """The verdict with its numbers; NaN for what is None."""
        delta, low, high, p, adjusted, mde = (
            math.nan if v is None else v
            for v in (self.delta, *self.ci, self.p_value, self.p_adjusted, self.mde)
        )
        return Verdict(
            outcome=self.verdict,
            reason=self.reason,
            margin=self.margin,
            effect=delta,
            interval=Interval(low, high, self.level),
            p_value=p,
            mde=mde,
            seeds_needed=self.seeds_needed,
            p_adjusted=adjusted,
            look=self.look,
        )

    @property
    def published_delta(self) -> Number:
        """The effect that was published, if any."""
        return None if self.published is None else self.published.delta

    @property
    def differences(self) -> tuple[Number, ...]:
        """The effect at each seed: the arm's value, less that of the arm it is compared with."""
        if len(self.arms) < 2:
            return self.arms[0].per_seed if self.arms else ()
        pairs = zip(self.arms[0].per_seed, self.arms[1].per_seed, strict=False)
        return tuple(None if a is None or b is None else a - b for a, b in pairs)


@dataclass(frozen=True)
class PublishedFigure:
    """Mean and standard deviation that were published for an arm on a test; no deviation is None."""

    mean: Number
    sd: Number


@dataclass(frozen=True)
class ArmFigure:
    """A metric of an arm on a test: ``ci`` is its 95 % interval, over seeds and the ``n`` test items.

    ``agrees`` tells whether the mean lies within two published standard deviations of the published one, None
    where that cannot be said.
    """

    arm: str
    measure: str
    test: str
    mean: Number
    sd: Number
    per_seed: tuple[Number, ...]
    ci: Ends
    n: int
    published: PublishedFigure | None
    agrees: bool | None = field(init=False)

    def __post_init__(self) -> None:
        theirs, mean, agrees = self.published, self.mean, None
        if mean is not None and theirs is not None and theirs.mean is not None and theirs.sd is not None:
            agrees = abs(mean - theirs.mean) <= 2 * theirs.sd
        object.__setattr__(self, "agrees", agrees)


@dataclass(frozen=True)
class CurvePoint:
    """A place of a curve, and what was measured there with its 95 % interval."""

    x: float | int | str
    mean: Number
    low: Number
    high: Number
    per_seed: tuple[Number, ...]


@dataclass(frozen=True)
class CurveSeries:
    """The points of one line of a curve."""

    name: str
    points: tuple[CurvePoint, ...]


@dataclass(frozen=True)
class PublishedPoint:
    """A published mean at a place of a curve."""

    x: float | int | str
    mean: Number


@dataclass(frozen=True)
class CurveResult:
    """A metric drawn over something that was varied; see `Curve`. ``published`` is None without any."""

    title: str
    x_label: str
    y_label: str
    kind: Literal["ladder", "line"]
    published: tuple[PublishedPoint, ...] | None
    series: tuple[CurveSeries, ...]


@dataclass(frozen=True)
class Divergence:
    """A run whose training stopped being finite at a step."""

    arm: str
    seed: int
    step: int


@dataclass(frozen=True)
class ExperimentResult:
    """What an experiment found; its plan as JSON, every arm on every test, and runs that diverged."""

    name: str
    title: str
    control: bool
    plan_hash: str
    plan: Mapping[str, object]
    seeds: tuple[int, ...]
    tests: Mapping[str, str]
    hypotheses: tuple[HypothesisResult, ...]
    figures: tuple[ArmFigure, ...]
    curves: tuple[CurveResult, ...]
    diverged: tuple[Divergence, ...]


@dataclass(frozen=True)
class ClaimResult(Reported):
    """What came of a claim.

    ``studies`` are those behind the experiments, with all runs; a result that was loaded has none.
    """

    claim: str
    title: str
    statement: str
    source: str
    negspace: str
    device: str
    smoke: bool
    registered: bool
    plan_hash: str
    experiments: tuple[ExperimentResult, ...]
    studies: tuple[LabResult, ...] = field(default=(), repr=False, compare=False)

    @classmethod
    def from_dict(cls, found: Mapping[str, Any]) -> ClaimResult:
        """Read what `to_dict` gives.

        Raises:
            KeyError: Something is missing.
        """
        return _load(cls, {**found, "experiments": found["parts"], "studies": ()})

    def to_dict(self) -> dict[str, Json]:
        """What ``negspace lab run --json`` prints."""
        own = {each.name: getattr(self, each.name) for each in fields(self)[:-2]}
        return {"format": FORMAT, **own, "parts": [asdict(each) for each in self.experiments]}

    @property
    def verdicts(self) -> Mapping[tuple[str, str], Verdict]:
        """Verdicts by experiment and hypothesis."""
        return {(e.name, h.name): h.decision for e in self.experiments for h in e.hypotheses}

    @property
    def resumed(self) -> int:
        """Number of runs that came out of the store."""
        return sum(study.resumed for study in self.studies)

    def report(self) -> Report:
        """What was found, for any writer."""
        from negspace.lab.report import claim_report  # it reads this record

        return claim_report(self).with_registered("lab", self)

    def save(self, folder: str | Path) -> Path:
        """Write the claim's page, which is given back, and the record it shows: ``NAME.html``, ``NAME.json``.

        The folder is made if need be; files of an earlier run are replaced.

        Raises:
            StoreError: If the folder cannot be written.
        """
        from negspace.reports.html import render_page

        folder = Path(folder)
        check_writable(folder)
        found = self.to_dict()
        path = folder / f"{self.claim}.html"
        write_text(path.with_suffix(".json"), json.dumps(found, indent=2, allow_nan=False) + "\n")
        write_text(path, render_page(self.report()))
        return path


def result_of(experiment: Experiment, result: LabResult) -> ExperimentResult:
    """What an experiment found, from what its study found."""
    study, runs = experiment.study, result.runs.values()
    diverged = (Divergence(run.arm, run.seed, at) for run in runs if (at := run.diverged_at) is not None)
    theirs = {(p.arm, p.on): PublishedFigure(p.mean, p.sd) for p in experiment.published}
    figures = []
    for on in experiment.tests:
        for arm in study.arms:
            found = result.estimate(arm.name, experiment.metric(on))
            spread, ends, published = _spread(found), _ends(found.interval), theirs.get((arm.name, on))
            figures.append(ArmFigure(arm.name, found.metric, on, *spread, ends, found.n, published))
    told = (experiment.name, experiment.title, experiment.control, study.plan_hash, study.plan())
    return ExperimentResult(
        *told,
        seeds=tuple(study.seeds),
        tests=dict(experiment.tests),
        hypotheses=tuple(_hypothesis(stated, result) for stated in experiment.stated),
        figures=tuple(figures),
        curves=tuple(_curve(curve, result) for curve in experiment.curves),
        diverged=tuple(diverged),
    )


def _hypothesis(stated: StatedHypothesis, result: LabResult) -> HypothesisResult:
    asked, verdict = stated.hypothesis, result.verdicts[stated.hypothesis.name]
    names = [asked.arm] if asked.versus is None else [asked.arm, asked.versus]
    return HypothesisResult(
        *(asked.name, stated.says, asked.claim, asked.metric.name, stated.on),
        arms=tuple(ArmValues(arm, *_spread(result.estimate(arm, asked.metric))) for arm in names),
        margin=asked.margin,
        delta=_number(verdict.effect),
        ci=_ends(verdict.interval),
        level=verdict.interval.level,
        p_value=_number(verdict.p_value),
        p_adjusted=_number(verdict.p_adjusted),
        mde=_number(verdict.mde),
        seeds_needed=verdict.seeds_needed,
        published=None if stated.published is None else PublishedEffect(stated.published),
        verdict=verdict.outcome,
        reason=verdict.reason,
        look=verdict.look,
    )


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


def _load(kind: type[T], found: Mapping[str, Any]) -> T:
    """Make a dataclass of parsed JSON, where what has a default may be missing: earlier versions lack it."""
    hints, given = get_type_hints(kind), {}
    for each in fields(kind):  # type: ignore[arg-type]
        if each.init and (each.default is MISSING or each.name in found):
            given[each.name] = _value(hints[each.name], found[each.name])
    return kind(**given)


def _value(hint: Any, value: Any) -> Any:
    options = [each for each in get_args(hint) if each is not NoneType]
    if value is None:
        return None
    if get_origin(hint) is tuple:
        return tuple(_value(options[0], each) for each in value)
    if is_dataclass(hint):
        return _load(hint, value)  # type: ignore[arg-type]
    if hint is Outcome:
        return Outcome(value)
    if options and (get_origin(options[0]) is tuple or is_dataclass(options[0])):
        return _value(options[0], value)
    return value
