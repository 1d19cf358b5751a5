"""Small data sets with vectors that a test can reckon with by itself."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest


@dataclass(frozen=True)
class Labelled:
    """Labelled texts with made-up vectors: cosines are all there is to know of them."""

    path: Path
    matrix: str
    vectors: np.ndarray
    labels: np.ndarray

    @property
    def cosines(self) -> np.ndarray:
        return self.vectors.astype(np.float64) @ self.vectors.astype(np.float64).T


def unit(rows: np.ndarray) -> np.ndarray:
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to work in."""
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def labelled(work: Path) -> Labelled:
    """90 rows of 4 labels whose vectors lean towards their label."""
    rng = np.random.default_rng(5)
    labels = rng.integers(4, size=90)
    vectors = unit(rng.normal(size=(90, 6)) + 0.6 * np.eye(6)[labels])
    np.save(work / "vectors.npy", vectors)
    write(work / "rows.jsonl", [{"text": f"text {i}", "label": f"l{y}"} for i, y in enumerate(labels)])
    return Labelled(work / "rows.jsonl", f"matrix:{work / 'vectors.npy'}", vectors, labels)


def write(path: Path, rows: Sequence[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def read(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


@pytest.fixture
def jsonl() -> tuple[Callable[..., Path], Callable[..., list[dict[str, Any]]]]:
    """Write and read JSON Lines."""
    return write, read
