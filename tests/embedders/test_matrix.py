"""The user's own vectors: in order, of unit length, and refused where they do not fit."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest

from negspace.embedders import MatrixEmbedder, open_embedder, read_matrix
from negspace.errors import DataError

ROWS = np.array([[3.0, 4.0], [0.0, 0.0], [-2.0, 0.0], [1e-30, 1e-30], [1e200, 0.0]])
UNIT = [[0.6, 0.8], [0, 0], [-1, 0], [0.5**0.5, 0.5**0.5], [1, 0]]


def test_rows_come_in_order_at_unit_length() -> None:
    embedder = MatrixEmbedder(ROWS)
    np.testing.assert_allclose(embedder.embed(list("abcde")), UNIT, atol=1e-6)
    assert not embedder.frozen


@pytest.mark.parametrize("kind", [np.int64, np.float16, np.float32, np.uint8])
def test_any_real_numbers_do(kind: type) -> None:
    vectors = MatrixEmbedder(np.array([[3, 4], [5, 12]], dtype=kind)).embed(["a", "b"])
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(vectors, [[0.6, 0.8], [5 / 13, 12 / 13]], atol=1e-6)


def test_by_text_in_any_order() -> None:
    embedder = MatrixEmbedder(ROWS[:3], ["a", "b", "c"])
    assert embedder.frozen
    np.testing.assert_allclose(embedder.embed(["c", "a", "c"]), [[-1, 0], [0.6, 0.8], [-1, 0]], atol=1e-6)
    with pytest.raises(DataError, match="no vector is given"):
        embedder.embed(["d"])
    with pytest.raises(DataError, match="rows 1 and 3 hold the same text"):
        MatrixEmbedder(ROWS[:3], ["a", "b", "a"])


def test_as_many_vectors_as_texts() -> None:
    with pytest.raises(DataError, match="5 vectors for 2 texts"):
        MatrixEmbedder(ROWS).embed(["a", "b"])
    with pytest.raises(DataError, match="5 vectors for 1 texts"):
        MatrixEmbedder(ROWS, ["a"])


@pytest.mark.parametrize(
    ("matrix", "message"),
    [
        (np.array([[1.0, np.nan], [1.0, 1.0]]), "row 1: not finite"),
        (np.array([[1.0, 1.0], [np.inf, 1.0]]), "row 2: not finite"),
        (np.zeros(3), "shape"),
        (np.zeros((3, 0)), "shape"),
        (np.zeros((2, 2, 2)), "shape"),
        (np.array([["a"]]), "real numbers"),
        (np.array([[1j]]), "real numbers"),
    ],
)
def test_what_is_no_matrix_is_refused(matrix: np.ndarray, message: str) -> None:
    with pytest.raises(DataError, match=message):
        MatrixEmbedder(matrix)


def test_description_follows_the_vectors_alone() -> None:
    same = MatrixEmbedder(ROWS.copy(), source="elsewhere").describe()
    assert same == MatrixEmbedder(ROWS).describe()
    assert same != MatrixEmbedder(ROWS[::-1]).describe()
    assert same != MatrixEmbedder(ROWS, list("abcde")).describe()


def test_a_file(tmp_path: Path) -> None:
    np.save(tmp_path / "mine.npy", ROWS)
    np.testing.assert_allclose(
        open_embedder(f"matrix:{tmp_path / 'mine.npy'}").embed(list("abcde")), UNIT, atol=1e-6
    )
    with pytest.raises(DataError, match=r"did you mean 'mine\.npy'"):
        read_matrix(tmp_path / "mine.np")


class _Trap:
    def __reduce__(self) -> tuple[object, ...]:
        return (Path("sprung").touch, ())


def test_nothing_in_a_file_is_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    np.save(tmp_path / "objects.npy", np.array([[_Trap()]]), allow_pickle=True)
    (tmp_path / "pickle.npy").write_bytes(pickle.dumps(_Trap()))
    (tmp_path / "empty.npy").write_bytes(b"")
    np.savez(tmp_path / "several.npz", a=ROWS)
    for name in ("objects.npy", "pickle.npy", "empty.npy", "several.npz"):
        with pytest.raises(DataError, match=name.replace(".", r"\.")):
            read_matrix(tmp_path / name)
    assert not (tmp_path / "sprung").exists()
