"""Worker processes: they do what they are asked, and end with the process they work for."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from negspace.execution import run_jobs

SCRIPT = """
import os, sys, time
from pathlib import Path
from negspace.execution import run_jobs

def work(folder, number):
    (Path(folder) / str(os.getpid())).touch()
    time.sleep(1200)

for _ in run_jobs(work, [(sys.argv[1], n) for n in range(2)], workers=2):
    pass
"""

GROWING = """
import time
from negspace.execution import run_jobs

def grow(megabytes):
    vars(time).setdefault("kept", []).append(b"x" * (megabytes << 20))  # a module is the worker's own
    time.sleep(1.5 if megabytes else 0.0)  # memory is looked at once a second
    return megabytes

print(sum(run_jobs(grow, [(n,) for n in (0, 0, 400, 400, 1, 2, 3, 4)], workers=2)))
"""


def square(number: int) -> tuple[int, int]:
    return os.getpid(), number**2


def test_what_each_call_gives_comes_back() -> None:
    found = list(run_jobs(square, [(n,) for n in range(6)], workers=2))
    assert sorted(result for _, result in found) == [0, 1, 4, 9, 16, 25]
    assert os.getpid() not in {process for process, _ in found}
    assert {process for process, _ in run_jobs(square, [(1,)], workers=1)} == {os.getpid()}


@pytest.mark.parametrize("workers", [1, 2, 3])
@pytest.mark.parametrize("threads", [True, False])
def test_results_come_in_the_order_of_the_jobs_where_asked(workers: int, threads: bool) -> None:
    jobs = [(0.2,), (0.0,), (0.1,), (0.0,)]
    found = list(run_jobs(nap, jobs, workers=workers, threads=threads, in_order=True))
    assert [seconds for _, seconds in found] == [0.2, 0.0, 0.1, 0.0]
    assert ({process for process, _ in found} == {os.getpid()}) == (threads or workers == 1)


def test_a_result_is_there_before_the_last_job_is_done() -> None:
    go_on = threading.Event()

    def wait(job: int) -> int:
        if job == 1:
            assert go_on.wait(300)
        return job

    results = run_jobs(wait, [(0,), (1,)], workers=2, threads=True)
    assert next(results) == 0
    go_on.set()
    assert list(results) == [1]


def test_a_worker_that_has_grown_is_replaced_where_warnings_are_errors() -> None:
    pytest.importorskip("psutil")  # joblib looks at memory with it only
    command = [sys.executable, "-W", "error", "-c", GROWING]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    assert done.stdout == "810\n"
    assert not done.stderr


def nap(seconds: float) -> tuple[int, float]:
    time.sleep(seconds)
    return os.getpid(), seconds


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="reads /proc to see who lives")
def test_workers_end_with_a_parent_that_is_killed(
    tmp_path: Path, eventually: Callable[[Callable[[], bool]], None]
) -> None:
    parent = subprocess.Popen([sys.executable, "-c", SCRIPT, str(tmp_path)])
    eventually(lambda: len(list(tmp_path.iterdir())) == 2)
    workers = [int(path.name) for path in tmp_path.iterdir()]
    assert all(map(runs, workers))
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    eventually(lambda: not any(map(runs, workers)))


def runs(process: int) -> bool:
    """Whether a process is there, and more than an entry that nobody has asked after."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False
