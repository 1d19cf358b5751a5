"""The report of an audit of minimal pairs: from its findings to blocks."""

from __future__ import annotations

from collections.abc import Iterator

from negspace.audits.findings import Estimated
from negspace.audits.minimal_pairs_findings import MinimalPairsFindings, ParadigmFindings, WrongMinimalPair
from negspace.audits.shared_blocks import (
    decimal,
    decision_block,
    estimate_cell,
    footer,
    measured,
    method_section,
    named_columns,
    scatter_chart,
)
from negspace.reports.blocks import (
    Block,
    Cell,
    Column,
    Metric,
    Metrics,
    Paragraph,
    Report,
    Section,
    Side,
    Span,
    Table,
    Text,
    TextPair,
    code,
    given,
    numeric,
)
from negspace.reports.numbers import NONE, count, file_name, plural, share_of

_BRIEF = 20  # paradigms that the terminal shows
_LEGEND = (
    "Near misses: the good sentence is more probable than the bad one. Per token: by log-probability "
    "divided by the number of tokens. Easy: it is more probable than its own words shuffled. Margin: "
    "ln\u00a0P(good) − ln\u00a0P(bad). Pressure, P(bad token) and rank are those at the first token in "
    "which the two sentences differ: 1 − P(good token), the probability of the bad one, and the median rank "
    "of the good one."
)


def minimal_pairs_report(findings: MinimalPairsFindings) -> Report:
    """Say what an audit of minimal pairs found: verdict, metrics, models, paradigms, worst pairs."""
    metrics = Metrics(_metrics(findings))
    scatter = scatter_chart(
        [findings],
        Paragraph(
            "Each dot is one seed: one model. The cross is the mean, its bars the 95\u00a0% intervals."
        ),
        Paragraph(
            "On the diagonal a model is as good on near misses as on shuffled words. Guessing is right half "
            "of the time; below that, it prefers the bad sentences."
        ),
    )
    lead = "Nothing to plot: no sentence has words that could be shuffled."
    if scatter is not None:
        lead = (
            "Does a model that knows its sentences from shuffled words also know them from what is almost "
            "right?"
        )
    charts = () if scatter is None else (scatter,)
    table = _paradigms(findings)
    # A name, and of each cell the mean alone.
    short = tuple(
        tuple(cell.text if isinstance(cell, Cell) else cell for cell in row)
        for row in table.select(0, 2, 3, 4, 6).rows
        if isinstance(row, tuple)
    )
    return Report(
        kind="Audit of minimal pairs",
        title=file_name(findings.data.path),
        subtitle=(
            f"{count(findings.data.rows)} pairs · {plural(len(findings.paradigms), 'paradigm')} · learner ",
            given(str(findings.learner["name"])),
            f" · {plural(len(findings.seeds), 'seed')}",
        ),
        top=(decision_block(findings), metrics),
        sections=(
            Section("Easy against near misses", charts, intro=lead),
            Section(
                "Paradigm by paradigm",
                (table, Paragraph(_LEGEND, "small")),
                intro="The least accurate first. Small figures are 95\u00a0% intervals.",
            ),
            Section("The pairs it gets most wrong", *_pairs(findings)),
        ),
        warnings=findings.warnings,
        method=method_section(
            findings,
            _facts(findings),
            _seed_columns(findings),
            "Accuracies × 100; of a paradigm, on its near misses",
        ),
        brief=(
            metrics,
            Table(
                (Column("Paradigm"), *numeric("near miss", "per token", "easy", "margin")),
                short,
                brief=_BRIEF,
            ),
        ),
        notebook=(*charts, metrics),
        footer=footer(findings),
    )


def _metrics(findings: MinimalPairsFindings) -> tuple[Metric, ...]:
    """Easy, near misses, gap and near misses per token, with intervals, counts and what each says."""
    why = "no sentence has words that could be shuffled"
    per_token = findings.per_token.near_miss
    shown = (
        ("Easy", findings.easy, "good sentence above its own words shuffled"),
        ("Near misses", findings.near_miss, "good sentence above the bad one"),
        ("Near-miss gap", findings.gap, "easy minus near-miss accuracy"),
        ("Near misses per token", per_token, "by log-probability per token, which spares long sentences"),
    )
    return tuple(
        measured(name, estimate, note, why, counted="choices", key=name == "Near-miss gap")
        for name, estimate, note in shown
    )


def _paradigms(findings: MinimalPairsFindings) -> Table:
    """All paradigms, the least accurate first."""

    def row(each: ParadigmFindings) -> tuple[Text | Cell, ...]:
        return (
            given(each.name),
            count(each.pairs),
            estimate_cell(each.near_miss),
            estimate_cell(each.near_miss_per_token),
            estimate_cell(each.easy),
            estimate_cell(each.gap, difference=True),
            estimate_cell(each.margin, 2),
            estimate_cell(each.pressure, 3),
            estimate_cell(each.bad_token, 4),
            NONE if each.median_rank is None else f"{each.median_rank:,.0f}",
        )

    names = ("pairs", "near misses", "per token", "easy", "gap, points", "margin, nats", "pressure")
    ordered = sorted(findings.paradigms, key=lambda each: each.near_miss.mean)
    return Table(
        (Column("paradigm"), *numeric(*names, "P(bad token)", "rank")),
        tuple(row(each) for each in ordered),
        label="Figures of each paradigm",
        style="dense",
    )


def _pairs(findings: MinimalPairsFindings) -> tuple[tuple[Block, ...], str]:
    lead = "There are none to show: every good sentence is preferred at every seed."
    if findings.pairs:
        lead = (
            "Of each paradigm the pair with the lowest margin, then the second, as far as there is room. "
            "Marked words are where the two sentences differ."
        )
    seeds = len(findings.seeds)
    everything = (
        "Every pair, with its shuffled twin, margins and the token where it parts, is in ",
        code("rows.parquet"),
        ".",
    )
    return (*(_pair(pair, seeds) for pair in findings.pairs), Paragraph(everything, "small")), lead


def _pair(pair: WrongMinimalPair, seeds: int) -> TextPair:
    said = [f"line {count(pair.line)}"]
    if seeds > 1:
        said.append(f"preferred by {share_of(pair.right, seeds)}")
    said.append(f"margin {decimal(pair.margin, 2)} nats")
    if pair.pressure is not None:
        said.append(f"pressure {pair.pressure:.3f}")
    caption: list[str | Span] = [given(pair.paradigm), f", {' · '.join(said)}"]
    if pair.parted is not None:
        good, bad = (given(f"“{token}”") for token in pair.parted)
        caption += [" · they part at ", good, " against ", bad]
    return TextPair(Side(pair.text, "good"), Side(pair.other_text, "bad"), caption=tuple(caption))


def _seed_columns(findings: MinimalPairsFindings) -> dict[str, Estimated | None]:
    return {
        "easy": findings.easy,
        "near misses": findings.near_miss,
        "gap": findings.gap,
        "both": findings.pair_consistency,
        "easy per token": findings.per_token.easy,
        "near misses per token": findings.per_token.near_miss,
        **{each.name: each.near_miss for each in findings.paradigms},
    }


def _facts(findings: MinimalPairsFindings) -> Iterator[tuple[str, str]]:
    paradigms = count(len(findings.paradigms))
    yield "Pairs", f"{findings.data.path}, {count(findings.data.rows)} of {paradigms} paradigms"
    yield "Columns", named_columns(findings)
