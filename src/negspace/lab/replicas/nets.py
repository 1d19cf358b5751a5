"""Architectures as data: shapes, initial values, settings; the LSTM, and any PyTorch module.

The parameters of a replica are one flat float32 vector; a net says where each tensor lies in it. PyTorch is
imported when a net is built, not with this module.
"""

from __future__ import annotations

import functools
import hashlib
import inspect
import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float32

from negspace.errors import MissingExtraError, PlanError
from negspace.lab.concepts import Tokens
from negspace.records import Json

if TYPE_CHECKING:
    from torch import nn

NOTHING = -1
"""In place of a token: subtract zero."""

Delta = Literal["neighbour", "anchor", "random"]
"""Which embedding is subtracted from a position's own: that before it, the first, or one at random."""

DELTAS: tuple[Delta, ...] = ("neighbour", "anchor", "random")


@runtime_checkable
class Net(Protocol):
    """An architecture: sequences of tokens in, one logit a sequence out."""

    @property
    def name(self) -> str:
        """As results name the architecture."""

    @property
    def delta(self) -> Delta | None:
        """Which difference of embeddings is fed beside them, if any."""

    def describe(self) -> Mapping[str, Json]:
        """All that decides what it computes."""

    def outline(self) -> str:
        """The architecture in a few words."""

    def shapes(self) -> Mapping[str, tuple[int, ...]]:
        """Shape of each tensor, in the order of the flat vector."""

    def initial(self, seed: int) -> Float32[np.ndarray, " parameters"]:
        """Draw initial parameters; the same at the same seed, whatever else is drawn."""

    def build(self) -> nn.Module:
        """The architecture as a module that reads ``(tokens, against, lengths)``; see `ModuleNet`."""


def count(net: Net) -> int:
    """Number of parameters of one model."""
    return sum(math.prod(shape) for shape in net.shapes().values())


def tensors(net: Net, parameters: Float32[np.ndarray, " parameters"]) -> dict[str, Float32[np.ndarray, ...]]:
    """View a flat vector as the net's tensors, by name; writing to one writes to the vector."""
    views, start = {}, 0
    for name, shape in net.shapes().items():
        stop = start + math.prod(shape)
        views[name] = parameters[start:stop].reshape(shape)
        start = stop
    return views


@dataclass(frozen=True)
class LstmNet:
    """Embedding, one LSTM layer, a linear layer on the last hidden state.

    With a delta, position t feeds ``[e_t, e_t - e_a(t)]``, twice the embedding's width. Tensors, gate
    order (input, forget, cell, output) and initial values are those of ``torch.nn.Embedding``, ``LSTM`` and
    ``Linear``: N(0, 1) for the embedding, U(-1/sqrt(hidden), 1/sqrt(hidden)) for all else.

    Widths are those of the embedding and the hidden state; ``vocabulary`` is the number of tokens.

    Raises:
        PlanError: If a width is not positive, or the delta is unknown.
    """

    embedding: int = 8
    delta: Delta | None = None
    hidden: int = 32
    vocabulary: int = 50

    name = "lstm"

    def __post_init__(self) -> None:
        _at_least_one(embedding=self.embedding, hidden=self.hidden, vocabulary=self.vocabulary)
        if self.delta is not None and self.delta not in DELTAS:
            raise PlanError("no such delta", got=self.delta, hint=f"choose one of {', '.join(DELTAS)}")

    @property
    def inputs(self) -> int:
        """Width of what is fed to the LSTM at each position."""
        return self.embedding if self.delta is None else 2 * self.embedding

    def describe(self) -> Mapping[str, Json]:
        """All settings."""
        return {"net": self.name, **asdict(self)}

    def outline(self) -> str:
        """The architecture in a few words."""
        fed = f" with {self.delta} delta" if self.delta else ""
        return f"{self.name}, embedding {self.embedding}{fed}"

    def shapes(self) -> Mapping[str, tuple[int, ...]]:
        """Shape of each tensor, under PyTorch's names."""
        gates = 4 * self.hidden
        return {
            "embedding.weight": (self.vocabulary, self.embedding),
            "lstm.weight_ih_l0": (gates, self.inputs),
            "lstm.weight_hh_l0": (gates, self.hidden),
            "lstm.bias_ih_l0": (gates,),
            "lstm.bias_hh_l0": (gates,),
            "linear.weight": (1, self.hidden),
            "linear.bias": (1,),
        }

    def initial(self, seed: int) -> Float32[np.ndarray, " parameters"]:
        """Draw initial parameters; nets of equal shapes start equal at equal seeds."""
        rng = np.random.default_rng(seed)
        bound = 1 / math.sqrt(self.hidden)
        embedding, *others = self.shapes().values()
        parts = [rng.standard_normal(embedding), *(rng.uniform(-bound, bound, shape) for shape in others)]
        return np.concatenate([part.ravel() for part in parts]).astype(np.float32)

    def build(self) -> nn.Module:
        """The architecture as a module; its values are not those of `initial`."""
        import torch

        from negspace.lab.replicas.torch_modules import LstmModule

        with torch.random.fork_rng(devices=[]):
            return LstmModule(self)


def against(tokens: Tokens, delta: Delta | None, rng: np.random.Generator) -> Tokens | None:
    """The token that each position's delta subtracts, `NOTHING` for zero; None without a delta.

    ``neighbour``: the token before, nothing at the first position; ``anchor``: the first; ``random``: one at
    a position that ``rng`` draws anew for each position of each row. The others do not touch it.
    """
    if delta == "neighbour":
        first = np.full((len(tokens), 1), NOTHING, dtype=np.int32)
        return np.concatenate([first, tokens[:, :-1]], axis=1)
    if delta == "anchor":
        return np.repeat(tokens[:, :1], tokens.shape[1], axis=1)
    if delta == "random":
        return np.take_along_axis(tokens, rng.integers(tokens.shape[1], size=tokens.shape), axis=1)
    return None


@dataclass(frozen=True)
class ModuleNet:
    """The architecture of a PyTorch module whose ``forward`` reads ``(tokens, against, lengths)``.

    ``tokens`` is ``Int[rows, longest]`` and ends in padding (a known token) where a row is shorter;
    ``against`` is None; ``lengths`` is ``Int[rows]``; returned is ``Float[rows]``, the logits. All parameters
    are float32. `torch.func.vmap` must be able to run it: no ``nn.LSTM`` or ``nn.GRU``, no dropout or batch
    normalisation, no branch that depends on values.

    Attributes:
        name: As results name the architecture.
        factory: Builds the module, with PyTorch's global random state at whatever it is. To send a net to
            another process the factory must be picklable: a function of a module, a `functools.partial` of
            one, a class, an instance of a dataclass with ``__call__``.
        settings: What the factory was made from, for the record.

    Raises:
        MissingExtraError: At use, if PyTorch is not installed.
        PlanError: At use, if the module's parameters are not float32.
    """

    name: str
    factory: Callable[[], nn.Module]
    settings: Mapping[str, Json] = field(default_factory=dict, hash=False)

    delta = None

    def describe(self) -> Mapping[str, Json]:
        """Name, settings, number of parameters, a hash of the code, the version of PyTorch."""
        told: dict[str, Json] = {"net": self.name, "settings": dict(self.settings), "parameters": count(self)}
        return {**told, "source": self._source, "torch": version("torch")}

    def outline(self) -> str:
        """Its name."""
        return self.name

    def shapes(self) -> Mapping[str, tuple[int, ...]]:
        """Shape of each tensor, in the order of the module's ``named_parameters``."""
        return dict(self._shapes)

    def initial(self, seed: int) -> Float32[np.ndarray, " parameters"]:
        """Draw initial parameters as the module draws them; PyTorch's generator is given back as it was."""
        parts = [p.detach().numpy().ravel() for p in self.build(seed).parameters()]
        return np.concatenate(parts).astype(np.float32)

    def build(self, seed: int = 0) -> nn.Module:
        """Build the module, on the CPU, leaving PyTorch's random state as it was."""
        if find_spec("torch") is None:
            raise MissingExtraError(f"the net '{self.name}'", "torch")
        import torch

        with torch.random.fork_rng(devices=[]):
            # Not torch.manual_seed, which would seed the generators of all GPUs for good.
            torch.default_generator.manual_seed(seed)
            module = self.factory()
        odd = {str(p.dtype) for p in module.parameters()} - {"torch.float32"}
        if odd:
            raise PlanError(f"net '{self.name}': parameters are float32", got=", ".join(sorted(odd)))
        return module

    @functools.cached_property
    def _shapes(self) -> dict[str, tuple[int, ...]]:
        return {name: tuple(p.shape) for name, p in self.build().named_parameters()}

    @functools.cached_property
    def _source(self) -> str:
        kinds = {type(part) for part in self.build().modules()}
        factory: Callable[..., Any] = self.factory
        while isinstance(factory, functools.partial):
            factory = factory.func
        if not (inspect.isroutine(factory) or isinstance(factory, type)):
            factory = type(factory)
        own = [_source(kind) for kind in kinds if not kind.__module__.startswith("torch.")]
        return hashlib.sha256("\0".join(sorted({_source(factory), *own})).encode()).hexdigest()


def gru_net(embedding: int = 16, hidden: int = 38, vocabulary: int = 50) -> ModuleNet:
    """Embedding, one GRU layer, a linear layer on the last hidden state.

    As it stands it has as many parameters, to 1.5 %, as ``LstmNet(embedding=16)``; so has `transformer_net`.

    Raises:
        PlanError: If a width is not positive.
    """
    return _built("gru", "GruModule", embedding=embedding, hidden=hidden, vocabulary=vocabulary)


def transformer_net(
    width: int = 24, heads: int = 2, feed_forward: int = 70, vocabulary: int = 50
) -> ModuleNet:
    """A transformer encoder of one layer, its states averaged, a linear layer.

    Raises:
        PlanError: If a width is not positive, or the heads do not divide the width.
    """
    if width % 2 or width % max(heads, 1):
        raise PlanError("a transformer's width is even and a multiple of its heads", got=(width, heads))
    widths = {"width": width, "heads": heads, "feed_forward": feed_forward, "vocabulary": vocabulary}
    return _built("transformer", "TransformerModule", **widths)


@dataclass(frozen=True)
class _Factory:
    module: str
    widths: tuple[int, ...]

    def __call__(self) -> nn.Module:
        from negspace.lab.replicas import torch_modules

        module: nn.Module = getattr(torch_modules, self.module)(*self.widths)
        return module


def _built(name: str, module: str, **widths: int) -> ModuleNet:
    _at_least_one(**widths)
    return ModuleNet(name, _Factory(module, tuple(widths.values())), widths)


def _at_least_one(**widths: int) -> None:
    if min(widths.values()) < 1:
        raise PlanError("a net's widths are at least 1", got=widths)


def _source(part: Callable[..., Any]) -> str:
    """The file a class or function stands in; its own source in a notebook; else its name."""
    try:
        file = inspect.getsourcefile(part)
        return Path(file).read_text() if file and Path(file).is_file() else inspect.getsource(part)
    except (TypeError, OSError):
        return f"{part.__module__}.{part.__qualname__}"
