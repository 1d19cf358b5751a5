"""What mining costs, against sentence-transformers' `mine_hard_negatives` and the bare product.

50,000 made-up pairs of distinct texts, embedded by a real `SentenceTransformer` made of a `StaticEmbedding`
of 256 random numbers a word. Each way runs in a process of its own, in turn, several rounds, on the same
vectors; imports are done before the clock starts:

* peer, torch and peer, FAISS: `mine_hard_negatives` with its default settings (or `--margin`), and
  `use_faiss=True`; what its calls of the model took is timed too, and ratios are given with and without;
* exact: `top_k` and `apply_rules` on the stored vectors;
* product: the bare float32 product, in blocks, thrown away.

Printed are medians over rounds, ratios of each round, peak memory of each process, how many queries have
other negatives than the peer (and by how much their scores differ), and the load of the machine. `--curve`
prints what more rows cost.

    python benchmarks/mining.py            # 50,000 pairs, 3 rounds
    python benchmarks/mining.py --quick    # 8,000 pairs, 1 round
    python benchmarks/mining.py --curve
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import resource
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float32
from threadpoolctl import threadpool_limits

DIMS = 256
WORDS, LENGTH = 30_000, 8
NEGATIVES = 3
CURVE = (10_000, 30_000, 100_000, 300_000, 1_000_000)
CURVE_QUERIES = 10_000
WAYS = ("peer, torch", "peer, FAISS", "exact", "product")


def texts(pairs: int) -> tuple[list[str], list[str]]:
    """Distinct anchors and positives of made-up words; a positive shares about half of its anchor's."""
    rng = np.random.default_rng(0)
    anchors = rng.integers(0, WORDS, (pairs, LENGTH))
    positives = np.where(rng.random((pairs, LENGTH)) < 0.5, anchors, rng.integers(0, WORDS, (pairs, LENGTH)))
    names = np.array([f"w{i}" for i in range(WORDS)])
    # A number of its own makes every text distinct, and is no word of the model.
    return tuple(  # type: ignore[return-value]
        [f"{' '.join(names[row])} {side}{i}" for i, row in enumerate(rows)]
        for side, rows in (("a", anchors), ("p", positives))
    )


def model() -> Any:
    """A sentence-transformers model of random word vectors."""
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import StaticEmbedding
    from tokenizers import Tokenizer, models, pre_tokenizers

    vocabulary = {"[UNK]": 0} | {f"w{i}": i + 1 for i in range(WORDS)}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    weights = np.random.default_rng(1).standard_normal((len(vocabulary), DIMS), dtype=np.float32)
    weights[0] = 0
    return SentenceTransformer(modules=[StaticEmbedding(tokenizer, embedding_weights=weights)], device="cpu")


def peer(
    anchors: list[str], positives: list[str], faiss: bool, margin: float | None
) -> tuple[np.ndarray, np.ndarray, float]:
    """Mine with the peer; positions of the negatives, their scores, and the seconds that embedding took."""
    from datasets import Dataset
    from sentence_transformers.util import mine_hard_negatives

    encoder, embedding = model(), 0.0

    def timed(encode: Any) -> Any:
        def call(*args: Any, **options: Any) -> Any:
            nonlocal embedding
            start = time.perf_counter()
            try:
                return encode(*args, **options)
            finally:
                embedding += time.perf_counter() - start

        return call

    encoder.encode_query, encoder.encode_document = map(
        timed, (encoder.encode_query, encoder.encode_document)
    )
    mined = mine_hard_negatives(
        Dataset.from_dict({"anchor": anchors, "positive": positives}),
        encoder,
        num_negatives=NEGATIVES,
        relative_margin=margin,
        output_format="labeled-list",
        output_scores=True,
        batch_size=1024,
        use_faiss=faiss,
        verbose=False,
    )
    place = {text: i for i, text in enumerate(positives)}
    query = {text: i for i, text in enumerate(anchors)}
    rows = np.full((len(anchors), NEGATIVES), -1, dtype=np.int32)
    scores = np.full((len(anchors), NEGATIVES), -np.inf, dtype=np.float32)
    for anchor, listed, scored in zip(mined["anchor"], mined["positive"], mined["scores"], strict=True):
        at, found = query[anchor], [place[text] for text in listed[1:]]
        rows[at, : len(found)], scores[at, : len(found)] = found, scored[1:]
    return rows, scores, embedding


def ours(
    queries: Float32[np.ndarray, "n dims"],
    corpus: Float32[np.ndarray, "n dims"],
    margin: float | None,
) -> tuple[np.ndarray, np.ndarray]:
    """Mine with negspace, under the peer's settings."""
    from negspace.search import Rules, apply_rules, least_positive, pair_scores, top_k

    rules = Rules(num_negatives=NEGATIVES, relative_margin=margin)
    positives = np.arange(len(queries) + 1), np.arange(len(queries))
    hits = top_k(queries, corpus, rules.last_rank() + 1, workers=os.cpu_count() or 1)
    least = least_positive(pair_scores(queries, positives[1], corpus, positives[1]), positives[0])
    kept = apply_rules(hits, rules, positives=positives, least=least)
    return kept.rows, kept.scores


def product(queries: Float32[np.ndarray, "n dims"], corpus: Float32[np.ndarray, "n dims"]) -> None:
    """Multiply, in blocks that a cache holds, with a thread a core, and keep nothing."""

    def block(start: int) -> None:
        left = queries[start : start + 1024]
        out = np.empty((len(left), 4096), dtype=np.float32)
        for at in range(0, len(corpus), 4096):
            right = corpus[at : at + 4096]
            np.matmul(left, right.T, out=out[:, : len(right)])

    with threadpool_limits(1), ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(block, range(0, len(queries), 1024)))


def serve(pipe: Connection, way: str, pairs: int, folder: Path, margin: float | None) -> None:
    """Run one way in this process; send its seconds, those of embedding, and peak memory in bytes."""
    embedding = 0.0
    if way.startswith("peer"):
        anchors, positives = texts(pairs)
        import datasets
        import faiss  # noqa: F401
        import sentence_transformers.util  # noqa: F401

        datasets.disable_progress_bars()
        start = time.perf_counter()
        rows, scores, embedding = peer(anchors, positives, way.endswith("FAISS"), margin)
    else:
        queries, corpus = np.load(folder / "queries.npy"), np.load(folder / "corpus.npy")
        if way != "product":
            import negspace.search  # noqa: F401
        start = time.perf_counter()
        if way == "product":
            product(queries, corpus)
        else:
            rows, scores = ours(queries, corpus, margin)
    seconds = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    if way != "product":
        np.savez(folder / f"{way}.npz", rows=rows, scores=scores)
    pipe.send((seconds, embedding, peak))


def apart(way: str, folder: Path, options: argparse.Namespace) -> tuple[float, float, float]:
    """Run one way in a process of its own."""
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=serve, args=(there, way, options.pairs, folder, options.margin))
    process.start()
    there.close()
    answer: tuple[float, float, float] = here.recv()
    process.join()
    return answer


def embed(pairs: int, folder: Path) -> None:
    """Store the embeddings of the peers' own model."""
    encoder = model()
    for name, listed in zip(("queries", "corpus"), texts(pairs), strict=True):
        vectors = encoder.encode(listed, batch_size=1024, normalize_embeddings=True, show_progress_bar=False)
        np.save(folder / f"{name}.npy", vectors)


def compare(options: argparse.Namespace) -> None:
    """Print times, ratios, memory and agreement."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        # In a process of its own, so that PyTorch stays out of this one.
        embedder = multiprocessing.get_context("spawn").Process(target=embed, args=(options.pairs, folder))
        embedder.start()
        embedder.join()
        print(f"{options.pairs} pairs of {DIMS} numbers, {options.rounds} rounds, {os.cpu_count()} cores")
        runs: dict[str, list[tuple[float, float, float]]] = {way: [] for way in options.ways}
        for _ in range(options.rounds):
            for way in options.ways:
                seconds, embedding, peak = apart(way, folder, options)
                runs[way].append((seconds, embedding, peak))
                print(f"  {way:16}{seconds:8.2f} s, embedding {embedding:5.1f} s", end="")
                print(f"{peak / 2**20:8.0f} MiB   load {os.getloadavg()[0]:.1f}", flush=True)
        table = {way: np.array(each) for way, each in runs.items()}
        for way, each in table.items():
            print(f"{way:16}{np.median(each[:, 0]):8.2f} s{each[:, 2].max() / 2**20:8.0f} MiB")
        for base in options.ways if "exact" in options.ways else ():
            if base != "exact":
                ratios(f"{base} / exact", table[base], table["exact"])
        agreement(folder, options.ways)


def ratios(title: str, base: np.ndarray, mine: np.ndarray) -> None:
    """Print how many times as long and as large the base is."""
    whole, without = base[:, 0] / mine[:, 0], (base[:, 0] - base[:, 1]) / mine[:, 0]
    print(f"{title:32}{np.median(whole):7.2f}   [{whole.min():.2f}, {whole.max():.2f}]", end="")
    if base[:, 1].any():
        print(f"   without its embedding {np.median(without):6.2f}", end="")
    print(f"   memory {base[:, 2].max() / mine[:, 2].max():.1f}")


def agreement(folder: Path, ways: list[str]) -> None:
    """Print how many queries have other negatives than the exact search."""
    found = {way: np.load(folder / f"{way}.npz") for way in ways if way != "product"}
    exact = found.get("exact")
    for way, other in found.items():
        if exact is None or way == "exact":
            continue
        # As sets: rows whose scores are equal to the last bits may come in either order.
        sets = [np.sort(each["rows"], axis=1) for each in (exact, other)]
        differ = (sets[0] != sets[1]).any(axis=1)
        ranked = [np.sort(each["scores"], axis=1) for each in (exact, other)]
        both = np.isfinite(ranked[0]) & np.isfinite(ranked[1])
        largest = np.abs(ranked[0][both] - ranked[1][both]).max()
        # Every row of a query as one number, to count those in common.
        base = np.arange(len(differ))[:, None] * np.int64(len(differ) + 1)
        pairs = [(base + each["rows"])[each["rows"] >= 0] for each in (exact, other)]
        common = float(np.isin(pairs[0], pairs[1]).mean())
        print(f"exact and {way}: {int(differ.sum())} of {len(differ)} queries have other negatives;", end=" ")
        print(f"recall {common:.6f}; scores differ by {largest:.1e} at most")


def curve(options: argparse.Namespace) -> None:
    """Print what more rows cost: queries are at most `CURVE_QUERIES`, and scaled to all rows."""
    from negspace.search import top_k

    memory = options.memory * 2**20
    print(
        f"{options.memory} MiB of working buffers; at most {CURVE_QUERIES} queries, scaled to as many as rows"
    )
    print(f"{'rows':>10}{'exact':>12}   load")
    for rows in CURVE[: options.points]:
        corpus = np.random.default_rng(rows).standard_normal((rows, DIMS), dtype=np.float32)
        corpus /= np.linalg.norm(corpus, axis=1, keepdims=True)
        asked = min(rows, CURVE_QUERIES if not options.quick else 1000)
        itself = np.arange(asked + 1), np.arange(asked)
        start = time.perf_counter()
        top_k(corpus[:asked], corpus, 10, passed_over=itself, memory=memory, workers=os.cpu_count() or 1)
        seconds = (time.perf_counter() - start) * rows / asked
        print(f"{rows:>10}{seconds:>10.1f} s   {os.getloadavg()[0]:.1f}", flush=True)


def main() -> None:
    """Time and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pairs", type=int, default=50_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=list(WAYS))
    parser.add_argument("--margin", type=float, help="relative margin")
    parser.add_argument("--curve", action="store_true")
    parser.add_argument("--points", type=int, default=len(CURVE), help="points of the curve")
    parser.add_argument("--memory", type=int, default=256, help="MiB of working buffers, for the curve")
    parser.add_argument("--quick", action="store_true")
    options = parser.parse_args()
    if options.quick:
        options.pairs, options.rounds = min(options.pairs, 8_000), 1
        options.points = min(options.points, 3)
    if options.curve:
        curve(options)
    else:
        compare(options)


if __name__ == "__main__":
    main()
