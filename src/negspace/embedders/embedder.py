"""What an embedder is (texts in, unit vectors out), and the one that needs no download: reduced TF-IDF."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from typing import Any, Protocol, TypeAlias, runtime_checkable

import numpy as np
from jaxtyping import Float, Float32

from negspace.errors import PlanError
from negspace.records import Json
from negspace.registry import Registry

_MISSED = 1e-3  # length of a projection that is rounding

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

    @property
    def frozen(self) -> bool:
        """Whether a text's vector depends on that text alone, not on the other texts of the call."""

    def describe(self) -> Mapping[str, Json]:
        """All that decides the vectors: weights by a hash of their bytes, never by name or path."""

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


def weigh_words(texts: Sequence[str]) -> Any:
    """Weigh the words of texts: TF-IDF with sublinear term frequency, rows of unit length.

    Returns a sparse float32 matrix (CSR) of shape (texts, words). A text without any word is a row of zeros.
    """
    from scipy.sparse import csr_matrix
    from sklearn.feature_extraction.text import TfidfVectorizer

    # One-letter words carry boundaries too ("a" against "no"), so the default token pattern is widened.
    vectorizer = TfidfVectorizer(sublinear_tf=True, token_pattern=r"(?u)\b\w+\b", dtype=np.float32)
    try:
        return csr_matrix(vectorizer.fit_transform(texts))
    except ValueError:  # scikit-learn's "empty vocabulary": no text has any word
        return csr_matrix((len(texts), 1), dtype=np.float32)


@EMBEDDERS.register("tfidf", summary="TF-IDF, reduced by a singular value decomposition; needs no model.")
@dataclass(frozen=True)
class TfidfEmbedder:
    """Latent semantic analysis (Deerwester et al. 1990): TF-IDF projected on its leading singular vectors.

    Fitted on the texts of each call. Where there are no more words than dimensions nothing is projected,
    and cosines are those of TF-IDF itself.

    Raises:
        PlanError: If there is no dimension.
    """

    dims: int = 256  # most dimensions; fewer where there are fewer words or texts
    seed: int = 0  # seed of the randomised decomposition (Halko et al. 2011)

    name = "tfidf"
    frozen = False

    def __post_init__(self) -> None:
        if self.dims < 1:
            raise PlanError("the tfidf embedder needs at least one dimension", got=self.dims)

    def describe(self) -> Mapping[str, Json]:
        """All that decides the vectors, the texts aside."""
        return {"embedder": self.name, **asdict(self), "scikit-learn": version("scikit-learn")}

    def embed(
        self, texts: Sequence[str], *, progress: EmbeddingProgress | None = None
    ) -> Float32[np.ndarray, "texts dims"]:
        """Embed texts, by words of their own."""
        words = weigh_words(texts)
        if words.shape[1] <= self.dims:
            vectors = words.toarray()
        else:
            from sklearn.decomposition import TruncatedSVD
            from threadpoolctl import threadpool_limits

            svd = TruncatedSVD(min(self.dims, *words.shape), random_state=self.seed)
            # Several threads would add the same numbers in another order.
            with threadpool_limits(1), np.errstate(invalid="ignore"):
                vectors = np.asarray(svd.fit_transform(words), dtype=np.float32)
            # What is left of a text whose words are in no leading component is rounding, not direction.
            vectors[np.linalg.norm(vectors, axis=1) < _MISSED] = 0
        if progress is not None:
            progress("embedding texts", len(texts), len(texts))
        return unit_rows(vectors)
