"""Worker processes: they do what they are asked, and end with the process they work for."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from negspace.execution import in_processes

SCRIPT = """
import os, sys, time
from pathlib import Path
from negspace.execution import in_processes

def work(folder, number):
    (Path(folder) / str(os.getpid())).touch()
    time.sleep(60)

for _ in in_processes(work, [(sys.argv[1], n) for n in range(2)], workers=2):
    pass
"""


def square(number: int) -> tuple[int, int]:
    return os.getpid(), number**2


def test_what_each_call_gives_comes_back() -> None:
    found = list(in_processes(square, [(n,) for n in range(6)], workers=2))
    assert sorted(result for _, result in found) == [0, 1, 4, 9, 16, 25]
    assert os.getpid() not in {process for process, _ in found}
    assert {process for process, _ in in_processes(square, [(1,)], workers=1)} == {os.getpid()}


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="reads /proc to see who lives")
def test_workers_end_with_a_parent_that_is_killed(tmp_path: Path) -> None:
    parent = subprocess.Popen([sys.executable, "-c", SCRIPT, str(tmp_path)])
    deadline = time.monotonic() + 60
    while len(list(tmp_path.iterdir())) < 2 and time.monotonic() < deadline:
        time.sleep(0.05)
    workers = [int(path.name) for path in tmp_path.iterdir()]
    assert len(workers) == 2
    assert all(map(runs, workers))
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    deadline = time.monotonic() + 15
    while any(map(runs, workers)) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not any(map(runs, workers))


def runs(process: int) -> bool:
    """Whether a process is there, and more than an entry that nobody has asked after."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False
