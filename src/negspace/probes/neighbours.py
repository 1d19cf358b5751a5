"""The tokens nearest to a token: those whose output embeddings point the same way."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from negspace.errors import DataError
from negspace.language_models import LanguageModel

if TYPE_CHECKING:
    from jaxtyping import Float, Int
    from torch import Tensor

__all__ = ["NearestTokens", "nearest_tokens"]

_AT_ONCE = 1 << 22  # cosines held at once


def nearest_tokens(
    embedding: Float[Tensor, "vocabulary width"], ids: Int[Tensor, " tokens"], k: int
) -> Int[Tensor, "tokens k"]:
    """Find the tokens of highest cosine to each of some tokens, highest first, itself left out.

    Cosines are held for a block of tokens at a time, never for the whole vocabulary.

    Args:
        embedding: A row for each token.
        ids: Whose neighbours.
        k: How many; less than the vocabulary.
    """
    import torch  # noqa: PLC0415  (an extra)

    unit = torch.nn.functional.normalize(embedding.float(), dim=1)
    found = torch.empty((len(ids), k), dtype=torch.int64, device=unit.device)
    size = max(1, _AT_ONCE // len(unit))
    for start in range(0, len(ids), size):
        part = ids[start : start + size]
        cosines = unit[part] @ unit.T
        cosines.scatter_(1, part[:, None], -torch.inf)
        found[start : start + size] = cosines.topk(k, dim=1).indices
    return found


@dataclass(frozen=True, eq=False)
class NearestTokens:
    """Neighbours of tokens in a model's output embedding, each looked for once.

    Attributes:
        k: How many of each; all others where the vocabulary has no more.
    """

    k: int
    _known: dict[str, Int[Tensor, "vocabulary k"]] = field(default_factory=dict, init=False, repr=False)

    def of(self, model: LanguageModel, ids: Int[Tensor, " tokens"]) -> Int[Tensor, "tokens k"]:
        """Neighbours of each token, on its device.

        Raises:
            DataError: The model has no output embedding.
        """
        import torch  # noqa: PLC0415  (an extra)

        table = self._known.get(model.fingerprint)
        layer = model.network.get_output_embeddings()
        if layer is None:
            raise DataError(
                f"{model.name} has no output embedding, so no token has neighbours in it",
                got=type(model.network).__name__,
                hint="choose a causal language model",
            )
        if table is None:
            size = len(layer.weight)
            table = torch.full((size, min(self.k, size - 1)), -1, dtype=torch.int64, device=ids.device)
            self._known[model.fingerprint] = table
        if table.shape[1] == 0:
            return table[ids]
        missing: Tensor = ids[table[ids, 0] < 0].unique()  # type: ignore[no-untyped-call]
        if len(missing):
            table[missing] = nearest_tokens(layer.weight.detach(), missing, table.shape[1])
        return table[ids]
