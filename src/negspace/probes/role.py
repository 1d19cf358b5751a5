"""Structure, fact or noise: what kind of thing a fragment teaches, with the numbers that decided it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64, Int

from negspace.data import Fragments
from negspace.language_models import LanguageModel
from negspace.probes.probe import Probed, Trace
from negspace.probes.role_quantities import RoleQuantities
from negspace.probes.role_relative import relative_probabilities
from negspace.probes.role_rule import Condition, RoleRule
from negspace.records import Json

__all__ = ["ROLE_NAMES", "RULE", "RoleProbe", "Roles", "sort_roles"]

ROLE_NAMES = ("structure", "fact", "noise", "unsure")
UNSURE = 3

# Set by `benchmarks/roles.py` on its setting families alone; see docs/roles.md.
RULE = RoleRule(
    surprise=Condition(at=0.119, scale=-0.0781),
    explained=Condition(at=0.082, scale=0.0684),
    memorised=Condition(at=0.610, scale=0.0521),
    confirmed=Condition(at=0.859, scale=0.0234),
    sure=0.85,
)


@dataclass(frozen=True, eq=False)
class Roles:
    """The role of each fragment.

    Attributes:
        codes: Position in ``ROLE_NAMES``.
        probabilities: Of structure, fact and noise.
        quantities: What decided.
        reasons: The deciding numbers, in words.
    """

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


def sort_roles(measures: RoleQuantities, rule: RoleRule = RULE) -> Roles:
    """Give each fragment its role, or leave it ``unsure``.

    By the rule; or, where the networks overfitted the corpus, by the corpus's own spread, as its losses mean
    something else then (`relative_probabilities`).
    """
    if measures.overfitted():
        probabilities = relative_probabilities(measures, rule.confirmed)
    else:
        probabilities = rule.probabilities(measures)
    likeliest = probabilities.argmax(axis=1)
    codes = np.where(probabilities.max(axis=1) >= rule.sure, likeliest, UNSURE).astype(np.int64)
    reasons = tuple(
        _reason(measures, rule, row, int(codes[row]), probabilities[row]) for row in range(len(codes))
    )
    return Roles(codes, probabilities, measures, reasons)


@dataclass(frozen=True, eq=False)
class RoleProbe:
    """Hands out the roles as traces: `probability` of each role, the code, and every quantity.

    The roles come from networks cross-fitted on the corpus, so the model probed has no part in them. ``role``
    is the position in ``ROLE_NAMES``. The unit of each quantity stands in `RoleQuantities`.
    """

    roles: Roles
    rule: RoleRule = RULE
    name: str = "role"

    def describe(self) -> Mapping[str, Json]:
        """All settings that decide its results, and the content of what it hands out."""
        conditions = ("surprise", "explained", "memorised", "confirmed")
        said: dict[str, Json] = {
            name: [getattr(self.rule, name).at, getattr(self.rule, name).scale] for name in conditions
        }
        return {"probe": self.name, "sure": self.rule.sure, **said}

    def measure(
        self,
        model: LanguageModel,  # noqa: ARG002  (the protocol's)
        fragments: Fragments,
        rows: Sequence[int] | Int[np.ndarray, " rows"],
        *,
        batch: int,  # noqa: ARG002
        tokens: bool = False,  # noqa: ARG002
    ) -> Probed:
        """Roles and quantities of some fragments."""
        if len(fragments) != len(self.roles):
            raise ValueError(f"roles of {len(self.roles)} fragments, asked of a corpus of {len(fragments)}")
        at = np.asarray(rows, dtype=np.int64)
        named = {"role": self.roles.codes.astype(np.float64)}
        for code, role in enumerate(ROLE_NAMES[:UNSURE]):
            named[f"probability of {role}"] = self.roles.probabilities[:, code]
        named |= self.roles.quantities.measures()
        return Probed(tuple(Trace(self.name, measure, values[at]) for measure, values in named.items()))


def _reason(
    measures: RoleQuantities,
    rule: RoleRule,
    row: int,
    code: int,
    probabilities: Float64[np.ndarray, " roles"],
) -> str:
    surprise = float(measures.surprise[row])
    if np.isnan(surprise):
        return "not looked at: beyond the sample drawn, or without a scored token"
    if measures.overfitted():
        return _reason_within(measures, row, code, probabilities)
    level = f"loss of networks that never saw it is {_signed(surprise)} against what they expect"
    if code == 0:
        return f"{level}: predicted unseen"
    explained, memorised = float(measures.explained[row]), float(measures.memorised[row])
    confirmed = float(measures.confirmed[row])
    parts = [f"context explains {explained:.0%}", f"seeing it gains {memorised:.0%}"]
    if not np.isnan(confirmed):
        parts.append(f"its mates say {confirmed:.0%} of that too")
    text = f"{level}; " + ", ".join(parts)
    if code == UNSURE:
        return f"{text}: {_shares(probabilities)}"
    if code == 1:
        return f"{text}: only to be had by seeing it" + ("" if np.isnan(confirmed) else " or a mate of it")
    met = {name: float(getattr(rule, name).met(getattr(measures, name)[row : row + 1])[0]) for name in _FAILS}
    return f"{text}: {_FAILS[min(met, key=met.__getitem__)]}"


def _reason_within(
    measures: RoleQuantities, row: int, code: int, probabilities: Float64[np.ndarray, " roles"]
) -> str:
    """Where the networks overfitted the corpus."""
    ordered, memorised = float(measures.ordered[row]), float(measures.memorised[row])
    text = (
        f"its order helps by {_signed_number(ordered)} deviations of random orders; "
        f"seeing it gains {memorised:.0%}"
    )
    if not np.isnan(confirmed := float(measures.confirmed[row])):
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
