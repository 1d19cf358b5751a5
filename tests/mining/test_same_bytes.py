"""A run that was killed goes on where it was; nothing about the machine changes a byte."""

from __future__ import annotations

import hashlib
import importlib.util
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import negspace
from negspace.errors import StoreError
from negspace.mining import code_hash, mine
from negspace.perturbations import FunctionVerifier, open_verifier
from negspace.store import locked

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


def test_finished_parts_are_not_mined_again(labelled: Any, work: Path) -> None:
    def parts() -> dict[str, tuple[int, int]]:
        found = work.glob(".o.jsonl.mining/*/part-*.parquet")
        return {path.name: (path.stat().st_ino, path.stat().st_mtime_ns) for path in found}

    def stop(stage: str, done: int, _total: int) -> None:
        if stage == "mining" and done == 60:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        mine(labelled.path, out="o.jsonl", embedder=labelled.matrix, part=20, progress=stop)
    assert not (work / "o.jsonl").exists()
    first = parts()
    assert len(first) == 3
    all_parts: dict[str, tuple[int, int]] = {}

    def note(stage: str, _done: int, _total: int) -> None:
        if stage == "writing":
            all_parts.update(parts())

    mine(labelled.path, out="o.jsonl", embedder=labelled.matrix, part=20, progress=note)
    assert len(all_parts) == 5
    assert {name: all_parts[name] for name in first} == first
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


def test_two_runs_do_not_write_one_output(labelled: Any, work: Path) -> None:
    tried = []

    def again(stage: str, _done: int, _total: int) -> None:
        if stage in {"embedding texts", "mining"} and len(tried) < 2:
            tried.append(stage)
            with pytest.raises(StoreError, match="another run is writing here"):
                mine(labelled.path, out="o.jsonl", embedder=labelled.matrix)
            mine(labelled.path, out="other.jsonl", embedder=labelled.matrix)

    mine(labelled.path, out="o.jsonl", embedder=labelled.matrix, progress=again)
    assert len(tried) == 2
    assert not list(work.glob(".*"))


def test_a_lock_is_free_when_its_holder_was_killed_or_went_away(work: Path) -> None:
    held = "from pathlib import Path; from negspace.store import locked; import time\n"
    held += "with locked(Path('w')): Path('held').touch(); time.sleep(600)"
    process = subprocess.Popen([sys.executable, "-c", held])
    while not Path("held").exists():
        assert process.poll() is None
        time.sleep(0.01)
    with pytest.raises(StoreError, match="another run"), locked(work / "w"):
        pass
    process.kill()
    process.wait()
    assert Path("w/lock").exists()
    with locked(work / "w"):
        # A run that ends takes the folder away, and the next makes a new one: the first leaves it alone.
        Path("w/lock").unlink()
        with locked(work / "w"):
            pass
        Path("w").mkdir()
        Path("w/lock").write_text("of a third")
    assert Path("w/lock").read_text() == "of a third"


def test_any_module_of_the_package_is_part_of_the_key(tmp_path: Path) -> None:
    found = []
    for number, rule in enumerate(("a < b", "a < b", "a <= b")):
        package = tmp_path / str(number)
        (package / "negatives" / "edits").mkdir(parents=True)
        (package / "negatives" / "edits" / "rules.py").write_text(rule)
        found.append(code_hash(open_verifier("json"), None, package=package))
    assert found[0] == found[1] != found[2]
    whole = Path(negspace.__file__).parent
    assert code_hash(open_verifier("json"), None) == code_hash(open_verifier("json"), None, package=whole)


def test_the_users_own_code_is_part_of_the_key_or_nothing_is_resumed(tmp_path: Path) -> None:
    def hashed(limit: int) -> str | None:
        file = tmp_path / f"{limit}.py"
        file.write_text(f"LIMIT = {limit}\ndef check(text):\n    return len(text) < LIMIT\n")
        spec = importlib.util.spec_from_file_location("check", file)
        assert spec is not None and spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return code_hash(FunctionVerifier("short", module.check))

    assert hashed(5) == hashed(5) != hashed(6)
    assert hashed(5) is not None
    held = 5
    for unknown in (lambda text: len(text) < held, "abc".__contains__, eval("lambda text: True")):
        assert code_hash(FunctionVerifier("short", unknown)) is None


def test_a_verifier_of_unknown_code_starts_anew(work: Path) -> None:
    (work / "r.jsonl").write_text("".join(f'{{"text": "[{i}]"}}\n' for i in range(40)))

    def half(check: Any) -> Path:
        def stop(stage: str, done: int, _total: int) -> None:
            if stage == "mining" and done >= 20:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            mine(
                "r.jsonl", out="o.jsonl", sources="edits", verifier=FunctionVerifier("own", check),
                part=10, progress=stop,
            )  # fmt: skip
        (parts,) = (work / ".o.jsonl.mining").iterdir()
        return parts

    closed = "]"
    known = half(lambda text: text.endswith("]"))
    unknown = half(lambda text: text.endswith(closed))
    assert known != unknown
    assert half(lambda text: text.endswith(closed)) != unknown


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
