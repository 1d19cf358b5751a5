"""Running a claim: what is found is what the predictions say, and it is kept."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from negspace.lab.claims import (
    CLAIMS,
    Claim,
    PublishedFigure,
    Scale,
    described,
    latest_results,
    outline,
    run_claim,
    save_lab,
    status,
)
from negspace.records import Outcome
from negspace.statistics import judge
from negspace.store import RunStore

pytest.importorskip("numba")
pytest.importorskip("torch")


def test_what_is_true_is_supported_and_its_opposite_refuted(small: Claim) -> None:
    with RunStore() as store:
        result = run_claim(small, store=store)
    assert {name: verdict.outcome for (_, name), verdict in result.verdicts.items()} == {
        "training helps": Outcome.SUPPORTED,
        "training harms": Outcome.REFUTED,
    }


def test_the_summary_is_what_the_predictions_say(small: Claim) -> None:
    with RunStore() as store:
        result = run_claim(small, store=store)
    summary = json.loads(json.dumps(result.to_dict(), allow_nan=False))
    published = summary["parts"][0]
    truth = result.studies[0].study.task.held_out_labels
    accuracy = {
        arm: [(run.values["label"] == truth).mean() for run in result.studies[0].of_arm(arm)]
        for arm in ("40 steps", "200 steps")
    }
    for figure in published["figures"]:
        values = accuracy[figure["arm"]]
        assert figure["per_seed"] == pytest.approx(values)
        assert figure["mean"] == pytest.approx(np.mean(values))
        assert figure["sd"] == pytest.approx(np.std(values, ddof=1))
        assert figure["n"] == 120
    (hypothesis,) = published["hypotheses"]
    differences = np.subtract(accuracy["200 steps"], accuracy["40 steps"])
    assert hypothesis["delta"] == pytest.approx(differences.mean())
    seeds_only = judge(differences, margin=0.1).interval
    assert hypothesis["ci"][0] <= seeds_only.low < seeds_only.high <= hypothesis["ci"][1]
    assert [arm["name"] for arm in hypothesis["arms"]] == ["200 steps", "40 steps"]
    assert hypothesis["published"] == {"delta": 0.4}
    assert hypothesis["verdict"] == "supported"
    agrees = {figure["arm"]: figure["agrees"] for figure in published["figures"]}
    assert agrees == {"200 steps": True, "40 steps": False}
    # A figure agrees up to two published standard deviations, to either side.
    figure = next(f for f in result.experiments[0].figures if f.arm == "200 steps")
    assert figure.mean == pytest.approx(np.mean(accuracy["200 steps"]))
    for sds, agreed in ((1.9, True), (-1.9, True), (2.1, False), (-2.1, False)):
        theirs = PublishedFigure(figure.mean + sds * 0.02, 0.02)
        assert replace(figure, published=theirs).agrees is agreed
    assert replace(figure, published=PublishedFigure(figure.mean, None)).agrees is None
    points = published["curves"][0]["series"][0]["points"]
    assert [point["x"] for point in points] == [40, 200]
    assert [point["mean"] for point in points] == pytest.approx(
        [np.mean(accuracy["40 steps"]), np.mean(accuracy["200 steps"])]
    )


def test_a_repeated_run_trains_nothing_and_finds_the_same(small: Claim, tmp_path: Path) -> None:
    with RunStore(tmp_path / "r.sqlite") as store:
        first = run_claim(small, store=store, workers=2)
        again = run_claim(small, store=store, workers=1)
    # The control's arms are those of the published part.
    assert (first.resumed, again.resumed) == (20, 40)
    assert again.to_dict() == first.to_dict()


def test_only_a_run_as_registered_is_kept_as_the_result(small: Claim, tmp_path: Path) -> None:
    with RunStore() as store:
        smoke = run_claim(small, Scale(smoke=True), store=store)
        trial = run_claim(small, Scale(seeds=2), store=store)
        assert latest_results(store) == {}
        assert {verdict.outcome for verdict in smoke.verdicts.values()} == {Outcome.INCONCLUSIVE}
        for result, word in ((smoke, "Smoke run: no result"), (trial, "Trial: not the registered")):
            assert word in result.save(tmp_path).read_text()
        whole = run_claim(small, store=store)
        assert "no-result" not in whole.save(tmp_path).read_text().split("</style>")[1]
        assert latest_results(store).keys() == {"small"}


def test_a_result_with_controls_is_not_given_up_for_one_without(small: Claim) -> None:
    with RunStore() as store:
        run_claim(small, store=store, controls=False)
        assert len(latest_results(store)["small"].result.experiments) == 1
        run_claim(small, store=store)
        run_claim(small, store=store, controls=False)
        assert len(latest_results(store)["small"].result.experiments) == 2


def test_a_result_in_another_format_is_left_out() -> None:
    with RunStore() as store:
        store.put_result("small", "plan", {"format": 0})
        assert latest_results(store) == {}


def test_the_status_of_a_claim(small: Claim) -> None:
    with RunStore() as store:
        assert status(None) == "not run"
        run_claim(small, store=store, controls=False)
        assert status(latest_results(store)["small"]).endswith(", without controls)")
        run_claim(small, store=store)
        last = latest_results(store)["small"]
        assert status(last) == f"1 supported, 1 refuted, 0 inconclusive ({last.finished[:10]})"


def test_pages_are_written_beside_each_other(small: Claim, tmp_path: Path) -> None:
    with RunStore() as store:
        result = run_claim(small, store=store)
    page = result.save(tmp_path / "out")
    assert page.name == "small.html"
    assert json.loads((tmp_path / "out" / "small.json").read_text()) == json.loads(
        json.dumps(result.to_dict())
    )
    index = save_lab([result], tmp_path / "all")
    assert "small.html" in index.read_text()
    assert (tmp_path / "all" / "small.html").read_text() == page.read_text()


@pytest.mark.parametrize("name", list(CLAIMS))
def test_a_claim_can_be_read_before_it_is_run(name: str) -> None:
    claim = CLAIMS[name]
    text = outline(claim, Scale())
    assert text.startswith(claim.title)
    assert "would refute" in text
    for part in claim.experiments(Scale()):
        assert part.title in text
        for stated in part.stated:
            assert stated.says in text
    whole = json.loads(json.dumps(described(claim, Scale()), allow_nan=False))
    assert len(whole["parts"]) == len(claim.experiments(Scale()))


# Invariant goes the whole way by default; the others differ in concept and size, and take minutes together.
SLOW = ("zigzag", "collapse", "pivot", "structure", "depth", "predictors")


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.slow if name in SLOW else ()) for name in CLAIMS]
)
def test_every_claim_runs_in_small(name: str, tmp_path: Path) -> None:
    result = run_claim(CLAIMS[name], Scale(smoke=True), workers=2)
    assert {verdict.outcome for verdict in result.verdicts.values()} == {Outcome.INCONCLUSIVE}
    assert result.save(tmp_path).stat().st_size < 2_000_000
    assert not any(each.diverged for each in result.experiments)
