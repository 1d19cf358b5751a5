"""The logits of scored tokens, some at a time: a block is dropped before the next is made."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from negspace.data import Fragments
from negspace.language_models import LanguageModel, batches, check_finite
from negspace.probes.trunk import find_trunk

__all__ = ["LogitBlock", "logit_blocks"]

# Enough rows that the product with the head's weights is as fast as one of all rows, or nearly; at 150,000
# words of vocabulary these logits take 150 MB.
_ROWS = 256


@dataclass(frozen=True, eq=False)
class LogitBlock:
    """Logits of some scored tokens, of one fragment or of several.

    Attributes:
        rows: Position of each token's fragment among all fragments.
        places: Place of each token in its fragment; at least 1.
        truth: Ids of the tokens, on the model's device.
        logits: Of what may stand at each place, read from the tokens before it; float32 or float64. May be
            written over.
    """

    rows: Int[np.ndarray, " tokens"]
    places: Int[np.ndarray, " tokens"]
    truth: Int[Tensor, " tokens"]
    logits: Float[Tensor, "tokens vocabulary"]


def logit_blocks(
    model: LanguageModel,
    fragments: Fragments,
    rows: Sequence[int] | Int[np.ndarray, " rows"],
    *,
    batch: int,
) -> Iterator[LogitBlock]:
    """Go through all scored tokens of some fragments.

    The head of the network runs on 256 tokens at a time, and on none that is padding or the last of its
    fragment. Where a network cannot be parted from its head, the logits of the batch are held, as in any
    forward pass, and handed out in parts.

    Threads and gradients are the caller's to turn off: a generator that is left before its end gives them
    back late.

    Args:
        model: The model.
        fragments: All fragments.
        rows: Which of them; each is gone through once, however often it is named.
        batch: Padded tokens of a batch, at most.

    Raises:
        DataError: A loss is not finite.
    """
    trunk = find_trunk(model)
    for some in batches(fragments, np.unique(rows), tokens=batch, device=model.device):
        states = trunk.hidden(some) if trunk is not None else model.network(**some.inputs()).logits
        which, before = some.scored[:, 1:].nonzero(as_tuple=True)
        of, at = some.rows[which.cpu().numpy()], before.cpu().numpy() + 1
        for start in range(0, len(which), _ROWS):
            part = slice(start, start + _ROWS)
            found = states[which[part], before[part]]
            logits = _full(trunk.logits(found) if trunk is not None else found)
            truth = some.ids[which[part], before[part] + 1]
            # The loss is finite where the largest logit and the true token's are; others may be -inf.
            worst = logits.amax(1) - logits.gather(1, truth[:, None])[:, 0]
            check_finite(model, fragments, of[part], worst.cpu().numpy())
            yield LogitBlock(of[part], at[part], truth, logits)


def _full(logits: Float[Tensor, "tokens vocabulary"]) -> Float[Tensor, "tokens vocabulary"]:
    return logits if logits.dtype == torch.float64 else logits.float()
