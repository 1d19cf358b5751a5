"""The run store: what goes in comes out, whoever else writes, whatever dies."""

from __future__ import annotations

import io
import os
import pickle
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from negspace.errors import StoreError
from negspace.records import Run
from negspace.store import RunStore, default_store_path, locked


def run_of(n: int = 3, seed: int = 0, arm: str = "a") -> Run:
    rng = np.random.default_rng(seed)
    return Run(
        arm, seed, {"label": rng.integers(0, 5, n), "confidence": rng.random(n), "truth": rng.random(n)}
    )


def assert_same(one: Run, other: Run) -> None:
    assert (one.arm, one.seed) == (other.arm, other.seed)
    assert list(one.values) == list(other.values)
    for name, mine in one.values.items():
        theirs = other.values[name]
        assert mine.dtype == theirs.dtype
        assert mine.tobytes() == theirs.tobytes()


@settings(max_examples=50, deadline=None, derandomize=True)
@given(st.data(), st.text(), st.integers(0, 2**32 - 1), st.integers(0, 20))
def test_what_goes_in_comes_out_to_the_bit(data: st.DataObject, arm: str, seed: int, n: int) -> None:
    arm = arm.encode("utf-8", "replace").decode()
    integers = data.draw(st.sampled_from([np.int64, np.int32, np.int8]))
    floats = data.draw(st.sampled_from([np.float64, np.float32]))
    run = Run(
        arm,
        seed,
        {
            "label": data.draw(arrays.arrays(integers, n)),
            "truth": data.draw(arrays.arrays(floats, n)),
            "log_prob": data.draw(arrays.arrays(floats, n)),
        },
    )
    with RunStore() as store:
        store.put("k", run)
        assert_same(store.get("k"), run)


def test_nan_stays(tmp_path: Path) -> None:
    nothing = np.full(4, np.nan)
    with RunStore(tmp_path / "r.sqlite") as store:
        store.put("k", Run("a", 1, {"truth": nothing}))
    with RunStore(tmp_path / "r.sqlite") as store:
        assert np.isnan(store.get("k").values["truth"]).all()


def test_a_stored_run_is_marked_as_resumed(tmp_path: Path) -> None:
    run = run_of()
    assert not run.resumed
    with RunStore(str(tmp_path / "new" / "folder" / "r.sqlite")) as store:
        store.put("k", run)
        assert store.get("k").resumed
        assert store.get("other") is None


def test_the_later_run_of_a_key_stays() -> None:
    with RunStore() as store:
        store.put("k", run_of(seed=1))
        store.put("k", run_of(seed=2))
        assert_same(store.get("k"), run_of(seed=2))


def test_stores_in_memory_share_nothing() -> None:
    with RunStore() as one, RunStore() as other:
        one.put("k", run_of())
        assert other.get("k") is None


def test_where_runs_are_kept(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("NEGSPACE_STORE", str(tmp_path / "here.sqlite"))
    assert default_store_path() == tmp_path / "here.sqlite"
    monkeypatch.delenv("NEGSPACE_STORE")
    assert default_store_path().name == "runs.sqlite"
    assert default_store_path().parent.name == "negspace"


WRITER = """
import sys
import numpy as np
from pathlib import Path
from negspace.records import Run
from negspace.store import RunStore

path, name, count = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
for i in range(count):
    with RunStore(path) as store:
        p = np.full(2000, i / count)
        store.put(f"{name}{i}", Run(name, i, {"label": np.full(2000, i), "truth": p}))
        print(i, flush=True)
"""


def writer(path: Path, name: str, count: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-W", "error", "-c", WRITER, str(path), name, str(count)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def test_two_processes_write_at_once(tmp_path: Path) -> None:
    """Both also open the file anew each time, the first time while it does not exist."""
    path = tmp_path / "r.sqlite"
    writers = [writer(path, name, 60) for name in "xy"]
    for each in writers:
        each.communicate(timeout=60)
        assert each.returncode == 0
    with RunStore(path) as store:
        for name in "xy":
            for i in range(60):
                assert store.get(f"{name}{i}").values["label"][0] == i


def test_a_writer_that_is_killed_leaves_what_it_had_finished(tmp_path: Path) -> None:
    path = tmp_path / "r.sqlite"
    process = writer(path, "x", 10**6)
    for _ in range(20):
        process.stdout.readline()
    time.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    said = process.communicate()[0].split()
    last = int(said[-1]) if said else 19
    with RunStore(path) as store:
        for i in range(last + 1):
            run = store.get(f"x{i}")
            assert (run.seed, set(run.values["label"].tolist())) == (i, {i})
        store.put("mine", run_of())
        assert_same(store.get("mine"), run_of())


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    path = tmp_path / "r.sqlite"
    path.write_bytes(b"text,label\n" * 200)
    with pytest.raises(StoreError, match=r"r\.sqlite: the run store cannot be opened") as caught:
        RunStore(path)
    assert "NEGSPACE_STORE" in caught.value.hint
    assert path.read_bytes() == b"text,label\n" * 200


@pytest.mark.parametrize("version", [0, 1, 7])
def test_a_database_of_something_else_is_left_alone(tmp_path: Path, version: int) -> None:
    path = tmp_path / "r.sqlite"
    with sqlite3.connect(path) as other:
        other.execute("CREATE TABLE contacts (name TEXT)")
        other.execute(f"PRAGMA user_version = {version}")
    other.close()
    before = path.read_bytes()
    with pytest.raises(StoreError, match=r"a database, but not a run store\n.*contacts"):
        RunStore(path)
    assert path.read_bytes() == before


def test_a_store_of_a_newer_negspace(tmp_path: Path) -> None:
    path = tmp_path / "r.sqlite"
    RunStore(path).close()
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(StoreError, match="layout 99") as caught:
        RunStore(path)
    assert "upgrade negspace" in caught.value.hint


def test_a_store_of_an_older_negspace_keeps_its_runs(tmp_path: Path) -> None:
    path = tmp_path / "r.sqlite"
    with RunStore(path) as store:
        store.put("k", run_of())
    connection = sqlite3.connect(path)
    connection.executescript(
        "ALTER TABLE runs DROP COLUMN diverged_at; ALTER TABLE runs RENAME COLUMN item_values TO predictions;"
        "ALTER TABLE runs DROP COLUMN quantities;"
        "DROP TABLE results; PRAGMA user_version = 1"
    )
    connection.close()
    with RunStore(path) as store:
        assert_same(store.get("k"), run_of())
        store.put("d", replace(run_of(), diverged_at=7))
        assert store.latest_results() == {}
    with RunStore(path) as store:
        found = [store.get(key) for key in ("k", "d")]
    assert [one and one.diverged_at for one in found] == [None, 7]


def test_of_a_name_the_result_that_came_last_is_the_latest(tmp_path: Path) -> None:
    with RunStore(tmp_path / "r.sqlite") as store:
        store.put_result("invariant", "plan 1", {"verdict": "supported"})
        store.put_result("collapse", "plan 3", {"verdict": "refuted", "delta": [0.25, None]})
        store.put_result("invariant", "plan 2", {"verdict": "inconclusive"})
    with RunStore(tmp_path / "r.sqlite") as store:
        latest = store.latest_results()
        assert {name: result.plan for name, result in latest.items()} == {
            "invariant": "plan 2",
            "collapse": "plan 3",
        }
        assert latest["collapse"].summary == {"verdict": "refuted", "delta": [0.25, None]}
        store.put_result("invariant", "plan 1", {"verdict": "refuted"})
        assert store.latest_results()["invariant"].summary == {"verdict": "refuted"}
        with pytest.raises(ValueError, match="not JSON compliant"):
            store.put_result("invariant", "plan 1", {"delta": float("nan")})


def test_a_folder_in_the_way(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="cannot be opened"):
        RunStore(tmp_path)
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match="cannot be opened"):
        RunStore(tmp_path / "file" / "r.sqlite")


class Planted:
    """Writes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return Path.write_text, (self.path, "executed")


def payloads(trap: Path) -> dict[str, bytes]:
    objects = np.empty(1, dtype=object)
    objects[0] = Planted(trap)
    archive = io.BytesIO()
    np.savez(archive, label=objects, confidence=objects, truth=objects)
    bare = io.BytesIO()
    np.save(bare, np.arange(3))
    lacking = io.BytesIO()
    np.savez(lacking, label=np.arange(3))
    good = io.BytesIO()
    np.savez_compressed(good, label=np.arange(300), confidence=np.ones(300), truth=np.ones(300))
    whole = good.getvalue()
    return {
        "pickle": pickle.dumps(Planted(trap)),
        "archive of pickles": archive.getvalue(),
        "one array": bare.getvalue(),
        "an array too few": lacking.getvalue(),
        "cut off": whole[: len(whole) // 2],
        "a byte changed": whole[:60] + bytes([whole[60] ^ 0xFF]) + whole[61:],
        "nothing": b"",
    }


@pytest.mark.parametrize("kind", list(payloads(Path())))
def test_a_damaged_run_is_an_error_and_no_pickle_is_run(tmp_path: Path, kind: str) -> None:
    path, trap = tmp_path / "r.sqlite", tmp_path / "trap"
    payload = payloads(trap)[kind]
    if "pickle" in kind:
        unsafe = np.load(io.BytesIO(payload), allow_pickle=True)  # the trap works
        if kind == "archive of pickles":
            assert unsafe["label"] is not None
            unsafe.close()
        assert trap.read_text() == "executed"
        trap.unlink()
    with RunStore(path) as store:
        store.put("k", run_of())
    connection = sqlite3.connect(path)
    with connection:
        connection.execute("UPDATE runs SET item_values = ?", (payload,))
    connection.close()
    with RunStore(path) as store, pytest.raises(StoreError, match="the run store cannot be read"):
        store.get("k")
    assert not trap.exists()


def test_who_waits_for_a_folder_gets_it_when_it_is_free(tmp_path: Path) -> None:
    entered = threading.Event()

    def wait() -> None:
        with locked(tmp_path / "w", wait=True):
            entered.set()

    with locked(tmp_path / "w"):
        waiting = threading.Thread(target=wait)
        waiting.start()
        with pytest.raises(StoreError, match="another run is writing here"), locked(tmp_path / "w"):
            pass
        assert not entered.wait(0.2)
    waiting.join(300)
    assert entered.is_set()
    assert not (tmp_path / "w").exists()


def test_a_closed_store_is_an_error() -> None:
    store = RunStore()
    store.close()
    with pytest.raises(StoreError, match="cannot be read"):
        store.get("k")
    with pytest.raises(StoreError, match="cannot be written"):
        store.put("k", run_of())
