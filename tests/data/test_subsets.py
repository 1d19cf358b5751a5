"""Fragments set aside, and pieces of fragments."""

from __future__ import annotations

import numpy as np
import pytest

from negspace.data import Fragments, pieces, select, set_aside


def fragments(*lengths: int) -> Fragments:
    tokens = np.zeros((len(lengths), max(lengths)), dtype=np.int32)
    for row, length in enumerate(lengths):
        tokens[row, :length] = 100 * (row + 1) + np.arange(length)
    names = tuple(f"text {row}" for row in range(len(lengths)))
    return Fragments(names, tokens, np.array(lengths), names, "whole")


def test_pieces_are_taken_from_every_fragment_before_a_second_of_any() -> None:
    cut = pieces(fragments(7, 3, 4), 4, 3)
    read = [cut.tokens[row, : cut.lengths[row]].tolist() for row in range(len(cut))]
    assert read == [[100, 101, 102], [103, 104, 105], [200, 201, 202], [300, 301, 302]]
    assert cut.texts == ("text 0", "text 0", "text 1", "text 2")


def test_one_fragment_gives_several_pieces_and_each_has_something_to_predict() -> None:
    cut = pieces(fragments(8), 8, 3)
    assert cut.lengths.tolist() == [3, 3, 2]
    assert pieces(fragments(7), 8, 3).lengths.tolist() == [3, 3]
    assert cut.fingerprint != pieces(fragments(8), 8, 4).fingerprint


@pytest.mark.parametrize(("size", "drawn"), [(1, 1), (9, 1), (40, 4), (1000, 16)])
def test_a_tenth_is_set_aside_and_no_more_than_asked(size: int, drawn: int) -> None:
    rows = set_aside(size, 16, seed=0)
    assert len(set(rows.tolist())) == drawn and rows.max() < size
    assert (rows == set_aside(size, 16, seed=0)).all()


def test_a_selection_knows_what_it_was_taken_from() -> None:
    some = select(fragments(7, 3, 4), np.array([2, 1]))
    assert some.texts == ("text 2", "text 1") and some.tokens.shape == (2, 4)
    assert some.fingerprint != select(fragments(7, 3, 4), np.array([1, 2])).fingerprint
