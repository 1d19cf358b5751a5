"""The report of an audit of labelled texts: from its findings to blocks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from negspace.audits.findings import AuditFindings, Estimated, RoleExample, WrongPair
from negspace.audits.shared_blocks import (
    chance,
    curve_chart,
    decision_block,
    estimate_cell,
    footer,
    measured,
    method_section,
    named_columns,
    scatter_chart,
    worth,
)
from negspace.reports.blocks import (
    Block,
    Cell,
    Chart,
    Column,
    Details,
    Facts,
    Metric,
    Metrics,
    Paragraph,
    Quote,
    Report,
    Section,
    Share,
    Shares,
    Side,
    Span,
    Table,
    Text,
    TextPair,
    code,
    given,
    numeric,
    soft,
)
from negspace.reports.charts import draw_with
from negspace.reports.numbers import NONE, count, file_name, interval, percent, plural, sentence, share_of

_SOURCES: Mapping[str, str] = {
    "given": "the contrast set that was given",
    "group": "test rows of one group with different labels",
    "mined": "nearest held-out rows of another label, found by negspace",
}
_ROLES: Mapping[str, tuple[str, str]] = {
    "boundary": ("accent", "has a near miss of another label in the set, and so shows where the labels part"),
    "redundant": (
        "series-2",
        "has near-duplicates of its own label and no near miss, and so says little new",
    ),
    "suspect": ("warn", "is likely mislabelled: models that never saw it disagree with its label"),
    "plain": ("line", "is none of these"),
}
_LABELS_NAMED = 12


def audit_report(findings: AuditFindings) -> Report:
    """Say what an audit of labelled texts found: verdict, metrics, seeds, curve, worst pairs, roles."""
    data, metrics = findings.data, Metrics(headline_metrics(findings))
    scatter = _seeds_chart(findings, metrics)
    return Report(
        kind="Audit of a training set",
        title=file_name(data.path),
        subtitle=(
            f"{count(data.rows)} rows · {count(len(data.labels))} labels · learner ",
            given(str(findings.learner["name"])),
            f" · {plural(len(findings.seeds), 'seed')}",
        ),
        top=(
            decision_block(findings),
            metrics,
            *(Paragraph(f"{name} {said}.", "small") for name, said in _another(findings)),
            *_suspects(findings),
        ),
        sections=(
            Section("Easy against near misses", *scatter),
            Section("Towards the boundary", *_curve(findings)),
            Section("The near misses it gets most wrong", *_pairs(findings)),
            Section("What the training rows do", *_roles(findings)),
            Section("Invariance and calibration", *_invariance(findings)),
            *_further(findings),
        ),
        warnings=findings.warnings,
        method=method_section(findings, _facts(findings), _seed_columns(findings), "Values × 100"),
        brief=(
            metrics,
            Facts(
                (
                    *_another(findings),
                    ("Rows", ", ".join(f"{role} {count(findings.roles[role])}" for role in findings.roles)),
                )
            ),
        ),
        notebook=(*scatter[0], metrics),
        footer=footer(findings),
    )


def _another(findings: AuditFindings) -> tuple[tuple[str, str], ...]:
    if findings.another_training_set is None:
        return ()
    gap = f"of this size: a gap of about {interval(findings.another_training_set)} points"
    return (("Another training set", gap),)


def headline_metrics(findings: AuditFindings) -> tuple[Metric, ...]:
    """Easy, near-miss, gap and pair consistency, with intervals, counts and what each says."""
    near_why = "the test rows hold no near misses"
    easy_why = "every test row has a near miss, so there is nothing easy to compare with"
    if findings.near_miss is None:
        easy_why = "there are no test rows to measure it on"
    no_gap = easy_why if findings.easy is None else near_why
    return (
        measured("Easy", findings.easy, "right on test rows far from the boundary", easy_why),
        measured("Near misses", findings.near_miss, f"right on {_source(findings)}", near_why),
        measured("Near-miss gap", findings.gap, "easy minus near-miss accuracy", no_gap, key=True),
        measured(
            "Pair consistency",
            findings.pair_consistency,
            "both sides of a pair right",
            near_why,
            counted="pairs",
        ),
    )


def _source(findings: AuditFindings) -> str:
    source = "" if findings.near_miss is None else findings.near_miss.source
    return _SOURCES.get(source, source)


def _suspects(findings: AuditFindings) -> Iterator[Block]:
    left_out = findings.left_out
    if left_out.near_miss_suspects:
        said = f"{count(left_out.near_miss_suspects)} near misses that look mislabelled are left out"
        if left_out.near_miss_mean_with_them is not None:
            said += f"; with them near-miss accuracy would be {percent(left_out.near_miss_mean_with_them)}"
        yield Paragraph(f"{said}.", "small")


def _seeds_chart(findings: AuditFindings, metrics: Metrics) -> tuple[tuple[Block, ...], str]:
    """Easy against near misses; where one is missing, what was measured."""
    guess = chance(findings)
    scatter = scatter_chart(
        [findings],
        Paragraph(
            "Each dot is one seed: the learner fitted once more. The cross is the mean over seeds, its bars "
            "the 95\u00a0% intervals."
        ),
        Paragraph(
            "On the diagonal a model is as good on near misses as on easy rows. The further below it, the "
            "more it relies on what near misses take away."
        ),
        *(
            ()
            if guess is None
            else [Paragraph(f"Guessing evenly among the labels is right {percent(guess)} of the time.")]
        ),
    )
    if scatter is not None:
        return (scatter,), (
            "Does a model that is right on ordinary rows stay right when a row comes close to another label?"
        )
    rows = tuple(
        (said, estimate)
        for said, estimate in (
            ("near misses", findings.near_miss),
            ("pairs", findings.pair_consistency),
            ("easy rows", findings.easy),
        )
        if estimate is not None
    )
    if not rows:
        return (), "Nothing to plot: neither easy rows nor near misses could be measured."
    means = "; ".join(f"{said} {percent(estimate.mean)}" for said, estimate in rows)
    missing = [item for item in metrics.items if item.missing]
    strip = Chart(
        f"Share right, every seed a dot; means: {means}.",
        draw_with("negspace.audits.charts", "seed_strip", rows),
        notes=(
            Paragraph("Each dot is one seed. Below them the mean over seeds with its 95\u00a0% interval."),
            *(Paragraph(f"{item.name}: {str(item.note)[0].lower()}{str(item.note)[1:]}") for item in missing),
        ),
    )
    return (strip,), (
        "One of the two sides is missing, so there is no gap to plot. What was measured, seed by seed:"
    )


def _curve(findings: AuditFindings) -> tuple[tuple[Block, ...], str]:
    chart = curve_chart(
        [findings],
        Paragraph(sentence(findings.curve_reading), "reading"),
        Paragraph(
            "Left is nearer the boundary. Each step is a band of test rows with its 95\u00a0% interval; the "
            "bars below count them."
        ),
    )
    if chart is None:
        return (), f"No curve was drawn. {sentence(findings.curve_reading)}"
    table = Table(
        (Column("distance"), *numeric("rows", "accuracy", "95\u00a0% interval")),
        tuple(
            (
                f"{band.low:.3f} to {band.high:.3f}",
                count(band.n),
                percent(band.mean),
                interval(band.ci) or NONE,
            )
            for band in findings.curve
        ),
        label="Numbers of the boundary curve",
        style="dense",
    )
    blocks = (chart, Details("The numbers of the curve", (table,)))
    return blocks, "Accuracy by how close the nearest row of another label is."


def _pairs(findings: AuditFindings) -> tuple[tuple[Block, ...], str]:
    if not findings.pairs:
        why = "the test rows hold no near misses"
        if findings.near_miss is not None:
            why = "no near miss comes with a partner to compare it with"
        return (), f"There are none to show: {why}."
    seeds = len(findings.seeds)
    pairs = tuple(_pair(pair, place, seeds) for place, pair in enumerate(findings.pairs, start=1))
    return pairs, (
        f"Near misses are {_source(findings) or 'test rows close to another label'}. Marked words are where "
        "the two texts differ; long texts are shortened to the surroundings of what differs."
    )


def _pair(pair: WrongPair, place: int, seeds: int) -> TextPair:
    apart = "" if pair.distance is None else f" · cosine distance {pair.distance:.2f}"
    return TextPair(
        Side(pair.text, given(pair.label), f"right in {share_of(pair.right, seeds)}"),
        Side(pair.other_text, given(pair.other_label), f"right in {share_of(pair.other_right, seeds)}"),
        caption=f"Pair {place}{apart}",
        full=f"Full texts of pair {place}",
    )


def _roles(findings: AuditFindings) -> tuple[tuple[Block, ...], str]:
    roles = findings.roles
    total = sum(roles.values())
    if not total:
        return (), "The training rows were not sorted into roles."
    names = [*(role for role in _ROLES if role in roles), *(role for role in roles if role not in _ROLES)]
    parts = []
    for name in names:
        colour, meaning = _ROLES.get(name, ("line", ""))
        share = roles[name] / total
        parts.append(Share(name, count(roles[name]), share, percent(share), colour, meaning))
    blocks: list[Block] = [Shares(tuple(parts), ("role", "rows", "share"), "Share of each role")]
    for name in names:
        if examples := findings.role_examples.get(name):
            shown = tuple(_role_example(example) for example in examples)
            blocks.append(Details(f"Examples: {name}", shown))
    blocks.append(
        Paragraph(
            (
                "Every row, with its role, reason, neighbour and label quality, is in ",
                code("rows.parquet"),
                ".",
            ),
            "small",
        )
    )
    return tuple(blocks), (
        "Each training row has one role. Rows of the boundary are the ones to keep: they look like errors to "
        "a quick cleaning and are what teaches the model where labels part."
    )


def _role_example(example: RoleExample) -> TextPair | Quote:
    why: list[str | Span] = [f"Line {count(example.line)}: ", given(sentence(example.reason))]
    if example.distance is not None:
        why.append(soft(f" (distance {example.distance:.2f})"))
    if example.neighbour_text is None:
        return Quote(example.text, given(example.label), above=tuple(why))
    return TextPair(
        Side(example.text, given(example.label), "this row"),
        Side(
            example.neighbour_text,
            NONE if example.neighbour_label is None else given(example.neighbour_label),
            "its neighbour",
        ),
        caption=tuple(why),
        tight=True,
    )


def _invariance(findings: AuditFindings) -> tuple[tuple[Block, ...], str]:
    blocks: list[Block] = []
    lead = "Invariance was not measured."
    if findings.invariance:
        lead = (
            "Variations that leave the label as it is should leave the answer as it is. Small figures are "
            "95\u00a0% intervals."
        )
        rows = []
        for each in findings.invariance:
            what = each.what if each.left_out is None else each.left_out
            name = (f"{each.variation} ", Span(what, "small"))
            value, n = Cell("left out", tone="soft"), Cell(NONE, tone="soft")
            if each.estimate is not None:
                value, n = estimate_cell(each.estimate), Cell(count(each.estimate.n) + worth(each.estimate))
            rows.append((name, value, n))
        columns = (Column("variation"), *numeric("answer unchanged", "rows"))
        blocks.append(Table(columns, tuple(rows), label="Invariance"))
    measured_too = tuple(_calibration(findings))
    if measured_too:
        also = ", and for unbalanced labels" if findings.data.unbalanced else ""
        blocks.append(
            Table((Column("metric"), *numeric("mean")), measured_too, caption=f"On near misses{also}")
        )
        confidence = findings.calibration.confidence
        if findings.near_miss is not None and confidence is not None:
            blocks.append(
                Paragraph(
                    f"On near misses the model is {percent(confidence.mean)} sure of its answers and "
                    f"{percent(findings.near_miss.mean)} right."
                )
            )
    else:
        blocks.append(
            Paragraph(
                "Calibration was not measured: the learner gives no probabilities, or there are no near "
                "misses."
            )
        )
    return tuple(blocks), lead


def _calibration(findings: AuditFindings) -> Iterator[tuple[Text, Cell]]:
    """What else was measured on near misses: name with its meaning, value with its interval."""
    calibration, f1 = findings.calibration, findings.macro_f1
    for name, estimate, meaning in (
        ("Mean confidence", calibration.confidence, "how sure the model is of its answers, right or wrong"),
        ("Calibration error", calibration.ece, "how far confidence and accuracy part (0 is best)"),
        ("Brier score", calibration.brier, "squared error of the probabilities (0 is best)"),
        ("Macro-F1, easy", f1.easy, "F1 averaged over labels, as they are unbalanced"),
        ("Macro-F1, near misses", f1.near_miss, "the same, on near misses"),
    ):
        if estimate is not None:
            cell = estimate_cell(estimate, None if estimate is calibration.confidence else 3)
            yield (f"{name} ", Span(meaning, "small")), cell


def _further(findings: AuditFindings) -> Iterator[Section]:
    """The section of metrics that were asked for by name, if there are any."""
    if findings.metrics:
        rows = tuple((name, estimate_cell(each, 3)) for name, each in findings.metrics.items())
        table = Table((Column("metric"), *numeric("mean")), rows, label="Further metrics")
        yield Section("Further metrics", (table,), intro="Small figures are 95\u00a0% intervals.")


def _seed_columns(findings: AuditFindings) -> dict[str, Estimated | None]:
    calibration, f1 = findings.calibration, findings.macro_f1
    return {
        "easy": findings.easy,
        "near misses": findings.near_miss,
        "gap": findings.gap,
        "pair consistency": findings.pair_consistency,
        "confidence": calibration.confidence,
        "calibration error": calibration.ece,
        "Brier score": calibration.brier,
        "macro-F1 easy": f1.easy,
        "macro-F1 near misses": f1.near_miss,
    }


def _facts(findings: AuditFindings) -> Iterator[tuple[str, str]]:
    data, test = findings.data, findings.data.test
    yield "Training data", f"{data.path}, {count(data.rows)} rows"
    yield "Columns", named_columns(findings)
    labels = sorted(data.labels.items(), key=lambda item: (-item[1], item[0]))
    said = ", ".join(f"{label} ({count(n)})" for label, n in labels[:_LABELS_NAMED])
    more = len(labels) - _LABELS_NAMED
    yield "Labels", said + (f" and {more} more" if more > 0 else "")
    if data.groups is not None:
        source = "found as near-duplicates" if data.groups_source == "found" else "given"
        yield "Groups", f"{count(data.groups)}, {source}"
    yield "Test rows", f"{count(test.rows)}, {test.how}" + (f": {test.path}" if test.path else "")
    if data.near_miss_file is not None:
        yield "Near-miss file", f"{data.near_miss_file.path}, {count(data.near_miss_file.rows)} rows"
