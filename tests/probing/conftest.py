"""A small corpus, and a small model of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

WORDS = [
    "the",
    "king",
    "of",
    "france",
    "may",
    "speak",
    "and",
    "no",
    "lord",
    "shall",
    "answer",
    "him",
    "before",
    "night",
    "falls",
    "on",
    "rome",
]


@pytest.fixture(scope="package", autouse=True)
def _few_pages() -> Iterator[None]:
    """Drawing pages takes longer than all that is measured here."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("negspace.probing.run.HIGHLIGHTS", 3)
        yield


@pytest.fixture(scope="session")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Thirty paragraphs of words in any order, a heading above each."""
    rng = np.random.default_rng(0)
    paragraphs = [
        f"SPEAKER {number % 3}:\n" + " ".join(rng.choice(WORDS, size=12)) + ".\n" for number in range(30)
    ]
    file = tmp_path_factory.mktemp("corpus") / "play.txt"
    file.write_text("\n".join(paragraphs), encoding="utf-8")
    return file


@pytest.fixture(scope="session")
def model(corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A GPT-2 of width 16, hardly trained."""
    pytest.importorskip("transformers", reason="language models need the extra 'hf'")
    from negspace.language_models import TinySettings, train_tiny

    settings = TinySettings(vocabulary=300, layers=2, width=16, heads=2, context=32, batch=256, steps=8)
    return train_tiny([corpus.read_text("utf-8")], settings, folder=tmp_path_factory.mktemp("models"))
