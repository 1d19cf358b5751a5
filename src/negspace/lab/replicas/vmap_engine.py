"""Replicas of any PyTorch module, trained as one program; imports PyTorch."""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence
from dataclasses import astuple

import numpy as np
import torch
from jaxtyping import Float, Float32, Float64, Int32
from torch import Tensor, nn
from torch.func import functional_call, vmap
from torch.nn.functional import binary_cross_entropy_with_logits

from negspace.errors import PlanError
from negspace.lab.concepts import Tokens
from negspace.lab.replicas.arms import Adam, Batches, check_against, check_batches
from negspace.lab.replicas.nets import NOTHING, Net, count

_ROWS = 4096  # read at a time by `logits`
_GROUP = 64  # replicas run at once on a CPU; more, and what passes between operations leaves its cache


class ModuleReplicas:
    """Models of one architecture in training, their parameters stacked, one program for all.

    The forward pass is `torch.func.vmap` of the module over the replicas, the loss the sum of theirs, so
    that no gradient reaches a neighbour. A replica's training is the same whatever stands beside it up to
    rounding: products of matrices add in an order that may change with the size of the stack, and rows are
    padded to the longest of all replicas. (`numba_engine` is exact.)

    Each replica starts from its ``initial`` parameters; settings of Adam are one for all, or one for each.
    On CUDA nothing is read back before a call to `train` ends. PyTorch's settings are left alone: on a CPU
    call ``torch.set_num_threads(1)`` first; these steps are too small to be shared among threads.

    Raises:
        PlanError: If there is no replica; if initial vectors or settings do not fit; if the module holds
            dropout or batch normalisation; if a GPU is set to round float32 products to TF32.
    """

    def __init__(
        self,
        net: Net,
        initial: Sequence[Float32[np.ndarray, " parameters"]],
        adam: Adam | Sequence[Adam],
        device: str = "cpu",
    ) -> None:
        settings = [adam] * len(initial) if isinstance(adam, Adam) else list(adam)
        size = count(net)
        sizes = [len(vector) for vector in initial]
        if {*sizes} != {size}:
            raise PlanError(f"one vector of {size} initial parameters for each replica", got=sizes)
        if len(settings) != len(initial):
            raise PlanError(f"settings of Adam for {len(initial)} replicas", got=len(settings))
        self._device = torch.device(device)
        precision = torch.get_float32_matmul_precision()
        if self._device.type == "cuda" and precision != "highest":
            wrong = "PyTorch is set to round float32 products on the GPU"
            raise PlanError(wrong, got=precision, hint="torch.set_float32_matmul_precision('highest')")
        self._net = net
        self._probe = _module(net)
        self._highest = -1
        self._module = copy.deepcopy(self._probe).to(self._device)
        self._flat = torch.tensor(np.stack(initial), dtype=torch.float32, device=self._device)
        self._optimiser = _StackedAdam(settings, self._flat)
        size = _GROUP if self._device.type == "cpu" else len(initial)
        groups = [slice(at, at + size) for at in range(0, len(initial), size)]
        self._groups = [(group, _views(net, self._flat[group])) for group in groups]
        self._alive = torch.ones(len(initial), dtype=torch.bool, device=self._device)
        self._diverged_at: list[int | None] = [None] * len(initial)

    @property
    def diverged_at(self) -> Sequence[int | None]:
        """Step (from 0) at which each replica stopped being finite, or None."""
        return tuple(self._diverged_at)

    def train(self, batches: Sequence[Batches]) -> Float32[np.ndarray, "replicas steps"]:
        """Take one step of Adam on each batch; see `Replicas.train`.

        Raises:
            PlanError: If the batches do not fit the replicas or the net.
        """
        data = _Stacked(batches, self._net, len(self._flat), self._device)
        self._check_tokens(data.lowest, data.highest)
        start = self._optimiser.taken
        rates = self._optimiser.rates(len(data.longest))
        losses = torch.empty(len(data.longest), len(self._flat), device=self._device)
        for step, longest in enumerate(data.longest):
            losses[step] = self._step(data, step, longest, rates[step])
        found: Float32[np.ndarray, "replicas steps"] = losses.T.cpu().numpy().copy()
        for replica in range(len(found)):
            # Read from the losses, so that a GPU is waited for once.
            if self._diverged_at[replica] is None and np.isnan(found[replica]).any():
                self._diverged_at[replica] = start + int(np.isnan(found[replica]).argmax())
        return found

    def parameters(self, replica: int) -> Float32[np.ndarray, " parameters"]:
        """A copy of a replica's parameters as they are now."""
        return self._flat[replica].cpu().numpy().copy()

    def logits(self, replica: int, tokens: Tokens, against: Tokens | None) -> Float32[np.ndarray, " rows"]:
        """Logit that each sequence is positive; see `Replicas.logits`.

        Raises:
            PlanError: If ``against`` is given without a delta, or missing with one.
        """
        check_against(self._net, tokens, against)
        if tokens.size:
            self._check_tokens(int(tokens.min()), _highest([tokens, against]))
        views = {name: view[0] for name, view in _views(self._net, self._flat[replica, None]).items()}
        parts = []
        with torch.no_grad():
            for at in range(0, len(tokens), _ROWS):
                rows, beside = (
                    None if part is None else torch.tensor(part[at : at + _ROWS], device=self._device)
                    for part in (tokens, against)
                )
                lengths = torch.full((len(tokens[at : at + _ROWS]),), tokens.shape[1], device=self._device)
                found: Tensor = functional_call(self._module, views, (rows, beside, lengths))
                parts.append(found.cpu().numpy())
        return np.concatenate(parts) if parts else np.zeros(0, dtype=np.float32)

    def _check_tokens(self, lowest: int, highest: int) -> None:
        # Stacked embeddings lie end to end: an unknown token would read, and train, a neighbour's.
        if self._highest < highest:
            rows = torch.tensor([[highest]])
            against = None if self._net.delta is None else rows
            try:
                self._probe(rows, against, torch.tensor([1]))
            except IndexError:
                raise PlanError(f"the net '{self._net.name}' does not know the token", got=highest) from None
            self._highest = highest
        if lowest < 0:
            raise PlanError("tokens are 0 or above", got=lowest)

    def _step(self, data: _Stacked, step: int, longest: int, rate: Tensor) -> Tensor:
        """One step of all replicas; its losses, NaN where a replica is no longer finite."""
        found = [self._gradient(views, *data.at(step, longest, group)) for group, views in self._groups]
        with torch.no_grad():
            losses, gradient = (torch.cat(parts) for parts in zip(*found, strict=True))
            proposed = self._optimiser.propose(gradient, rate)
            # A gradient that is not finite makes parameters that are not, and those a largest that is not.
            self._alive &= losses.isfinite() & proposed.abs().amax(1).isfinite()
            self._flat.copy_(torch.where(self._alive[:, None], proposed, self._flat))
            return losses.masked_fill(~self._alive, math.nan)

    def _gradient(
        self, views: dict[str, Tensor], inputs: tuple[Tensor, Tensor | None, Tensor], labels: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Loss and flat gradient of each replica of a group."""

        def forward(one: dict[str, Tensor], *inputs: Tensor | None) -> Tensor:
            logits: Tensor = functional_call(self._module, one, inputs)
            return logits

        dims = (0, *(None if part is None else 0 for part in inputs))
        logits = vmap(forward, in_dims=dims)(views, *inputs)
        losses = binary_cross_entropy_with_logits(logits, labels, reduction="none").mean(1)
        gradients = torch.autograd.grad(losses.sum(), list(views.values()))
        return losses.detach(), torch.cat([part.flatten(1) for part in gradients], dim=1)


class _StackedAdam:
    """`torch.optim.Adam` over replicas, each with its own settings."""

    def __init__(self, settings: Sequence[Adam], parameters: Float[Tensor, "replicas parameters"]) -> None:
        def column(values: Float64[np.ndarray, " replicas"]) -> Float[Tensor, "replicas 1"]:
            return torch.tensor(values, dtype=torch.float32, device=parameters.device)[:, None]

        self.taken = 0
        self._parameters = parameters
        self._first, self._second = torch.zeros_like(parameters), torch.zeros_like(parameters)
        self._lr, decay, self._beta1, self._beta2, eps = np.array([astuple(a) for a in settings]).T
        self._decay, self._eps = column(decay), column(eps)
        self._new_first, self._new_second = column(1 - self._beta1), column(1 - self._beta2)

    def rates(self, steps: int) -> Float[Tensor, "steps replicas 2"]:
        """Size of each coming step and root of its second correction, in doubles until the end."""
        taken = np.arange(self.taken + 1, self.taken + steps + 1)[:, None]
        self.taken += steps
        sizes, roots = self._lr / (1 - self._beta1**taken), np.sqrt(1 - self._beta2**taken)
        found = np.stack([sizes, roots], axis=-1)
        return torch.tensor(found, dtype=torch.float32, device=self._parameters.device)

    def propose(
        self, gradient: Float[Tensor, "replicas parameters"], rate: Float[Tensor, "replicas 2"]
    ) -> Float[Tensor, "replicas parameters"]:
        """Parameters after one step (Kingma & Ba 2015, algorithm 1), not yet taken."""
        size, correction = rate[:, :1], rate[:, 1:]
        gradient.addcmul_(self._parameters, self._decay)
        self._first.lerp_(gradient, self._new_first)
        self._second.lerp_(gradient.square_(), self._new_second)
        root = self._second.sqrt().div_(correction).add_(self._eps)
        return self._parameters - root.reciprocal_().mul_(self._first).mul_(size)


class _Stacked:
    """The batches of all replicas, on the device."""

    def __init__(self, batches: Sequence[Batches], net: Net, replicas: int, device: torch.device) -> None:
        check_batches(net, batches, replicas)
        lengths = np.stack([b.lengths for b in batches], axis=1)
        self.longest: list[int] = lengths.max(axis=1).tolist()
        tokens = _padded([b.tokens for b in batches], lengths, 0)
        self._rows = tokens.shape[-1]
        self._tokens = torch.from_numpy(tokens).to(device)
        given = [b.against for b in batches if b.against is not None]
        against = _padded(given, lengths, NOTHING) if given else None
        self._against = None if against is None else torch.from_numpy(against).to(device)
        self.lowest = int(tokens.min(initial=0))
        self.highest = _highest([tokens, against])
        self._labels = torch.from_numpy(np.stack([b.labels for b in batches], axis=1)).to(device)
        self._lengths = torch.from_numpy(lengths).to(device)

    def at(
        self, step: int, longest: int, group: slice
    ) -> tuple[tuple[Tensor, Tensor | None, Tensor], Tensor]:
        """What nets read in one step of some replicas, and labels; replicas first, then rows."""
        against = None if self._against is None else self._against[step, group, :longest].mT
        lengths = self._lengths[step, group, None].expand(-1, self._rows)
        return (self._tokens[step, group, :longest].mT, against, lengths), self._labels[step, group]


def _highest(parts: Sequence[np.ndarray | None]) -> int:
    return max(int(part.max(initial=0)) for part in parts if part is not None)


def _padded(
    parts: Sequence[Int32[np.ndarray, "steps _ batch"]], lengths: np.ndarray, padding: int
) -> Int32[np.ndarray, "steps replicas longest batch"]:
    longest = int(lengths.max(initial=1))
    steps, _, rows = parts[0].shape
    stacked = np.full((steps, len(parts), longest, rows), padding, dtype=np.int32)
    for replica, part in enumerate(parts):
        read = part[:, :longest]
        ended = np.arange(read.shape[1])[None, :, None] >= lengths[:, replica, None, None]
        stacked[:, replica, : read.shape[1]] = np.where(ended, padding, read)
    return stacked


def _views(net: Net, flat: Float[Tensor, "replicas parameters"]) -> dict[str, Tensor]:
    """The net's tensors of all replicas, as leaves that share the stack's memory."""
    views, start = {}, 0
    for name, shape in net.shapes().items():
        size = math.prod(shape)
        views[name] = flat[:, start : start + size].view(len(flat), *shape).requires_grad_()
        start += size
    return views


def _module(net: Net) -> nn.Module:
    """The net's module, if a replica of it can train without touching others; its values are not used."""
    module = net.build()
    for name, part in module.named_modules():
        dropout = isinstance(part, nn.modules.dropout._DropoutNd) and part.p > 0
        if dropout or isinstance(part, nn.modules.batchnorm._BatchNorm):
            wrong = f"the net '{net.name}' holds what cannot be trained as replicas"
            raise PlanError(wrong, got=f"{name}: {part}", hint="leave out dropout and batch normalisation")
    return module
