"""Blocks that the reports of both audits and of their comparison have: verdict, metrics, charts, method."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from negspace.audits.findings import AuditFindings, Estimated
from negspace.reports.blocks import (
    Block,
    Cell,
    Chart,
    Column,
    Details,
    Facts,
    Metric,
    Section,
    Span,
    Steps,
    Table,
    Verdict,
    code,
    given,
    numeric,
)
from negspace.reports.charts import draw_with, verdict_block
from negspace.reports.numbers import (
    NONE,
    bounds,
    count,
    interval,
    percent,
    points,
    seed_range,
    sentence,
)

_AS_GOOD_AS_ALL = 0.9


def footer(findings: AuditFindings) -> tuple[str | Span, ...]:
    """The last line of an audit's page."""
    return (
        f"negspace {findings.version} · everything here comes from ",
        code("audit.json"),
        " beside this page",
    )


def decision_block(findings: AuditFindings, *, name: str = "", link: Span | None = None) -> Verdict:
    """The card of the verdict on the near-miss gap.

    Args:
        findings: The audit.
        name: What the audit is called, where there are several.
        link: Where its own report is.
    """
    decision = findings.verdict
    return verdict_block(
        decision.verdict,
        given(decision.question),
        len(findings.seeds),
        next=sentence(decision.next),
        name=given(name) if name else "",
        link=link,
    )


def measured(
    name: str, estimate: Estimated | None, note: str, why: str, *, counted: str = "rows", key: bool = False
) -> Metric:
    """A headline metric, or why there is none.

    Args:
        name: What is measured.
        estimate: Its value.
        note: What it says.
        why: Why it was not measured.
        counted: What ``n`` counts.
        key: Whether the verdict is about it: it is a difference then, and in points.
    """
    if estimate is None:
        return Metric(name, NONE, note=f"Not measured: {why}.", missing=True, key=key)
    value, _, unit = points(estimate.mean).partition("\u00a0") if key else (percent(estimate.mean), "", "")
    return Metric(
        name,
        value,
        unit,
        interval(estimate.ci),
        note,
        n=f"{count(estimate.n)} {counted}" + worth(estimate),
        key=key,
        range=(estimate.mean, *(bounds(estimate.ci) or (estimate.mean, estimate.mean))),
    )


def _few(clusters: float) -> str:
    return f"{clusters:.2g}" if clusters < 10 else count(round(clusters))


def worth(estimate: Estimated) -> str:
    """How many independent rows these weigh as, where clusters of different sizes make them fewer."""
    if estimate.clusters > _AS_GOOD_AS_ALL * estimate.n:
        return ""
    return f" in {_few(estimate.clusters)} effective clusters"


def decimal(value: float, digits: int) -> str:
    """A number with so many decimals and a true minus sign."""
    return f"{value:.{digits}f}".replace("-", "−")


def estimate_cell(estimate: Estimated | None, digits: int | None = None, *, difference: bool = False) -> Cell:
    """A cell with a mean and, below it, its interval.

    Args:
        estimate: The estimate; a dash stands for None.
        digits: Decimals of a number that is no share; None for a share, in per cent.
        difference: Whether it is a difference of shares, in points (the column says so).
    """
    if estimate is None:
        return Cell(NONE)
    ends = bounds(estimate.ci)
    if digits is not None:
        below = "" if ends is None else " to ".join(decimal(end, digits) for end in ends)
        return Cell(decimal(estimate.mean, digits), under=(below,) if below else ())
    value = points(estimate.mean).partition("\u00a0")[0] if difference else percent(estimate.mean)
    return Cell(value, under=(interval(ends),) if ends else ())


@dataclass(frozen=True)
class Cloud:
    """One audit's seeds in the plane of easy and near-miss accuracy.

    Attributes:
        seeds: Seed, easy and near-miss accuracy.
        mean: Mean of both.
        easy_ci: Interval of the first.
        near_ci: Interval of the second.
    """

    seeds: tuple[tuple[int, float, float], ...]
    mean: tuple[float, float]
    easy_ci: tuple[float, float] | None
    near_ci: tuple[float, float] | None


def _cloud(findings: AuditFindings) -> Cloud | None:
    easy, near = findings.easy, findings.near_miss
    if easy is None or near is None:
        return None
    both = zip(findings.seeds, easy.per_seed, near.per_seed, strict=False)
    seeds = tuple((seed, e, m) for seed, e, m in both if e is not None and m is not None)
    return Cloud(seeds, (easy.mean, near.mean), bounds(easy.ci), bounds(near.ci))


def chance(*findings: AuditFindings) -> float | None:
    """Accuracy of guessing evenly among the labels; None where the audits differ in it."""
    labels = {len(each.data.labels) for each in findings}
    return 1 / labels.pop() if len(labels) == 1 and 0 not in labels else None


def scatter_chart(findings: Sequence[AuditFindings], *notes: Block) -> Chart | None:
    """Each seed as a dot, easy against near-miss accuracy; None where no audit has both."""
    clouds = tuple(_cloud(each) for each in findings)
    if not any(clouds):
        return None
    said = "; ".join(
        f"{len(cloud.seeds)} seeds with a mean of {percent(cloud.mean[0])} on easy rows and "
        f"{percent(cloud.mean[1])} on near misses"
        for cloud in clouds
        if cloud is not None
    )
    return Chart(
        f"Accuracy on easy rows against accuracy on near misses: {said}.",
        draw_with("negspace.audits.charts", "easy_against_near", clouds, chance(*findings)),
        notes=notes,
    )


def curve_chart(findings: Sequence[AuditFindings], *notes: Block) -> Chart | None:
    """Accuracy by distance to the nearest row of another label; None where no audit has a curve."""
    curves = tuple(each.curve for each in findings)
    if not any(curves):
        return None
    said = "; ".join(
        f"from {percent(curve[0].mean)} at distance {curve[0].low:.2f} to {curve[0].high:.2f} "
        f"to {percent(curve[-1].mean)} at {curve[-1].low:.2f} to {curve[-1].high:.2f}, in {len(curve)} bands"
        for curve in curves
        if curve
    )
    return Chart(
        f"Accuracy by distance to the nearest row of another label: {said}.",
        draw_with("negspace.audits.charts", "boundary_curve", curves, chance(*findings)),
        notes=notes,
    )


def named_columns(findings: AuditFindings) -> str:
    """The column of each role: ``text: review, label: sentiment``."""
    columns = findings.data.columns
    return ", ".join(f"{role}: {name}" for role, name in columns.items() if name is not None)


def method_section(
    findings: AuditFindings,
    facts: Iterable[tuple[str, str]],
    per_seed: Mapping[str, Estimated | None],
    caption: str,
) -> Section:
    """The last section: how the audit was computed, on what, and the values of every seed.

    Args:
        findings: The audit.
        facts: What the data were: names and values.
        per_seed: Columns of the table of seeds; those without an estimate are left out.
        caption: Says what the values are.
    """
    settings = ", ".join(f"{key} = {value}" for key, value in findings.learner.items() if key != "name")
    known = {name: estimate.per_seed for name, estimate in per_seed.items() if estimate is not None}
    rows = tuple(
        (
            str(seed),
            *(NONE if (value := each[at]) is None else decimal(100 * value, 2) for each in known.values()),
        )
        for at, seed in enumerate(findings.seeds)
    )
    table = Table(
        (Column("seed"), *numeric(*(given(name) for name in known))),
        rows,
        caption=caption,
        label="Numbers of every seed",
        style="dense",
    )
    shared = (
        ("Learner", str(findings.learner["name"])),
        ("Settings", settings),
        ("Seeds", seed_range(findings.seeds)),
        ("Fingerprint of the data", findings.data.fingerprint),
        ("Hash of the plan", findings.plan_hash),
        ("negspace", findings.version),
    )
    return Section(
        "How it was computed",
        (
            Steps(tuple((each.step, each.how) for each in findings.method)),
            Facts((*facts, *shared)),
            Details("Every seed", (table,)),
        ),
    )
