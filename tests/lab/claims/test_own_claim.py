"""A claim of any task, arms and learner: told, run, kept and shown like the built-in ones."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from negspace.errors import PlanError
from negspace.lab.claims import (
    CLAIMS,
    Claim,
    Experiment,
    Scale,
    claims_in_order,
    experiment,
    latest_results,
    more,
    outline,
    run_claim,
)
from negspace.models import RowsArm, TextTask, TfidfLearner
from negspace.records import EvalSet, Outcome
from negspace.reports.html import render_page
from negspace.store import RunStore


def texts() -> TextTask:
    """Sixty training rows whose label their word tells, and forty held-out ones."""
    rng = np.random.default_rng(0)
    labels = np.arange(100) % 2
    rows = [
        f"{('plain', 'fancy')[label]} {rng.choice(['cup', 'hat', 'bag'])} {i % 7}"
        for i, label in enumerate(labels)
    ]
    return TextTask(
        texts=tuple(rows),
        labels=labels,
        label_names=("no", "yes"),
        clusters=np.arange(100),
        n_train=60,
        eval_sets={"held out": EvalSet("held out", np.arange(40))},
        distance=np.full(40, np.nan),
        fingerprint="own claim",
    )


def plan(scale: Scale) -> Sequence[Experiment]:
    task = texts()
    return [
        experiment(
            "rows",
            "Do more rows help?",
            task,
            TfidfLearner(min_df=1),
            arms=[RowsArm("many", np.arange(60), 0.9), RowsArm("one label", np.arange(0, 60, 2), 0.9)],
            seeds=scale.seeds_of(10),
            stated=[more("Rows of both labels teach both", "held out", "many", "one label", 0.1)],
            tests={"held out": "forty rows"},
        )
    ]


OWN = Claim(
    name="own",
    title="Both labels are needed",
    statement="One label teaches nothing of the other.\n\nA model that does without would refute it.",
    source="These tests",
    plan=plan,
    controls=lambda _: [],
)


def test_it_is_told_before_it_is_run() -> None:
    text = outline(OWN, Scale())
    assert "Do more rows help? (the claim, 10 seeds)" in text
    assert "arm         many: rows " in text
    assert ", keep 0.9" in text
    assert "accuracy on held out of many - one label > 0.1" in text


def test_it_is_run_kept_and_shown() -> None:
    with RunStore() as store:
        result = run_claim(OWN, store=store, workers=1)
        kept = latest_results(store)["own"].result
    assert kept == result
    ((key, verdict),) = result.verdicts.items()
    assert key == ("rows", "held out: many - one label")
    assert verdict.outcome == Outcome.SUPPORTED
    page = render_page(result.report())
    assert "Rows of both labels teach both" in page
    assert "No controls were run." in page


def test_lists_go_by_order_and_not_by_name() -> None:
    names = [claim.name for claim in claims_in_order()]
    assert names == ["invariant", "collapse", "zigzag", "pivot", "structure", "depth", "predictors"]
    assert sorted(names) == list(CLAIMS)


def test_a_claim_that_there_is_not_is_told_with_the_nearest() -> None:
    with pytest.raises(PlanError, match="did you mean 'invariant'"):
        CLAIMS["invarient"]
