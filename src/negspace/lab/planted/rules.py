"""Rules that text can follow, and which words of it they decide.

A rule draws one instance, or one that breaks it at every turn: a list of words and its depth, the number of
steps or levels that its hardest word takes. What a rule leaves open (which digits, which letters) is uniform;
what it decides is decided by the words before it and by nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import pairwise
from types import MappingProxyType
from typing import TypeAlias

import numpy as np

from negspace.errors import PlanError, did_you_mean

Instance: TypeAlias = tuple[list[str], int]
Rule: TypeAlias = Callable[[np.random.Generator, bool], Instance]

CLASSES: Mapping[str, tuple[tuple[str, ...], tuple[str, str, str]]] = MappingProxyType(
    {
        "he": (("king", "monk"), ("he", "himself", "his")),
        "she": (("queen", "nun"), ("she", "herself", "her")),
        "it": (("robot", "clock"), ("it", "itself", "its")),
        "they": (("twins", "guards"), ("they", "themselves", "their")),
    }
)
"""Nouns by the pronouns that agree with them: subject, reflexive, possessive."""
_CLAIMED = ("said", "knew", "felt")
_DID = ("saw", "helped", "blamed")
_OWNED = ("house", "garden", "lamp")
_LETTERS = tuple("abcdef")
_ITEMS = ("pear", "plum", "fig", "lime", "date", "kiwi")
BRACKETS: Mapping[str, str] = MappingProxyType({"(": ")", "[": "]", "{": "}", "<": ">"})
_TERMS = ("daxes", "wugs", "feps", "blicks", "toves", "raths")
_TOP = 9


def agreement(rng: np.random.Generator, broken: bool) -> Instance:
    """A subject, nouns of other classes between, and three pronouns that agree with the subject.

    Depth: nouns that stand between the subject and its first pronoun.
    """
    name, *others = _pick(rng, tuple(CLASSES), 1 + int(rng.integers(0, 3)), distinct=True)
    subject, forms = CLASSES[name]
    words = ["the", _one(rng, subject)]
    for other in others:
        words += ["beside", "the", _one(rng, CLASSES[other][0])]
    if broken:
        wrong = [form for key, (_, form) in CLASSES.items() if key != name]
        forms = tuple(wrong[int(rng.integers(len(wrong)))][i] for i in range(3))  # type: ignore[assignment]
    words += [_one(rng, _CLAIMED), "that", forms[0], _one(rng, _DID), forms[1]]
    return [*words, "near", forms[2], _one(rng, _OWNED), "."], len(others)


def copying(rng: np.random.Generator, broken: bool) -> Instance:
    """Letters, said again in their order. Depth: how many."""
    depth = int(rng.integers(3, 6))
    said = _pick(rng, _LETTERS, depth)
    again = [_other(rng, _LETTERS, letter) for letter in said] if broken else said
    return ["say", *said, "again", *again, ";"], depth


def counting(rng: np.random.Generator, broken: bool) -> Instance:
    """A thing counted up to a number that was said before. Depth: the number."""
    item, last = _one(rng, _ITEMS), int(rng.integers(2, 7))
    told = int(_other(rng, tuple(range(2, 8)), last)) if broken else last
    words = ["count", item, "to", str(told), ":"]
    for number in range(1, last + 1):
        named = number if not broken else int(_other(rng, tuple(range(1, 8)), number))
        words += [item, str(named)]
    return [*words, "stop"], last


def arithmetic(rng: np.random.Generator, broken: bool) -> Instance:
    """A chain of small sums and differences; each result is the next one's first term. Depth: how many."""
    depth = int(rng.integers(1, 5))
    value = int(rng.integers(0, _TOP + 1))
    words = [str(value)]
    for _ in range(depth):
        sign = 1 if value < 2 or (value <= _TOP - 2 and rng.random() < 0.5) else -1
        by = int(rng.integers(1, 3))
        words += ["+" if sign > 0 else "-", str(by), "="]
        value += sign * by
        if broken:
            value = int(_other(rng, tuple(range(_TOP + 1)), value))
        words.append(str(value))
    return [*words, ";"], depth


def brackets(rng: np.random.Generator, broken: bool) -> Instance:
    """Brackets opened one within the other, then closed, the last one first. Depth: how many."""
    depth = int(rng.integers(2, 5))
    opened = _pick(rng, tuple(BRACKETS), depth)
    closed = [BRACKETS[one] for one in reversed(opened)]
    if broken:
        closed = [_other(rng, tuple(BRACKETS.values()), one) for one in closed]
    return [*opened, *closed], depth


def syllogism(rng: np.random.Generator, broken: bool) -> Instance:
    """A chain of premises and what follows. Depth: number of premises."""
    depth = int(rng.integers(2, 4))
    terms = _pick(rng, _TERMS, depth + 1, distinct=True)
    words: list[str] = []
    for first, second in pairwise(terms):
        linked = _other(rng, _TERMS, first) if broken and words else first
        words += ["all", linked, "are", second, "."]
    ends = [_other(rng, _TERMS, one) for one in (terms[0], terms[-1])] if broken else [terms[0], terms[-1]]
    return [*words, "so", "all", ends[0], "are", ends[1], "."], depth


RULES: Mapping[str, Rule] = MappingProxyType(
    {
        "agreement": agreement,
        "copying": copying,
        "counting": counting,
        "arithmetic": arithmetic,
        "brackets": brackets,
        "syllogism": syllogism,
    }
)
"""Every rule, by the name of its family."""


def answers_of(family: str, words: Sequence[str]) -> list[int]:
    """Positions of the words that the words before them decide, by the rule of a family.

    Pronouns; letters said again; numbers of a count, and its end; results; closing brackets after the first
    of a row (before the first, one more could be opened); terms that premises link, or a conclusion joins.
    """
    if family == "agreement":
        pronouns = {form for _, forms in CLASSES.values() for form in forms}
        return [i for i, word in enumerate(words) if word in pronouns]
    if family == "arithmetic":
        return [i for i in range(1, len(words)) if words[i - 1] == "="]
    if family == "brackets":
        closing = set(BRACKETS.values())
        return [i for i in range(1, len(words)) if words[i] in closing and words[i - 1] in closing]
    if family == "copying":
        return list(_between(words, "again", ";", lambda word: word != ";"))
    if family == "counting":
        return list(_between(words, ":", "stop", lambda word: word.isdigit() or word == "stop"))
    if family == "syllogism":
        return list(_linked(words))
    raise PlanError(f"there is no rule family '{family}'", hint=did_you_mean(family, RULES))


def _between(words: Sequence[str], begin: str, end: str, decided: Callable[[str], bool]) -> Iterator[int]:
    inside = False
    for i, word in enumerate(words):
        if inside and decided(word):
            yield i
        inside = word == begin or (inside and word != end)


def _linked(words: Sequence[str]) -> Iterator[int]:
    """Terms of a chain but its first, which is free, and those that follow ``are`` in a premise, too."""
    begun = concluding = False
    for i in range(1, len(words)):
        before = words[i - 1]
        if before == "so":
            concluding = True
        elif before == "all":
            if begun:
                yield i
            begun = True
        elif before == "are" and concluding:
            yield i
            begun = concluding = False


def _one(rng: np.random.Generator, among: Sequence[str]) -> str:
    return among[int(rng.integers(len(among)))]


def _pick(rng: np.random.Generator, among: Sequence[str], count: int, *, distinct: bool = False) -> list[str]:
    return [among[int(i)] for i in rng.choice(len(among), count, replace=not distinct)]


def _other(rng: np.random.Generator, among: Sequence[str] | Sequence[int], than: str | int) -> str:
    left = [one for one in among if one != than]
    return str(left[int(rng.integers(len(left)))])
