"""Training a network on fragments, in steps that depend on nothing but the seed."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Int

from negspace.data import Fragments
from negspace.embedders.quiet import one_thread
from negspace.errors import DataError
from negspace.language_models.batches import Batch, take
from negspace.language_models.settings import TinySettings

if TYPE_CHECKING:
    import torch

__all__ = ["make_optimiser", "train_network"]

_POOL = 8  # batches whose fragments are sorted by length together, so that little is padding
_WARM_UP = 0.04  # share of the steps
_LAST = 0.03  # of the learning rate, at the end


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
    norm 1. The loss of a step is the mean over the scored tokens of its batch.

    Args:
        network: What `build_network` made; it stays in evaluation mode, which has no dropout.
        fragments: All fragments.
        rows: Those to train on.
        settings: Of the training.
        seed: Of the order.
        on_step: Told the number of steps done, after each.
        optimiser: What `make_optimiser` made, with its state after ``start`` steps; a new one where None.
        start: Steps done already: training goes on from there as if it had never stopped.

    Raises:
        DataError: There is nothing to train on; or the loss is not finite, and the network stays as it was
            before that step.
    """
    import torch  # noqa: PLC0415  (an extra)

    if not len(rows):
        raise DataError(
            "there are no fragments to train on",
            got=f"{len(fragments)} in all, of which none is to be trained on",
            hint="give a longer corpus, or ask for shorter fragments (--fragment-tokens)",
        )
    optimiser = make_optimiser(network, settings) if optimiser is None else optimiser
    device = str(next(network.parameters()).device)
    order = islice(_batches(fragments, rows, settings.batch, seed), start, settings.steps)
    with one_thread():
        for step, some in enumerate(order, start):
            for group in optimiser.param_groups:
                group["lr"] = _rate(step, settings)
            loss = _loss(network, take(fragments, some, device))
            if not math.isfinite(value := loss.item()):
                raise DataError(
                    f"training diverged at step {step + 1} of {settings.steps}: the loss is not finite",
                    got=str(value),
                    hint=f"train with a lower learning rate than {settings.learning_rate:g}",
                )
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimiser.step()
            on_step(step + 1)


def _loss(network: Any, batch: Batch) -> Any:
    """Mean over the scored tokens of a batch, in nats."""
    import torch  # noqa: PLC0415  (an extra)

    logits = network(**batch.inputs()).logits
    scored = batch.scored[:, 1:]
    return torch.nn.functional.cross_entropy(logits[:, :-1][scored], batch.ids[:, 1:][scored])


def make_optimiser(network: Any, settings: TinySettings) -> torch.optim.Optimizer:
    """AdamW as `train_network` uses it: matrices decay, gains and biases do not."""
    import torch  # noqa: PLC0415  (an extra)

    parameters = list(network.parameters())
    groups = [
        {"params": [p for p in parameters if p.ndim > 1], "weight_decay": settings.weight_decay},
        {"params": [p for p in parameters if p.ndim < 2], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=settings.learning_rate, betas=(0.9, 0.95))


def _rate(step: int, settings: TinySettings) -> float:
    warm = max(1, round(_WARM_UP * settings.steps))
    if step < warm:
        return settings.learning_rate * (step + 1) / warm
    done = (step - warm) / max(1, settings.steps - warm)
    return settings.learning_rate * (_LAST + (1 - _LAST) * 0.5 * (1 + math.cos(math.pi * done)))


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
            cut = list(_filled(by_length, fragments.lengths[by_length], tokens))
            for at in rng.permutation(len(cut)):
                yield cut[at]


def _filled(
    rows: Int[np.ndarray, " rows"], lengths: Int[np.ndarray, " rows"], tokens: int
) -> Iterator[Int[np.ndarray, " batch"]]:
    start = 0
    for end in range(1, len(rows) + 1):
        # Sorted by length: the next row is the longest so far, and decides the padding of all.
        if end == len(rows) or (end + 1 - start) * int(lengths[end]) > tokens:
            yield rows[start:end]
            start = end
