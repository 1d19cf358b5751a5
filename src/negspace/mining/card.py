"""The card of a mined data set: what it is made of, how, and what is known of its false negatives."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from negspace.data import card_header, code_span
from negspace.mining.findings import Findings
from negspace.mining.formats import FORMATS
from negspace.reports.numbers import file_name


def render_card(findings: Findings) -> str:
    """Write the card: Markdown with a YAML header.

    The user's own words stand in it as code, so that none is markup.
    """
    output, data = findings.output, findings.data
    header = card_header(rows=output.rows, tags=("negspace", "hard-negatives", data.kind))
    parts = [header, *_intro(findings), *_parameters(findings), *_control(findings)]
    if findings.warnings:
        parts += ["\n## Warnings\n", *(f"- {warning}." for warning in findings.warnings)]
    return "\n".join(parts) + "\n"


def _intro(findings: Findings) -> Iterator[str]:
    output, data = findings.output, findings.data
    yield "# Mined near misses\n"
    yield f"{output.rows:,} rows with {output.negatives:,} negatives for {data.anchors:,} anchors of"
    yield f"{code_span(file_name(data.path))} ({data.kind}). A row is {output.a_row_is}."
    yield f"For {FORMATS[output.format].trains}.\n"
    yield "```python"
    yield "import datasets"
    yield ""
    yield "rows = datasets.load_from_disk(FOLDER)['train']  # or datasets.load_dataset(FOLDER)"
    yield "```\n"
    yield "`provenance.parquet` says of every negative where it came from; `output_row` counts rows from 0."
    yield f"`mined.json` has all of this as data. Made by negspace {findings.version}.\n"


def _parameters(findings: Findings) -> Iterator[str]:
    data = findings.data
    yield "## Parameters\n"
    rows: list[tuple[str, str]] = [(name, _value(value)) for name, value in findings.settings.items()]
    for source in findings.sources:
        rows += [(f"{source['source']}: {key}", _value(v)) for key, v in source.items() if key != "source"]
    rows += [(f"file: {code_span(file_name(path))}", f"{count:,} rows") for path, count in data.files.items()]
    rows += [(f"column: {role}", code_span(name)) for role, name in data.columns.items()]
    rows.append(("data fingerprint", f"`{data.fingerprint}`"))
    yield from _table(("parameter", "value"), rows)


def _control(findings: Findings) -> Iterator[str]:
    control = findings.control
    yield "\n## False negatives\n"
    if control.classes_known:
        yield "Share of hits that have the anchor's own class: among the nearest, unfiltered; after the rules"
        yield "below, had the classes not been known; and in this data set.\n"
        head = ("source", "unfiltered", "by rules alone", "here")
        same = [
            (each.source, *("–" if share is None else f"{100 * share:.1f} %" for share in shares))
            for each in control.same_class
            for shares in [(each.before, each.by_rules, each.after)]
        ]
        yield from _table(head, same)
    else:
        yield "Classes are not known, so same-class hits cannot be counted."
    if control.dropped:
        yield "\nWhat each rule dropped, each candidate counted at the first rule that drops it:\n"
        drops = [
            (each.source, each.what, _value(each.limit), f"{each.dropped:,} of {each.of:,}")
            for each in control.dropped
        ]
        yield from _table(("source", "rule", "limit", "dropped"), drops)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    for row in (head, ["---"] * len(head), *rows):
        yield "| " + " | ".join(row) + " |"


def _value(value: object) -> str:
    if value is None:
        return "–"
    if isinstance(value, dict):
        return ", ".join(f"{key} = {_value(each)}" for key, each in value.items())
    if isinstance(value, list):
        return ", ".join(_value(each) for each in value)
    return code_span(str(value))
