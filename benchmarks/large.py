"""Time and peak memory of an audit of many short texts.

Makes rows like CLINC150's (150 intents, about nine words each, a fifth of a row's words particular to its
intent, the rest drawn from a common vocabulary with Zipf's law), audits them with mined near misses, and
prints the process's peak memory. The promise is under 4 GB at 100,000 rows.

    python benchmarks/large.py                # 100,000 rows, 10 seeds
    python benchmarks/large.py --rows 20000
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from pathlib import Path

import numpy as np

from negspace import RunStore, audit
from negspace.data import write_rows

_INTENTS = 150
_VOCABULARY = 6000
_OWN_WORDS = 30


def made(path: Path, rows: int) -> None:
    """Write rows of made-up intents."""
    rng = np.random.default_rng(0)
    zipf = 1.0 / np.arange(1, _VOCABULARY + 1)
    common = rng.choice(_VOCABULARY, size=(rows, 14), p=zipf / zipf.sum())
    # Neighbouring intents share half of their own words, so that some are near misses of each other.
    intent = rng.integers(_INTENTS, size=rows)
    own = intent[:, None] * (_OWN_WORDS // 2) + rng.integers(_OWN_WORDS, size=(rows, 3))
    length = rng.integers(4, 13, size=rows)
    write_rows(
        path,
        [
            {
                "text": " ".join([*(f"w{w}" for w in common[i, : length[i]]), *(f"own{w}" for w in own[i])]),
                "label": f"intent {intent[i]:03}",
            }
            for i in range(rows)
        ],
    )


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--seeds", type=int, default=10)
    options = parser.parse_args()
    last = ""

    def say(stage: str, done: int, total: int) -> None:
        nonlocal last
        if stage != last or total > 1:
            print(f"  {time.perf_counter() - start:7.1f} s  {stage} {done}/{total}", flush=True)
        last = stage

    with tempfile.TemporaryDirectory() as name, RunStore() as store:
        folder = Path(name)
        made(folder / "train.jsonl", options.rows)
        start = time.perf_counter()
        result = audit(folder / "train.jsonl", seeds=options.seeds, store=store, progress=say)
        result.save(folder / "out")
        took = time.perf_counter() - start
    found = result.to_dict()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2  # kilobytes on Linux
    print(f"{options.rows} rows, {options.seeds} seeds: {took:.0f} s, peak memory {peak:.2f} GB")
    for name in ("easy", "near_miss"):
        print(name, found[name] and f"{found[name]['mean']:.3f} on {found[name]['n']} rows")
    print(found["roles"])


if __name__ == "__main__":
    main()
