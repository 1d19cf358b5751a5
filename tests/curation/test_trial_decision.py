"""Which strategy wins a trial: on pools where the answer is known, and by the rule written out by hand."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from negspace.curation import HALVES, HELD_OUT, REFERENCE, Selection, Trial, curate, shown_margin
from negspace.evaluation import NEAR_MISS
from negspace.metrics import Accuracy
from negspace.statistics import difference, estimate, holm, item_variance_of, judge
from negspace.store import RunStore

MARGIN = 0.01
LABELS = 4


def planted(ordinary: int, pairs: int) -> list[dict[str, str]]:
    """Two of a label's words, frequent or rare, among seven that say nothing: rows of many words teach more.

    A pair differs in the two words alone.
    """
    rng = np.random.default_rng(0)
    says = [[f"s{label}x{i}" for i in range(25)] for label in range(LABELS)]
    often = 1 / np.arange(1, 26)
    idle = [f"n{i}" for i in range(300)]

    def row(label: int, rest: np.ndarray) -> dict[str, str]:
        words = rng.choice(says[label], 2, p=often / often.sum())
        return {"text": " ".join([*words, *rest]), "label": f"label{label}"}

    rows = [row(i % LABELS, rng.choice(idle, 7)) for i in range(ordinary)]
    for _ in range(pairs):
        rest = rng.choice(idle, 7)
        rows += [row(int(label), rest) for label in rng.choice(LABELS, 2, replace=False)]
    return [rows[place] for place in rng.permutation(len(rows))]


def tried(pool: list[dict[str, str]], budget: int) -> tuple[Selection, Trial]:
    with RunStore() as store:
        choice = curate(pool, budget, workers=1, store=store)
    assert choice.trial is not None
    return choice, choice.trial


@pytest.fixture(scope="module")
def rich() -> tuple[Selection, Trial]:
    """Strategies that cover words are better than random rows, on near misses as well."""
    return tried(planted(1500, 250), 240)


@pytest.fixture(scope="module")
def few() -> tuple[Selection, Trial]:
    """The same, with so few near misses that nothing is known of them."""
    return tried(planted(2400, 100), 250)


def differences(trial: Trial, name: str, on: str) -> list[Any]:
    mine, reference = (trial.result.measurements(arm, Accuracy(on)) for arm in (name, REFERENCE))
    return [difference(a, b) for a, b in zip(mine, reference, strict=True)]


def p_of(trial: Trial, name: str, on: str, margin: float | None) -> float:
    found = differences(trial, name, on)
    variance, df = item_variance_of(found)
    values = np.array([each.value for each in found])
    no_less = margin is not None
    return judge(values, margin=margin or 0.0, item_variance=variance, item_df=df, no_less=no_less).p_value


def by_hand(trial: Trial, margins: dict[str, float]) -> dict[str, float]:
    """P-value of each strategy before Holm: the better of two ways, "more" corrected for there being two."""
    found = {}
    for name in list(trial.strategies)[1:]:
        ways = [
            max(2 * p_of(trial, name, gain, None), p_of(trial, name, other, margins[other]))
            for gain, other in ((NEAR_MISS, HELD_OUT), (HELD_OUT, NEAR_MISS))
        ]
        found[name] = min(1.0, *ways)
    return found


def test_strategies_that_are_better_on_both_tests_are_not_passed_over(rich: tuple[Selection, Trial]) -> None:
    choice, trial = rich
    names = list(trial.strategies)[1:]
    better = [
        name
        for name in names
        if all(estimate("gain", differences(trial, name, on)).mean > 0.015 for on in trial.tests)
    ]
    assert better == names
    # What decided before: every question a hypothesis of one family, and a point on either test.
    asked = [(name, on, margin) for name in names for on in trial.tests for margin in (None, MARGIN)]
    single = dict(zip(asked, holm(np.array([p_of(trial, *each) for each in asked])), strict=True))
    before = [
        name
        for name in names
        for gain, other in ((NEAR_MISS, HELD_OUT), (HELD_OUT, NEAR_MISS))
        if max(single[name, gain, None], single[name, other, MARGIN]) <= 0.025
    ]
    assert before == []
    assert set(better) <= {name for name in names if trial.qualifies(name)}
    assert choice.strategy_name == trial.winner
    assert not choice.fell_back


def test_the_p_of_a_strategy_is_that_of_its_better_way_and_holm_s(rich: tuple[Selection, Trial]) -> None:
    _, trial = rich
    alone = by_hand(trial, dict(trial.margins))
    after = dict(zip(alone, holm(np.array(list(alone.values()))), strict=True))
    for name, found in trial.p_values.items():
        assert found == pytest.approx((alone[name], after[name]))
        assert trial.qualifies(name) is bool(after[name] <= 0.025)
    assert trial.level == pytest.approx(0.025)


def test_the_winner_is_chosen_on_one_half_and_its_gain_is_that_of_the_other(
    rich: tuple[Selection, Trial],
) -> None:
    choice, trial = rich
    task = trial.result.study.task
    for on in trial.tests:
        one, other = (task.eval_sets[half].rows for half in HALVES[on])
        assert sorted([*one, *other]) == task.eval_sets[on].rows.tolist()
        assert abs(len(one) - len(other)) <= 0.02 * len(task.eval_sets[on]) + 2
        assert not set(task.held_out_clusters[one]) & set(task.held_out_clusters[other])
        of_label = [np.bincount(task.held_out_labels[half], minlength=LABELS) for half in (one, other)]
        assert np.abs(of_label[0] - of_label[1]).max() <= 6  # of some 250, or 60: drawn at random, 20 and 8
    on_one = {
        name: sum(trial.estimate(name, HALVES[on][0]).mean for on in trial.tests)
        for name in trial.p_values
        if trial.qualifies(name)
    }
    assert trial.winner == max(on_one, key=lambda name: on_one[name])
    winner = trial.winner
    assert winner is not None
    for on in trial.tests:
        gain = estimate("gain", differences(trial, winner, HALVES[on][1]))
        assert (
            f"{100 * gain.mean:+.1f} points [{100 * gain.interval.low:.1f}".replace("-", "\u2212")
            in choice.conclusion
        )
        (said,) = [each for each in choice.to_dict()["trial"]["strategies"] if each["name"] == winner]
        assert said["gain"][on]["mean"] == pytest.approx(gain.mean)


def test_many_strategies_that_are_each_shown_alone_are_not_shown_together(
    rich: tuple[Selection, Trial],
) -> None:
    choice, trial = rich
    for p, fit in ((0.01, False), (0.002, True)):
        judged = {question: replace(each, p_value=p) for question, each in trial.judged.items()}
        six = replace(trial, judged=judged)
        assert len(six.p_values) == 6
        assert {alone for alone, _ in six.p_values.values()} == {2 * p}
        assert {six.qualifies(name) for name in six.p_values} == {fit}
        each = replace(choice, trial=six).to_dict()["trial"]["strategies"][1]
        assert each["why_not"] == (
            "" if fit else "a gain was shown, but not after correction for 6 strategies"
        )


def test_a_wider_margin_is_said_with_the_choice(rich: tuple[Selection, Trial]) -> None:
    choice, trial = rich
    assert trial.margins == {HELD_OUT: MARGIN, NEAR_MISS: pytest.approx(6 / 129)}  # 125 clusters
    assert "Too few near misses to exclude a loss of less than 4.7 points on them." in choice.conclusion
    assert choice.to_dict()["trial"]["margins"] == {HELD_OUT: MARGIN, NEAR_MISS: pytest.approx(6 / 129)}


def test_too_few_near_misses_are_not_said_to_be_a_loss(few: tuple[Selection, Trial]) -> None:
    choice, trial = few
    assert trial.winner is None and choice.fell_back
    assert all(trial.gained(name) and trial.lacking(name) == [NEAR_MISS] for name in trial.p_values)
    assert "there were too few near misses to exclude a loss, as one of 7." in choice.conclusion
    for each in choice.to_dict()["trial"]["strategies"][1:]:
        assert "too few near misses to exclude a loss" in each["why_not"]


@pytest.mark.parametrize(
    ("clusters", "margin"), [(2000, 0.01), (596, 0.01), (595, 6 / 599), (196, 0.03), (116, 0.05), (20, 0.05)]
)
def test_the_margin_is_what_so_many_clusters_can_show(clusters: int, margin: float) -> None:
    assert shown_margin(MARGIN, clusters) == pytest.approx(margin)
    assert shown_margin(0.08, clusters) == 0.08  # what the user allows is never narrowed


def test_a_loss_of_that_margin_is_mostly_excluded_of_a_strategy_that_loses_nothing() -> None:
    # At best: accuracies so near 1 that only the floor of the error, 2 / (n + 4), is left.
    error = 2 / (196 + 4)
    low = error * np.random.default_rng(0).normal(size=20_000) - 1.97 * error
    assert np.mean(low > -shown_margin(MARGIN, 196)) == pytest.approx(0.85, abs=0.01)
