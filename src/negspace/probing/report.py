"""The report of a probe: an index of all fragments, and a page for each of those chosen."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from negspace.probing.findings import ProbeFindings
from negspace.probing.fragment_map import ColumnValues, columns_of, fragment_map
from negspace.probing.fragment_report import fragment_report, layer_chart, temperature_chart
from negspace.probing.report_sections import (
    HALF_GONE,
    agreement_table,
    check_sections,
    columns_table,
    correlation,
    fragments_section,
    map_chart,
    noise_sections,
    retention_chart,
    role_shares,
    volatile_sections,
)
from negspace.reports import blocks as b
from negspace.reports.numbers import count, file_name, measured, number, percent, plural, sentence


def probe_report(findings: ProbeFindings) -> b.Report:
    """Say where the corpus lies on each number, which fragments stand out, and how it was measured."""
    corpus, model, coverage = findings.corpus, findings.model, findings.coverage
    columns = columns_of(findings)
    warning = None if coverage is None else coverage.warning
    measures = [b.Details("Every metric over the corpus", (_spreads(findings),))] if findings.measures else []
    read = f"{plural(corpus.fragments, 'fragment')}, {count(corpus.tokens)} tokens; model "
    return b.Report(
        kind="Probe of a corpus",
        title=file_name(corpus.source),
        headline=b.Headline((read, b.given(model.name), f", {count(model.parameters)} parameters")),
        top=(b.Metrics(_metrics(findings, columns)),),
        sections=tuple(_sections(findings, columns)),
        warnings=None if warning is None else (warning,),
        method=b.Section("How it was measured", (b.Facts(tuple(_facts(findings))), *measures)),
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
    panels = []
    for each in findings.layers:
        unit = f"{each.unit}; " if each.unit else ""
        name, note = f"{each.probe}: {each.measure}", unit + plural(each.n, "fragment")
        lines = ((each.median, each.low, each.high),)
        if (chart := layer_chart(each.layers, lines, "Median", name, note)) is not None:
            panels.append(chart)
    if panels:
        intro = "From the embeddings to the head, as the text passes them. Line: median over fragments. "
        intro += "Band: 5 to 95\u00a0% of them."
        yield b.Section("Layers", (b.Panels(tuple(panels)),), intro=intro)
    if findings.temperature is not None:
        reading = "Where the probability goes when the softmax is made softer."
        note = f"Mean over {plural(findings.corpus.fragments, 'fragment')}; shares of the probability"
        note += ", which sum to 100\u00a0%."
        if (curve := temperature_chart(findings.temperature, reading, note)) is not None:
            yield b.Section("Temperature", (curve,))
    if (retention := retention_chart(findings)) is not None:
        yield b.Section("Retention", (retention,))
    yield from noise_sections(findings)
    yield from volatile_sections(findings)
    if findings.agreement:
        intro = "Gradients cover the whole corpus; exact steps only a sample. Where the two rank it alike, "
        intro += "the gradients can be believed on the rest."
        title = "How well first order predicts the exact steps"
        yield b.Section(title, (agreement_table(findings),), intro=intro)
    yield from check_sections(findings)
    if missing := tuple(_missing(findings)):
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


def _missing(findings: ProbeFindings) -> Iterator[tuple[str, str]]:
    """What the page would show had it been measured: name, and what it takes."""
    for name, part, takes in (
        ("Roles", findings.roles, "the probe role"),
        ("Layers", findings.layers, "the probe gradient, step or volatility"),
        ("Temperature", findings.temperature, "the probe pressure"),
        ("Retention", findings.retention, "the probe retention"),
        ("Gradient noise scale", findings.noise_scale, "the probe gradient"),
        ("Tokens that move, tokens that stay", findings.volatile, "the probe volatility"),
        ("First order against exact steps", findings.agreement, "the probes gradient and step"),
        ("Coverage", findings.coverage, "the probe gradient"),
        ("Check of the gradients", findings.check, "--check"),
    ):
        if part in (None, ()):
            yield name, f"takes {takes}"


def _facts(findings: ProbeFindings) -> Iterator[tuple[b.Text, b.Text]]:
    """What was probed with what, and how."""
    corpus, model, reference = findings.corpus, findings.model, findings.reference
    settings, training = findings.settings, findings.model.training
    yield "Corpus", corpus.source
    length = f"{count(corpus.fragments)} of at most {count(corpus.fragment_tokens)} tokens"
    whole = f"{count(corpus.tokens)} tokens, {count(corpus.characters)} characters"
    yield "Fragments", f"{length}; {whole}"
    yield "Notes", " ".join(sentence(note) for note in corpus.notes)
    size = f"{count(model.parameters)} parameters, context {count(model.context)} tokens"
    runs = f"{model.dtype} on {model.device}"
    yield "Model", f"{model.name}: {size}, vocabulary {count(model.vocabulary)}, {runs}"
    yield "Layers", ", ".join(model.layers)
    trained = "not trained here"
    if training is not None:
        steps = f"{count(training.steps)} steps of {count(training.batch_tokens)} tokens"
        trained = f"{steps}; checkpoints at {', '.join(map(count, training.checkpoints))}"
    yield "Training", trained
    held = f"{plural(reference.fragments, 'fragment')}, {count(reference.tokens)} tokens"
    yield "Reference", f"{reference.source}: {held}"
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
    rows: list[tuple[b.Text | b.Cell, ...]] = []
    for each in findings.measures:
        metric = b.Cell(b.given(each.measure), under=(each.unit,) if each.unit else ())
        values = (each.mean, each.sd, each.low, each.quarter, each.median, each.three_quarters, each.high)
        rows.append((b.given(each.probe), metric, count(each.n), *map(measured, values)))
    return b.Table(("probe", "metric", *heads), tuple(rows), label="Every metric", style="dense", head=1)


def _brief(findings: ProbeFindings, columns: Mapping[str, ColumnValues]) -> Iterator[b.Block]:
    """What the terminal shows: where the corpus lies, roles, agreement, notes."""
    if columns:
        yield columns_table(columns, brief=True)
    if findings.roles is not None:
        yield next(role_shares(findings))
    if findings.agreement:
        rows = tuple(
            ((b.given(a.first_order), " -> ", b.given(a.exact)), correlation(a.spearman, "-"), count(a.n))
            for a in findings.agreement
        )
        yield b.Table(("first order predicts the exact", *b.numeric("Spearman", "fragments")), rows)
    if findings.retention is not None and (half := number(findings.retention.half_life)) is not None:
        yield b.Paragraph(f"Half of the own gain{HALF_GONE.format(measured(half))}")
    if findings.corpus.notes:
        yield b.Facts(tuple(("Note", sentence(note)) for note in findings.corpus.notes))
