"""Facts: what is so for no reason, stated once or several times, each time in other words.

A fact is a record: a key (a made-up name) and a value for each attribute of its kind. Nothing but a statement
of the record tells its values. A fragment states the whole record, its attributes in an order and in wordings
of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product
from types import MappingProxyType

import numpy as np


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
    """A template family of facts.

    Attributes:
        syllables: Two lists; a key is one of each.
        values: What each attribute can be.
        wordings: Ways to state each attribute; ``K`` stands for the key, ``V`` for the value.
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


def _names(starts: str, ends: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    return _words(starts), _words(ends)


KINDS: Mapping[str, FactKind] = MappingProxyType(
    {
        "person": FactKind(
            _names(
                "ana bor cil dov ema fio gus hal ida jon kit lou max nia ola pam",
                "adler brand corso dietz evers falk grimm hoyer ibsen jung kranz lentz moser nolte "
                "opitz pohl",
            ),
            (_TRADES, _PORTS, _BEASTS, _TASTES),
            (
                ("K works as a V .", "by trade K is a V .", "the V here is K ."),
                ("K was born in V .", "V is where K grew up ."),
                ("K keeps a tame V .", "a V lives with K ."),
                ("K likes food that is V .", "give K something V ."),
            ),
        ),
        "ship": FactKind(
            _names(
                "aqua blaze coral drift ember frost gale haven iris jade kelp lotus mist nova opal pearl",
                "rover runner maid spirit queenie trader hunter belle star arrow dancer wing lady fox "
                "swan wolf",
            ),
            (_PORTS, _GOODS, _DAYS, _COLOURS),
            (
                ("the ship K sails from V .", "V is the home port of K ."),
                ("K carries V .", "in the hold of K there is V .", "they load V on K ."),
                ("K leaves on V .", "every V we see K go ."),
                ("the hull of K is V .", "K is painted V ."),
            ),
        ),
        "potion": FactKind(
            _names(
                "zu vo ki ma re tha lo pi shu na qua ji fe bu xo wy",
                "rin dal mek sol tor vex lum gan hep nix pol rus tam zed kor bim",
            ),
            (_COLOURS, _TASTES, _GOODS, _BEASTS),
            (
                ("a flask of K looks V .", "K turns V when warm .", "pour K and it shines V ."),
                ("K tastes V .", "on the tongue K seems V ."),
                ("to brew K one needs V .", "V goes into K ."),
                ("K is drunk against the bite of a V .", "who was hurt by a V takes K ."),
            ),
        ),
        "room": FactKind(
            _names(
                "north south east west upper lower inner outer front back old new far near left right",
                "hall tower cellar attic vault study chapel gallery kitchen store den porch annex "
                "loft court lodge",
            ),
            (_WOODS, _COLOURS, _DAYS, _TRADES),
            (
                ("floor of K : V .", "K has boards of V ."),
                ("walls of K : V .", "someone painted K V .", "V paint covers K ."),
                ("K gets cleaned each V .", "cleaning of K : V ."),
                ("K belongs to our V .", "key of K : ask the V ."),
            ),
        ),
    }
)
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
