"""What one backward pass collects, fragment by fragment and layer by layer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from jaxtyping import Float, Float64, Int
from torch import Tensor, nn

__all__ = ["Tape"]


@dataclass(eq=False)
class Tape:
    """Sums of one batch.

    Attributes:
        layers: Position of each measured parameter's layer, by the parameter's identity.
        directions: Directions of each measured parameter, by its identity: (directions, *shape).
        tied: Identity of each parameter that is both embedding and head.
        sums: (1 + directions, fragments, layers): squared norms, then dot products.
        anchor: What the backward pass goes down to; it keeps every measured module on the way.
        expanded: Scales handed out once a fragment, whose gradients autograd keeps apart.
        output: What the last linear map gave.
    """

    layers: Mapping[int, int]
    directions: Mapping[int, Tensor]
    tied: frozenset[int]
    sums: Float64[Tensor, "sums fragments layers"]
    anchor: Tensor
    expanded: list[tuple[nn.Parameter, Tensor]] = field(default_factory=list)
    looked_up: dict[int, Int[Tensor, "fragments tokens"]] = field(default_factory=dict)
    head: dict[int, tuple[Tensor, Tensor]] = field(default_factory=dict)
    output: Tensor | None = None

    @property
    def fragments(self) -> int:
        """Number of fragments in the batch."""
        return self.sums.shape[1]

    def measures(self, parameter: Tensor | None) -> bool:
        """Whether a parameter is measured."""
        return parameter is not None and id(parameter) in self.layers

    def toward(self, parameter: Tensor) -> Float[Tensor, "directions ..."]:
        """Directions of a parameter."""
        return self.directions[id(parameter)]

    def add(self, parameter: Tensor, sums: Float64[Tensor, "sums fragments"]) -> None:
        """Count a parameter's sums to its layer."""
        self.sums[:, :, self.layers[id(parameter)]] += sums

    def add_square(self, parameter: Tensor, square: Float64[Tensor, " fragments"]) -> None:
        """Count a term of the squared norm alone."""
        self.sums[0, :, self.layers[id(parameter)]] += square
