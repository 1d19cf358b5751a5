from __future__ import annotations

import random
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from negspace.reports.textdiff import Stretch, abridge, clip, visible, word_diff

TEXTS = st.text(alphabet="ab cd,.\n\t'é世界-", max_size=60)
VOCABULARY = [f"word{k}" for k in range(400)]


def sides(blocks: tuple[Stretch, ...]) -> tuple[str, str]:
    return "".join(b.left for b in blocks), "".join(b.right for b in blocks)


@settings(deadline=None, max_examples=300)
@given(TEXTS, TEXTS)
def test_blocks_join_to_the_texts_and_same_blocks_hold_the_same_words(left: str, right: str) -> None:
    blocks = word_diff(left, right)
    assert sides(blocks) == (left, right)
    for block in blocks:
        if block.kind == "same":
            assert block.left.split() == block.right.split()
    assert any(block.kind == "changed" for block in blocks) == (left != right)


@settings(deadline=None, max_examples=300)
@given(TEXTS, TEXTS, st.integers(0, 4), st.integers(1, 6), st.integers(1, 20))
def test_abridging_loses_nothing_and_keeps_both_sides_aligned(
    left: str, right: str, context: int, longest: int, most: int
) -> None:
    blocks = abridge(word_diff(left, right), context=context, longest=longest, most=most, short=0)
    assert sides(blocks) == (left, right)
    for block in blocks:
        if block.kind == "same":
            assert block.left.split() == block.right.split()


@pytest.mark.parametrize("seed", range(30))
def test_marks_are_exactly_the_words_that_were_changed(seed: int) -> None:
    # All words are distinct, so there is one smallest set of changes, and it is known.
    rng = random.Random(seed)
    base = rng.sample(VOCABULARY, 60)
    left, right = [], []
    truth_left, truth_right = [], []
    for number, word in enumerate(base):
        fate = rng.choice(["keep", "keep", "keep", "replace", "delete", "insert"])
        if fate in {"keep", "insert"}:
            left.append(word)
            right.append(word)
        if fate == "replace":
            left.append(word)
            right.append(f"new{number}")
            truth_left.append(word)
            truth_right.append(f"new{number}")
        if fate == "delete":
            left.append(word)
            truth_left.append(word)
        if fate == "insert":
            right.append(f"more{number}")
            truth_right.append(f"more{number}")
    blocks = word_diff(" ".join(left), " ".join(right))
    changed = [b for b in blocks if b.kind == "changed"]
    assert [w for b in changed for w in b.left.split()] == truth_left
    assert [w for b in changed for w in b.right.split()] == truth_right


def test_punctuation_and_case_are_words_of_their_own() -> None:
    blocks = word_diff("Good film, really.", "good film really!")
    assert [(b.left, b.right) for b in blocks if b.kind == "changed"] == [
        ("Good", "good"),
        (",", ""),
        (".", "!"),
    ]


def test_a_difference_in_whitespace_alone_is_marked() -> None:
    assert [(b.left, b.right) for b in word_diff("a b  c", "a  b  c") if b.kind == "changed"] == [(" ", "  ")]
    assert [(b.left, b.right) for b in word_diff("a ", "a") if b.kind == "changed"] == [(" ", "")]


def test_unspaced_scripts_are_compared_by_character() -> None:
    assert [
        (b.left, b.right) for b in word_diff("我喜欢这部电影", "我讨厌这部电影") if b.kind == "changed"
    ] == [("喜欢", "讨厌")]


def test_two_unlike_texts_of_thousands_of_equal_words_are_compared_at_once() -> None:
    left, right = "x " + "a b " * 3000, "y " + "b a " * 3000 + "z"
    blocks = word_diff(left, right)  # quadratic matching would take minutes
    assert sides(blocks) == (left, right)


def test_a_long_text_is_cut_to_the_surroundings_of_its_changes() -> None:
    base = VOCABULARY[:400]
    other = [*base[:200], "changed", *base[201:]]
    short = abridge(word_diff(" ".join(base), " ".join(other)), context=10)
    shown = " ".join(b.left for b in short if b.kind != "cut").split()
    assert shown == base[190:211]
    assert [b.kind for b in short] == ["cut", "same", "changed", "same", "cut"]


def test_a_short_text_stays_whole() -> None:
    blocks = word_diff(" ".join(VOCABULARY[:60]), " ".join([*VOCABULARY[:59], "other"]))
    assert abridge(blocks) == blocks


def test_a_text_of_one_endless_word_is_cut() -> None:
    short = abridge(word_diff("a" * 5000, "b" * 5000), longest=10)
    assert sum(len(b.left) for b in short if b.kind != "cut") == 400


def test_clip_says_that_something_follows() -> None:
    assert clip("one two three", 2) == "one two …"
    assert clip("one two ", 2) == "one two "


@given(st.text())
def test_nothing_invisible_is_left(text: str) -> None:
    shown = visible(text)
    for char in shown:
        kept = char in "\n\t\u200c\u200d"
        assert kept or unicodedata.category(char) not in {"Cc", "Cf", "Cs", "Zl", "Zp"}
    shown.encode("utf-8")  # a lone surrogate would raise


@pytest.mark.parametrize(
    ("hidden", "shown"),
    [
        ("a\x00b", "a␀b"),
        ("a\u202eb", "a⟨U+202E⟩b"),
        ("a\u200bb", "a⟨U+200B⟩b"),
        ("a\u200db", "a⟨U+200D⟩b"),
        ("\ud800", "⟨U+D800⟩"),
        ("a\U000e0041", "a⟨U+E0041⟩"),
        ("\x7f\x85", "␡⟨U+0085⟩"),
        ("one\r\ntwo\tthree", "one\ntwo\tthree"),
        ("👩\u200d🔬", "👩\u200d🔬"),
        ("naïve – 世界 café", "naïve – 世界 café"),
    ],
)
def test_what_would_not_show_is_named(hidden: str, shown: str) -> None:
    assert visible(hidden) == shown
