"""A small language model trained on planted text: which text, how long, and the model that comes of it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cache
from importlib.metadata import version
from importlib.util import find_spec

import numpy as np

from negspace.data import Fragments
from negspace.embedders.quiet import one_thread
from negspace.errors import MissingExtraError, PlanError
from negspace.lab.concepts.planted import KINDS, ROLES, RULES, PlantedCorpus, PlantedRecipe, planted_corpus
from negspace.language_models import LanguageModel, TinySettings, train_network
from negspace.probes import LossProbe
from negspace.records import Json

__all__ = ["Course", "planted_fragments", "read_words", "require_torch", "torch_version", "vocabulary"]

CONTEXT = 96
_INSTANCES = 400
_TRAINING_SEEDS = 10_000  # corpora to train on are drawn from here on, held-out ones below


@dataclass(frozen=True)
class Course:
    """What a model is trained on and how.

    At each seed the corpus is another one, and so are parameters and order. Courses with the same recipe are
    trained on parts of the same corpus.

    Attributes:
        roles: Those whose fragments are trained on.
        steps: Of training; 0 leaves the parameters as they were drawn.
        recipe: Of the corpus.
        settings: Of the network and its training, the steps aside.
    """

    roles: tuple[str, ...] = ROLES
    steps: int = 250
    recipe: PlantedRecipe = field(default_factory=lambda: PlantedRecipe(fragments=1800))
    settings: TinySettings = field(
        default_factory=lambda: TinySettings(
            layers=2, width=64, heads=4, context=CONTEXT, batch=600, learning_rate=1e-2
        )
    )

    def __post_init__(self) -> None:
        if not self.roles or not set(self.roles) <= set(ROLES) or self.steps < 0:
            raise PlanError(
                f"a course trains on some of {', '.join(ROLES)}, for 0 steps or more",
                got=f"{self.roles}, {self.steps} steps",
            )

    @property
    def code(self) -> tuple[object, ...]:
        """Whose code decides the model, the claims' own aside: corpus, training, network."""
        return (self.recipe, self.settings, LossProbe())

    def describe(self) -> Mapping[str, Json]:
        """All that decides the model, the seed aside."""
        settings = {
            key: value for key, value in asdict(self.settings).items() if key not in {"vocabulary", "steps"}
        }
        return {
            "roles": list(self.roles),
            "steps": self.steps,
            "recipe": asdict(self.recipe),
            "network": "CrossNet",
            **settings,
        }

    def corpus(self, seed: int) -> PlantedCorpus:
        """The corpus of a seed, in all its roles."""
        return planted_corpus(self.recipe, _TRAINING_SEEDS + seed)

    def train(self, seed: int) -> LanguageModel:
        """Train the model of a seed; one thread, and nothing but course and seed decides the result."""
        import torch  # noqa: PLC0415  (an extra, and seconds to import)

        from negspace.lab.claims.planted.network import PlantedNetwork  # noqa: PLC0415  (needs torch)

        settings = self.settings
        generator = torch.Generator().manual_seed(int(np.random.default_rng([seed, 0]).integers(2**62)))
        with one_thread():
            network = PlantedNetwork(
                len(vocabulary()), settings.width, settings.layers, settings.heads, CONTEXT, generator
            )
        if self.steps:
            corpus = self.corpus(seed)
            wanted = [ROLES.index(role) for role in self.roles]
            rows = np.flatnonzero(np.isin(corpus.roles, wanted))
            planned = TinySettings(**{**asdict(settings), "steps": self.steps})
            train_network(network, planted_fragments(corpus), rows, planned, seed=seed)
        name = f"planted, {' and '.join(self.roles)}, {self.steps} steps, seed {seed}"
        print_ = hashlib.sha256(f"{self.describe()} {seed}".encode()).hexdigest()
        return LanguageModel(name, network, None, print_, CONTEXT)


@cache
def vocabulary() -> tuple[str, ...]:
    """All words of planted text, sorted; a word's position is its token."""
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


def planted_fragments(corpus: PlantedCorpus) -> Fragments:
    """The fragments of a corpus, as models of all planted words read them."""
    return read_words([text.split() for text in corpus.texts])


def read_words(written: Sequence[Sequence[str]]) -> Fragments:
    """Fragments of words, as models of all planted words read them.

    Args:
        written: Words of each fragment; two or more, all of them planted words.
    """
    at = {word: i for i, word in enumerate(vocabulary())}
    lengths = np.array([len(words) for words in written], dtype=np.int64)
    tokens = np.zeros((len(written), int(lengths.max())), dtype=np.int32)
    for row, words in zip(tokens, written, strict=True):
        row[: len(words)] = [at[word] for word in words]
    texts = tuple(" ".join(words) for words in written)
    places = tuple(f"planted, fragment {i + 1}" for i in range(len(texts)))
    digest = hashlib.sha256("\n".join(texts).encode())
    digest.update(tokens.tobytes())
    return Fragments(texts, tokens, lengths, places, digest.hexdigest())


def require_torch() -> None:
    """Refuse to train without PyTorch.

    Raises:
        MissingExtraError: If it is not installed.
    """
    if find_spec("torch") is None:
        raise MissingExtraError("training language models", "lab")


def torch_version() -> dict[str, Json]:
    """PyTorch's version, None where it is not installed."""
    return {"torch": version("torch") if find_spec("torch") else None}
