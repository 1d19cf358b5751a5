"""Predictions of a model that ran elsewhere: every form of table, and every way to get it wrong."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pytest

from negspace.errors import DataError, PlanError
from negspace.models import RowsArm, ScoresLearner, TextTask

NAN = math.nan
Read = Callable[..., ScoresLearner]


@pytest.fixture
def task_of(make_task: Callable[..., TextTask]) -> Callable[..., TextTask]:
    def make(names: Sequence[str], truth: Sequence[int]) -> TextTask:
        return make_task(["t"] * (2 + len(truth)), [0, 1, *truth], held_out=len(truth), names=names)

    return make


@pytest.fixture
def read(task_of: Callable[..., TextTask]) -> Read:
    def of(
        columns: Mapping[str, Sequence[object]],
        names: Sequence[str] = ("neg", "pos"),
        truth: Sequence[int] = (0, 1, 1),
        **options: object,
    ) -> ScoresLearner:
        return ScoresLearner.from_columns(columns, task_of(names, truth), source="s.csv", **options)

    return of


def said(learner: ScoresLearner, run: int = 0) -> tuple[list[int], list[float], list[float]]:
    p = learner.runs_values[run]
    return p["label"].tolist(), p["confidence"].tolist(), p["truth"].tolist()


ALMOST = pytest.approx


@pytest.mark.parametrize(
    "columns",
    [
        {"prob_neg": [0.9, 0.4, 0.2], "prob_pos": [0.1, 0.6, 0.8]},
        {"p_pos": [0.1, 0.6, 0.8], "p_neg": [0.9, 0.4, 0.2]},
        {"PROBA_neg": [0.9, 0.4, 0.2], "score_pos": [0.1, 0.6, 0.8]},
        {"neg": [0.9, 0.4, 0.2], "pos": [0.1, 0.6, 0.8]},
        {"prob_pos": [0.1, 0.6, 0.8]},
        {"pos": ["0.1", "0.6", "0.8"]},
        {"probability_neg": [0.9, 0.4, 0.2]},
        {"model_a": [0.1, 0.6, 0.8]},
        {"prob": [0.1, 0.6, 0.8], "id": [7, 8, 9], "Text": ["a", "b", "c"], "label": ["neg", "pos", "pos"]},
    ],
    ids=",".join,
)
def test_probabilities_of_two_labels_in_every_form(read: Read, columns: dict[str, list[object]]) -> None:
    learner = read(columns)
    assert len(learner.runs_values) == 1
    label, confidence, truth = said(learner)
    assert label == [0, 1, 1]
    assert confidence == ALMOST([0.9, 0.6, 0.8])
    assert truth == ALMOST([0.9, 0.6, 0.8])


def test_truth_is_the_probability_of_the_rows_own_label(read: Read) -> None:
    label, confidence, truth = said(read({"prob_pos": [0.7, 0.3, 0.8]}))
    assert label == [1, 0, 1]
    assert confidence == ALMOST([0.7, 0.7, 0.8])
    assert truth == ALMOST([0.3, 0.3, 0.8])


def test_predicted_labels_come_without_confidence(read: Read) -> None:
    label, confidence, truth = said(read({"prediction": ["pos", " neg ", "pos"]}))
    assert label == [1, 0, 1]
    assert np.isnan([*confidence, *truth]).all()


def test_several_models(read: Read) -> None:
    learner = read(
        {
            "a": ["pos", "pos", "neg"],
            "prob_pos@one": [0.1, 0.2, 0.3],
            "prob_neg@two": [0.1, 0.2, 0.3],
            "prob_pos@two": [0.9, 0.8, 0.7],
            "b": [0.2, 0.2, 0.9],
        }
    )
    assert learner.run_names == ("prob_pos@one", "prob_neg@two, prob_pos@two", "a", "b")
    labels = [said(learner, run)[0] for run in range(4)]
    assert labels == [[0, 0, 0], [1, 1, 1], [1, 1, 0], [0, 0, 1]]


def test_seeds_are_runs(read: Read, task_of: Callable[..., TextTask]) -> None:
    learner = read({"a": ["pos", "pos", "neg"], "b": ["neg", "neg", "neg"]})
    task, arm = task_of(("neg", "pos"), (0, 1, 1)), RowsArm("given", np.arange(2))
    runs = list(learner.runs(task, [(arm, 1), (arm, 0)], workers=2))
    assert [(run.arm, run.seed, run.values["label"].tolist()) for run in runs] == [
        ("given", 1, [0, 0, 0]),
        ("given", 0, [1, 1, 0]),
    ]
    for seed in (2, -1):
        with pytest.raises(PlanError, match=f"holds 2 runs.*\n.*seed {seed}"):
            list(learner.runs(task, [(arm, seed)], workers=1))


@pytest.mark.parametrize("names", [("a", "b", "c"), ("yes, please", "no", "a@b")])
def test_three_labels(read: Read, names: tuple[str, ...]) -> None:
    matrix = np.array([[0.5, 0.3, 0.2], [0.1, 0.1, 0.8], [0.2, 0.6, 0.2]])
    learner = read({f"prob_{name}": matrix[:, i].tolist() for i, name in enumerate(names)}, names, (0, 1, 2))
    assert len(learner.runs_values) == 1
    label, confidence, truth = said(learner)
    assert label == [0, 2, 1]
    assert confidence == ALMOST([0.5, 0.8, 0.6])
    assert truth == ALMOST([0.5, 0.1, 0.2])


def test_probabilities_printed_with_three_digits_are_taken(read: Read) -> None:
    assert read({"prob_a": [0.333], "prob_b": [0.333], "prob_c": [0.333]}, ("a", "b", "c"), (0,))


@pytest.mark.parametrize("values", [[1, 0, 1], [1.0, 0.0, 1.0], ["1", "0", "1"], ["1.0", " 0 ", "1.00"]])
@pytest.mark.parametrize("names", [("0", "1"), ("0", "1", "2")])
def test_labels_that_are_numbers(read: Read, values: list[object], names: tuple[str, ...]) -> None:
    for cells in (values, list(np.array(values))):
        label, confidence, _ = said(read({"prediction": cells}, names))
        assert label == [1, 0, 1]
        assert np.isnan(confidence).all()


def test_probabilities_where_labels_are_numbers(read: Read) -> None:
    assert said(read({"prediction": [0.2, 1.0, 0.0]}, ("0", "1")))[1] == ALMOST([0.8, 1, 1])
    assert said(read({"0": [0.2, 0.6, 1.0], "1": [0.8, 0.4, 0.0]}, ("0", "1")))[0] == [1, 0, 0]
    assert said(read({"0": [1, 0, 1], "1": [0, 1, 0]}, ("0", "1")))[0] == [0, 1, 0]


@pytest.mark.parametrize("names", [("0", "1"), ("0", "1", "2")])
def test_a_lone_column_named_0_is_not_turned_around(read: Read, names: tuple[str, ...]) -> None:
    with pytest.raises(DataError, match="column '0': a label's name stands for its probability") as caught:
        read({"0": [1, 0, 1]}, names)
    assert "'prediction'" in caught.value.hint


def test_a_label_may_have_the_name_of_a_column_that_is_passed_over(read: Read) -> None:
    languages = {"en": [0.5, 0.2, 0.1], "id": [0.2, 0.7, 0.1], "text": [0.3, 0.1, 0.8]}
    assert said(read(languages, ("en", "id", "text"), (0, 1, 2)))[0] == [0, 1, 2]
    pages = {"text": [0.9, 0.2, 0.3], "image": [0.1, 0.8, 0.7]}
    assert said(read(pages, ("image", "text")))[1] == ALMOST([0.9, 0.8, 0.7])
    # The same name on a column of something else, or in `ignore`, is passed over as ever.
    assert said(read({"id": ["r1", "r2", "r3"], "prob_id": [0.1, 0.2, 0.9]}, ("en", "id")))[0] == [0, 0, 1]
    assert (
        len(
            read(
                {"image": [0.1, 0.8, 0.7], "text": [0.9, 0.2, 0.3]}, ("image", "text"), ignore=["text"]
            ).runs_values
        )
        == 1
    )


def test_ignored_columns(read: Read) -> None:
    assert read({"Review": ["x", "y", "z"], "prediction": ["neg"] * 3}, ignore=["Review"]).run_names == (
        "prediction",
    )


@pytest.mark.parametrize(
    ("columns", "names", "what", "hint"),
    [
        ({"prediction": ["pos", "neg"]}, None, "each of the 3 held-out rows", "score the rows of --test"),
        ({"id": [1, 2, 3], "prediction": ["pos"]}, None, "each of the 3 held-out rows", "in the order"),
        ({}, None, "each of the 3 held-out rows", ""),
        ({"id": [1, 2, 3], "text": ["a"] * 3}, None, "no column holds scores", "prob_<label>"),
        (
            {"prediction": ["pos", "ngative", "pos"]},
            ("negative", "pos"),
            "row 2, column 'prediction'",
            "did you mean 'negative'",
        ),
        ({"prediction": ["pos", "", "pos"]}, None, "got:  an empty cell", ""),
        ({"prediction": ["pos", None, "pos"]}, None, "got:  an empty cell", ""),
        ({"prediction": ["pos", NAN, "pos"]}, None, "got:  an empty cell", ""),
        ({"m": [0.2, NAN, 0.4]}, None, "row 2, column 'm'", ""),
        ({"m": ["", 0.2, 0.4]}, None, "row 1, column 'm': neither .*\n  got:  an empty cell", ""),
        ({"m": [0.2, "pos", 0.4]}, None, "row 2, column 'm': not a probability", ""),
        (
            {"prob_pos": [0.2, 0.4, None]},
            None,
            "row 3, column 'prob_pos': not a probability",
            "no cell empty",
        ),
        ({"prob_pos": [0.2, NAN, 0.4]}, None, "row 2, column 'prob_pos': not a probability", "no cell empty"),
        ({"m": [0.2, 1.2, 0.4]}, None, r"row 2, column 'm': not a probability in \[0, 1\]", "softmax"),
        ({"m": [0.2, 0.3, float("inf")]}, None, "row 3, column 'm': not a probability", "softmax"),
        ({"prob_pos": [-0.1, 0.2, 0.4]}, None, "row 1, column 'prob_pos': not a probability", "softmax"),
        (
            {"prob_pos": [0.1, 0.2, 0.4], "prob_neg": [0.9, 0.7, 0.6]},
            None,
            "row 2: the probabilities of a row",
            "softmax",
        ),
        (
            {"prob_a": [0.5] * 3, "prob_b": [0.5] * 3},
            ("a", "b", "c"),
            "every label\n  got:  none for 'c'",
            "prob_<label>",
        ),
        (
            {"prob_alpha": [0.5] * 3, "prob_betta": [0.5] * 3},
            ("alpha", "beta", "c"),
            "no label of the data is called 'betta'",
            "did you mean 'beta'",
        ),
        (
            {"prob_ngative": [0.5] * 3},
            ("negative", "positive"),
            "no label of the data is called 'ngative'",
            "did you mean 'negative'",
        ),
        ({"prob_Neg@m": [0.5] * 3}, None, "no label of the data is called 'Neg'", "did you mean 'neg'"),
        (
            {"prob_pos": [0.5] * 3, "p_pos": [0.4] * 3},
            None,
            "two columns hold the probability of 'pos'",
            "@<model>",
        ),
        (
            {"neg": [0.5] * 3},
            ("negative", "positive"),
            "is it the probability of 'negative'",
            "'prob_negative'",
        ),
        (
            {"Negative": [0.5] * 3},
            ("negative", "positive"),
            "is it the probability of 'negative'",
            "'prob_negative'",
        ),
        (
            {"prediction": [0, 1, 2]},
            ("a", "b", "c"),
            "neither a label nor a probability",
            "there is 'a', 'b', 'c'",
        ),
    ],
)
def test_errors_say_what_to_do(
    read: Read, columns: dict[str, list[object]], names: Sequence[str] | None, what: str, hint: str
) -> None:
    with pytest.raises(DataError, match=what) as caught:
        read(columns, names or ("neg", "pos"))
    assert str(caught.value).startswith("s.csv")
    assert hint in caught.value.hint


def test_errors_name_the_line_where_it_is_known(read: Read) -> None:
    with pytest.raises(DataError, match=r"^s\.csv, line 9, column 'm'"):
        read({"m": [0.2, 0.3, 7]}, lines=[2, 5, 9])


def test_what_is_described_is_the_scores(read: Read) -> None:
    one = read({"m": [0.2, 0.3, 0.9]})
    assert one.describe() == read({"m": ["0.2", "0.3", "0.9"]}).describe()
    assert one.describe() != read({"m": [0.2, 0.3, 0.8]}).describe()
