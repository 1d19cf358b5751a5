"""Mining: from a data set to a data set with near misses."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from negspace._version import __version__
from negspace.embedders import Embedder, EmbeddingCache, MatrixEmbedder, cached, open_embedder
from negspace.errors import DataError
from negspace.execution import cpu_count
from negspace.mining.assemble import Plan, mine_part
from negspace.mining.card import render_card
from negspace.mining.code import code_hash
from negspace.mining.confusions import Confusions, predict_out_of_fold
from negspace.mining.findings import Findings
from negspace.mining.formats import FORMATS, Renderer
from negspace.mining.hits import SCHEMA
from negspace.mining.inputs import read_pool
from negspace.mining.made import Edits
from negspace.mining.outputs import Written, write_output
from negspace.mining.pool import Pool
from negspace.mining.result import Mined
from negspace.mining.searchers import Neighbours, Searcher
from negspace.mining.settings import Settings, check_fits, check_whole, needs_partner, parse_sources, prompted
from negspace.mining.summary import Tally, summarise
from negspace.mining.target import Target, target_of
from negspace.mining.words import Bm25
from negspace.models import TfidfLearner
from negspace.perturbations import Verifier, open_verifier
from negspace.records import Json
from negspace.search import MEMORY
from negspace.store import PartStore, content_hash, locked
from negspace.study import Progress

__all__ = ["OUT", "PART", "mine"]

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
        sources: Of ``neighbours``, ``bm25``, ``model`` and ``edits``, one or several, as a list or joined by
            commas.
        embedder: ``tfidf``, ``st:PATH``, ``hf:PATH``, ``matrix:FILE.npy``, or one of your own.
        verifier: For edits: name of a verifier, or one of your own.
        negatives: For an anchor, at most.
        format: ``triplet``, ``n-tuple``, ``labelled-pair``, ``labelled-list``, ``preference``,
            ``minimal-pair`` or ``groups``.
        sampling: ``"top"`` takes the hardest that are left, ``"random"`` any that are left.
        range_min: Skip so many of the hardest candidates that the rules leave, in each source.
        range_max: Look at so many of them; None for about ten a negative, after ``range_min``.
        absolute_margin: A negative's score is below that of the positive by so much.
        relative_margin: The same, as a share of the magnitude of the positive's score.
        max_score: Highest score of a negative.
        min_score: Lowest.
        near_duplicate: Leave out what has a cosine of at least this to a positive; None for no such rule.
        pair_with: For labelled texts: the ``"nearest"`` other row of its class is a row's positive, or a
            ``"random"`` one.
        provenance: Write the provenance columns into the output too, not only beside it: to look at, not
            to train on.
        seed: Of all that is drawn.
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
    settings = Settings(
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
    target = target_of(out, [each for each in (data, corpus) if isinstance(each, str | Path)])
    report = progress or (lambda _stage, _done, _total: None)
    opened = open_verifier(verifier) if isinstance(verifier, str) else verifier
    vectors = open_embedder(embedder) if isinstance(embedder, str) else embedder
    report("reading", 0, 1)
    pool = read_pool(
        data, corpus=corpus, text=text, label=label, group=group, anchor=anchor, positive=positive
    )
    check_fits(settings, pool, verified=opened is not None)
    pool = _check_order(vectors, pool)
    with locked(target.work):
        plan = _plan(
            pool, settings, vectors, opened, memory=memory, workers=workers or cpu_count(), progress=report
        )
        return _run(plan, target, part, code_hash(opened, vectors), report)


def _check_order(embedder: Embedder, pool: Pool) -> Pool:
    """Say in which order a matrix is to hold the texts of pairs, which their file does not show.

    Returns:
        The pool, with a note where vectors are taken by position.

    Raises:
        DataError: There is not one vector for each text.
    """
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
    pool: Pool,
    settings: Settings,
    embedder: Embedder,
    verifier: Verifier | None,
    *,
    memory: int,
    workers: int,
    progress: Progress,
) -> Plan:
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
        near = Neighbours(pool, anchors, rows, embedder.describe(), memory=memory, workers=workers)
    searchers: list[Searcher] = []
    for name in settings.sources:
        if name == "bm25":
            progress("indexing words", 0, 1)
            searchers.append(Bm25(pool, workers=workers))
        elif name == "model":
            assert near is not None
            progress("asking a learner", 0, 1)
            learner = TfidfLearner()
            chances = predict_out_of_fold(pool, learner, seed=settings.seed, workers=workers)
            searchers.append(Confusions(pool, chances, near, learner.describe()))
        elif name == "neighbours":
            assert near is not None
            searchers.append(near)
    edits = None if verifier is None else Edits(pool, verifier, seed=settings.seed)
    most = max(int(np.diff(pool.positives.indptr).max(initial=1)), 1)
    return Plan(pool, settings, tuple(searchers), edits, near, most)


def _run(plan: Plan, target: Target, part: int, code: str | None, report: Progress) -> Mined:
    """Mine the parts that are not finished yet, then write the output."""
    pool, settings = plan.pool, plan.settings
    sources = _described(plan)
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
    store = PartStore(target.work, content_hash(resumable), SCHEMA)
    starts = range(0, len(pool), part)
    names = [f"{number:06d}" for number in range(len(starts))]
    try:
        for name, start in zip(names, starts, strict=True):
            report("mining", start, len(pool))
            if not store.has(name):
                store.put(name, *mine_part(plan, start, min(start + part, len(pool))))
        report("writing", 0, 1)
        findings = _write(plan, target, store, names, sources, key)
    except DataError:  # the same call would fail again, and has nothing to go on from
        store.remove()
        raise
    store.remove()
    return Mined(target.path, findings)


def _write(
    plan: Plan,
    target: Target,
    store: PartStore,
    parts: Sequence[str],
    sources: list[Mapping[str, Json]],
    key: str,
) -> Findings:
    """Add up the parts, and render them."""
    pool, settings = plan.pool, plan.settings
    tally = Tally()
    for hits, counts in store.all(parts):
        tally.add(hits, counts)
    renderer = Renderer(pool, settings.negatives, prompted(pool, settings))

    def describe(written: Written) -> tuple[Findings, str]:
        findings = summarise(plan, sources, tally, written, renderer, target, key)
        return findings, render_card(findings)

    return write_output(
        target,
        store.staged,
        lambda: (hits for hits, _ in store.all(parts)),
        FORMATS[settings.format],
        renderer,
        provenance=settings.provenance,
        fingerprint=key,
        describe=describe,
    )


def _described(plan: Plan) -> list[Mapping[str, Json]]:
    """Each source, what its score is, and all that decides its hits."""
    known = {source.name: source for source in (*plan.searchers, plan.edits) if source is not None}
    return [{**known[name].describe(), "score": known[name].score} for name in plan.settings.sources]
