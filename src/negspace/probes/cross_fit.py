"""Tiny networks, each trained on a part of the fragments: what is predicted unseen, and what only once seen.

Memorisation in the sense of Feldman & Zhang (2020, "What neural networks memorize and why", eq. 1) is the
difference between what networks that saw an example make of it and what networks that did not. Fragments that
state the same thing stand in for each other, so they are grouped first, and each network is given of each
group nothing, all, or a half:

- *clean*: it saw neither the fragment nor any mate of it;
- *seen*: it saw the fragment;
- *told*: it saw mates, and not the fragment itself.

A network that learns a text by heart without having learned its language comes to predict what it has not
seen worse than word frequencies do. It is *overfitted*: training ends there, and its clean predictions are
those of the step where text kept from it was predicted best (early stopping; Prechelt 1998, "Early stopping,
but when?"). Such a network also predicts each clean fragment with its words in random orders, to tell whether
their order helped.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from jaxtyping import Bool, Float32, Int, Int32

from negspace.embedders import one_thread
from negspace.errors import PlanError
from negspace.execution import run_jobs
from negspace.language_models import cosine_rate, optimised

if TYPE_CHECKING:
    from torch import Tensor, nn

Tokens: TypeAlias = Int32[np.ndarray, "fragments longest"]
Marks: TypeAlias = Bool[np.ndarray, "fragments longest"]
PerFragment: TypeAlias = Int[np.ndarray, " fragments"]
_Each: TypeAlias = Float32[np.ndarray, "fragments longest"]
Windows: TypeAlias = Int[np.ndarray, "windows 3"]  # fragment, start and end of what is read at once

ORDERS = 4
"""Random orders in which an overfitted network predicts a fragment."""

_LOOKS = 16  # at held-out loss, over the steps
_WATCHED = 4000  # tokens: enough to see a loss rise
_WORSE = 1.01  # than the least loss: less may be chance
_AT_ONCE = 8  # batches of training, in prediction
_BUCKETS = 8  # batches whose fragments are sorted by length together, so that little is padding


@dataclass(frozen=True)
class CrossFitSettings:
    """Size, number and training of the networks.

    Attributes:
        networks: How many; a multiple of 3 and at least 6, so that each fragment is clean for some, seen by
            some and told to some.
        layers: Blocks of each.
        width: Width of the hidden states.
        heads: Number of attention heads.
        window: Tokens read at once, at most; longer fragments are read in parts that share one token.
        batch: Tokens of a training step, about.
        steps: Steps of AdamW.
        learning_rate: Highest rate; warmed up over a twentieth of the steps, then down along a cosine.
    """

    networks: int = 6
    layers: int = 2
    width: int = 64
    heads: int = 4
    window: int = 128
    batch: int = 800
    steps: int = 400
    learning_rate: float = 1e-2

    def __post_init__(self) -> None:
        if self.networks < 6 or self.networks % 3:
            raise PlanError("networks must be a multiple of 3, and at least 6", got=self.networks)
        if self.width % (2 * self.heads):
            parts = f"{self.width} / {self.heads}"
            raise PlanError(f"heads must divide the width into even parts: {parts}", got=self.heads)
        if min(self.window, self.batch) < 2 or min(self.layers, self.steps) < 1:
            raise PlanError("window and batch must be at least 2, layers and steps at least 1", got=self)


@dataclass(frozen=True, eq=False)
class CrossFit:
    """What every network makes of every token, and what it was trained on."""

    clusters: PerFragment  # group of each fragment; fragments of one group are mates
    seen: Bool[np.ndarray, "networks fragments"]  # whether a network was trained on a fragment
    told: Bool[np.ndarray, "networks fragments"]  # whether it was trained on a mate of it
    # -ln P of each token, and the entropy of its prediction in nats; NaN where it is not scored.
    losses: Float32[np.ndarray, "networks fragments longest"]
    entropies: Float32[np.ndarray, "networks fragments longest"]
    # Mean loss of each clean fragment in random orders, the same for all networks, less that of it as it
    # stands; NaN where a network is not overfitted, or not clean of the fragment.
    gained: Float32[np.ndarray, "networks orders fragments"]

    def clean(self) -> Bool[np.ndarray, "networks fragments"]:
        """Networks that saw neither a fragment nor a mate of it."""
        return np.asarray(~self.seen & ~self.told)

    def overfitted(self) -> Bool[np.ndarray, " networks"]:
        """Networks that came to predict unseen fragments worse than word frequencies do."""
        return np.asarray(np.isfinite(self.gained).any(axis=(1, 2)))


def rows_by_group(clusters: PerFragment) -> list[Int[np.ndarray, " rows"]]:
    """The rows of each group, groups in order of their number."""
    order = np.argsort(clusters, kind="stable")
    return np.split(order, np.flatnonzero(np.diff(clusters[order])) + 1)


def divide(
    clusters: PerFragment, networks: int, rng: np.random.Generator
) -> Bool[np.ndarray, "networks fragments"]:
    """Choose what each network is trained on.

    For each group, a third of the networks, drawn anew, gets all of it and a third nothing. The rest goes in
    pairs, one half of the group to the one and the other half to the other; an odd network gets a random
    half. So a network is trained on about half of all fragments.
    """
    seen = np.zeros((networks, len(clusters)), dtype=bool)
    third = networks // 3
    for rows in rows_by_group(clusters):
        drawn = rng.permutation(networks)
        seen[np.ix_(drawn[:third], rows)] = True
        for first in range(2 * third, networks, 2):
            shuffled = rng.permutation(rows)
            cut = (len(rows) + int(rng.integers(2))) // 2
            seen[drawn[first], shuffled[:cut]] = True
            if first + 1 < networks:
                seen[drawn[first + 1], shuffled[cut:]] = True
    return seen


def cross_fit(
    tokens: Tokens,
    lengths: PerFragment,
    clusters: PerFragment,
    settings: CrossFitSettings,
    *,
    seed: int,
    begins: Marks | None = None,
    workers: int = 1,
    progress: Callable[[float], None] = lambda _share: None,
) -> CrossFit:
    """Train the networks, and have each predict all fragments.

    Tokens are ids from 0 on without gaps; those at which a unit begins that orders are made of are marked by
    ``begins`` (all, where None). No result depends on ``workers``; ``progress`` is told the share done.

    Raises:
        PlanError: If there are fewer than two groups, as then no network could be kept from any of them.
    """
    if len(np.unique(clusters)) < 2:
        raise PlanError(
            "networks cannot be kept from fragments that all say the same",
            got=f"{len(clusters)} fragments, {len(np.unique(clusters))} groups",
            hint="give a corpus of several distinct fragments",
        )
    seen = divide(clusters, settings.networks, np.random.default_rng([seed, 0]))
    groups = np.unique(clusters, return_inverse=True)[1]
    shown = np.stack([np.bincount(groups, weights=row) for row in seen])
    told = shown[:, groups] - seen > 0
    begins = np.ones(tokens.shape, dtype=bool) if begins is None else begins
    losses = np.full((settings.networks, *tokens.shape), np.nan, dtype=np.float32)
    entropies = losses.copy()
    gained = np.full((settings.networks, ORDERS, len(tokens)), np.nan, dtype=np.float32)
    jobs = [(m, tokens, lengths, begins, seen[m], told[m], settings, seed) for m in range(settings.networks)]
    results = run_jobs(_fit_one, jobs, workers=workers)
    for done, (m, loss, entropy, orders) in enumerate(results, start=1):
        losses[m], entropies[m], gained[m] = loss, entropy, orders
        progress(done / settings.networks)
    return CrossFit(clusters, seen, told, losses, entropies, gained)


def _fit_one(
    m: int,
    tokens: Tokens,
    lengths: PerFragment,
    begins: Marks,
    seen: Bool[np.ndarray, " fragments"],
    told: Bool[np.ndarray, " fragments"],
    settings: CrossFitSettings,
    seed: int,
) -> tuple[int, _Each, _Each, Float32[np.ndarray, "orders fragments"]]:
    """Train network ``m`` and predict with it: losses, entropies, losses in other orders."""
    import torch

    from negspace.language_models import SmallTransformer

    with one_thread():
        drawn = np.random.default_rng([seed, 1, m])
        generator = torch.Generator().manual_seed(int(drawn.integers(2**62)))
        network = SmallTransformer(
            int(tokens.max()) + 1, settings.width, settings.layers, settings.heads, settings.window, generator
        )
        read = settings.batch * _AT_ONCE
        clean = np.flatnonzero(~seen & ~told)
        watched = np.random.default_rng([seed, 3, m]).permutation(clean)
        watched = watched[: int(np.searchsorted(np.cumsum(lengths[watched]), _WATCHED)) + 1]
        plain = _frequencies_loss(tokens, lengths, np.flatnonzero(seen), clean)
        watch = _Watch(tokens, _windows(watched, lengths, settings.window), read, plain)
        parts = _windows(np.flatnonzero(seen), lengths, settings.window)
        overfitted = _train(network, parts, settings, drawn, watch)
        every = _windows(np.arange(len(tokens)), lengths, settings.window)
        losses, entropies = _predict(network, tokens, every, read)
        gained = np.full((ORDERS, len(tokens)), np.nan, dtype=np.float32)
        if overfitted:
            unseen = _windows(clean, lengths, settings.window)
            # What order brings shows best where training ended; how well a fragment is predicted, before.
            for order in range(ORDERS):
                other = _reordered(tokens, lengths, begins, np.random.default_rng([seed, 4, order]))
                found = _predict(network, other, unseen, read)[0]
                gained[order, clean] = np.nansum(found - losses, axis=1)[clean] / (lengths[clean] - 1)
            network.load_state_dict(watch.best)
            early, spread = _predict(network, tokens, unseen, read)
            losses[clean], entropies[clean] = early[clean], spread[clean]
        return m, losses, entropies, gained


@dataclass(eq=False)
class _Watch:
    """Looks on fragments that a network does not train on, and keeps its parameters of the best step."""

    tokens: Tokens
    parts: Windows
    batch: int
    plain: float
    least: float = math.inf
    best: dict[str, Any] = field(default_factory=dict)

    def overfitted(self, network: nn.Module) -> bool:
        """Whether predictions are worse than those of word frequencies, and have been clearly better."""
        if not len(self.parts):
            return False
        loss = float(np.nanmean(_predict(network, self.tokens, self.parts, self.batch)[0]))
        if loss < self.least:
            self.least = loss
            self.best = {name: value.clone() for name, value in network.state_dict().items()}
        return loss > max(self.plain, _WORSE * self.least)


def _train(
    network: nn.Module, parts: Windows, settings: CrossFitSettings, rng: np.random.Generator, watch: _Watch
) -> bool:
    """Train until the steps are done or the network is overfitted; says whether it is."""
    import torch

    # Not `train_network`'s betas, decay, warm-up and batches: the rule of roles was set with these.
    steps, highest, warm = settings.steps, settings.learning_rate, max(1, settings.steps // 20)
    optimiser = torch.optim.AdamW(network.parameters(), lr=highest, betas=(0.9, 0.98), weight_decay=0.1)

    def losses() -> Iterator[Tensor]:
        for batch in islice(_batches(parts, settings.batch, rng), steps):
            ids, inside = (torch.from_numpy(array) for array in _padded(watch.tokens, batch))
            scored = inside[:, 1:]
            logits = network(ids[:, :-1]).logits
            yield torch.nn.functional.cross_entropy(logits[scored], ids[:, 1:][scored])

    def rate(step: int) -> float:
        return cosine_rate(step, steps, highest=highest, warm=warm, last=0.02)

    # Training ends at the first look that finds the network overfitted.
    return any(
        done % max(1, steps // _LOOKS) == 0 and watch.overfitted(network)
        for done in optimised(network, optimiser, losses(), rate)
    )


def _predict(network: nn.Module, tokens: Tokens, parts: Windows, batch: int) -> tuple[_Each, _Each]:
    """Loss and entropy of each token."""
    import torch

    losses = np.full(tokens.shape, np.nan, dtype=np.float32)
    entropies = losses.copy()
    parts = parts[np.argsort(parts[:, 1] - parts[:, 2], kind="stable")]
    while len(parts):
        size = max(1, batch // int(parts[0, 2] - parts[0, 1]))
        now, parts = parts[:size], parts[size:]
        ids, inside = _padded(tokens, now)
        with torch.inference_mode():
            logs = torch.log_softmax(network(torch.from_numpy(ids[:, :-1])).logits, dim=-1)
            loss = -logs.gather(-1, torch.from_numpy(ids[:, 1:, None]))[..., 0].numpy()
            entropy = -(logs.exp() * logs).sum(-1).numpy()
        at, place = np.nonzero(inside[:, 1:])
        losses[now[at, 0], now[at, 1] + place + 1] = loss[at, place]
        entropies[now[at, 0], now[at, 1] + place + 1] = entropy[at, place]
    return losses, entropies


def _windows(rows: Int[np.ndarray, " rows"], lengths: PerFragment, window: int) -> Windows:
    """Fragment, start and end of each part read at once; a part begins with the last token before it."""
    parts = [
        (row, start, min(start + window, int(lengths[row])))
        for row in rows
        for start in range(0, max(1, int(lengths[row]) - 1), window - 1)
    ]
    return np.array(parts, dtype=np.int64).reshape(-1, 3)


def _padded(
    tokens: Tokens, parts: Windows
) -> tuple[Int[np.ndarray, "windows width"], Bool[np.ndarray, "windows width"]]:
    """Ids of each part, padded with 0, and what is no padding."""
    sizes = parts[:, 2] - parts[:, 1]
    place = np.arange(int(sizes.max()))
    inside = place < sizes[:, None]
    ids = tokens[parts[:, :1], np.where(inside, parts[:, 1:2] + place, 0)]
    return np.where(inside, ids, 0).astype(np.int64), inside


def _batches(parts: Windows, tokens: int, rng: np.random.Generator) -> Iterator[Int[np.ndarray, "batch 3"]]:
    """Batches without end: each part once before any comes twice, those of like length together."""
    sizes = parts[:, 2] - parts[:, 1]
    per_batch = max(1, tokens // max(1, int(sizes.mean())))
    while True:
        order = rng.permutation(len(parts))
        for start in range(0, len(order), per_batch * _BUCKETS):
            bucket = order[start : start + per_batch * _BUCKETS]
            bucket = bucket[np.argsort(sizes[bucket], kind="stable")]
            cuts = np.arange(per_batch, len(bucket), per_batch)
            groups = np.split(bucket, cuts)
            for i in rng.permutation(len(groups)):
                yield parts[groups[i]]


def _reordered(tokens: Tokens, lengths: PerFragment, begins: Marks, rng: np.random.Generator) -> Tokens:
    """The units of each fragment in random order; a unit is a token that begins one, and what follows it."""
    other = tokens.copy()
    for row, length, begin in zip(other, lengths, begins, strict=True):
        units = np.split(row[:length], np.flatnonzero(begin[1:length]) + 1)
        row[:length] = np.concatenate([units[i] for i in rng.permutation(len(units))])
    return other


def _frequencies_loss(
    tokens: Tokens, lengths: PerFragment, known: Int[np.ndarray, " known"], rows: Int[np.ndarray, " rows"]
) -> float:
    """Mean loss of the scored tokens of some rows under token frequencies of others, half a count added."""
    scored = (np.arange(tokens.shape[1]) < lengths[:, None]) & (np.arange(tokens.shape[1]) > 0)
    count = np.bincount(tokens[known][scored[known]], minlength=int(tokens.max()) + 1) + 0.5
    here = tokens[rows][scored[rows]]
    return float(np.log(count.sum()) - np.log(count)[here].mean()) if len(here) else math.inf
