"""The proof on data whose answer is known, on data with nothing to find, and on data that cannot be used."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from negspace.errors import DataError, PlanError
from negspace.proofs import Conclusion, FromPool, Proof, misfit_warning, parse_arms
from negspace.records import Outcome
from negspace.statistics import ExchangeRate
from negspace.store import RunStore

Prove = Callable[..., Proof]


def test_pairs_are_superior_to_ordinary_rows_and_worth_more_than_all_of_them(
    proof_of: Prove, data: Any
) -> None:
    proof = proof_of({"pairs": data.pairs, "ordinary": FromPool("random", data.ordinary)}, easy_margin=0.2)
    assert proof.conclusions == {"ordinary": Conclusion.SUPERIOR}
    found = proof.to_dict()
    near = found["arms"][0]["exchange"]["near_miss"]
    # Ordinary rows never show that the verb decides: no number of them reaches what pairs teach.
    assert near["rows"] is None
    assert near["brief"].startswith("> 240 (the whole pool)")
    assert found["rows"] == 60
    assert found["arms"][0]["random_draws_as_good"]["near_miss"] == 0
    assert found["arms"][1]["random_draws_as_good"] is None


def test_the_other_way_round_is_said_to_be_worse(proof_of: Prove, data: Any) -> None:
    proof = proof_of({"ordinary": data.ordinary[:60], "pairs": data.pairs})
    assert proof.conclusions["pairs"] is Conclusion.WORSE
    assert "worse than pairs on near misses" in proof.to_dict()["headline"]


def test_a_copy_of_the_pool_is_not_superior_to_random_rows_of_it(proof_of: Prove, data: Any) -> None:
    proof = proof_of({"copy": data.pool, "random": FromPool("random", list(data.pool))}, budget=60)
    assert proof.conclusions["random"] is not Conclusion.SUPERIOR
    assert proof.conclusions["random"] is not Conclusion.MIXED


@pytest.mark.slow
def test_copies_of_the_pool_come_out_superior_no_more_often_than_they_may(proof_of: Prove, data: Any) -> None:
    superior = 0
    for study in range(60):
        proof = proof_of(
            {"copy": data.pool, "random": FromPool("random", list(data.pool))}, budget=60, seed=100 * study
        )
        superior += proof.conclusions["random"] in (Conclusion.SUPERIOR, Conclusion.MIXED)
    # At most 2.5 % expected: 1.5 of 60; more than 6 has a chance below 0.1 %.
    assert superior <= 6


def test_a_stratified_draw_is_worth_about_its_own_number_of_random_rows(proof_of: Prove, data: Any) -> None:
    proof = proof_of(
        {"stratified": FromPool("stratified", data.pool), "random": FromPool("random", data.pool)},
        budget=80,
        seeds=4,
    )
    arms = {arm["name"]: arm for arm in proof.to_dict()["arms"]}
    rate = arms["stratified"]["exchange"]["near_miss"]
    assert rate["low"] <= 80 <= (math.inf if rate["high"] is None else rate["high"])
    # Random rows against themselves: the curve passes near the arm by construction.
    assert arms["random"]["exchange"]["near_miss"]["rows"] == pytest.approx(80, rel=0.6)


def test_the_curve_is_of_rows_that_have_each_label_in_its_share(proof_of: Prove, data: Any) -> None:
    pool = [row for i, row in enumerate(data.pool) if row["label"] == "granted" or i % 4 == 0]
    granted = sum(row["label"] == "granted" for row in pool) / len(pool)
    proof = proof_of(
        {"drawn": FromPool("stratified", pool), "single": FromPool("random", pool)}, budget=50, seeds=2
    )
    task, rungs = proof.result.study.task, {arm.name: arm for arm in proof.result.study.arms}
    assert proof.ladder.arms[50] == "drawn"  # the arm that draws just these, and not the one of single rows
    for size, name in proof.ladder.arms.items():
        for seed in range(4):
            labels = task.labels[rungs[name].draw(task, seed)]
            share = [task.label_names[label] for label in labels].count("granted")
            assert abs(share - granted * size) <= 1
    assert "each label in its share" in str(proof.to_dict()["method"])


def test_every_arm_trains_on_the_same_number_of_rows(proof_of: Prove, data: Any) -> None:
    arms = {
        "long": data.ordinary,
        "short": data.pairs[:50],
        "chosen": FromPool("near-miss-groups", data.pool),
        "drawn": FromPool("stratified", data.pool),
    }
    proof = proof_of(arms, seeds=2)
    task = proof.result.study.task
    for arm in proof.arms:
        rows = proof.files.rows(arm.source)
        for seed in (0, 1, 7):
            drawn = arm.arm.draw(task, seed).tolist()
            assert len(set(drawn)) == len(drawn) == 50
            assert set(drawn) <= set(rows.tolist())
    assert len(proof.verdicts) == 2 * 3


def test_given_groups_are_drawn_whole_beside_a_file_without_groups(proof_of: Prove, data: Any) -> None:
    grouped = [{**row, "pair": f"pair {i // 2}"} for i, row in enumerate(data.pairs)]
    proof = proof_of({"pairs": grouped, "ordinary": data.ordinary}, group="pair", budget=20, seeds=2)
    task = proof.result.study.task
    for seed in range(2):
        drawn = proof.arms[0].arm.draw(task, seed)
        assert sorted(np.bincount(drawn // 2).tolist())[-10:] == [2] * 10
    assert "groups and near-duplicates whole" in proof.to_dict()["arms"][0]["how"]


def test_a_reference_smaller_than_the_arms_tells_what_it_can(proof_of: Prove, data: Any) -> None:
    proof = proof_of({"pairs": data.pairs, "ordinary": data.ordinary}, reference=data.ordinary[:30], seeds=2)
    found = proof.to_dict()
    assert found["reference"]["sizes"] == [20, 30]
    assert found["arms"][0]["random_draws_as_good"] == {"near_miss": None, "easy": None}
    assert found["arms"][0]["exchange"]["near_miss"]["method"] == "isotonic"
    assert proof._repr_html_()


def test_a_whole_file_against_all_rows_of_the_same_file_is_refused(proof_of: Prove, data: Any) -> None:
    with pytest.raises(PlanError, match="the same under two names"):
        proof_of({"file": data.pairs, "random": FromPool("random", data.pairs)})


def test_near_misses_are_mined_from_the_test_rows_where_none_are_given(proof_of: Prove, data: Any) -> None:
    proof = proof_of(
        {"pairs": data.pairs, "ordinary": data.ordinary[:60]}, test=_pairs_and_easy(), near_miss=None, seeds=1
    )
    assert proof.to_dict()["data"]["near_miss_source"] == "mined"
    # Both sides of 30 pairs; the 30 rows beside them share no word with any other.
    assert proof.to_dict()["data"]["near_miss_rows"] == 60
    assert proof.to_dict()["data"]["easy_rows"] == 30


def _pairs_and_easy() -> list[dict[str, object]]:
    rows: list[dict[str, object]] = []
    for i in range(30):
        rows += [
            {"text": f"place{i} street{i} house{i} number{i} approved", "label": "granted"},
            {"text": f"place{i} street{i} house{i} number{i} rejected", "label": "refused"},
            {"text": f"alone{i} single{i} lonely{i}", "label": "granted" if i % 2 else "refused"},
        ]
    return rows


def test_a_study_of_fixed_files_says_that_seeds_add_nothing(proof_of: Prove, data: Any) -> None:
    proof = proof_of({"pairs": data.pairs, "ordinary": data.ordinary[:60]}, seeds=3)
    assert any("rests on the test rows alone" in warning for warning in proof.to_dict()["warnings"])
    drawn = proof_of({"pairs": data.pairs, "ordinary": data.ordinary}, seeds=3)
    assert not any("test rows alone" in warning for warning in drawn.to_dict()["warnings"])


def test_few_near_misses_are_warned_of(proof_of: Prove, data: Any) -> None:
    proof = proof_of({"pairs": data.pairs, "ordinary": data.ordinary}, near_miss=data.near_miss[:20], seeds=1)
    assert "there are only 20 near misses: their intervals are wide" in proof.to_dict()["warnings"]
    assert not any("easy rows: their" in warning for warning in proof.to_dict()["warnings"])


@pytest.mark.parametrize(
    ("rows", "observed", "warned"),
    [
        (math.inf, (0.8, 1.0, 1.0), True),  # the law never gets to 1, and random rows do
        (math.inf, (0.8, 0.9, 0.99), False),
        (150.0, (0.8, 1.0, 1.0), False),
    ],
)
def test_a_curve_that_contradicts_its_points_is_warned_of(
    rows: float, observed: tuple[float, float, float], warned: bool
) -> None:
    sizes = (100, 200, 400)
    rate = ExchangeRate(
        *(rows, 0.0, math.inf, 0.95, math.nan, math.nan, 400, 1.0, sizes, observed, observed),
        *("power law", (0.0, 1.0, 1.0), 0.5, 0.0, 0.0),
    )
    assert bool(misfit_warning("a.csv", "near misses", rate)) is warned


def test_few_seeds_give_no_verdict(proof_of: Prove, data: Any) -> None:
    proof = proof_of({"pairs": data.pairs, "ordinary": data.ordinary}, seeds=3)
    assert {v.outcome for v in proof.verdicts.values()} == {Outcome.INCONCLUSIVE}
    assert proof.conclusions["ordinary"] is Conclusion.NOT_SHOWN


def test_interrupted_and_run_again_it_gives_the_same_bytes(
    proof_of: Prove, data: Any, tmp_path: Path
) -> None:
    arms = {"pairs": data.pairs, "ordinary": data.ordinary}
    with RunStore() as memory:
        whole = proof_of(arms, seeds=2, workers=2, store=memory).to_dict()

    def stop(stage: str, done: int, _total: int) -> None:
        if stage == "fitting" and done == 5:
            raise KeyboardInterrupt

    with RunStore(tmp_path / "other.sqlite") as store:
        with pytest.raises(KeyboardInterrupt):
            proof_of(arms, seeds=2, store=store, progress=stop)
        again = proof_of(arms, seeds=2, store=store)
    assert again.resumed == 5
    assert json.dumps(again.to_dict()) == json.dumps(whole)


def test_the_global_generator_has_no_say(proof_of: Prove, data: Any) -> None:
    arms = {"pairs": data.pairs, "ordinary": data.ordinary}
    found = []
    for seed in (None, 123):
        np.random.seed(seed)  # noqa: NPY002
        with RunStore() as store:  # nothing is resumed
            found.append(proof_of(arms, seeds=2, store=store).to_dict())
    assert found[0] == found[1]


@pytest.mark.parametrize(
    ("arms", "settings", "said"),
    [
        (["pairs"], {}, "at least two arms"),
        (["pairs", "pairs"], {}, "are the same"),
        (["pairs", "copy"], {}, "same rows in the same order"),
        (["pairs", "ordinary"], {"budget": 61}, "'arm 1' has 60 rows"),
        (["pairs", "ordinary"], {"budget": 1}, "at least 2"),
        (["pairs", "ordinary"], {"seeds": 0}, "at least one seed"),
        (["pairs", "ordinary"], {"easy_margin": -0.1}, "easy margin"),
        (["pairs", "ordinary"], {"learner": "scores:x.csv"}, "scores"),
        (["random", "stratified"], {}, "none says how many"),
    ],
)
def test_a_plan_without_an_answer_is_refused(
    proof_of: Prove, data: Any, arms: list[str], settings: dict[str, Any], said: str
) -> None:
    known: dict[str, object] = {
        "pairs": data.pairs,
        "copy": list(data.pairs),
        "ordinary": data.ordinary,
        "random": FromPool("random", data.pool),
        "stratified": FromPool("stratified", data.pool),
    }
    with pytest.raises(PlanError, match=said):
        proof_of([known[name] for name in arms], **settings)


def test_test_rows_without_near_misses_are_refused(proof_of: Prove, data: Any) -> None:
    alone = [{"text": f"word{i} other{i}", "label": ("granted", "refused")[i % 2]} for i in range(20)]
    with pytest.raises(DataError, match="no test row is a near miss"):
        proof_of({"pairs": data.pairs, "ordinary": data.ordinary}, test=alone, near_miss=None)


def test_trained_test_rows_are_warned_of(proof_of: Prove, data: Any) -> None:
    proof = proof_of({"pairs": data.pairs + data.test[:2], "ordinary": data.ordinary}, seeds=1)
    assert any("accuracy on them is memory" in warning for warning in proof.to_dict()["warnings"])


def test_arms_as_they_are_written(tmp_path: Path) -> None:
    odd = tmp_path / "a=b@c.csv"
    odd.write_text("text,label\n")
    specs = parse_arms(["ours=x/pairs.tsv", "random@pool.tsv", str(odd), "hard=el2n@pool.tsv", "y/z=1.csv"])
    assert [(s.name, s.source, s.strategy) for s in specs] == [
        ("ours", "x/pairs.tsv", None),
        ("random@pool.tsv", "pool.tsv", "random"),
        ("a=b@c.csv", str(odd), None),
        ("hard", "pool.tsv", "el2n"),
        ("z=1.csv", "y/z=1.csv", None),
    ]


def test_arms_of_one_name_and_mistyped_strategies() -> None:
    with pytest.raises(PlanError, match=r"two arms are called 'x\.csv'"):
        parse_arms(["a/x.csv", "b/x.csv"])
    with pytest.raises(PlanError, match="did you mean 'random'"):
        parse_arms(["a.csv", "randon@b.csv"])
