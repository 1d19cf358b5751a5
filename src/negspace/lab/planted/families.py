"""Families of planted text: rules that it can follow, and facts that are so for no reason.

A rule draws one instance, or one that breaks it at every turn: a list of words and its depth, the number of
steps or levels that its hardest word takes. What a rule leaves open (which digits, which letters) is uniform;
what it decides is decided by the words before it and by nothing else.

A fact is a record: a key (a made-up name) and a value for each attribute of its kind. Nothing but a statement
of the record tells its values. A fragment states the whole record, its attributes in an order and in wordings
of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise, product
from typing import TypeAlias

import numpy as np

from negspace.errors import PlanError, did_you_mean

Instance: TypeAlias = tuple[list[str], int]
Rule: TypeAlias = Callable[[np.random.Generator, bool], Instance]

CLASSES: Mapping[str, tuple[tuple[str, ...], tuple[str, str, str]]] = {
    "he": (("king", "monk"), ("he", "himself", "his")),
    "she": (("queen", "nun"), ("she", "herself", "her")),
    "it": (("robot", "clock"), ("it", "itself", "its")),
    "they": (("twins", "guards"), ("they", "themselves", "their")),
}
"""Nouns by the pronouns that agree with them: subject, reflexive, possessive."""
_CLAIMED = ("said", "knew", "felt")
_DID = ("saw", "helped", "blamed")
_OWNED = ("house", "garden", "lamp")
_LETTERS = tuple("abcdef")
_ITEMS = ("pear", "plum", "fig", "lime", "date", "kiwi")
BRACKETS: Mapping[str, str] = {"(": ")", "[": "]", "{": "}", "<": ">"}
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


RULES: Mapping[str, Rule] = {
    rule.__name__: rule for rule in (agreement, copying, counting, arithmetic, brackets, syllogism)
}
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
    for i, before in enumerate(words[:-1], start=1):
        concluding = concluding or before == "so"
        if (before == "all" and begun) or (before == "are" and concluding):
            yield i
        begun = begun or before == "all"
        if before == "are" and concluding:
            begun = concluding = False


def _one(rng: np.random.Generator, among: Sequence[str]) -> str:
    return among[int(rng.integers(len(among)))]


def _pick(rng: np.random.Generator, among: Sequence[str], count: int, *, distinct: bool = False) -> list[str]:
    return [among[int(i)] for i in rng.choice(len(among), count, replace=not distinct)]


def _other(rng: np.random.Generator, among: Sequence[str] | Sequence[int], than: str | int) -> str:
    left = [one for one in among if one != than]
    return str(left[int(rng.integers(len(left)))])


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


_COLOURS = _words("red blue green white black brown pink grey gold violet amber teal")
_DAYS = _words("monday tuesday wednesday thursday friday saturday sunday easter lent advent")
_PORTS = _words("oslo cadiz malta genoa riga tunis haifa izmir dover brest varna split")
_GOODS = _words("salt wool tin silk grain oil glass rope coal tea paper wax")
_TRADES = _words("baker judge tailor miner pilot poet cook clerk smith vet spy nurse")
_BEASTS = _words("otter raven lynx heron badger viper bison crane moose newt ibex toad")
_WOODS = _words("oak ash elm yew pine teak cedar birch maple larch alder hazel")
_TASTES = _words("sweet sour bitter bland smoky nutty tart fiery minty rich dry mild")


@dataclass(frozen=True)
class FactKind:
    """A template family of facts, whose keys are two syllables each.

    Each attribute has its values, and ways to state it; ``K`` stands for the key, ``V`` for the value.
    """

    syllables: tuple[tuple[str, ...], tuple[str, ...]]
    values: tuple[tuple[str, ...], ...]
    wordings: tuple[tuple[str, ...], ...]

    @property
    def keys(self) -> tuple[str, ...]:
        """All keys there can be."""
        return tuple(f"{first} {last}" for first, last in product(*self.syllables))


@dataclass(frozen=True)
class Record:
    """What is so of one key: its value for each attribute of its kind."""

    kind: str
    key: str
    values: tuple[str, ...]


def _kind(
    starts: str, ends: str, values: tuple[tuple[str, ...], ...], *wordings: tuple[str, ...]
) -> FactKind:
    return FactKind((_words(starts), _words(ends)), values, wordings)


KINDS: Mapping[str, FactKind] = {
    "person": _kind(
        "ana bor cil dov ema fio gus hal ida jon kit lou max nia ola pam",
        "adler brand corso dietz evers falk grimm hoyer ibsen jung kranz lentz moser nolte opitz pohl",
        (_TRADES, _PORTS, _BEASTS, _TASTES),
        ("K works as a V .", "by trade K is a V .", "the V here is K ."),
        ("K was born in V .", "V is where K grew up ."),
        ("K keeps a tame V .", "a V lives with K ."),
        ("K likes food that is V .", "give K something V ."),
    ),
    "ship": _kind(
        "aqua blaze coral drift ember frost gale haven iris jade kelp lotus mist nova opal pearl",
        "rover runner maid spirit queenie trader hunter belle star arrow dancer wing lady fox swan wolf",
        (_PORTS, _GOODS, _DAYS, _COLOURS),
        ("the ship K sails from V .", "V is the home port of K ."),
        ("K carries V .", "in the hold of K there is V .", "they load V on K ."),
        ("K leaves on V .", "every V we see K go ."),
        ("the hull of K is V .", "K is painted V ."),
    ),
    "potion": _kind(
        "zu vo ki ma re tha lo pi shu na qua ji fe bu xo wy",
        "rin dal mek sol tor vex lum gan hep nix pol rus tam zed kor bim",
        (_COLOURS, _TASTES, _GOODS, _BEASTS),
        ("a flask of K looks V .", "K turns V when warm .", "pour K and it shines V ."),
        ("K tastes V .", "on the tongue K seems V ."),
        ("to brew K one needs V .", "V goes into K ."),
        ("K is drunk against the bite of a V .", "who was hurt by a V takes K ."),
    ),
    "room": _kind(
        "north south east west upper lower inner outer front back old new far near left right",
        "hall tower cellar attic vault study chapel gallery kitchen store den porch annex loft court lodge",
        (_WOODS, _COLOURS, _DAYS, _TRADES),
        ("floor of K : V .", "K has boards of V ."),
        ("walls of K : V .", "someone painted K V .", "V paint covers K ."),
        ("K gets cleaned each V .", "cleaning of K : V ."),
        ("K belongs to our V .", "key of K : ask the V ."),
    ),
}
"""Every kind of fact, by the name of its family."""


def draw_record(rng: np.random.Generator, kind: str, key: str) -> Record:
    """Draw the values of a key, each uniform and independent of all else."""
    return Record(kind, key, tuple(str(rng.choice(values)) for values in KINDS[kind].values))


def state(rng: np.random.Generator, record: Record) -> list[str]:
    """State a record: its attributes in a random order, each in one of its wordings."""
    kind = KINDS[record.kind]
    words: list[str] = []
    for attribute in rng.permutation(len(kind.values)):
        wordings = kind.wordings[attribute]
        said = wordings[int(rng.integers(len(wordings)))].split()
        for word in said:
            words += {"K": record.key.split(), "V": [record.values[attribute]]}.get(word, [word])
    return words
