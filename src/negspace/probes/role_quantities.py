"""The numbers that decide a fragment's role: shares, so that they mean the same for every family of text.

A fragment's plain loss does not: each family of text has a level of its own. All of these compare a loss with
another loss, or with an entropy, of the same tokens.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from typing import TypeAlias

import numpy as np
from jaxtyping import Bool, Float, Float64, Int, Int32, Int64

from negspace.data import Fragments
from negspace.probes.cross_fit import CrossFit, CrossFitSettings, cross_fit, rows_by_group
from negspace.probes.role_words import duplicate_groups, few_ids, read_words

Numbers: TypeAlias = Float64[np.ndarray, " fragments"]
Tokens: TypeAlias = Int32[np.ndarray, "fragments longest"]
PerFragment: TypeAlias = Int[np.ndarray, " fragments"]
_Each: TypeAlias = Float64[np.ndarray, "fragments longest"]

_PASSES = 16  # over its own half of the corpus: what the networks had that the rule was set with, at least
_READ = 128  # words of a fragment, from its beginning
_MOST = 100_000  # words in all
_STEPS = 560  # with the above, the time stays within three minutes of one core
_NAT = 1.0  # a token counts as memorised if seeing it gains this much


@dataclass(frozen=True, eq=False)
class RoleQuantities:
    """What cross-fitted networks make of each fragment. Losses are means over scored tokens, in nats.

    Attributes:
        clusters: Group of each fragment: those that state the same thing.
        clean: Loss of the networks that saw neither the fragment nor a mate.
        seen: Loss of those that saw it.
        told: Loss of those that saw mates and not the fragment; NaN without mates.
        surprise: (clean − entropy) / entropy, the entropy being that of the clean networks' predictions. A
            calibrated prediction has 0. Where a rule holds, networks that know the rule stay at 0 or below;
            where they expect something and something else comes, it rises.
        sharp_surprise: The 0.9 quantile over tokens of clean loss − entropy, in nats.
        explained: 1 − clean / (loss of token frequencies in the fragments of other groups): what is gained
            by reading the context. 0 or less where words stand in no order.
        memorised: 1 − seen / clean: Feldman & Zhang's memorisation, as a share of the loss.
        retold: 1 − told / clean: the share that mates give; NaN without mates.
        ordered: Loss of overfitted networks that never saw it for the same words in random orders, less that
            for it, in standard deviations over such orders. Words that stand in no order have 0, give or take
            1. NaN for all fragments of a corpus that the networks learn without overfitting.
        confirmed: Share of what seeing the fragment gains (at tokens where that is a nat or more) at tokens
            that a mate has too, for the mate where it is largest; NaN without mates.
    """

    clusters: PerFragment
    clean: Numbers
    seen: Numbers
    told: Numbers
    surprise: Numbers
    sharp_surprise: Numbers
    explained: Numbers
    memorised: Numbers
    retold: Numbers
    confirmed: Numbers
    ordered: Numbers

    def __len__(self) -> int:
        return len(self.clusters)

    def overfitted(self) -> bool:
        """Whether most networks overfitted the corpus, so that fixed thresholds say nothing."""
        return bool(np.isfinite(self.ordered).any())

    def by_name(self) -> dict[str, Numbers]:
        """All but the groups, by name."""
        return {field.name: getattr(self, field.name) for field in fields(self) if field.name != "clusters"}

    def spread(self, rows: Int[np.ndarray, " rows"], clusters: PerFragment) -> RoleQuantities:
        """The same for all fragments of a corpus, of which these are some rows: NaN for the others."""
        spread = {name: np.full(len(clusters), np.nan) for name in self.by_name()}
        for name, values in self.by_name().items():
            spread[name][rows] = values
        return RoleQuantities(clusters, **spread)


def settings_for(tokens: int) -> CrossFitSettings:
    """The settings the rule was set with, the steps grown with the corpus, of so many tokens.

    What a network memorises depends on how often it sees it, so each gets as many passes over what it sees as
    in the corpora that the rule was set on: 16 or more.
    """
    least = CrossFitSettings()
    steps = math.ceil(_PASSES * tokens / 2 / least.batch)
    return replace(least, steps=max(least.steps, min(steps, _STEPS)))


def role_quantities(
    fragments: Fragments,
    settings: CrossFitSettings | None = None,
    *,
    seed: int,
    workers: int = 1,
    progress: Callable[[float], None] = lambda _share: None,
    most: int = _MOST,
) -> RoleQuantities:
    """Group fragments by content, cross-fit tiny networks on them, and take the numbers.

    The networks read words, the first 128 of each fragment. Of a corpus with more words than ``most``, whole
    groups of mates are drawn until they are reached; the rest is not looked at. So the time is bounded:
    about three minutes of one core at the defaults.

    Returns:
        A row for each fragment; NaN in all quantities of those not looked at.

    Raises:
        PlanError: If the fragments looked at do not differ.
    """
    words = read_words(fragments.texts, _READ)
    lengths = words.lengths
    clusters = duplicate_groups(words.ids, lengths)
    rows = drawn_groups(clusters, lengths, most, np.random.default_rng([seed, 2]))
    rows = rows[lengths[rows] > 1]
    tokens = few_ids(words.ids[rows], lengths[rows])
    fit = cross_fit(
        tokens,
        lengths[rows],
        clusters[rows],
        settings or settings_for(int(lengths[rows].sum())),
        seed=seed,
        begins=words.begins[rows],
        workers=workers,
        progress=progress,
    )
    return quantities(fit, tokens, lengths[rows], words.ids[rows]).spread(rows, clusters)


def drawn_groups(
    clusters: PerFragment, sizes: PerFragment, most: int, rng: np.random.Generator
) -> Int64[np.ndarray, " rows"]:
    """Rows of whole groups, drawn until their sizes together would exceed ``most``; all if they never do."""
    groups = np.unique(clusters, return_inverse=True)[1]
    heavy = np.bincount(groups, weights=sizes)
    order = rng.permutation(len(heavy))
    kept = order[np.cumsum(heavy[order]) <= most]
    return np.flatnonzero(np.isin(groups, kept)).astype(np.int64)


def quantities(
    fit: CrossFit, tokens: Tokens, lengths: PerFragment, words: Tokens | None = None
) -> RoleQuantities:
    """Take the numbers from what the networks said."""
    clean, seen = _over(fit.clean(), fit.losses), _over(fit.seen, fit.losses)
    told = _mean(_over(fit.told & ~fit.seen, fit.losses))
    entropy = _over(fit.clean(), fit.entropies)
    gaps = clean - entropy
    sharp = np.array([np.nanquantile(row, 0.9) if np.isfinite(row).any() else np.nan for row in gaps])
    mean_clean, mean_seen, mean_entropy = _mean(clean), _mean(seen), _mean(entropy)
    frequency = _frequency_loss(tokens, lengths, fit.clusters)
    return RoleQuantities(
        fit.clusters,
        mean_clean,
        mean_seen,
        told,
        mean_clean / mean_entropy - 1,
        sharp,
        1 - mean_clean / frequency,
        1 - mean_seen / mean_clean,
        1 - told / mean_clean,
        _confirmed(clean - seen, tokens if words is None else words, lengths, fit.clusters),
        ordered(fit, lengths),
    )


def _over(
    which: Bool[np.ndarray, "networks fragments"], values: Float[np.ndarray, "networks fragments longest"]
) -> _Each:
    """Mean of each token over some networks; NaN where there are none."""
    weight = which / np.where(which.any(axis=0), which.sum(axis=0), np.nan)
    total = np.zeros(values.shape[1:], dtype=np.float64)
    for share, value in zip(weight, values, strict=True):
        total += np.where(share[:, None] == 0, np.where(np.isnan(value), np.nan, 0.0), share[:, None] * value)
    return total


def _mean(values: _Each) -> Numbers:
    there = np.isfinite(values)
    count = there.sum(axis=1)
    total = np.where(there, values, 0.0).sum(axis=1)
    return np.asarray(np.where(count > 0, total / np.maximum(count, 1), np.nan))


def _frequency_loss(tokens: Tokens, lengths: PerFragment, clusters: PerFragment) -> Numbers:
    """Mean loss of scored tokens under token frequencies of all other groups, half a count added to each."""
    vocabulary = int(tokens.max()) + 1
    scored = [row[1:length] for row, length in zip(tokens, lengths, strict=True)]
    total = np.bincount(np.concatenate(scored), minlength=vocabulary).astype(np.float64)
    losses = np.empty(len(tokens))
    for rows in rows_by_group(clusters):
        own = np.bincount(np.concatenate([scored[row] for row in rows]), minlength=vocabulary)
        left = total - own + 0.5
        code = np.log(left.sum()) - np.log(left)
        for row in rows:
            losses[row] = code[scored[row]].mean()
    return losses


def ordered(fit: CrossFit, lengths: PerFragment) -> Numbers:
    """How far a fragment's loss lies below that of its words in random orders.

    A fragment whose words were put in random order is exchangeable with its reorderings, whatever the
    networks know: a permutation test, with the variance of a mean over n tokens taken as that of all divided
    by n.
    """
    there = np.isfinite(fit.gained[:, 0])
    count = np.where(there.any(axis=0), there.sum(axis=0), np.nan)
    gained = np.where(there[:, None], fit.gained, 0.0).sum(axis=0, dtype=np.float64) / count
    defined = np.isfinite(count)
    if fit.overfitted().mean() <= 0.5:
        return np.full(len(lengths), np.nan)
    scored = np.maximum(lengths - 1, 1)
    spread = np.sqrt((gained.var(axis=0, ddof=1) * scored)[defined].mean() / scored)
    return np.asarray(gained.mean(axis=0) / np.maximum(spread * np.sqrt(1 + 1 / len(gained)), 1e-12))


def _confirmed(gain: _Each, words: Tokens, lengths: PerFragment, clusters: PerFragment) -> Numbers:
    share = np.full(len(words), np.nan)
    for rows in rows_by_group(clusters):
        said = {int(row): words[row, : lengths[row]] for row in rows}
        for row in said if len(rows) > 1 else ():
            length = int(lengths[row])
            gained = np.nan_to_num(gain[row, 1:length])
            gained = np.where(gained >= _NAT, gained, 0.0)
            if gained.sum() > 0:
                share[row] = max(
                    float(gained[np.isin(words[row, 1:length], other)].sum() / gained.sum())
                    for mate, other in said.items()
                    if mate != row
                )
    return share
