"""Any model that sentence-transformers loads, from a folder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float32, Int

from negspace.embedders.batches import embed_by_length
from negspace.embedders.embedder import EmbeddingProgress
from negspace.embedders.model_folder import find_model, model_name, weights_hash
from negspace.embedders.quiet import one_thread, quiet
from negspace.errors import DataError, MissingExtraError
from negspace.records import Json

__all__ = ["SentenceTransformerEmbedder"]

_RECIPE = 1  # to be raised when a change here changes vectors: caches outlive the code that filled them
_COUNTED = 256  # texts tokenised at once


class SentenceTransformerEmbedder:
    """A sentence-transformers model: its own prompt, pooling and longest text, then unit length.

    The model is loaded when the first text is embedded. It is read from safetensors, as float32, and no
    code that it brings is run.

    Args:
        path: Folder of the model; or, where there is a network, its id on the Hugging Face hub.
        device: Where it runs, as PyTorch names it.
        tokens: About how many tokens a batch has. Vectors of other sizes differ by rounding.

    Raises:
        MissingExtraError: If sentence-transformers is not installed.
        DataError: If there is no such model, or it cannot be loaded without running its code.
    """

    frozen = True

    def __init__(self, path: str | Path, *, device: str = "cpu", tokens: int = 256) -> None:
        if find_spec("sentence_transformers") is None:
            raise MissingExtraError(f"st:{path}", "st")
        self.path = str(path)
        self.device = device
        self.tokens = tokens
        self._folder = find_model(self.path)
        self.name = model_name("st", self.path)
        self._weights = weights_hash(self._folder)
        self._model: Any = None

    def describe(self) -> Mapping[str, Json]:
        """All that decides the vectors."""
        return {
            "embedder": "sentence-transformers",
            "recipe": _RECIPE,
            "weights": self._weights,
            "device": self.device,
            "tokens": self.tokens,
            **{name: version(name) for name in ("sentence-transformers", "transformers", "torch")},
        }

    def embed(
        self, texts: Sequence[str], *, progress: EmbeddingProgress | None = None
    ) -> Float32[np.ndarray, "texts dims"]:
        """Embed texts; what is longer than the model reads is cut off.

        Raises:
            DataError: If the model cannot be loaded.
        """
        with quiet(), one_thread():
            if self._model is None:
                self._model = self._load()
            return embed_by_length(texts, self._count, self._encode, tokens=self.tokens, progress=progress)

    def _load(self) -> Any:
        import torch  # noqa: PLC0415  (an extra, and seconds to import)
        from sentence_transformers import SentenceTransformer  # noqa: PLC0415

        try:
            model = SentenceTransformer(
                str(self._folder),
                device=self.device,
                trust_remote_code=False,
                local_files_only=True,
                model_kwargs={"use_safetensors": True, "dtype": torch.float32},
            )
        except Exception as error:  # of a broken folder every part complains in its own way
            raise DataError(
                f"{self.path}: sentence-transformers cannot load the model", got=str(error)
            ) from error
        if weights_hash(self._folder) != self._weights:
            raise DataError(f"{self.path}: the model was changed while it was in use", hint="start again")
        return model.eval()

    def _count(self, texts: list[str]) -> Int[np.ndarray, " texts"]:
        counts = np.ones(len(texts), dtype=np.int64)
        for start in range(0, len(texts), _COUNTED):
            features = self._model.preprocess(texts[start : start + _COUNTED])
            if "attention_mask" not in features:  # static embeddings: a sum of words, without padding
                break
            counts[start : start + _COUNTED] = features["attention_mask"].sum(1).cpu().numpy()
        return counts

    def _encode(self, texts: list[str]) -> Float32[np.ndarray, "texts dims"]:
        found = self._model.encode(texts, batch_size=len(texts), show_progress_bar=False)
        return np.asarray(found, dtype=np.float32)
