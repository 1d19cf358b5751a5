"""Small language models trained on planted text, and the answers that they give.

An answer is a word that a rule decides, in a fresh fragment: what a model must predict to know the rule.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from importlib.util import find_spec

import numpy as np
from jaxtyping import Int

from negspace.data import Fragments
from negspace.embedders import one_thread
from negspace.errors import MissingExtraError, PlanError
from negspace.execution import run_jobs
from negspace.lab.planted.corpus import ROLES, PlantedCorpus, PlantedRecipe, planted_corpus, vocabulary
from negspace.lab.planted.families import RULES, answers_of
from negspace.language_models import LanguageModel, TinySettings, batches, train_network
from negspace.probes import LossProbe
from negspace.quantities import PREDICTION
from negspace.records import EvalSet, Json, Run

CONTEXT = 96
_BATCH = 4000
_TRAINING_SEEDS = 10_000  # corpora to train on are drawn from here on, held-out ones below


@dataclass(frozen=True)
class PlantedTraining:
    """What a small language model is trained on, and how.

    At each seed the corpus is another one, and so are parameters and order. Trainings of one recipe are on
    parts of the same corpus.

    Attributes:
        roles: Roles whose fragments are trained on.
        steps: Training steps; 0 leaves the parameters as they were drawn.
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
            wrong = f"a model trains on some of {', '.join(ROLES)}, for 0 steps or more"
            raise PlanError(wrong, got=f"{self.roles}, {self.steps} steps")

    @property
    def code(self) -> tuple[object, ...]:
        """Whose code decides the model: corpus, training, network."""
        return (self.recipe, self.settings, LossProbe())

    def describe(self) -> Mapping[str, Json]:
        """All that decides the model, the seed aside."""
        settings = asdict(self.settings)
        del settings["vocabulary"], settings["steps"]
        data = {"roles": list(self.roles), "steps": self.steps, "recipe": asdict(self.recipe)}
        return {**data, "network": "CrossNet", **settings}

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
            rows = np.flatnonzero(np.isin(corpus.roles, [ROLES.index(role) for role in self.roles]))
            planned = TinySettings(**{**asdict(settings), "steps": self.steps})
            train_network(network, corpus.fragments(vocabulary()), rows, planned, seed=seed)
        name = f"planted, {' and '.join(self.roles)}, {self.steps} steps, seed {seed}"
        digest = hashlib.sha256(f"{self.describe()} {seed}".encode()).hexdigest()
        return LanguageModel(name, network, None, digest, CONTEXT)


def require_torch() -> None:
    """Refuse, by a MissingExtraError, to train without PyTorch."""
    if find_spec("torch") is None:
        raise MissingExtraError("training language models", "lab")


def torch_version() -> dict[str, Json]:
    """PyTorch's version, None where it is not installed."""
    return {"torch": version("torch") if find_spec("torch") else None}


@dataclass(frozen=True, eq=False)
class AnswerTask:
    """Held-out answers: words that rules decide, in fragments that no model was trained on.

    Attributes:
        held_out_clusters: The fragment that each answer stands in; answers of one fragment are one cluster.
        places: Position of each in it.
        held_out_labels: Position of each in ``label_names``, which are all words.
        eval_sets: ``rules`` has all answers; the others are those of a family.
        fingerprint: SHA-256 (hex) of all else.
    """

    fragments: Fragments
    held_out_clusters: Int[np.ndarray, " held_out"]
    places: Int[np.ndarray, " held_out"]
    held_out_labels: Int[np.ndarray, " held_out"]
    label_names: tuple[str, ...]
    eval_sets: Mapping[str, EvalSet]
    fingerprint: str


def answer_task(fragments: int, *, seed: int) -> AnswerTask:
    """Draw fragments of all rules in equal parts, and find their answers."""
    corpus = planted_corpus(PlantedRecipe(fragments=fragments, shares=(1.0, 0.0, 0.0)), seed)
    read = corpus.fragments(vocabulary())
    found = [
        (row, place)
        for row, (family, text) in enumerate(zip(corpus.families, corpus.texts, strict=True))
        for place in answers_of(family, text.split())
    ]
    rows, places = np.array(found, dtype=np.int64).T
    families = np.array(corpus.families)[rows]
    sets = {"rules": np.arange(len(rows))}
    sets |= {family: np.flatnonzero(families == family) for family in RULES}
    digest = hashlib.sha256(read.fingerprint.encode() + rows.tobytes() + places.tobytes()).hexdigest()
    labels = read.tokens[rows, places].astype(np.int64)
    eval_sets = {name: EvalSet(name, of) for name, of in sets.items()}
    return AnswerTask(read, rows, places, labels, vocabulary(), eval_sets, digest)


@dataclass(frozen=True)
class AnswerArm:
    """A model that is asked for the answers, under its name in results."""

    name: str
    training: PlantedTraining

    @property
    def code(self) -> tuple[object, ...]:
        """Whose code decides the model."""
        return self.training.code

    def describe(self) -> Mapping[str, Json]:
        """Name and training."""
        return {"name": self.name, **self.training.describe()}

    def outline(self) -> str:
        """The training in a line."""
        return self.training.outline()

    def check(self, task: AnswerTask) -> None:
        """Every model can be asked for answers."""


@dataclass(frozen=True)
class AnswerLearner:
    """Train small language models; each predicts the answers, given all words before them."""

    name = "planted answers"
    gives = PREDICTION

    def describe(self) -> Mapping[str, Json]:
        """PyTorch's version; another one may round differently."""
        return {"name": self.name, **torch_version()}

    def runs(self, task: AnswerTask, jobs: Sequence[tuple[AnswerArm, int]], *, workers: int) -> Iterator[Run]:
        """Train each (arm, seed) and yield it as it is done.

        Raises:
            MissingExtraError: If PyTorch is not installed.
        """
        require_torch()
        yield from run_jobs(_answered, ((task, arm, seed) for arm, seed in jobs), workers=workers)


def _answered(task: AnswerTask, arm: AnswerArm, seed: int) -> Run:
    import torch

    model = arm.training.train(seed)
    label = np.zeros(len(task.places), dtype=np.int64)
    confidence, truth = np.zeros(len(label)), np.zeros(len(label))
    asked = np.unique(task.held_out_clusters)
    with one_thread(), torch.inference_mode():
        for batch in batches(task.fragments, asked, tokens=_BATCH, device=model.device):
            chances = torch.softmax(model.network(**batch.inputs()).logits.double(), -1).numpy()
            for at, row in enumerate(batch.rows):
                items = np.flatnonzero(task.held_out_clusters == row)
                said = chances[at, task.places[items] - 1]
                label[items] = said.argmax(1)
                confidence[items] = said.max(1)
                truth[items] = said[np.arange(len(items)), task.held_out_labels[items]]
    return Run(arm.name, seed, {"label": label, "confidence": confidence, "truth": truth})
