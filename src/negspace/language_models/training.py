"""Training a network on fragments, in steps that depend on nothing but the seed."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Int

from negspace.data import Fragments
from negspace.embedders import one_thread
from negspace.errors import DataError
from negspace.language_models.model import take

if TYPE_CHECKING:
    import torch
    from torch import Tensor

_POOL = 8  # batches whose fragments are sorted by length together, so that little is padding
_WARM_UP = 0.04  # share of the steps
_LAST = 0.03  # share of the learning rate that is left at the end


@dataclass(frozen=True)
class TinySettings:
    """Size and training of the small GPT.

    The defaults take about a minute of one core, and among the sizes tried gave the least loss per character
    of held-out text in that time: small batches, for in a minute the number of steps is what is short.

    Attributes:
        vocabulary: Tokens of its byte-pair encoding, at most.
        layers: Number of blocks.
        width: Width of the hidden states.
        heads: Number of attention heads.
        context: Longest sequence, in tokens.
        batch: Tokens of a training step, at most.
        steps: Steps of AdamW.
        learning_rate: Highest rate; warmed up over the first steps, then down along a cosine.
        weight_decay: Decay of matrices, as a share of the learning rate.
    """

    vocabulary: int = 1024
    layers: int = 3
    width: int = 96
    heads: int = 4
    context: int = 512
    batch: int = 512
    steps: int = 700
    learning_rate: float = 6e-3
    weight_decay: float = 0.1


def train_network(
    network: Any,
    fragments: Fragments,
    rows: Int[np.ndarray, " rows"],
    settings: TinySettings,
    *,
    seed: int,
    on_step: Callable[[int], None] = lambda _step: None,
    optimiser: torch.optim.Optimizer | None = None,
    start: int = 0,
) -> None:
    """Train a network on some fragments, in place; each is seen once before any is seen twice.

    AdamW (Loshchilov & Hutter 2019) at the given rate, warmed up, then along a cosine; gradients clipped at
    norm 1. The loss of a step is the mean over the scored tokens of its batch. The network stays in
    evaluation mode, which has no dropout.

    Args:
        network: A causal language model.
        fragments: All fragments.
        rows: Those to train on.
        settings: Training; the size is not read.
        seed: Decides the order.
        on_step: Told the number of steps done, after each.
        optimiser: What `make_optimiser` made, with its state after ``start`` steps; a new one where None.
        start: Steps done already: training goes on from there as if it had never stopped.

    Raises:
        DataError: There is nothing to train on; or the loss is not finite, and the network stays as it was
            before that step.
    """
    if not len(rows):
        raise DataError(
            "there are no fragments to train on",
            got=f"{len(fragments)} in all, of which none is to be trained on",
            hint="give a longer corpus, or ask for shorter fragments (--fragment-tokens)",
        )
    import torch

    steps, highest = settings.steps, settings.learning_rate
    warm = max(1, round(_WARM_UP * steps))
    device = str(next(network.parameters()).device)

    def losses() -> Iterator[Tensor]:
        order = islice(_batches(fragments, rows, settings.batch, seed), start, steps)
        for step, some in enumerate(order, start):
            batch = take(fragments, some, device)
            logits, scored = network(**batch.inputs()).logits, batch.scored[:, 1:]
            loss = torch.nn.functional.cross_entropy(logits[:, :-1][scored], batch.ids[:, 1:][scored])
            if not math.isfinite(value := loss.item()):
                raise DataError(
                    f"training diverged at step {step + 1} of {steps}: the loss is not finite",
                    got=str(value),
                    hint=f"train with a lower learning rate than {highest:g}",
                )
            yield loss

    with one_thread():
        for done in optimised(
            network,
            make_optimiser(network, settings) if optimiser is None else optimiser,
            losses(),
            lambda step: cosine_rate(step, steps, highest=highest, warm=warm, last=_LAST),
            start=start,
        ):
            on_step(done)


def optimised(
    network: Any,
    optimiser: torch.optim.Optimizer,
    losses: Iterable[Tensor],
    rate: Callable[[int], float],
    *,
    start: int = 0,
) -> Iterator[int]:
    """Take a step on each loss, gradients clipped at norm 1; yield the number of steps done after each.

    A loss is only made when the step before it is done. ``rate`` is told the step, counted from 0.
    """
    import torch

    for step, loss in enumerate(losses, start):
        for group in optimiser.param_groups:
            group["lr"] = rate(step)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimiser.step()
        yield step + 1


def cosine_rate(step: int, steps: int, *, highest: float, warm: int, last: float) -> float:
    """Learning rate of a step: up a line over ``warm`` steps, then along a cosine to ``last * highest``."""
    if step < warm:
        return highest * (step + 1) / warm
    done = (step - warm) / max(1, steps - warm)
    return highest * (last + (1 - last) * 0.5 * (1 + math.cos(math.pi * done)))


def make_optimiser(network: Any, settings: TinySettings) -> torch.optim.Optimizer:
    """AdamW as `train_network` uses it: matrices decay, gains and biases do not."""
    import torch

    parameters = list(network.parameters())
    groups = [
        {"params": [p for p in parameters if p.ndim > 1], "weight_decay": settings.weight_decay},
        {"params": [p for p in parameters if p.ndim < 2], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=settings.learning_rate, betas=(0.9, 0.95))


def _batches(
    fragments: Fragments, rows: Int[np.ndarray, " rows"], tokens: int, seed: int
) -> Iterator[Int[np.ndarray, " batch"]]:
    """Rows of each step, endlessly: batches of like length, of at most ``tokens`` with their padding."""
    rng = np.random.default_rng(seed)
    while True:
        order = rng.permutation(rows)
        # By tokens, not by number: a corpus of single sentences has hundreds in a batch.
        pools = np.cumsum(fragments.lengths[order]) // (tokens * _POOL)
        for pool in np.split(order, np.flatnonzero(np.diff(pools)) + 1):
            by_length = pool[np.argsort(fragments.lengths[pool], kind="stable")]
            lengths = fragments.lengths[by_length]
            cut, begun = [], 0
            for end in range(1, len(pool) + 1):
                # Sorted by length: the next row is the longest so far, and decides the padding of all.
                if end == len(pool) or (end + 1 - begun) * int(lengths[end]) > tokens:
                    cut.append(by_length[begun:end])
                    begun = end
            for at in rng.permutation(len(cut)):
                yield cut[at]
