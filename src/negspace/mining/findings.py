"""What mining found, typed: the content of ``mined.json``, of the card and of the report."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from negspace.data import check_writable, read_table, write_text
from negspace.records import Json
from negspace.reports.blocks import Report, Reported

SCHEMA = "negspace.mining/1"
"""Name and version of the content of ``mined.json``."""


@dataclass(frozen=True)
class MinedData:
    """What was mined."""

    kind: str
    path: str
    files: Mapping[str, int]
    columns: Mapping[str, str]
    anchors: int
    corpus: int
    classes: int | None
    fingerprint: str


@dataclass(frozen=True)
class MinedOutput:
    """What was written."""

    path: str
    form: str
    format: str
    a_row_is: str
    columns: Sequence[str]
    rows: int
    negatives: int
    provenance: str
    left_out_short: int


@dataclass(frozen=True)
class AnchorCounts:
    """Numbers of anchors, and of negatives chosen by source."""

    all: int
    without_positive: int
    without_negatives: int
    with_fewer: int
    negatives: Mapping[str, int]


@dataclass(frozen=True)
class Dropped:
    """What a rule dropped of one source's candidates."""

    source: str
    rule: str
    what: str
    limit: float | int | None
    dropped: int
    of: int


@dataclass(frozen=True)
class SameClass:
    """How many hits have their anchor's own class, and so are no negatives."""

    source: str
    before: float | None
    by_rules: float | None
    after: float | None
    hits_before: int
    hits_after: int
    hits_unknown: int
    anchors_full_by_rules: int


@dataclass(frozen=True)
class Control:
    """How false negatives were kept out."""

    classes_known: bool
    candidates: Mapping[str, int]
    kept: Mapping[str, int]
    dropped: tuple[Dropped, ...]
    same_class: tuple[SameClass, ...]


@dataclass(frozen=True)
class Distribution:
    """Scores of one kind."""

    n: int
    mean: float
    min_to_max: Sequence[float]
    histogram: Sequence[int]


@dataclass(frozen=True)
class Scores:
    """Scores of a source's hits and of the positives beside them, over common bins."""

    edges: Sequence[float]
    negatives: Distribution
    positives: Distribution | None


@dataclass(frozen=True)
class Example:
    """A negative that stands high against its positive."""

    anchor: str
    anchor_label: str | None
    positive: str | None  # the anchor's positive, where that is another text
    original: str | None  # the text that an edit was made from; None for a row that was found
    negative: str
    negative_label: str | None
    source: str
    score: float
    rank: int
    positive_score: float | None
    verifier: str | None  # what proved an edit to be invalid


@dataclass(frozen=True)
class Findings:
    """Everything that a mining run found."""

    schema: str
    version: str
    key: str
    data: MinedData
    settings: Mapping[str, Json]
    # each source with all that decides its hits; ``score`` says what its score is
    sources: Sequence[Mapping[str, Json]]
    vectors: Mapping[str, Json] | None  # the embedder; None where nothing was embedded
    output: MinedOutput
    anchors: AnchorCounts
    control: Control
    edits: Mapping[str, int] | None  # counts of edits tried, kept and not proven; None without edits
    scores: Mapping[str, Scores]
    examples: tuple[Example, ...]
    warnings: tuple[str, ...]

    def to_dict(self) -> dict[str, Json]:
        """The content of ``mined.json``."""
        # Through JSON: a fresh copy, tuples as lists, and an error for what is not finite.
        copy: dict[str, Json] = json.loads(json.dumps(asdict(self), allow_nan=False))
        return copy


@dataclass(frozen=True, eq=False)
class Mined(Reported):
    """The result of mining: the file or dataset folder that was written, and what was found."""

    path: Path
    findings: Findings

    def to_dict(self) -> dict[str, Any]:
        """The content of ``mined.json``, a fresh copy."""
        return self.findings.to_dict()

    def __len__(self) -> int:
        return self.findings.output.rows

    def report(self) -> Report:
        """What the page and the terminal show."""
        from negspace.mining.report import mining_report  # it is made of findings

        return mining_report(self.findings).with_registered("mine", self)

    def rows(self) -> Iterator[dict[str, object]]:
        """Read the output back, row by row; a dataset folder needs the library ``datasets``."""
        table = read_table(self.path)
        names = list(table.columns)
        return (dict(zip(names, row, strict=True)) for row in zip(*table.columns.values(), strict=True))

    def save(self, place: str | Path) -> Path:
        """Write the report to an ``.html`` file, or to ``report.html`` in a folder; returns its path."""
        from negspace.reports.html import render_page

        path = Path(place).expanduser()
        path = path if path.suffix.lower() in {".html", ".htm"} else path / "report.html"
        check_writable(path.parent)
        write_text(path, render_page(self.report()))
        return path
