"""What a probe found, typed: the content of ``probe.json`` and of the report. Field names are its keys."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from negspace.probes import VolatileToken


@dataclass(frozen=True)
class Corpus:
    """What was probed; ``fragment_tokens`` is the most that a fragment may have."""

    source: str
    fragments: int
    tokens: int
    characters: int
    fragment_tokens: int
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Training:
    """How a tiny model was trained: steps, tokens of each, and the steps after which it was kept."""

    steps: int
    batch_tokens: int
    checkpoints: tuple[int, ...]


@dataclass(frozen=True)
class ModelFacts:
    """The model; ``training`` is None for one that was given."""

    name: str
    parameters: int
    layers: tuple[str, ...]
    context: int
    vocabulary: int
    dtype: str
    device: str
    training: Training | None


@dataclass(frozen=True)
class Reference:
    """The text that transfer is measured on; ``source`` says in words where it came from."""

    source: str
    fragments: int
    tokens: int


@dataclass(frozen=True)
class RunFacts:
    """What was asked for; ``sample`` counts the fragments that took steps, if any probe takes them."""

    seed: int
    sample: int
    step_size: float | None
    step_size_chosen: str | None
    probes: tuple[str, ...]


@dataclass(frozen=True)
class CoverageKind:
    """Parameters of one kind, whether their gradients are measured, and why not."""

    kind: str
    status: str
    parameters: int
    tensors: int
    reason: str


@dataclass(frozen=True)
class CoverageShare:
    """The share of the parameters whose gradients are measured, in [0, 1]."""

    share: float
    rows: tuple[CoverageKind, ...]
    warning: str | None


@dataclass(frozen=True)
class GradientCheck:
    """How far measured gradients are from a loop over single fragments, and their cost in plain passes."""

    fragments: int
    largest_norm_error: float
    largest_dot_error: float
    overhead: float


@dataclass(frozen=True)
class Spread:
    """A metric of the model as a whole over the ``n`` fragments that have it; low and high: 5 and 95 %."""

    probe: str
    measure: str
    unit: str
    n: int
    mean: float | None
    sd: float | None
    low: float | None
    quarter: float | None
    median: float | None
    three_quarters: float | None
    high: float | None


@dataclass(frozen=True)
class LayerProfile:
    """A metric at each layer: 5, 50 and 95 % quantiles over fragments."""

    probe: str
    measure: str
    unit: str
    layers: tuple[str, ...]
    low: tuple[float | None, ...]
    median: tuple[float | None, ...]
    high: tuple[float | None, ...]
    n: int


@dataclass(frozen=True)
class TemperatureCurve:
    """Probability of the truth, of near competitors and of the rest, at each temperature."""

    temperatures: tuple[float, ...]
    truth: tuple[float | None, ...]
    near: tuple[float | None, ...]
    rest: tuple[float | None, ...]


@dataclass(frozen=True)
class NoiseScales:
    """Gradient noise scale across the corpus, in fragments: of the model as a whole, and by layer."""

    total: float | None
    unit: str
    layers: Mapping[str, float | None]


@dataclass(frozen=True)
class AgreementRow:
    """How well a first-order number foretells what a step did, over the ``n`` fragments that have both."""

    first_order: str
    exact: str
    spearman: float | None
    pearson: float | None
    n: int


@dataclass(frozen=True)
class RetentionCurve:
    """Share of the own gain left after further steps: quarters and median; the median half-life in steps."""

    lags: tuple[int, ...]
    low: tuple[float | None, ...]
    median: tuple[float | None, ...]
    high: tuple[float | None, ...]
    half_life: float | None
    n: int


@dataclass(frozen=True)
class RoleCounts:
    """Fragments of each role, and the rule; ``relative`` if it compares with the corpus's own spread."""

    counts: Mapping[str, int]
    rule: str
    relative: bool
    quantities: tuple[str, ...]


@dataclass(frozen=True)
class Volatile:
    """The token types that move most, and least."""

    most: tuple[VolatileToken, ...]
    least: tuple[VolatileToken, ...]


@dataclass(frozen=True)
class FragmentRow:
    """A fragment in the list of all; ``values`` are by the findings' ``columns``."""

    row: int
    place: str
    excerpt: str
    tokens: int
    role: str | None
    sampled: bool
    values: tuple[float | None, ...]


@dataclass(frozen=True)
class TokenFacts:
    """A token: loss in nats, pressure, and the strongest competitors with their probabilities."""

    text: str
    loss: float | None
    pressure: float | None
    competitors: tuple[tuple[str, float], ...]


@dataclass(frozen=True)
class LayerValues:
    """A metric of one fragment at each layer, taken on ``itself`` or on the ``reference``."""

    measure: str
    on: str
    layers: tuple[str, ...]
    values: tuple[float | None, ...]


@dataclass(frozen=True)
class Highlight:
    """A fragment with a page of its own (``page``, relative to the index), and why it was chosen."""

    row: int
    why: str
    place: str
    role: str | None
    reason: str | None
    page: str
    tokens: tuple[TokenFacts, ...]
    layers: tuple[LayerValues, ...]
    temperature: TemperatureCurve | None
    values: tuple[float | None, ...]


@dataclass(frozen=True)
class ProbeFindings:
    """All of it; a part is None, or empty, where the probe that it takes was not asked for."""

    kind: str
    version: str
    key: str
    corpus: Corpus
    model: ModelFacts
    reference: Reference
    settings: RunFacts
    coverage: CoverageShare | None
    check: GradientCheck | None
    measures: tuple[Spread, ...]
    layers: tuple[LayerProfile, ...]
    temperature: TemperatureCurve | None
    noise_scale: NoiseScales | None
    agreement: tuple[AgreementRow, ...]
    retention: RetentionCurve | None
    roles: RoleCounts | None
    volatile: Volatile | None
    columns: tuple[str, ...]
    units: Mapping[str, str]
    fragments: tuple[FragmentRow, ...]
    chosen: tuple[Highlight, ...]

    def to_dict(self) -> dict[str, Any]:
        """The content of ``probe.json``."""
        found: dict[str, Any] = json.loads(json.dumps(asdict(self), allow_nan=False))
        return found
