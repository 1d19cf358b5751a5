"""A small model with a tokenizer, untrained: what it says is arbitrary, and depends on every token before."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="needs the extra 'hf'")
pytest.importorskip("transformers", reason="needs the extra 'hf'")

from negspace.data import Fragments, documents_of, split_documents
from negspace.embedders import quiet
from negspace.language_models import (
    LanguageModel,
    Rows,
    TinySettings,
    build_network,
    token_losses,
    train_tokenizer,
)

SMALL = TinySettings(vocabulary=300, layers=2, width=16, heads=2, context=64, batch=128, steps=16)
SENTENCES = [
    f"The {animal} {verb} the {place}.\n\n"
    for animal in ("cat", "dog", "bird", "old horse")
    for verb in ("sees", "leaves", "finds", "walks slowly around")
    for place in ("house", "garden", "river")
]


@pytest.fixture(scope="session")
def corpus() -> list[str]:
    order = np.random.default_rng(0)
    return ["".join(order.permutation(SENTENCES)) for _ in range(4)]


def fragment_losses(model: LanguageModel, fragments: Fragments, rows: Rows, batch: int) -> np.ndarray:
    """Loss of each fragment: the mean of its `token_losses`, in nats per token."""
    return np.nanmean(token_losses(model, fragments, rows, batch), axis=1, dtype=np.float64)


@pytest.fixture(scope="session")
def model(corpus: list[str]) -> LanguageModel:
    tokenizer = train_tokenizer(corpus, SMALL.vocabulary, SMALL.context)
    network = build_network(SMALL, len(tokenizer), seed=3)
    return LanguageModel("tiny", network, tokenizer, "of a test", SMALL.context)


@pytest.fixture(scope="session")
def fragments(model: LanguageModel, corpus: list[str]) -> Fragments:
    """Of many lengths."""
    parts = [
        text[start : start + 7 * step] for text in corpus for step, start in enumerate(range(0, 300, 40), 1)
    ]
    return split_documents(documents_of(parts), model.encode, tokens=SMALL.context)[0]


@pytest.fixture
def saved(model: LanguageModel, tmp_path: Path) -> Path:
    """The model in a folder, as save_pretrained writes it."""
    folder = tmp_path / "saved"
    with quiet():
        model.network.save_pretrained(folder)
        model.tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture(autouse=True)
def _offline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(os.environ, "HF_HUB_OFFLINE", "1")
