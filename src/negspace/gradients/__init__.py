"""Exact gradients of every fragment, in one forward and backward pass: norms, dot products, noise."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from negspace.gradients.coverage import NAMED, Coverage, layer_of, layers_of

if TYPE_CHECKING:
    from negspace.gradients.kernels import gradient_scale, losses_into_gradient, outer_sums
    from negspace.gradients.meter import GradientMeter, MeanGradient, check, joined, mean_gradient

__all__ = [
    "NAMED",
    "Coverage",
    "GradientMeter",
    "MeanGradient",
    "check",
    "gradient_scale",
    "joined",
    "layer_of",
    "layers_of",
    "losses_into_gradient",
    "mean_gradient",
    "outer_sums",
]


def __getattr__(name: str) -> object:
    # What needs PyTorch (an extra, and seconds to import) is imported when it is asked for.
    if name not in __all__:
        raise AttributeError(f"module 'negspace.gradients' has no attribute '{name}'")
    kernels = ("gradient_scale", "losses_into_gradient", "outer_sums")
    module = "kernels" if name in kernels else "meter"
    return getattr(import_module(f"negspace.gradients.{module}"), name)


def __dir__() -> list[str]:
    return __all__
