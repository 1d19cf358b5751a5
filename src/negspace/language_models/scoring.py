"""How well a model predicts each token of a fragment."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float, Float32, Int

from negspace.data import Fragments
from negspace.data.fragments import select
from negspace.embedders.quiet import one_thread
from negspace.errors import DataError
from negspace.language_models.model import LanguageModel, Rows, batches

if TYPE_CHECKING:
    from torch import Tensor

_AT_ONCE = 1 << 20  # logits turned into probabilities at once: 4 MB of float32, whatever the batch


def token_losses(
    model: LanguageModel, fragments: Fragments, rows: Rows, batch: int
) -> Float32[np.ndarray, "rows longest"]:
    """Loss of every token: -ln P(token | those before it in the fragment), in nats.

    Returns:
        A row for each of ``rows``, as long as the longest of all fragments; NaN where a token is not scored.
    """
    import torch

    rows = np.asarray(rows, dtype=np.int64)
    found = np.full((len(rows), fragments.tokens.shape[1]), np.nan, dtype=np.float32)
    if not len(rows):
        return found
    # Positions among the rows asked for, not among all: a row may be asked for twice.
    part = select(fragments, rows)
    with one_thread(), torch.inference_mode():
        for some in batches(part, np.arange(len(rows)), tokens=batch, device=model.device):
            logits = model.network(**some.inputs()).logits
            wanted = some.scored[:, 1:]
            losses = torch.full(wanted.shape, torch.nan, device=wanted.device)
            losses[wanted] = torch.cat(
                [
                    torch.nn.functional.cross_entropy(before.float(), after, reduction="none")
                    for before, after in _in_parts(logits, some.ids, wanted)
                ]
            )
            found[some.rows, 1 : wanted.shape[1] + 1] = losses.cpu().numpy()
    _check_scored(model, part, found)
    return found


def fragment_losses(
    model: LanguageModel, fragments: Fragments, rows: Rows, batch: int
) -> Float32[np.ndarray, " rows"]:
    """Loss of each fragment: the mean of its `token_losses`, in nats per token."""
    # In doubles, for a sum of a thousand float32 loses the digits that differences of losses need.
    losses = token_losses(model, fragments, rows, batch)
    return np.asarray(np.nanmean(losses, axis=1, dtype=np.float64), dtype=np.float32)


def check_finite(
    model: LanguageModel,
    fragments: Fragments,
    rows: Int[np.ndarray, " some"],
    values: Float[np.ndarray, " some"],
) -> None:
    """Refuse losses, or what they come of, that are not finite.

    Raises:
        DataError: One is not finite; its fragment's place is named.
    """
    bad = np.flatnonzero(~np.isfinite(values))
    if len(bad):
        raise _not_finite(model, fragments.places[int(rows[bad[0]])], str(values[bad[0]]))


def _in_parts(logits: Tensor, ids: Tensor, wanted: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
    """The logits before each scored token and that token, a few at a time."""
    row, column = wanted.nonzero(as_tuple=True)
    size = max(1, _AT_ONCE // logits.shape[-1])
    for start in range(0, len(row), size):
        at = row[start : start + size], column[start : start + size]
        yield logits[at], ids[:, 1:][at]


def _check_scored(
    model: LanguageModel, fragments: Fragments, losses: Float32[np.ndarray, "fragments longest"]
) -> None:
    place = np.arange(losses.shape[1])
    scored = (place > 0) & (place < fragments.lengths[:, None])
    bad = np.argwhere(scored & ~np.isfinite(losses))
    if len(bad):
        row, token = (int(i) for i in bad[0])
        raise _not_finite(
            model,
            fragments.places[row],
            f"{losses[row, token]} at token {token} of {fragments.lengths[row]}; "
            f"{len(np.unique(bad[:, 0]))} of {len(fragments)} fragments have such a token",
        )


def _not_finite(model: LanguageModel, place: str, got: str) -> DataError:
    return DataError(
        f"{place}: the loss of the model {model.name} is not finite",
        got=got,
        hint="check the model's weights; where they are half precision, ask for --dtype float32",
    )
