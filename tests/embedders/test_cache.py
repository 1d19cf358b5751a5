"""The cache of vectors: what goes in comes out, for the weights it was computed with, whoever else writes."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from negspace.embedders import EmbeddingCache, TfidfEmbedder, cached, default_cache_path, weights_hash
from negspace.errors import StoreError


class Counting:
    """Vectors that follow from text and weights, and a count of the texts that were embedded."""

    name = "counting"
    frozen = True

    def __init__(self, weights: float = 1.0) -> None:
        self.weights = weights
        self.embedded: list[str] = []

    def describe(self) -> dict[str, Any]:
        return {"embedder": self.name, "weights": self.weights}

    def embed(self, texts: Sequence[str], *, progress: Any = None) -> np.ndarray:
        self.embedded += texts
        angle = np.array([self.weights * len(text) for text in texts])
        return np.stack([np.cos(angle), np.sin(angle)], axis=1).astype(np.float32)


@pytest.fixture
def cache(tmp_path: Path) -> EmbeddingCache:
    return EmbeddingCache(tmp_path / "new" / "vectors.sqlite")


TEXTS = ["one", "three", "", "one", "zwölf", "\ud800", "a\0b"]


def test_each_text_is_embedded_once(cache: EmbeddingCache) -> None:
    expected = Counting().embed(TEXTS)
    first, second = Counting(), Counting()
    assert np.array_equal(cached(first, cache).embed(TEXTS), expected)
    assert sorted(first.embedded) == sorted(set(TEXTS))
    assert np.array_equal(cached(second, cache).embed([*TEXTS, "new"])[:-1], expected)
    assert second.embedded == ["new"]


def test_more_texts_than_one_query_takes(cache: EmbeddingCache) -> None:
    texts = ["x" * (i % 1301) for i in range(2600)]
    embedder, told = Counting(0.001), []
    found = cached(embedder, cache).embed(texts, progress=lambda *step: told.append(step))
    assert np.array_equal(found, Counting(0.001).embed(texts))
    assert len(embedder.embedded) == 1301
    assert told[-1] == ("embedding texts", 1301, 1301)
    assert [done for _, done, _ in told] == sorted({done for _, done, _ in told})


def test_other_weights_are_another_model(cache: EmbeddingCache) -> None:
    cached(Counting(1.0), cache).embed(TEXTS)
    changed = Counting(2.0)
    assert np.array_equal(cached(changed, cache).embed(TEXTS), Counting(2.0).embed(TEXTS))
    assert len(changed.embedded) == len(set(TEXTS))


def test_the_first_vector_of_a_text_stays(cache: EmbeddingCache) -> None:
    embedder = Counting()
    cache.put(embedder, ["one"], np.array([[1, 0]], dtype=np.float32))
    cache.put(embedder, ["one"], np.array([[0, 1]], dtype=np.float32))
    assert cached(embedder, cache).embed(["one"]).tolist() == [[1, 0]]


def test_no_text_asks_for_the_shape_alone(cache: EmbeddingCache) -> None:
    assert cached(Counting(), cache).embed(["a"]).shape == (1, 2)

    class Shaped(Counting):
        def embed(self, texts: Sequence[str], *, progress: Any = None) -> np.ndarray:
            return np.zeros((len(texts), 2), dtype=np.float32)

    assert cached(Shaped(), cache).embed([]).shape == (0, 2)


def test_what_is_fitted_on_each_call_is_not_kept(cache: EmbeddingCache) -> None:
    embedder = TfidfEmbedder()
    assert cached(embedder, cache) is embedder


def test_the_default_stands_beside_the_run_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert EmbeddingCache().path == default_cache_path() == tmp_path / "embeddings.sqlite"
    monkeypatch.delenv("NEGSPACE_STORE")
    assert default_cache_path().name == "embeddings.sqlite"
    assert default_cache_path().parent != tmp_path


def folder_of(tmp_path: Path) -> Path:
    folder = tmp_path / "model"
    (folder / "1_Pooling").mkdir(parents=True)
    (folder / "model.safetensors").write_bytes(b"weights")
    (folder / "config.json").write_text("{}")
    (folder / "1_Pooling" / "config.json").write_text("{}")
    return folder


def test_weights_are_known_by_their_bytes(tmp_path: Path) -> None:
    folder = folder_of(tmp_path)
    before = weights_hash(folder)
    assert weights_hash(shutil.copytree(folder, tmp_path / "copy")) == before
    for unread in ("README.md", ".gitattributes", "pytorch_model.bin", "onnx/model.onnx", ".cache/a.json"):
        (folder / unread).parent.mkdir(exist_ok=True)
        (folder / unread).write_text("unread")
    assert weights_hash(folder) == before


@pytest.mark.parametrize("file", ["model.safetensors", "config.json", "1_Pooling/config.json"])
def test_changed_weights_at_the_same_path_are_other_weights(tmp_path: Path, file: str) -> None:
    folder = folder_of(tmp_path)
    before = weights_hash(folder)
    (folder / file).write_bytes((folder / file).read_bytes()[::-1] + b" ")
    assert weights_hash(folder) != before


def test_files_that_swap_their_contents_are_other_weights(tmp_path: Path) -> None:
    folder = folder_of(tmp_path)
    (folder / "config.json").write_text("[]")
    before = weights_hash(folder)
    (folder / "config.json").write_text("{} ")
    (folder / "1_Pooling" / "config.json").write_text("[]")
    assert weights_hash(folder) != before


def test_a_damaged_file_is_told_of(cache: EmbeddingCache) -> None:
    cached(Counting(), cache).embed(TEXTS)
    content = bytearray(cache.path.read_bytes())
    content[:100] = b"no database" * 9 + b"!"
    cache.path.write_bytes(content)
    with pytest.raises(StoreError, match="remove it"):
        cached(Counting(), cache).embed(TEXTS)


def test_a_vector_with_a_flipped_bit_is_told_of(cache: EmbeddingCache) -> None:
    vector = np.array([[0.6, 0.8]], dtype=np.float32)
    cache.put(Counting(), ["one"], vector)
    content = cache.path.read_bytes()
    assert content.count(vector.tobytes()) == 1
    at = content.index(vector.tobytes())
    cache.path.write_bytes(content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :])
    with pytest.raises(StoreError, match="changed after it was written"):
        cache.get(Counting(), ["one"])


def test_a_foreign_database_is_left_as_it_is(cache: EmbeddingCache) -> None:
    cache.path.parent.mkdir()
    connection = sqlite3.connect(cache.path)
    connection.execute("CREATE TABLE mine (a)")
    connection.close()
    before = cache.path.read_bytes()
    with pytest.raises(StoreError, match="no cache of vectors"):
        cache.get(Counting(), ["one"])
    assert cache.path.read_bytes() == before


def test_a_newer_layout_is_refused(cache: EmbeddingCache) -> None:
    cache.get(Counting(), [])
    connection = sqlite3.connect(cache.path)
    connection.execute("PRAGMA user_version = 9")
    connection.close()
    with pytest.raises(StoreError, match="layout 9"):
        cache.get(Counting(), ["one"])


def test_a_folder_in_its_place(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="cannot be read"):
        EmbeddingCache(tmp_path).get(Counting(), ["one"])


WRITER = """
import sys
import numpy as np
from negspace.embedders import EmbeddingCache, cached

class Slow:
    name, frozen = "counting", True
    def describe(self): return {"weights": 1}
    def embed(self, texts, *, progress=None):
        return np.array([[len(text), float(sys.argv[2])] for text in texts], dtype=np.float32)

for part in range(20):
    texts = ["x" * i for i in range(part * 10, part * 10 + 30)]
    found = cached(Slow(), EmbeddingCache(sys.argv[1])).embed(texts)
    assert found[:, 0].tolist() == [len(text) for text in texts]
"""


def test_two_processes_write_at_once(cache: EmbeddingCache) -> None:
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-W", "error", "-c", WRITER, str(cache.path)]
    both = [subprocess.Popen([*command, mark], env=environment) for mark in "12"]
    assert [process.wait(60) for process in both] == [0, 0]
    with sqlite3.connect(cache.path) as connection:
        (kept,) = connection.execute("SELECT count(*) FROM vectors").fetchone()
    connection.close()
    assert kept == 220
