"""Nets of any PyTorch module, the GRU and the transformer among them.

PyTorch is imported when a net is used, not with this module.
"""

from __future__ import annotations

import functools
import hashlib
import inspect
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float32

from negspace.errors import MissingExtraError, PlanError
from negspace.lab.replicas.nets import Delta, count
from negspace.records import Json

if TYPE_CHECKING:
    from torch import nn


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

    @property
    def delta(self) -> Delta | None:
        """None: plain embeddings."""
        return None

    def describe(self) -> Mapping[str, Json]:
        """Name, settings, number of parameters, a hash of the code, the version of PyTorch."""
        return {
            "net": self.name,
            "settings": dict(self.settings),
            "parameters": count(self),
            "source": self._source,
            "torch": version("torch"),
        }

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
        own = [_source(kind) for kind in kinds if not kind.__module__.startswith("torch.")]
        sources = {_source(_code_of(self.factory)), *own}
        return hashlib.sha256("\0".join(sorted(sources)).encode()).hexdigest()


def gru_net(embedding: int = 16, hidden: int = 38, vocabulary: int = 50) -> ModuleNet:
    """Embedding, one GRU layer, a linear layer on the last hidden state.

    As it stands it has as many parameters, to 1.5 %, as ``LstmNet(embedding=16)``.

    Raises:
        PlanError: If a width is not positive.
    """
    factory = _Gru(embedding, hidden, vocabulary)
    _at_least_one(asdict(factory))
    return ModuleNet("gru", factory, asdict(factory))


def transformer_net(
    width: int = 24, heads: int = 2, feed_forward: int = 70, vocabulary: int = 50
) -> ModuleNet:
    """A transformer encoder of one layer, its states averaged, a linear layer.

    As it stands it has as many parameters, to 1.5 %, as ``LstmNet(embedding=16)``.

    Raises:
        PlanError: If a width is not positive, or the heads do not divide the width.
    """
    factory = _Transformer(width, heads, feed_forward, vocabulary)
    _at_least_one(asdict(factory))
    if width % 2 or width % heads:
        raise PlanError("a transformer's width is even and a multiple of its heads", got=factory)
    return ModuleNet("transformer", factory, asdict(factory))


@dataclass(frozen=True)
class _Gru:
    embedding: int
    hidden: int
    vocabulary: int

    def __call__(self) -> nn.Module:
        from negspace.lab.replicas.torch_modules import GruModule

        return GruModule(self.embedding, self.hidden, self.vocabulary)


@dataclass(frozen=True)
class _Transformer:
    width: int
    heads: int
    feed_forward: int
    vocabulary: int

    def __call__(self) -> nn.Module:
        from negspace.lab.replicas.torch_modules import TransformerModule

        return TransformerModule(self.width, self.heads, self.feed_forward, self.vocabulary)


def _at_least_one(widths: Mapping[str, int]) -> None:
    if min(widths.values()) < 1:
        raise PlanError("a net's widths are at least 1", got=dict(widths))


def _code_of(factory: Callable[[], nn.Module]) -> Callable[..., Any]:
    while isinstance(factory, functools.partial):
        factory = factory.func
    return factory if inspect.isroutine(factory) or isinstance(factory, type) else type(factory)


def _source(part: Callable[..., Any]) -> str:
    """The file a class or function stands in; its own source in a notebook; else its name."""
    try:
        file = inspect.getsourcefile(part)
        return Path(file).read_text() if file and Path(file).is_file() else inspect.getsource(part)
    except (TypeError, OSError):
        return f"{part.__module__}.{part.__qualname__}"
