"""Reports of the lab: one claim with its evidence, and the list of all claims."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from negspace.lab.evidence import curve_blocks, plan_blocks
from negspace.lab.result import FORMAT, ArmFigure, ClaimResult, ExperimentResult, HypothesisResult
from negspace.reports import blocks as b
from negspace.reports import charts
from negspace.reports import numbers as n
from negspace.reports.charts import OUTCOMES
from negspace.reports.numbers import NONE, interval, mean_sd, points

_MISS = "*"
_TESTS = 3  # tests side by side in a terminal; more make another table
_SMOKE = "Smoke run: no result"
_ALL_OF_IT = f"everything here comes from the claim's summary, format {FORMAT}"
_FIRST = (
    "The first effect is that of the sentence under the claim's title, with its interval and the "
    "published effect."
)
_AGREES = {True: "yes", False: "no", None: NONE}
_SEED = (b.Mark("dot"), "a seed")


def claim_report(result: ClaimResult) -> b.Report:
    """Say what a claim found, each experiment with its evidence.

    Means, effects, margins and the heights of curves are shares, and are shown in per cent and points.
    """
    sections: dict[bool, list[b.Section]] = {False: [], True: []}
    for each in result.experiments:
        blocks = evidence(each, smoke=result.smoke)
        sections[each.control].append(b.Section(b.given(each.title), tuple(blocks)))
    title = f"Smoke run: {result.title}" if result.smoke else result.title
    note, banner = "", ""
    if result.smoke:
        note = _SMOKE
        banner = (
            "It only shows that the claim can be run; seeds or steps were cut, so nothing below is evidence."
        )
    elif not result.registered:
        note = "Trial: not the registered number of seeds, so not kept"
        banner = "This is a trial, and not the claim's result."
    added = "What was added to the published experiment, to tell why it comes out as it does."
    missing = b.Section("As published", intro="The published experiment was not run.")
    statement = [b.Paragraph(b.given(n.sentence(each))) for each in result.statement.split("\n\n")]
    how = b.Paragraph(
        "Arms are paired by seed; an effect is the mean of the differences. Its interval is over seeds and "
        "test rows together. The hypotheses of a plan are corrected for being several (Holm). The plan was "
        "fixed before the run, and its hash is stored with every result."
    )
    facts = (("Claim", b.given(result.claim)), ("Hash of the plan", result.plan_hash))
    controls = added if sections[True] else "No controls were run."
    return b.Report(
        kind=("Claim: ", b.given(result.claim)),
        title=title,
        headline=b.Headline(title, detail=note) if note else None,
        intro=(*statement, b.Paragraph(("Source: ", b.given(result.source)), style="small")),
        top=(b.Banner(banner),) if banner else (),
        sections=(
            *(sections[False] or [missing]),
            b.Section("Controls", tuple(sections[True]), intro=controls, id="controls"),
        ),
        warnings=None,
        method=b.Section(
            "How it was computed",
            (how, b.Facts((*facts, ("Device", result.device), ("negspace", result.negspace)))),
        ),
        brief=tuple(_brief(result)),
        footer=f"negspace {result.negspace} · {_ALL_OF_IT}",
    )


def _brief(result: ClaimResult) -> Iterator[b.Block]:
    """Verdicts and figures of each experiment, in lines that fit 80 columns."""
    for each in result.experiments:
        control = (b.soft("Control  "),) if each.control else ()
        yield b.Paragraph((*control, b.strong(each.title), b.soft(f"  seeds {n.seed_range(each.seeds)}")))
        if each.diverged:
            yield b.Warnings(divergences(each))
        if each.hypotheses:
            effect = b.numeric("effect [CI], points", "published")
            columns = (b.Column("hypothesis"), *effect, b.Column("verdict"))
            yield b.Table(columns, tuple(map(_brief_hypothesis, each.hypotheses)))
        groups = figure_groups(each)
        for first in range(0, len(groups), _TESTS):
            yield _brief_figures(groups[first : first + _TESTS])
        right, known = agreement([each])
        if known:
            said = f"Ours lies within two published standard deviations in {right} of {known} figures"
            yield b.Paragraph(said + (f"; {_MISS} where not." if right < known else "."))


def _brief_hypothesis(hypothesis: HypothesisResult) -> tuple[b.Text, ...]:
    def bare(difference: float | None) -> str:
        return points(difference, signed=True).removesuffix("\u00a0points")  # the heading names the unit

    ends = interval(hypothesis.ci).replace(" to ", ", ")
    effect = bare(hypothesis.delta) + (f" [{ends}]" if ends else "")
    verdict = b.outcome(hypothesis.verdict.value, OUTCOMES[hypothesis.verdict])
    return hypothesis.name, effect, bare(hypothesis.published_delta), verdict


def _brief_figures(groups: Sequence[FigureGroup]) -> b.Table:
    """Arms by tests: ours, and the published figure below it, marked where ours does not agree with it."""
    cells: dict[str, dict[str, b.Cell]] = {}
    for group in groups:
        for figure in group.figures:
            under: tuple[b.Text, ...] = ()
            if figure.published is not None:
                theirs = f"({mean_sd(figure.published.mean, figure.published.sd)})"
                under = (b.outcome("warn", f"{_MISS}{theirs}") if figure.agrees is False else theirs,)
            cells.setdefault(figure.arm, {})[group.title] = b.Cell(mean_sd(figure.mean, figure.sd), under)
    published = any(cell.under for found in cells.values() for cell in found.values())
    head = "mean ± sd (published), %" if published else "mean ± sd, %"
    titles = [group.title for group in groups]
    rows: list[tuple[b.Text | b.Cell, ...]] = [
        (arm, *(found.get(title, b.Cell(NONE)) for title in titles)) for arm, found in cells.items()
    ]
    return b.Table((b.Column(head), *b.numeric(*titles)), tuple(rows))


def lab_report(results: Sequence[ClaimResult], links: Mapping[str, str] | None = None) -> b.Report:
    """List claims: how their hypotheses came out, and their first effect.

    ``links`` says, for a claim's name, where its page lies, relative to this one.
    """
    rows: list[b.Group | tuple[b.Text | b.Cell, ...]] = []
    for result in results:
        rows += _claim_rows(result, (links or {}).get(result.claim))
    columns = (b.Column("as published"), b.Column("controls"), *b.numeric("first effect"))
    found: tuple[b.Block, ...] = (
        b.Table(columns, tuple(rows), label="All claims", style="compact", head=None),
        b.Paragraph(_FIRST, style="small"),
    )
    how = "Each was run by a plan that was fixed before: first exactly as published, then with controls."
    return b.Report(
        kind="The lab",
        title=f"{n.plural(len(results), 'claim')} about how data forms models, tested",
        intro=(b.Paragraph(how),),
        top=found if results else (b.Paragraph("No claim has been run yet."),),
        warnings=None,
        footer=f"negspace {results[0].negspace}" if results else "negspace",
    )


def _claim_rows(result: ClaimResult, page: str | None) -> Iterator[b.Group | tuple[b.Text | b.Cell, ...]]:
    ours = [each for each in result.experiments if not each.control]
    hypotheses = [h for each in ours or result.experiments for h in each.hypotheses]
    first = next((h for h in hypotheses if h.published is not None), hypotheses[0] if hypotheses else None)
    under = result.claim if first is None else f"{result.claim}: {first.says}"
    yield b.Group(b.given(result.title) if page is None else b.link(result.title, page), b.given(under))
    if result.smoke:
        yield b.Cell(_SMOKE, tone="warn", strong=True), "", ""
        return
    right, known = agreement(ours)
    agree = (f"{right} of {known} figures within 2 published sd",) if known else ()
    effect = b.Cell(NONE)
    if first is not None:
        ends, published = interval(first.ci), points(first.published_delta, signed=True)
        below = (*((ends,) if ends else ()), f"published {published}")
        effect = b.Cell(points(first.delta, signed=True), below, strong=True)
    controls = [each for each in result.experiments if each.control]
    yield b.Cell(under=(*_counts(ours), *agree)), b.Cell(under=_counts(controls)), effect


def _counts(experiments: Sequence[ExperimentResult]) -> tuple[b.Text, ...]:
    return tuple(b.outcome(tone, said) for tone, said in tally(experiments)) or (b.soft("none"),)


class FigureGroup(NamedTuple):
    """The figures of one metric on one test, one an arm; ``what`` the test holds, where it is said."""

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
            metric if test in metric else f"{metric}, {test}", experiment.tests.get(test, ""), tuple(figures)
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
    kept = "its figures are those of its last finite parameters"
    return tuple(
        f"{one.arm}, seed {one.seed}: training diverged at step {n.count(one.step)}; {kept}"
        for one in experiment.diverged
    )


def evidence(experiment: ExperimentResult, *, smoke: bool) -> Iterator[b.Block]:
    """All that an experiment found; ``smoke`` if it was run to show that it runs, and no more."""
    groups, seeds = figure_groups(experiment), experiment.seeds
    right, known = agreement([experiment])
    said = n.plural(len(seeds), "seed")
    if known:
        said += f" · {right} of {known} published figures within two published standard deviations"
    yield b.Paragraph(said, style="small")
    yield b.Tally(tally([experiment]))
    if experiment.diverged:
        yield b.Warnings(divergences(experiment))
    if experiment.hypotheses:
        level = n.percent(experiment.hypotheses[0].level, 0)
        published = any(h.published is not None for h in experiment.hypotheses)
        effect = (b.Mark("effect"), f"effect in points, {level} interval")
        theirs = ((b.Mark("hollow", "warn"), "published effect"),) if published else ()
        band = (b.Mark("band", "line"), "too small to matter")
        arms = (None, "arms: per cent, mean ± sd over seeds")
        yield b.Key((effect, _SEED, *theirs, band, arms), across=True)
        yield b.Cards(tuple(_card(h, len(seeds), smoke=smoke) for h in experiment.hypotheses))
    has_published = any(figure.published is not None for figure in experiment.figures)
    if has_published:
        yield b.Section("Published beside ours", (_figure_table(groups, published_only=True),))
    if strips := _strips(groups, seeds):
        means = [(b.Mark("mean", "ink"), "our mean, 95\u00a0% interval")]
        hollow = [(b.Mark("hollow", "warn"), "published mean ± sd")] if has_published else []
        yield b.Section("Every seed", (b.Key((_SEED, *means, *hollow), across=True), *strips))
    for curve in experiment.curves:
        yield b.Section(b.given(curve.title), tuple(curve_blocks(curve)))
    if groups:
        yield b.Details("All figures of this part", (_figure_table(groups, published_only=False),))
        yield b.Details("Every seed in numbers", tuple(_seed_table(group, seeds) for group in groups))
    yield b.Details("The plan", tuple(plan_blocks(experiment)))


def _card(hypothesis: HypothesisResult, seeds: int, *, smoke: bool) -> b.Verdict:
    no_less = hypothesis.claim == "no less"
    published = n.number(hypothesis.published_delta)
    compared = ", ".join(f"{arm.name} {mean_sd(arm.mean, arm.sd)}" for arm in hypothesis.arms)
    ends = interval(hypothesis.ci)
    figures = [("effect", points(hypothesis.delta, signed=True) + (f" ({ends})" if ends else ""))]
    if published is not None:
        figures.append(("published", points(published, signed=True)))
    shortfall = ". To fall short by as much as the shaded band is too little to matter" if no_less else ""
    chart = charts.effect_chart(
        hypothesis.delta,
        n.bounds(hypothesis.ci),
        hypothesis.margin,
        level=hypothesis.level,
        no_less=no_less,
        per_seed=hypothesis.differences,
        published=published,
    )
    return charts.verdict_block(
        hypothesis.decision,
        b.given(hypothesis.says),
        seeds,
        chart=chart,
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
            rows.append(row if published_only else (*row, n.count(figure.n)))
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
    spans = [n.bounds(figure.ci) for figure in figures]
    for theirs in (figure.published for figure in figures if figure.published is not None):
        mean, sd = n.number(theirs.mean), n.number(theirs.sd) or 0.0
        values.append(mean)
        spans.append(None if mean is None else (mean - sd, mean + sd))
    ends = charts.strip_limits(values, spans)
    if ends is None:
        return []
    found = []
    for group in groups:
        lanes = 3 if any(figure.published is not None for figure in group.figures) else 2
        rows = tuple(_strip(figure, seeds, ends, lanes) for figure in group.figures)
        what = group.what and b.given(group.what)
        found.append(b.Strips(b.given(group.title), rows, charts.strip_axis(ends), what))
    return found


def _strip(figure: ArmFigure, seeds: Sequence[int], ends: tuple[float, float], lanes: int) -> b.Strip:
    """Every seed of an arm as a dot, below it our mean and interval, below that the published mean."""
    ours, held = mean_sd(figure.mean, figure.sd), interval(figure.ci)
    said = f"{sum(n.number(value) is not None for value in figure.per_seed)} seeds: {ours} %"
    said += f", 95 % interval {held}" if held else ""
    theirs = None if figure.published is None else (figure.published.mean, figure.published.sd)
    said += "" if theirs is None else f"; published {mean_sd(*theirs)} %"
    per_seed, span, alt = figure.per_seed, n.bounds(figure.ci), f"{said}."
    drawn = charts.seeds_chart(per_seed, seeds, figure.mean, span, ends, alt, published=theirs, lanes=lanes)
    return b.Strip(b.given(figure.arm), ours, drawn)


def _seed_table(group: FigureGroup, seeds: Sequence[int]) -> b.Table:
    rows = tuple(
        (
            str(seed),
            *(n.percent(f.per_seed[place] if place < len(f.per_seed) else None) for f in group.figures),
        )
        for place, seed in enumerate(seeds)
    )
    columns = (b.Column("seed"), *b.numeric(*(b.given(figure.arm) for figure in group.figures)))
    return b.Table(columns, rows, caption=b.given(group.title), label="Numbers of every seed", style="dense")
