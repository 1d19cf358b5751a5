"""A corpus whose truth is known: each fragment is structure, fact or noise."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from hashlib import sha256

import numpy as np
from jaxtyping import Int

from negspace.data import Fragments
from negspace.errors import PlanError, did_you_mean
from negspace.lab.planted.families import KINDS, RULES, draw_record, state

ROLES = ("structure", "fact", "noise")
NOISES = ("shuffled", "random", "contradictory rule", "contradictory fact")
_SHORTEST, _LONGEST = 26, 52
_REST = 8  # words that an instance begun before the end may run on for
_INSTANCES = 400  # of each rule, enough to have seen all of its words


@dataclass(frozen=True)
class PlantedRecipe:
    """The make-up of a planted corpus.

    Attributes:
        fragments: Number of fragments, about; a fact is stated as often as was drawn, so a few more can come.
        shares: Shares of structure, fact and noise; they need not add up to 1.
        rules: Families of structure, in equal parts.
        facts: Families of facts, in equal parts.
        noises: Kinds of noise, in equal parts. ``shuffled``: the words of a rule or fact fragment in random
            order. ``random``: words drawn uniformly from those of the families. ``contradictory rule``: a
            fragment of a rule with every answer wrong. ``contradictory fact``: a key with other values in
            every fragment that names it.
        repeats: Fewest and most times a fact is stated; uniform. A contradictory fact is stated at least
            twice, as else it would be a fact.
    """

    fragments: int = 1200
    shares: tuple[float, float, float] = (1 / 3, 1 / 3, 1 / 3)
    rules: tuple[str, ...] = tuple(RULES)
    facts: tuple[str, ...] = tuple(KINDS)
    noises: tuple[str, ...] = NOISES
    repeats: tuple[int, int] = (1, 6)

    def __post_init__(self) -> None:
        for what, known in (("rule", tuple(RULES)), ("fact", tuple(KINDS)), ("noise", NOISES)):
            for name in getattr(self, f"{what}s"):
                if name not in known:
                    raise PlanError(f"no {what} family '{name}'", got=name, hint=did_you_mean(name, known))
        if min(self.shares) < 0 or not sum(self.shares) > 0:
            raise PlanError("shares of roles must be 0 or more, and not all 0", got=self.shares)
        if not 1 <= self.repeats[0] <= self.repeats[1]:
            raise PlanError("a fact is stated once or more, fewest first", got=self.repeats)


@dataclass(frozen=True)
class _Piece:
    words: list[str]
    role: int
    family: str
    depth: int = -1
    cluster: int = -1


@dataclass(frozen=True, eq=False)
class PlantedCorpus:
    """Fragments and what each of them is.

    Attributes:
        texts: The fragments, words apart by spaces, in random order.
        roles: Position of each one's role in ``ROLES``.
        families: The rule, fact or noise that each belongs to (``contradictory rule: arithmetic``).
        depth: Steps or levels of a rule fragment's deepest instance; -1 for other fragments.
        clusters: Fragments that state one fact, or name one key in contradictory ways, have one number; all
            others have one of their own.
        words: All words that occur, sorted.
    """

    texts: tuple[str, ...]
    roles: Int[np.ndarray, " fragments"]
    families: tuple[str, ...]
    depth: Int[np.ndarray, " fragments"]
    clusters: Int[np.ndarray, " fragments"]
    words: tuple[str, ...] = field(repr=False)

    def __len__(self) -> int:
        return len(self.texts)

    def fragments(self, words: Sequence[str] | None = None) -> Fragments:
        """The fragments as a model of whole words reads them, which knows the corpus's own words if None."""
        return read_words([text.split() for text in self.texts], self.words if words is None else words)


def read_words(written: Sequence[Sequence[str]], known: Sequence[str]) -> Fragments:
    """Fragments of two or more words as a model of whole words reads them; a word's token is its position."""
    at = {word: i for i, word in enumerate(known)}
    lengths = np.array([len(words) for words in written], dtype=np.int64)
    tokens = np.zeros((len(written), int(lengths.max())), dtype=np.int32)
    for row, words in zip(tokens, written, strict=True):
        row[: len(words)] = [at[word] for word in words]
    texts = tuple(" ".join(words) for words in written)
    places = tuple(f"planted, fragment {i + 1}" for i in range(len(texts)))
    digest = sha256("\n".join(texts).encode())
    digest.update(tokens.tobytes())
    return Fragments(texts, tokens, lengths, places, digest.hexdigest())


def rule_words(rng: np.random.Generator, family: str, depth: int, count: int) -> list[str]:
    """Draw so many words that follow a rule, every instance of one depth; the last may be cut short."""
    words: list[str] = []
    while len(words) < count:
        more, found = RULES[family](rng, False)
        if found == depth:
            words += more
    return words[:count]


@cache
def vocabulary() -> tuple[str, ...]:
    """All words of planted text, sorted."""
    words = {
        word
        for kind in KINDS.values()
        for text in (*kind.keys, *sum(kind.values, ()), *sum(kind.wordings, ()))
        for word in text.split()
    } - {"K", "V"}
    rng = np.random.default_rng(0)
    for rule in RULES.values():
        for _ in range(_INSTANCES):
            words.update(rule(rng, False)[0])
    return tuple(sorted(words))


def planted_corpus(recipe: PlantedRecipe, seed: int) -> PlantedCorpus:
    """Draw a corpus.

    Raises:
        PlanError: If it asks for more facts of a family than there are keys, or for a role of which it names
            no family.
    """
    rng = np.random.default_rng(seed)
    counts = np.round(recipe.fragments * np.array(recipe.shares) / sum(recipe.shares)).astype(int)
    keys = _Keys(rng, recipe)
    pieces: list[_Piece] = []
    for i in range(counts[0]):
        family = _turn(recipe.rules, i, "structure")
        words, depth = _rule_words(rng, family, broken=False)
        pieces.append(_Piece(words, 0, family, depth))
    pieces += _facts(rng, recipe, int(counts[1]), keys)
    pieces += _noise(rng, recipe, int(counts[2]), keys)
    order = rng.permutation(len(pieces))
    pieces = [pieces[i] for i in order]
    given = np.array([piece.cluster for piece in pieces], dtype=np.int64)
    alone = given < 0
    given[alone] = given.max(initial=-1) + 1 + np.arange(alone.sum())
    return PlantedCorpus(
        tuple(" ".join(piece.words) for piece in pieces),
        np.array([piece.role for piece in pieces], dtype=np.int64),
        tuple(piece.family for piece in pieces),
        np.array([piece.depth for piece in pieces], dtype=np.int64),
        np.unique(given, return_inverse=True)[1].astype(np.int64),
        tuple(sorted({word for piece in pieces for word in piece.words})),
    )


class _Keys:
    """Hands out each key once, and with it the number of its cluster."""

    def __init__(self, rng: np.random.Generator, recipe: PlantedRecipe) -> None:
        self._left = {name: list(rng.permutation(np.array(KINDS[name].keys))) for name in recipe.facts}
        self.cluster = -1

    def next(self, kind: str) -> str:
        self.cluster += 1
        if not self._left[kind]:
            wrong = f"more facts of the family '{kind}' than it has keys ({len(KINDS[kind].keys)})"
            hint = "ask for fewer fragments, more families of facts, or more repeats"
            raise PlanError(wrong, hint=hint)
        return str(self._left[kind].pop())


def _rule_words(rng: np.random.Generator, rule: str, broken: bool) -> tuple[list[str], int]:
    words, deepest = RULES[rule](rng, broken)
    for _ in range(int(rng.integers(_SHORTEST, _LONGEST))):
        more, depth = RULES[rule](rng, broken)
        words, deepest = words + more, max(deepest, depth)
        if len(words) > _SHORTEST and (rng.random() < 0.4 or len(words) > _LONGEST - _REST):
            break
    return words, deepest


def _facts(
    rng: np.random.Generator, recipe: PlantedRecipe, count: int, keys: _Keys, *, contradictory: bool = False
) -> Iterator[_Piece]:
    """So many statements of facts, or a few more; contradictory: other values at each."""
    made = fact = 0
    while made < count:
        kind = _turn(recipe.facts, fact, "fact")
        key = keys.next(kind)
        record = None if contradictory else draw_record(rng, kind, key)
        fewest, most = (2, max(2, recipe.repeats[1])) if contradictory else recipe.repeats
        times = int(rng.integers(fewest, most + 1))
        role, family = (2, f"contradictory fact: {kind}") if contradictory else (1, kind)
        for _ in range(times):
            words = state(rng, draw_record(rng, kind, key) if record is None else record)
            yield _Piece(words, role, family, cluster=keys.cluster)
        made, fact = made + times, fact + 1


def _noise(rng: np.random.Generator, recipe: PlantedRecipe, count: int, keys: _Keys) -> Iterator[_Piece]:
    for i, noise in enumerate(recipe.noises):
        share = count * (i + 1) // len(recipe.noises) - count * i // len(recipe.noises)
        if noise == "contradictory fact":
            yield from _facts(rng, recipe, share, keys, contradictory=True)
        elif noise == "contradictory rule":
            for j in range(share):
                rule = _turn(recipe.rules, j, noise)
                yield _Piece(_rule_words(rng, rule, broken=True)[0], 2, f"{noise}: {rule}")
        else:
            yield from _disordered(rng, recipe, share, noise)


def _disordered(rng: np.random.Generator, recipe: PlantedRecipe, count: int, noise: str) -> Iterator[_Piece]:
    families = (*recipe.rules, *recipe.facts)

    def ordered(family: str) -> list[str]:
        if family in RULES:
            return _rule_words(rng, family, broken=False)[0]
        return state(rng, draw_record(rng, family, str(rng.choice(np.array(KINDS[family].keys)))))

    words = np.array(sorted({word for f in families for _ in range(60) for word in ordered(f)}))
    for i in range(count):
        source = ordered(_turn(families, i, noise))
        if noise == "shuffled":
            yield _Piece([source[j] for j in rng.permutation(len(source))], 2, noise)
        else:
            yield _Piece([str(word) for word in rng.choice(words, len(source))], 2, noise)


def _turn(families: tuple[str, ...], i: int, role: str) -> str:
    if not families:
        raise PlanError(
            f"the recipe asks for {role} and names no family of it", hint="name one, or give it no share"
        )
    return families[i % len(families)]
