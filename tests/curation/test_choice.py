"""What is chosen from made pools whose answer is known."""

from __future__ import annotations

import json
import math
from collections import Counter, defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from negspace.curation import Selection, curate
from negspace.demo import tickets
from negspace.errors import DataError
from negspace.store import RunStore

Pools = Callable[..., list[dict[str, Any]]]
BUDGET = 30


@pytest.fixture(scope="module")
def tried(ticket_pool: Pools) -> tuple[list[dict[str, Any]], Selection]:
    """A choice after a trial, from a pool with pairs among ordinary rows."""
    pool = ticket_pool(300, 60)
    with RunStore() as store:
        return pool, curate(pool, BUDGET, workers=1, store=store)


def test_pairs_that_decide_a_rule_are_preferred_to_a_short_cut(
    tried: tuple[list[dict[str, Any]], Selection], worth: Callable[..., list[float]]
) -> None:
    pool, choice = tried
    found = choice.to_dict()
    assert found["trial"]["winner"] == found["strategy"]
    assert found["strategy"].startswith("near-miss groups")
    assert found["fell_back"] is False
    assert "was shown better than stratified random" in found["conclusion"]
    written = sum(row["origin"] == "made" for row in choice.records())
    assert written > 22  # of 30; in the pool, two in seven
    rng = np.random.default_rng(77)
    pairs = [(ticket.text, ticket.label) for pair in tickets.written_pairs(rng, 200) for ticket in pair]
    (chosen,) = worth([(str(row["text"]), str(row["label"])) for row in choice.records()], pairs)
    draws = [rng.choice(len(pool), BUDGET, replace=False) for _ in range(3)]
    random = [worth([(pool[row]["text"], pool[row]["label"]) for row in draw], pairs)[0] for draw in draws]
    assert chosen > max(random) + 0.1


def test_found_groups_stay_whole(tried: tuple[list[dict[str, Any]], Selection]) -> None:
    pool, choice = tried
    rows = choice.rows()
    members = defaultdict(list)
    for row in rows:
        if row["role"] != "suspect":
            members[row["group"]].append(row)
    pairs = [rows for rows in members.values() if len({pool[row["index"]]["label"] for row in rows}) > 1]
    assert len(pairs) > 40
    torn = [rows for rows in pairs if len({row["chosen"] for row in rows}) > 1]
    assert len(torn) <= 1  # quotas of labels may leave one place for a single row


def test_given_groups_stay_whole(ticket_pool: Pools) -> None:
    pool = ticket_pool(200, 40)
    choice = curate(pool, 30, group="pair", strategy="near-miss-groups", workers=1)
    taken = Counter(str(row["pair"]) for row in choice.records())
    assert {name: n for name, n in taken.items() if n != 2} == {}
    assert len(taken) == 15
    assert choice.to_dict()["composition"]["groups"] == "given"
    assert all("with its near miss" in row["reason"] for row in choice.rows() if row["chosen"])


def test_a_pool_without_structure_falls_back_and_says_so(plain_pool: Pools) -> None:
    found = curate(plain_pool(160), 60, workers=1)
    summary = found.to_dict()
    assert summary["fell_back"] is True
    assert summary["trial"]["winner"] is None
    assert summary["trial"]["held_out"] == 48  # three tenths: the budget is large
    assert summary["strategy"] == "stratified random"
    assert "no strategy was shown to beat" in summary["conclusion"].casefold()
    assert any("near miss" in warning for warning in summary["warnings"])
    reasons = {row["reason"] for row in found.rows() if row["chosen"]}
    assert reasons == {"drawn at random among the rows of pos", "drawn at random among the rows of neg"}
    assert Counter(row["label"] for row in found.records()) == {"pos": 30, "neg": 30}


def test_few_seeds_give_no_winner_and_say_why(ticket_pool: Pools) -> None:
    summary = curate(ticket_pool(120, 30), 20, seeds=2, workers=1).to_dict()
    assert summary["fell_back"] is True
    assert abs(summary["trial"]["held_out"] - 90) <= 4  # half: the budget is small
    assert any("2 seeds give no verdict" in warning for warning in summary["warnings"])


@pytest.mark.parametrize("strategy", ["near-miss-groups", "cover", "stratified"])
@pytest.mark.parametrize(("share", "budget"), [(0.07, 100), (0.25, 30), (1.0, 20)])
def test_the_floor_of_true_rows_holds_exactly(
    ticket_pool: Pools, strategy: str, share: float, budget: int
) -> None:
    pool = ticket_pool(40, 60)  # the pairs are synthetic, and preferred
    choice = curate(
        pool, budget, source="origin", real="human", real_share=share, strategy=strategy, workers=1
    )
    true = sum(row["origin"] == "human" for row in choice.records())
    least = math.ceil(share * budget - 1e-9)
    assert true >= least
    if strategy == "near-miss-groups":
        assert true <= least + 1  # no more than must be; whole pairs may leave one place
    assert len(choice.indices) == budget


def test_labels_are_balanced_as_asked(plain_pool: Pools) -> None:
    signs = {"good": "pos", "fine": "pos", "nice": "pos", "bad": "neg"}
    pool = plain_pool(240, labels=signs)  # three quarters are "pos"
    for strategy in ("cover", "stratified"):
        even = curate(pool, 41, balance="even", strategy=strategy, workers=1)
        shares = curate(pool, 40, strategy=strategy, workers=1)
        assert sorted(Counter(row["label"] for row in even.records()).values()) == [20, 21]
        assert Counter(row["label"] for row in shares.records()) == {"pos": 30, "neg": 10}


def test_a_label_that_runs_out_leaves_its_places_to_others(plain_pool: Pools) -> None:
    pool = [row for row in plain_pool(200) if row["label"] == "pos"] + plain_pool(20, 1)[1::2]
    choice = curate(pool, 60, balance="even", strategy="stratified", workers=1)
    assert Counter(row["label"] for row in choice.records()) == {"pos": 50, "neg": 10}


def test_flipped_labels_are_never_chosen_to_cover(plain_pool: Pools) -> None:
    pool = plain_pool(300)
    flipped = np.random.default_rng(1).choice(300, 30, replace=False).tolist()
    for row in flipped:
        pool[row] = {**pool[row], "label": {"pos": "neg", "neg": "pos"}[pool[row]["label"]]}
    for strategy in ("cover", "near-miss-groups"):
        choice = curate(pool, 200, strategy=strategy, workers=1)
        rows = choice.rows()
        suspected = {row["index"] for row in rows if row["role"] == "suspect"}
        assert len(suspected & set(flipped)) >= 27  # one word decides every label
        assert not suspected & set(choice.indices)
        assert all(rows[row]["reason"].startswith("suspect: ") for row in suspected)
        assert choice.to_dict()["warnings"] == []
    random = curate(pool, 250, strategy="random", workers=1)
    taken = sum(row["role"] == "suspect" for row in random.rows() if row["chosen"])
    assert taken > 0
    assert random.to_dict()["warnings"] == [
        f"{taken} of the chosen rows have a suspected label, for 'random' does not leave them out; "
        "rows.parquet names them"
    ]


def test_one_text_under_two_labels_is_no_near_miss(ticket_pool: Pools) -> None:
    pool = ticket_pool(100, 20)
    text = pool[0]["text"]
    other = {"granted": "refused", "refused": "granted"}[pool[0]["label"]]
    pool.append({**pool[0], "text": f" {text.upper()} ", "label": other})
    choice = curate(pool, 60, strategy="near-miss-groups", workers=1)
    assert not {0, len(pool) - 1} & set(choice.indices)
    assert choice.rows()[0]["reason"].startswith("suspect: same text as")


def test_copies_come_last(plain_pool: Pools) -> None:
    pool = plain_pool(60)
    pool += [{**row, "text": f"{row['text']}."} for row in pool]
    choice = curate(pool, 60, strategy="cover", workers=1)
    texts = {row["text"].rstrip(".") for row in choice.records()}
    assert len(texts) == 60
    left = [row["reason"] for row in choice.rows() if not row["chosen"]]
    assert all(reason.startswith("redundant: ") for reason in left)


def test_every_row_has_a_reason_and_chosen_ones_a_rank(
    tried: tuple[list[dict[str, Any]], Selection],
) -> None:
    pool, choice = tried
    rows = choice.rows()
    assert [row["index"] for row in rows] == list(range(len(pool)))
    assert all(row["reason"] for row in rows)
    assert sorted(row["rank"] for row in rows if row["chosen"]) == list(range(1, BUDGET + 1))
    assert {row["rank"] for row in rows if not row["chosen"]} == {None}
    assert [row["index"] for row in rows if row["chosen"]] == choice.indices
    for row in rows:
        if row["chosen"] and "with its near miss" in row["reason"]:
            other = int(row["reason"].split("row ")[1].split(" ")[0]) - 1  # the pool is a list: rows from 1
            assert rows[other]["chosen"]
            assert rows[other]["group"] == row["group"]
            assert pool[other]["label"] != pool[row["index"]]["label"]


def test_indices_are_what_a_dataset_selects(tried: tuple[list[dict[str, Any]], Selection]) -> None:
    datasets = pytest.importorskip("datasets", reason="needs the extra 'hf'")
    pool, choice = tried
    selected = datasets.Dataset.from_list(pool).select(choice.indices)
    assert selected["text"][:] == [row["text"] for row in choice.records()]
    assert [pool[index] for index in choice.indices] == choice.records()


def test_a_pool_too_small_to_try_on_says_what_to_do(plain_pool: Pools) -> None:
    with pytest.raises(DataError, match="--strategy NAME"):
        curate(plain_pool(8), 2, workers=1)
    assert len(curate(plain_pool(8), 2, strategy="cover", workers=1).indices) == 2


def test_a_column_of_dates_is_kept_as_text(ticket_pool: Pools, tmp_path: Path) -> None:
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(ticket_pool(20, 4))
    frame["when"] = pandas.Timestamp("2024-02-29 12:30:00")
    curate(frame, 6, strategy="cover").save(tmp_path)
    lines = (tmp_path / "selected.jsonl").read_text(encoding="utf-8").splitlines()
    assert {json.loads(line)["when"] for line in lines} == {"2024-02-29T12:30:00"}
