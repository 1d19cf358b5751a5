"""The grammar of tickets against its own checker, over thousands of draws."""

from __future__ import annotations

import re

import numpy as np
import pytest

from negspace.demo import tickets
from negspace.demo.tickets import LABELS, check, near_miss, ordinary, written_pairs

GRANTED = {"approved", "accepted", "confirmed", "allowed", "honoured", "fulfilled"}
REFUSED = {"rejected", "declined", "denied", "dismissed", "blocked", "cancelled"}
FORM = re.compile(
    r"A \w+ from \w+ asked by \w+ on \w+day about the \w+ of a \w+ after a \w+\. "
    r"They sounded \w+ and \w+\. The \w+ read the \w+ and (\w+) it\."
)


def test_a_ticket_has_the_label_it_was_drawn_for() -> None:
    rng = np.random.default_rng(0)
    moods: dict[str, set[str]] = {label: set() for label in LABELS}
    verbs: dict[str, set[str]] = {label: set() for label in LABELS}
    for i in range(4000):
        label = LABELS[i % 2]
        ticket = ordinary(rng, label)
        match = FORM.fullmatch(ticket.text)
        assert match is not None, ticket.text
        assert match[1] in (GRANTED if label == "granted" else REFUSED)
        assert check(ticket.text) == ticket.label == label
        assert len(set(ticket.moods)) == 2
        moods[label].update(ticket.moods)
        verbs[label].add(ticket.verb)
    # The mood gives the label away, and every verb is drawn.
    assert not moods["granted"] & moods["refused"]
    assert (verbs["granted"], verbs["refused"]) == (GRANTED, REFUSED)


def test_a_near_miss_differs_in_one_word_and_in_its_label() -> None:
    for original, other in written_pairs(np.random.default_rng(1), 2000):
        one, two = original.text.split(), other.text.split()
        assert len(one) == len(two)
        (differing,) = [(a, b) for a, b in zip(one, two, strict=True) if a != b]
        assert {word in GRANTED for word in differing} == {True, False}
        assert {original.label, other.label} == set(LABELS)


def test_a_near_miss_of_a_near_miss_has_the_first_label() -> None:
    rng = np.random.default_rng(2)
    ticket = ordinary(rng, "granted")
    assert near_miss(rng, near_miss(rng, ticket)).label == "granted"


def test_labels_of_pairs_take_turns() -> None:
    labels = [original.label for original, _ in written_pairs(np.random.default_rng(3), 7)]
    assert labels == ["granted", "refused"] * 3 + ["granted"]


def test_no_word_but_the_verb_is_a_verb() -> None:
    slots = {word for words in tickets._WORDS.values() for word in words}
    moods = {word for words in tickets._MOODS.values() for word in words}
    assert not (slots | moods) & (GRANTED | REFUSED)


def test_draws_depend_on_the_generator_alone() -> None:
    def drawn(seed: int) -> list[str]:
        return [t.text for pair in written_pairs(np.random.default_rng(seed), 20) for t in pair]

    before = np.random.get_state()[1].copy()  # noqa: NPY002
    assert drawn(5) == drawn(5)
    assert drawn(5) != drawn(6)
    assert np.array_equal(np.random.get_state()[1], before)  # noqa: NPY002


@pytest.mark.parametrize(
    "text",
    [
        "",
        "The weather was fine.",
        "The agent read the note and lost it.",
        "They sounded furious and upset.",
        "The agent approved it and the clerk denied it.",
        "The agent read the note and disapproved it.",
    ],
)
def test_what_is_no_ticket_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a ticket of this grammar"):
        check(text)
