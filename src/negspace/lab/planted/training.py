"""Small language models trained on planted text."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from importlib.util import find_spec

import numpy as np

from negspace.embedders import one_thread
from negspace.errors import MissingExtraError, PlanError
from negspace.lab.planted.corpus import ROLES, PlantedCorpus, PlantedRecipe, planted_corpus, vocabulary
from negspace.language_models import LanguageModel, TinySettings, train_network
from negspace.probes import LossProbe
from negspace.records import Json

CONTEXT = 96
_TRAINING_SEEDS = 10_000  # corpora to train on are drawn from here on, held-out ones below


@dataclass(frozen=True)
class PlantedTraining:
    """What a small language model is trained on, and how.

    At each seed the corpus is another one, and so are parameters and order. Trainings of one recipe are on
    parts of the same corpus.

    Attributes:
        roles: Roles whose fragments are trained on.
        steps: Training steps; 0 leaves the parameters as they were drawn.
        recipe: The corpus.
        settings: Network and training; its steps are not read.

    Raises:
        PlanError: If it trains on no role, on one that there is not, or for fewer than 0 steps.
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
                f"a model trains on some of {', '.join(ROLES)}, for 0 steps or more",
                got=f"{self.roles}, {self.steps} steps",
            )

    @property
    def code(self) -> tuple[object, ...]:
        """Whose code decides the model: corpus, training, network."""
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

    def outline(self) -> str:
        """The network and what it is trained on, in a line."""
        settings = self.settings
        shape = f"{settings.layers} layers of width {settings.width}"
        if not self.steps:
            return f"{shape}, not trained"
        return f"{shape}, {self.steps} steps of {settings.batch} tokens on {', '.join(self.roles)}"

    def corpus(self, seed: int) -> PlantedCorpus:
        """The corpus of a seed, in all its roles."""
        return planted_corpus(self.recipe, _TRAINING_SEEDS + seed)

    def train(self, seed: int) -> LanguageModel:
        """Train the model of a seed, in one thread; nothing else decides the result."""
        import torch

        from negspace.language_models import SmallTransformer

        settings = self.settings
        generator = torch.Generator().manual_seed(int(np.random.default_rng([seed, 0]).integers(2**62)))
        with one_thread():
            network = SmallTransformer(
                len(vocabulary()), settings.width, settings.layers, settings.heads, CONTEXT, generator
            )
        if self.steps:
            corpus = self.corpus(seed)
            wanted = [ROLES.index(role) for role in self.roles]
            rows = np.flatnonzero(np.isin(corpus.roles, wanted))
            planned = TinySettings(**{**asdict(settings), "steps": self.steps})
            train_network(network, corpus.fragments(vocabulary()), rows, planned, seed=seed)
        name = f"planted, {' and '.join(self.roles)}, {self.steps} steps, seed {seed}"
        print_ = hashlib.sha256(f"{self.describe()} {seed}".encode()).hexdigest()
        return LanguageModel(name, network, None, print_, CONTEXT)


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
