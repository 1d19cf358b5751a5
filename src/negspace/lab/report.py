"""Reports of the lab: one claim with its evidence, and the list of all claims."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from negspace.lab.evidence import FigureGroup, agreement, divergences, evidence, figure_groups, tally
from negspace.lab.result import FORMAT, ClaimResult, ExperimentResult, HypothesisResult
from negspace.reports import blocks as b
from negspace.reports.charts import OUTCOMES
from negspace.reports.numbers import NONE, interval, mean_sd, plural, points, seed_range, sentence

_MISS = "*"
_TESTS = 3  # tests side by side in a terminal; more make another table
_SMOKE = "Smoke run: no result"


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
    return b.Report(
        kind=("Claim: ", b.given(result.claim)),
        title=title,
        headline=b.Headline(title, detail=note) if note else None,
        intro=(
            *(b.Paragraph(b.given(sentence(each))) for each in result.statement.split("\n\n")),
            b.Paragraph(("Source: ", b.given(result.source)), style="small"),
        ),
        top=(b.Banner(banner),) if banner else (),
        sections=(
            *(sections[False] or [b.Section("As published", intro="The published experiment was not run.")]),
            b.Section(
                "Controls",
                tuple(sections[True]),
                intro=added if sections[True] else "No controls were run.",
                id="controls",
            ),
        ),
        warnings=None,
        method=b.Section(
            "How it was computed",
            (
                b.Paragraph(
                    "Arms are paired by seed; an effect is the mean of the differences. Its interval is over "
                    "seeds and test rows together. The hypotheses of a plan are corrected for being several "
                    "(Holm). The plan was fixed before the run, and its hash is stored with every result."
                ),
                b.Facts(
                    (
                        ("Claim", b.given(result.claim)),
                        ("Hash of the plan", result.plan_hash),
                        ("Device", result.device),
                        ("negspace", result.negspace),
                    )
                ),
            ),
        ),
        brief=tuple(_brief(result)),
        footer=f"negspace {result.negspace} · everything here comes from the claim's summary, "
        f"format {FORMAT}",
    )


def _brief(result: ClaimResult) -> Iterator[b.Block]:
    """Verdicts and figures of each experiment, in lines that fit 80 columns."""
    for each in result.experiments:
        control = (b.soft("Control  "),) if each.control else ()
        yield b.Paragraph((*control, b.strong(each.title), b.soft(f"  seeds {seed_range(each.seeds)}")))
        if each.diverged:
            yield b.Warnings(divergences(each))
        if each.hypotheses:
            columns = (
                b.Column("hypothesis"),
                *b.numeric("effect [CI], points", "published"),
                b.Column("verdict"),
            )
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
    published = None if hypothesis.published is None else hypothesis.published.delta
    return (
        hypothesis.name,
        bare(hypothesis.delta) + (f" [{ends}]" if ends else ""),
        bare(published),
        b.outcome(hypothesis.verdict.value, OUTCOMES[hypothesis.verdict]),
    )


def _brief_figures(groups: Sequence[FigureGroup]) -> b.Table:
    """Arms by tests: ours, and the published figure below it, marked where ours does not agree with it."""
    cells: dict[str, dict[str, b.Cell]] = {}
    published = False
    for group in groups:
        for figure in group.figures:
            under: tuple[b.Text, ...] = ()
            if figure.published is not None:
                published = True
                theirs = f"({mean_sd(figure.published.mean, figure.published.sd)})"
                differs = figure.agrees is False
                under = (b.outcome("warn", f"{_MISS}{theirs}") if differs else theirs,)
            cells.setdefault(figure.arm, {})[group.title] = b.Cell(mean_sd(figure.mean, figure.sd), under)
    head = "mean ± sd (published), %" if published else "mean ± sd, %"
    rows = []
    for arm, found in cells.items():
        row: list[b.Text | b.Cell] = [arm, *(found.get(group.title, b.Cell(NONE)) for group in groups)]
        rows.append(tuple(row))
    return b.Table((b.Column(head), *b.numeric(*(group.title for group in groups))), tuple(rows))


def lab_report(results: Sequence[ClaimResult], links: Mapping[str, str] | None = None) -> b.Report:
    """List claims: how their hypotheses came out, and their first effect.

    Args:
        results: The claims' results, in the order of the list.
        links: For a claim's name, where its page lies, relative to this one.
    """
    rows: list[b.Group | tuple[b.Text | b.Cell, ...]] = []
    for result in results:
        rows += _claim_rows(result, (links or {}).get(result.claim))
    columns = (b.Column("as published"), b.Column("controls"), *b.numeric("first effect"))
    found: tuple[b.Block, ...] = (
        b.Table(columns, tuple(rows), label="All claims", style="compact", head=None),
        b.Paragraph(
            "The first effect is that of the sentence under the claim's title, with its interval and the "
            "published effect.",
            style="small",
        ),
    )
    how = "Each was run by a plan that was fixed before: first exactly as published, then with controls."
    return b.Report(
        kind="The lab",
        title=f"{plural(len(results), 'claim')} about how data forms models, tested",
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
        ends, published = interval(first.ci), None if first.published is None else first.published.delta
        below = (*((ends,) if ends else ()), f"published {points(published, signed=True)}")
        effect = b.Cell(points(first.delta, signed=True), below, strong=True)
    controls = [each for each in result.experiments if each.control]
    yield b.Cell(under=(*_counts(ours), *agree)), b.Cell(under=_counts(controls)), effect


def _counts(experiments: Sequence[ExperimentResult]) -> tuple[b.Text, ...]:
    return tuple(b.outcome(tone, said) for tone, said in tally(experiments)) or (b.soft("none"),)
