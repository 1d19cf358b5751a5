"""Which probes run on what, each made when those before it have been measured: some need their numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, TypeVar

import numpy as np
from jaxtyping import Int

from negspace.datasets.subsets import beginnings, select
from negspace.language_models import LanguageModel, halving
from negspace.probes.gradient import GradientProbe
from negspace.probes.loss import LossProbe
from negspace.probes.pressure import PressureProbe
from negspace.probes.probe import Probe
from negspace.probes.retention import LAGS, RetentionProbe
from negspace.probes.role import RoleProbe, Roles, sort_roles
from negspace.probes.role_quantities import role_quantities
from negspace.probes.step import StepProbe
from negspace.probes.volatility import TypeMeans, VolatilityProbe, type_means
from negspace.probing.crew import Crew, measure_some
from negspace.probing.inputs import Inputs
from negspace.probing.settings import Settings
from negspace.probing.traces import TraceTable
from negspace.records import Fragments

if TYPE_CHECKING:
    from negspace.gradients import MeanGradient

__all__ = ["Plan", "Planned"]

_T = TypeVar("_T")

# Every step passes over all of its reference, forward and backward. Several short pieces tell as much as one
# long fragment does of itself, and more of others.
_STEP_PIECES = 4
_LEAST_PIECE = 16  # tokens


@dataclass(frozen=True, eq=False)
class Planned:
    """A probe that is to run.

    Attributes:
        name: What its parts are called.
        probe: The probe.
        rows: The fragments it is to measure.
        model: In place of the model probed; None for that.
    """

    name: str
    probe: Probe
    rows: Int[np.ndarray, " rows"]
    model: LanguageModel | None = None


@dataclass(eq=False)
class Plan:
    """The probes of a run, and what was found while they were made.

    Attributes:
        inputs: Model, fragments, reference.
        settings: What is asked for.
        crew: Those who measure.
        sample: Fragments that take real steps, sorted.
        pressure: The pressure probe, whose settings the report shows.
        lags: Further steps after which the report says what is left.
        step_size: Of a step; None where none is taken.
        mean: Mean gradient of all fragments; None where gradients are not asked for.
        means: Of token types; None where volatility is not asked for.
        roles: Of the fragments; None where they are not asked for.
    """

    inputs: Inputs
    settings: Settings
    crew: Crew
    sample: Int[np.ndarray, " sample"] = field(init=False)
    pressure: PressureProbe = field(init=False, default_factory=PressureProbe)
    lags: tuple[int, ...] = field(init=False, default=LAGS)
    step_size: float | None = field(init=False, default=None)
    mean: MeanGradient | None = field(init=False, default=None)
    means: TypeMeans | None = field(init=False, default=None)
    roles: Roles | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        """Draw the sample."""
        n = len(self.inputs.fragments)
        drawn = np.random.default_rng([self.settings.seed, 1]).permutation(n)[: self.settings.sample]
        self.sample = np.sort(drawn)

    def probes(self, table: TraceTable) -> Iterator[Planned]:
        """Make the probes one after the other; each is to be measured, into the table, before the next.

        Args:
            table: What has been measured so far.
        """
        every = np.arange(len(self.inputs.fragments))
        asks = self.settings.asks_for
        if asks("loss"):
            yield Planned("loss", LossProbe(), every)
        if asks("pressure"):
            yield Planned("pressure", self.pressure, every)
        if asks("gradient"):
            yield from self._gradients(every)
        if asks("step", "retention"):
            yield from self._steps(table)
        if asks("volatility"):
            self.crew.report("comparing contexts", 0, 1)
            self.means = self._halving(lambda batch: type_means(*self._probed(every), batch=batch))
            probe = VolatilityProbe(self.means)
            # Going through the checkpoints as well takes a pass for each: the sample's alone.
            without = replace(self.inputs.model, checkpoints=())
            yield Planned("volatility", probe, every, without)
            yield Planned("checkpoints", probe, self.sample)
        if asks("role"):
            yield Planned("role", self._roles(), every)

    def _gradients(self, every: Int[np.ndarray, " fragments"]) -> Iterator[Planned]:
        self.mean = self.crew.mean_gradient(self.inputs.fragments, "taking the mean gradient")
        toward = self.crew.mean_gradient(self.inputs.reference, "taking the reference's gradient")
        yield Planned("gradient", GradientProbe(self.mean, toward), every)
        # Cutting a fragment into spans costs as much again for each span: the sample's alone.
        yield Planned("turbulence", GradientProbe(spans=self.settings.spans), self.sample)

    def _steps(self, table: TraceTable) -> Iterator[Planned]:
        from negspace.probes.stepping import choose_step_size  # noqa: PLC0415  (an extra)

        self.step_size = self.settings.step_size
        if self.step_size is None:
            squares = table.get("gradient", "self-influence")
            if squares is None:
                found = measure_some(GradientProbe(), *self._probed(self.sample), self.crew.batch)
                squares = next(t.values for t in found.traces if t.measure == "self-influence")
            self.step_size = choose_step_size(squares)
        reference = self.inputs.reference
        some = select(reference, np.arange(min(_STEP_PIECES, len(reference))))
        others = beginnings(some, max(_LEAST_PIECE, self.settings.fragment_tokens // _STEP_PIECES))
        retention = RetentionProbe(others, self.step_size, self.lags)
        if not self.settings.asks_for("step"):
            yield Planned("retention", retention, self.sample)
            return
        both = retention if self.settings.asks_for("retention") else None
        yield Planned("step", StepProbe(others, self.step_size, retention=both), self.sample)

    def _roles(self) -> RoleProbe:
        found = role_quantities(
            self.inputs.fragments,
            seed=self.settings.seed,
            workers=self.crew.workers,
            progress=lambda share: self.crew.report("telling roles", round(100 * share), 100),
        )
        self.roles = sort_roles(found)
        return RoleProbe(self.roles)

    def _probed(
        self, rows: Int[np.ndarray, " rows"]
    ) -> tuple[LanguageModel, Fragments, Int[np.ndarray, " rows"]]:
        return self.inputs.model, self.inputs.fragments, rows

    def _halving(self, run: Callable[[int], _T]) -> _T:
        return halving(run, self.crew.batch, int(self.inputs.fragments.lengths.max()))
