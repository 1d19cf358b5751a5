"""LoRA adapters: folders of a few matrices that stand on another model."""

from __future__ import annotations

import json
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from negspace.errors import DataError, NegspaceError

__all__ = ["adapter_base", "is_adapter", "merge_adapter"]

_SETTINGS = "adapter_config.json"
_WEIGHTS = "adapter_model.safetensors"


def is_adapter(folder: Path) -> bool:
    """Tell whether a folder holds an adapter, and no model of its own."""
    return (folder / _SETTINGS).is_file() and not (folder / "config.json").is_file()


def adapter_base(folder: Path) -> str:
    """Folder or hub id of the model that an adapter stands on.

    Raises:
        DataError: The adapter does not say.
        NegspaceError: The library ``peft`` is not installed.
    """
    if find_spec("peft") is None:
        raise NegspaceError(
            f"{folder}: a LoRA adapter, which needs the library peft", hint="pip install peft"
        )
    try:
        base = json.loads((folder / _SETTINGS).read_text("utf-8"))["base_model_name_or_path"]
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise DataError(f"{folder}: {_SETTINGS} cannot be read", got=repr(error)) from error
    if not isinstance(base, str) or not base:
        raise DataError(
            f"{folder}: the adapter does not say which model it stands on",
            got=f"base_model_name_or_path: {base!r}",
            hint=f"write the model's folder or hub id there, in {_SETTINGS}",
        )
    return base


def merge_adapter(path: str, network: Any, folder: Path) -> Any:
    """Add an adapter's matrices to those of its base model: the result is a plain model.

    Raises:
        DataError: The adapter does not fit the model, or lacks weights.
    """
    from safetensors import safe_open  # noqa: PLC0415  (an extra)

    peft = import_module("peft")  # of no extra: types are checked without it
    try:
        with safe_open(folder / _WEIGHTS, "pt") as file:
            given = set(file.keys())
        adapted = peft.PeftModel.from_pretrained(network, str(folder), is_trainable=False)
        wanted = set(peft.get_peft_model_state_dict(adapted))
        merged = adapted.merge_and_unload(safe_merge=True)
    except Exception as error:  # of a broken folder every part complains in its own way
        raise DataError(
            f"{path}: peft cannot load the adapter",
            got=str(error),
            hint="save it again with save_pretrained, and check which model it stands on",
        ) from error
    if missing := sorted(wanted - given):  # peft would leave them as they begin, which changes nothing
        raise DataError(f"{path}: weights are missing from the adapter", got=", ".join(missing))
    return merged.requires_grad_(True)
