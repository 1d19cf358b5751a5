"""What softmax negative pressure costs, against a plain forward pass and cross-entropy of the same batch.

A GPT-2 of random weights (4 layers, width 256, 4,096 words, input and output embedding apart, float32), on
one thread. Plain and probe take turns; each turn gives a ratio, and the median of the ratios is printed with
the interval of a sign test (95 %). Times are of the processor, for this process alone, so that a neighbour on
the machine disturbs them less; ``--wall`` takes the clock on the wall. The neighbours of the tokens, found
once for a model, are found before.

Memory is the highest resident set of a process that does nothing else, above that of one that has loaded the
model.

    python benchmarks/probe_pressure.py [--rounds 31] [--wall] [--tokens]
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import resource
import time
from collections.abc import Callable
from multiprocessing.connection import Connection

import numpy as np
import torch
from scipy.stats import binom

from negspace.data import Fragments
from negspace.language_models import LanguageModel, TinySettings, batches, build_network
from negspace.probes import PressureProbe

VOCABULARY = 4096
SHAPES = ((8, 128), (4, 512))
WAYS = ("idle", "plain", "pressure")


def model() -> LanguageModel:
    """Open the GPT-2; its weights are random."""
    network = build_network(TinySettings(layers=4, width=256, heads=4, context=512), VOCABULARY, 0)
    network.config.tie_word_embeddings = False
    network.lm_head.weight = torch.nn.Parameter(network.lm_head.weight.detach().clone())
    return LanguageModel("random", network, None, "random", 512)


def made_up(fragments: int, length: int) -> Fragments:
    """Draw fragments of random tokens."""
    tokens = np.random.default_rng(0).integers(0, VOCABULARY, (fragments, length)).astype(np.int32)
    names = tuple(f"row {i}" for i in range(fragments))
    return Fragments(names, tokens, np.full(fragments, length), names, "random")


def ways(opened: LanguageModel, size: int, length: int, *, tokens: bool) -> dict[str, Callable[[], object]]:
    """What is timed: the same batch, the plain way and the probe's."""
    fragments, probe = made_up(size, length), PressureProbe()

    def plain() -> None:
        with torch.inference_mode():
            for batch in batches(fragments, range(size), tokens=size * length):
                logits = opened.network(**batch.inputs()).logits
                torch.nn.functional.cross_entropy(logits[:, :-1].flatten(0, 1), batch.ids[:, 1:].flatten())

    def pressure() -> object:
        return probe.measure(opened, fragments, range(size), batch=size * length, tokens=tokens)

    return {"idle": lambda: None, "plain": plain, "pressure": pressure}


def interval(ratios: np.ndarray) -> tuple[float, float]:
    """Where the median lies, by the sign test."""
    ranked = np.sort(ratios)
    at = max(0, int(binom.ppf(0.025, len(ranked), 0.5)) - 1)
    return float(ranked[at]), float(ranked[-1 - at])


def serve(pipe: Connection, way: str, size: int, length: int, tokens: bool) -> None:
    """Send the peak memory of one way in this process, in bytes."""
    torch.set_num_threads(1)
    run = ways(model(), size, length, tokens=tokens)[way]
    run()
    pipe.send(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)


def peak(way: str, size: int, length: int, tokens: bool) -> int:
    """Peak memory of one way, in a process of its own."""
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=serve, args=(there, way, size, length, tokens))
    process.start()
    there.close()
    found: int = here.recv()
    process.join()
    return found


def main() -> None:
    """Time and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=31)
    parser.add_argument("--wall", action="store_true", help="time by the clock on the wall")
    parser.add_argument("--tokens", action="store_true", help="name the competitors of each token, too")
    parser.add_argument("--no-memory", action="store_true", help="leave out the memory")
    options = parser.parse_args()
    torch.set_num_threads(1)
    clock = time.perf_counter if options.wall else time.process_time
    opened = model()
    print(f"{options.rounds} rounds, torch {torch.__version__}, load {os.getloadavg()[0]:.1f}")
    for size, length in SHAPES:
        running = ways(opened, size, length, tokens=options.tokens)
        seconds: dict[str, list[float]] = {way: [] for way in ("plain", "pressure")}
        for each in seconds:
            running[each]()
        for turn in range(options.rounds):
            # Who goes second finds warm caches; so they swap.
            for way in sorted(seconds, reverse=turn % 2 == 1):
                start = clock()
                running[way]()
                seconds[way].append(clock() - start)
        plain, pressure = (np.array(each) for each in seconds.values())
        low, high = interval(pressure / plain)
        print(f"B{size} × S{length}: plain {np.median(plain) * 1e3:.0f} ms, ", end="")
        print(f"pressure {np.median(pressure) * 1e3:.0f} ms, ", end="")
        print(f"ratio {np.median(pressure / plain):.3f} [{low:.3f}, {high:.3f}]", flush=True)
        if not options.no_memory:
            memory = {way: peak(way, size, length, options.tokens) / 2**20 for way in WAYS}
            print("  memory above the loaded model: ", end="")
            print(", ".join(f"{way} {memory[way] - memory['idle']:.0f} MiB" for way in WAYS[1:]))


if __name__ == "__main__":
    main()
