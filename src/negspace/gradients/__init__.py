"""Exact gradients of every fragment, in one forward and backward pass: norms, dot products, noise."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from negspace.gradients.coverage import Coverage, Entry
from negspace.gradients.layers import layer_of, layers_of
from negspace.gradients.memory import Memory, fitting_batch, memory_of
from negspace.gradients.noise import NoiseScale, noise_scale, spans

if TYPE_CHECKING:
    from negspace.gradients.checking import Check, check
    from negspace.gradients.mean import MeanGradient, joined, mean_gradient
    from negspace.gradients.meter import FragmentGradients, GradientMeter

# What needs PyTorch (an extra, and seconds to import) is opened when it is asked for.
_MODULE_OF = {
    "Check": "checking",
    "FragmentGradients": "meter",
    "GradientMeter": "meter",
    "MeanGradient": "mean",
    "check": "checking",
    "joined": "mean",
    "mean_gradient": "mean",
}

__all__ = [
    "Check",
    "Coverage",
    "Entry",
    "FragmentGradients",
    "GradientMeter",
    "MeanGradient",
    "Memory",
    "NoiseScale",
    "check",
    "fitting_batch",
    "joined",
    "layer_of",
    "layers_of",
    "mean_gradient",
    "memory_of",
    "noise_scale",
    "spans",
]


def __getattr__(name: str) -> object:
    if name not in _MODULE_OF:
        raise AttributeError(f"module 'negspace.gradients' has no attribute '{name}'")
    return getattr(import_module(f"negspace.gradients.{_MODULE_OF[name]}"), name)


def __dir__() -> list[str]:
    return __all__
