"""Architectures as data: shapes, initial values, settings.

The parameters of a replica are one flat float32 vector; a net says where each tensor lies in it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Literal, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float32, Int32

from negspace.errors import PlanError
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
        ...

    @property
    def delta(self) -> Delta | None:
        """Which difference of embeddings is fed beside them, if any."""
        ...

    def describe(self) -> Mapping[str, Json]:
        """All that decides what it computes."""
        ...

    def outline(self) -> str:
        """The architecture in a few words."""
        ...

    def shapes(self) -> Mapping[str, tuple[int, ...]]:
        """Shape of each tensor, in the order of the flat vector."""
        ...

    def initial(self, seed: int) -> Float32[np.ndarray, " parameters"]:
        """Draw initial parameters; the same at the same seed, whatever else is drawn."""
        ...

    def build(self) -> nn.Module:
        """The architecture as a module that reads ``(tokens, against, lengths)``; see `ModuleNet`."""
        ...


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

    Attributes:
        embedding: Width of the embedding.
        delta: Which difference is fed beside the embedding, or None.
        hidden: Width of the hidden state.
        vocabulary: Number of tokens.

    Raises:
        PlanError: If a width is not positive, or the delta is unknown.
    """

    embedding: int = 8
    delta: Delta | None = None
    hidden: int = 32
    vocabulary: int = 50

    def __post_init__(self) -> None:
        if min(self.embedding, self.hidden, self.vocabulary) < 1:
            raise PlanError("a net's widths are at least 1", got=self)
        if self.delta is not None and self.delta not in DELTAS:
            raise PlanError("no such delta", got=self.delta, hint=f"choose one of {', '.join(DELTAS)}")

    @property
    def name(self) -> str:
        """As results name the architecture."""
        return "lstm"

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
        parts = [
            rng.standard_normal(shape) if name.startswith("embedding") else rng.uniform(-bound, bound, shape)
            for name, shape in self.shapes().items()
        ]
        return np.concatenate([part.ravel() for part in parts]).astype(np.float32)

    def build(self) -> nn.Module:
        """The architecture as a module; its values are not those of `initial`."""
        import torch

        from negspace.lab.replicas.torch_modules import LstmModule

        with torch.random.fork_rng(devices=[]):
            return LstmModule(self)


def against(
    tokens: Int32[np.ndarray, "rows length"], delta: Delta | None, rng: np.random.Generator
) -> Int32[np.ndarray, "rows length"] | None:
    """The token that each position's delta subtracts.

    Args:
        tokens: Sequences of one length.
        delta: Which token that is. ``neighbour``: the one before, nothing at the first position;
            ``anchor``: the first; ``random``: one at a position drawn anew for each position of each row.
        rng: Draws the positions of ``random``; not touched by the others.

    Returns:
        Tokens, `NOTHING` for zero; None without a delta.
    """
    match delta:
        case None:
            return None
        case "neighbour":
            first = np.full((len(tokens), 1), NOTHING, dtype=np.int32)
            return np.concatenate([first, tokens[:, :-1]], axis=1)
        case "anchor":
            return np.repeat(tokens[:, :1], tokens.shape[1], axis=1)
        case "random":
            return np.take_along_axis(tokens, rng.integers(tokens.shape[1], size=tokens.shape), axis=1)
