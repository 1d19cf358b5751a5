"""The small GPT of a corpus: trained once, kept with its checkpoints, and opened ever after."""

from __future__ import annotations

import hashlib
import json
import math
import shutil
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from functools import cache
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from negspace.data import fragments as splitting
from negspace.data.corpora import Documents, documents_of
from negspace.data.fragments import set_aside, split_documents
from negspace.embedders import default_cache_path
from negspace.embedders.quiet import quiet
from negspace.errors import MissingExtraError, StoreError
from negspace.language_models.model import LanguageModel
from negspace.language_models.opening import open_language_model
from negspace.language_models.saving import find_checkpoints, load_state, save_parameters, save_state
from negspace.language_models.settings import TinySettings
from negspace.language_models.tiny import build_network, train_tokenizer
from negspace.language_models.training import make_optimiser, train_network

__all__ = ["checkpoint_steps", "tiny_cache_path", "train_tiny"]

Progress = Callable[[str, int, int], None]

_PASSES = 4
_CHECKPOINTS = "checkpoints"


def train_tiny(
    corpus: Documents | Sequence[str],
    settings: TinySettings | None = None,
    *,
    seed: int = 0,
    aside: int = 0,
    progress: Progress | None = None,
    folder: Path | None = None,
) -> LanguageModel:
    """Train the small GPT on a corpus, or open it where that was done before.

    The tokenizer is trained on the corpus, too. A small corpus is passed over at most four times: after that
    the same text teaches little more than by heart (Muennighoff et al. 2023, *Scaling Data-Constrained
    Language Models*). Training that was cut off goes on from its last checkpoint, to the same numbers. Of two
    processes that want the same model, one trains it and the other waits.

    Args:
        corpus: What to train on: documents, or texts.
        settings: Size and training; the defaults take about a minute of one core.
        seed: Of parameters and order.
        aside: Fragments that are not trained on, at most: those that `set_aside` draws with the seed.
        progress: Told what is done, how much of it and of how much.
        folder: Where models are kept; `tiny_cache_path` where None.

    Returns:
        The model, on the CPU, with checkpoints at 0, 1/16, 1/8, 1/4, 1/2 and all of its steps.

    Raises:
        MissingExtraError: Transformers or PyTorch is not installed.
        DataError: The corpus has no two tokens, or training diverged.
        StoreError: The folder cannot be written, or what it holds is damaged.
    """
    if find_spec("transformers") is None or find_spec("torch") is None:
        raise MissingExtraError("the tiny model", "hf")
    from filelock import FileLock  # noqa: PLC0415  (comes with the extra)

    documents = corpus if isinstance(corpus, Documents) else documents_of(corpus)
    settings = settings or TinySettings()
    kept = (folder or tiny_cache_path()) / _key(documents, settings, seed, aside)
    try:
        kept.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(kept.with_suffix(".lock")):
            if not kept.is_dir():
                _train(documents, settings, seed, aside, progress, kept)
    except OSError as error:
        raise StoreError(
            f"{kept.parent}: the tiny model cannot be kept",
            got=error.strerror or str(error),
            hint="set NEGSPACE_STORE to a file in a folder that can be written",
        ) from error
    model = open_language_model(str(kept), device="cpu", dtype="float32")
    return replace(model, name="tiny", checkpoints=find_checkpoints(kept / _CHECKPOINTS))


def tiny_cache_path() -> Path:
    """Where tiny models are kept: the folder ``tiny`` beside the run store."""
    return default_cache_path().parent / "tiny"


def checkpoint_steps(steps: int) -> tuple[int, ...]:
    """After how many steps the parameters are kept."""
    return tuple(sorted({0, *(round(steps / part) for part in (16, 8, 4, 2)), steps}))


def _train(
    documents: Documents, settings: TinySettings, seed: int, aside: int, progress: Progress | None, kept: Path
) -> None:
    """Train in a folder beside ``kept``, which it becomes when all is done."""
    part = kept.with_suffix(".part")
    (part / _CHECKPOINTS).mkdir(parents=True, exist_ok=True)
    tokenizer = train_tokenizer(documents.texts, settings.vocabulary, settings.context)
    fragments, _ = split_documents(
        documents,
        lambda texts: [encoded.ids for encoded in tokenizer.backend_tokenizer.encode_batch_fast(texts)],
        tokens=settings.context,
    )
    rows = np.arange(len(fragments))
    if aside:
        rows = np.setdiff1d(rows, set_aside(len(fragments), aside, seed))
    settings = _within_passes(settings, int(fragments.lengths[rows].sum()))
    network = build_network(settings, len(tokenizer), seed)
    optimiser = make_optimiser(network, settings)
    start = load_state(network, optimiser, part / _CHECKPOINTS)
    wanted = checkpoint_steps(settings.steps)

    def keep(step: int) -> None:
        if step in wanted:
            save_parameters(network, part / _CHECKPOINTS, step)
            save_state(network, optimiser, part / _CHECKPOINTS, step)
        if progress is not None:
            progress("training the tiny model", step, settings.steps)

    if start == 0:
        keep(0)
    train_network(
        network, fragments, rows, settings, seed=seed, on_step=keep, optimiser=optimiser, start=start
    )
    _finish(network, tokenizer, part)
    part.rename(kept)


def _finish(network: Any, tokenizer: Any, part: Path) -> None:
    with quiet():
        network.save_pretrained(part)
        tokenizer.save_pretrained(part)
    for file in (part / _CHECKPOINTS).glob("state.*"):
        file.unlink()
    # A hidden folder that some versions leave; a model's hash is taken over all that is not hidden.
    shutil.rmtree(part / ".cache", ignore_errors=True)


def _within_passes(settings: TinySettings, tokens: int) -> TinySettings:
    """As many steps as were asked for, but no more than pass over the corpus four times."""
    most = math.ceil(_PASSES * tokens / settings.batch)
    return replace(settings, steps=max(1, min(settings.steps, most)))


def _key(documents: Documents, settings: TinySettings, seed: int, aside: int) -> str:
    """Hash all that decides the model: corpus, settings, seed, this code and the libraries."""
    content = {
        "corpus": documents.fingerprint,
        "settings": asdict(settings),
        "seed": seed,
        "aside": aside,
        "code": _code_hash(),
        **{name: version(name) for name in ("transformers", "tokenizers", "torch", "numpy")},
    }
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:32]


@cache
def _code_hash() -> str:
    digest = hashlib.sha256()
    for file in (*sorted(Path(__file__).parent.glob("*.py")), Path(splitting.__file__)):
        digest.update(hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()
