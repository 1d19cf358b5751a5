"""Embedders: texts to unit vectors, and the cache of them."""

from negspace.embedders.cache import EmbeddingCache, cached, default_cache_path
from negspace.embedders.embedder import Embedder, EmbeddingProgress, unit_rows
from negspace.embedders.hugging_face import HuggingFaceEmbedder
from negspace.embedders.matrix import MatrixEmbedder, read_matrix
from negspace.embedders.opening import EMBEDDERS, open_embedder
from negspace.embedders.sentence_transformer import SentenceTransformerEmbedder
from negspace.embedders.tfidf import TfidfEmbedder, weigh_words

__all__ = [
    "EMBEDDERS",
    "Embedder",
    "EmbeddingCache",
    "EmbeddingProgress",
    "HuggingFaceEmbedder",
    "MatrixEmbedder",
    "SentenceTransformerEmbedder",
    "TfidfEmbedder",
    "cached",
    "default_cache_path",
    "open_embedder",
    "read_matrix",
    "unit_rows",
    "weigh_words",
]
