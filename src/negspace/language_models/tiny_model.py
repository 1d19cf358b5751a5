"""The small GPT of a corpus: trained once, kept with its checkpoints, and opened ever after."""

from __future__ import annotations

import hashlib
import json
import math
import shutil
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from negspace.data import fragments as splitting
from negspace.data.corpora import Documents, documents_of
from negspace.data.fragments import set_aside, split_documents
from negspace.embedders import default_cache_path, one_thread, quiet
from negspace.errors import MissingExtraError, StoreError
from negspace.language_models.model import Checkpoint, LanguageModel
from negspace.language_models.opening import open_language_model
from negspace.language_models.training import TinySettings, make_optimiser, train_network
from negspace.store import locked

if TYPE_CHECKING:
    import torch

Progress = Callable[[str, int, int], None]

_PASSES = 4
_CHECKPOINTS, _STATE = "checkpoints", "state.safetensors"


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
        seed: Decides parameters and order.
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

    documents = corpus if isinstance(corpus, Documents) else documents_of(corpus)
    settings = settings or TinySettings()
    kept = (folder or tiny_cache_path()) / _key(documents, settings, seed, aside)
    try:
        kept.parent.mkdir(parents=True, exist_ok=True)
        with locked(kept.with_suffix(".work"), wait=True):
            if not kept.is_dir():
                _train(documents, settings, seed, aside, progress, kept)
    except OSError as error:
        raise StoreError(
            f"{kept.parent}: the tiny model cannot be kept",
            got=error.strerror or str(error),
            hint="set NEGSPACE_STORE to a file in a folder that can be written",
        ) from error
    model = open_language_model(str(kept), device="cpu", dtype="float32")
    return replace(model, name="tiny", checkpoints=_find_checkpoints(kept / _CHECKPOINTS))


def train_tokenizer(texts: Sequence[str], vocabulary: int, context: int) -> Any:
    """Learn a byte-level byte-pair encoding; every text can be written in it."""
    from tokenizers import ByteLevelBPETokenizer

    with quiet():
        from transformers import PreTrainedTokenizerFast

        encoding = ByteLevelBPETokenizer()
        encoding.train_from_iterator(texts, vocab_size=vocabulary, show_progress=False)
        return PreTrainedTokenizerFast(
            tokenizer_object=encoding._tokenizer, model_max_length=context, clean_up_tokenization_spaces=False
        )


def build_network(settings: TinySettings, vocabulary: int, seed: int) -> Any:
    """A GPT-2 (Radford et al. 2019) of the given size without dropout, its parameters drawn with the seed."""
    import torch

    with quiet(), one_thread():
        from transformers import GPT2Config, GPT2LMHeadModel

        torch.manual_seed(seed)
        config = GPT2Config(
            vocab_size=vocabulary, n_positions=settings.context,
            n_embd=settings.width, n_layer=settings.layers, n_head=settings.heads,
            # GPT-2's own function, in one kernel instead of eight.
            activation_function="gelu_pytorch_tanh",
            resid_pdrop=0.0, embd_pdrop=0.0, attn_pdrop=0.0, bos_token_id=None, eos_token_id=None,
        )  # fmt: skip
        return GPT2LMHeadModel(config).eval()


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
    most = math.ceil(_PASSES * int(fragments.lengths[rows].sum()) / settings.batch)
    settings = replace(settings, steps=max(1, min(settings.steps, most)))
    network = build_network(settings, len(tokenizer), seed)
    optimiser = make_optimiser(network, settings)
    start = _load_state(network, optimiser, part / _CHECKPOINTS)
    wanted = checkpoint_steps(settings.steps)

    def keep(step: int) -> None:
        if step in wanted:
            # Every parameter, by name; tied ones under their first name only.
            own = dict(network.named_parameters())
            file = part / _CHECKPOINTS / f"step-{step:06d}.safetensors"
            _save({name: p.detach() for name, p in own.items()}, file, step)
            # What the optimiser remembers of each, in place of what was there.
            state = {f"{name}/{k}": v for name, p in own.items() for k, v in optimiser.state[p].items()}
            _save(state, part / _CHECKPOINTS / _STATE, step)
        if progress is not None:
            progress("training the tiny model", step, settings.steps)

    if start == 0:
        keep(0)
    train_network(
        network, fragments, rows, settings, seed=seed, on_step=keep, optimiser=optimiser, start=start
    )
    with quiet():
        network.save_pretrained(part)
        tokenizer.save_pretrained(part)
    for file in (part / _CHECKPOINTS).glob("state.*"):
        file.unlink()
    # A hidden folder that some versions leave; a model's hash is taken over all that is not hidden.
    shutil.rmtree(part / ".cache", ignore_errors=True)
    part.rename(kept)


def _key(documents: Documents, settings: TinySettings, seed: int, aside: int) -> str:
    """Hash all that decides the model: corpus, settings, seed, this code and the libraries."""
    code = hashlib.sha256()
    for file in (*sorted(Path(__file__).parent.glob("*.py")), Path(splitting.__file__)):
        code.update(hashlib.sha256(file.read_bytes()).digest())
    content = {
        "corpus": documents.fingerprint,
        "settings": asdict(settings),
        "seed": seed,
        "aside": aside,
        "code": code.hexdigest(),
        **{name: version(name) for name in ("transformers", "tokenizers", "torch", "numpy")},
    }
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:32]


def load_parameters(network: Any, checkpoint: Checkpoint) -> None:
    """Put a checkpoint's parameters into a network of the same kind, in place.

    Raises:
        StoreError: The file is damaged, or of another network.
    """
    import torch

    tensors, _ = _load(checkpoint.file)
    own = dict(network.named_parameters())
    if {name: p.shape for name, p in own.items()} != {name: t.shape for name, t in tensors.items()}:
        raise StoreError(f"{checkpoint.file}: the parameters are those of another network", hint="remove it")
    with torch.no_grad():
        for name, parameter in own.items():
            parameter.copy_(tensors[name])


def _find_checkpoints(folder: Path) -> tuple[Checkpoint, ...]:
    """The checkpoints in a folder, in order of training."""
    files = sorted(folder.glob("step-*.safetensors"))
    return tuple(Checkpoint(int(file.stem.removeprefix("step-")), file) for file in files)


def _load_state(network: Any, optimiser: torch.optim.Optimizer, folder: Path) -> int:
    """Bring a network and its optimiser to where `keep` last left them; 0 steps where nothing was saved."""
    file = folder / _STATE
    if not file.is_file():
        return 0
    tensors, step = _load(file)
    load_parameters(network, next(c for c in _find_checkpoints(folder) if c.step == step))
    for key, value in tensors.items():
        name, part = key.rsplit("/", 1)
        optimiser.state[network.get_parameter(name)][part] = value
    return step


def _save(tensors: dict[str, torch.Tensor], file: Path, step: int) -> None:
    """Write a file whole or not at all: a process killed in the middle leaves the old one."""
    from safetensors.torch import save_file

    part = file.with_suffix(".part")
    save_file({name: t.contiguous() for name, t in tensors.items()}, part, metadata={"step": str(step)})
    part.replace(file)


def _load(file: Path) -> tuple[dict[str, torch.Tensor], int]:
    """The tensors of a file, and the step that they were saved at."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(file, "pt") as opened:
            names, step = list(opened.keys()), int(opened.metadata()["step"])
            return {name: opened.get_tensor(name) for name in names}, step
    except (OSError, SafetensorError) as error:
        raise StoreError(
            f"{file}: the checkpoint cannot be read",
            got=str(error),
            hint=f"remove the folder {file.parent.parent}: the model is trained again",
        ) from error
