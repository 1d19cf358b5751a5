"""Mining: from a data set to a data set with near misses."""

from __future__ import annotations

import inspect
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import FunctionType

import numpy as np

from negspace._version import __version__
from negspace.embedders import Embedder, EmbeddingCache, MatrixEmbedder, cached, open_embedder
from negspace.errors import DataError
from negspace.execution import cpu_count
from negspace.mining.findings import Mined
from negspace.mining.formats import FORMATS, HITS, Renderer
from negspace.mining.mining_part import MiningCounts, MiningPlan, mine_part
from negspace.mining.output import OutputPlace, output_place, publish, stage_output
from negspace.mining.pool import MiningPool, read_pool
from negspace.mining.report import render_card
from negspace.mining.settings import (
    MiningSettings,
    check_fits,
    check_whole,
    needs_partner,
    parse_sources,
    prompted,
)
from negspace.mining.sources import (
    Bm25Source,
    EditSource,
    ModelSource,
    NeighbourSource,
    RowSource,
    predict_out_of_fold,
)
from negspace.mining.summary import Totals, summarise
from negspace.models import TfidfLearner
from negspace.perturbations import FunctionVerifier, Verifier, open_verifier
from negspace.records import Json
from negspace.search import MEMORY
from negspace.store import PartStore, content_hash, locked, package_hash, source_hash
from negspace.study import Progress

OUT = "mined"
"""Where the result goes unless said otherwise: a dataset folder."""

PART = 4096
"""Anchors of a part: what is lost at most when a run is killed."""

_ORDER_OF_PAIRS = (
    "the distinct anchors in order of first appearance, then of the distinct positives, then of the rows of "
    "the corpus that are no positive"
)


def mine(
    data: object,
    *,
    out: str | Path = OUT,
    corpus: object | None = None,
    text: str | None = None,
    label: str | None = None,
    group: str | None = None,
    anchor: str | None = None,
    positive: str | None = None,
    sources: str | Sequence[str] = "neighbours",
    embedder: str | Embedder = "tfidf",
    verifier: str | Verifier | None = None,
    negatives: int = 3,
    format: str = "triplet",  # noqa: A002 - what the flag and the formats' own documentation call it
    sampling: str = "top",
    range_min: int = 0,
    range_max: int | None = None,
    absolute_margin: float | None = None,
    relative_margin: float | None = None,
    max_score: float | None = None,
    min_score: float | None = None,
    near_duplicate: float | None = 0.95,
    pair_with: str = "nearest",
    provenance: bool = False,
    seed: int = 0,
    memory: int = MEMORY,
    workers: int | None = None,
    part: int = PART,
    progress: Progress | None = None,
) -> Mined:
    """Find near misses for every row, and write them in a form that other libraries train on.

    A run that was killed goes on from its finished parts when the same call is made again, and ends with the
    same bytes.

    Args:
        data: Labelled texts, anchor/positive pairs or a plain corpus: a path (JSONL, CSV, TSV, Parquet, a
            Hugging Face dataset folder) or a pandas or polars frame, an Arrow table, a ``datasets.Dataset``.
        out: A ``.jsonl`` or ``.parquet`` file, or a Hugging Face dataset folder.
        corpus: For pairs: further rows that may be negatives.
        text: Column of texts; recognised by its name where None.
        label: Column of labels; recognised by its name where None, except in pairs.
        group: For labelled texts: column that joins variants of one original.
        anchor: Column of anchors; recognised by its name where None.
        positive: Column of positives; recognised by its name where None.
        sources: One or several of ``neighbours``, ``bm25``, ``model`` and ``edits``, as a list or joined by
            commas.
        embedder: ``tfidf``, ``st:PATH``, ``hf:PATH``, ``matrix:FILE.npy``, or one of your own.
        verifier: For edits: name of a verifier, or one of your own.
        negatives: See `MiningSettings`, as for all that follow up to ``seed``.
        format: ``triplet``, ``n-tuple``, ``labelled-pair``, ``labelled-list``, ``preference``,
            ``minimal-pair`` or ``groups``.
        sampling: ``"top"`` or ``"random"``.
        range_min: See `MiningSettings`.
        range_max: See `MiningSettings`.
        absolute_margin: See `MiningSettings`.
        relative_margin: See `MiningSettings`.
        max_score: See `MiningSettings`.
        min_score: See `MiningSettings`.
        near_duplicate: See `MiningSettings`.
        pair_with: ``"nearest"`` or ``"random"``.
        provenance: See `MiningSettings`.
        seed: See `MiningSettings`.
        memory: Bytes that a search may hold. No result depends on it.
        workers: Threads; the number of cores where None. No result depends on it.
        part: Anchors of a part, which is kept when it is finished. No result depends on it.
        progress: Told what is being done.

    Returns:
        What was found: ``to_dict()``, ``save(folder)``, ``path``.

    Raises:
        DataError: If the data cannot be used, or no anchor has a negative left.
        PlanError: If the settings cannot give an answer.
        MissingExtraError: If a package is not installed.
        StoreError: If the output cannot be written.

    Examples:
        >>> import negspace
        >>> negspace.mine("train.csv", out="triplets.jsonl", relative_margin=0.05)  # doctest: +SKIP
    """
    settings = MiningSettings(
        sources=parse_sources(sources) if isinstance(sources, str) else tuple(sources),
        negatives=negatives,
        format=format,
        sampling=sampling,
        range_min=range_min,
        range_max=range_max,
        absolute_margin=absolute_margin,
        relative_margin=relative_margin,
        max_score=max_score,
        min_score=min_score,
        near_duplicate=near_duplicate,
        pair_with=pair_with,
        provenance=provenance,
        seed=seed,
    )
    check_whole("part", part, least=1)
    place = output_place(out, [each for each in (data, corpus) if isinstance(each, str | Path)])
    report = progress or (lambda _stage, _done, _total: None)
    opened = open_verifier(verifier) if isinstance(verifier, str) else verifier
    vectors = open_embedder(embedder) if isinstance(embedder, str) else embedder
    report("reading", 0, 1)
    pool = read_pool(
        data, corpus=corpus, text=text, label=label, group=group, anchor=anchor, positive=positive
    )
    check_fits(settings, pool, verified=opened is not None)
    pool = _check_order(vectors, pool)
    with locked(place.work):
        plan = _plan(
            pool, settings, vectors, opened, memory=memory, workers=workers or cpu_count(), progress=report
        )
        return _run(plan, place, part, code_hash(opened, vectors), report)


def code_hash(*parts: object, package: Path | None = None) -> str | None:
    """Hash (SHA-256, hex) the code that a run depends on: finished parts of other code are of no use.

    Of verifiers and embedders, those of this package add nothing to the hash of all its modules. None where
    the code of a part cannot be known, so that nothing may be resumed.
    """
    own = [_source(part) for part in parts if part is not None]
    if any(each is None for each in own):
        return None
    whole = package_hash() if package is None else package_hash(package)
    return content_hash({"package": whole, "parts": own})


def _source(part: object) -> str | None:
    """Hash of a part's source: of the file or package it stands in, else of its own lines."""
    whole = ""
    code: type | FunctionType = type(part)
    if isinstance(part, FunctionVerifier):
        # What a closure, a method or an object holds is in no source.
        if not isinstance(part.function, FunctionType) or part.function.__closure__ is not None:
            return None
        code = part.function
    elif code.__module__.partition(".")[0] == "negspace":
        return ""
    else:
        whole = source_hash(part)
    try:
        source, file = inspect.getsource(code), inspect.getsourcefile(code)
        text = Path(file).read_text(encoding="utf-8") if file and Path(file).is_file() else ""
    except (TypeError, OSError, ValueError):
        return None
    return content_hash([code.__module__, code.__qualname__, source, text, whole])


def _check_order(embedder: Embedder, pool: MiningPool) -> MiningPool:
    """Say in which order a matrix is to hold the texts of pairs, which their file does not show."""
    if not isinstance(embedder, MatrixEmbedder) or embedder.frozen or pool.is_one_set:
        return pool
    given, needed = len(embedder.vectors), len(pool.anchors) + len(pool.corpus)
    if given != needed:
        raise DataError(
            f"{embedder.source}: {given} vectors for {needed} texts; of pairs, each distinct text has one",
            got=f"{pool.source}: {len(pool.anchors)} distinct anchors, {len(pool.corpus)} rows to search",
            hint=f"give the vectors of {_ORDER_OF_PAIRS}",
        )
    return replace(pool, notes=(*pool.notes, f"vectors are taken to be those of {_ORDER_OF_PAIRS}"))


def _plan(
    pool: MiningPool,
    settings: MiningSettings,
    embedder: Embedder,
    verifier: Verifier | None,
    *,
    memory: int,
    workers: int,
    progress: Progress,
) -> MiningPlan:
    """Open the sources that are asked for, and embed what they need."""
    near = None
    if settings.sources != ("edits",) or needs_partner(pool, settings):
        progress("embedding texts", 0, 1)
        embed = cached(embedder, EmbeddingCache()).embed
        if pool.is_one_set:
            anchors = rows = embed(pool.anchors, progress=progress)
        else:
            both = embed((*pool.anchors, *pool.corpus), progress=progress)
            anchors, rows = both[: len(pool)], both[len(pool) :]
        near = NeighbourSource(pool, anchors, rows, embedder.describe(), memory=memory, workers=workers)
    searchers: list[RowSource] = []
    for name in settings.sources:
        if name == "bm25":
            progress("indexing words", 0, 1)
            searchers.append(Bm25Source(pool, workers=workers))
        elif name == "model":
            assert near is not None
            progress("asking a learner", 0, 1)
            learner = TfidfLearner()
            chances = predict_out_of_fold(pool, learner, seed=settings.seed, workers=workers)
            searchers.append(ModelSource(pool, chances, near, learner.describe()))
        elif name == "neighbours":
            assert near is not None
            searchers.append(near)
    edits = None if verifier is None else EditSource(pool, verifier, seed=settings.seed)
    most = max(int(np.diff(pool.positives.indptr).max(initial=1)), 1)
    return MiningPlan(pool, settings, tuple(searchers), edits, near, most)


def _run(plan: MiningPlan, place: OutputPlace, part: int, code: str | None, report: Progress) -> Mined:
    """Mine the parts that are not finished yet, then write the output."""
    pool, settings = plan.pool, plan.settings
    # Each source, what its score is, and all that decides its hits.
    known = {source.name: source for source in (*plan.searchers, plan.edits) if source is not None}
    sources: list[Mapping[str, Json]] = [
        {**known[name].describe(), "score": known[name].score} for name in settings.sources
    ]
    decided: dict[str, Json] = {
        "data": pool.fingerprint,
        "settings": settings.describe(),
        "sources": sources,
        "vectors": None if plan.near is None else plan.near.describe(),
        "version": __version__,
    }
    key = content_hash(decided)
    # Code that cannot be known may be other code the next time: nothing is resumed.
    resumable: dict[str, Json] = {"run": key, "part": part, "code": code or secrets.token_hex()}
    store = PartStore(place.work, content_hash(resumable), HITS)
    starts = range(0, len(pool), part)
    names = [f"{number:06d}" for number in range(len(starts))]
    try:
        for name, start in zip(names, starts, strict=True):
            report("mining", start, len(pool))
            if not store.has(name):
                hits, counts = mine_part(plan, start, min(start + part, len(pool)))
                store.put(name, hits, counts.to_json())
        report("writing", 0, 1)
        totals = Totals()
        for hits, kept in store.all(names):
            totals.add(hits, MiningCounts.from_json(kept))
        form, renderer = (
            FORMATS[settings.format],
            Renderer(pool, settings.negatives, prompted(pool, settings)),
        )
        parts = (hits for hits, _ in store.all(names))
        new = stage_output(
            place, store.staged, parts, form, renderer, provenance=settings.provenance, fingerprint=key
        )
        findings = summarise(plan, sources, totals, renderer, place, key)
        publish(new, place, findings, render_card(findings))
    except DataError:  # the same call would fail again, and has nothing to go on from
        store.remove()
        raise
    store.remove()
    return Mined(place.path, findings)
