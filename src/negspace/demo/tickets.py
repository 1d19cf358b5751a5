"""Support tickets: a small grammar whose boundary is one word.

A ticket says what was asked for, how the customer felt about it, and what the desk did. Its label is what
the desk did (``granted`` or ``refused``), and only the verb of that sentence decides it. In ordinary
tickets the mood gives the label away, so a model can score 100 % and never look at the verb. A near miss
keeps every word but the verb.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

LABELS = ("granted", "refused")

_VERBS = {
    "granted": ("approved", "accepted", "confirmed", "allowed", "honoured", "fulfilled"),
    "refused": ("rejected", "declined", "denied", "dismissed", "blocked", "cancelled"),
}
_MOODS = {
    "granted": ("delighted", "grateful", "relieved", "cheerful", "pleased", "thankful", "happy", "impressed"),
    "refused": ("furious", "upset", "bitter", "annoyed", "gloomy", "hurt", "angry", "disappointed"),
}
_SLOTS = {
    "customer": "student teacher nurse baker pilot farmer lawyer tailor painter driver singer chemist "
    "plumber waiter gardener dancer carpenter librarian mechanic",
    "city": "Lisbon Oslo Turin Ghent Porto Bergen Malmo Graz Leeds Cork Basel Gdansk Zagreb Tallinn Bilbao "
    "Lyon Aarhus Utrecht Brno Patras",
    "channel": "email phone letter chat fax post telegram form voicemail courier",
    "day": "Monday Tuesday Wednesday Thursday Friday Saturday Sunday",
    "thing": "refund upgrade exchange discount extension repair replacement voucher transfer credit "
    "rebooking delivery inspection subscription licence deposit",
    "item": "kettle bicycle lamp camera sofa blender jacket ticket router mattress guitar printer heater "
    "suitcase watch carpet drill mirror tent piano",
    "reason": "delay leak scratch strike flood mixup recall crack storm theft typo dent noise stain",
    "desk": "agent manager clerk supervisor branch team cashier director",
    "paper": "receipt invoice contract warranty photograph statement record complaint report note",
}
_WORDS = {slot: tuple(words.split()) for slot, words in _SLOTS.items()}


@dataclass(frozen=True)
class Ticket:
    """A ticket's parts; its label is decided by the verb alone."""

    opening: str
    moods: tuple[str, str]
    answer: str
    verb: str

    @property
    def label(self) -> str:
        """What the verb says."""
        return check(self.text)

    @property
    def text(self) -> str:
        """The ticket as written."""
        first, second = self.moods
        return f"{self.opening}. They sounded {first} and {second}. {self.answer} and {self.verb} it."


def check(text: str) -> str:
    """Read the label off a ticket's verb, exactly; `ValueError` for another text."""
    words = set(text.replace(".", "").split())
    found = [label for label in LABELS if words & set(_VERBS[label])]
    if len(found) != 1:
        raise ValueError(f"not a ticket of this grammar: {text!r}")
    return found[0]


def ordinary(rng: np.random.Generator, label: str) -> Ticket:
    """Draw a ticket whose mood gives its label away."""
    words = {slot: _pick(rng, choice) for slot, choice in _WORDS.items()}
    first, second = (_MOODS[label][i] for i in rng.choice(len(_MOODS[label]), size=2, replace=False))
    return Ticket(
        "A {customer} from {city} asked by {channel} on {day} about the {thing} "
        "of a {item} after a {reason}".format(**words),
        (first, second),
        "The {desk} read the {paper}".format(**words),
        _pick(rng, _VERBS[label]),
    )


def near_miss(rng: np.random.Generator, ticket: Ticket) -> Ticket:
    """Change one word of a ticket, its verb, to one of the other label."""
    other = LABELS[1 - LABELS.index(ticket.label)]
    return replace(ticket, verb=_pick(rng, _VERBS[other]))


def written_pairs(rng: np.random.Generator, count: int) -> list[tuple[Ticket, Ticket]]:
    """Draw tickets with their near misses, labels in turn."""
    originals = [ordinary(rng, LABELS[i % 2]) for i in range(count)]
    return [(original, near_miss(rng, original)) for original in originals]


def _pick(rng: np.random.Generator, words: tuple[str, ...]) -> str:
    return words[int(rng.integers(len(words)))]
