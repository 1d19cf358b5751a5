"""What it costs to train many small models, side by side against one after another.

The task is that of the claim *invariant*: is a sequence sorted? Two arms (random negatives; near misses) of
20 seeds each, 40 models of 1,600 steps: embedding 8, one LSTM layer of 32, a linear layer; Adam; batches of
32, one length a batch, 6 to 12. Trained in turn, several rounds, each way in a process of its own:

* plain: `nn.LSTM` in PyTorch, one thread, one model after another, rows drawn in Python; a few, scaled;
* JAX: `vmap` over models, `scan` over positions and steps, compiled; on one core, and on its default threads;
* PyTorch together: `ModuleReplicas`, one thread;
* engine: `LstmReplicas`, compiled by numba; on one core, and on two, a thread for each half of the models.

All times include drawing the rows: in Python, a row at a time, for the plain loop; by negspace for the
others. A cold start is what the first steps take beyond later ones, from the imports on, compilation
included; numba's cache is empty for the engine's first way and filled by it for the second. Printed are
medians over rounds, for all 40 models, and the ratios of each round with their range. A round times a few
steps and is scaled to the claim; `--steps 1600 --plain-models 40` times all of it.

    python benchmarks/replicas.py                 # the table
    python benchmarks/replicas.py --curve         # cost of a model, from 1 to 200 side by side
    python benchmarks/replicas.py --device cuda   # PyTorch together against the plain loop, on the GPU
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import random
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any, TypeAlias

import numpy as np

from negspace.lab.concepts import Sorted
from negspace.lab.replicas import (
    CHUNK,
    Adam,
    Batches,
    LstmNet,
    ReplicaArm,
    Replicas,
    TrueRows,
    batches_of,
    tensors,
)

MODELS, STEPS, BATCH, SHORTEST, LONGEST, VOCABULARY = 40, 1600, 32, 6, 12, 50
CURVE = (1, 2, 5, 10, 20, 40, 80, 200)
NET, ADAM = LstmNet(embedding=8), Adam()
ARMS = [ReplicaArm(kind, TrueRows(Sorted(), {kind: 1.0}), net=NET) for kind in ("random", "swap")]

Advance: TypeAlias = Callable[[int], None]
"""Trains all models for some more steps, a multiple of `CHUNK`."""


def near_miss(model: int) -> bool:
    """Arms take turns."""
    return model % 2 == 1


def streams(models: Sequence[int]) -> list[Iterator[Batches]]:
    """The library's own rows, a chunk at a time, for each model."""
    return [batches_of(ARMS[model % 2], model // 2, STEPS * 1000) for model in models]


def plain(models: int, device: str) -> Advance:
    """PyTorch as anyone would write it."""
    import torch
    from torch import nn

    class Model(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.embedding = nn.Embedding(VOCABULARY, NET.embedding)
            self.lstm = nn.LSTM(NET.embedding, NET.hidden, batch_first=True)
            self.linear = nn.Linear(NET.hidden, 1)

        def forward(self, tokens: torch.Tensor) -> torch.Tensor:
            states, _ = self.lstm(self.embedding(tokens))
            logits: torch.Tensor = self.linear(states[:, -1]).squeeze(-1)
            return logits

    torch.set_num_threads(1)
    nets = [Model().to(device) for _ in range(models)]
    adams = [torch.optim.Adam(n.parameters(), lr=ADAM.lr, weight_decay=ADAM.weight_decay) for n in nets]
    criterion = nn.BCEWithLogitsLoss()
    rng = random.Random(0)

    def advance(steps: int) -> None:
        for model, (net, adam) in enumerate(zip(nets, adams, strict=True)):
            for _ in range(steps):
                rows, labels = python_batch(rng, near_miss=near_miss(model))
                logits = net(torch.tensor(rows, device=device))
                loss = criterion(logits, torch.tensor(labels, device=device))
                adam.zero_grad()
                loss.backward()
                adam.step()
        if device != "cpu":
            torch.cuda.synchronize()

    return advance


def python_batch(rng: random.Random, *, near_miss: bool) -> tuple[list[list[int]], list[float]]:
    """Draw one batch, a row at a time."""
    length = rng.randint(SHORTEST, LONGEST)
    rows, labels = [], []
    for _ in range(BATCH):
        positive = rng.random() < 0.5
        row = sorted(rng.sample(range(VOCABULARY), length))
        if not positive and near_miss:
            at = rng.randrange(length - 1)
            row[at], row[at + 1] = row[at + 1], row[at]
        while not positive and row == sorted(row):
            row = [rng.randrange(VOCABULARY) for _ in range(length)]
        rows.append(row)
        labels.append(float(positive))
    return rows, labels


def with_jax(models: int, device: str) -> Advance:
    """`vmap` over models, `scan` over positions and over the steps of a chunk."""
    del device
    import jax
    from jax import lax
    from jax import numpy as jnp

    def loss(p: Any, tokens: Any, labels: Any, length: Any) -> Any:
        fed = p["embedding.weight"][tokens] @ p["lstm.weight_ih_l0"].T
        fed = fed + p["lstm.bias_ih_l0"] + p["lstm.bias_hh_l0"]

        def cell(carry: Any, at: Any) -> Any:
            state, kept = carry
            enter, forget, new, leave = jnp.split(at + state @ p["lstm.weight_hh_l0"].T, 4, axis=-1)
            kept = jax.nn.sigmoid(forget) * kept + jax.nn.sigmoid(enter) * jnp.tanh(new)
            state = jax.nn.sigmoid(leave) * jnp.tanh(kept)
            return (state, kept), state

        nothing = jnp.zeros((BATCH, NET.hidden))
        # Unrolled: a tenth faster than a loop here, for a few seconds more of compilation.
        _, states = lax.scan(cell, (nothing, nothing), fed, unroll=True)
        logits = states[length - 1] @ p["linear.weight"][0] + p["linear.bias"]
        return jnp.mean(jax.nn.softplus(logits) - labels * logits)

    def step(carry: Any, batch: Any) -> Any:
        parameters, first, second, taken = carry
        value, gradient = jax.vmap(jax.value_and_grad(loss))(parameters, *batch)
        taken = taken + 1
        each = jax.tree.map
        gradient = each(lambda g, p: g + ADAM.weight_decay * p, gradient, parameters)
        first = each(lambda m, g: ADAM.beta1 * m + (1 - ADAM.beta1) * g, first, gradient)
        second = each(lambda v, g: ADAM.beta2 * v + (1 - ADAM.beta2) * g * g, second, gradient)
        size, correction = ADAM.lr / (1 - ADAM.beta1**taken), 1 - ADAM.beta2**taken

        def move(p: Any, m: Any, v: Any) -> Any:
            return p - size * m / (jnp.sqrt(v / correction) + ADAM.eps)

        return (each(move, parameters, first, second), first, second, taken), value

    train = jax.jit(lambda carry, batches: lax.scan(step, carry, batches), donate_argnums=0)
    start = [tensors(NET, NET.initial(model // 2)) for model in range(models)]
    parameters = {name: jnp.stack([views[name] for views in start]) for name in start[0]}
    zeros = [jax.tree.map(jnp.zeros_like, parameters) for _ in range(2)]
    carry: Any = (parameters, *zeros, jnp.zeros(()))
    rows = streams(range(models))

    def advance(steps: int) -> None:
        nonlocal carry
        for _ in range(steps // CHUNK):
            drawn = [next(each) for each in rows]
            batches = tuple(
                np.stack([getattr(b, part) for b in drawn], axis=1)
                for part in ("tokens", "labels", "lengths")
            )
            carry, losses = train(carry, batches)
            losses.block_until_ready()

    return advance


def together(models: int, device: str) -> Advance:
    """`ModuleReplicas`, one thread."""
    import torch

    from negspace.lab.replicas.vmap_engine import ModuleReplicas

    torch.set_num_threads(1)
    initial = [NET.initial(model // 2) for model in range(models)]
    return _advance(ModuleReplicas(NET, initial, ADAM, device), range(models))


def engine(models: int, device: str) -> Advance:
    """`LstmReplicas`, one thread."""
    return _engine(range(models), device)


def engine_halves(models: int, device: str) -> Advance:
    """`LstmReplicas`, each half of the models in a thread."""
    halves = [_engine(range(start, models, 2), device) for start in range(2)]
    pool = ThreadPoolExecutor(2)

    def advance(steps: int) -> None:
        for done in [pool.submit(half, steps) for half in halves]:
            done.result()

    return advance


def _engine(models: Sequence[int], device: str) -> Advance:
    del device
    from negspace.lab.replicas import LstmReplicas

    return _advance(LstmReplicas(NET, [NET.initial(model // 2) for model in models], ADAM), models)


def _advance(replicas: Replicas, models: Sequence[int]) -> Advance:
    rows = streams(models)

    def advance(steps: int) -> None:
        for _ in range(steps // CHUNK):
            replicas.train([next(each) for each in rows])

    return advance


@dataclass(frozen=True)
class Way:
    """A way to train them.

    Attributes:
        title: As printed.
        make: Builds the models, for a number of them and a device.
        cores: How many cores its process may use.
        models: How many it trains; times are scaled to `MODELS`.
    """

    title: str
    make: Callable[[int, str], Advance]
    cores: int
    models: int = MODELS


@contextmanager
def started(way: Way, device: str, cache: str) -> Iterator[Connection]:
    """A process of its own: send it a number of steps, receive the seconds they took or why not."""
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=_serve, args=(there, way, device, cache), daemon=True)
    process.start()
    yield here
    here.send(0)
    process.join()


def _serve(pipe: Connection, way: Way, device: str, cache: str) -> None:
    os.environ["NUMBA_CACHE_DIR"] = cache
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: way.cores])
    advance: Advance | None = None
    while steps := pipe.recv():
        start = time.perf_counter()
        try:
            advance = advance or way.make(way.models, device)
            advance(steps)
        except ImportError as error:
            pipe.send(str(error))
        else:
            pipe.send(time.perf_counter() - start)


def measure(ways: Sequence[Way], steps: int, rounds: int, device: str) -> dict[Way, list[float]]:
    """Seconds of each way, the first call before all rounds; what cannot run is told of and left out."""
    seconds: dict[Way, list[float]] = {}
    with ExitStack() as stack:
        cache = stack.enter_context(tempfile.TemporaryDirectory())
        pipes = {}
        for way in ways:
            pipe = stack.enter_context(started(way, device, cache))
            pipe.send(steps)
            first = pipe.recv()
            if isinstance(first, str):
                print(f"skipped: {way.title} ({first})")
            else:
                pipes[way], seconds[way] = pipe, [first]
        for _ in range(rounds):
            for way, pipe in pipes.items():
                pipe.send(steps)
                seconds[way].append(pipe.recv())
    return seconds


def table(ways: Sequence[Way], options: argparse.Namespace) -> None:
    """Print times and ratios."""
    found = measure(ways, options.steps, options.rounds, options.device)
    print(
        f"{MODELS} models, {STEPS} steps; {options.rounds} rounds of {options.steps} steps, scaled; ", end=""
    )
    print(f"plain loop from {options.plain_models} models, scaled")
    print(f"{'':32}{'ms a step':>10}{'claim':>10}{'cold start':>12}{'claim, cold':>13}")
    step = {}
    for way, (first, *later) in found.items():
        scale = MODELS / way.models / options.steps
        step[way.title] = np.array(later) * scale * 1e3
        median = float(np.median(step[way.title]))
        cold = max(0.0, first - float(np.median(later)))
        claim = median * STEPS / 1e3
        print(f"{way.title:32}{median:10.1f}{claim:8.1f} s{cold:10.1f} s{claim + cold:11.1f} s")
    for base in ("plain loop, one core", "JAX, one core", "JAX, its default threads"):
        for title, times in step.items():
            if base in step and title != base and title.startswith(("engine", "PyTorch together")):
                ratios = step[base] / times
                print(
                    f"{base} / {title:40}{np.median(ratios):7.1f}   [{ratios.min():.1f}, {ratios.max():.1f}]"
                )


def curve(options: argparse.Namespace) -> None:
    """Print what a step costs per model as their number grows."""
    kinds = [("PyTorch together", together)]
    if options.device == "cpu":
        kinds.append(("engine", engine))
    ways = [Way(title, make, 1, models) for title, make in kinds for models in CURVE]
    print(f"{'ms a step and model':24}" + "".join(f"{models:>8}" for models in CURVE))
    for title, _ in kinds:
        found = measure([w for w in ways if w.title == title], CHUNK, options.rounds, options.device)
        each = [np.median(times[1:]) / CHUNK / way.models * 1e3 for way, times in found.items()]
        print(f"{title:24}" + "".join(f"{value:8.3f}" for value in each))


def main() -> None:
    """Time and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=CHUNK, help=f"steps a round, a multiple of {CHUNK}")
    parser.add_argument(
        "--plain-models", type=int, default=2, help="models of the plain loop, an even number"
    )
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--curve", action="store_true")
    options = parser.parse_args()
    if options.steps % CHUNK or options.steps < 1:
        parser.error(f"--steps is a multiple of {CHUNK}")
    if options.curve:
        curve(options)
        return
    ways = [Way("plain loop, one core", plain, 1, options.plain_models), Way("PyTorch together", together, 1)]
    if options.device == "cpu":
        ways += [
            Way("JAX, one core", with_jax, 1),
            Way("JAX, its default threads", with_jax, os.cpu_count() or 1),
            Way("engine, one core", engine, 1),
            Way("engine, two cores", engine_halves, 2),
        ]
    table(ways, options)


if __name__ == "__main__":
    main()
