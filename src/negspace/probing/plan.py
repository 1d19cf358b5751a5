"""Which probes run on what."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, TypeVar

import numpy as np
from jaxtyping import Int

from negspace.data import Fragments
from negspace.data.fragments import pieces
from negspace.language_models import LanguageModel, halving
from negspace.probes.gradient import GradientProbe
from negspace.probes.loss import LossProbe
from negspace.probes.pressure import PressureProbe
from negspace.probes.probe import Probe
from negspace.probes.retention import LAGS, RetentionProbe
from negspace.probes.role import RoleProbe, Roles, sort_roles
from negspace.probes.role_quantities import role_quantities
from negspace.probes.step import QUERIES, StepProbe
from negspace.probes.volatility import TypeMeans, VolatilityProbe, type_means
from negspace.probing.crew import Crew
from negspace.probing.inputs import Inputs
from negspace.probing.settings import Settings

if TYPE_CHECKING:
    from negspace.gradients import MeanGradient

__all__ = ["Plan", "Planned"]

_T = TypeVar("_T")

# Every step passes over all of its reference, forward and backward: as many tokens as one fragment has.
# Several short pieces tell more of other text than one long one does.
_PIECES = 8
_LEAST_PIECE = 16  # tokens
_CHOSEN_BY = 32  # fragments of the sample
_THROUGH_CHECKPOINTS = 16  # of the sample
# A pass over all of a large corpus would cost as much as the probe itself, and bring the mean little nearer.
_MANY = 256
_ROLE_WORDS = 50_000


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
        many: Fragments that stand for the corpus where a mean over it is needed, sorted.
        reference: Pieces of the reference, which steps and gradients are held against.
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
    many: Int[np.ndarray, " many"] = field(init=False)
    reference: Fragments = field(init=False)
    pressure: PressureProbe = field(init=False, default_factory=PressureProbe)
    lags: tuple[int, ...] = field(init=False, default=LAGS)
    step_size: float | None = field(init=False, default=None)
    mean: MeanGradient | None = field(init=False, default=None)
    means: TypeMeans | None = field(init=False, default=None)
    roles: Roles | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        """Draw the sample, and cut the reference into pieces."""
        n = len(self.inputs.fragments)
        drawn = np.random.default_rng([self.settings.seed, 1]).permutation(n)[: self.settings.sample]
        self.sample = np.sort(drawn)
        self.many = np.sort(np.random.default_rng([self.settings.seed, 3]).permutation(n)[:_MANY])
        each = max(_LEAST_PIECE, self.settings.fragment_tokens // _PIECES)
        # Two at least, however short: retention compares halves of it.
        each = min(each, max(2, int(self.inputs.reference.lengths.sum()) // 2))
        self.reference = pieces(self.inputs.reference, _PIECES, each)

    def probes(self) -> Iterator[Planned]:
        """Make the probes one after the other."""
        every = np.arange(len(self.inputs.fragments))
        asks = self.settings.asks_for
        if asks("pressure"):
            # One pass serves both.
            yield Planned("pressure", replace(self.pressure, with_loss=asks("loss")), every)
        elif asks("loss"):
            yield Planned("loss", LossProbe(), every)
        if asks("gradient"):
            yield from self._gradients(every)
        if asks("step", "retention"):
            yield from self._steps()
        if asks("volatility"):
            self.crew.report("comparing contexts", 0, 1)
            self.means = self._halving(lambda batch: type_means(*self._probed(self.many), batch=batch))
            probe = VolatilityProbe(self.means)
            # Going through the checkpoints as well takes a pass for each: the sample's alone.
            without = replace(self.inputs.model, checkpoints=())
            yield Planned("volatility", probe, every, without)
            yield Planned("checkpoints", probe, self.sample[:_THROUGH_CHECKPOINTS])
        if asks("role"):
            yield Planned("role", self._roles(), every)

    def _gradients(self, every: Int[np.ndarray, " fragments"]) -> Iterator[Planned]:
        self.mean = self.crew.mean_gradient(self.inputs.fragments, self.many, "taking the mean gradient")
        toward = self.crew.mean_gradient(
            self.reference, np.arange(len(self.reference)), "taking the reference's gradient"
        )
        yield Planned("gradient", GradientProbe(self.mean, toward), every)
        # Cutting a fragment into spans costs as much again for each span: the sample's alone.
        yield Planned("turbulence", GradientProbe(spans=self.settings.spans), self.sample)

    def _steps(self) -> Iterator[Planned]:
        from negspace.probes.attention import shows_attention  # noqa: PLC0415  (an extra)
        from negspace.probes.stepping import in_float32  # noqa: PLC0415  (an extra)

        model = in_float32(self.inputs.model)
        self.step_size = self.settings.step_size or self._chosen_step_size(model)
        retention = None
        if self.settings.asks_for("retention"):
            retention = RetentionProbe(self.reference, self.step_size, self.lags)
        if not self.settings.asks_for("step"):
            assert retention is not None
            yield Planned("retention", retention, self.sample, model)
            return
        queries = QUERIES if shows_attention(model.network) else 0
        step = StepProbe(self.reference, self.step_size, queries, retention)
        yield Planned("step", step, self.sample, model)

    def _chosen_step_size(self, model: LanguageModel) -> float:
        """From the first of the sample, whatever else is measured: a step is of one size in all runs."""
        from negspace.probes.stepping import choose_step_size, squared_norms  # noqa: PLC0415  (an extra)

        self.crew.report("choosing a step", 0, 1)
        rows = self.sample[:_CHOSEN_BY].tolist()
        return choose_step_size(squared_norms(model, self.inputs.fragments, rows))

    def token_probes(self) -> list[Probe]:
        """The probes asked for that measure every token by one forward pass."""
        asked: list[Probe] = [LossProbe()] if self.settings.asks_for("loss") else []
        return [*asked, self.pressure] if self.settings.asks_for("pressure") else asked

    def _roles(self) -> RoleProbe:
        found = role_quantities(
            self.inputs.fragments,
            seed=self.settings.seed,
            most=_ROLE_WORDS,
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
