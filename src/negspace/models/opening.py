"""Learners by the name the command line knows them by."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

from negspace.embedders import EmbeddingCache, EmbeddingProgress, cached, open_embedder
from negspace.errors import PlanError, did_you_mean
from negspace.models.arms import Learner, TextArm, TextTask
from negspace.models.embedding import EmbeddingLearner
from negspace.models.lstm import LstmLearner
from negspace.models.tfidf import TfidfLearner

__all__ = ["open_learner"]

_BARE: Mapping[str, Callable[[], Learner[TextTask, TextArm]]] = MappingProxyType(
    {"tfidf": TfidfLearner, "lstm": LstmLearner}
)
_FORMS = {"tfidf": "tfidf", "lstm": "lstm", "st": "st:PATH", "hf": "hf:PATH"}


def open_learner(name: str, *, progress: EmbeddingProgress | None = None) -> Learner[TextTask, TextArm]:
    """Open a learner.

    Args:
        name: ``tfidf`` or ``lstm``; or ``st:PATH`` or ``hf:PATH``, for logistic regression on the frozen
            embeddings of a model, kept in the default `EmbeddingCache`.
        progress: Told how far the embedding is, where there is one.

    Raises:
        PlanError: If there is no learner of that name.
        DataError: If the folder it names cannot be used.
        MissingExtraError: If it needs a package that is not installed.
    """
    kind, _, rest = name.partition(":")
    if name in _BARE:
        return _BARE[name]()
    if kind in {"st", "hf"} and rest:
        return EmbeddingLearner(cached(open_embedder(name), EmbeddingCache()), progress=progress)
    if kind in _FORMS:
        raise PlanError(f"the learner '{kind}' is asked for as {_FORMS[kind]}", got=name)
    if name and Path(name).expanduser().is_dir():
        raise PlanError(f"'{name}' is a folder, and not said to be of what kind", hint=f"write st:{name}")
    hint = did_you_mean(kind, _FORMS)
    for known, form in _FORMS.items():
        hint = hint.replace(f"'{known}'", f"'{form}'")
    raise PlanError(f"there is no learner '{name}'", hint=hint)
