from __future__ import annotations

import numpy as np
import pytest

from negspace.errors import PlanError
from negspace.statistics import holm


def rejected_step_down(p: np.ndarray, alpha: float) -> np.ndarray:
    """Holm's procedure as he states it: step through the ordered p-values, stop at the first failure."""
    rejected = np.zeros(len(p), dtype=bool)
    for step, i in enumerate(np.argsort(p)):
        if p[i] > alpha / (len(p) - step):
            break
        rejected[i] = True
    return rejected


def test_adjusted_p_at_most_alpha_is_rejection_by_the_stepwise_procedure() -> None:
    rng = np.random.default_rng(0)
    for _ in range(200):
        p = np.round(rng.beta(0.3, 2, size=rng.integers(1, 9)), 3)
        for alpha in (0.011, 0.0503, 0.2001):
            assert ((holm(p) <= alpha) == rejected_step_down(p, alpha)).all()


def test_worked_example() -> None:
    # 4 tests: 4 x .005, 3 x .01, 2 x .03 and its running maximum.
    assert holm(np.array([0.01, 0.04, 0.03, 0.005])) == pytest.approx([0.03, 0.06, 0.06, 0.02])


def test_a_single_test_is_left_alone_and_none_stay_none() -> None:
    assert holm(np.array([0.04])) == pytest.approx([0.04])
    assert holm(np.zeros(0)).shape == (0,)


def test_a_test_without_an_answer_stays_nan_and_counts() -> None:
    adjusted = holm(np.array([0.01, np.nan, 0.04]))
    assert np.isnan(adjusted[1])
    assert adjusted[[0, 2]] == pytest.approx([0.03, 0.08])


@pytest.mark.parametrize("p", [-0.1, 1.1])
def test_what_is_no_p_value_is_refused(p: float) -> None:
    with pytest.raises(PlanError, match="between 0 and 1"):
        holm(np.array([0.5, p]))
