"""The report of a probe: an index of all fragments, and a page for each of those chosen."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from negspace.probing.findings import ProbeFindings
from negspace.probing.fragment_map import ColumnValues, columns_of, fragment_map
from negspace.probing.fragment_report import fragment_report, temperature_chart
from negspace.probing.report_sections import (
    agreement_table,
    check_sections,
    columns_table,
    fragments_section,
    layer_panel,
    map_chart,
    noise_sections,
    retention_chart,
    role_shares,
    volatile_sections,
)
from negspace.reports import blocks as b
from negspace.reports.numbers import NONE, count, file_name, measured, number, percent, plural, sentence


def probe_report(findings: ProbeFindings) -> b.Report:
    """Say where the corpus lies on each number, which fragments stand out, and how it was measured."""
    corpus, model, coverage = findings.corpus, findings.model, findings.coverage
    title, columns = file_name(corpus.source), columns_of(findings)
    warning = None if coverage is None else coverage.warning
    fragments = plural(corpus.fragments, "fragment")
    return b.Report(
        kind="Probe of a corpus",
        title=title,
        headline=b.Headline(
            (
                f"{fragments}, {count(corpus.tokens)} tokens; model ",
                b.given(model.name),
                f", {count(model.parameters)} parameters",
            )
        ),
        top=(b.Metrics(_metrics(findings, columns)),),
        sections=tuple(_sections(findings, columns)),
        warnings=None if warning is None else (warning,),
        method=b.Section(
            "How it was measured",
            (
                b.Facts(tuple(_facts(findings))),
                *(
                    [b.Details("Every metric over the corpus", (_spreads(findings),))]
                    if findings.measures
                    else []
                ),
            ),
        ),
        brief=tuple(_brief(findings, columns)),
        footer=(f"negspace {findings.version} · everything here comes from ", b.code("probe.json")),
        pages={each.page: fragment_report(findings, each, columns) for each in findings.chosen},
    )


def _sections(findings: ProbeFindings, columns: Mapping[str, ColumnValues]) -> Iterator[b.Section]:
    """The body: roles first, as they say most."""
    if findings.roles is not None:
        yield b.Section("Roles", tuple(role_shares(findings)), intro=sentence(findings.roles.rule))
    if (placed := fragment_map(findings, columns)) is not None:
        across, up = placed.across.column.name, placed.up.column.name
        title = f"{across[0].upper()}{across[1:]} against {'retention' if placed.wanted else up}"
        yield b.Section(title, (map_chart(findings, placed),))
    yield fragments_section(findings, columns)
    panels = tuple(
        chart for at, each in enumerate(findings.layers) if (chart := layer_panel(each)) is not None
    )
    if panels:
        intro = (
            "From the embeddings to the head, as the text passes them. Line: median over fragments. Band: 5 "
            "to 95\u00a0% of them."
        )
        yield b.Section("Layers", (b.Panels(panels),), intro=intro)
    if findings.temperature is not None:
        curve = temperature_chart(
            findings.temperature,
            "Where the probability goes when the softmax is made softer.",
            f"Mean over {plural(findings.corpus.fragments, 'fragment')}; shares of the probability, which "
            "sum to 100\u00a0%.",
        )
        if curve is not None:
            yield b.Section("Temperature", (curve,))
    if (retention := retention_chart(findings)) is not None:
        yield b.Section("Retention", (retention,))
    yield from noise_sections(findings)
    yield from volatile_sections(findings)
    if findings.agreement:
        intro = (
            "Gradients cover the whole corpus; exact steps only a sample. Where the two rank it alike, the "
            "gradients can be believed on the rest."
        )
        yield b.Section(
            "How well first order predicts the exact steps", (agreement_table(findings),), intro=intro
        )
    yield from check_sections(findings)
    missing = tuple((name, f"takes {takes}") for name, takes in _missing(findings))
    if missing:
        yield b.Section("Not measured", (b.Facts(missing),))


def _metrics(findings: ProbeFindings, columns: Mapping[str, ColumnValues]) -> tuple[b.Metric, ...]:
    """How much was read, how surprised the model is, how hard it is pulled, how much of it was measured."""
    corpus, model, coverage = findings.corpus, findings.model, findings.coverage
    found = [b.Metric("Fragments", count(corpus.fragments), note=f"{count(corpus.tokens)} tokens")]
    for name in ("loss", "effective competitors", "gradient norm"):
        column = columns.get(name)
        if column is not None and column.quantiles:
            low, middle, high = map(measured, column.quantiles)
            unit = f"; {column.unit}" if column.unit else ""
            note = f"5 to 95\u00a0% of {count(column.n)}: {low} to {high}{unit}"
            found.append(b.Metric(f"{name.capitalize()}, median", middle, note=note))
    if coverage is not None:
        found.append(b.Metric("Parameters measured", percent(coverage.share), note="in gradients"))
    found += [
        b.Metric("Parameters", count(model.parameters), note="of the model"),
        b.Metric("Layers", count(len(model.layers)), note="embeddings and last norm among them"),
        b.Metric("Context", count(model.context), note="tokens that the model can read"),
    ]
    # A row of four, whatever was measured.
    return tuple(found[:4])


def _missing(findings: ProbeFindings) -> list[tuple[str, str]]:
    """What the page would show had it been measured: name, and what it takes."""
    parts = (
        ("Roles", findings.roles is None, "the probe role"),
        ("Layers", not findings.layers, "the probe gradient, step or volatility"),
        ("Temperature", findings.temperature is None, "the probe pressure"),
        ("Retention", findings.retention is None, "the probe retention"),
        ("Gradient noise scale", findings.noise_scale is None, "the probe gradient"),
        ("Tokens that move, tokens that stay", findings.volatile is None, "the probe volatility"),
        ("First order against exact steps", not findings.agreement, "the probes gradient and step"),
        ("Coverage", findings.coverage is None, "the probe gradient"),
        ("Check of the gradients", findings.check is None, "--check"),
    )
    return [(name, takes) for name, absent, takes in parts if absent]


def _facts(findings: ProbeFindings) -> Iterator[tuple[b.Text, b.Text]]:
    """What was probed with what, and how."""
    corpus, model, reference = findings.corpus, findings.model, findings.reference
    settings, training = findings.settings, findings.model.training
    yield "Corpus", corpus.source
    yield (
        "Fragments",
        f"{count(corpus.fragments)} of at most {count(corpus.fragment_tokens)} tokens; "
        f"{count(corpus.tokens)} tokens, {count(corpus.characters)} characters",
    )
    yield "Notes", " ".join(sentence(note) for note in corpus.notes)
    yield (
        "Model",
        f"{model.name}: {count(model.parameters)} parameters, context {count(model.context)} tokens, "
        f"vocabulary {count(model.vocabulary)}, {model.dtype} on {model.device}",
    )
    yield "Layers", ", ".join(model.layers)
    yield (
        "Training",
        "not trained here"
        if training is None
        else f"{count(training.steps)} steps of {count(training.batch_tokens)} tokens; "
        f"checkpoints at {', '.join(count(step) for step in training.checkpoints)}",
    )
    yield (
        "Reference",
        f"{reference.source}: {plural(reference.fragments, 'fragment')}, {count(reference.tokens)} tokens",
    )
    yield "Probes", ", ".join(settings.probes)
    yield "Seed", str(settings.seed)
    yield "Sample", f"{plural(settings.sample, 'fragment')} for the exact steps"
    if settings.step_size is not None:
        chosen = settings.step_size_chosen
        yield "Step size", measured(settings.step_size) + (f": {chosen}" if chosen else "")
    yield "Hash of the run", findings.key
    yield "negspace", findings.version


def _spreads(findings: ProbeFindings) -> b.Table:
    heads = b.numeric("n", "mean", "sd", "5\u00a0%", "25\u00a0%", "median", "75\u00a0%", "95\u00a0%")
    rows: tuple[tuple[b.Text | b.Cell, ...], ...] = tuple(
        (
            b.given(each.probe),
            b.Cell(b.given(each.measure), under=(each.unit,) if each.unit else ()),
            count(each.n),
            measured(each.mean),
            measured(each.sd),
            *map(measured, (each.low, each.quarter, each.median, each.three_quarters, each.high)),
        )
        for each in findings.measures
    )
    return b.Table(("probe", "metric", *heads), rows, label="Every metric", style="dense", head=1)


def _brief(findings: ProbeFindings, columns: Mapping[str, ColumnValues]) -> Iterator[b.Block]:
    """What the terminal shows: where the corpus lies, roles, agreement, notes."""
    if columns:
        yield columns_table(columns, brief=True)
    if findings.roles is not None:
        yield next(role_shares(findings))
    if findings.agreement:
        rows = tuple(
            (
                (b.given(each.first_order), " -> ", b.given(each.exact)),
                NONE if each.spearman is None else f"{each.spearman:.2f}",
                count(each.n),
            )
            for each in findings.agreement
        )
        yield b.Table(("first order predicts the exact", *b.numeric("Spearman", "fragments")), rows)
    if findings.retention is not None and (half := number(findings.retention.half_life)) is not None:
        yield b.Paragraph(
            f"Half of the own gain is gone after {measured(half)} steps on others, at the median."
        )
    if findings.corpus.notes:
        yield b.Facts(tuple(("Note", sentence(note)) for note in findings.corpus.notes))
