"""Where jobs run: in this process, in threads of it, or in processes that end with it."""

from __future__ import annotations

import os
import threading
import time
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, TypeVar

_T = TypeVar("_T")
_SECONDS_BETWEEN_LOOKS = 1.0
# joblib replaces a worker that was idle for long or has grown (importing torch is enough), and warns. Where
# warnings are errors, that one ends the thread that hands out jobs, and the run waits for ever.
_REPLACED = "A worker stopped while some jobs were given to the executor"


def cpu_count() -> int:
    """Number of cores that this process may use."""
    from joblib import cpu_count as count

    return int(count())


def run_jobs(
    function: Callable[..., _T],
    jobs: Iterable[Sequence[Any]],
    *,
    workers: int,
    threads: bool = False,
    in_order: bool = False,
) -> Iterator[_T]:
    """Call a function for each job, several at once, and yield what each call gives.

    Each result is yielded as soon as it is there, so whoever keeps it loses only what was being computed when
    a run is interrupted. In which order calls end depends on the machine: a caller whose numbers depend on
    an order (a sum) asks for that of the jobs, and then no result depends on ``workers``.

    Processes are for work that holds the interpreter's lock; each has one thread. One whose parent was
    killed ends within a second; joblib alone would leave it to finish its work and then wait for more.
    Threads are for work that releases the lock, and share memory; their caller limits BLAS to one thread.

    Args:
        function: What to call; picklable, unless it runs in threads.
        jobs: Arguments of each call.
        workers: How many calls at once. If one, it is called in this very process.
        threads: Whether calls run in threads of this process.
        in_order: Whether results come in the order of the jobs, and not as they are done.
    """
    from joblib import Parallel, delayed, parallel_config

    order = "generator" if in_order else "generator_unordered"
    if threads:
        yield from Parallel(workers, backend="threading", return_as=order)(
            delayed(function)(*job) for job in jobs
        )
        return
    warnings.filterwarnings("ignore", _REPLACED, UserWarning)  # not for a block: the thread outlives it
    with parallel_config("loky", inner_max_num_threads=1):
        yield from Parallel(workers, return_as=order)(
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
