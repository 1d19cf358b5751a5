"""The evidence of one experiment, as blocks: verdicts, figures and every seed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from negspace.lab.curves import curve_blocks
from negspace.lab.outline import plan_blocks
from negspace.lab.result import ArmFigure, ExperimentResult, HypothesisResult
from negspace.reports import blocks as b
from negspace.reports.charts import (
    OUTCOMES,
    effect_chart,
    seeds_chart,
    strip_axis,
    strip_limits,
    verdict_block,
)
from negspace.reports.numbers import (
    NONE,
    bounds,
    count,
    interval,
    mean_sd,
    number,
    percent,
    plural,
    points,
)

_AGREES = {True: "yes", False: "no", None: NONE}
_SEED = (b.Mark("dot"), "a seed")


@dataclass(frozen=True)
class FigureGroup:
    """The figures of one metric on one test.

    Attributes:
        title: What is measured on what.
        what: What the test holds; empty where it is not said.
        figures: One an arm.
    """

    title: str
    what: str
    figures: tuple[ArmFigure, ...]


def figure_groups(experiment: ExperimentResult) -> list[FigureGroup]:
    """An experiment's figures by metric and test, in the order of their first figure."""
    collected: dict[tuple[str, str], list[ArmFigure]] = {}
    for figure in experiment.figures:
        collected.setdefault((figure.measure, figure.test), []).append(figure)
    return [
        FigureGroup(
            metric if test in metric else f"{metric}, {test}",
            experiment.tests.get(test, ""),
            tuple(figures),
        )
        for (metric, test), figures in collected.items()
    ]


def agreement(experiments: Sequence[ExperimentResult]) -> tuple[int, int]:
    """Of the figures with a published mean and deviation: how many agree, and how many there are."""
    said = [f.agrees for each in experiments for f in each.figures if f.agrees is not None]
    return sum(said), len(said)


def tally(experiments: Sequence[ExperimentResult]) -> tuple[tuple[b.Tone, str], ...]:
    """How many hypotheses came out how, those outcomes that occur."""
    counted = Counter(h.verdict.value for each in experiments for h in each.hypotheses)
    tones: tuple[b.Tone, ...] = ("supported", "refuted", "inconclusive")
    return tuple((tone, f"{counted[tone]} {OUTCOMES[tone].lower()}") for tone in tones if counted[tone])


def divergences(experiment: ExperimentResult) -> tuple[str, ...]:
    """A sentence for each run that stopped being finite."""
    return tuple(
        f"{one.arm}, seed {one.seed}: training diverged at step {count(one.step)}; its figures are those of "
        "its last finite parameters"
        for one in experiment.diverged
    )


def evidence(experiment: ExperimentResult, *, smoke: bool) -> Iterator[b.Block]:
    """All that an experiment found.

    Args:
        experiment: The experiment.
        smoke: Whether it was run to show that it runs, and no more.
    """
    groups, seeds = figure_groups(experiment), experiment.seeds
    right, known = agreement([experiment])
    said = plural(len(seeds), "seed")
    if known:
        said += f" · {right} of {known} published figures within two published standard deviations"
    yield b.Paragraph(said, style="small")
    yield b.Tally(tally([experiment]))
    if experiment.diverged:
        yield b.Warnings(divergences(experiment))
    if experiment.hypotheses:
        level = percent(experiment.hypotheses[0].level, 0)
        published = any(h.published is not None for h in experiment.hypotheses)
        yield b.Key(
            (
                (b.Mark("effect"), f"effect in points, {level} interval"),
                _SEED,
                *(((b.Mark("hollow", "warn"), "published effect"),) if published else ()),
                (b.Mark("band", "line"), "too small to matter"),
                (None, "arms: per cent, mean ± sd over seeds"),
            ),
            across=True,
        )
        yield b.Cards(tuple(_card(h, len(seeds), smoke=smoke) for h in experiment.hypotheses))
    has_published = any(figure.published is not None for figure in experiment.figures)
    if has_published:
        yield b.Section("Published beside ours", (_figure_table(groups, published_only=True),))
    if strips := _strips(groups, seeds):
        means = [(b.Mark("mean", "ink"), "our mean, 95\u00a0% interval")]
        theirs = [(b.Mark("hollow", "warn"), "published mean ± sd")] if has_published else []
        yield b.Section("Every seed", (b.Key((_SEED, *means, *theirs), across=True), *strips))
    for curve in experiment.curves:
        yield b.Section(b.given(curve.title), tuple(curve_blocks(curve)))
    if groups:
        yield b.Details("All figures of this part", (_figure_table(groups, published_only=False),))
        yield b.Details("Every seed in numbers", tuple(_seed_table(group, seeds) for group in groups))
    yield b.Details("The plan", tuple(plan_blocks(experiment)))


def _card(hypothesis: HypothesisResult, seeds: int, *, smoke: bool) -> b.Verdict:
    no_less = hypothesis.claim == "no less"
    published = None if hypothesis.published is None else number(hypothesis.published.delta)
    compared = ", ".join(f"{arm.name} {mean_sd(arm.mean, arm.sd)}" for arm in hypothesis.arms)
    ends = interval(hypothesis.ci)
    figures = [("effect", points(hypothesis.delta, signed=True) + (f" ({ends})" if ends else ""))]
    if published is not None:
        figures.append(("published", points(published, signed=True)))
    shortfall = ". To fall short by as much as the shaded band is too little to matter" if no_less else ""
    return verdict_block(
        hypothesis.decision,
        b.given(hypothesis.says),
        seeds,
        chart=effect_chart(
            hypothesis.delta,
            bounds(hypothesis.ci),
            hypothesis.margin,
            level=hypothesis.level,
            no_less=no_less,
            per_seed=hypothesis.differences,
            published=published,
        ),
        reading=(b.given(hypothesis.measure), ": ", b.given(compared), f"{shortfall}."),
        answers=OUTCOMES,
        figures=figures,
        name=("Smoke run, no result: " if smoke else "", b.given(hypothesis.name)),
    )


def _figure_table(groups: Sequence[FigureGroup], *, published_only: bool) -> b.Table:
    rows: list[b.Group | tuple[b.Text | b.Cell, ...]] = []
    for group in groups:
        shown = [f for f in group.figures if f.published is not None or not published_only]
        if shown:
            rows.append(b.Group(b.given(group.title), group.what and b.given(group.what)))
        for figure in shown:
            ends, theirs = interval(figure.ci), figure.published
            row = (
                b.Cell(b.given(figure.arm), indent=True),
                b.Cell(mean_sd(figure.mean, figure.sd), (ends,) if ends else ()),
                NONE if theirs is None else mean_sd(theirs.mean, theirs.sd),
                b.Cell(_AGREES[figure.agrees], tone="warn" if figure.agrees is False else ""),
            )
            rows.append(row if published_only else (*row, count(figure.n)))
    names = ("ours", "published", "within 2 published sd", *(() if published_only else ("test rows",)))
    return b.Table(
        (b.Column("arm"), *b.numeric(*names)),
        tuple(rows),
        caption="Per cent, mean ± sd over seeds; below ours its 95\u00a0% interval",
        label="Figures, published beside ours" if published_only else "All figures",
        style="compact",
    )


def _strips(groups: Sequence[FigureGroup], seeds: Sequence[int]) -> list[b.Strips]:
    """Every seed of every arm, one drawing an arm; all share their limits."""
    figures = [figure for group in groups for figure in group.figures]
    values = [value for figure in figures for value in (figure.mean, *figure.per_seed)]
    spans = [bounds(figure.ci) for figure in figures]
    for theirs in (figure.published for figure in figures if figure.published is not None):
        mean, sd = number(theirs.mean), number(theirs.sd) or 0.0
        values.append(mean)
        spans.append(None if mean is None else (mean - sd, mean + sd))
    ends = strip_limits(values, spans)
    if ends is None:
        return []
    found = []
    for group in groups:
        lanes = 3 if any(figure.published is not None for figure in group.figures) else 2
        rows = tuple(
            b.Strip(
                b.given(figure.arm),
                mean_sd(figure.mean, figure.sd),
                seed_strip(figure, seeds, ends, lanes=lanes),
            )
            for figure in group.figures
        )
        found.append(
            b.Strips(b.given(group.title), rows, strip_axis(ends), group.what and b.given(group.what))
        )
    return found


def seed_strip(
    figure: ArmFigure, seeds: Sequence[int], ends: tuple[float, float], *, lanes: int
) -> b.Chart | None:
    """Every seed of an arm as a dot, below it our mean and interval, below that the published mean."""
    known = sum(number(value) is not None for value in figure.per_seed)
    said = f"{known} seeds: {mean_sd(figure.mean, figure.sd)} %"
    if held := interval(figure.ci):
        said += f", 95 % interval {held}"
    theirs = None if figure.published is None else (figure.published.mean, figure.published.sd)
    if theirs is not None:
        said += f"; published {mean_sd(*theirs)} %"
    return seeds_chart(
        figure.per_seed,
        seeds,
        figure.mean,
        bounds(figure.ci),
        ends,
        f"{said}.",
        published=theirs,
        lanes=lanes,
    )


def _seed_table(group: FigureGroup, seeds: Sequence[int]) -> b.Table:
    rows = tuple(
        (
            str(seed),
            *(percent(f.per_seed[place] if place < len(f.per_seed) else None) for f in group.figures),
        )
        for place, seed in enumerate(seeds)
    )
    columns = (b.Column("seed"), *b.numeric(*(b.given(figure.arm) for figure in group.figures)))
    return b.Table(columns, rows, caption=b.given(group.title), label="Numbers of every seed", style="dense")
