"""The user's own vectors."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Float, Float32

from negspace.embedders.embedder import EMBEDDERS, EmbeddingProgress, unit_rows
from negspace.errors import DataError, did_you_mean
from negspace.records import Json


class MatrixEmbedder:
    """Vectors that were computed elsewhere, one row for each row of the data, in its order.

    Args:
        matrix: The vectors, of any length; a row of zeros stays one.
        texts: The text of each row. With them vectors are found by text, in any order and number; without
            them by position, and every call must be for all rows.
        source: Where the vectors came from, for messages.

    Raises:
        DataError: If the matrix is not finite numbers in two dimensions, its rows are not those of
            ``texts``, or one text has two vectors.
    """

    name = "matrix"

    def __init__(
        self, matrix: np.ndarray, texts: Sequence[str] | None = None, *, source: str = "the matrix"
    ) -> None:
        self.source = source
        self.vectors: Float32[np.ndarray, "rows dims"] = unit_rows(_checked(matrix, source))
        self.frozen = texts is not None
        self._row: dict[str, int] | None = None
        if texts is not None:
            self._check_number(texts)
            self._row = {}
            for row, text in enumerate(texts):
                first = self._row.setdefault(text, row)
                if not np.array_equal(self.vectors[first], self.vectors[row]):
                    raise DataError(
                        f"{source}: rows {first + 1} and {row + 1} hold the same text and different vectors",
                        got=text,
                    )

    def describe(self) -> Mapping[str, Json]:
        """All that decides the vectors: a hash of them, and of what they are found by."""
        content = hashlib.sha256(np.ascontiguousarray(self.vectors, dtype="<f4").tobytes())
        if self._row is not None:
            for text, row in self._row.items():
                content.update(f"{row}:{len(text)}:{text}".encode("utf-8", "surrogatepass"))
        return {"embedder": self.name, "shape": list(self.vectors.shape), "vectors": content.hexdigest()}

    def embed(
        self, texts: Sequence[str], *, progress: EmbeddingProgress | None = None
    ) -> Float32[np.ndarray, "texts dims"]:
        """Hand out the vectors of texts; a `DataError` if there is not one for each."""
        if self._row is None:
            self._check_number(texts)
            rows = np.arange(len(texts))
        else:
            unknown = next((text for text in texts if text not in self._row), None)
            if unknown is not None:
                raise DataError(f"{self.source}: no vector is given for a text", got=unknown)
            rows = np.array([self._row[text] for text in texts], dtype=np.int64)
        if progress is not None:
            progress("embedding texts", len(texts), len(texts))
        return self.vectors[rows]

    def _check_number(self, texts: Sequence[str]) -> None:
        if len(texts) != len(self.vectors):
            raise DataError(
                f"{self.source}: one vector is needed for each row of the data, in the order of its rows",
                got=f"{len(self.vectors)} vectors for {len(texts)} texts",
            )


@EMBEDDERS.register("matrix", argument="FILE.npy")
def read_matrix(path: str | Path) -> MatrixEmbedder:
    """Read vectors from a ``.npy`` file; an array of objects is refused, since reading it would run code.

    Raises:
        DataError: If there is no such file, or it holds no matrix of finite numbers.
    """
    file = Path(path).expanduser()
    if not file.is_file():
        near = sorted(other.name for other in file.parent.glob("*.npy")) if file.parent.is_dir() else []
        raise DataError(
            f"{path}: there is no such file",
            hint=did_you_mean(file.name, near) if near else "save the vectors with numpy.save",
        )
    try:
        matrix = np.load(file, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise DataError(
            f"{path}: not a matrix that NumPy can read", got=str(error), hint="save it with numpy.save"
        ) from error
    if not isinstance(matrix, np.ndarray):  # an .npz, which is an archive of several
        raise DataError(f"{path}: an archive of arrays, not one matrix", hint="save it with numpy.save")
    return MatrixEmbedder(matrix, source=str(path))


def _checked(matrix: np.ndarray, source: str) -> Float[np.ndarray, "rows dims"]:
    if matrix.ndim != 2 or matrix.shape[1] == 0:
        raise DataError(
            f"{source}: vectors are a matrix of shape (rows, dimensions)", got=f"shape {matrix.shape}"
        )
    if matrix.dtype.kind not in "fiu":
        raise DataError(f"{source}: vectors are made of real numbers", got=f"dtype {matrix.dtype}")
    wide = matrix.astype(np.float64)
    wrong = np.flatnonzero(~np.isfinite(wide).all(axis=1))
    if len(wrong):
        raise DataError(
            f"{source}, row {wrong[0] + 1}: not finite",
            got=f"NaN or infinity in {len(wrong)} of {len(wide)} rows",
            hint="embed these rows again, or give them zeros: a text without content",
        )
    return wide
