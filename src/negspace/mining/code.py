"""The code that a run depends on, as a hash: finished parts of other code are of no use."""

from __future__ import annotations

import inspect
from pathlib import Path
from types import FunctionType

from negspace.perturbations import FunctionVerifier
from negspace.store import content_hash, package_hash, source_hash

__all__ = ["code_hash"]


def code_hash(*parts: object) -> str | None:
    """Hash all modules of this package, and the source of the user's own parts.

    Args:
        parts: Verifiers and embedders; those of this package add nothing.

    Returns:
        SHA-256, hex; None where the code of a part cannot be known, so that nothing may be resumed.
    """
    own = [_source(part) for part in parts if part is not None]
    if any(each is None for each in own):
        return None
    return content_hash({"package": package_hash(), "parts": own})


def _source(part: object) -> str | None:
    """Hash of a part's source: of the file or package it stands in, else of its own lines."""
    if isinstance(part, FunctionVerifier):
        function = part.function
        # What a closure, a method or an object holds is in no source.
        if not isinstance(function, FunctionType) or function.__closure__ is not None:
            return None
        return _text_of(function)
    kind = type(part)
    if kind.__module__.partition(".")[0] == "negspace":
        return ""
    text = _text_of(kind)
    return None if text is None else content_hash([text, source_hash(part)])


def _text_of(code: type | FunctionType) -> str | None:
    try:
        source = inspect.getsource(code)
        file = inspect.getsourcefile(code)
        whole = Path(file).read_text(encoding="utf-8") if file and Path(file).is_file() else ""
    except (TypeError, OSError, ValueError):
        return None
    return content_hash([code.__module__, code.__qualname__, source, whole])
