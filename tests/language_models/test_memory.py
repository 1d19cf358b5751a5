"""Out of memory: half the batch, the same result."""

from __future__ import annotations

import gc
import os
import weakref
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from negspace.data import Fragments
from negspace.errors import DataError
from negspace.language_models import LanguageModel, available_bytes, halving

from .conftest import fragment_losses

ERRORS = [
    MemoryError(),
    torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB"),
    RuntimeError(
        "[enforce fail at alloc_cpu.cpp:124] . DefaultCPUAllocator: can't allocate memory: you tried"
    ),
    RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
]


def fits(limit: int, error: Exception, tried: list[int] | None = None) -> Callable[[int], int]:
    def run(batch: int) -> int:
        if tried is not None:
            tried.append(batch)
        if batch > limit:
            raise error
        return batch

    return run


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_the_batch_is_halved_until_it_fits(error: Exception) -> None:
    tried: list[int] = []
    assert halving(fits(300, error, tried), 1024, 64) == 256
    assert tried == [1024, 512, 256]


def test_the_least_batch_itself_is_tried() -> None:
    tried: list[int] = []
    assert halving(fits(600, MemoryError(), tried), 1000, 512) == 512
    assert tried == [1000, 512]


def test_what_the_system_itself_refuses_is_known() -> None:
    """No made-up words: an allocation that no machine can serve."""

    def run(batch: int) -> int:
        return torch.empty(1 << 58 if batch > 8 else batch).numel()

    assert halving(run, 16) == 8


def test_below_the_least_it_says_what_to_do() -> None:
    with pytest.raises(DataError, match=r"a batch of 512 tokens[^$]*--fragment-tokens"):
        halving(fits(10, MemoryError("no room")), 2048, 512)


def test_other_errors_are_raised_as_they_are() -> None:
    with pytest.raises(RuntimeError, match="shapes"):
        halving(fits(10, RuntimeError("shapes do not match")), 2048)


def test_what_filled_the_memory_is_let_go_before_the_next_try() -> None:
    class Big:
        pass

    seen: list[weakref.ref[Big]] = []

    def run(batch: int) -> int:
        assert all(ref() is None for ref in seen)
        big = Big()
        seen.append(weakref.ref(big))
        if batch > 100:
            raise MemoryError
        return len(seen)

    gc.disable()
    try:
        assert halving(run, 400) == 3
    finally:
        gc.enable()


def test_results_are_the_same_after_halving(model: LanguageModel, fragments: Fragments) -> None:
    network = model.network

    def run(batch: int) -> float:
        if batch > 300:
            raise MemoryError
        return float(fragment_losses(model, fragments, range(len(fragments)), batch).sum())

    rows = range(len(fragments))
    plain = fragment_losses(model, fragments, rows, 4096).sum()
    assert halving(run, 512, 64) == pytest.approx(plain, rel=1e-5)
    assert model.network is network


def test_available_memory_is_some_and_no_more_than_there_is() -> None:
    found = available_bytes()
    assert 0 < found <= os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def test_a_container_sets_the_limit(tmp_path: Path) -> None:
    root = tmp_path
    assert available_bytes("cpu", root) > 450
    (root / "memory.max").write_text("max\n")
    assert available_bytes("cpu", root) > 450
    (root / "memory.max").write_text("1000\n")
    (root / "memory.current").write_text("700\n")
    (root / "memory.stat").write_text("anon 500\ninactive_file 150\n")
    assert available_bytes("cpu", root) == 450
