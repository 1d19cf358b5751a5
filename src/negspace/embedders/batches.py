"""Batches whose shape depends on a text alone, so that its vector does too.

A model run on padded batches gives one text different vectors in different company: padding and the
number of rows choose other kernels, which add in another order (2e-7 of a unit vector, measured). Here only
texts of the same number of tokens share a batch, that number decides how many rows it has, and the
last batch is filled up. All operations then have the same shapes for a text, whatever stands beside it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from jaxtyping import Float, Float32, Int

from negspace.embedders.embedder import EmbeddingProgress, unit_rows

__all__ = ["embed_by_length"]


def embed_by_length(
    texts: Sequence[str],
    count: Callable[[list[str]], Int[np.ndarray, " texts"]],
    encode: Callable[[list[str]], Float[np.ndarray, "texts dims"]],
    *,
    tokens: int,
    progress: EmbeddingProgress | None = None,
) -> Float32[np.ndarray, "texts dims"]:
    """Embed each distinct text once, in batches of equal length and a shape that the length decides.

    Args:
        texts: What to embed; blank ones become rows of zeros.
        count: Number of tokens the model reads of each text.
        encode: Vectors of a batch of texts with equally many tokens.
        tokens: About how many tokens a batch has.
        progress: Told how many distinct texts are done.

    Returns:
        Vectors of unit length.
    """
    distinct = {text: row for row, text in enumerate(dict.fromkeys(t for t in texts if t.strip()))}
    if not distinct:  # the model is asked for no more than its number of dimensions
        return np.zeros((len(texts), encode(["."]).shape[1]), dtype=np.float32)
    known = list(distinct)
    lengths = count(known)
    order = np.argsort(lengths, kind="stable")
    starts = np.flatnonzero(np.diff(lengths[order]))
    found: list[Float32[np.ndarray, "batch dims"]] = []
    done = 0
    for same in np.split(order, starts + 1):
        size = max(1, tokens // max(1, int(lengths[same[0]])))
        for start in range(0, len(same), size):
            rows = same[start : start + size].tolist()
            batch = [known[row] for row in rows + [rows[0]] * (size - len(rows))]
            found.append(unit_rows(encode(batch)[: len(rows)]))
            done += len(rows)
            if progress is not None:
                progress("embedding texts", done, len(known))
    vectors = np.concatenate(found)[np.argsort(order)]
    result = np.zeros((len(texts), vectors.shape[1]), dtype=np.float32)
    content = np.array([text in distinct for text in texts])
    result[content] = vectors[[distinct[text] for text in texts if text in distinct]]
    return result
