"""What replicas train on and how: batches, and the optimiser's settings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float32, Int32, Int64

from negspace.errors import PlanError

__all__ = ["DELTAS", "NOTHING", "Adam", "Batches", "Delta", "against"]

NOTHING = -1
"""In place of a token: subtract zero."""

Delta = Literal["neighbour", "anchor", "random"]
"""Which embedding is subtracted from a position's own: that before it, the first, or one at random."""

DELTAS: tuple[Delta, ...] = ("neighbour", "anchor", "random")


@dataclass(frozen=True)
class Adam:
    """Adam (Kingma & Ba 2015) with L2 weight decay added to the gradient, as ``torch.optim.Adam`` does.

    Attributes:
        lr: Learning rate.
        weight_decay: Factor of the parameters in their gradient.
        beta1: Decay of the first moment, per step.
        beta2: Decay of the second moment, per step.
        eps: Added to the root of the second moment.
    """

    lr: float = 0.005
    weight_decay: float = 1e-4
    beta1: float = 0.9
    beta2: float = 0.999
    eps: float = 1e-8

    def __post_init__(self) -> None:
        if not (self.lr > 0 and self.weight_decay >= 0 and self.eps > 0):
            raise PlanError("Adam: lr and eps are above 0, weight_decay is not below", got=self)


@dataclass(frozen=True, eq=False)
class Batches:
    """The batches of consecutive steps of one replica; one length a batch.

    Attributes:
        tokens: Token of each position; positions from ``lengths[step]`` on are not read.
        against: Token whose embedding is subtracted at each position (`NOTHING`: zero), for a net with a
            delta; else None.
        labels: Probability that each row is positive, in [0, 1]; 0 or 1 for a hard label.
        lengths: Number of positions at each step.
    """

    tokens: Int32[np.ndarray, "steps longest batch"]
    against: Int32[np.ndarray, "steps longest batch"] | None
    labels: Float32[np.ndarray, "steps batch"]
    lengths: Int64[np.ndarray, " steps"]


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
