"""Variations change what they say and nothing else."""

from __future__ import annotations

import re
from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from negspace.perturbations import VARIATIONS, Variation, conflict

BY_NAME = {variation.name: variation for variation in VARIATIONS}
checked = settings(max_examples=120, deadline=None, derandomize=True)
named = pytest.mark.parametrize("variation", VARIATIONS, ids=lambda v: v.name)

SENTENCES = ["The plot was thin.", "I liked the music a lot.", "It was a bore.", "But the end was fine."]
WORDS = ["A film of joy", "the", "I", "saw", "great", "8.5", "1,000", "5", "Dr.", "é", ":(", ":)"]
MARKS = [".", ",", ";", "...", "!", "?", '"', "\n", "  ", " ", "\t"]
pieces = st.sampled_from([*SENTENCES, *WORDS, *MARKS])
writing = st.lists(pieces, max_size=12).map(" ".join) | st.lists(pieces, max_size=12).map("".join) | st.text()


def vary(name: str, text: str, seed: int = 0) -> str | None:
    return BY_NAME[name].apply(text, np.random.default_rng(seed))


@named
@checked
@given(text=writing, seed=st.integers(0, 99))
@example(text="5., x and a.. b 5.. c", seed=0)
@example(text="ısparta is a town", seed=0)
@example(text="The film was a delight. I liked the acting of Ann", seed=0)
@example(text="the film was a delight. I liked the acting of Ann.", seed=0)
@example(text="The film was a delight. I liked the acting of Dr.", seed=0)
@example(text=" \n", seed=0)
def test_a_varied_text_is_another_text_of_the_same_form(variation: Variation, text: str, seed: int) -> None:
    varied = variation.apply(text, np.random.default_rng(seed))
    if varied is None:
        return
    assert varied != text
    assert varied.strip()
    assert variation.canonical(varied) == variation.canonical(text)
    assert variation.apply(text, np.random.default_rng(seed)) == varied


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("whitespace", ""),
        ("whitespace", " \t "),
        ("case", "123 !?"),
        ("case", ""),
        ("punctuation", "is it?"),
        ("punctuation", "."),
        ("punctuation", ""),
        ("sentence order", "One sentence of the film alone."),
        ("sentence order", ""),
    ],
)
def test_where_nothing_would_change_there_is_none(name: str, text: str) -> None:
    assert all(vary(name, text, seed) is None for seed in range(20))


@pytest.mark.parametrize(
    "text", ["rated 8.5 of 10", "won 1,000 votes", "at 3:30 pm", "a .5 share", "1.000,50 euro"]
)
def test_numbers_are_left_whole(text: str) -> None:
    assert vary("punctuation", f"{text}, and more; the end.") == f"{text} and more the end"


@pytest.mark.parametrize(
    "text", ["I am sad :(", "so glad :)", "well :-/ no", "(: hi", "really?!", "what a film!"]
)
def test_what_may_carry_a_label_stays(text: str) -> None:
    assert vary("punctuation", text) in (None, f"{text}.")


def test_punctuation_that_stands_alone_goes_too() -> None:
    assert vary("punctuation", "a good film , really .").split() == ["a", "good", "film", "really"]


def test_a_bare_text_gets_a_full_stop() -> None:
    assert vary("punctuation", "a good film") == "a good film."


def test_case() -> None:
    assert vary("case", "A Good FILM") == "a good film"
    assert vary("case", "a good film") == "A good film"


@checked
@given(writing, st.integers(0, 9))
def test_whitespace_keeps_the_words(text: str, seed: int) -> None:
    varied = vary("whitespace", text, seed)
    assert varied is None or varied.split() == text.split()


INDEPENDENT = [
    "The music was by a student of Bach.",
    "I watched the film in a small town.",
    "A clever plot carries the second half!",
    "My friends laughed in the first scene.",
]
LEANING = [
    "It was a bore.",
    "But the end was fine.",
    "His wife is a star.",
    "However the plot is thin.",
    "Great fun.",
]


@checked
@given(st.lists(st.sampled_from(INDEPENDENT + LEANING), min_size=1, max_size=7), st.integers(0, 9))
def test_order_swaps_two_independent_neighbours(sentences: list[str], seed: int) -> None:
    varied = vary("sentence order", " ".join(sentences), seed)
    independent = [s in INDEPENDENT for s in sentences]
    swappable = [
        i
        for i, (a, b) in enumerate(pairwise(independent))
        if a and b and sentences[i] != sentences[i + 1] and all(independent[i + 2 : i + 3])
    ]
    if varied is None:
        # A swap of two equal sentences may have been drawn, which changes nothing.
        assert not swappable or len(set(sentences)) < len(sentences)
        return
    after = re.split(r"(?<=[.!]) ", varied)
    assert Counter(after) == Counter(sentences)
    moved = [i for i, (a, b) in enumerate(zip(sentences, after, strict=True)) if a != b]
    assert len(moved) == 2
    assert moved[0] in swappable
    assert moved[1] == moved[0] + 1


@pytest.mark.parametrize(
    "text",
    [
        "The best film was by Mr. Smith is a master of the craft.",
        "The best score is by J. Williams is a master of the craft.",
        "El cine era bueno y barato. Yo vi dos veces esa pelicula.",
    ],
)
def test_what_is_no_pair_of_english_sentences_is_not_moved(text: str) -> None:
    assert all(vary("sentence order", text, seed) is None for seed in range(10))


def test_a_last_sentence_without_its_end_is_not_moved() -> None:
    text = "The music was by a student of Bach. I watched the film in a small town"
    assert all(vary("sentence order", text, seed) is None for seed in range(10))


def test_every_pair_is_drawn_by_some_seed() -> None:
    drawn = {vary("sentence order", " ".join(INDEPENDENT), seed) for seed in range(50)}
    assert len(drawn) == 3


def brute_conflict(variation: Variation, texts: list[str], labels: list[int]) -> tuple[int, int] | None:
    for row in range(len(texts)):
        for earlier in range(row):
            if (
                labels[earlier] != labels[row]
                and texts[earlier] != texts[row]
                and variation.canonical(texts[earlier]) == variation.canonical(texts[row])
            ):
                return earlier, row
    return None


@named
@checked
@given(
    rows=st.lists(
        st.tuples(
            st.sampled_from(["a b", "a  b", "A b", "a b.", "a, b", "b a", "A. B.", "B. A.", "B.  A."]),
            st.integers(0, 2),
        ),
        max_size=10,
    )
)
def test_conflict_is_the_first_there_is(variation: Variation, rows: list[tuple[str, int]]) -> None:
    texts, labels = [text for text, _ in rows], [label for _, label in rows]
    expected = brute_conflict(variation, texts, labels)
    assert conflict(variation, texts, np.array(labels, dtype=int)) == expected


def test_each_variation_has_a_conflict_somewhere() -> None:
    made = {
        "whitespace": ("a b", "a  b"),
        "case": ("a b", "A b"),
        "punctuation": ("a, b", "a b"),
        "sentence order": ("One. Two.", "Two. One."),
    }
    for name, texts in made.items():
        assert conflict(BY_NAME[name], texts, np.array([0, 1])) == (0, 1)
        assert conflict(BY_NAME[name], texts, np.array([1, 1])) is None
    assert set(made) == set(BY_NAME)


def test_equal_texts_with_two_labels_say_nothing_about_a_variation() -> None:
    for variation in VARIATIONS:
        assert conflict(variation, ["a b", "a b"], np.array([0, 1])) is None
