"""What a probe is (model and fragments in, numbers a fragment out), which there are, what a run asks."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from jaxtyping import Float, Int

from negspace.data import Fragments
from negspace.errors import PlanError
from negspace.language_models import LanguageModel, Rows
from negspace.records import Json
from negspace.registry import Registry

if TYPE_CHECKING:
    from negspace.gradients import MeanGradient
    from negspace.probes.role import FragmentRoles
    from negspace.probes.volatility import TypeMeans

_SHORTEST = 8  # tokens of a fragment
# A pass over all of a large corpus would cost as much as the probe itself, and bring its mean little nearer.
_MANY = 256


@dataclass(frozen=True)
class TraceMetric:
    """A number that a probe takes of each fragment, as tables, pages and help name it.

    Attributes:
        name: Its name in traces.
        unit: Its unit; empty for a plain share.
        column: Its name where fragments are ranked by it; empty where they are not. A metric taken by layer
            stands there for its mean over layers.
        meaning: What the column says, in a few words.
        panel: For a metric drawn over the layers: the drawing's name, and what the metric was taken on
            (``"itself"`` or ``"reference"``).
    """

    name: str
    unit: str = ""
    column: str = ""
    meaning: str = ""
    panel: tuple[str, str] | None = None


@dataclass(frozen=True, eq=False)
class Trace:
    """One metric of what fragments do to a language model."""

    probe: str
    metric: str
    values: Float[np.ndarray, " fragments"]
    layer: str | None = None


@dataclass(frozen=True, eq=False)
class TokenTrace:
    """One metric of every token (several numbers each: the last axis); NaN, or id -1, where not scored."""

    metric: str
    values: (
        Float[np.ndarray, "fragments longest"]
        | Int[np.ndarray, "fragments longest k"]
        | Float[np.ndarray, "fragments longest k"]
    )


@dataclass(frozen=True, eq=False)
class Probed:
    """What a probe found, in the order of the rows asked for; numbers a token only if asked for."""

    traces: tuple[Trace, ...]
    tokens: tuple[TokenTrace, ...] = ()


class Probe:
    """Takes numbers of one kind of each fragment; ``--probes`` knows it by its name.

    To add one, derive a class from this in a module of this package, or of another package that names it in
    an entry point of the group ``negspace.probes``, and register it under its name. Modules here import
    PyTorch inside functions only.

    What a probe needs beside the fragment at hand (a reference, a mean gradient, checkpoints) it is given
    when it is made.

    Attributes:
        name: As ``--probes`` knows it.
        metrics: What it measures; those with a column are ranked on the page, in this order.
        order: Probes run in this order.
    """

    name: ClassVar[str]
    metrics: ClassVar[tuple[TraceMetric, ...]] = ()
    order: ClassVar[int] = 100

    @classmethod
    def plan(cls, context: ProbeContext) -> Iterator[Planned]:
        """What is to run: by default, the probe made without arguments, on every fragment."""
        yield Planned(cls.name, cls(), context.every)

    @classmethod
    def token_probe(cls, context: ProbeContext) -> Probe | None:
        """The probe that gives numbers a token; None where there are none."""
        return None

    def measure(
        self, model: LanguageModel, fragments: Fragments, rows: Rows, *, batch: int, tokens: bool = False
    ) -> Probed:
        """Probe some fragments.

        No result depends on ``batch`` or on which other rows are asked for, but for rounding.

        Args:
            model: The model; given back as it was.
            fragments: All fragments.
            rows: Which of them.
            batch: Padded tokens held at once, at most.
            tokens: Whether numbers a token are wanted too.
        """
        raise NotImplementedError


PROBES: Registry[type[Probe]] = Registry("probe", group="negspace.probes", package="negspace.probes")


@dataclass(frozen=True, eq=False)
class Planned:
    """A probe that is to run, on the run's own model where none is named."""

    name: str
    probe: Probe
    rows: Int[np.ndarray, " rows"]
    model: LanguageModel | None = None


def all_probes() -> tuple[str, ...]:
    """The names of all probes, in the order in which they run."""
    return tuple(sorted(PROBES, key=lambda name: (PROBES[name].order, name)))


def parse_probes(listed: str | Sequence[str]) -> tuple[str, ...]:
    """Probes as the command line lists them: ``loss,pressure``; ``all`` for all of them."""
    names = [name.strip() for name in listed.split(",")] if isinstance(listed, str) else list(listed)
    every = all_probes()
    if names == ["all"]:
        return every
    asked = {name for name in names if name}
    return (*(name for name in every if name in asked), *sorted(asked.difference(every)))


def metric_of(probe: str, name: str) -> TraceMetric:
    """A probe's metric; one without a unit where the probe does not describe it."""
    known = PROBES[probe].metrics if probe in PROBES else ()
    return next((metric for metric in known if metric.name == name), TraceMetric(name))


def ranked_columns() -> dict[str, tuple[str, TraceMetric]]:
    """The numbers by which fragments are ranked: column -> probe and metric, in the order of the probes."""
    each = ((probe, metric) for probe in all_probes() for metric in PROBES[probe].metrics)
    return {metric.column: (probe, metric) for probe, metric in each if metric.column}


@dataclass(frozen=True)
class ProbeSettings:
    """All that decides what is measured, beside corpus, reference and model.

    Attributes:
        probes: Which probes run; all where None.
        fragment_tokens: Length of a fragment, at most.
        tokens: Whether loss and pressure of every token are written too.
        sample: How many fragments take real steps.
        step_size: SGD step size. If None, chosen so that the median fragment's loss falls by 0.1 nats per
            token, to first order.
        seed: Decides all that is drawn.
        set_aside: Fragments set aside as the reference where none is given, at most.
        spans: Parts of a sampled fragment over which its gradient noise is measured.

    Raises:
        PlanError: If one is out of its range.
    """

    probes: tuple[str, ...] = field(default_factory=all_probes)
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
                hint = f"{PROBES.suggest(name)} (--probes loss,pressure)"
                raise PlanError("no such probe", got=name, hint=hint)
        if not self.probes:
            raise PlanError("no probe is asked for", hint=f"give --probes {','.join(all_probes()[:3])}")
        size = self.step_size
        for right, wrong, got, hint in (
            (
                self.fragment_tokens >= _SHORTEST,
                f"a fragment has at least {_SHORTEST} tokens",
                self.fragment_tokens,
                "give --fragment-tokens 512",
            ),
            (self.sample >= 1, "a sample has at least one fragment", self.sample, "give --sample 64"),
            (
                size is None or (math.isfinite(size) and size > 0),
                "a step size is above 0",
                size,
                "leave --step-size out",
            ),
            (self.seed >= 0, "a seed is a whole number from 0", self.seed, "give --seed 0"),
        ):
            if not right:
                raise PlanError(wrong, got=got, hint=hint)

    def describe(self) -> dict[str, Json]:
        """As JSON."""
        return {**asdict(self), "probes": list(self.probes)}

    def asks_for(self, *names: str) -> bool:
        """Whether any of these probes runs."""
        return any(name in self.probes for name in names)


@dataclass(eq=False)
class ProbeContext:
    """What the probes of a run are made from, and what is found while they are made."""

    model: LanguageModel
    fragments: Fragments
    reference: Fragments  # short pieces of other text, which steps and gradients are compared with
    settings: ProbeSettings
    batch: int  # padded tokens of a batch, at most
    workers: int  # how many processes may work at once
    report: Callable[[str, int, int], None]  # told what is being done, how much of it and of how much
    # Takes the mean gradient of some fragments; told what to call that in reports.
    mean_gradient: Callable[[Fragments, Int[np.ndarray, " rows"], str], MeanGradient]
    sample: Int[np.ndarray, " sample"] = field(init=False)  # fragments that take real steps, sorted
    many: Int[np.ndarray, " many"] = field(init=False)  # those that stand for the corpus in means, sorted
    # None where no probe that is asked for needs it: size of the steps taken, mean gradient of the corpus,
    # mean states of token types, roles of the fragments.
    step_size: float | None = field(init=False, default=None)
    mean: MeanGradient | None = field(init=False, default=None)
    type_means: TypeMeans | None = field(init=False, default=None)
    roles: FragmentRoles | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        n, seed = len(self.fragments), self.settings.seed
        self.sample = np.sort(np.random.default_rng([seed, 1]).permutation(n)[: self.settings.sample])
        self.many = np.sort(np.random.default_rng([seed, 3]).permutation(n)[:_MANY])

    @property
    def every(self) -> Int[np.ndarray, " fragments"]:
        """The positions of all fragments."""
        return np.arange(len(self.fragments))

    def planned(self) -> Iterator[Planned]:
        """Make the probes that are asked for, one after the other."""
        for name in self.settings.probes:
            yield from PROBES[name].plan(self)

    def token_probes(self, *names: str) -> list[Probe]:
        """The probes that measure every token by one forward pass."""
        asked = [name for name in self.settings.probes if name in names or not names]
        return [probe for name in asked if (probe := PROBES[name].token_probe(self)) is not None]


class Collected:
    """Gathers numbers a token, in whatever order they come, and gives their means by fragment.

    A token whose number is never given is left out of the mean, and NaN (an id: -1) in the grid.
    """

    def __init__(
        self, fragments: Fragments, rows: Int[np.ndarray, " rows"], grids: Sequence[str] = ()
    ) -> None:
        self._distinct, self._order = np.unique(rows, return_inverse=True)
        self._longest = fragments.tokens.shape[1]
        self._wanted = grids
        self._sums: dict[str, Float[np.ndarray, " distinct"]] = {}
        self._counts: dict[str, Int[np.ndarray, " distinct"]] = {}
        self._grids: dict[str, np.ndarray] = {}

    def add(
        self,
        rows: Int[np.ndarray, " tokens"],
        places: Int[np.ndarray, " tokens"],
        values: Mapping[str, Float[np.ndarray, " tokens"]],
    ) -> None:
        """Take the numbers of some tokens."""
        at = np.searchsorted(self._distinct, rows)
        size = len(self._distinct)
        counts = np.bincount(at, minlength=size)
        for metric, each in values.items():
            sums = np.bincount(at, weights=each, minlength=size)
            self._sums[metric] = self._sums.get(metric, 0.0) + sums
            self._counts[metric] = self._counts.get(metric, 0) + counts
            if metric in self._wanted:
                self.add_grid(metric, rows, places, each)

    def add_grid(
        self,
        metric: str,
        rows: Int[np.ndarray, " tokens"],
        places: Int[np.ndarray, " tokens"],
        values: np.ndarray,
    ) -> None:
        """Take numbers a token (along the last axis, several) that have no mean."""
        if metric not in self._grids:
            shape = (len(self._distinct), self._longest, *values.shape[1:])
            whole = np.issubdtype(values.dtype, np.integer)
            self._grids[metric] = np.full(shape, -1 if whole else np.nan, np.int32 if whole else np.float32)
        self._grids[metric][np.searchsorted(self._distinct, rows), places] = values

    def traces(self, probe: str, layer: str | None = None) -> tuple[Trace, ...]:
        """Means by fragment, a trace a metric; NaN where no token counted."""
        found = []
        for metric, sums in self._sums.items():
            counts = self._counts[metric]
            means = np.divide(sums, counts, out=np.full(len(sums), np.nan), where=counts > 0)
            found.append(Trace(probe, metric, means[self._order], layer))
        return tuple(found)

    def tokens(self) -> tuple[TokenTrace, ...]:
        """Numbers a token: float32 or int32, as wide as the longest of all fragments."""
        return tuple(TokenTrace(metric, grid[self._order]) for metric, grid in self._grids.items())
