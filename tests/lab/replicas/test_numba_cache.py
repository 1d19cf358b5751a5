"""Every process runs the same compiled code, whether or not it found it in numba's cache."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from negspace.errors import StoreError
from negspace.lab.replicas import Adam, LstmNet, LstmReplicas, count
from negspace.lab.replicas.numba_layout import Optimiser, allocate, view

pytest.importorskip("numba")

# At 32 hidden units and 40 steps, code compiled in the process rounds otherwise than code from the cache.
TRAIN = """
import hashlib, json, sys
import numpy as np
from negspace.lab.replicas import Adam, Batches
from negspace.lab.replicas import LstmReplicas
from negspace.lab.replicas import LstmNet

compilers = []
sys.addaudithook(lambda event, args: event == "subprocess.Popen" and compilers.append(args))
net = LstmNet(embedding=16, delta=None, hidden=32, vocabulary=9)
rng = np.random.default_rng(0)
tokens = rng.integers(0, 9, (40, 12, 7)).astype(np.int32)
labels = rng.integers(0, 2, (40, 7)).astype(np.float32)
replicas = LstmReplicas(net, [net.initial(0)], Adam())
losses = replicas.train([Batches(tokens, None, labels, np.full(40, 12))])
logits = replicas.logits(0, tokens[0].T.copy(), None)
bits = [hashlib.sha256(a.tobytes()).hexdigest() for a in (losses, replicas.parameters(0), logits)]
print(json.dumps({"bits": bits, "compilers": len(compilers)}))
"""


def _started(cache: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", TRAIN],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "NUMBA_CACHE_DIR": str(cache)},
    )


def _printed(process: subprocess.Popen[str]) -> dict[str, Any]:
    out, _ = process.communicate(timeout=600)
    assert process.returncode == 0
    found: dict[str, Any] = json.loads(out)
    return found


def test_runs_with_an_empty_and_with_a_filled_cache_agree_to_the_last_bit(tmp_path: Path) -> None:
    cold = [_printed(process) for process in [_started(tmp_path), _started(tmp_path)]]
    warm = _printed(_started(tmp_path))
    assert [each["bits"] for each in cold] == [warm["bits"]] * 2
    # Of two that start at once, one has the code compiled and the other waits for it.
    assert sorted(each["compilers"] for each in cold) == [0, 1]
    assert warm["compilers"] == 0


def test_code_that_cannot_be_compiled_or_kept_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    from negspace.lab.replicas import numba_cache

    def full(*args: Any, **kwargs: Any) -> subprocess.CompletedProcess[str]:
        return subprocess.CompletedProcess([], 1, "", "Traceback\nOSError: No space left on device\n")

    function = numba_cache.cached(_thrice, {})
    monkeypatch.setattr(subprocess, "run", full)
    with pytest.raises(StoreError, match=r"No space left on device\n.*NUMBA_CACHE_DIR"):
        numba_cache.load([function], lambda: function(1))


def _thrice(x: float) -> float:
    return 3 * x


def test_where_nothing_can_be_cached_it_says_so_and_caches_for_this_process(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    import numba

    from negspace.lab.replicas import numba_cache

    compiled, writable = numba.njit, iter([False, True])

    def njit(**options: Any) -> Callable[[Callable[..., Any]], Any]:
        if not next(writable):
            raise RuntimeError("cannot cache function: no locator available")
        return compiled(**options)

    monkeypatch.setattr(numba, "njit", njit)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(numba.config, "CACHE_DIR", "")
    monkeypatch.setenv("NUMBA_CACHE_DIR", "")
    with pytest.warns(RuntimeWarning, match="NUMBA_CACHE_DIR"):
        function = numba_cache.cached(_twice, {})
    assert function(4) == 8
    assert tmp_path in Path(function.stats.cache_path).parents
    assert Path(os.environ["NUMBA_CACHE_DIR"]).parent == tmp_path


def _twice(x: float) -> float:
    return 2 * x


def test_nothing_is_compiled_in_this_process() -> None:
    from negspace.lab.replicas import numba_kernel

    net = LstmNet(embedding=1, delta=None, hidden=1, vocabulary=1)
    LstmReplicas(net, [net.initial(0)], Adam())
    vectors = Optimiser(*np.zeros((5, count(net)), dtype=np.float32))
    tokens = np.zeros((1, 1, 1), dtype=np.int32)
    of_another_type = np.zeros((1, 1), dtype=np.float64)
    with pytest.raises(TypeError):
        numba_kernel.predict(
            view(net, vectors.parameters), allocate(net, 1, 1), tokens, tokens, False, of_another_type
        )
