"""Claims of the lab, as plain data."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest


def _beside(name: str) -> ModuleType:
    """A module of this folder; with pytest's importlib mode it has no other way to be imported."""
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


_claims = _beside("claim_summaries")


@pytest.fixture
def claim() -> dict[str, Any]:
    """A claim with a published part and a control."""
    built: dict[str, Any] = _claims.build_claim()
    return built


@pytest.fixture(scope="session")
def make_claim() -> Callable[..., dict[str, Any]]:
    """Builds a claim with a given number of seeds, with or without controls."""
    builder: Callable[..., dict[str, Any]] = _claims.build_claim
    return builder


@pytest.fixture(scope="session")
def make_large_claim() -> Callable[..., dict[str, Any]]:
    """Builds a claim with as many arms and tests as the lab may have."""
    builder: Callable[..., dict[str, Any]] = _claims.build_large
    return builder


@pytest.fixture(scope="session")
def make_bare_claim() -> Callable[[], dict[str, Any]]:
    """Builds a claim that could measure next to nothing."""
    builder: Callable[[], dict[str, Any]] = _claims.build_bare
    return builder
