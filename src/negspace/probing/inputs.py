"""From what the user names to a model, the fragments probed and the reference."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from negspace.data import Fragments
from negspace.data.corpora import Documents, read_documents
from negspace.data.fragments import select, set_aside, split_documents
from negspace.errors import DataError
from negspace.language_models import (
    Device,
    Dtype,
    LanguageModel,
    TinySettings,
    open_language_model,
    placed,
    train_tiny,
)
from negspace.probes import ProbeSettings
from negspace.probing.findings import Training
from negspace.study import Progress

TINY = "tiny"


@dataclass(frozen=True, eq=False)
class Inputs:
    """What a run reads: model, fragments, the reference of transfer, and where they came from, in words."""

    model: LanguageModel
    fragments: Fragments
    reference: Fragments
    source: str
    reference_source: str
    notes: tuple[str, ...]
    training: Training | None


def read_inputs(
    corpus: object,
    *,
    reference: object | None,
    model: str | LanguageModel,
    text: str | None,
    settings: ProbeSettings,
    device: Device,
    dtype: Dtype,
    trust_remote_code: bool,
    progress: Progress,
) -> Inputs:
    """Read the corpus, open or train the model, and set a reference aside.

    A tiny model is trained on what is probed, and not on what is set aside.

    Raises:
        DataError: The corpus or the model cannot be used.
        PlanError: Fragments would be longer than the model reads, or nothing would be left to probe.
        MissingExtraError: A package is missing.
    """
    progress("reading", 0, 1)
    documents = read_documents(corpus, text=text)
    source = _source_of(corpus)
    against: Documents | None = None
    if reference is not None:
        try:
            against = read_documents(reference, text=text)
        except DataError:  # without the corpus's column: the one that is recognised
            if text is None:
                raise
            against = read_documents(reference)
    aside = settings.set_aside if reference is None else 0
    tiny = TinySettings(context=settings.fragment_tokens)
    if isinstance(model, str):
        progress("opening the model", 0, 1)
        if model == TINY:
            opened = train_tiny(documents, tiny, seed=settings.seed, aside=aside, progress=progress)
            opened = _moved(opened, device, dtype)
        else:
            opened = open_language_model(
                model, device=device, dtype=dtype, trust_remote_code=trust_remote_code
            )
    else:
        opened = model
    progress("splitting the corpus", 0, 1)
    lengths = {"tokens": settings.fragment_tokens, "context": opened.context}
    every, notes = split_documents(documents, opened.encode, **lengths)
    if against is None:
        aside_rows = set_aside(len(every), settings.set_aside, settings.seed)
        if len(aside_rows) == len(every):
            raise DataError(
                f"{source}: there is but one fragment, and one must be set aside as the reference",
                got=f"{documents.names[0]}: {len(every.texts[0]):,} characters",
                hint="give a longer corpus, shorter fragments (--fragment-tokens), or a --reference",
            )
        fragments = select(every, np.setdiff1d(np.arange(len(every)), aside_rows))
        others = select(every, aside_rows)
        reference_source = f"{len(aside_rows)} of {len(every)} fragments of {source}, set aside"
    else:
        found, _ = split_documents(against, opened.encode, **lengths)
        drawn = np.random.default_rng([settings.seed, 2]).permutation(len(found))
        rows = np.sort(drawn[: settings.set_aside])
        fragments, others = every, select(found, rows)
        reference_source = f"{len(rows)} of {len(found)} fragments of {_source_of(reference)}"
    training: Training | None = None
    if model == TINY:
        steps = tuple(checkpoint.step for checkpoint in opened.checkpoints)
        training = Training(max(steps), tiny.batch, steps)
    return Inputs(opened, fragments, others, source, reference_source, notes, training)


def _moved(tiny: LanguageModel, device: Device, dtype: Dtype) -> LanguageModel:
    """A tiny model where it is asked for: it was trained on the CPU, in float32."""
    place, number = placed(device, dtype)
    if place == tiny.device and number == tiny.network.dtype:
        return tiny
    named = hashlib.sha256(f"{tiny.fingerprint} {place} {number}".encode()).hexdigest()
    return replace(tiny, network=tiny.network.to(place, number), device=place, fingerprint=named)


def _source_of(corpus: object) -> str:
    """A name for messages and the report: the last part of a path."""
    return Path(corpus).name or str(corpus) if isinstance(corpus, str | Path) else type(corpus).__name__


def state_hash(model: LanguageModel) -> str:
    """Hash a model that was handed in opened: its parameters, and which of them are trained."""
    import torch

    digest = hashlib.sha256(model.fingerprint.encode())
    for name, parameter in model.network.named_parameters():
        digest.update(f"{name} {parameter.dtype} {parameter.requires_grad}".encode())
        # As bytes: NumPy has no bfloat16.
        digest.update(parameter.detach().cpu().contiguous().view(-1).view(torch.uint8).numpy())
    return digest.hexdigest()
