"""Search spaces: every setting is one of the learner's, and every default lies inside."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from negspace.embedders import open_embedder
from negspace.errors import PlanError
from negspace.models import (
    Choice,
    EmbeddingLearner,
    LstmLearner,
    Range,
    ScoresLearner,
    TfidfLearner,
    search_space,
    with_settings,
)


def _learners() -> list[object]:
    pytest.importorskip("torch", reason="the extra 'torch' is not installed")
    return [TfidfLearner(), LstmLearner(), EmbeddingLearner(open_embedder("tfidf"))]


def test_defaults_lie_inside_and_every_name_is_a_setting() -> None:
    for learner in _learners():
        space = search_space(learner)  # type: ignore[arg-type]
        fields = {field.name for field in dataclasses.fields(learner)}  # type: ignore[arg-type]
        assert set(space) <= fields
        defaults = {name: getattr(learner, name) for name in space}
        assert with_settings(learner, defaults) == learner  # type: ignore[arg-type]


def test_settings_are_put_in_and_the_rest_stays() -> None:
    learner = TfidfLearner(ngrams=3, c=1.0)
    changed = with_settings(learner, {"c": 0.5})
    assert changed == TfidfLearner(ngrams=3, c=0.5)
    assert learner.c == 1.0


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"C": 1.0}, "did you mean 'c'"),
        ({"c": 0.0}, "outside of its range"),
        ({"ngrams": 4}, "outside of its range"),
    ],
)
def test_other_settings_are_refused(settings: dict[str, float], said: str) -> None:
    with pytest.raises(PlanError, match=said):
        with_settings(TfidfLearner(), settings)


def test_scores_from_elsewhere_have_no_space() -> None:
    with pytest.raises(PlanError, match="no search space"):
        search_space(ScoresLearner((), (), "file"))


@pytest.mark.parametrize(("low", "high", "log"), [(1.0, 1.0, False), (0.0, 1.0, True), (0.0, np.inf, False)])
def test_ranges_that_hold_nothing_are_refused(low: float, high: float, log: bool) -> None:
    with pytest.raises(PlanError):
        Range(low, high, log=log)


def test_choices_have_several_values() -> None:
    for learner in _learners():
        for values in search_space(learner).values():  # type: ignore[arg-type]
            assert isinstance(values, Range) or (isinstance(values, Choice) and len(set(values.values)) > 1)
