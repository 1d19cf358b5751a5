"""Embedders: texts to unit vectors, and the cache of them."""

from negspace.embedders.cache import EmbeddingCache, cached, default_cache_path
from negspace.embedders.embedder import (
    EMBEDDERS,
    Embedder,
    EmbeddingProgress,
    TfidfEmbedder,
    open_embedder,
    unit_rows,
    weigh_words,
)
from negspace.embedders.encoders import (
    HuggingFaceEmbedder,
    SentenceTransformerEmbedder,
    embed_by_length,
    one_thread,
    quiet,
)
from negspace.embedders.matrix import MatrixEmbedder, read_matrix
from negspace.embedders.model_folder import check_weights, find_folder, find_model, model_name, weights_hash

__all__ = [
    "EMBEDDERS", "Embedder", "EmbeddingCache", "EmbeddingProgress", "HuggingFaceEmbedder", "MatrixEmbedder",
    "SentenceTransformerEmbedder", "TfidfEmbedder", "cached", "check_weights", "default_cache_path",
    "embed_by_length", "find_folder", "find_model", "model_name", "one_thread", "open_embedder", "quiet",
    "read_matrix", "unit_rows", "weigh_words", "weights_hash",
]  # fmt: skip
