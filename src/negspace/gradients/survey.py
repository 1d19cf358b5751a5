"""Looks a network over, once: which of its modules are known, and how its parameters are used.

Known kinds are told by their exact type: a subclass may quantise, adapt or mask what it inherits. What a type
cannot tell is found out by running the network on six tokens: whether a module keeps the fragments apart, is
used once, and is the only place where its parameters are used.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from negspace.errors import NegspaceError
from negspace.gradients.coverage import Coverage, CoverageEntry
from negspace.gradients.module_functions import (
    FORWARDS,
    Tape,
    derived_embedding_forward,
    elementwise_forward,
    per_fragment,
)

# Two fragments of three tokens: no other extent of a network is likely to be 2 and then 3.
_FRAGMENTS, _TOKENS = 2, 3


@dataclass(frozen=True, eq=False)
class Site:
    """A module whose forward is swapped."""

    module: nn.Module
    kind: str
    forward: Callable[[Any, Tape], Callable[..., Any]]


@dataclass(frozen=True, eq=False)
class Survey:
    """What is known of a network."""

    sites: tuple[Site, ...]
    coverage: Coverage
    parameters: dict[str, nn.Parameter]
    tied: frozenset[int]


def survey(network: nn.Module) -> Survey:
    """Look a causal language model over; it is given back as it was.

    Raises:
        NegspaceError: Nothing of it can be measured.
    """
    frozen = {id(p) for p in network.parameters() if not p.requires_grad}
    with evaluating(network):
        sites, refused = _sites(network, _calls(network), frozen)
        users = _users(network, sites, refused)
        tied = _tied(users, refused)
        elsewhere = _used_elsewhere(network, sites, tied, refused)
    refused |= dict.fromkeys(elsewhere, "used outside its module too")
    kinds = {id(p): site.kind for site in sites for p in _own(site.module)}
    kinds |= dict.fromkeys(tied, "Embedding, tied to the head")
    entries, parameters = [], {}
    for name, p in network.named_parameters():
        if id(p) in frozen:
            status, why = "frozen", "asks for no gradient"
        elif id(p) in refused or id(p) not in kinds:
            status, why = "not covered", refused.get(id(p), "its module is not known")
        else:
            status, why = "measured", kinds[id(p)]
            parameters[name] = p
        entries.append(CoverageEntry(name, p.numel(), status, why))
    if not parameters:
        raise NegspaceError(
            "no parameter of this model can be measured",
            got=f"a {type(network).__name__}",
            hint="load it unquantised, with parameters that ask for gradients",
        )
    measured = {id(p) for p in parameters.values()}
    kept = tuple(s for s in sites if any(id(p) in measured for p in _own(s.module)))
    return Survey(kept, Coverage(tuple(entries)), parameters, frozenset(tied & measured))


@contextmanager
def evaluating(network: nn.Module) -> Iterator[None]:
    """Switch dropout off and gradients on; every module's mode is given back as it was found."""
    modes = [(module, module.training) for module in network.modules()]
    network.eval()
    try:
        with torch.enable_grad():
            yield
    finally:
        for module, mode in modes:
            module.training = mode


@contextmanager
def swapped(sites: tuple[Site, ...], tape: Tape) -> Iterator[None]:
    """Have modules run their measured forwards; they are given back as they were."""
    done: list[nn.Module] = []
    try:
        for site in sites:
            forward = site.forward(site.module, tape)
            # Assigning to a module goes through its own attribute checks; what is set here is no part of it.
            site.module.__dict__["forward"] = forward
            done.append(site.module)
        yield
    finally:
        for module in done:
            del module.__dict__["forward"]


def _tiny_inputs(network: nn.Module) -> dict[str, Any]:
    device = next(network.parameters()).device
    ids = torch.tensor([[0, 1, 2], [2, 0, 1]], device=device)
    places = torch.arange(_TOKENS, device=device).repeat(_FRAGMENTS, 1)
    return {"input_ids": ids, "position_ids": places, "use_cache": False}


def _calls(network: nn.Module) -> dict[nn.Module, list[tuple[Any, ...]]]:
    """Positional arguments of each module's every call."""
    calls: dict[nn.Module, list[tuple[Any, ...]]] = {}

    def note(module: nn.Module, args: tuple[Any, ...]) -> None:
        kept = tuple(a.detach() if isinstance(a, Tensor) else a for a in args)
        calls.setdefault(module, []).append(kept)

    hooks = [module.register_forward_pre_hook(note) for module in network.modules() if _own(module)]
    try:
        with torch.no_grad():
            network(**_tiny_inputs(network))
    finally:
        for hook in hooks:
            hook.remove()
    return calls


def _own(module: nn.Module) -> list[nn.Parameter]:
    return list(module.parameters(recurse=False))


def _sites(
    network: nn.Module, calls: dict[nn.Module, list[tuple[Any, ...]]], frozen: set[int]
) -> tuple[list[Site], dict[int, str]]:
    sites: list[Site] = []
    refused: dict[int, str] = {}
    for module in network.modules():
        if all(id(p) in frozen for p in _own(module)):
            continue
        why = _fault(module, calls.get(module, []))
        if why is not None:
            refused |= {id(p): why for p in _own(module)}
            continue
        kind, forward = _kind(module) or (f"{type(module).__name__}, elementwise", elementwise_forward)
        sites.append(Site(module, kind, forward))
    return sites, refused


def _fault(module: nn.Module, called: list[tuple[Any, ...]]) -> str | None:
    """Why a module cannot be measured; None where it can."""
    if any(not p.dtype.is_floating_point for p in _own(module)):
        return "quantised"
    if len(called) > 1:
        return "its module is called more than once"
    known = _kind(module)
    if known is not None:
        return _unfit(module, known[0], called)
    if called and _is_elementwise(module, called[0]):
        return None
    return f"{type(module).__name__} is a custom module"


def _kind(module: nn.Module) -> tuple[str, Callable[[Any, Tape], Callable[..., Any]]] | None:
    if "forward" in module.__dict__:  # another tool has swapped it already
        return None
    name, exact = type(module).__name__, type(module) in (nn.Linear, nn.Embedding, nn.LayerNorm)
    if exact or (name == "Conv1D" and type(module).__module__ == "transformers.pytorch_utils"):
        return name, FORWARDS[name]
    return ("Embedding", derived_embedding_forward) if isinstance(module, nn.Embedding) else None


def _unfit(module: nn.Module, kind: str, called: list[tuple[Any, ...]]) -> str | None:
    if isinstance(module, nn.Embedding) and (
        module.max_norm is not None or module.scale_grad_by_freq or module.sparse
    ):
        return "an Embedding with max_norm, scale_grad_by_freq or sparse"
    if not called:
        # Not called here means unused by these six tokens, as an expert may be; its input cannot be told.
        return f"a {kind} that was not called"
    (x, *_), least = called[0] or (None,), 2 if kind == "Embedding" else 3
    if not isinstance(x, Tensor) or x.dim() < least:
        return f"a {kind} whose input does not keep fragments apart"
    apart = len(x) == _FRAGMENTS or (kind == "Embedding" and len(x) == 1)
    return None if apart else f"a {kind} whose input does not keep fragments apart"


def _is_elementwise(module: nn.Module, args: tuple[Any, ...]) -> bool:
    """Whether a module's parameters meet its input elementwise, so that they can be given once a fragment.

    Tried on the input it had: handed its parameters once a fragment, the module must answer the same, and
    give each fragment's parameters the gradient that the fragment alone gives them.
    """
    own = {name: p for name, p in module.named_parameters(recurse=False) if p.requires_grad}
    if not args or next(module.children(), None) is not None or any(p.dim() > 1 for p in own.values()):
        return False
    x, *others = args
    if not isinstance(x, Tensor) or x.dim() < 3 or len(x) != _FRAGMENTS or not x.dtype.is_floating_point:
        return False
    if any(isinstance(other, Tensor) for other in others):
        return False
    given = {name: per_fragment(p, x) for name, p in own.items()}
    try:
        out = module(x, *others)
        together = torch.func.functional_call(module, given, (x, *others))
        if out.shape != together.shape or not torch.allclose(out, together):
            return False
        direction = torch.linspace(-1, 1, out.numel(), dtype=out.dtype, device=out.device).view_as(out)
        found = torch.autograd.grad(together, list(given.values()), direction)
        for b in range(_FRAGMENTS):
            alone = module(x[b : b + 1], *others)
            wanted = torch.autograd.grad(alone, list(own.values()), direction[b : b + 1])
            for each, w in zip(found, wanted, strict=True):
                close = 1e-4 if w.dtype.itemsize >= 4 else 2e-2
                if not torch.allclose(each[b].reshape(w.shape), w, rtol=close, atol=1e-5):
                    return False
    except (RuntimeError, TypeError, ValueError, IndexError, AttributeError):
        # Whatever it does with parameters of another shape, it is not elementwise in them.
        return False
    return True


def _users(network: nn.Module, sites: list[Site], refused: dict[int, str]) -> dict[int, list[Site]]:
    """Sites by each parameter; a parameter shared with a module that is no site is refused."""
    users: dict[int, list[Site]] = {}
    for site in sites:
        for p in _own(site.module):
            users.setdefault(id(p), []).append(site)
    known = {site.module for site in sites}
    for module in network.modules():
        if module not in known:
            for p in _own(module):
                if id(p) in users:
                    refused[id(p)] = f"shared with a {type(module).__name__}"
    return users


def _tied(users: dict[int, list[Site]], refused: dict[int, str]) -> set[int]:
    """Identity of parameters shared by one embedding and one linear map; other sharing is refused."""
    tied = set()
    for key, sharing in users.items():
        if len(sharing) > 1:
            if Counter(site.kind for site in sharing) == {"Embedding": 1, "Linear": 1}:
                tied.add(key)
            else:
                refused[key] = "shared by modules other than an embedding and a head"
    return tied


def _used_elsewhere(
    network: nn.Module, sites: list[Site], tied: set[int], refused: dict[int, str]
) -> set[int]:
    """Identity of parameters that get a gradient although their modules pass none on."""
    measured = [p for site in sites for p in _own(site.module) if p.requires_grad and id(p) not in refused]
    unique = list({id(p): p for p in measured}.values())
    if not unique:
        return set()
    tape = Tape(
        {id(p): 0 for p in unique},
        {id(p): p.new_empty(0, *p.shape) for p in unique},
        frozenset(tied),
        torch.zeros(1, _FRAGMENTS, 1, dtype=torch.float64, device=unique[0].device),
        unique[0].new_zeros(()).requires_grad_(),
    )
    with swapped(tuple(sites), tape):
        logits = network(**_tiny_inputs(network)).logits
        gradients: Sequence[Tensor | None] = torch.autograd.grad(logits.sum(), unique, allow_unused=True)
    return {id(p) for p, gradient in zip(unique, gradients, strict=True) if gradient is not None}
