"""What probes compute with PyTorch. Nothing is imported before it is asked for, as that takes seconds."""

from __future__ import annotations

from importlib import import_module
from typing import Any

_MODULES = ("backbone", "before_after", "sgd_step", "softmax_competition")


def __getattr__(name: str) -> Any:
    for module in () if name.startswith("_") else _MODULES:
        found = getattr(import_module(f"negspace.probes.engines.{module}"), name, None)
        if getattr(found, "__module__", "").startswith(__name__):
            return found
    raise AttributeError(f"module 'negspace.probes.engines' has no attribute '{name}'")
