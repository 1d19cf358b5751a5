"""Structure, fact or noise: what kind of thing a fragment teaches, with the numbers that decided it.

In a text whose rules small networks learn, four conditions decide, each soft: a logistic curve in one
quantity, with a threshold and a slope.

- *structure*: ``surprise`` is low;
- *fact*: it is not, and reading the context still helps (``explained``), seeing the fragment gains most of
  the loss (``memorised``), and its mates, where there are any, say the same (``confirmed``);
- *noise*: it is not, and one of the three fails.

So P(structure) = s, P(fact) = (1 − s) e m c, P(noise) = (1 − s) (1 − e m c). Each curve runs one way only,
whatever the families it was set on; that is what a free-form classifier on the same numbers does not promise.

Of a natural text of some ten thousand words, tiny networks learn a little order and much by heart. No loss
means there what it means in a corpus whose rules they learn, so none is compared with a fixed threshold.
Instead each condition asks whether a fragment stands out, in standard deviations: whether its words help in
the order they have, against the same words in random orders; whether seeing it gains more than seeing
passages gains that stand alone and are in order, and its mates confirm it; whether it surprises more than
those. Noise is what has no order, or stands out by surprise and is not memorised, or is memorised and
contradicted.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from types import MappingProxyType
from typing import ClassVar, TypeAlias

import numpy as np
from jaxtyping import Float64, Int
from scipy.special import expit

from negspace.data import Fragments
from negspace.language_models import LanguageModel, Rows
from negspace.probes.probe import PROBES, Planned, Probe, ProbeContext, Probed, Trace, TraceMetric
from negspace.probes.role_quantities import RoleQuantities, role_quantities

_Numbers: TypeAlias = Float64[np.ndarray, " fragments"]
_Chances: TypeAlias = Float64[np.ndarray, " roles"]

ROLE_NAMES = ("structure", "fact", "noise", "unsure")
UNSURE = 3

CONDITIONS: Mapping[str, int] = MappingProxyType(
    {"surprise": -1, "explained": 1, "memorised": 1, "confirmed": 1}
)
"""The quantities that decide, and the way each runs: -1 where low values fulfil the condition."""

OUT = 3.0
"""Standard deviations from which on something stands out: Shewhart's limits (1931), not set on any data."""

_SCALE = 0.5
_LEAST = 20  # ordinary passages that a spread can be taken of
_MAD = 1.4826  # a normal distribution's standard deviation, in median absolute deviations
_MOST_WORDS = 50_000  # of the corpus that networks are cross-fitted on
_IN_NATS = {"clean", "seen", "told", "sharp_surprise"}
_FAILS = {
    "explained": "its words stand in no order that helps",
    "memorised": "what surprises is not even kept once seen",
    "confirmed": "its mates say otherwise",
}


@dataclass(frozen=True)
class Condition:
    """A quantity against its threshold."""

    at: float  # where it is as much fulfilled as not
    scale: float  # distance from there over which the odds change by e; its sign is that of the way it runs

    def met(self, values: _Numbers) -> _Numbers:
        """How far it is fulfilled, in [0, 1]; 1 where undefined, as then nothing speaks against it."""
        return np.asarray(np.where(np.isnan(values), 1.0, expit((values - self.at) / self.scale)))


@dataclass(frozen=True)
class RoleRule:
    """The four conditions, and how sure is sure."""

    surprise: Condition
    explained: Condition
    memorised: Condition
    confirmed: Condition
    sure: float

    def probabilities(self, quantities: RoleQuantities) -> Float64[np.ndarray, "fragments roles"]:
        """Probabilities of structure, fact and noise."""
        met = {name: getattr(self, name).met(getattr(quantities, name)) for name in CONDITIONS}
        # Without a scored token nothing is known; even odds leave it unsure.
        unknown = np.isnan(quantities.surprise)
        ruled = np.where(unknown, 1 / 3, met["surprise"])
        stated = np.where(unknown, 0.5, met["explained"] * met["memorised"] * met["confirmed"])
        return np.stack([ruled, (1 - ruled) * stated, (1 - ruled) * (1 - stated)], axis=1)


# Set by `benchmarks/roles.py` on its setting families alone; see docs/explanation/roles.md.
RULE = RoleRule(
    surprise=Condition(at=0.119, scale=-0.0781),
    explained=Condition(at=0.082, scale=0.0684),
    memorised=Condition(at=0.610, scale=0.0521),
    confirmed=Condition(at=0.859, scale=0.0234),
    sure=0.85,
)


@dataclass(frozen=True, eq=False)
class FragmentRoles:
    """The role of each fragment (a position in ``ROLE_NAMES``), and what decided it."""

    codes: Int[np.ndarray, " fragments"]
    probabilities: Float64[np.ndarray, "fragments roles"]
    quantities: RoleQuantities
    reasons: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.codes)

    def names(self) -> tuple[str, ...]:
        """The role of each fragment, by name."""
        return tuple(ROLE_NAMES[code] for code in self.codes)

    def counts(self) -> dict[str, int]:
        """How many fragments have each role."""
        return {name: int((self.codes == code).sum()) for code, name in enumerate(ROLE_NAMES)}


def sort_roles(found: RoleQuantities, rule: RoleRule = RULE) -> FragmentRoles:
    """Give each fragment its role, or leave it ``unsure``.

    Where the networks overfitted the corpus, by its own spread, as losses mean something else then.
    """
    if found.overfitted():
        probabilities = _relative_probabilities(found, rule.confirmed)
    else:
        probabilities = rule.probabilities(found)
    likeliest = probabilities.argmax(axis=1)
    codes = np.where(probabilities.max(axis=1) >= rule.sure, likeliest, UNSURE).astype(np.int64)
    reasons = (_reason(found, rule, row, int(code), probabilities[row]) for row, code in enumerate(codes))
    return FragmentRoles(codes, probabilities, found, tuple(reasons))


def _relative_probabilities(
    quantities: RoleQuantities, confirmed: Condition
) -> Float64[np.ndarray, "fragments roles"]:
    """Probabilities of structure, fact and noise; even if too few passages stand alone and in order."""
    alone = np.bincount(quantities.clusters)[quantities.clusters] == 1
    deciding = (quantities.ordered, quantities.memorised, quantities.surprise)
    known = np.logical_and.reduce([np.isfinite(each) for each in deciding])
    ordinary = known & alone & (quantities.ordered > OUT)
    if ordinary.sum() < _LEAST:
        return np.full((len(quantities), 3), 1 / 3)

    def standing_out(values: _Numbers) -> _Numbers:
        """Distance from the ordinary ones' median, in standard deviations by their median absolute one."""
        middle = np.median(values[ordinary])
        spread = _MAD * np.median(np.abs(values[ordinary] - middle))
        return np.asarray((values - middle) / max(float(spread), 1e-12))

    kept = np.log(np.maximum(quantities.clean, 1e-6) / np.maximum(quantities.seen, 1e-6))
    order = expit((quantities.ordered - OUT) / _SCALE)
    memory = expit((standing_out(kept) - OUT) / _SCALE)
    expected = expit((OUT - standing_out(quantities.surprise)) / _SCALE)
    structure = order * (1 - memory) * expected
    fact = order * memory * confirmed.met(quantities.confirmed)
    found = np.stack([structure, fact, 1 - structure - fact], axis=1)
    return np.where(known[:, None], found, 1 / 3)


@PROBES.register("role")
@dataclass(frozen=True, eq=False)
class RoleProbe(Probe):
    """What kind of thing each fragment teaches: structure, fact or noise.

    Gives the code of the role (its position in ``ROLE_NAMES``), the probability of each, and all that could
    have decided it (`RoleQuantities`). It comes from networks cross-fitted on the corpus, so the model probed
    has no part in it.
    """

    name: ClassVar[str] = "role"
    order: ClassVar[int] = 70
    metrics: ClassVar[tuple[TraceMetric, ...]] = (
        TraceMetric("role", "share"),
        *(TraceMetric(f"probability of {role}", "probability") for role in ROLE_NAMES[:UNSURE]),
        *(
            TraceMetric(field.name, "nats per token" if field.name in _IN_NATS else "share")
            for field in fields(RoleQuantities)
            if field.name != "clusters"
        ),
    )

    roles: FragmentRoles

    @classmethod
    def plan(cls, context: ProbeContext) -> Iterator[Planned]:
        """Every fragment: networks are cross-fitted on the corpus first."""
        found = role_quantities(
            context.fragments,
            seed=context.settings.seed,
            most=_MOST_WORDS,
            workers=context.workers,
            progress=lambda share: context.report("telling roles", round(100 * share), 100),
        )
        context.roles = sort_roles(found)
        yield Planned(cls.name, cls(context.roles), context.every)

    def measure(
        self, model: LanguageModel, fragments: Fragments, rows: Rows, *, batch: int, tokens: bool = False
    ) -> Probed:
        """See `Probe`."""
        if len(fragments) != len(self.roles):
            raise ValueError(f"roles of {len(self.roles)} fragments, asked of a corpus of {len(fragments)}")
        at = np.asarray(rows, dtype=np.int64)
        named = {"role": self.roles.codes.astype(np.float64)}
        for code, role in enumerate(ROLE_NAMES[:UNSURE]):
            named[f"probability of {role}"] = self.roles.probabilities[:, code]
        named |= self.roles.quantities.by_name()
        return Probed(tuple(Trace(self.name, metric, values[at]) for metric, values in named.items()))


def _reason(found: RoleQuantities, rule: RoleRule, row: int, code: int, probabilities: _Chances) -> str:
    explained, memorised, confirmed, surprise, ordered = (
        float(getattr(found, name)[row])
        for name in ("explained", "memorised", "confirmed", "surprise", "ordered")
    )
    if np.isnan(surprise):
        return "not looked at: beyond the sample drawn, or without a scored token"
    shares = " · ".join(f"{name} {p:.0%}" for name, p in zip(ROLE_NAMES, probabilities, strict=False))
    mates = "" if np.isnan(confirmed) else f", its mates say {confirmed:.0%} of that too"
    if found.overfitted():
        helps = f"{ordered:+.1f}".replace("-", "−")
        said = (
            "in order, and no more memorised or surprising than the corpus's other passages",
            "memorised beyond the corpus's other passages",
            "in no order that helps, or beyond what the corpus's other passages let expect",
            shares,
        )
        gains = f"seeing it gains {memorised:.0%}{mates}"
        return f"its order helps by {helps} deviations of random orders; {gains}: {said[code]}"
    level = f"{surprise:+.0%}".replace("-", "−")
    text = f"loss of networks that never saw it is {level} against what they expect"
    if code == 0:
        return f"{text}: predicted unseen"
    text += f"; context explains {explained:.0%}, seeing it gains {memorised:.0%}{mates}"
    if code == UNSURE:
        return f"{text}: {shares}"
    if code == 1:
        return f"{text}: only to be had by seeing it{' or a mate of it' if mates else ''}"
    met = {name: float(getattr(rule, name).met(getattr(found, name)[row : row + 1])[0]) for name in _FAILS}
    return f"{text}: {_FAILS[min(met, key=met.__getitem__)]}"
