"""Structure, fact or noise: what kind of thing a fragment teaches, with the numbers that decided it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from typing import ClassVar

import numpy as np
from jaxtyping import Float64, Int

from negspace.data import Fragments
from negspace.language_models import LanguageModel, Rows
from negspace.probes.plan import PROBES, Planned, ProbeContext, RegisteredProbe
from negspace.probes.probe import Probed, Trace, TraceMetric
from negspace.probes.role_quantities import RoleQuantities, role_quantities
from negspace.probes.role_rule import CONDITIONS, RULE, RoleRule, relative_probabilities
from negspace.records import Json

ROLE_NAMES = ("structure", "fact", "noise", "unsure")
UNSURE = 3

_MOST_WORDS = 50_000  # of the corpus that networks are cross-fitted on
_IN_NATS = {"clean", "seen", "told", "sharp_surprise"}


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

    By the rule; or, where the networks overfitted the corpus, by the corpus's own spread, as its losses mean
    something else then (`relative_probabilities`).
    """
    if found.overfitted():
        probabilities = relative_probabilities(found, rule.confirmed)
    else:
        probabilities = rule.probabilities(found)
    likeliest = probabilities.argmax(axis=1)
    codes = np.where(probabilities.max(axis=1) >= rule.sure, likeliest, UNSURE).astype(np.int64)
    reasons = tuple(
        _reason(found, rule, row, int(codes[row]), probabilities[row]) for row in range(len(codes))
    )
    return FragmentRoles(codes, probabilities, found, reasons)


@PROBES.register("role")
@dataclass(frozen=True, eq=False)
class RoleProbe(RegisteredProbe):
    """What kind of thing each fragment teaches: structure, fact or noise.

    Gives the code of the role, the probability of each, and every quantity that could have decided it.
    The roles come from networks cross-fitted on the corpus, so the model probed has no part in them. ``role``
    is the position in ``ROLE_NAMES``. The unit of each quantity stands in `RoleQuantities`.
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
    rule: RoleRule = RULE

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

    def describe(self) -> Mapping[str, Json]:
        """All settings that decide its results, and the content of what it hands out."""
        said: dict[str, Json] = {
            name: [getattr(self.rule, name).at, getattr(self.rule, name).scale] for name in CONDITIONS
        }
        return {"probe": self.name, "sure": self.rule.sure, **said}

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


def _reason(
    found: RoleQuantities, rule: RoleRule, row: int, code: int, probabilities: Float64[np.ndarray, " roles"]
) -> str:
    surprise = float(found.surprise[row])
    if np.isnan(surprise):
        return "not looked at: beyond the sample drawn, or without a scored token"
    if found.overfitted():
        return _reason_within(found, row, code, probabilities)
    level = f"loss of networks that never saw it is {_signed(surprise)} against what they expect"
    if code == 0:
        return f"{level}: predicted unseen"
    explained, memorised = float(found.explained[row]), float(found.memorised[row])
    confirmed = float(found.confirmed[row])
    parts = [f"context explains {explained:.0%}", f"seeing it gains {memorised:.0%}"]
    if not np.isnan(confirmed):
        parts.append(f"its mates say {confirmed:.0%} of that too")
    text = f"{level}; " + ", ".join(parts)
    if code == UNSURE:
        return f"{text}: {_shares(probabilities)}"
    if code == 1:
        return f"{text}: only to be had by seeing it" + ("" if np.isnan(confirmed) else " or a mate of it")
    met = {name: float(getattr(rule, name).met(getattr(found, name)[row : row + 1])[0]) for name in _FAILS}
    return f"{text}: {_FAILS[min(met, key=met.__getitem__)]}"


def _reason_within(
    found: RoleQuantities, row: int, code: int, probabilities: Float64[np.ndarray, " roles"]
) -> str:
    """Where the networks overfitted the corpus."""
    ordered, memorised = float(found.ordered[row]), float(found.memorised[row])
    text = (
        f"its order helps by {_signed_number(ordered)} deviations of random orders; "
        f"seeing it gains {memorised:.0%}"
    )
    if not np.isnan(confirmed := float(found.confirmed[row])):
        text += f", its mates say {confirmed:.0%} of that too"
    said = (
        "in order, and no more memorised or surprising than the corpus's other passages",
        "memorised beyond the corpus's other passages",
        "in no order that helps, or beyond what the corpus's other passages let expect",
        _shares(probabilities),
    )
    return f"{text}: {said[code]}"


def _shares(probabilities: Float64[np.ndarray, " roles"]) -> str:
    return " · ".join(f"{name} {p:.0%}" for name, p in zip(ROLE_NAMES, probabilities, strict=False))


_FAILS = {
    "explained": "its words stand in no order that helps",
    "memorised": "what surprises is not even kept once seen",
    "confirmed": "its mates say otherwise",
}


def _signed(share: float) -> str:
    return f"{share:+.0%}".replace("-", "−")


def _signed_number(value: float) -> str:
    return f"{value:+.1f}".replace("-", "−")
