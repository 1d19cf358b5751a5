"""Any encoder that transformers loads, from a folder, with the mean over its tokens."""

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

__all__ = ["HuggingFaceEmbedder"]

_RECIPE = 1  # to be raised when a change here changes vectors: caches outlive the code that filled them
_UNSET = 10**6  # a tokenizer that was saved without a limit says 1e30
_LONGEST = 512


class HuggingFaceEmbedder:
    """A pretrained encoder: the mean of its last hidden states over a text's tokens, at unit length.

    The model is loaded when the first text is embedded. It is read from safetensors, as float32, and no
    code that it brings is run.

    Args:
        path: Folder of the model; or, where there is a network, its id on the Hugging Face hub.
        device: Where it runs, as PyTorch names it.
        tokens: About how many tokens a batch has. Vectors of other sizes differ by rounding.

    Raises:
        MissingExtraError: If transformers or PyTorch is not installed.
        DataError: If there is no such model, or it cannot be loaded without running its code.
    """

    frozen = True

    def __init__(self, path: str | Path, *, device: str = "cpu", tokens: int = 256) -> None:
        if find_spec("transformers") is None or find_spec("torch") is None:
            raise MissingExtraError(f"hf:{path}", "hf")
        self.path = str(path)
        self.device = device
        self.tokens = tokens
        self._folder = find_model(self.path)
        self.name = model_name("hf", self.path)
        self._weights = weights_hash(self._folder)
        self._tokenizer: Any = None
        self._model: Any = None
        self._longest = _LONGEST

    def describe(self) -> Mapping[str, Json]:
        """All that decides the vectors."""
        return {
            "embedder": "transformers",
            "recipe": _RECIPE,
            "pooling": "mean",
            "weights": self._weights,
            "device": self.device,
            "tokens": self.tokens,
            **{name: version(name) for name in ("transformers", "tokenizers", "torch")},
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
                self._load()
            return embed_by_length(texts, self._count, self._encode, tokens=self.tokens, progress=progress)

    def _load(self) -> None:
        import torch  # noqa: PLC0415  (an extra, and seconds to import)
        from transformers import AutoModel, AutoTokenizer  # noqa: PLC0415

        settings: Any = {"trust_remote_code": False, "local_files_only": True}
        try:
            self._tokenizer = AutoTokenizer.from_pretrained(str(self._folder), **settings)
            model, found = AutoModel.from_pretrained(
                str(self._folder),
                use_safetensors=True,
                dtype=torch.float32,
                output_loading_info=True,
                **settings,
            )
        except Exception as error:  # of a broken folder every part complains in its own way
            raise DataError(f"{self.path}: transformers cannot load the model", got=str(error)) from error
        missing = sorted(name for name in found["missing_keys"] if "pooler" not in name)
        if missing:  # transformers would draw them at random
            raise DataError(f"{self.path}: weights are missing from the model", got=", ".join(missing))
        if weights_hash(self._folder) != self._weights:
            raise DataError(f"{self.path}: the model was changed while it was in use", hint="start again")
        limit = int(self._tokenizer.model_max_length)
        self._longest = limit if limit < _UNSET else _longest(model.config)
        self._model = (
            (model.get_encoder() if model.config.is_encoder_decoder else model).to(self.device).eval()
        )

    def _tokens_of(self, texts: list[str]) -> list[list[int]]:
        found: list[list[int]] = self._tokenizer(texts, truncation=True, max_length=self._longest)[
            "input_ids"
        ]
        return found

    def _count(self, texts: list[str]) -> Int[np.ndarray, " texts"]:
        return np.array([len(tokens) for tokens in self._tokens_of(texts)], dtype=np.int64)

    def _encode(self, texts: list[str]) -> Float32[np.ndarray, "texts dims"]:
        import torch  # noqa: PLC0415  (an extra)

        tokens = self._tokens_of(texts)
        if not tokens[0]:  # text that the tokenizer does not know at all
            return np.zeros((len(texts), self._model.config.hidden_size), dtype=np.float32)
        # All of one length, so that nothing is padded and every token counts.
        words = torch.tensor(tokens, device=self.device)
        with torch.inference_mode():
            states = self._model(input_ids=words, attention_mask=torch.ones_like(words)).last_hidden_state
        return np.asarray(states.mean(1).float().cpu().numpy(), dtype=np.float32)


def _longest(config: Any) -> int:
    positions = getattr(config, "max_position_embeddings", None) or _LONGEST
    # RoBERTa and its kin give their first two positions to no word.
    return int(min(_LONGEST, positions - 2))
