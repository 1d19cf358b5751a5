"""What an embedder is: texts in, unit vectors out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol, TypeAlias, runtime_checkable

import numpy as np
from jaxtyping import Float, Float32

from negspace.records import Json
from negspace.registry import Registry

EmbeddingProgress: TypeAlias = Callable[[str, int, int], None]
"""Told the stage, the texts done and the texts in all."""


@runtime_checkable
class Embedder(Protocol):
    """Turns texts into vectors whose cosine says how alike the texts are.

    Vectors of one call are comparable with each other. Those of two calls are if the embedder is frozen.
    """

    @property
    def name(self) -> str:
        """As results name the embedder."""
        ...

    @property
    def frozen(self) -> bool:
        """Whether a text's vector depends on that text alone, not on the other texts of the call."""
        ...

    def describe(self) -> Mapping[str, Json]:
        """All that decides the vectors: weights by a hash of their bytes, never by name or path."""
        ...

    def embed(
        self, texts: Sequence[str], *, progress: EmbeddingProgress | None = None
    ) -> Float32[np.ndarray, "texts dims"]:
        """Embed texts.

        Args:
            texts: All texts whose vectors will be compared.
            progress: Told how far it is.

        Returns:
            One row a text, of unit length, so that a product of rows is their cosine. A text without
            content is a row of zeros, at cosine 0 to everything.
        """
        ...


EMBEDDERS: Registry[Callable[..., Embedder]] = Registry(
    "embedder", group="negspace.embedders", package="negspace.embedders"
)
"""Embedders by name; what is registered is called with the argument after the colon, if there is one."""


def open_embedder(spec: str) -> Embedder:
    """Open an embedder: ``tfidf``, ``st:PATH``, ``hf:PATH``, ``matrix:FILE.npy``, or one of another package.

    Raises:
        PlanError: If there is no embedder of that name.
        DataError: If what it names cannot be used.
        MissingExtraError: If it needs a package that is not installed.
    """
    entry, argument = EMBEDDERS.find(spec)
    return entry.target(argument) if argument else entry.target()


def unit_rows(rows: Float[np.ndarray, "rows dims"]) -> Float32[np.ndarray, "rows dims"]:
    """Scale rows to unit length; a row of zeros stays one."""
    wide = rows.astype(np.float64)
    # By its largest entry first, so that the squares neither overflow nor vanish.
    largest = np.abs(wide).max(axis=1, keepdims=True, initial=0.0)
    np.divide(wide, largest, out=wide, where=largest > 0)
    length = np.linalg.norm(wide, axis=1, keepdims=True)
    np.divide(wide, length, out=wide, where=length > 0)
    return wide.astype(np.float32)
