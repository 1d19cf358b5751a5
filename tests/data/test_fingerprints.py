"""The fingerprint is of the content: any change shows, the format does not."""

from __future__ import annotations

import itertools
from pathlib import Path

import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from negspace.data import fingerprint, read, write_rows

ROWS = [
    {"text": 'a "quoted",\ttab', "label": 1, "pair": 10},
    {"text": "line\nend", "label": 0, "pair": 10},
    {"text": "=plain é", "label": 1, "pair": 11},
]


def test_format_has_no_say(tmp_path: Path) -> None:
    paths = [tmp_path / f"rows{suffix}" for suffix in (".jsonl", ".csv", ".tsv", ".parquet")]
    for path in paths:
        write_rows(path, ROWS)
    for group in (None, "pair"):
        sources = (*paths, ROWS, pd.DataFrame(ROWS))
        prints = {read(source, group=group).examples.fingerprint for source in sources}
        assert len(prints) == 1
        assert len(prints.pop()) == 64


def test_every_change_shows() -> None:
    variants = [
        (["a", "b"], ["x", "y"], None),
        (["b", "a"], ["x", "y"], None),
        (["a", "b"], ["y", "x"], None),
        (["ab", ""], ["x", "y"], None),
        (["a", "b"], ["x", "yy"], None),
        (["a"], ["x"], None),
        (["a", "b", "x"], ["x", "y", "y"], None),
        (["a", "b"], ["x", "y"], ["", ""]),
        (["a", "b"], ["x", "y"], [None, None]),
        (["a", "b"], ["x", "y"], ["g", "g"]),
        (["a", "b"], ["x", "y"], ["g", "h"]),
    ]
    prints = [fingerprint(*variant) for variant in variants]
    assert len(set(prints)) == len(prints)


words = st.text(alphabet="ab+-\x00\x01", max_size=3)
columns = st.integers(0, 3).flatmap(
    lambda n: st.tuples(
        st.lists(words, min_size=n, max_size=n),
        st.lists(words, min_size=n, max_size=n),
        st.none() | st.lists(st.none() | words, min_size=n, max_size=n),
    )
)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.lists(columns, min_size=2, max_size=6))
def test_equal_only_for_equal_rows(sets: list[tuple[list[str], list[str], list[str | None] | None]]) -> None:
    for one, two in itertools.combinations(sets, 2):
        assert (fingerprint(*one) == fingerprint(*two)) == (one == two)
