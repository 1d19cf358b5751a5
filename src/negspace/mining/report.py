"""What a mining run shows of its findings: blocks of a report, their chart, and the card of the data set."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from functools import partial

from markupsafe import Markup

from negspace.data import card_header, code_span
from negspace.mining.findings import Example, Findings, Scores
from negspace.mining.formats import FORMATS
from negspace.records import Json
from negspace.reports import blocks as b
from negspace.reports.numbers import NONE, count, file_name, percent


def mining_report(findings: Findings) -> b.Report:
    """Say what was mined: rows, false-negative control, scores, the hardest negatives, how it was made."""
    data, output, anchors = findings.data, findings.output, findings.anchors
    sources = ", ".join(str(source["source"]) for source in findings.sources)
    same = _same_class(findings) if findings.control.same_class else None
    hardest = (
        "Negatives that score highest against the positive of their anchor. Look here first: what means the "
        "same as its anchor is no negative. Marked words are where the two texts differ."
    )
    return b.Report(
        kind="Mined near misses",
        title=file_name(data.path),
        headline=b.Headline(
            f"{count(output.rows)} rows with {count(output.negatives)} negatives "
            f"for {count(anchors.all)} anchors"
        ),
        subtitle=f"{count(data.anchors)} anchors · {count(data.corpus)} rows searched · "
        f"{sources} · {output.format}",
        top=(b.Metrics(_metrics(findings)),),
        sections=(
            b.Section("False negatives", tuple(_control(findings, same)), intro=_on_control(findings)),
            b.Section("Scores", tuple(_scores(findings, *each) for each in findings.scores.items())),
            b.Section(
                "The hardest",
                tuple(_pair(example) for example in findings.examples),
                intro=hardest if findings.examples else "None.",
            ),
        ),
        warnings=findings.warnings,
        method=b.Section("How it was made", (b.Facts(tuple(_facts(findings))),)),
        brief=tuple(_brief(findings, same)),
        footer=(f"negspace {findings.version} · everything here comes from ", b.code("mined.json")),
    )


def _metrics(findings: Findings) -> tuple[b.Metric, ...]:
    output, anchors, control = findings.output, findings.anchors, findings.control
    served = anchors.all - anchors.without_positive - anchors.without_negatives
    found = (
        b.Metric("Rows written", count(output.rows), note=output.a_row_is),
        b.Metric(
            "Anchors with negatives",
            percent(served / anchors.all),
            note=f"{count(served)} of {count(anchors.all)}",
        ),
    )
    if not control.same_class:
        why = "classes are not known" if not control.classes_known else "no row was searched for"
        return (*found, b.Metric("Same-class hits", NONE, note=why, missing=True))
    first = control.same_class[0]
    by_rules = "" if first.by_rules is None else f"; by the rules alone {percent(first.by_rules)}"
    return (
        *found,
        b.Metric(
            "Same-class, unfiltered",
            percent(first.before),
            note=f"of the nearest by {first.source} share their anchor's class, were nothing filtered",
            key=True,
        ),
        b.Metric("Same-class, here", percent(first.after), note=f"in this data set{by_rules}"),
    )


def _on_control(findings: Findings) -> str:
    if findings.control.classes_known and findings.control.same_class:
        return (
            "A hit of the anchor's own class is no negative. Unfiltered: among the nearest rows that are "
            "left when the anchor and its positive are set aside. By rules alone: had the classes not been "
            "known."
        )
    if findings.edits is not None and not set(findings.scores) - {"edits"}:
        return "Every negative is an edit that a verifier proved to be invalid."
    return (
        "Classes are not known, so nobody can count how many hits are negatives in name only. Margins and "
        "scores keep them down."
    )


def _same_class(findings: Findings) -> b.Table:
    heads = b.numeric("unfiltered", "by rules alone", "here", "anchors served by rules alone")
    rows = tuple(
        (
            each.source,
            *map(percent, (each.before, each.by_rules, each.after)),
            count(each.anchors_full_by_rules),
        )
        for each in findings.control.same_class
    )
    return b.Table((b.Column("source"), *heads), rows, label="Same-class hits")


def _control(findings: Findings, same: b.Table | None) -> Iterator[b.Block]:
    control = findings.control
    if control.classes_known and same is not None:
        yield same
    if control.dropped:
        yield b.Table(
            (b.Column("source"), b.Column("candidates that are"), *b.numeric("limit", "dropped", "of all")),
            tuple(
                (
                    each.source,
                    each.what,
                    NONE if each.limit is None else f"{each.limit:g}",
                    count(each.dropped),
                    percent(each.dropped / each.of) if each.of else NONE,
                )
                for each in control.dropped
            ),
            caption="What each rule dropped, each candidate counted at the first rule that drops it",
        )
    if (edits := findings.edits) is not None:
        kept, tried, unknown, originals = (
            count(edits.get(key, 0)) for key in ("kept", "tried", "unknown", "originals")
        )
        not_proven = count(edits.get("not_valid", 0) + edits.get("not_known", 0))
        yield b.Paragraph(
            f"{kept} of {tried} edits that were tried are proven near misses; of {unknown} the verifier "
            f"could not tell. {not_proven} of {originals} originals were not proven valid."
        )


def _scores(findings: Findings, name: str, scores: Scores) -> b.Chart:
    negatives, positives = scores.negatives, scores.positives
    what = {str(source["source"]): str(source["score"]) for source in findings.sources}
    said = f"{count(negatives.n)} negatives, mean {negatives.mean:.3f}"
    alt, filled = f"Scores of {said}", f"Filled: {said}."
    if positives is not None:
        said = f"{count(positives.n)} positives, mean {positives.mean:.3f}"
        alt += f", and of {said}"
        filled += f" Line: {said}, the lowest of each anchor."
    return b.Chart(
        f"{alt}.",
        partial(draw_scores, scores),
        notes=(
            b.Paragraph(f"{name}: {what[name]}.", "reading"),
            b.Paragraph(f"{filled} Each is drawn as a share of its own number; dotted lines are the means."),
        ),
    )


def draw_scores(scores: Scores, name: str, label: str) -> Markup:
    """Draw scores of negatives and positives over common bins, each as a share of its own number."""
    import numpy as np

    from negspace.reports.svg import ACCENT, SOFT, WARN, canvas, drawing, inline_svg

    edges = np.array(scores.edges)
    tips = {}
    with drawing():
        figure, axes = canvas(368, 220, (56, 44, 300, 168))
        for some in filter(None, (scores.negatives, scores.positives)):
            heights = np.array(some.histogram) / max(sum(some.histogram), 1)
            if some is scores.positives:
                axes.stairs(heights, edges, color=ACCENT, linewidth=1.8)
            else:
                for at, (low, high) in enumerate(itertools.pairwise(edges)):
                    gid = f"negatives-{at}"
                    tips[gid] = f"{low:.2f} to {high:.2f}: {count(some.histogram[at])} negatives"
                    axes.bar(low, heights[at], high - low, align="edge", color=WARN, alpha=0.45, gid=gid)
            middle = float(np.dot(heights, (edges[:-1] + edges[1:]) / 2))
            axes.axvline(middle, color=SOFT, linewidth=0.8, dashes=(2, 3))
        axes.set_xlim(edges[0], edges[-1])
        axes.set_ylim(bottom=0)
        axes.set_yticks([])
        axes.set_xlabel("score")
        axes.set_ylabel("share")
        return inline_svg(figure, name=name, label=label, tips=tips)


def _pair(example: Example) -> b.TextPair:
    """A negative beside its original where it was made, else beside its anchor."""
    left, right = ("anchor", "negative") if example.original is None else ("original", "near miss")
    said = f"{example.source}, score {example.score:.3f}, rank {example.rank}"
    if example.positive_score is not None:
        said += f"; its positive scores {example.positive_score:.3f}"
    if example.verifier is not None:
        said += f"; proven by {example.verifier}"
    note: b.Text = ""
    if example.original is None and (positive := example.positive) is not None:
        if len(positive) > 300:
            positive = f"{positive[:300].rpartition(' ')[0] or positive[:300]}…"
        note = ("Positive: ", b.given(positive))
    return b.TextPair(
        b.Side(
            example.original or example.anchor,
            left if example.anchor_label is None else f"{left}: {example.anchor_label}",
        ),
        b.Side(
            example.negative,
            right if example.negative_label is None else f"{right}: {example.negative_label}",
        ),
        caption=said,
        note=note,
    )


def _brief(findings: Findings, same: b.Table | None) -> Iterator[b.Block]:
    if same is not None:
        heads = b.numeric("unfiltered", "by rules alone", "here")
        yield b.Table((b.Column("same-class hits"), *heads), same.select(0, 1, 2, 3).rows)
    elif findings.control.kept:
        yield b.Paragraph("Classes are not known: same-class hits cannot be counted.")
    dropped = tuple(
        (f"{each.source}: {each.what}", count(each.dropped), percent(each.dropped / each.of))
        for each in findings.control.dropped
        if each.dropped
    )
    if dropped:
        yield b.Table((b.Column("candidates dropped"), *b.numeric("", "of all")), dropped)


def _facts(findings: Findings) -> Iterator[tuple[str, str]]:
    data, output = findings.data, findings.output
    yield "Data", ", ".join(f"{path} ({count(rows)} rows)" for path, rows in data.files.items())
    yield "Kind", data.kind
    yield "Columns", ", ".join(f"{role}: {name}" for role, name in data.columns.items())
    yield "Corpus", f"{count(data.corpus)} rows"
    yield "Output", f"{output.path}, {output.form}, {output.format}"
    yield "Provenance", output.provenance
    for source in findings.sources:
        rest = {key: value for key, value in source.items() if key not in ("source", "score")}
        yield f"Source {source['source']}", _flat(rest)
    yield "Settings", _flat({k: v for k, v in findings.settings.items() if v is not None and k != "sources"})
    yield "Fingerprint of the data", data.fingerprint
    yield "Hash of the run", findings.key
    yield "negspace", findings.version


def _flat(settings: Mapping[str, Json]) -> str:
    return ", ".join(
        f"{key} = ({_flat(value)})" if isinstance(value, Mapping) else f"{key} = {value}"
        for key, value in settings.items()
    )


def render_card(findings: Findings) -> str:
    """Write the card of a data set: Markdown with a YAML header.

    The user's own words stand in it as code, so that none is markup.
    """
    output, data, control = findings.output, findings.data, findings.control
    parameters = [(name, _value(value)) for name, value in findings.settings.items()]
    for source in findings.sources:
        parameters += [(f"{source['source']}: {k}", _value(v)) for k, v in source.items() if k != "source"]
    parameters += [(f"file: {code_span(file_name(path))}", f"{n:,} rows") for path, n in data.files.items()]
    parameters += [(f"column: {role}", code_span(name)) for role, name in data.columns.items()]
    parameters.append(("data fingerprint", f"`{data.fingerprint}`"))
    parts = [
        card_header(rows=output.rows, tags=("negspace", "hard-negatives", data.kind)),
        f"""# Mined near misses

{output.rows:,} rows with {output.negatives:,} negatives for {data.anchors:,} anchors of
{code_span(file_name(data.path))} ({data.kind}). A row is {output.a_row_is}.
For {FORMATS[output.format].trains}.

```python
import datasets

rows = datasets.load_from_disk(FOLDER)['train']  # or datasets.load_dataset(FOLDER)
```

`provenance.parquet` says of every negative where it came from; `output_row` counts rows from 0.
`mined.json` has all of this as data. Made by negspace {findings.version}.

## Parameters
""",
        *_rows(("parameter", "value"), parameters),
        "\n## False negatives\n",
    ]
    if control.classes_known:
        parts += [
            "Share of hits that have the anchor's own class: among the nearest, unfiltered; after the rules",
            "below, had the classes not been known; and in this data set.\n",
        ]
        same = [
            (each.source, *("–" if share is None else f"{100 * share:.1f} %" for share in shares))
            for each in control.same_class
            for shares in [(each.before, each.by_rules, each.after)]
        ]
        parts += _rows(("source", "unfiltered", "by rules alone", "here"), same)
    else:
        parts.append("Classes are not known, so same-class hits cannot be counted.")
    if control.dropped:
        parts.append("\nWhat each rule dropped, each candidate counted at the first rule that drops it:\n")
        drops = [
            (each.source, each.what, _value(each.limit), f"{each.dropped:,} of {each.of:,}")
            for each in control.dropped
        ]
        parts += _rows(("source", "rule", "limit", "dropped"), drops)
    if findings.warnings:
        parts += ["\n## Warnings\n", *(f"- {warning}." for warning in findings.warnings)]
    return "\n".join(parts) + "\n"


def _rows(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    return [f"| {' | '.join(row)} |" for row in (head, ["---"] * len(head), *rows)]


def _value(value: object) -> str:
    if value is None:
        return "–"
    if isinstance(value, dict):
        return ", ".join(f"{key} = {_value(each)}" for key, each in value.items())
    if isinstance(value, list):
        return ", ".join(_value(each) for each in value)
    return code_span(str(value))
