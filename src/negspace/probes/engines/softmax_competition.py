r"""Cross-entropy seen as a push: how hard, and against whom.

With logits z and temperature T, P = softmax(z / T), and the loss -ln P_y pushes the logit of each
competitor j of the true token y down by its gradient

    d(-ln P_y) / dz_j = P_j / T        for j other than y,

(1 - P_y) / T in total. The competitors are parted in two: those *near* the truth, and the *rest*. Every sum
is taken over competitors, relative to the strongest of them, and never as 1 - P_y: where the model is all but
sure, a float32 1 - P_y is 0, or noise, and the distribution over competitors, q_j = P_j / (1 - P_y), would be
noise with it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

# What stands in for the logit of a token that is left out, and for one of -inf. Its exponential is 0 at any
# temperature that is allowed, and so is, nearly, its product with the square of `_LEAST`.
_NOTHING = -1e20
# Squared it is just not denormal: denormal numbers take a hundred times as long, and add nothing to sums of 1
# or more.
_LEAST = 1.1e-19
_DENORMAL = 87.0  # exp(-87) is the last that is not
# Numbers worked on at once: with the buffers beside them they stay in a core's second cache.
_CACHED = 1 << 16
_ON_DEVICE = 1 << 26


@dataclass(frozen=True, eq=False)
class Competition:
    """Who competes with the true tokens; float64, on the CPU."""

    loss: Float[Tensor, " tokens"]  # -ln P_y at T = 1, in nats
    pressure: Float[Tensor, " tokens"]  # 1 - P_y at T = 1
    effective: Float[Tensor, " tokens"]  # exp(H(q)) at T = 1: so many, equally strong, are as spread out
    near_share: Float[Tensor, " tokens"]  # of the near ones in q, at T = 1
    truth: Float[Tensor, "tokens temperatures"]  # P_y
    near: Float[Tensor, "tokens temperatures"]  # probability of the near competitors together
    rest: Float[Tensor, "tokens temperatures"]  # probability of all others together


def competition(
    logits: Float[Tensor, "tokens vocabulary"],
    truth: Int[Tensor, " tokens"],
    near: Int[Tensor, "tokens k"],
    temperatures: Sequence[float],
) -> Competition:
    """Sum up the competition for each token."""
    least = float(logits.amin())
    if least < _NOTHING:
        logits.clamp_(min=_NOTHING)
    of_truth = logits.gather(1, truth[:, None]).cpu().double()
    of_near = logits.gather(1, near).cpu().double()
    logits.scatter_(1, torch.cat([truth[:, None], near], 1), _NOTHING)
    ladder = sorted({*temperatures, 1.0}, reverse=True)
    peak, sums, entropy_rest = (each.cpu().double() for each in _rest(logits, ladder, least))

    heat = torch.tensor(ladder, dtype=torch.float64)
    log_near = torch.logsumexp(of_near / heat[:, None, None], dim=2).T
    log_rest = peak[:, None] / heat + sums.log()
    weights = torch.stack([of_truth / heat, log_near, log_rest])
    shares = weights.softmax(0)

    one = ladder.index(1.0)
    q = torch.stack([log_near[:, one], log_rest[:, one]]).softmax(0)
    # Chain rule of entropy: between the two groups, and within each.
    entropy_near = torch.special.entr(of_near.softmax(1)).sum(1)
    entropy = torch.special.entr(q).sum(0) + q[0] * entropy_near + q[1] * entropy_rest
    wanted = [ladder.index(t) for t in temperatures]
    return Competition(
        -weights[:, :, one].log_softmax(0)[0],
        shares[1:, :, one].sum(0),
        entropy.exp(),
        q[0],
        *(each[:, wanted] for each in shares.unbind(0)),
    )


def strongest(
    logits: Float[Tensor, "tokens vocabulary"], truth: Int[Tensor, " tokens"], k: int
) -> tuple[Int[Tensor, "tokens k"], Float[Tensor, "tokens k"]]:
    """Find the strongest competitors of each true token, strongest first, and their probabilities."""
    total = torch.logsumexp(logits, dim=1, keepdim=True)
    competing = logits.scatter(1, truth[:, None], -torch.inf)
    found, ids = competing.topk(k, dim=1)
    return ids.cpu(), (found - total).exp().cpu()


def _rest(
    logits: Float[Tensor, "tokens vocabulary"], ladder: Sequence[float], least: float
) -> tuple[Float[Tensor, " tokens"], Float[Tensor, "tokens temperatures"], Float[Tensor, " tokens"]]:
    """The peak, the sums of exp((logit - peak) / T) for falling T, and the entropy at T = 1."""
    peak = logits.new_empty(len(logits))
    sums = logits.new_empty((len(logits), len(ladder)))
    entropy = logits.new_empty(len(logits))
    size = max(1, (_CACHED if logits.device.type == "cpu" else _ON_DEVICE) // logits.shape[1])
    buffers = torch.empty((3, size, logits.shape[1]), dtype=logits.dtype, device=logits.device)
    for start in range(0, len(logits), size):
        part = slice(start, start + size)
        gap, power, product = buffers[:, : len(logits[part])]
        torch.amax(logits[part], 1, out=peak[part])
        depth = float(peak[part].max()) - least
        _scaled_gap(logits[part], peak[part, None], ladder[0], gap)
        for i, temperature in enumerate(ladder):
            if i == 0:
                torch.exp(gap, out=power)
            elif ladder[i - 1] == 2 * temperature:
                # exp(x / T) = exp(x / 2T)²: one exponential serves all temperatures that halve.
                if depth > _DENORMAL * temperature:
                    power.clamp_(min=_LEAST)
                power.square_()
            else:
                torch.mul(gap, ladder[0] / temperature, out=power).exp_()
            torch.sum(power, 1, out=sums[part, i])
            if temperature == 1.0:
                torch.sum(torch.mul(gap, power, out=product), 1, out=entropy[part])
    one = sums[:, ladder.index(1.0)]
    return peak, sums, one.log() - ladder[0] * entropy / one


def _scaled_gap(
    logits: Float[Tensor, "tokens vocabulary"],
    peak: Float[Tensor, "tokens one"],
    temperature: float,
    out: Float[Tensor, "tokens vocabulary"],
) -> None:
    """(logits - peak) / temperature, in one pass where that is exact: a power of two does not round."""
    if math.frexp(temperature)[0] == 0.5:
        torch.add(peak / -temperature, logits, alpha=1 / temperature, out=out)
    else:
        torch.sub(logits, peak, out=out).div_(temperature)
