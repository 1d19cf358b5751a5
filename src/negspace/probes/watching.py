"""Hidden states and attention maps of a forward pass, handed over layer by layer as they come about."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from negspace.errors import PlanError

__all__ = ["OnAttention", "OnHidden", "blocks_of", "watching"]

OnHidden = Callable[[str, Tensor], None]
"""Told a layer and its hidden states, (fragments, tokens, width)."""

OnAttention = Callable[[str, Tensor], None]
"""Told a layer and its attention maps, (fragments, heads, queries, keys)."""


def blocks_of(network: Any) -> tuple[nn.Module, list[nn.Module]]:
    """The blocks of a transformer, in order: the list that is as long as its configuration says.

    Returns:
        The module that runs them, and what comes before and after them, and the blocks.

    Raises:
        PlanError: There is none.
    """
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
def watching(
    network: Any, on_hidden: OnHidden | None = None, on_attention: OnAttention | None = None
) -> Iterator[None]:
    """Watch forward passes of a network.

    Args:
        network: A ``PreTrainedModel``.
        on_hidden: Told what goes into the first block (``embed``), what leaves each (``0``, ``1``, …), and
            what leaves the last norm (``final``).
        on_attention: Told the attention maps of each block. Only eager attention (`eager_attention`) has
            them, and blocks without attention have none.
    """
    plain = network.get_base_model() if hasattr(network, "get_base_model") else network
    stack, blocks = blocks_of(plain)
    with ExitStack() as hooks:

        def hook(module: nn.Module, tell: Callable[..., None], *, before: bool = False) -> None:
            if before:
                hooks.callback(module.register_forward_pre_hook(tell, with_kwargs=True).remove)
            else:
                hooks.callback(module.register_forward_hook(tell).remove)

        if on_hidden is not None:
            hook(blocks[0], partial(_tell_input, on_hidden), before=True)
            # Not the base model: OPT goes round it.
            hook(stack, partial(_tell_output, on_hidden, "final"))
        for number, block in enumerate(blocks):
            if on_hidden is not None:
                hook(block, partial(_tell_output, on_hidden, str(number)))
            if on_attention is not None:
                for module in block.modules():
                    if module is not block:
                        hook(module, partial(_tell_maps, on_attention, str(number)))
        yield


def _tell_input(on_hidden: OnHidden, _module: nn.Module, args: Any, kwargs: Any) -> None:
    on_hidden("embed", (args[0] if args else kwargs["hidden_states"]).detach())


def _tell_output(on_hidden: OnHidden, layer: str, _module: nn.Module, _args: Any, output: Any) -> None:
    on_hidden(layer, (output if isinstance(output, Tensor) else output[0]).detach())


def _tell_maps(on_attention: OnAttention, layer: str, _module: nn.Module, _args: Any, output: Any) -> None:
    # What attention modules have in common, whatever their class: they answer with states and maps.
    if isinstance(output, tuple) and len(output) > 1 and _is_map(output[1]):
        on_attention(layer, output[1].detach())


def _is_map(found: object) -> bool:
    return isinstance(found, torch.Tensor) and found.ndim == 4 and found.shape[-1] == found.shape[-2]
