"""The folder of a pretrained model: found, checked for anything that would run code, and hashed."""

from __future__ import annotations

import hashlib
import json
import re
from functools import lru_cache
from pathlib import Path

from negspace.errors import DataError, did_you_mean

_HUB_ID = re.compile(r"[\w-][\w.-]*/[\w-][\w.-]*")
_PICKLED = ("*.bin", "*.pt", "*.pth", "*.pkl", "*.ckpt")
_NEVER_READ = frozenset({
    ".bin", ".ckpt", ".h5", ".md", ".msgpack", ".onnx", ".ot", ".pkl", ".pt", ".pth", ".py", ".xml"
})  # fmt: skip
_OTHER_BACKENDS = frozenset({"onnx", "openvino"})


def find_folder(path: str, *, code: bool = False) -> Path:
    """Find a folder, or have it from the Hugging Face hub; what it holds is not looked at."""
    folder = Path(path).expanduser()
    return folder if folder.is_dir() else _download(path, folder, code)


def find_model(path: str, *, code: bool = False) -> Path:
    """Find the folder of a model, and refuse one that could only be loaded by running code from it.

    ``path`` is a folder or, where there is a network, an id on the Hugging Face hub; ``code`` asks for its
    Python files, too: the caller trusts them.

    Raises: DataError: If there is no such folder or id, it holds no model, its weights are pickled only, or
    it brings modules of its own.
    """
    folder = find_folder(path, code=code)
    names = sorted(file.name for file in folder.iterdir())
    if "config.json" not in names and "modules.json" not in names:
        raise DataError(
            f"{path}: no model folder: it has neither config.json nor modules.json",
            got=", ".join(names[:5]) or "an empty folder",
            hint="name the folder that save_pretrained wrote",
        )
    check_weights(path, folder)
    _check_modules(path, folder)
    return folder


def model_name(kind: str, path: str) -> str:
    """Name a model for results: a hub id as it is, of a folder the last part only."""
    folder = Path(path).expanduser()
    return f"{kind}:{folder.resolve().name if folder.is_dir() else path}"


def weights_hash(folder: Path, *, code: bool = False) -> str:
    """Hash (SHA-256, hex) all files that decide what a model says: weights, tokenizer and settings.

    Read-mes, and weights that are never read (pickles, other backends), are left out; so is the folder's own
    name: a copy is the same model.
    """
    digest = hashlib.sha256()
    never = _never_read(code)
    for file in sorted(folder.rglob("*")):
        parts = file.relative_to(folder).parts
        hidden = any(part.startswith(".") or part in _OTHER_BACKENDS for part in parts)
        if not hidden and file.suffix.lower() not in never and file.is_file():
            stat = file.stat()
            content = _file_hash(file, stat.st_size, stat.st_mtime_ns)
            digest.update(f"{'/'.join(parts)}\0{content}\n".encode())
    return digest.hexdigest()


@lru_cache(maxsize=256)
def _file_hash(file: Path, _size: int, _changed: int) -> str:
    """Hash a file; once in a process, unless its size or time of change differs."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _never_read(code: bool) -> frozenset[str]:
    return _NEVER_READ - {".py"} if code else _NEVER_READ


def _download(path: str, folder: Path, code: bool) -> Path:
    if not _HUB_ID.fullmatch(path):
        parent = folder.parent
        near = sorted(other.name for other in parent.iterdir() if other.is_dir()) if parent.is_dir() else []
        raise DataError(
            f"{path}: there is no such folder",
            hint=did_you_mean(folder.name, near) if near else "name the folder of a model",
        )
    # Here, for most models are folders; pickles and code are left on the hub.
    from huggingface_hub import snapshot_download

    skipped = [f"*{suffix}" for suffix in sorted(_never_read(code) - {".md"})]
    skipped += [f"{backend}/*" for backend in sorted(_OTHER_BACKENDS)]
    try:
        return Path(snapshot_download(path, ignore_patterns=skipped))
    except Exception as error:  # no network, no such model, no leave to read it: a dozen kinds
        raise DataError(
            f"{path}: there is no such folder, and no such model was had from the Hugging Face hub",
            got=str(error),
            hint="name a folder; or check the id, and that the hub can be reached",
        ) from error


def check_weights(path: str, folder: Path) -> None:
    """Refuse a folder where weights would be unpickled, which runs whatever the file says; or without any."""
    parts = [folder, *(part for part in sorted(folder.iterdir()) if part.is_dir())]
    for part in parts:
        pickled = sorted(file.name for kind in _PICKLED for file in part.glob(kind))
        if part.name not in _OTHER_BACKENDS and pickled and not any(part.glob("*.safetensors")):
            raise DataError(
                f"{path}: its weights are pickled, and reading a pickle runs code from it",
                got=str((part / pickled[0]).relative_to(folder)),
                hint="where you trust it, load it once and save it again: save_pretrained writes safetensors",
            )
    if not any(folder.rglob("*.safetensors")):
        raise DataError(
            f"{path}: a model folder without weights: it holds no .safetensors file",
            hint="name the folder that save_pretrained wrote",
        )


def _check_modules(path: str, folder: Path) -> None:
    file = folder / "modules.json"
    if not file.is_file():
        return
    try:
        kinds = [str(module["type"]) for module in json.loads(file.read_text("utf-8"))]
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise DataError(f"{path}: modules.json cannot be read", got=str(error)) from error
    own = next((kind for kind in kinds if not kind.startswith("sentence_transformers.")), None)
    if own is not None:
        raise DataError(
            f"{path}: the model brings code of its own, which is not run",
            got=f"the module {own} in modules.json",
            hint="embed the texts yourself and give the vectors: matrix:FILE.npy",
        )
