"""What probes compute with PyTorch. Nothing is imported before it is asked for, as that takes seconds."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from negspace.probes.engines.backbone import find_backbone, logit_blocks
    from negspace.probes.engines.before_after import (
        cka_drift,
        cosine_drift,
        hooked,
        jensen_shannon,
        query_positions,
        shows_attention,
    )
    from negspace.probes.engines.sgd_step import (
        Parameters,
        ReferenceGradient,
        choose_step_size,
        dot,
        gradient,
        halves,
        in_float32,
        kept_parameters,
        mean_losses,
        moments,
        squared_norms,
    )
    from negspace.probes.engines.softmax_competition import competition, strongest

_NAMES = {
    "backbone": ("find_backbone", "logit_blocks"),
    "before_after": (
        "cka_drift",
        "cosine_drift",
        "hooked",
        "jensen_shannon",
        "query_positions",
        "shows_attention",
    ),
    "sgd_step": (
        "Parameters",
        "ReferenceGradient",
        "choose_step_size",
        "dot",
        "gradient",
        "halves",
        "in_float32",
        "kept_parameters",
        "mean_losses",
        "moments",
        "squared_norms",
    ),
    "softmax_competition": ("competition", "strongest"),
}

__all__ = [
    "Parameters",
    "ReferenceGradient",
    "choose_step_size",
    "cka_drift",
    "competition",
    "cosine_drift",
    "dot",
    "find_backbone",
    "gradient",
    "halves",
    "hooked",
    "in_float32",
    "jensen_shannon",
    "kept_parameters",
    "logit_blocks",
    "mean_losses",
    "moments",
    "query_positions",
    "shows_attention",
    "squared_norms",
    "strongest",
]


def __getattr__(name: str) -> object:
    for module, names in _NAMES.items():
        if name in names:
            return getattr(import_module(f"negspace.probes.engines.{module}"), name)
    raise AttributeError(f"module 'negspace.probes.engines' has no attribute '{name}'")
