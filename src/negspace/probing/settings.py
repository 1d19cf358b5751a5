"""What is to be probed, and how: the settings of a run, checked."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from negspace.errors import PlanError, did_you_mean
from negspace.records import Json

__all__ = ["PROBES", "Settings", "parse_probes"]

PROBES = ("loss", "pressure", "gradient", "step", "retention", "volatility", "role")
"""All probes, in the order in which they run."""


@dataclass(frozen=True)
class Settings:
    """All that decides what is measured, beside corpus, reference and model.

    Attributes:
        probes: Which probes run.
        fragment_tokens: Length of a fragment, at most.
        tokens: Whether loss and pressure of every token are written too.
        sample: How many fragments take real steps.
        step_size: Of a step; None for one at which half of the fragments should lose 0.1 nats per token.
        seed: Of all that is drawn.
        set_aside: Fragments set aside as the reference where none is given, at most.
        spans: Parts of a sampled fragment over which its gradient noise is measured.

    Raises:
        PlanError: If one is out of its range.
    """

    probes: tuple[str, ...] = PROBES
    fragment_tokens: int = 512
    tokens: bool = False
    sample: int = 64
    step_size: float | None = None
    seed: int = 0
    set_aside: int = 16
    spans: int = 4

    def __post_init__(self) -> None:
        for name in self.probes:
            if name not in PROBES:
                raise PlanError(
                    "no such probe", got=name, hint=f"{did_you_mean(name, PROBES)} (--probes loss,pressure)"
                )
        if not self.probes:
            raise PlanError("no probe is asked for", hint=f"give --probes {','.join(PROBES[:3])}")
        if self.fragment_tokens < _SHORTEST:
            raise PlanError(
                f"a fragment has at least {_SHORTEST} tokens",
                got=self.fragment_tokens,
                hint="give --fragment-tokens 512",
            )
        if self.sample < 1:
            raise PlanError("a sample has at least one fragment", got=self.sample, hint="give --sample 64")
        if self.step_size is not None and not (math.isfinite(self.step_size) and self.step_size > 0):
            raise PlanError("a step size is above 0", got=self.step_size, hint="leave --step-size out")
        if self.seed < 0:
            raise PlanError("a seed is a whole number from 0", got=self.seed, hint="give --seed 0")

    def describe(self) -> dict[str, Json]:
        """As JSON."""
        return {**asdict(self), "probes": list(self.probes)}

    def asks_for(self, *names: str) -> bool:
        """Whether any of these probes runs."""
        return any(name in self.probes for name in names)


_SHORTEST = 8


def parse_probes(listed: str | Sequence[str]) -> tuple[str, ...]:
    """Probes as the command line lists them: ``loss,pressure``; ``all`` for all of them."""
    names = [name.strip() for name in listed.split(",")] if isinstance(listed, str) else list(listed)
    if names == ["all"]:
        return PROBES
    asked = {name for name in names if name}
    return (*(name for name in PROBES if name in asked), *sorted(asked.difference(PROBES)))
