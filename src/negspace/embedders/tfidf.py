"""The embedder that needs no download: TF-IDF, reduced by a singular value decomposition."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from typing import Any

import numpy as np
from jaxtyping import Float32

from negspace.embedders.embedder import EMBEDDERS, EmbeddingProgress, unit_rows
from negspace.errors import PlanError
from negspace.records import Json

_MISSED = 1e-3


def weigh_words(texts: Sequence[str]) -> Any:
    """Weigh the words of texts: TF-IDF with sublinear term frequency, rows of unit length.

    Returns:
        Sparse matrix (CSR) of shape (texts, words), float32. A text without any word is a row of zeros.
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

    Attributes:
        dims: Most dimensions; fewer where there are fewer words or texts.
        seed: Seed of the randomised decomposition (Halko et al. 2011).

    Raises:
        PlanError: If there is no dimension.
    """

    dims: int = 256
    seed: int = 0

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
            vectors = self._project(words)
            # What is left of a text whose words are in no leading component is rounding, not direction.
            vectors[np.linalg.norm(vectors, axis=1) < _MISSED] = 0
        if progress is not None:
            progress("embedding texts", len(texts), len(texts))
        return unit_rows(vectors)

    def _project(self, words: Any) -> Float32[np.ndarray, "texts dims"]:
        from sklearn.decomposition import TruncatedSVD
        from threadpoolctl import threadpool_limits

        svd = TruncatedSVD(min(self.dims, *words.shape), random_state=self.seed)
        # Several threads would add the same numbers in another order.
        with threadpool_limits(1), np.errstate(invalid="ignore"):
            return np.asarray(svd.fit_transform(words), dtype=np.float32)
