"""What two verdicts say together."""

from __future__ import annotations

import math

import pytest

from negspace.proofs import Conclusion, conclude, conclusion_in_words
from negspace.records import Interval, Outcome, Verdict

YES, NO, OPEN = Outcome.SUPPORTED, Outcome.REFUTED, Outcome.INCONCLUSIVE


def _verdict(outcome: Outcome, low: float, high: float, margin: float = 0.0) -> Verdict:
    return Verdict(outcome, "", margin, (low + high) / 2, Interval(low, high), 0.01, 0.01)


@pytest.mark.parametrize(
    ("near", "easy", "expected"),
    [
        (_verdict(YES, 0.1, 0.2), _verdict(YES, -0.01, 0.02), Conclusion.SUPERIOR),
        (_verdict(YES, 0.1, 0.2), _verdict(OPEN, -0.05, 0.02), Conclusion.NOT_SHOWN),
        (_verdict(YES, 0.1, 0.2), _verdict(NO, -0.2, -0.1), Conclusion.MIXED),
        (_verdict(OPEN, -0.1, 0.2), _verdict(YES, -0.01, 0.02), Conclusion.NOT_SHOWN),
        (_verdict(OPEN, -0.1, 0.2), _verdict(NO, -0.2, -0.1), Conclusion.WORSE),
        (_verdict(NO, -0.2, -0.1), _verdict(YES, -0.01, 0.02), Conclusion.WORSE),
        # Refuted because the effect is inside the margin: no gain that matters, and no loss either.
        (_verdict(NO, -0.004, 0.004), _verdict(YES, -0.01, 0.02), Conclusion.NOT_SHOWN),
        # The family's correction is for the margin, not for 0: a loss inside the margin is none shown.
        (_verdict(NO, -0.015, -0.002, 0.02), _verdict(YES, -0.01, 0.02), Conclusion.NOT_SHOWN),
        (_verdict(NO, -0.05, -0.03, 0.02), _verdict(YES, -0.01, 0.02), Conclusion.WORSE),
    ],
)
def test_conclusion(near: Verdict, easy: Verdict, expected: Conclusion) -> None:
    assert conclude(near, easy) is expected


def test_words_give_both_effects_and_say_where_it_is_worse() -> None:
    near, easy = _verdict(NO, -0.2, -0.1), _verdict(YES, 0.0, 0.02)
    said = conclusion_in_words(Conclusion.WORSE, "a.csv", "b.csv", near, easy)
    assert said == (
        "a.csv is worse than b.csv on near misses: −15.0 [−20.0, −10.0] points on near misses, "
        "+1.0 [0.0, 2.0] on easy rows"
    )


def test_an_interval_that_is_not_there_is_not_printed() -> None:
    one_seed = _verdict(OPEN, -math.inf, math.inf)
    assert "inf" not in conclusion_in_words(
        Conclusion.NOT_SHOWN, "a", "b", one_seed, _verdict(OPEN, -0.1, 0.1)
    )
