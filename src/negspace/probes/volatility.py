"""How much the representation of a token moves: from context to context, and while the model was trained."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from jaxtyping import Bool, Float, Float32, Int

from negspace.data import Fragments
from negspace.embedders import one_thread
from negspace.errors import PlanError
from negspace.language_models import Batch, LanguageModel, Rows, batches, check_finite, halving
from negspace.probes.probe import PROBES, Collected, Planned, Probe, ProbeContext, Probed, TraceMetric

if TYPE_CHECKING:
    from torch import Tensor

_LAYER = "final"
_THROUGH_CHECKPOINTS = 16  # fragments of the sample


@dataclass(frozen=True, eq=False)
class TypeMeans:
    """Where the last hidden states of each token type point, over a corpus.

    The first token of a fragment has no context and is left out.
    """

    ids: Int[np.ndarray, " types"]  # that occur, sorted
    counts: Int[np.ndarray, " types"]
    sums: Float32[np.ndarray, "types width"]  # of the last hidden states, each scaled to length 1
    rows: Bool[np.ndarray, " fragments"]  # whether each was counted
    corpus: str  # fingerprint of the fragments
    model: str  # fingerprint of the model

    def movement(self) -> Float[np.ndarray, " types"]:
        """1 - the mean cosine of two different occurrences, for each type; NaN where there is but one."""
        squares = (self.sums.astype(np.float64) ** 2).sum(axis=1)
        pairs = self.counts * (self.counts - 1.0)
        alike = np.divide(squares - self.counts, pairs, out=np.full(len(pairs), np.nan), where=pairs > 0)
        return np.asarray(1 - alike)


@dataclass(frozen=True)
class VolatileToken:
    """What a token type stands for, its occurrences, and 1 - the mean cosine of two of them."""

    token: str
    count: int
    value: float


def type_means(model: LanguageModel, fragments: Fragments, rows: Rows, *, batch: int) -> TypeMeans:
    """Sum the last hidden states of each token type; one forward pass over the rows.

    Raises:
        PlanError: There are no rows.
        DataError: A hidden state is not finite.
    """
    import torch

    from negspace.probes.engines.backbone import last_hidden

    rows = np.unique(np.asarray(rows, dtype=np.int64))
    if not len(rows):
        raise PlanError("there is no fragment to take means of token types over", hint="name a row")
    place = np.arange(fragments.tokens.shape[1])
    scored = (place > 0) & (place < fragments.lengths[rows, None])
    ids, counts = np.unique(fragments.tokens[rows][scored], return_counts=True)
    known = torch.from_numpy(ids.astype(np.int64)).to(model.device)
    sums: Tensor | None = None
    with one_thread(), torch.inference_mode():
        hidden = last_hidden(model)
        for some in batches(fragments, rows, tokens=batch, device=model.device):
            unit = _unit(model, fragments, some, hidden(some))
            if sums is None:
                sums = torch.zeros((len(ids), unit.shape[1]), device=model.device)
            sums.index_add_(0, torch.searchsorted(known, some.ids[some.scored]), unit)
    counted = np.zeros(len(fragments), dtype=bool)
    counted[rows] = True
    assert sums is not None
    return TypeMeans(
        ids.astype(np.int64), counts, sums.cpu().numpy(), counted, fragments.fingerprint, model.fingerprint
    )


def volatile_types(
    model: LanguageModel, means: TypeMeans, n: int, *, at_least: int = 10
) -> tuple[tuple[VolatileToken, ...], tuple[VolatileToken, ...]]:
    """The token types that move most, most first, and least, least first."""
    movement = means.movement()
    often = np.flatnonzero((means.counts >= max(2, at_least)) & np.isfinite(movement))
    order = often[np.argsort(-movement[often], kind="stable")]
    most = min(n, (len(order) + 1) // 2)
    least = min(n, len(order) - most)

    def listed(places: Int[np.ndarray, " named"]) -> tuple[VolatileToken, ...]:
        texts = (model.token_texts([int(means.ids[i])])[0] for i in places)
        known = zip(texts, means.counts[places].tolist(), movement[places].tolist(), strict=True)
        return tuple(VolatileToken(*each) for each in known)

    return listed(order[:most]), listed(order[::-1][:least])


@PROBES.register("volatility")
@dataclass(frozen=True)
class VolatilityProbe(Probe):
    """How much the representations of each fragment's tokens move.

    Taken at the last hidden state (layer ``final``); means over the scored tokens of the fragment:

    * ``over contexts``: 1 - the mean cosine to the other occurrences of the same token type in the corpus
      (1 - self-similarity: Ethayarajh, 2019, "How contextual are contextualized word representations?",
      section 3.2, for one occurrence). Types without another occurrence are left out.
    * ``over checkpoints``: 1 - the cosine to the same token's state at the next checkpoint, averaged over the
      checkpoints kept; not taken where fewer than two were.

    Each occurrence is left out of the mean it is compared with; with itself in it, a type that occurs twice
    would seem steadier than one that occurs often.

    States of two checkpoints may be compared coordinate by coordinate, since one run of training, unlike two,
    carries its basis along. A turn of the whole space still counts as movement.

    By token: both metrics.
    """

    name: ClassVar[str] = "volatility"
    order: ClassVar[int] = 60
    metrics: ClassVar[tuple[TraceMetric, ...]] = (
        TraceMetric("over contexts", "1 − cosine", "volatility", "how much its tokens' representations move"),
        TraceMetric("over checkpoints", "1 − cosine"),
    )

    means: TypeMeans

    @classmethod
    def plan(cls, context: ProbeContext) -> Iterator[Planned]:
        """Every fragment over contexts; some of the sample over checkpoints, which take a pass each."""
        model, fragments = context.model, context.fragments
        context.report("comparing contexts", 0, 1)
        longest = int(fragments.lengths.max())
        context.type_means = halving(
            lambda batch: type_means(model, fragments, context.many, batch=batch), context.batch, longest
        )
        probe = cls(context.type_means)
        yield Planned("volatility", probe, context.every, replace(model, checkpoints=()))
        yield Planned("checkpoints", probe, context.sample[:_THROUGH_CHECKPOINTS])

    @classmethod
    def token_probe(cls, context: ProbeContext) -> Probe | None:
        """Volatility of each token, once the corpus's means are taken."""
        return None if context.type_means is None else cls(context.type_means)

    def measure(
        self, model: LanguageModel, fragments: Fragments, rows: Rows, *, batch: int, tokens: bool = False
    ) -> Probed:
        """See `Probe`.

        Raises:
            PlanError: The means are of another corpus or model.
            DataError: A hidden state is not finite.
            StoreError: A checkpoint lacks parameters.
        """
        import torch

        from negspace.probes.engines.backbone import CheckpointDrift, last_hidden

        means = self.means
        if (means.corpus, means.model) != (fragments.fingerprint, model.fingerprint):
            raise PlanError(
                "the means of token types are of another corpus or model than the one probed",
                hint="take them with type_means(model, fragments, …) of the same model and fragments",
            )
        rows = np.asarray(rows, dtype=np.int64)
        collected = Collected(fragments, rows, ("over contexts", "over checkpoints") if tokens else ())
        with one_thread(), torch.inference_mode():
            hidden = last_hidden(model)
            checkpoints = CheckpointDrift(model) if len(model.checkpoints) > 1 else None
            for some in batches(fragments, np.unique(rows), tokens=batch, device=model.device):
                scored = some.scored.cpu().numpy()
                which, places = np.nonzero(scored)
                of = some.rows[which]
                vectors = _unit(model, fragments, some, hidden(some)).cpu().numpy().astype(np.float64)
                ids = some.ids.cpu().numpy()[scored]
                at = np.minimum(np.searchsorted(means.ids, ids), len(means.ids) - 1)
                own, square = means.rows[of], (vectors**2).sum(axis=1)
                together = (vectors * means.sums[at]).sum(axis=1) - np.where(own, square, 0.0)
                others = np.where(means.ids[at] == ids, means.counts[at], 0) - own
                kept = others > 0  # its type has another occurrence
                moved = 1 - together / np.maximum(others, 1)
                collected.add(of[kept], places[kept], {"over contexts": moved[kept]})
                if checkpoints is not None:
                    collected.add(of, places, {"over checkpoints": checkpoints.movement(some)})
        return Probed(collected.traces(self.name, _LAYER), collected.tokens())


def _unit(model: LanguageModel, fragments: Fragments, some: Batch, hidden: Tensor) -> Tensor:
    """States of the scored tokens, scaled to length 1."""
    import torch

    states = hidden[some.scored].float()
    of = some.rows[some.scored.nonzero()[:, 0].cpu().numpy()]
    check_finite(model, fragments, of, states.norm(dim=1).cpu().numpy())
    return torch.nn.functional.normalize(states, dim=1)
