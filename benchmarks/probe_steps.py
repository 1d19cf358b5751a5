"""What a step on one fragment costs, as a multiple of a plain forward and backward pass over it.

A GPT-2 of 4 layers, width 256, 4,096 tokens, head untied, float32, random weights, one thread. Every round
times each line once, between plain forward and backward passes; printed are medians over the rounds of the
ratio to the passes beside it. Timed is what another fragment adds: what a probe does once a chunk (the
reference before any step) takes the time of a few fragments, and a chunk has many. Seconds are those of the
processor, so that other work on the machine disturbs little.

    python benchmarks/probe_steps.py                        # fragments of 512 tokens
    python benchmarks/probe_steps.py --tokens 128 --rounds 20
"""

from __future__ import annotations

import argparse
import runpy
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from negspace.data import Fragments
from negspace.embedders import quiet
from negspace.language_models import LanguageModel, take
from negspace.probes import LAGS, Probe, RetentionProbe, StepProbe
from negspace.probes.engines import choose_step_size, gradient, mean_losses

VOCABULARY = 4096
MORE = 3


def drawn(seed: int, count: int, tokens: int) -> Fragments:
    ids = np.random.default_rng(seed).integers(0, VOCABULARY, (count, tokens)).astype(np.int32)
    return Fragments(("",) * count, ids, np.full(count, tokens), ("",) * count, f"{seed}-{count}")


def build(tokens: int) -> LanguageModel:
    with quiet():
        from transformers import GPT2Config, GPT2LMHeadModel

        torch.manual_seed(0)
        config = GPT2Config(
            vocab_size=VOCABULARY,
            n_positions=tokens,
            n_embd=256,
            n_layer=4,
            n_head=4,
            tie_word_embeddings=False,
            bos_token_id=None,
            eos_token_id=None,
        )
        return LanguageModel("gpt", GPT2LMHeadModel(config).eval(), None, "", tokens)


def seconds(run: Callable[[], object]) -> float:
    start = time.process_time()
    run()
    return time.process_time() - start


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--tokens", type=int, default=512)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--only", default="", help="lines whose name has this")
    parser.add_argument("--exact", action="store_true", help="also the further steps themselves (slow)")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    model = build(asked.tokens)
    parameters = list(model.network.parameters())
    fragments = drawn(0, 1 + MORE, asked.tokens)
    one, two, further = (drawn(seed, n, asked.tokens) for seed, n in ((1, 1), (2, 2), (3, max(LAGS))))

    def plain() -> list[torch.Tensor]:
        # The gradient each time anew, as the probes have it: no `grad` to add to.
        found: list[torch.Tensor] = gradient(mean_losses(model.network, take(fragments, [0]))[0], parameters)
        return found

    size = choose_step_size(np.array([sum(float((g.double() ** 2).sum()) for g in plain())]))
    along = RetentionProbe(two, size)
    probes: dict[str, Probe] = {
        "step, reference of 1": StepProbe(one, size),
        "step, reference of 2": StepProbe(two, size),
        "step, reference of 2, no attention": StepProbe(two, size, queries=0),
        "retention alone, others 2": along,
        "step and retention, reference = others = 2": StepProbe(two, size, retention=along),
        "step and retention, the same, no attention": StepProbe(two, size, queries=0, retention=along),
    }
    probes = {name: probe for name, probe in probes.items() if asked.only in name}
    print(f"{asked.tokens} tokens, step size {size:.4g}")
    ratios: defaultdict[str, list[float]] = defaultdict(list)
    for round_ in range(asked.rounds + 1):
        for name, probe in probes.items():

            def run(rows: range, probe: Probe = probe) -> object:
                return probe.measure(model, fragments, rows, batch=4 * asked.tokens)

            few = seconds(lambda: run(range(1)))
            if not round_:  # that was to warm up
                continue
            base = [seconds(plain) for _ in range(2)]
            added = (seconds(lambda: run(range(1 + MORE))) - few) / MORE
            base += [seconds(plain) for _ in range(2)]
            ratios["plain pass, ms"].append(float(np.mean(base)) * 1e3)
            ratios[name].append(added / float(np.mean(base)))
            print(f"  {name}: {ratios[name][-1]:.2f}", flush=True)
    if asked.exact:
        tests = Path(__file__).resolve().parents[1] / "tests" / "probes"
        exact_retention = runpy.run_path(str(tests / "exact_retention.py"))["exact_retention"]
        base = [seconds(plain) for _ in range(4)]
        taken = seconds(lambda: exact_retention(model, fragments, [0], further, size))
        # The path without the own step, as long as the one with it, is walked once for all fragments.
        ratios["the further steps themselves"].append(taken / 2 / float(np.mean(base)))
    for name, each in ratios.items():
        print(f"{name:45}{np.median(each):8.2f}   [{np.min(each):.2f}, {np.max(each):.2f}]")


if __name__ == "__main__":
    main()
