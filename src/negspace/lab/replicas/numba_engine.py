"""The compiled engine: LSTM replicas on a CPU, one after another, each step within a core's cache.

At these sizes most of a step is element-wise, and a program that runs all replicas side by side sends
every gate through memory. Here one replica's step stays in cache, compiled by numba (`numba_kernel`). Several
cores are used by several `LstmReplicas` in as many threads: the interpreter's lock is free while one trains.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import astuple
from functools import cache
from importlib.util import find_spec
from typing import Any

import numpy as np
import threadpoolctl
from jaxtyping import Bool, Float32, Int32

from negspace.errors import MissingExtraError, PlanError
from negspace.lab.concepts import Tokens
from negspace.lab.replicas.arms import Adam, Batches, check_against, check_batches
from negspace.lab.replicas.nets import NOTHING, LstmNet, count
from negspace.lab.replicas.numba_layout import Optimiser, Workspace, allocate, view

# Rows predicted at once: their states at one position, of all buffers, fit in the nearest cache.
_BLOCK = 64


class LstmReplicas:
    """Replicas of an `LstmNet`, trained one after another by compiled code.

    Each starts from a copy of its ``initial`` parameters. Not for two threads at once; two of them in two
    threads are fine.

    Raises:
        MissingExtraError: If numba is not installed.
        PlanError: If there is no replica, or one's parameters are not as many as the net's.
    """

    def __init__(
        self, net: LstmNet, initial: Sequence[Float32[np.ndarray, " parameters"]], adam: Adam
    ) -> None:
        if find_spec("numba") is None:
            raise MissingExtraError("the compiled LSTM", "lab")
        expected, sizes = count(net), {len(parameters) for parameters in initial}
        if sizes != {expected}:
            raise PlanError(f"each replica takes {expected} parameters", got=sorted(sizes))
        self._net = net
        self._adam = tuple(map(float, astuple(adam)))
        self._parameters = np.array(initial, dtype=np.float32)
        self._first, self._second = np.zeros_like(self._parameters), np.zeros_like(self._parameters)
        self._gradient, self._last = (np.zeros(expected, dtype=np.float32) for _ in range(2))
        self._workspace: Workspace | None = None
        self._taken = 0
        self._diverged_at: list[int | None] = [None] * len(self._parameters)
        load_engine()

    @property
    def diverged_at(self) -> Sequence[int | None]:
        """Step (from 0) at which each replica stopped being finite, or None."""
        return tuple(self._diverged_at)

    def train(self, batches: Sequence[Batches]) -> Float32[np.ndarray, "replicas steps"]:
        """Take one step of Adam on each batch; see `Replicas.train`.

        Raises:
            PlanError: If the batches do not fit the replicas or the net.
        """
        check_batches(self._net, batches, len(self._parameters))
        for its in batches:
            longest = its.tokens.shape[1]
            read = (np.arange(longest) < its.lengths[:, None])[:, :, None]
            self._check_tokens(its.tokens, its.against, read)
        steps = len(batches[0].lengths)
        losses = np.full((len(batches), steps), np.nan, dtype=np.float32)
        with ONE_BLAS_THREAD:
            for replica, its in enumerate(batches):
                if self._diverged_at[replica] is not None:
                    continue
                taken = self._train_one(replica, its, losses[replica])
                if taken < steps:
                    losses[replica, taken:] = np.nan
                    self._diverged_at[replica] = self._taken + taken
        self._taken += steps
        return losses

    def parameters(self, replica: int) -> Float32[np.ndarray, " parameters"]:
        """A copy of a replica's parameters as they are now."""
        return np.array(self._parameters[replica])

    def logits(self, replica: int, tokens: Tokens, against: Tokens | None) -> Float32[np.ndarray, " rows"]:
        """Logit that each sequence is positive; NaN if the replica's initial parameters were not finite.

        Raises:
            PlanError: If a token is not in the vocabulary, or ``against`` does not fit the net.
        """
        from negspace.lab.replicas import numba_kernel

        rows, length = tokens.shape
        check_against(self._net, tokens, against)
        self._check_tokens(tokens, against, True)
        if not np.isfinite(self._parameters[replica]).all():
            return np.full(rows, np.nan, dtype=np.float32)
        blocked = _in_blocks(tokens)
        logits = np.empty((len(blocked), _BLOCK), dtype=np.float32)
        with ONE_BLAS_THREAD:
            numba_kernel.predict(
                view(self._net, self._parameters[replica]),
                allocate(self._net, length, _BLOCK),
                blocked,
                blocked if against is None else _in_blocks(against),
                against is not None,
                logits,
            )
        return logits.ravel()[:rows]

    def _train_one(self, replica: int, batches: Batches, losses: Float32[np.ndarray, " steps"]) -> int:
        from negspace.lab.replicas import numba_kernel

        own = Optimiser(
            self._parameters[replica], self._gradient, self._first[replica], self._second[replica], self._last
        )
        # numba compiles anew for arrays that are read-only or not in row order.
        tokens = np.require(batches.tokens, np.int32, ["C", "W"])
        (longest, batch), work = tokens.shape[1:], self._workspace
        if work is None or work.gates.shape[0] < longest or work.gates.shape[1] != batch:
            work = self._workspace = allocate(self._net, longest, batch)
        taken: int = numba_kernel.train(
            view(self._net, own.parameters),
            view(self._net, own.gradient),
            work,
            own,
            self._adam,
            self._taken,
            tokens,
            tokens if batches.against is None else np.require(batches.against, np.int32, ["C", "W"]),
            np.require(batches.labels, np.float32, ["C", "W"]),
            np.require(batches.lengths, np.int64, ["C", "W"]),
            self._net.delta is not None,
            losses,
        )
        return taken

    def _check_tokens(
        self,
        tokens: Int32[np.ndarray, "*shape"],
        against: Int32[np.ndarray, "*shape"] | None,
        read: Bool[np.ndarray, "*_"] | bool,
    ) -> None:
        # Compiled code does not look where it reads.
        for index, lowest in ((tokens, 0), (tokens if against is None else against, NOTHING)):
            if not ((index >= lowest) & (index < self._net.vocabulary) | ~np.asarray(read)).all():
                known = f"tokens are from {lowest} to {self._net.vocabulary - 1}"
                raise PlanError(known, got=(index.min(), index.max()))


@cache
def load_engine() -> None:
    """Load the compiled functions, as `LstmReplicas` does; compile them where that was never done.

    Raises:
        StoreError: If they cannot be compiled or not be kept.
    """
    from negspace.lab.replicas import numba_cache, numba_kernel

    numba_cache.load([numba_kernel.train, numba_kernel.predict], call_engine)


def call_engine() -> None:
    """Call each compiled function on the smallest arguments of the types that `LstmReplicas` passes."""
    from negspace.lab.replicas import numba_kernel

    net = LstmNet(embedding=1, delta=None, hidden=1, vocabulary=1)
    own = Optimiser(*np.zeros((5, count(net)), dtype=np.float32))
    parameters, work = view(net, own.parameters), allocate(net, 1, 1)
    tokens, numbers = np.zeros((1, 1, 1), dtype=np.int32), np.zeros((1, 1), dtype=np.float32)
    settings, lengths = (0.0, 0.0, 0.0, 0.0, 1.0), np.ones(1, dtype=np.int64)
    batches = (tokens, tokens, numbers, lengths, False, numbers[0])
    numba_kernel.train(parameters, view(net, own.gradient), work, own, settings, 0, *batches)
    numba_kernel.predict(parameters, work, tokens, tokens, False, numbers)


def _in_blocks(tokens: Tokens) -> Int32[np.ndarray, "blocks length block"]:
    """Cut rows into blocks, the last filled up with token 0, and lay each out by position."""
    rows, length = tokens.shape
    blocks = -(-rows // _BLOCK)
    padded = np.zeros((blocks * _BLOCK, length), dtype=np.int32)
    padded[:rows] = tokens
    return np.ascontiguousarray(padded.reshape(blocks, _BLOCK, length).transpose(0, 2, 1))


class _OneBlasThread:
    """Holds BLAS, which starts threads of its own for larger products, to one while anyone is inside.

    The limit is the process's, so the first thread that enters sets it and the last that leaves lifts it.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._inside = 0
        self._before: list[int] = []

    def __enter__(self) -> None:
        with self._lock:
            if self._inside == 0:
                self._before = [library.num_threads for library in _blas()]
                _set_threads([1] * len(self._before))
            self._inside += 1

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._inside -= 1
            if self._inside == 0:
                _set_threads(self._before)


def _set_threads(counts: Sequence[int]) -> None:
    # Since 3.8 threadpoolctl lets only one thread of the process, the first that asked, limit OpenBLAS, and
    # does nothing for others. Ours are counted, and so may come from any thread.
    for library, threads in zip(_blas(), counts, strict=True):
        getattr(library, "_real_set_num_threads", library.set_num_threads)(threads)


@cache
def _blas() -> list[Any]:
    import scipy.linalg  # noqa: F401  (loads the BLAS that numba will call, for the controller to find)

    return list(threadpoolctl.ThreadpoolController().select(user_api="blas").lib_controllers)


ONE_BLAS_THREAD = _OneBlasThread()
"""Held, it keeps BLAS to one thread; held around many calls, it spares each of them a millisecond."""
