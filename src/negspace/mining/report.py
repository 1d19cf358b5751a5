"""The report of a mining run: from its findings to blocks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from negspace.mining.findings import Example, Findings, SameClass, Scores
from negspace.records import Json
from negspace.reports.blocks import (
    Block,
    Chart,
    Column,
    Facts,
    Headline,
    Metric,
    Metrics,
    Paragraph,
    Report,
    Section,
    Side,
    Table,
    TextPair,
    code,
    given,
    numeric,
)
from negspace.reports.charts import draw_with
from negspace.reports.numbers import NONE, count, file_name, percent


def mining_report(findings: Findings) -> Report:
    """Say what was mined: rows, false-negative control, scores, the hardest negatives, how it was made."""
    data, output, anchors = findings.data, findings.output, findings.anchors
    same, rules = _same_class(findings), _rules(findings)
    return Report(
        kind="Mined near misses",
        title=file_name(data.path),
        headline=Headline(
            f"{count(output.rows)} rows with {count(output.negatives)} negatives "
            f"for {count(anchors.all)} anchors"
        ),
        subtitle=f"{count(data.anchors)} anchors · {count(data.corpus)} rows searched · "
        f"{', '.join(_sources(findings))} · {output.format}",
        top=(Metrics(_metrics(findings)),),
        sections=(
            Section("False negatives", tuple(_control(findings, same, rules)), intro=_on_control(findings)),
            Section(
                "Scores", tuple(_scores(findings, name, scores) for name, scores in findings.scores.items())
            ),
            Section(
                "The hardest",
                tuple(_pair(example) for example in findings.examples),
                intro="Negatives that score highest against the positive of their anchor. Look here first: "
                "what means the same as its anchor is no negative. Marked words are where the two texts "
                "differ."
                if findings.examples
                else "None.",
            ),
        ),
        warnings=findings.warnings,
        method=Section("How it was made", (Facts(tuple(_facts(findings))),)),
        brief=tuple(_brief(findings, same)),
        footer=(f"negspace {findings.version} · everything here comes from ", code("mined.json")),
    )


def _sources(findings: Findings) -> list[str]:
    return [str(source["source"]) for source in findings.sources]


def _metrics(findings: Findings) -> tuple[Metric, ...]:
    """Rows, anchors served, and same-class hits before and after."""
    output, anchors, control = findings.output, findings.anchors, findings.control
    served = anchors.all - anchors.without_positive - anchors.without_negatives
    found = (
        Metric("Rows written", count(output.rows), note=output.a_row_is),
        Metric(
            "Anchors with negatives",
            percent(served / anchors.all),
            note=f"{count(served)} of {count(anchors.all)}",
        ),
    )
    if not control.same_class:
        why = "classes are not known" if not control.classes_known else "no row was searched for"
        return (*found, Metric("Same-class hits", NONE, note=why, missing=True))
    first = control.same_class[0]
    by_rules = "" if first.by_rules is None else f"; by the rules alone {percent(first.by_rules)}"
    return (
        *found,
        Metric(
            "Same-class, unfiltered",
            percent(first.before),
            note=f"of the nearest by {first.source} share their anchor's class, were nothing filtered",
            key=True,
        ),
        Metric("Same-class, here", percent(first.after), note=f"in this data set{by_rules}"),
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


def _control(findings: Findings, same: Table | None, rules: Table | None) -> Iterator[Block]:
    if findings.control.classes_known and same is not None:
        yield same
    if rules is not None:
        yield rules
    if (edits := findings.edits) is not None:
        counted = {
            key: edits.get(key, 0)
            for key in ("kept", "tried", "unknown", "not_valid", "not_known", "originals")
        }
        yield Paragraph(
            f"{count(counted['kept'])} of {count(counted['tried'])} edits that were tried are proven near "
            f"misses; of {count(counted['unknown'])} the verifier could not tell. "
            f"{count(counted['not_valid'] + counted['not_known'])} of {count(counted['originals'])} "
            "originals were not proven valid."
        )


def _same_class(findings: Findings) -> Table | None:
    def row(each: SameClass) -> tuple[str, ...]:
        shares = (percent(share) for share in (each.before, each.by_rules, each.after))
        return each.source, *shares, count(each.anchors_full_by_rules)

    if not findings.control.same_class:
        return None
    return Table(
        (
            Column("source"),
            *numeric("unfiltered", "by rules alone", "here", "anchors served by rules alone"),
        ),
        tuple(row(each) for each in findings.control.same_class),
        label="Same-class hits",
    )


def _rules(findings: Findings) -> Table | None:
    """What each rule dropped: source, rule, its limit, candidates dropped, and as a share of all."""
    if not findings.control.dropped:
        return None
    return Table(
        (Column("source"), Column("candidates that are"), *numeric("limit", "dropped", "of all")),
        tuple(
            (
                each.source,
                each.what,
                NONE if each.limit is None else f"{each.limit:g}",
                count(each.dropped),
                percent(each.dropped / each.of) if each.of else NONE,
            )
            for each in findings.control.dropped
        ),
        caption="What each rule dropped, each candidate counted at the first rule that drops it",
    )


def _scores(findings: Findings, name: str, scores: Scores) -> Chart:
    negatives, positives = scores.negatives, scores.positives
    what = {str(source["source"]): str(source["score"]) for source in findings.sources}
    alt = f"Scores of {count(negatives.n)} negatives, mean {negatives.mean:.3f}"
    filled = f"Filled: {count(negatives.n)} negatives, mean {negatives.mean:.3f}."
    if positives is not None:
        alt += f", and of {count(positives.n)} positives, mean {positives.mean:.3f}"
        filled += (
            f" Line: {count(positives.n)} positives, mean {positives.mean:.3f}, the lowest of each anchor."
        )
    return Chart(
        f"{alt}.",
        draw_with("negspace.mining.charts", "score_histogram", scores),
        notes=(
            Paragraph(f"{name}: {what[name]}.", "reading"),
            Paragraph(f"{filled} Each is drawn as a share of its own number; dotted lines are the means."),
        ),
    )


def _pair(example: Example) -> TextPair:
    """A negative beside its original where it was made, else beside its anchor."""
    made = example.original is not None
    said = f"{example.source}, score {example.score:.3f}, rank {example.rank}"
    if example.positive_score is not None:
        said += f"; its positive scores {example.positive_score:.3f}"
    if example.verifier is not None:
        said += f"; proven by {example.verifier}"
    positive = None if made else example.positive
    return TextPair(
        Side(
            example.original or example.anchor, _named("original" if made else "anchor", example.anchor_label)
        ),
        Side(example.negative, _named("near miss" if made else "negative", example.negative_label)),
        caption=said,
        note="" if positive is None else ("Positive: ", given(_shortened(positive))),
    )


def _named(role: str, label: str | None) -> str:
    return role if label is None else f"{role}: {label}"


def _shortened(text: str, most: int = 300) -> str:
    return text if len(text) <= most else f"{text[:most].rpartition(' ')[0] or text[:most]}…"


def _brief(findings: Findings, same: Table | None) -> Iterator[Block]:
    if same is not None:
        yield Table(
            (Column("same-class hits"), *numeric("unfiltered", "by rules alone", "here")),
            same.select(0, 1, 2, 3).rows,
        )
    elif findings.control.kept:
        yield Paragraph("Classes are not known: same-class hits cannot be counted.")
    dropped = [each for each in findings.control.dropped if each.dropped]
    if dropped:
        yield Table(
            (Column("candidates dropped"), *numeric("", "of all")),
            tuple(
                (f"{each.source}: {each.what}", count(each.dropped), percent(each.dropped / each.of))
                for each in dropped
            ),
        )


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
    settings = {k: v for k, v in findings.settings.items() if v is not None and k != "sources"}
    yield "Settings", _flat(settings)
    yield "Fingerprint of the data", data.fingerprint
    yield "Hash of the run", findings.key
    yield "negspace", findings.version


def _flat(settings: Mapping[str, Json]) -> str:
    return ", ".join(
        f"{key} = ({_flat(value)})" if isinstance(value, Mapping) else f"{key} = {value}"
        for key, value in settings.items()
    )
