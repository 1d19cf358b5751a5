"""What an audit found, typed: the content of ``audit.json`` and of the report; what its user holds.

The fields are the keys of ``audit.json``; ``docs/how-to/audit.md`` says what each of them is.
"""

from __future__ import annotations

import json
import math
from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Generic, Literal, Protocol, TypeVar, runtime_checkable

from negspace.data import check_writable, write_rows, write_text
from negspace.records import Interval, Json, Outcome, Verdict
from negspace.reports.blocks import Report, Reported
from negspace.study import StudyResult

SCHEMA = "negspace.audit/1"

FEW_CLUSTERS = 20
"""With fewer effective clusters an interval rests on a spread that is itself hardly known."""

Ends = tuple[float | None, float | None]


def finite(value: float) -> float | None:
    """The value, or None where it is NaN or infinite, which JSON does not know."""
    return float(value) if math.isfinite(value) else None


@dataclass(frozen=True)
class Estimated:
    """A metric over all seeds.

    Attributes:
        mean: Mean over seeds.
        ci: Its 95 % interval; None for an end that is not known.
        per_seed: The value at each seed; None where it is undefined.
        n: Number of test items.
        clusters: How many clusters of one size would weigh as theirs do.
    """

    mean: float
    ci: Ends
    per_seed: tuple[float | None, ...]
    n: int
    clusters: float

    @property
    def rough(self) -> str | None:
        """What to say of so few independent rows; None where they are enough."""
        if self.clusters >= FEW_CLUSTERS:
            return None
        weigh = f"{self.n} test rows weigh as {self.clusters:.2g} independent ones"
        return (
            f"{weigh if round(self.clusters) < self.n else f'only {self.n} test rows'}: the interval is rough"
        )


@dataclass(frozen=True)
class NearMissAccuracy(Estimated):
    """Accuracy on near misses, and where they come from."""

    source: str

    @classmethod
    def of(cls, found: Estimated | None, source: str) -> NearMissAccuracy | None:
        """An estimate with its source; None stays None."""
        return None if found is None else cls(**asdict(found), source=source)


@dataclass(frozen=True)
class HeldOutRows:
    """The ordinary test rows: their file, how many, and whether they were given or held out."""

    path: str | None
    rows: int
    how: str


@dataclass(frozen=True)
class ContrastFile:
    """The file of near misses: its path and its number of rows."""

    path: str
    rows: int


@dataclass(frozen=True)
class AuditedData:
    """What was audited, and on which rows."""

    path: str
    fingerprint: str
    rows: int
    labels: Mapping[str, int]
    groups: int | None
    groups_source: str | None
    columns: Mapping[str, str | None]
    trained_on: int
    test: HeldOutRows
    near_miss_file: ContrastFile | None
    unbalanced: bool


@dataclass(frozen=True)
class MacroF1Findings:
    """Macro-F1 on easy rows and near misses; None where labels are balanced."""

    easy: Estimated | None = None
    near_miss: Estimated | None = None


@dataclass(frozen=True)
class Calibration:
    """Calibration on near misses: expected calibration error, Brier score, mean confidence."""

    ece: Estimated | None = None
    brier: Estimated | None = None
    confidence: Estimated | None = None


@dataclass(frozen=True)
class VariationFindings:
    """Share of answers that one variation leaves unchanged, or why it was not measured."""

    variation: str
    what: str
    estimate: Estimated | None
    left_out: str | None


@dataclass(frozen=True)
class CurveBin:
    """Accuracy of the rows in a range of distances to the nearest row of another label."""

    low: float
    high: float
    n: int
    mean: float
    ci: Ends


@dataclass(frozen=True)
class Decision:
    """The verdict on the near-miss gap, with its question and what to do next."""

    outcome: Literal["supported", "refuted", "inconclusive"]
    question: str
    reason: str
    next: str
    margin: float
    mde: float | None
    effect: float | None
    ci: Ends
    p_value: float | None
    seeds_needed: int | None = None
    level: float = 0.95
    look: int = 1

    @classmethod
    def of(cls, verdict: Verdict, *, question: str, reason: str, next: str) -> Decision:  # noqa: A002 - a key
        """The record of a verdict, with its words."""
        return cls(
            outcome=verdict.outcome.value,
            question=question,
            reason=reason,
            next=next,
            margin=verdict.margin,
            mde=finite(verdict.mde),
            effect=finite(verdict.effect),
            ci=(finite(verdict.interval.low), finite(verdict.interval.high)),
            p_value=finite(verdict.p_value),
            seeds_needed=verdict.seeds_needed,
            level=verdict.interval.level,
            look=verdict.look,
        )

    @property
    def verdict(self) -> Verdict:
        """The verdict as the statistics know it."""
        mde, effect, p_value, low, high = (
            math.nan if value is None else value for value in (self.mde, self.effect, self.p_value, *self.ci)
        )
        return Verdict(
            Outcome(self.outcome),
            self.reason,
            self.margin,
            effect,
            Interval(low, high, self.level),
            p_value,
            mde,
            self.seeds_needed,
            p_adjusted=p_value,
            look=self.look,
        )


@dataclass(frozen=True)
class RoleExample:
    """A training row that shows a role clearly, and the row that decided it."""

    row: int
    line: int
    text: str
    label: str
    reason: str
    neighbour_text: str | None
    neighbour_label: str | None
    distance: float | None


@dataclass(frozen=True)
class WrongPair:
    """Two near misses of each other; ``right`` is the share of seeds that predict the label."""

    text: str
    label: str
    right: float
    other_text: str
    other_label: str
    other_right: float
    distance: float | None


@dataclass(frozen=True)
class LeftOut:
    """Near misses left out because a label is likely wrong, and accuracy with them."""

    near_miss_suspects: int
    near_miss_mean_with_them: float | None


@dataclass(frozen=True)
class Step:
    """One step of how the audit was computed."""

    step: str
    how: str


@dataclass(frozen=True)
class AuditFindings:
    """Everything that an audit found."""

    schema: str
    version: str
    plan_hash: str
    data: AuditedData
    learner: Mapping[str, Json]
    seeds: tuple[int, ...]
    easy: Estimated | None
    near_miss: NearMissAccuracy | None
    gap: Estimated | None
    pair_consistency: Estimated | None
    macro_f1: MacroF1Findings
    calibration: Calibration
    invariance: tuple[VariationFindings, ...]
    curve: tuple[CurveBin, ...]
    curve_reading: str
    verdict: Decision
    roles: Mapping[str, int]
    role_examples: Mapping[str, tuple[RoleExample, ...]]
    pairs: tuple[WrongPair, ...]
    left_out: LeftOut
    warnings: tuple[str, ...]
    method: tuple[Step, ...]
    metrics: Mapping[str, Estimated | None] = field(default_factory=dict, kw_only=True)
    another_training_set: Ends | None = field(default=None, kw_only=True)

    def to_dict(self) -> dict[str, Json]:
        """The content of ``audit.json``, a fresh copy."""
        # Through JSON: tuples as lists, and an error for what is not finite.
        copy: dict[str, Json] = json.loads(json.dumps(asdict(self), allow_nan=False))
        if not self.metrics:
            del copy["metrics"]
        return copy


@runtime_checkable
class Parts(Protocol):
    """All parts of an audit, as they were computed."""

    @property
    def result(self) -> StudyResult[Any, Any]:
        """The runs and the verdict."""
        ...


PartsT = TypeVar("PartsT", bound=Parts)


@dataclass(frozen=True, eq=False)
class Audit(Reported, Generic[PartsT]):
    """What an audit found. In a notebook it shows itself: verdict, headline metrics, the plot of the seeds.

    Attributes:
        parts: The parts it was made of.
    """

    parts: PartsT

    @property
    def verdict(self) -> Verdict:
        """The verdict on the near-miss gap."""
        return self.parts.result.verdict

    @property
    def resumed(self) -> int:
        """Number of runs that came out of the run store."""
        return self.parts.result.resumed

    @property
    @abstractmethod
    def findings(self) -> AuditFindings:
        """The content of ``audit.json``, typed."""

    @abstractmethod
    def report(self) -> Report:
        """What the page and the terminal show."""

    @abstractmethod
    def rows(self) -> list[dict[str, object]]:
        """The content of ``rows.parquet``, a record for each row or pair that was audited."""

    def to_dict(self) -> dict[str, Any]:
        """The content of ``audit.json``, a fresh copy."""
        return self.findings.to_dict()

    def save(self, folder: str | Path) -> Path:
        """Write ``report.html``, ``audit.json`` and ``rows.parquet``.

        Each file appears whole or not at all.

        Args:
            folder: Made if need be; files of an earlier audit are replaced.

        Returns:
            The path of the report.

        Raises:
            StoreError: If the folder cannot be written.
        """
        from negspace.reports.html import render_page

        folder = Path(folder)
        check_writable(folder)
        # All three are made before the first is written.
        page, rows = render_page(self.report()), self.rows()
        content = json.dumps(self.to_dict(), indent=2, allow_nan=False) + "\n"
        write_rows(folder / "rows.parquet", rows)
        write_text(folder / "audit.json", content)
        write_text(folder / "report.html", page)
        return folder / "report.html"
