"""What one model says of all sentences of minimal pairs, how a run keeps it, and what is measured of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import inf
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float, Int
from scipy.special import expit

from negspace.embedders import one_thread
from negspace.errors import DataError, PlanError
from negspace.evaluation import EASY, EASY_PER_TOKEN, NEAR_MISS, NEAR_MISS_PER_TOKEN, PairTask
from negspace.language_models import Batch, batches, halving
from negspace.metrics import EvalSetMetric, mean_of
from negspace.quantities import PREDICTION, Quantity, declare
from negspace.records import Measurement, Run, Task, Values

if TYPE_CHECKING:
    from torch import Tensor

CHOICE = PREDICTION + declare(
    Quantity(
        "good_mean_token_prob",
        "geometric mean of the probabilities of the good sentence's tokens, each given those before it",
        "probability",
        0.0,
        1.0,
    ),
    Quantity("other_mean_token_prob", "the same of the other sentence", "probability", 0.0, 1.0),
    Quantity(
        "good_token_prob",
        "probability of the good token where the sentences part",
        "probability",
        0.0,
        1.0,
    ),
    Quantity("bad_token_prob", "probability of the bad token there", "probability", 0.0, 1.0),
    Quantity(
        "good_token_reciprocal_rank",
        "1 / rank of the good sentence's token there among all tokens; 1 for the most probable",
        "1 / rank",
        0.0,
        1.0,
    ),
)
"""What a run holds of each choice of a `PairTask`.

The first two are NaN in the blocks per token, for the sentences are the same; the last three are held for
near misses, and NaN where one sentence ends before it parts from the other. The sum of the log-probabilities
of a sentence's tokens is the logarithm of their geometric mean times their number.
"""

_LOGITS_AT_ONCE = 1 << 24  # 64 MB of float32
_TOKENS_AT_ONCE = 1 << 13


@dataclass(frozen=True, eq=False)
class PairScores:
    """Log-probabilities that a model gave, in nats.

    Attributes:
        sentences: ln P of each sentence: the sum over its tokens of ln P(token | those before it).
        good_token: ln P, where a pair's sentences part, of the good one's token; NaN where one ends before.
        bad_token: ln P of the bad one's token, in the same place.
        rank: Rank of the good token there among all tokens; 1 for the most probable.
    """

    sentences: Float[np.ndarray, " sentences"]
    good_token: Float[np.ndarray, " pairs"]
    bad_token: Float[np.ndarray, " pairs"]
    rank: Float[np.ndarray, " pairs"]


def score_pairs(network: Any, task: PairTask, *, name: str, device: str = "cpu") -> PairScores:
    """Have a model read all sentences of a task.

    Sentences with equal tokens get equal scores, to the last bit: a tie is a tie.

    Args:
        network: A causal language model of transformers.
        task: The pairs.
        name: What messages call the model.
        device: Where it runs.

    Raises:
        DataError: If a log-probability is not finite, or memory does not do.
    """
    longest = int(task.fragments.lengths.max())
    tokens = max(longest, min(_TOKENS_AT_ONCE, _LOGITS_AT_ONCE // len(network.get_input_embeddings().weight)))
    with one_thread():
        scores = halving(lambda batch: _score(network, task, batch, device), tokens, least=longest)
    if not np.isfinite(scores.sentences).all():
        row = int(np.flatnonzero(~np.isfinite(scores.sentences))[0])
        raise DataError(
            f"{task.fragments.places[row]}: the log-probability of a sentence is not finite",
            got=f"{scores.sentences[row]} from {name}",
            hint="check the model's weights: its training may have diverged",
        )
    return scores


def _score(network: Any, task: PairTask, batch: int, device: str) -> PairScores:
    import torch

    pairs, fragments = len(task.pairs), task.fragments
    sentences = np.zeros(len(fragments))
    tokens = np.full((3, pairs), np.nan)
    _, first, same = np.unique(fragments.tokens, axis=0, return_index=True, return_inverse=True)
    with torch.inference_mode():
        for some in batches(fragments, np.arange(len(fragments)), tokens=batch, device=device):
            logits = network(**some.inputs()).logits[:, :-1].float()
            log_sum = logits.logsumexp(-1)
            found = logits.gather(-1, some.ids[:, 1:, None])[..., 0] - log_sum
            total = torch.where(some.scored[:, 1:], found, 0.0).double().sum(-1)
            sentences[some.rows] = total.cpu().numpy()
            for pair, values in _at_parting(some, logits, log_sum, task):
                tokens[:, pair] = values
    return PairScores(sentences[first[same.reshape(-1)]], *tokens)


def _at_parting(
    some: Batch, logits: Tensor, log_sum: Tensor, task: PairTask
) -> Iterator[tuple[Int[np.ndarray, " parted"], Float[np.ndarray, "3 parted"]]]:
    """Where the sentences of pairs part: ln P of the good and the bad token, and the rank of the good one.

    Read off the good sentence: up to there the bad one is the same.
    """
    import torch

    pairs = len(task.pairs)
    inside = np.flatnonzero(some.rows < pairs)
    inside = inside[task.parting[some.rows[inside]] > 0]
    if not len(inside):
        return
    pair = some.rows[inside]
    at = task.parting[pair]
    good, bad = (
        torch.as_tensor(task.fragments.tokens[rows, at].astype(np.int64)) for rows in (pair, pairs + pair)
    )
    where = torch.as_tensor(inside), torch.as_tensor(at - 1)
    here, normal = logits[where], log_sum[where]
    of_good = here.gather(-1, good.to(here.device)[:, None])
    of_bad = here.gather(-1, bad.to(here.device)[:, None])
    rank = 1 + (here > of_good).sum(-1)
    found = torch.stack([of_good[:, 0] - normal, of_bad[:, 0] - normal, rank.float()])
    yield pair, found.double().cpu().numpy()


def as_values(scores: PairScores, task: PairTask) -> Values:
    """Write scores as the values of a run, which are those of `CHOICE`.

    Equal probabilities are no preference, and the choice counts as wrong, as in BLiMP's own scoring.
    """
    pairs = len(task.pairs)
    per_token = scores.sentences / task.scored
    rows = len(task.held_out_labels)
    values = {name: np.full(rows, np.nan) for name in CHOICE}
    label = np.zeros(rows, dtype=np.int64)
    for score, near_miss, easy in (
        (scores.sentences, NEAR_MISS, EASY),
        (per_token, NEAR_MISS_PER_TOKEN, EASY_PER_TOKEN),
    ):
        good = score[:pairs]
        for on, margin in (
            (near_miss, good - score[pairs : 2 * pairs]),
            (easy, good[task.twin_of] - score[2 * pairs :]),
        ):
            at = task.eval_sets[on].rows
            label[at] = margin > 0
            values["truth"][at] = expit(margin)
            values["confidence"][at] = expit(np.abs(margin))
    probability = np.exp(per_token)
    near, twins = task.eval_sets[NEAR_MISS].rows, task.eval_sets[EASY].rows
    values["good_mean_token_prob"][near] = probability[:pairs]
    values["good_mean_token_prob"][twins] = probability[:pairs][task.twin_of]
    values["other_mean_token_prob"][near] = probability[pairs : 2 * pairs]
    values["other_mean_token_prob"][twins] = probability[2 * pairs :]
    values["good_token_prob"][near] = np.exp(scores.good_token)
    values["bad_token_prob"][near] = np.exp(scores.bad_token)
    values["good_token_reciprocal_rank"][near] = 1 / scores.rank
    return {**values, "label": label}


def read_scores(values: Values, task: PairTask) -> PairScores:
    """Read scores back from the values of a run, as exactly as doubles hold them."""
    near, easy = task.eval_sets[NEAR_MISS].rows, task.eval_sets[EASY].rows
    good, other = values["good_mean_token_prob"], values["other_mean_token_prob"]
    with np.errstate(divide="ignore"):
        sentences = np.log(np.concatenate([good[near], other[near], other[easy]])) * task.scored
        good_token, bad_token = (np.log(values[f"{side}_token_prob"][near]) for side in ("good", "bad"))
    return PairScores(sentences, good_token, bad_token, 1 / values["good_token_reciprocal_rank"][near])


@dataclass(frozen=True)
class _ChoiceMetric(EvalSetMetric):
    """A mean over near misses; NaN, where one sentence ends before the other parts from it, is left out."""

    def check(self, task: Task) -> None:
        """Refuse a task whose items are no choices between two sentences."""
        super().check(task)
        if not isinstance(task, PairTask):
            raise PlanError(f"{self.name}: the items of the task are no minimal pairs")

    def _mean(self, values: Float[np.ndarray, " chosen"], task: Task) -> Measurement:
        defined = ~np.isnan(values)
        return mean_of(values[defined], self.clusters(task)[defined])


@dataclass(frozen=True)
class Margin(_ChoiceMetric):
    """Mean of ln P(good) - ln P(bad), in nats.

    Attributes:
        on: Name of an eval set of near misses.
    """

    kind = "margin"
    reads = ("good_mean_token_prob", "other_mean_token_prob")

    @property
    def bounds(self) -> tuple[float, float]:
        """None."""
        return -inf, inf

    def __call__(self, run: Run, task: Task) -> Measurement:
        """Measure a run."""
        assert isinstance(task, PairTask)
        pairs = task.eval_sets[self.on].rows  # near misses stand first, one a pair
        good, bad = (
            np.log(self.items(run, task, name)) * task.scored[first + pairs]
            for name, first in zip(self.reads, (0, len(task.pairs)), strict=True)
        )
        return self._mean(good - bad, task)


@dataclass(frozen=True)
class Pressure(_ChoiceMetric):
    """Mean of 1 - P(good token) where the sentences of a pair part, in [0, 1].

    It is the total negative pressure of the softmax there, at temperature 1: by how much a step on the good
    sentence would lift its token, and push down all others together.

    Attributes:
        on: Name of an eval set of near misses.
    """

    kind = "pressure at the parting"
    title = "pressure on {on}"
    reads = ("good_token_prob",)

    def __call__(self, run: Run, task: Task) -> Measurement:
        """Measure a run."""
        return self._mean(1 - self.items(run, task, "good_token_prob"), task)


@dataclass(frozen=True)
class CompetitorProbability(_ChoiceMetric):
    """Mean of P(bad token) where the sentences of a pair part, in [0, 1].

    That much of the pressure on the good token falls on the bad one.

    Attributes:
        on: Name of an eval set of near misses.
    """

    kind = "probability of the bad token"
    reads = ("bad_token_prob",)

    def __call__(self, run: Run, task: Task) -> Measurement:
        """Measure a run."""
        return self._mean(self.items(run, task, "bad_token_prob"), task)
