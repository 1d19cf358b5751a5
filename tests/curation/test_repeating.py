"""The same question gives the same answer: by seed, whatever the workers, however often it was stopped."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from negspace.curation import Selection, curate
from negspace.store import RunStore

Pools = Callable[..., list[dict[str, Any]]]


@pytest.fixture(scope="module")
def pool(ticket_pool: Pools) -> list[dict[str, Any]]:
    return ticket_pool(70, 20)


def _curate(pool: list[dict[str, Any]], **settings: Any) -> Selection:
    with RunStore() as store:
        return curate(pool, 20, **{"seeds": 2, "workers": 1, "store": store, **settings})


def test_workers_and_the_global_generator_change_nothing(pool: list[dict[str, Any]]) -> None:
    once = _curate(pool, worklist=3)
    np.random.seed(5)  # noqa: NPY002 (the state that must not matter)
    again = _curate(pool, worklist=3, workers=3)
    assert json.dumps(once.to_dict()) == json.dumps(again.to_dict())
    assert once.rows() == again.rows()


def test_another_seed_is_another_draw(pool: list[dict[str, Any]]) -> None:
    settings: dict[str, Any] = {"strategy": "stratified"}
    assert _curate(pool, **settings).indices == _curate(pool, **settings).indices
    assert _curate(pool, **settings).indices != _curate(pool, seed=1, **settings).indices


def test_a_stopped_trial_goes_on_from_what_it_had(pool: list[dict[str, Any]], tmp_path: Path) -> None:
    class StoppedError(Exception):
        pass

    def stop(stage: str, done: int, total: int) -> None:
        if stage == "fitting" and done == 5:
            raise StoppedError

    seen: list[int] = []

    def watch(stage: str, done: int, total: int) -> None:
        if stage == "fitting":
            seen.append(done)

    path = tmp_path / "stopped.sqlite"
    with RunStore(path) as store, pytest.raises(StoppedError):
        _curate(pool, store=store, progress=stop)
    with RunStore(path) as store:
        resumed = _curate(pool, store=store, progress=watch)
    assert seen[0] >= 5
    whole = _curate(pool)
    for folder, selection in (("resumed", resumed), ("whole", whole)):
        selection.save(tmp_path / folder)
    for name in ("curation.json", "selected.jsonl", "rows.parquet", "report.html"):
        assert (tmp_path / "resumed" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


def test_stored_fits_are_not_those_of_other_true_rows(pool: list[dict[str, Any]]) -> None:
    """Which rows are true decides what is chosen, and stands in no other part of the plan."""

    def hashed(real: str) -> str:
        found = _curate(pool, source="origin", real=real, real_share=0.6, seeds=1).to_dict()
        return str(found["trial"]["plan_hash"])

    assert hashed("human") != hashed("made")


def test_of_a_budget_near_the_pool_the_trial_tries_fewer_and_says_so(pool: list[dict[str, Any]]) -> None:
    found = curate(pool, 90, seeds=1, workers=1).to_dict()
    assert len(found["indices"]) == 90
    assert found["trial"]["budget"] < 90
    assert any("rather than 90" in warning for warning in found["warnings"])


def test_the_held_out_rows_share_no_group_with_those_to_choose_from(pool: list[dict[str, Any]]) -> None:
    choice = _curate(pool, seeds=1, group="pair")
    assert choice.trial is not None
    task = choice.trial.result.study.task
    pair = {row["text"]: row["pair"] for row in pool}
    to_choose, held_out = task.texts[: task.n_train], task.texts[task.n_train :]
    assert len(held_out) > 10
    assert not {pair[text] for text in to_choose} & {pair[text] for text in held_out}
    assert choice.to_dict()["trial"]["pool"] == len(to_choose)
