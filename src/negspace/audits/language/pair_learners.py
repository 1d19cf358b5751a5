"""Where the models come from: trained here on a corpus, one a seed; or given, and then there is one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np

from negspace.audits.language.pair_scoring import CHOICE, as_values, score_pairs
from negspace.data import Fragments
from negspace.data.corpora import read_documents
from negspace.data.fragments import split_documents
from negspace.errors import DataError, MissingExtraError, PlanError
from negspace.evaluation import Encode, PairTask
from negspace.execution import run_jobs
from negspace.language_models import (
    LanguageModel,
    TinySettings,
    build_network,
    open_language_model,
    train_network,
    train_tokenizer,
)
from negspace.models import Learner
from negspace.records import Json, Run, Values
from negspace.registry import Registry

SETTINGS = TinySettings(context=256, steps=1000)
"""Settings of models trained here: sentences are short, and one is trained for every seed."""

_LINE_END = "\n"


@dataclass(frozen=True)
class WholeCorpus:
    """The one arm: all that the model is trained on."""

    name: str

    @property
    def code(self) -> tuple[object, ...]:
        """The small GPT's."""
        return (SETTINGS,)

    def describe(self) -> Mapping[str, Json]:
        """Its name: what there is beside the learner."""
        return {"name": self.name}

    def check(self, task: PairTask) -> None:
        """Nothing to refuse: no pair is trained on."""


@runtime_checkable
class PairLearner(Learner[PairTask, WholeCorpus], Protocol):
    """Language models that can be audited on minimal pairs."""

    @property
    def notes(self) -> tuple[str, ...]:
        """Things worth knowing of what it is trained on, a sentence each."""
        ...

    @property
    def is_fixed(self) -> bool:
        """Whether it was trained elsewhere, and so is one run."""
        ...

    @property
    def encode(self) -> Encode:
        """Token ids of texts as it reads them."""
        ...

    @property
    def context(self) -> int:
        """Longest sequence, in tokens."""
        ...

    def token_texts(self, ids: Sequence[int]) -> list[str]:
        """What each token stands for, for people to read."""
        ...


@dataclass(frozen=True, eq=False)
class TinyModels:
    """Small GPTs trained on a corpus: a seed decides the initialisation and the order of the passages.

    Attributes:
        name: For results: ``tiny:input.txt``.
        corpus: Passages, each with the token of its begin.
        tokenizer: Trained on the corpus, once for all seeds.
        settings: Size and training.
        notes: Things worth knowing of the corpus, a sentence each.
    """

    name: str
    corpus: Fragments
    tokenizer: Any
    settings: TinySettings
    notes: tuple[str, ...] = ()

    is_fixed = False
    gives = CHOICE

    @property
    def encode(self) -> Encode:
        """Token ids of texts as the models read them."""
        return encoder(self.tokenizer)

    @property
    def context(self) -> int:
        """Longest sequence, in tokens."""
        return self.settings.context

    def token_texts(self, ids: Sequence[int]) -> list[str]:
        """What each token stands for, for people to read."""
        return _token_texts(self.tokenizer, ids)

    def describe(self) -> Mapping[str, Json]:
        """All settings that decide a result; the corpus by its content, whatever its file is called."""
        return {
            "name": "tiny",
            "corpus": self.corpus.fingerprint,
            "passages": len(self.corpus),
            **asdict(self.settings),
            **{package: version(package) for package in ("torch", "transformers", "tokenizers")},
        }

    def runs(self, task: PairTask, jobs: Sequence[tuple[WholeCorpus, int]], *, workers: int) -> Iterator[Run]:
        """Train a model for each seed, have it read the pairs, and yield what it said as it is done."""
        known = len(self.tokenizer)
        fits = ((self.name, self.settings, known, self.corpus, task, arm.name, seed) for arm, seed in jobs)
        for arm, seed, values in run_jobs(_train_and_score, fits, workers=workers):
            yield Run(arm, seed, values)


@dataclass(frozen=True, eq=False)
class FixedModel:
    """A model that was trained elsewhere: one run, which is seed 0.

    Attributes:
        model: The model.
        notes: None.
    """

    model: LanguageModel
    notes: tuple[str, ...] = ()

    is_fixed = True
    gives = CHOICE

    @property
    def name(self) -> str:
        """The model's."""
        return self.model.name

    @property
    def encode(self) -> Encode:
        """Token ids of texts as the model reads them."""
        return encoder(self.model.tokenizer)

    @property
    def context(self) -> int:
        """Longest sequence, in tokens."""
        return self.model.context

    def token_texts(self, ids: Sequence[int]) -> list[str]:
        """What each token stands for, for people to read."""
        return _token_texts(self.model.tokenizer, ids)

    def describe(self) -> Mapping[str, Json]:
        """The model's content; what it is called decides nothing."""
        return {"name": "fixed language model", "fingerprint": self.model.fingerprint}

    def runs(self, task: PairTask, jobs: Sequence[tuple[WholeCorpus, int]], *, workers: int) -> Iterator[Run]:
        """Have the model read the pairs."""
        del workers
        for arm, seed in jobs:
            if seed != 0:
                raise PlanError(f"{self.name} is one model, and so one run: seed 0", got=f"seed {seed}")
            scores = score_pairs(self.model.network, task, name=self.name, device=self.model.device)
            yield Run(arm.name, seed, as_values(scores, task))


PAIR_LEARNERS: Registry[Callable[..., PairLearner]] = Registry(
    "learner of minimal pairs", group="negspace.pair_learners", package="negspace.audits.language"
)
"""Learners of minimal pairs. What is registered is called with its argument and ``settings``, those of models
trained here."""


def open_pair_learner(spec: str, *, settings: TinySettings = SETTINGS) -> PairLearner:
    """Open the learner of an audit of minimal pairs.

    Args:
        spec: One of `PAIR_LEARNERS`, with its argument.
        settings: Size and training of models trained here.

    Raises:
        PlanError: If there is no such learner.
        DataError: If the corpus or the model cannot be used.
        MissingExtraError: If transformers or PyTorch is not installed.
    """
    kind, _, rest = spec.partition(":")
    if kind not in PAIR_LEARNERS or not rest:
        raise PlanError(
            f"minimal pairs are put to a language model, and '{spec}' names none",
            hint=f"give --learner {' or '.join(PAIR_LEARNERS.forms)}",
        )
    if find_spec("transformers") is None or find_spec("torch") is None:
        raise MissingExtraError(f"the learner {spec}", "hf")
    return PAIR_LEARNERS[kind](rest, settings=settings)


def encoder(tokenizer: Any) -> Encode:
    """How sentences are encoded: as they stand, after one token that is read and never predicted.

    That token is the tokenizer's own for the begin of a text, else that for its end, which models without
    the former (GPT-2) saw between documents; a tokenizer with neither gives its line end. Without it the
    first word of a sentence could not be scored, and some pairs differ in nothing else.
    """
    start = tokenizer.bos_token_id
    start = tokenizer.eos_token_id if start is None else start
    if start is None:
        found = tokenizer(_LINE_END, add_special_tokens=False)["input_ids"]
        if not found:
            raise DataError(
                "the tokenizer has no token for the begin or end of a text, nor for a line end",
                hint="give a model whose tokenizer has a bos_token",
            )
        start = found[-1]

    def encode(texts: Sequence[str]) -> list[list[int]]:
        if not texts:
            return []
        # Not padded, and so no padding token is needed; not cut, for half a sentence is another.
        found = tokenizer(list(texts), add_special_tokens=False, truncation=False, verbose=False)
        return [[start, *ids] for ids in found["input_ids"]]

    return encode


def _token_texts(tokenizer: Any, ids: Sequence[int]) -> list[str]:
    return [str(tokenizer.decode([i])) for i in ids]


@PAIR_LEARNERS.register("hf", argument="PATH")
def open_fixed(path: str, *, settings: TinySettings) -> FixedModel:
    """Open a causal language model."""
    del settings
    return FixedModel(open_language_model(f"hf:{path}", dtype="float32"))


@PAIR_LEARNERS.register("tiny", argument="CORPUS")
def open_tiny(path: str, *, settings: TinySettings) -> TinyModels:
    """Train small GPTs on a text file, a folder of text files, or a data set with texts."""
    documents = read_documents(Path(path))
    tokenizer = train_tokenizer(documents.texts, settings.vocabulary, settings.context)
    encode = encoder(tokenizer)
    corpus, notes = split_documents(documents, encode, tokens=settings.context, context=settings.context)
    name = f"tiny:{Path(path).expanduser().resolve().name}"
    return TinyModels(name, corpus, tokenizer, settings, (*documents.notes, *notes))


def _train_and_score(
    name: str,
    settings: TinySettings,
    vocabulary: int,
    corpus: Fragments,
    task: PairTask,
    arm: str,
    seed: int,
) -> tuple[str, int, Values]:
    network = build_network(settings, vocabulary, seed)
    train_network(network, corpus, np.arange(len(corpus)), settings, seed=seed)
    return arm, seed, as_values(score_pairs(network.eval(), task, name=f"{name}, seed {seed}"), task)
