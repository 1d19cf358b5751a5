"""Recognition by name, flags over recognition, and labels rendered as names."""

from __future__ import annotations

import pytest

from negspace.data import LABEL_NAMES, TEXT_NAMES, Recognised, read
from negspace.errors import DataError


def rows(*names: str, n: int = 2) -> list[dict[str, object]]:
    return [{name: f"{name} {i}" for name in names} for i in range(n)]


@pytest.mark.parametrize("name", [*TEXT_NAMES, "Text", "REVIEW", " text "])
def test_known_text_names(name: str) -> None:
    assert read(rows("id", name, "label")).columns == Recognised(name, "label")


@pytest.mark.parametrize("name", [*LABEL_NAMES, "Sentiment", "INTENT", "Y"])
def test_known_label_names(name: str) -> None:
    assert read(rows("id", "text", name)).columns == Recognised("text", name)


def test_the_plain_name_wins() -> None:
    assert read(rows("question", "text", "topic", "label")).columns == Recognised("text", "label")


def test_flags_win_and_are_out_of_the_running() -> None:
    data = rows("comment", "question", "label", "topic", "pair")
    assert read(data, text="question").columns == Recognised("question", "label")
    assert read(data, text="comment", label="topic", group="pair").columns == Recognised(
        "comment", "topic", "pair"
    )
    assert read(rows("review", "sentence", "label"), group="review").columns.text == "sentence"


@pytest.mark.parametrize(
    ("names", "flags", "message"),
    [
        (("a", "label"), {}, "no column is known to hold the text(.|\n)*'a', 'label'(.|\n)*--text COLUMN"),
        (("text", "b"), {}, "no column is known to hold the label(.|\n)*'text', 'b'(.|\n)*--label COLUMN"),
        (("review", "body", "label"), {}, "several columns may hold the text(.|\n)*'review', 'body'"),
        (("text", "Text", "label"), {}, "several columns may hold the text"),
        (("text", "topic", "intent"), {}, "several columns may hold the label"),
        (
            ("text", "Sentiment"),
            {"label": "sentiment"},
            "asked for by --label(.|\n)*did you mean 'Sentiment'",
        ),
        (("text", "label"), {"text": "txt"}, "asked for by --text(.|\n)*did you mean 'text'"),
        (("text", "label", "pair"), {"group": "pear"}, "asked for by --group(.|\n)*did you mean 'pair'"),
        (("text", "label"), {"text": "label", "label": "label"}, "one column cannot be two things"),
        (("text", "label"), {"group": "label", "label": "label"}, "one column cannot be two things"),
        (("text;label",), {}, "separated by semicolons"),
    ],
)
def test_unclear_columns_name_what_there_is_and_the_flag(
    names: tuple[str, ...], flags: dict[str, str], message: str
) -> None:
    with pytest.raises(DataError, match=message):
        read(rows(*names), **flags)


def test_optional_group() -> None:
    plain = rows("text", "label")
    assert read(plain, group="pair", group_optional=True).examples.groups is None
    assert read(rows("text", "label", "pair"), group="pair", group_optional=True).columns.group == "pair"
    with pytest.raises(DataError, match="--group"):
        read(plain, group="pair")


def test_labels_are_names_and_sorted() -> None:
    values = [1, "1", 1.0, " 1 ", True, "b", 0.5, "10", "2"]
    data = read([{"text": "x", "label": value} for value in values])
    names = data.examples.label_names
    assert names == ("0.5", "1", "10", "2", "True", "b")
    assert [names[i] for i in data.examples.labels] == ["1", "1", "1", "1", "True", "b", "0.5", "10", "2"]


def test_words_that_other_readers_take_for_missing_are_labels(tmp_path) -> None:
    (tmp_path / "rows.csv").write_text("text,label\nnull,NA\nNaN,None\n")
    data = read(tmp_path / "rows.csv")
    assert data.examples.texts == ("null", "NaN")
    assert data.examples.label_names == ("NA", "None")


def test_labels_by_the_training_set() -> None:
    train = read([{"text": "x", "label": label} for label in ("book", "cancel", "find")])
    test = [{"text": "y", "label": "find"}, {"text": "z", "label": "book"}]
    data = read(test, label_names=train.examples.label_names)
    assert data.examples.label_names == ("book", "cancel", "find")
    assert data.examples.labels.tolist() == [2, 0]


def test_a_label_unseen_in_training() -> None:
    test = [{"text": "y", "label": label} for label in ("find", "cancle", "find", "x1", "x2", "x3", "x4")]
    with pytest.raises(DataError) as caught:
        read(test, label_names=("book", "cancel", "find"))
    message = str(caught.value)
    assert "list, row 2, column 'label'" in message
    assert "the same on rows 4, 5, 6 and 1 more" in message
    assert "got:  cancle" in message
    assert "did you mean 'cancel'?" in message
    many = [f"intent {i}" for i in range(150)]
    with pytest.raises(DataError, match="and 142 more"):
        read([{"text": "y", "label": "zzzzqqq"}], label_names=many)


def test_a_single_label_teaches_nothing() -> None:
    with pytest.raises(DataError, match="all 2 rows have the same label"):
        read([{"text": "a", "label": "x"}, {"text": "b", "label": "x"}])
    assert len(read([{"text": "a", "label": "x"}], label_names=("w", "x"))) == 1
