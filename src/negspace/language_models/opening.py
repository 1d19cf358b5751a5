"""Causal language models of transformers, from a folder or the hub; LoRA adapters merged into them."""

from __future__ import annotations

import hashlib
import json
from importlib import import_module
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from negspace.embedders import one_thread, quiet
from negspace.embedders.model_folder import check_weights, find_folder, find_model, model_name, weights_hash
from negspace.errors import DataError, MissingExtraError, NegspaceError, PlanError
from negspace.language_models.model import LanguageModel

if TYPE_CHECKING:
    import torch

Device = Literal["auto", "cpu", "cuda"]
Dtype = Literal["auto", "float32", "bfloat16", "float16"]

DEFAULT_CONTEXT = 2048
"""Tokens that a model is given at most where its settings name no limit."""

_RECIPE = 1  # to be raised when a change here changes a model's answers: fingerprints tell results apart
_LIMITS = (
    "max_position_embeddings", "n_positions", "max_seq_len", "max_sequence_length", "seq_length", "n_ctx",
)  # fmt: skip
_ADAPTER_SETTINGS = "adapter_config.json"
_ADAPTER_WEIGHTS = "adapter_model.safetensors"
_ROUNDING = {"float32": 1e-3, "bfloat16": 5e-2, "float16": 5e-2}


def open_language_model(
    spec: str, *, device: Device = "auto", dtype: Dtype = "auto", trust_remote_code: bool = False
) -> LanguageModel:
    """Open a causal language model.

    Weights are read from safetensors only. A folder of a LoRA adapter is opened with its base model, the
    adapter merged into it: what is probed is the model that the adapter makes, all of its parameters.

    Args:
        spec: ``hf:PATH`` or ``PATH``: a folder that ``save_pretrained`` wrote; or, where there is a network,
            an id on the Hugging Face hub.
        device: Where it runs; ``auto`` is ``cuda`` where there is one.
        dtype: Type of its numbers; ``auto`` is ``float32`` on the CPU, and elsewhere ``bfloat16`` if the
            device computes in it.
        trust_remote_code: Whether to run Python code that the model brings.

    Raises:
        MissingExtraError: Transformers or PyTorch is not installed.
        PlanError: The device is not there.
        DataError: There is no such model, it cannot be loaded safely or whole, has no tokenizer, or is no
            causal language model.
    """
    path = spec.removeprefix("hf:")
    if find_spec("transformers") is None or find_spec("torch") is None:
        raise MissingExtraError(f"hf:{path}", "hf")
    device, number = placed(device, dtype)
    found = find_folder(path, code=trust_remote_code)
    # An adapter, and no model of its own.
    is_adapter = (found / _ADAPTER_SETTINGS).is_file() and not (found / "config.json").is_file()
    adapter = found if is_adapter else None
    if adapter is not None:
        check_weights(path, adapter)
    base = find_model(path if adapter is None else _adapter_base(adapter), code=trust_remote_code)
    with quiet(), one_thread():
        tokenizer = _load_tokenizer(path, adapter, base, trust_remote_code)
        network = _load_network(path, base, number, trust_remote_code)
        if adapter is not None:
            network = _merge_adapter(path, network, adapter)
        network = network.to(device).eval()
        _check_causal(path, network)
    content = {
        "recipe": _RECIPE,
        "weights": [weights_hash(folder, code=trust_remote_code) for folder in (base, adapter) if folder],
        "device": device,
        "dtype": str(number),
        **{name: version(name) for name in ("transformers", "tokenizers", "torch")},
    }
    fingerprint = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
    text = network.config.get_text_config()
    context = next((int(limit) for name in _LIMITS if (limit := getattr(text, name, None))), DEFAULT_CONTEXT)
    return LanguageModel(model_name("hf", path), network, tokenizer, fingerprint, context, device)


def placed(device: Device, dtype: Dtype) -> tuple[Literal["cpu", "cuda"], torch.dtype]:
    """Where a model goes, and in which type of number; see `open_language_model`.

    Raises:
        PlanError: The device is not there.
    """
    import torch

    there = torch.cuda.is_available()
    if device == "cuda" and not there:
        raise PlanError("PyTorch finds no CUDA device here", got="cuda", hint="ask for --device cpu")
    place: Literal["cpu", "cuda"] = "cpu" if device == "cpu" or not there else "cuda"
    if dtype == "auto":
        dtype = "bfloat16" if place == "cuda" and torch.cuda.is_bf16_supported() else "float32"
    number: torch.dtype = getattr(torch, dtype)
    return place, number


def _load_tokenizer(path: str, adapter: Path | None, base: Path, trust: bool) -> Any:
    """The adapter's tokenizer where it has one, else that of its base model."""
    from transformers import AutoTokenizer

    own = adapter and any((adapter / name).is_file() for name in ("tokenizer.json", "tokenizer_config.json"))
    folder = adapter if adapter and own else base
    saved = "save the model's tokenizer into its folder: tokenizer.save_pretrained"
    try:
        tokenizer = AutoTokenizer.from_pretrained(str(folder), trust_remote_code=trust, local_files_only=True)
        # From a folder without one, transformers makes a tokenizer that knows no word.
        knows = bool(tokenizer("a b c", add_special_tokens=False)["input_ids"])
    except Exception as error:  # every part complains about a broken folder in its own way
        _check_own_code(path, error)
        what = f"{path}: transformers cannot load the tokenizer"
        raise DataError(what, got=str(error), hint=saved) from error
    if not knows:
        there = ", ".join(sorted(file.name for file in folder.iterdir()))
        raise DataError(f"{path}: the model folder has no tokenizer", got=there, hint=saved)
    return tokenizer


def _load_network(path: str, folder: Path, number: torch.dtype, trust: bool) -> Any:
    from transformers import AutoConfig, AutoModelForCausalLM

    settings: Any = {"trust_remote_code": trust, "local_files_only": True}
    try:
        config = AutoConfig.from_pretrained(str(folder), **settings)
        if getattr(config, "is_encoder_decoder", False):
            raise _not_causal(path, f"{config.model_type}: an encoder and a decoder")
        settings |= {"config": config, "use_safetensors": True, "dtype": number, "output_loading_info": True}
        network, found = AutoModelForCausalLM.from_pretrained(str(folder), **settings)
    except DataError:
        raise
    except Exception as error:  # every part complains about a broken folder in its own way
        _check_own_code(path, error)
        raise DataError(
            f"{path}: transformers cannot load it as a causal language model",
            got=str(error),
            hint="name a model that predicts the next token, such as GPT-2, Llama or Qwen",
        ) from error
    if missing := sorted(found["missing_keys"]):  # transformers would draw them at random
        raise DataError(
            f"{path}: weights are missing from the model",
            got=", ".join(missing),
            hint="name a model that was saved with its language-model head",
        )
    return network


def _check_own_code(path: str, error: Exception) -> None:
    """Tell the one complaint that the user can answer."""
    if "trust_remote_code" in str(error):
        raise DataError(
            f"{path}: the model brings code of its own, which is not run",
            got=str(error),
            hint="where you have read it and trust it, say so (--trust-remote-code; trust_remote_code=True)",
        ) from error


def _check_causal(path: str, network: Any) -> None:
    """See that no prediction changes with a later token: some encoders load as if they were decoders."""
    import torch

    words = network.get_input_embeddings().weight.shape[0]
    ids = torch.arange(8, device=network.device)[None] % words
    other = ids.clone()
    other[0, -1] = words - 1
    inputs = {"position_ids": torch.arange(8, device=network.device)[None], "use_cache": False}
    try:
        with torch.inference_mode():
            answers = [network(input_ids=some, **inputs).logits for some in (ids, other)]
    except TypeError as error:
        raise DataError(
            f"{path}: the model cannot be told where its tokens stand",
            got=str(error),
            hint="name a model that takes position_ids",
        ) from error
    one, two = (logits[0, :-1].float() for logits in answers)
    allowed = _ROUNDING[str(network.dtype).removeprefix("torch.")] * one.std()
    if (one - two).abs().max() > allowed:
        raise _not_causal(path, f"{network.config.model_type}: what it predicts depends on later tokens")


def _not_causal(path: str, got: str) -> DataError:
    return DataError(
        f"{path}: not a causal language model",
        got=got,
        hint="name a model that predicts the next token from those before it, such as GPT-2, Llama or Qwen",
    )


def _adapter_base(folder: Path) -> str:
    """Folder or hub id of the model that an adapter stands on."""
    if find_spec("peft") is None:
        needs = f"{folder}: a LoRA adapter, which needs the library peft"
        raise NegspaceError(needs, hint="pip install peft")
    try:
        base = json.loads((folder / _ADAPTER_SETTINGS).read_text("utf-8"))["base_model_name_or_path"]
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise DataError(f"{folder}: {_ADAPTER_SETTINGS} cannot be read", got=repr(error)) from error
    if not isinstance(base, str) or not base:
        raise DataError(
            f"{folder}: the adapter does not say which model it stands on",
            got=f"base_model_name_or_path: {base!r}",
            hint=f"write the model's folder or hub id there, in {_ADAPTER_SETTINGS}",
        )
    return base


def _merge_adapter(path: str, network: Any, folder: Path) -> Any:
    """Add an adapter's matrices to those of its base model: the result is a plain model."""
    from safetensors import safe_open

    peft = import_module("peft")  # in no extra: types are checked without it
    try:
        with safe_open(folder / _ADAPTER_WEIGHTS, "pt") as file:
            given = set(file.keys())
        adapted = peft.PeftModel.from_pretrained(network, str(folder), is_trainable=False)
        wanted = set(peft.get_peft_model_state_dict(adapted))
        merged = adapted.merge_and_unload(safe_merge=True)
    except Exception as error:  # every part complains about a broken folder in its own way
        raise DataError(
            f"{path}: peft cannot load the adapter",
            got=str(error),
            hint="save it again with save_pretrained, and check which model it stands on",
        ) from error
    if missing := sorted(wanted - given):  # peft would leave them as they begin, which changes nothing
        raise DataError(f"{path}: weights are missing from the adapter", got=", ".join(missing))
    return merged.requires_grad_(True)
