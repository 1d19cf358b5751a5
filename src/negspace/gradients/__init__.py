"""Exact gradients of every fragment, in one forward and backward pass: norms, dot products, noise."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from negspace.gradients.coverage import Coverage, CoverageEntry, layer_of, layers_of
from negspace.gradients.memory import Memory, memory_of
from negspace.gradients.noise import NoiseScale, noise_scale, spans

if TYPE_CHECKING:
    from negspace.gradients.checking import Check, check
    from negspace.gradients.kernels import gradient_scale, losses_into_gradient, outer_sums
    from negspace.gradients.meter import FragmentGradients, GradientMeter, MeanGradient, joined, mean_gradient

# What needs PyTorch (an extra, and seconds to import) is imported when it is asked for.
_MODULE_OF = {
    "Check": "checking",
    "FragmentGradients": "meter",
    "GradientMeter": "meter",
    "MeanGradient": "meter",
    "check": "checking",
    "gradient_scale": "kernels",
    "joined": "meter",
    "losses_into_gradient": "kernels",
    "outer_sums": "kernels",
    "mean_gradient": "meter",
}

__all__ = [
    "Check",
    "Coverage",
    "CoverageEntry",
    "FragmentGradients",
    "GradientMeter",
    "MeanGradient",
    "Memory",
    "NoiseScale",
    "check",
    "gradient_scale",
    "joined",
    "layer_of",
    "layers_of",
    "losses_into_gradient",
    "mean_gradient",
    "memory_of",
    "noise_scale",
    "outer_sums",
    "spans",
]


def __getattr__(name: str) -> object:
    if name not in _MODULE_OF:
        raise AttributeError(f"module 'negspace.gradients' has no attribute '{name}'")
    return getattr(import_module(f"negspace.gradients.{_MODULE_OF[name]}"), name)


def __dir__() -> list[str]:
    return __all__
