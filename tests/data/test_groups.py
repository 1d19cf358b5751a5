"""Groups keep their names across files, and are suggested but never used unasked."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from negspace.data import check_groups_apart, duplicates_across, read, shared_groups
from negspace.errors import DataError


def grouped(groups: list[object]) -> list[dict[str, object]]:
    return [{"text": f"t{i}", "label": i % 2, "pair": value} for i, value in enumerate(groups)]


def test_group_names_are_kept() -> None:
    data = read(grouped(["b", 4, "4", 4.0, "a", "b"]), group="pair")
    assert data.group_names == ("b", "4", "a")
    assert data.examples.groups.tolist() == [0, 1, 1, 1, 2, 0]


def test_rows_without_a_group_stand_alone() -> None:
    data = read(grouped(["b", None, " ", "b"]), group="pair")
    assert data.examples.groups.tolist() == [0, 1, 2, 0]
    assert data.group_names == ("b", None, None)
    assert data.notes == ("2 rows have no value in 'pair': each is a group of its own",)


def test_shared_groups_number_equal_names_equally() -> None:
    one = read(grouped(["a", None, "b", "a"]), group="pair")
    two = read(grouped(["c", "b", None]), group="pair")
    three = read([{"text": "x", "label": 0}, {"text": "y", "label": 1}])
    ids = np.concatenate(shared_groups(one, two, three))
    assert [len(part) for part in shared_groups(one, two, three)] == [4, 3, 2]
    equal = {(i, j) for i in range(9) for j in range(i) if ids[i] == ids[j]}
    assert equal == {(3, 0), (5, 2)}


def test_a_group_on_both_sides(tmp_path: Path) -> None:
    pd.DataFrame(grouped(["p", "q", "r", "r"])).to_csv(tmp_path / "train.csv", index=False)
    pd.DataFrame(grouped(["s", "s", "r", "q"])).to_csv(tmp_path / "test.csv", index=False)
    train, test = (read(tmp_path / f"{side}.csv", group="pair") for side in ("train", "test"))
    with pytest.raises(DataError) as caught:
        check_groups_apart(train, test)
    message = str(caught.value).replace(f"{tmp_path}/", "")
    assert "group 'r' is on both sides: train.csv, line 4 and test.csv, line 4 (2 groups in all)" in message
    assert "move all rows of a group to one side" in message


def test_groups_apart() -> None:
    one, two = read(grouped(["a", None, "b"]), group="pair"), read(grouped(["c", None, "d"]), group="pair")
    check_groups_apart(one, two)
    check_groups_apart(one, read(grouped(["a", "b"])))


def test_group_column_is_suggested(cad: Path) -> None:
    data = read(cad / "paired_train.tsv")
    assert data.examples.groups is None
    assert data.notes == (
        "column 'batch_id' joins rows of different labels in groups; "
        "--group batch_id uses it as near-miss groups",
    )
    assert read(cad / "paired_train.tsv", group="batch_id").notes == ()


@pytest.mark.parametrize(
    ("column", "suggested"),
    [
        (["a", "a", "b", "b", "c", "c"], True),
        (["a", "a", "b", "b", "c", "c", None, None], True),
        ([1, 2, 3, 4, 5, 6], False),  # joins nothing
        (["a", "b", "a", "b", "a", "b"], False),  # joins rows of one label
        (["a", "a", "a", "b", "b", "b"], False),  # too few groups to tell
        ([0.5, 0.5, 0.25, 0.25, 0.75, 0.75], False),  # a measurement
        ([["a"], ["a"], ["b"], ["b"], ["c"], ["c"]], False),
    ],
)
def test_what_is_suggested(column: list[object], suggested: bool) -> None:
    assert bool(read(grouped(column)).notes) == suggested


def test_large_groups_are_topics_not_pairs() -> None:
    assert read(grouped([i // 20 for i in range(80)])).notes
    assert not read(grouped([i // 22 for i in range(88)])).notes


def test_duplicates_across_sides() -> None:
    train_texts = ["one two", "caf\u00e9", "three", "one two"]
    test_texts = ["x", " one\n two ", "cafe\u0301", "Three"]
    train, test = (
        read([{"text": text, "label": i % 2} for i, text in enumerate(texts)])
        for texts in (train_texts, test_texts)
    )
    found = duplicates_across(train.examples, test.examples)
    assert found.test_rows.tolist() == [1, 2]
    assert found.train_rows.tolist() == [0, 1]
    assert "2 of 4 rows" in found.note
    assert "line 2 = 1, 3 = 2" in found.note
    none = duplicates_across(train.examples, read(grouped(["a", "b"])).examples)
    assert (len(none), none.note) == (0, "")
