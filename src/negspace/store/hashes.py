"""Content addresses: what decides a result, hashed."""

from __future__ import annotations

import hashlib
import inspect
import json
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from negspace.records import Json

_PACKAGE = Path(__file__).parents[1]


def content_hash(content: Json) -> str:
    """Hash JSON content, independent of the order of keys.

    Args:
        content: Anything JSON can hold; NaN and infinities are refused, as they are no JSON.

    Returns:
        SHA-256, hex.
    """
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def source_hash(part: object) -> str:
    """Hash the code that a part runs: all modules of the package folder its class stands in.

    A changed learner thus computes anew instead of handing out what its older self had found.

    Args:
        part: An instance of a class that stands in a file. For one typed into a notebook, the
            source of the class alone is hashed; where there is none, its qualified name.

    Returns:
        SHA-256, hex.
    """
    kind = type(part)
    try:
        file = Path(inspect.getfile(kind))
        if file.is_file() and (file.parent / "__init__.py").is_file():
            return _folder_hash(file.parent)
        return content_hash(inspect.getsource(kind))
    except (TypeError, OSError):
        return content_hash(f"{kind.__module__}.{kind.__qualname__}")


@cache
def _folder_hash(folder: Path) -> str:
    return _hash_files(folder, folder.glob("*.py"))


@cache
def package_hash(package: Path = _PACKAGE) -> str:
    """Hash all modules of this package: finished parts of other code are of no use."""
    return _hash_files(package, package.rglob("*.py"))


def _hash_files(folder: Path, files: Iterable[Path]) -> str:
    digest = hashlib.sha256()
    for file in sorted(files):
        digest.update(f"{file.relative_to(folder).as_posix()}\0".encode())
        digest.update(hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()
