"""Pretrained encoders, read from a folder: those of sentence-transformers, and any that transformers loads.

Texts are embedded in batches of one length, so that nothing is padded and a text's vector does not depend on
the texts beside it.
"""

from __future__ import annotations

import logging
import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from jaxtyping import Float, Float32, Int

from negspace.embedders.embedder import EMBEDDERS, EmbeddingProgress, unit_rows
from negspace.embedders.model_folder import find_model, model_name, weights_hash
from negspace.errors import DataError, MissingExtraError
from negspace.records import Json

_RECIPE = 1  # to be raised when a change here changes vectors: caches outlive the code that filled them
_UNSET = 10**6  # a tokenizer that was saved without a limit says 1e30
_LONGEST = 512
_COUNTED = 256  # texts tokenised at once


class _Encoder(ABC):
    """A frozen encoder, loaded when the first text is embedded.

    It is read from safetensors, as float32, and no code that it brings is run.

    Args:
        path: Folder of the model; or, where there is a network, its id on the Hugging Face hub.
        device: Where it runs, as PyTorch names it.
        tokens: About how many tokens a batch has. Vectors of other sizes differ by rounding.

    Raises:
        MissingExtraError: If a package that it needs is not installed.
        DataError: If there is no such model, or it cannot be loaded without running its code.
    """

    frozen = True
    extra: ClassVar[str]
    packages: ClassVar[tuple[str, ...]]

    def __init__(self, path: str | Path, *, device: str = "cpu", tokens: int = 256) -> None:
        if any(find_spec(package) is None for package in self.packages):
            raise MissingExtraError(f"{self.extra}:{path}", self.extra)
        self.path = str(path)
        self.device = device
        self.tokens = tokens
        self._folder = find_model(self.path)
        self.name = model_name(self.extra, self.path)
        self._weights = weights_hash(self._folder)
        self._model: Any = None

    @abstractmethod
    def describe(self) -> Mapping[str, Json]:
        """All that decides the vectors."""

    def embed(
        self, texts: Sequence[str], *, progress: EmbeddingProgress | None = None
    ) -> Float32[np.ndarray, "texts dims"]:
        """Embed texts; what is longer than the model reads is cut off."""
        with quiet(), one_thread():
            if self._model is None:
                self._model = self._load()
                if weights_hash(self._folder) != self._weights:
                    raise DataError(
                        f"{self.path}: the model was changed while it was in use", hint="start again"
                    )
            return embed_by_length(texts, self._count, self._encode, tokens=self.tokens, progress=progress)

    def _described(self, *packages: str) -> dict[str, Json]:
        versions = {name: version(name) for name in packages}
        return {
            "recipe": _RECIPE,
            "weights": self._weights,
            "device": self.device,
            "tokens": self.tokens,
            **versions,
        }

    @abstractmethod
    def _load(self) -> Any: ...

    @abstractmethod
    def _count(self, texts: list[str]) -> Int[np.ndarray, " texts"]: ...

    @abstractmethod
    def _encode(self, texts: list[str]) -> Float32[np.ndarray, "texts dims"]: ...


@EMBEDDERS.register("hf", argument="PATH")
class HuggingFaceEmbedder(_Encoder):
    """A pretrained encoder of transformers: the mean of its last hidden states over a text's tokens."""

    extra = "hf"
    packages = ("transformers", "torch")
    _tokenizer: Any = None
    _longest = _LONGEST

    def describe(self) -> Mapping[str, Json]:
        """All that decides the vectors."""
        found = self._described("transformers", "tokenizers", "torch")
        return {"embedder": "transformers", "pooling": "mean", **found}

    def _load(self) -> Any:
        import torch
        from transformers import AutoModel, AutoTokenizer

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
        limit = int(self._tokenizer.model_max_length)
        self._longest = limit if limit < _UNSET else _longest(model.config)
        encoder = model.get_encoder() if model.config.is_encoder_decoder else model
        return encoder.to(self.device).eval()

    def _tokens_of(self, texts: list[str]) -> list[list[int]]:
        found: list[list[int]] = self._tokenizer(texts, truncation=True, max_length=self._longest)[
            "input_ids"
        ]
        return found

    def _count(self, texts: list[str]) -> Int[np.ndarray, " texts"]:
        return np.array([len(tokens) for tokens in self._tokens_of(texts)], dtype=np.int64)

    def _encode(self, texts: list[str]) -> Float32[np.ndarray, "texts dims"]:
        import torch

        tokens = self._tokens_of(texts)
        if not tokens[0]:  # text that the tokenizer does not know at all
            return np.zeros((len(texts), self._model.config.hidden_size), dtype=np.float32)
        # All of one length, so that nothing is padded and every token counts.
        words = torch.tensor(tokens, device=self.device)
        with torch.inference_mode():
            states = self._model(input_ids=words, attention_mask=torch.ones_like(words)).last_hidden_state
        return np.asarray(states.mean(1).float().cpu().numpy(), dtype=np.float32)


@EMBEDDERS.register("st", argument="PATH")
class SentenceTransformerEmbedder(_Encoder):
    """A sentence-transformers model: its own prompt, pooling and longest text, then unit length."""

    extra = "st"
    packages = ("sentence_transformers",)

    def describe(self) -> Mapping[str, Json]:
        """All that decides the vectors."""
        found = self._described("sentence-transformers", "transformers", "torch")
        return {"embedder": "sentence-transformers", **found}

    def _load(self) -> Any:
        import torch
        from sentence_transformers import SentenceTransformer

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


def embed_by_length(
    texts: Sequence[str],
    count: Callable[[list[str]], Int[np.ndarray, " texts"]],
    encode: Callable[[list[str]], Float[np.ndarray, "texts dims"]],
    *,
    tokens: int,
    progress: EmbeddingProgress | None = None,
) -> Float32[np.ndarray, "texts dims"]:
    """Embed each distinct text once, in batches of equal length and a shape that the length decides.

    ``count`` gives the number of tokens that the model reads of each text, ``encode`` the vectors of a batch
    of texts with equally many, of about ``tokens`` in all. Vectors have unit length; blank texts are rows of
    zeros.
    """
    distinct = {text: row for row, text in enumerate(dict.fromkeys(t for t in texts if t.strip()))}
    if not distinct:  # the model is asked for no more than its number of dimensions
        return np.zeros((len(texts), encode(["."]).shape[1]), dtype=np.float32)
    known = list(distinct)
    lengths = count(known)
    order = np.argsort(lengths, kind="stable")
    starts = np.flatnonzero(np.diff(lengths[order]))
    found: list[Float32[np.ndarray, "batch dims"]] = []
    done = 0
    for same in np.split(order, starts + 1):
        size = max(1, tokens // max(1, int(lengths[same[0]])))
        for start in range(0, len(same), size):
            rows = same[start : start + size].tolist()
            batch = [known[row] for row in rows + [rows[0]] * (size - len(rows))]
            found.append(unit_rows(encode(batch)[: len(rows)]))
            done += len(rows)
            if progress is not None:
                progress("embedding texts", done, len(known))
    vectors = np.concatenate(found)[np.argsort(order)]
    result = np.zeros((len(texts), vectors.shape[1]), dtype=np.float32)
    content = np.array([text in distinct for text in texts])
    result[content] = vectors[[distinct[text] for text in texts if text in distinct]]
    return result


def _longest(config: Any) -> int:
    positions = getattr(config, "max_position_embeddings", None) or _LONGEST
    # RoBERTa and its kin give their first two positions to no word.
    return int(min(_LONGEST, positions - 2))


@contextmanager
def quiet() -> Iterator[None]:
    """Silence the warnings, bars and notes that transformers and sentence-transformers print.

    What matters of them is checked and raised by us; their settings are given back as they were found.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from transformers.utils import logging as talk  # takes seconds; warns as it does

        verbosity, bar = talk.get_verbosity(), talk.is_progress_bar_enabled()
        sentences = logging.getLogger("sentence_transformers")
        level = sentences.level
        talk.set_verbosity_error()
        talk.disable_progress_bar()
        sentences.setLevel(logging.ERROR)
        try:
            yield
        finally:
            talk.set_verbosity(verbosity)
            sentences.setLevel(level)
            if bar:
                talk.enable_progress_bar()


@contextmanager
def one_thread() -> Iterator[None]:
    """Run PyTorch on one thread; leave its threads and its global generator as they were found."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with torch.random.fork_rng(devices=[]):
            yield
    finally:
        torch.set_num_threads(threads)
