"""What exact gradients of every fragment cost, against a plain forward and backward pass of the same batch.

A GPT of four layers, 256 wide, with 4,096 tokens, untied, in float32, of PyTorch's own modules, so that every
peer can take it. One thread, in one process; all ways take turns, round after round, and each round gives a
ratio to its own plain pass. Times are CPU seconds: those of the wall also count what else the machine does.

* plain: logits, `cross_entropy`, `backward`;
* loop: the same for one fragment at a time, norms and dot products with two directions from its gradients;
* vmap: `vmap(grad)` of `torch.func`, norms and the same dot products;
* Opacus, three modes: `GradSampleModule` with hooks and with `functorch`, norms and the same dot products;
  and its ghost norms, which give no dot products;
* norms, norms + alignment: `GradientMeter` without directions, and with the two.

Printed are medians over rounds with the quartiles of their ratios, and how far norms are from the loop's.

    python benchmarks/probe.py            # both batches, 20 rounds
    python benchmarks/probe.py --quick    # the small batch, 3 rounds
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import os
import time
import warnings
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from negspace.gradients import GradientMeter
from negspace.language_models import Batch

LAYERS, WIDTH, HEADS, VOCABULARY = 4, 256, 4, 4096
BATCHES = ((8, 128), (4, 512))
DIRECTIONS = 2

Way = Callable[[], Any]


class Block(nn.Module):
    """Attention and two linear maps, each after a norm."""

    def __init__(self) -> None:
        super().__init__()
        self.norm_1, self.norm_2 = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)
        self.qkv, self.out = nn.Linear(WIDTH, 3 * WIDTH), nn.Linear(WIDTH, WIDTH)
        self.up, self.down = nn.Linear(WIDTH, 4 * WIDTH), nn.Linear(4 * WIDTH, WIDTH)

    def forward(self, x: Tensor) -> Tensor:
        parts = self.qkv(self.norm_1(x)).chunk(3, dim=-1)
        q, k, v = (part.unflatten(-1, (HEADS, -1)).transpose(-3, -2) for part in parts)
        seen = functional.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.out(seen.transpose(-3, -2).flatten(-2))
        inner: Tensor = self.down(functional.gelu(self.up(self.norm_2(x))))
        return x + inner


class Gpt(nn.Module):
    """The benchmark's language model, called as those of transformers are."""

    def __init__(self) -> None:
        super().__init__()
        self.wte, self.wpe = nn.Embedding(VOCABULARY, WIDTH), nn.Embedding(512, WIDTH)
        self.h = nn.ModuleList(Block() for _ in range(LAYERS))
        self.ln_f, self.lm_head = nn.LayerNorm(WIDTH), nn.Linear(WIDTH, VOCABULARY, bias=False)

    def forward(self, input_ids: Tensor, position_ids: Tensor, use_cache: bool = False) -> Any:  # noqa: ARG002
        return SimpleNamespace(logits=self.logits(input_ids, position_ids))

    def logits(self, input_ids: Tensor, position_ids: Tensor) -> Tensor:
        x = self.wte(input_ids) + self.wpe(position_ids)
        for block in self.h:
            x = block(x)
        logits: Tensor = self.lm_head(self.ln_f(x))
        return logits


class Bare(nn.Module):
    """The same model, giving logits alone, as Opacus wants it."""

    def __init__(self, gpt: Gpt) -> None:
        super().__init__()
        self.gpt = gpt

    def forward(self, input_ids: Tensor, position_ids: Tensor) -> Tensor:
        return self.gpt.logits(input_ids, position_ids)


def random_batch(fragments: int, tokens: int) -> Batch:
    """Random tokens."""
    ids = torch.randint(0, VOCABULARY, (fragments, tokens))
    places = torch.arange(tokens).repeat(fragments, 1)
    return Batch(np.arange(fragments), ids, places, places > 0)


def loss_of(logits: Tensor, ids: Tensor) -> Tensor:
    """Mean loss; targets are moved rather than logits, which would be copied."""
    targets = functional.pad(ids[:, 1:], (0, 1), value=-100)
    return functional.cross_entropy(logits.flatten(0, -2), targets.flatten())


def sums(gradients: list[Tensor], directions: list[list[Tensor]]) -> np.ndarray:
    """Squared norms and dot products of gradients with a leading axis of fragments."""
    total = np.zeros((1 + len(directions), len(gradients[0])))
    for at, gradient in enumerate(gradients):
        flat = gradient.flatten(1)
        total[0] += torch.linalg.vecdot(flat, flat).double().numpy()
        for k, direction in enumerate(directions, 1):
            total[k] += (flat @ direction[at].flatten()).double().numpy()
    return total


def plain_way(network: Gpt, batch: Batch) -> Way:
    def run() -> None:
        loss_of(network(**batch.inputs()).logits, batch.ids).backward()  # type: ignore[no-untyped-call]
        network.zero_grad()

    return run


def loop_way(network: Gpt, batch: Batch, directions: list[list[Tensor]]) -> Way:
    def run() -> np.ndarray:
        found = []
        for b in range(len(batch.ids)):
            ids = batch.ids[b : b + 1]
            loss_of(network.logits(ids, batch.positions[b : b + 1]), ids).backward()  # type: ignore[no-untyped-call]
            found.append(sums([p.grad[None] for p in network.parameters() if p.grad is not None], directions))
            network.zero_grad()
        return np.concatenate(found, axis=1)

    return run


def vmap_way(network: Gpt, batch: Batch, directions: list[list[Tensor]]) -> Way:
    parameters = {f"gpt.{name}": p.detach() for name, p in network.named_parameters()}
    bare = Bare(network)

    def loss(given: dict[str, Tensor], ids: Tensor, places: Tensor) -> Tensor:
        return loss_of(torch.func.functional_call(bare, given, (ids[None], places[None])), ids[None])

    each = torch.func.vmap(torch.func.grad(loss), in_dims=(None, 0, 0))

    def run() -> np.ndarray:
        return sums(list(each(parameters, batch.ids, batch.positions).values()), directions)

    return run


def opacus_way(network: Gpt, batch: Batch, directions: list[list[Tensor]], mode: str) -> Way:
    opacus: Any = importlib.import_module("opacus.grad_sample")

    network.train()  # Opacus asks for it; there is no dropout
    if mode == "ghost":
        module = opacus.GradSampleModuleFastGradientClipping(Bare(network), use_ghost_clipping=True)
    else:
        module = opacus.GradSampleModule(Bare(network), force_functorch=mode == "functorch")

    def run() -> np.ndarray:
        loss_of(module(batch.ids, batch.positions), batch.ids).backward()  # type: ignore[no-untyped-call]
        if mode == "ghost":
            norms: Tensor = module.get_norm_sample()
            module.zero_grad()
            return np.asarray((norms**2).double().numpy()[None])
        each: list[Any] = list(network.parameters())
        found = sums([p.grad_sample for p in each], directions)
        module.zero_grad()
        return found

    return run


def meter_way(network: Gpt, batch: Batch, directions: list[dict[str, Tensor]]) -> Way:
    meter = GradientMeter(network, directions)
    assert meter.coverage.share == 1

    def run() -> np.ndarray:
        found = meter.measure(batch)
        return np.concatenate([found.squared_norm.sum(1)[None], found.dots.sum(2)])

    return run


def ways(batch: Batch) -> dict[str, Way]:
    """Every way, each with a network of its own of the same weights."""

    def network() -> Gpt:
        torch.manual_seed(0)
        return Gpt()

    torch.manual_seed(1)
    named = [{n: torch.randn_like(p) for n, p in network().named_parameters()} for _ in range(DIRECTIONS)]
    listed = [list(each.values()) for each in named]
    found = {
        "plain": plain_way(network(), batch),
        "norms": meter_way(network(), batch, []),
        "norms + alignment": meter_way(network(), batch, named),
        "loop": loop_way(network(), batch, listed),
        "vmap": vmap_way(network(), batch, listed),
    }
    if importlib.util.find_spec("opacus") is None:
        print("Opacus: not installed")
        return found
    for mode in ("hooks", "functorch", "ghost"):
        found[f"Opacus, {mode}"] = opacus_way(network(), batch, listed, mode)
    return found


def compare(fragments: int, tokens: int, rounds: int) -> None:
    """Print one batch's table."""
    batch = random_batch(fragments, tokens)
    each = ways(batch)
    answers = {name: way() for name, way in each.items()}
    seconds: dict[str, list[float]] = {name: [] for name in each}
    for _ in range(rounds):
        for name, way in each.items():
            start = time.process_time()
            way()
            seconds[name].append(time.process_time() - start)
    print(f"B{fragments} x S{tokens}, {rounds} rounds, load {os.getloadavg()[0]:.1f}")
    base, truth = np.array(seconds["plain"]), answers["loop"][0]
    for name, taken in seconds.items():
        ratio = np.array(taken) / base
        low, middle, high = np.quantile(ratio, [0.25, 0.5, 0.75])
        print(f"  {name:20}{np.median(taken) * 1e3:8.1f} ms{middle:7.3f}   [{low:.3f}, {high:.3f}]", end="")
        if name == "plain":
            print()
        else:
            print(f"   norms off by {np.abs(np.sqrt(answers[name][0] / truth) - 1).max():.1e}")


def main() -> None:
    """Time and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--quick", action="store_true")
    options = parser.parse_args()
    torch.set_num_threads(1)
    # Peers warn of hooks, and PyTorch of what it does not batch.
    warnings.simplefilter("ignore")
    for fragments, tokens in BATCHES[: 1 if options.quick else None]:
        compare(fragments, tokens, 3 if options.quick else options.rounds)


if __name__ == "__main__":
    main()
