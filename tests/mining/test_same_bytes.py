"""A run that was killed goes on where it was; nothing about the machine changes a byte."""

from __future__ import annotations

import hashlib
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from negspace.errors import StoreError
from negspace.mining import mine, run

RESULTS = ("o.jsonl", "o.provenance.jsonl", "o.mined.json")


def digests(folder: Path, names: tuple[str, ...] = RESULTS) -> list[str]:
    return [hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in names]


def test_parts_memory_and_workers_change_nothing(labelled: Any, work: Path) -> None:
    found = []
    for settings in (
        {"part": 1000, "workers": 1},
        {"part": 35, "workers": 2, "memory": 2**16},
        {"part": 90, "workers": 3, "memory": 2**28},
    ):
        mine(
            labelled.path, out="o.jsonl", embedder=labelled.matrix, sources="neighbours,model",
            sampling="random", relative_margin=0.1, **settings,
        )  # fmt: skip
        found.append(digests(work))
    assert found[0] == found[1] == found[2]


def test_finished_parts_are_not_mined_again(
    labelled: Any, work: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mined: list[int] = []
    real = run.mine_part

    def counted(plan: Any, start: int, stop: int) -> Any:
        if len(mined) == 3:
            raise KeyboardInterrupt
        mined.append(start)
        return real(plan, start, stop)

    monkeypatch.setattr(run, "mine_part", counted)
    with pytest.raises(KeyboardInterrupt):
        mine(labelled.path, out="o.jsonl", embedder=labelled.matrix, part=20)
    assert not (work / "o.jsonl").exists()
    monkeypatch.setattr(run, "mine_part", lambda *given: (mined.append(given[1]), real(*given))[1])
    mine(labelled.path, out="o.jsonl", embedder=labelled.matrix, part=20)
    assert mined == [0, 20, 40, 60, 80]
    whole = digests(work)
    mine(labelled.path, out="o.jsonl", embedder=labelled.matrix)
    assert digests(work) == whole
    assert not list(work.glob(".*"))


def test_other_settings_or_data_start_anew(labelled: Any, work: Path) -> None:
    def half(**settings: Any) -> Path:
        def stop(stage: str, done: int, _total: int) -> None:
            if stage == "mining" and done >= 40:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            mine(labelled.path, out="o.jsonl", embedder=labelled.matrix, part=20, progress=stop, **settings)
        (parts,) = (work / ".o.jsonl.mining").iterdir()
        assert len(list(parts.iterdir())) == 2
        return parts

    first = half()
    assert half() == first
    assert half(negatives=2) != first
    labelled.path.write_text(labelled.path.read_text() + '{"text": "one more", "label": "l0"}\n')
    np.save(work / "vectors.npy", np.vstack([labelled.vectors, labelled.vectors[:1]]))
    assert half() != first


def test_a_damaged_part_is_an_error_that_says_what_to_remove(labelled: Any, work: Path) -> None:
    def stop(stage: str, done: int, _total: int) -> None:
        if stage == "mining" and done:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        mine(labelled.path, out="o.jsonl", embedder=labelled.matrix, part=50, progress=stop)
    next(work.glob(".o.jsonl.mining/*/part-*")).write_bytes(b"PAR1 no more")
    with pytest.raises(StoreError, match=r"\.o\.jsonl\.mining"):
        mine(labelled.path, out="o.jsonl", embedder=labelled.matrix, part=50)


SETTINGS: dict[str, Any] = {"embedder": "matrix:v.npy", "relative_margin": 0.05, "sampling": "random"}
SCRIPT = f"""
import sys
from negspace.mining import mine
mine("r.jsonl", out="killed/o.jsonl", part=int(sys.argv[1]), workers=1, **{SETTINGS!r})
"""


@pytest.mark.parametrize(
    ("rows", "part", "kills"), [(600, 40, 1), pytest.param(200_000, 2048, 3, marks=pytest.mark.slow)]
)
def test_a_killed_run_goes_on_and_ends_with_the_same_bytes(
    work: Path, rows: int, part: int, kills: int
) -> None:
    rng = np.random.default_rng(0)
    np.save(work / "v.npy", rng.normal(size=(rows, 64)).astype(np.float32))
    lines = [f'{{"text": "row {i}", "label": "l{y}"}}\n' for i, y in enumerate(rng.integers(20, size=rows))]
    (work / "r.jsonl").write_text("".join(lines))
    (work / "killed").mkdir()
    finished = 0
    for _ in range(kills):
        finished = _kill(work, part, after=finished + 2)
        assert finished < -(-rows // part)
        assert not (work / "killed" / "o.jsonl").exists()
    mine("r.jsonl", out="killed/o.jsonl", part=part, **SETTINGS)
    mine("r.jsonl", out="whole/o.jsonl", **SETTINGS)
    names = RESULTS[:2]
    assert digests(work / "killed", names) == digests(work / "whole", names)
    assert sorted(path.name for path in (work / "killed").iterdir()) == sorted(RESULTS)


def _kill(work: Path, part: int, *, after: int) -> int:
    """Start a run, kill it once so many parts are finished; how many are."""
    process = subprocess.Popen([sys.executable, "-c", SCRIPT, str(part)], stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 3000

    def parts() -> int:
        return len(list(work.glob("killed/.o.jsonl.mining/*/part-*.parquet")))

    while parts() < after:
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    return parts()
