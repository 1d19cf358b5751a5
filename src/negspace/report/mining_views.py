"""From what was mined to what a page or a terminal says: plain data, every number already in words."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from negspace.report.numbers import NONE, Summary, count, percent
from negspace.report.words import Block, abridge, visible, word_diff

__all__ = [
    "Example",
    "Headline",
    "examples",
    "facts",
    "headlines",
    "rule_rows",
    "same_class_rows",
    "title_of",
]


@dataclass(frozen=True)
class Headline:
    """One headline figure, in the shape that the page's macro takes.

    Attributes:
        key: Its name in the page.
        name: What it is called.
        value: In words.
        note: What it says.
    """

    key: str
    name: str
    value: str
    note: str
    unit: str = ""
    interval: str = ""
    n: str = ""
    missing: bool = False


@dataclass(frozen=True)
class Example:
    """A negative beside the text it is a near miss of.

    Attributes:
        names: What the left and the right text are.
        blocks: Both texts, compared word by word and abridged.
        said: Source, score and rank, in words.
        positive: The positive, shortened; None where there is no other text.
    """

    names: tuple[str, str]
    blocks: tuple[Block, ...]
    said: str
    positive: str | None


def title_of(summary: Summary) -> str:
    """The last part of the data's path, which is what a reader knows it by."""
    path = str(summary["data"]["path"])
    return path.replace("\\", "/").rstrip("/").rpartition("/")[2] or path


def headlines(summary: Summary) -> list[Headline]:
    """Rows, anchors served, and same-class hits before and after."""
    output, anchors = summary["output"], summary["anchors"]
    served = anchors["all"] - anchors["without_positive"] - anchors["without_negatives"]
    found = [
        Headline("rows", "Rows written", count(output["rows"]), output["a_row_is"]),
        Headline(
            "anchors",
            "Anchors with negatives",
            percent(served / anchors["all"]),
            f"{count(served)} of {count(anchors['all'])}",
        ),
    ]
    same = summary["control"]["same_class"]
    if not same:
        note = (
            "classes are not known" if not summary["control"]["classes_known"] else "no row was searched for"
        )
        return [*found, Headline("same", "Same-class hits", NONE, note, missing=True)]
    before = same[0]
    note = f"of the nearest by {before['source']} share their anchor's class, were nothing filtered"
    found.append(Headline("gap", "Same-class, unfiltered", percent(before["before"]), note))
    note = "in this data set"
    if before["by_rules"] is not None:
        note += f"; by the rules alone {percent(before['by_rules'])}"
    return [*found, Headline("same", "Same-class, here", percent(before["after"]), note)]


def rule_rows(summary: Summary) -> list[tuple[str, str, str, str, str]]:
    """What each rule dropped: source, rule, its limit, candidates dropped, and as a share of all."""
    return [
        (
            each["source"],
            each["what"],
            NONE if each["limit"] is None else f"{each['limit']:g}",
            count(each["dropped"]),
            percent(each["dropped"] / each["of"]) if each["of"] else NONE,
        )
        for each in summary["control"]["dropped"]
    ]


def same_class_rows(summary: Summary) -> list[tuple[str, str, str, str, str]]:
    """Source; same-class hits unfiltered, by rules alone, and here; anchors that rules alone would serve."""
    return [
        (
            each["source"],
            percent(each["before"]),
            percent(each["by_rules"]),
            percent(each["after"]),
            count(each["anchors_full_by_rules"]),
        )
        for each in summary["control"]["same_class"]
    ]


def examples(summary: Summary) -> list[Example]:
    """The hardest negatives, each compared with its original where it was made, else with its anchor."""
    return [_example(each) for each in summary["examples"]]


def _example(example: dict[str, Any]) -> Example:
    made = example["original"] is not None
    left = visible(example["original"] if made else example["anchor"])
    right = visible(example["negative"])
    said = f"{example['source']}, score {example['score']:.3f}, rank {example['rank']}"
    if example["positive_score"] is not None:
        said += f"; its positive scores {example['positive_score']:.3f}"
    if example["verifier"] is not None:
        said += f"; proven by {example['verifier']}"
    names = (
        _named("original" if made else "anchor", example["anchor_label"]),
        _named("near miss" if made else "negative", example["negative_label"]),
    )
    return Example(names, abridge(word_diff(left, right)), said, None if made else example["positive"])


def _named(role: str, label: str | None) -> str:
    return role if label is None else f"{role}: {label}"


def facts(summary: Summary) -> list[tuple[str, str]]:
    """What was mined and with which settings: name and value."""
    return [(name, value) for name, value in _facts(summary) if value]


def _facts(summary: Summary) -> Iterator[tuple[str, str]]:
    data, output = summary["data"], summary["output"]
    yield "Data", ", ".join(f"{path} ({count(rows)} rows)" for path, rows in data["files"].items())
    yield "Kind", data["kind"]
    yield "Columns", ", ".join(f"{role}: {name}" for role, name in data["columns"].items())
    yield "Corpus", f"{count(data['corpus'])} rows"
    yield "Output", f"{output['path']}, {output['form']}, {output['format']}"
    yield "Provenance", output["provenance"]
    for source in summary["sources"]:
        rest = {key: value for key, value in source.items() if key not in ("source", "score")}
        yield f"Source {source['source']}", _flat(rest)
    yield (
        "Settings",
        _flat({k: v for k, v in summary["settings"].items() if v is not None and k != "sources"}),
    )
    yield "Fingerprint of the data", data["fingerprint"]
    yield "Hash of the run", summary["key"]
    yield "negspace", summary["version"]


def _flat(settings: dict[str, Any]) -> str:
    return ", ".join(
        f"{key} = ({_flat(value)})" if isinstance(value, dict) else f"{key} = {value}"
        for key, value in settings.items()
    )
