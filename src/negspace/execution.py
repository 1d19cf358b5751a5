"""Worker processes that end with the process they work for."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, TypeVar

from joblib import Parallel, delayed, parallel_config

__all__ = ["in_processes"]

_T = TypeVar("_T")
_SECONDS_BETWEEN_LOOKS = 1.0


def in_processes(function: Callable[..., _T], jobs: Iterable[Sequence[Any]], *, workers: int) -> Iterator[_T]:
    """Call a function in processes of one thread each, and yield what it gives as it is done.

    Processes, for work that spends most of its time holding the interpreter's lock. A worker whose parent
    was killed ends within a second; joblib alone would leave it to finish its work and then wait for more.

    Args:
        function: What to call; picklable.
        jobs: Arguments of each call.
        workers: How many calls at once; one is called in this very process.
    """
    with parallel_config("loky", inner_max_num_threads=1):
        yield from Parallel(workers, return_as="generator_unordered")(
            delayed(_watched)(os.getpid(), function, job) for job in jobs
        )


def _watched(parent: int, function: Callable[..., _T], job: Sequence[Any]) -> _T:
    if os.getpid() != parent:
        _end_with(parent)
    return function(*job)


_watching: set[int] = set()


def _end_with(parent: int) -> None:
    if parent in _watching:
        return
    _watching.add(parent)

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(_SECONDS_BETWEEN_LOOKS)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
