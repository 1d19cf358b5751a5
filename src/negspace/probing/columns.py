"""What the probes' numbers are called where people read them, and their units."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

__all__ = ["COLUMNS", "FIRST_ORDER", "LAYERED", "LAYERED_ON", "column_units", "unit_of"]

_NATS = "nats per token"

_UNITS: Mapping[tuple[str, str], str] = MappingProxyType({
    ("loss", "loss"): _NATS,
    ("loss", "bits per character"): "bits per character",
    ("pressure", "pressure"): "1 − P of the true token",
    ("pressure", "effective competitors"): "tokens",
    ("pressure", "neighbour share"): "share of the pressure",
    ("gradient", "norm"): "nats per token, per unit of parameters",
    ("gradient", "cosine to mean"): "cosine",
    ("gradient", "cosine to reference"): "cosine",
    ("gradient", "transfer"): "(nats per token)², per unit of parameters squared",
    ("gradient", "self-influence"): "(nats per token)², per unit of parameters squared",
    ("gradient", "noise scale"): "tokens",
    ("gradient", "coherence"): "1 where all parts pull one way",
    ("step", "self-influence"): _NATS,
    ("step", "transfer"): _NATS,
    ("step", "drift"): "1 − cosine",
    ("step", "reference drift"): "1 − cosine",
    ("step", "cka drift"): "1 − CKA",
    ("step", "reference cka drift"): "1 − CKA",
    ("step", "attention change"): "nats, at most ln 2",
    ("step", "reference attention change"): "nats, at most ln 2",
    ("step", "self-influence first order"): _NATS,
    ("step", "transfer first order"): _NATS,
    ("retention", "half-life"): "steps",
    ("volatility", "over contexts"): "1 − cosine",
    ("volatility", "over checkpoints"): "1 − cosine",
})  # fmt: skip

COLUMNS: Mapping[str, tuple[str, str]] = MappingProxyType({
    "loss": ("loss", "loss"),
    "pressure": ("pressure", "pressure"),
    "effective competitors": ("pressure", "effective competitors"),
    "gradient norm": ("gradient", "norm"),
    "cosine to mean": ("gradient", "cosine to mean"),
    "cosine to reference": ("gradient", "cosine to reference"),
    "first-order transfer": ("gradient", "transfer"),
    "turbulence": ("gradient", "noise scale"),
    "coherence": ("gradient", "coherence"),
    "self-influence": ("step", "self-influence"),
    "transfer": ("step", "transfer"),
    "drift": ("step", "drift"),
    "attention change": ("step", "attention change"),
    "left after 16": ("retention", "left after 16"),
    "volatility": ("volatility", "over contexts"),
})  # fmt: skip
"""By which numbers fragments are ranked. One that is taken by layer stands for its mean over layers."""

LAYERED = frozenset({
    ("gradient", "norm"),
    ("step", "drift"),
    ("step", "reference drift"),
    ("step", "attention change"),
    ("step", "reference attention change"),
})  # fmt: skip
"""What is drawn over the layers."""

LAYERED_ON: Mapping[tuple[str, str], tuple[str, str]] = MappingProxyType({
    ("step", "drift"): ("drift", "itself"),
    ("step", "reference drift"): ("drift", "reference"),
    ("step", "attention change"): ("attention change", "itself"),
    ("step", "reference attention change"): ("attention change", "reference"),
    ("gradient", "norm"): ("gradient norm", "itself"),
})  # fmt: skip
"""The same for one fragment: what it is called, and what it was taken on."""

FIRST_ORDER = (
    (("gradient", "transfer"), ("step", "transfer")),
    (("gradient", "self-influence"), ("step", "self-influence")),
)
"""What the gradient alone foretells of every fragment, and what a step did with the sample."""


def unit_of(probe: str, measure: str) -> str:
    """Unit of a measure; an empty string for a plain share."""
    if probe == "retention" and measure.startswith("left after"):
        return "share of the own gain"
    if " at T=" in measure or measure.startswith("probability of"):
        return "probability"
    if probe == "role":
        return _NATS if measure in {"clean", "seen", "told", "sharp_surprise"} else "share"
    return _UNITS.get((probe, measure), "")


def column_units(names: list[str]) -> dict[str, str]:
    """Units of the numbers by which fragments are ranked."""
    return {name: unit_of(*COLUMNS[name]) for name in names}
