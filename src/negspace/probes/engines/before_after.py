"""What a model makes of some fragments, layer by layer, and how far that is from what it made of them before.

Both kinds of drift are written so that a small change is not lost in the rounding of numbers near 1.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Float64, Int
from torch import Tensor, nn

from negspace.embedders import quiet
from negspace.errors import PlanError
from negspace.language_models import Batch
from negspace.probes.engines.backbone import causal_model

COSINE, CKA, ATTENTION = "drift", "cka drift", "attention change"


class Picture(NamedTuple):
    """What a model makes of a batch; losses are differentiable if gradients were on."""

    batch: Batch
    losses: Float[Tensor, " fragments"]
    hidden: dict[str, Tensor]  # by layer: (fragments, tokens, width)
    maps: dict[str, list[Tensor]]  # by layer, of each fragment: (heads, queries, keys), at those compared


def picture(network: Any, batch: Batch, queries: int) -> Picture:
    """Run a batch; keep its hidden states, and attention maps at so many query positions at most."""
    hidden: dict[str, Tensor] = {}
    maps: dict[str, list[Tensor]] = {}
    lengths = _lengths(batch)

    def keep_maps(layer: str, found: Tensor) -> None:
        maps[layer] = _at_queries(found, lengths, queries)

    with hooked(network, hidden.__setitem__, keep_maps if queries else None):
        losses = mean_losses(network, batch)
    return Picture(batch, losses, hidden, maps)


def changes(
    network: Any, before: Picture, queries: int
) -> tuple[Float[Tensor, " fragments"], dict[tuple[str, str], Float64[np.ndarray, " fragments"]]]:
    """Run the batch of a picture again: losses now, and how far each fragment moved, by metric and layer."""
    found: dict[tuple[str, str], Float64[np.ndarray, " fragments"]] = {}
    lengths = _lengths(before.batch)

    def compare_hidden(layer: str, after: Tensor) -> None:
        pairs = [
            (old[:length], new[:length])
            for old, new, length in zip(before.hidden[layer], after, lengths, strict=True)
        ]
        found[COSINE, layer] = _array([cosine_drift(*pair) for pair in pairs])
        found[CKA, layer] = _array([cka_drift(*pair) for pair in pairs])

    def compare_maps(layer: str, after: Tensor) -> None:
        pairs = zip(before.maps[layer], _at_queries(after, lengths, queries), strict=True)
        found[ATTENTION, layer] = _array([jensen_shannon(*pair).mean() for pair in pairs])

    with hooked(network, compare_hidden, compare_maps if queries else None):
        losses = mean_losses(network, before.batch)
    return losses, found


def mean_losses(network: Any, batch: Batch) -> Float[Tensor, " fragments"]:
    """Mean loss of each fragment over its scored tokens, in nats per token; differentiable."""
    logits = network(**batch.inputs()).logits[:, :-1]
    scored = batch.scored[:, 1:]
    logits = logits if logits.dtype == torch.float64 else logits.float()
    losses = nn.functional.cross_entropy(logits.transpose(1, 2), batch.ids[:, 1:], reduction="none")
    return torch.where(scored, losses, 0.0).sum(1) / scored.sum(1)


def _lengths(batch: Batch) -> list[int]:
    return [int(n) + 1 for n in batch.scored.sum(1)]


def _at_queries(maps: Tensor, lengths: list[int], queries: int) -> list[Tensor]:
    return [
        each[:, torch.from_numpy(query_positions(length, queries)).to(each.device), :length]
        for each, length in zip(maps, lengths, strict=True)
    ]


def _array(numbers: list[Tensor]) -> Float64[np.ndarray, " fragments"]:
    return torch.stack(numbers).double().cpu().numpy()


def cosine_drift(
    before: Float[Tensor, "tokens width"], after: Float[Tensor, "tokens width"]
) -> Float[Tensor, ""]:
    """Mean over tokens of 1 - cosine between the two states of each, in [0, 2].

    Computed as half the squared distance of the unit vectors, which is the same number.
    """
    unit = torch.nn.functional.normalize(after.float(), dim=1) - torch.nn.functional.normalize(
        before.float(), dim=1
    )
    return unit.square().sum(1).mean() / 2


def cka_drift(
    before: Float[Tensor, "tokens width"], after: Float[Tensor, "tokens width"]
) -> Float[Tensor, ""]:
    """1 - linear CKA of the two sets of states, in [0, 1]; NaN where all tokens of one are alike.

    ``CKA = ||YᵀX||² / (||XᵀX|| ||YᵀY||)`` in Frobenius norms, X and Y centred over tokens (Kornblith et al.
    2019, "Similarity of neural network representations revisited", section 3, for linear kernels). Blind to
    rotations and to a common scale, unlike the cosine.

    With Gram matrices K and L scaled to norm 1 it is half of ``||K - L||²``. Unless they are far larger than
    the products of features, they are formed; those have the same inner products, but need doubles, for there
    1 - CKA is the small difference of two large numbers.
    """
    x, y = (states.float() - states.float().mean(0) for states in (before, after))
    x, y = x / x.norm(), y / y.norm()
    if len(x) <= 2 * x.shape[1]:
        k, other = x @ x.T, y @ y.T
        gap: Tensor = k / k.norm() - other / other.norm()
        return gap.square().sum() / 2
    x, y = x.double(), y.double()
    products = (x.T @ x).norm() * (y.T @ y).norm()
    alike: Tensor = (x.T @ y).square().sum() / products
    return (1 - alike).float()


@contextmanager
def eager_attention(network: Any) -> Iterator[None]:
    """Let a network compute its attention maps as such; fused kernels never have them.

    Raises:
        PlanError: The network has no such way.
    """
    before = network.config._attn_implementation  # what `set_attn_implementation` sets
    try:
        network.set_attn_implementation("eager")
        if network.config._attn_implementation != "eager":
            raise PlanError(
                "this model cannot be made to show its attention maps",
                got=type(network).__name__,
                hint="compare no attention: StepProbe(…, queries=0)",
            )
        yield
    finally:
        network.set_attn_implementation(before)


def shows_attention(network: Any) -> bool:
    """Whether `eager_attention` works for a network; tried out, without a forward pass."""
    try:
        with quiet(), eager_attention(network):
            return True
    except PlanError:
        return False


def query_positions(length: int, most: int) -> Int[np.ndarray, " queries"]:
    """Evenly spaced positions of a fragment at which attention is compared, ``most`` at most.

    The first is left out where there is another: it attends to itself alone, before and after.
    """
    if length < 2:
        return np.zeros(length, dtype=np.int64)
    return np.unique(np.linspace(1, length - 1, min(most, length - 1)).round().astype(np.int64))


def jensen_shannon(
    before: Float[Tensor, "*rows keys"], after: Float[Tensor, "*rows keys"]
) -> Float[Tensor, "*rows"]:
    """Jensen-Shannon divergence of distributions, in nats: between 0 and ln 2.

    ``½ KL(p | m) + ½ KL(q | m)`` with ``m = (p + q) / 2`` (Lin 1991, eq. 4.1 for equal weights). With
    ``d = (q - p) / (q + p)`` it is ``½ Σ m ((1 + d) ln(1 + d) + (1 - d) ln(1 - d))``, and that bracket is
    ``2 d artanh d + ln(1 - d²)``: of the order of d² term by term, so that nothing cancels where p is near q.
    """
    total = before.float() + after.float()
    gap = (after.float() - before.float()) / torch.where(total > 0, total, 1.0)
    bound = 1 - torch.finfo(gap.dtype).eps
    gap = gap.clamp(-bound, bound)
    bracket = 2 * gap * torch.atanh(gap) + torch.log1p(-gap.square())
    return (total * bracket).sum(-1) / 4


def _blocks_of(network: Any) -> tuple[nn.Module, list[nn.Module]]:
    """The module that runs a transformer's blocks (a list as long as its configuration says), and these."""
    wanted = network.config.get_text_config().num_hidden_layers
    for name, module in network.named_modules():
        if isinstance(module, nn.ModuleList) and len(module) == wanted:
            return network.get_submodule(name.rpartition(".")[0]), list(module)
    raise PlanError(
        "the blocks of this model cannot be found",
        got=f"{type(network).__name__}, {wanted} layers by its configuration",
        hint="leave out the probe step",
    )


@contextmanager
def hooked(
    network: Any,
    on_hidden: Callable[[str, Tensor], None],
    on_attention: Callable[[str, Tensor], None] | None = None,
) -> Iterator[None]:
    """Watch forward passes of a ``PreTrainedModel``.

    Args:
        network: The network.
        on_hidden: Told what goes into the first block (``embed``), what leaves each (``0``, ``1``, …), and
            what leaves the last norm (``final``): (fragments, tokens, width).
        on_attention: Told the attention maps of each block: (fragments, heads, queries, keys). Only eager
            attention (`eager_attention`) has them, and blocks without attention have none.
    """
    stack, blocks = _blocks_of(causal_model(network))

    def entering(_module: nn.Module, args: Any, kwargs: Any) -> None:
        on_hidden("embed", (args[0] if args else kwargs["hidden_states"]).detach())

    def leaving(layer: str, _module: nn.Module, _args: Any, output: Any) -> None:
        on_hidden(layer, (output if isinstance(output, Tensor) else output[0]).detach())

    def attending(layer: str, _module: nn.Module, _args: Any, output: Any) -> None:
        # What attention modules have in common, whatever their class: they answer with states and maps.
        found = output[1] if isinstance(output, tuple) and len(output) > 1 else None
        if isinstance(found, Tensor) and found.ndim == 4 and found.shape[-1] == found.shape[-2]:
            assert on_attention is not None
            on_attention(layer, found.detach())

    with ExitStack() as hooks:
        hooks.callback(blocks[0].register_forward_pre_hook(entering, with_kwargs=True).remove)
        # Not the base model: OPT goes round it.
        hooks.callback(stack.register_forward_hook(partial(leaving, "final")).remove)
        for number, block in enumerate(blocks):
            hooks.callback(block.register_forward_hook(partial(leaving, str(number))).remove)
            inside = [module for module in block.modules() if module is not block]
            for module in inside if on_attention is not None else ():
                told = partial(attending, str(number))
                hooks.callback(module.register_forward_hook(told).remove)
        yield
