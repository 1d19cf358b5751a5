"""Embedders by the name the command line knows them by."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

from negspace.embedders.embedder import Embedder
from negspace.embedders.hugging_face import HuggingFaceEmbedder
from negspace.embedders.matrix import read_matrix
from negspace.embedders.sentence_transformer import SentenceTransformerEmbedder
from negspace.embedders.tfidf import TfidfEmbedder
from negspace.errors import PlanError, did_you_mean

__all__ = ["EMBEDDERS", "open_embedder"]

EMBEDDERS: Mapping[str, Callable[[str], Embedder]] = MappingProxyType({
    "tfidf": lambda _: TfidfEmbedder(),
    "st:PATH": SentenceTransformerEmbedder,
    "hf:PATH": HuggingFaceEmbedder,
    "matrix:FILE.npy": read_matrix,
})  # fmt: skip
"""How each is opened, given what stands after the colon of its name."""


def open_embedder(name: str) -> Embedder:
    """Open an embedder.

    Args:
        name: ``tfidf``, ``st:PATH``, ``hf:PATH`` or ``matrix:FILE.npy``.

    Raises:
        PlanError: If there is no embedder of that name.
        DataError: If what it names cannot be used.
        MissingExtraError: If it needs a package that is not installed.
    """
    kind, colon, rest = name.partition(":")
    for form, opened in EMBEDDERS.items():
        known, needs, what = form.partition(":")
        if kind != known:
            continue
        if needs and not rest:
            raise PlanError(f"the embedder '{known}' needs a path", got=name, hint=f"write {known}:{what}")
        if colon and not needs:
            raise PlanError(f"the embedder '{known}' takes no path", got=name, hint=f"write {known}")
        return opened(rest)
    if name and Path(name).expanduser().is_dir():
        raise PlanError(f"'{name}' is a folder, and not said to be of what kind", hint=f"write st:{name}")
    near = {form.partition(":")[0]: form for form in EMBEDDERS}
    raise PlanError(f"there is no embedder '{name}'", hint=_suggest(kind, near))


def _suggest(kind: str, forms: Mapping[str, str]) -> str:
    said = did_you_mean(kind, forms)
    for known, form in forms.items():
        said = said.replace(f"'{known}'", f"'{form}'")
    return said
