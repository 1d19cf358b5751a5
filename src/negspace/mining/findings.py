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
    """What was mined.

    Attributes:
        kind: Kind of data: labelled texts, pairs, a plain corpus.
        files: Rows read from each file.
        columns: Column read for each role.
        anchors: Number of anchors.
        corpus: Number of rows that were searched.
        classes: Number of classes; None where they are not known.
    """

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
    """What was written.

    Attributes:
        form: File format.
        format: What a row is, by the name the command line knows it by; ``a_row_is`` says it in words.
        negatives: Negatives in the rows, each as often as it stands there.
        provenance: The side file with the source of every negative.
        left_out_short: Anchors left out because the format needs more negatives than they had.
    """

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
    """Numbers of anchors, and of negatives chosen by source.

    Attributes:
        without_negatives: Those that have a positive, and no negative left.
        with_fewer: Those that have fewer negatives than asked for.
    """

    all: int
    without_positive: int
    without_negatives: int
    with_fewer: int
    negatives: Mapping[str, int]


@dataclass(frozen=True)
class Dropped:
    """What a rule dropped of one source's candidates.

    Attributes:
        rule: The rule, by the name of its setting; ``what`` it drops, in words.
        limit: Value of the setting.
        dropped: Candidates that this rule was the first to drop, ``of`` all.
    """

    source: str
    rule: str
    what: str
    limit: float | int | None
    dropped: int
    of: int


@dataclass(frozen=True)
class SameClass:
    """How many hits have their anchor's own class, and so are no negatives.

    Attributes:
        source: The source.
        before: Share among the nearest, unfiltered.
        by_rules: Share after the rules, had the classes not been known.
        after: Share in the output.
        hits_before: Hits behind ``before``.
        hits_after: Hits of known class behind ``after``.
        hits_unknown: Hits in the output whose class is not known.
        anchors_full_by_rules: Anchors that the rules alone would serve in full.
    """

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
    """How false negatives were kept out.

    Attributes:
        candidates: Candidates looked at, by source.
        kept: Candidates that passed all rules, by source.
    """

    classes_known: bool
    candidates: Mapping[str, int]
    kept: Mapping[str, int]
    dropped: tuple[Dropped, ...]
    same_class: tuple[SameClass, ...]


@dataclass(frozen=True)
class Distribution:
    """Scores of one kind.

    Attributes:
        min_to_max: Minimum, quartiles and maximum.
        histogram: Counts over the bins of `Scores`.
    """

    n: int
    mean: float
    min_to_max: Sequence[float]
    histogram: Sequence[int]


@dataclass(frozen=True)
class Scores:
    """Scores of a source's hits and of the positives beside them, over common bins.

    Attributes:
        positives: The lowest-scoring positive of each anchor; None where there is none.
    """

    edges: Sequence[float]
    negatives: Distribution
    positives: Distribution | None


@dataclass(frozen=True)
class Example:
    """A negative that stands high against its positive.

    Attributes:
        positive: The anchor's positive, where that is another text.
        original: The text that an edit was made from; None for a row that was found.
        verifier: What proved an edit to be invalid.
    """

    anchor: str
    anchor_label: str | None
    positive: str | None
    original: str | None
    negative: str
    negative_label: str | None
    source: str
    score: float
    rank: int
    positive_score: float | None
    verifier: str | None


@dataclass(frozen=True)
class Findings:
    """Everything that a mining run found.

    Attributes:
        key: Hash of all that decides the result.
        sources: Each source with all that decides its hits; ``score`` says what its score is.
        vectors: The embedder; None where nothing was embedded.
        edits: Counts of edits tried, kept and not proven; None without edits.
        examples: The hardest negatives.
        warnings: What the reader should not miss.
    """

    schema: str
    version: str
    key: str
    data: MinedData
    settings: Mapping[str, Json]
    sources: Sequence[Mapping[str, Json]]
    vectors: Mapping[str, Json] | None
    output: MinedOutput
    anchors: AnchorCounts
    control: Control
    edits: Mapping[str, int] | None
    scores: Mapping[str, Scores]
    examples: tuple[Example, ...]
    warnings: tuple[str, ...]

    def to_dict(self) -> dict[str, Json]:
        """The content of ``mined.json``. ``docs/how-to/mine.md`` describes every key."""
        # Through JSON: a fresh copy, tuples as lists, and an error for what is not finite.
        copy: dict[str, Json] = json.loads(json.dumps(asdict(self), allow_nan=False))
        return copy


@dataclass(frozen=True, eq=False)
class Mined(Reported):
    """The result of mining.

    Attributes:
        path: The file or dataset folder that was written.
        findings: What was found.
    """

    path: Path
    findings: Findings

    def to_dict(self) -> dict[str, Any]:
        """The content of ``mined.json``, a fresh copy."""
        return self.findings.to_dict()

    def __len__(self) -> int:
        return self.findings.output.rows

    def report(self) -> Report:
        """What the page and the terminal show."""
        from negspace.mining.report import mining_report  # noqa: PLC0415 - it is made of findings

        return mining_report(self.findings).with_registered("mine", self)

    def rows(self) -> Iterator[dict[str, object]]:
        """Read the output back, row by row.

        Raises:
            MissingExtraError: It is a dataset folder, and the library ``datasets`` is not installed.
        """
        table = read_table(self.path)
        names = list(table.columns)
        return (dict(zip(names, row, strict=True)) for row in zip(*table.columns.values(), strict=True))

    def save(self, place: str | Path) -> Path:
        """Write the report as a page.

        Args:
            place: An ``.html`` file, or a folder for ``report.html``, made if need be.

        Returns:
            The path of the page.

        Raises:
            StoreError: If it cannot be written.
        """
        from negspace.reports.html import render_page  # noqa: PLC0415 - Jinja and matplotlib, when asked for

        path = Path(place).expanduser()
        path = path if path.suffix.lower() in {".html", ".htm"} else path / "report.html"
        check_writable(path.parent)
        write_text(path, render_page(self.report()))
        return path
