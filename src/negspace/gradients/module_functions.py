"""Forwards of known modules whose backwards measure each fragment's gradient instead of summing them.

Every function computes its input's gradient as autograd would, and answers None for the parameters: the sum
over fragments that autograd would form costs the same products as forming them one by one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from jaxtyping import Float, Float64, Int
from torch import Tensor, nn
from torch.nn import functional
from torch.overrides import TorchFunctionMode

from negspace.gradients.kernels import cross_sums, embedding_sums, outer_sums, vector_sums


@dataclass(eq=False)
class Tape:
    """Sums of one batch; parameters are known by their identity (``id``)."""

    layers: Mapping[int, int]  # position of each measured parameter's layer
    directions: Mapping[int, Tensor]  # of each measured parameter: (directions, *shape)
    tied: frozenset[int]  # parameters that are both embedding and head
    sums: Float64[Tensor, "sums fragments layers"]  # squared norms, then dot products
    anchor: Tensor  # what the backward pass goes down to; it keeps every measured module on the way
    # Scales handed out once a fragment, whose gradients autograd keeps apart.
    expanded: list[tuple[nn.Parameter, Tensor]] = field(default_factory=list)
    looked_up: dict[int, Int[Tensor, "fragments tokens"]] = field(default_factory=dict)
    head: dict[int, tuple[Tensor, Tensor]] = field(default_factory=dict)
    output: Tensor | None = None  # what the last linear map gave

    @property
    def fragments(self) -> int:
        """Number of fragments in the batch."""
        return self.sums.shape[1]

    def measures(self, parameter: Tensor | None) -> bool:
        """Whether a parameter is measured."""
        return parameter is not None and id(parameter) in self.layers

    def toward(self, parameter: Tensor) -> Float[Tensor, "directions ..."]:
        """Directions of a parameter."""
        return self.directions[id(parameter)]

    def add(self, parameter: Tensor, sums: Float64[Tensor, "sums fragments"]) -> None:
        """Count a parameter's sums to its layer."""
        self.sums[:, :, self.layers[id(parameter)]] += sums


def embedding_forward(module: nn.Embedding, tape: Tape) -> Callable[..., Tensor]:
    """Forward of `torch.nn.Embedding`."""

    def forward(input: Tensor) -> Tensor:  # noqa: A002  (as PyTorch names it)
        # Positions given once for all fragments are looked up for each, or their gradients would be summed.
        ids = input.expand(tape.fragments, *input.shape[1:])
        return _Embedding.apply(ids, tape.anchor, module, tape)  # type: ignore[no-any-return, no-untyped-call]

    return forward


def derived_embedding_forward(module: nn.Embedding, tape: Tape) -> Callable[..., Any]:
    """Forward of a subclass of `torch.nn.Embedding`, such as Gemma's, which scales what is looked up.

    Its own forward runs, and the look-up within it is measured.
    """
    original, measured = module.forward, embedding_forward(module, tape)

    class LookUp(TorchFunctionMode):
        def __torch_function__(
            self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
        ) -> Any:
            if func is functional.embedding and len(args) > 1 and args[1] is module.weight:
                return measured(args[0])
            return func(*args, **(kwargs or {}))

    def forward(*args: Any, **options: Any) -> Any:
        with LookUp():
            return original(*args, **options)

    return forward


def elementwise_forward(module: nn.Module, tape: Tape) -> Callable[..., Any]:
    """Forward of a module whose parameters meet its input elementwise, along the last axis.

    It is handed each parameter once a fragment, so that autograd itself keeps the fragments apart.
    """
    original = module.forward

    def forward(x: Tensor, *others: Any, **options: Any) -> Any:
        given = dict(module._parameters)
        try:
            for name, parameter in given.items():
                if parameter is not None and tape.measures(parameter):
                    each = per_fragment(parameter, x)
                    tape.expanded.append((parameter, each))
                    module._parameters[name] = each  # type: ignore[assignment]  # a leaf, no Parameter
            return original(x, *others, **options)
        finally:
            module._parameters.update(given)

    return forward


def per_fragment(parameter: Tensor, x: Tensor) -> Tensor:
    """A parameter repeated for each fragment of ``x``, as a leaf of the graph; takes no memory."""
    shape = (len(x), *([1] * (x.dim() - 1 - parameter.dim())), *parameter.shape)
    return parameter.detach().expand(shape).requires_grad_()


def collect_expanded(tape: Tape, gradients: tuple[Tensor | None, ...]) -> None:
    """Count the gradients of what `elementwise_forward` handed out."""
    for (parameter, _), gradient in zip(tape.expanded, gradients, strict=True):
        if gradient is not None:
            toward = tape.toward(parameter).flatten(1)
            tape.add(parameter, vector_sums(gradient.reshape(tape.fragments, -1), toward))


class _Linear(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, _anchor: Tensor, module: nn.Linear, tape: Tape) -> Tensor:
        ctx.save_for_backward(x)
        ctx.module, ctx.tape = module, tape
        return functional.linear(x, module.weight, module.bias)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, None, None, None]:
        (x,), (gradient,) = ctx.saved_tensors, gradients
        weight = ctx.module.weight
        _measure_linear(ctx.tape, weight, ctx.module.bias, x, gradient)
        below = torch.matmul(gradient, weight) if ctx.needs_input_grad[0] else None
        return below, None, None, None


class _Conv1D(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, _anchor: Tensor, module: Any, tape: Tape) -> Tensor:
        ctx.save_for_backward(x)
        ctx.module, ctx.tape = module, tape
        flat = torch.addmm(module.bias, x.view(-1, x.size(-1)), module.weight)
        return flat.view(*x.shape[:-1], -1)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, None, None, None]:
        (x,), (gradient,) = ctx.saved_tensors, gradients
        module, tape = ctx.module, ctx.tape
        left, right = x.flatten(1, -2), gradient.flatten(1, -2)
        if tape.measures(module.weight):
            tape.add(module.weight, outer_sums(left, right, tape.toward(module.weight)))
        if tape.measures(module.bias):
            tape.add(module.bias, vector_sums(right.sum(1), tape.toward(module.bias)))
        below = torch.matmul(gradient, module.weight.t()) if ctx.needs_input_grad[0] else None
        return below, None, None, None


def _measure_linear(tape: Tape, weight: Tensor, bias: Tensor | None, x: Tensor, gradient: Tensor) -> None:
    left, right = gradient.flatten(1, -2), x.flatten(1, -2)
    if tape.measures(weight):
        tape.add(weight, outer_sums(left, right, tape.toward(weight)))
        if id(weight) in tape.tied and id(weight) in tape.looked_up:
            ids = tape.looked_up[id(weight)].flatten(1)
            selected = left.gather(2, ids[:, None].expand(-1, left.shape[1], -1))
            tape.head[id(weight)] = (right, selected)
    if bias is not None and tape.measures(bias):
        tape.add(bias, vector_sums(left.sum(1), tape.toward(bias)))


class _Embedding(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, ids: Tensor, _anchor: Tensor, module: nn.Embedding, tape: Tape) -> Tensor:
        ctx.ids, ctx.module, ctx.tape = ids, module, tape
        tape.looked_up[id(module.weight)] = ids
        return functional.embedding(ids, module.weight)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[None, None, None, None]:
        (gradient,), tape, weight = gradients, ctx.tape, ctx.module.weight
        ids, gradient = ctx.ids.flatten(1), gradient.flatten(1, -2)
        if ctx.module.padding_idx is not None:
            skipped = ids == ctx.module.padding_idx  # its row is not trained
            gradient = gradient.masked_fill(skipped[..., None], 0)
        tape.add(weight, embedding_sums(ids, gradient, tape.toward(weight)))
        if id(weight) in tape.head:
            inputs, selected = tape.head.pop(id(weight))
            tape.sums[0, :, tape.layers[id(weight)]] += 2 * cross_sums(inputs, selected, gradient)
        return None, None, None, None


class _LayerNorm(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, _anchor: Tensor, module: nn.LayerNorm, tape: Tape) -> Tensor:
        out, mean, rstd = torch.native_layer_norm(
            x, module.normalized_shape, module.weight, module.bias, module.eps
        )
        ctx.save_for_backward(x, mean, rstd)
        ctx.module, ctx.tape = module, tape
        return out

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, None, None, None]:
        (x, mean, rstd), (gradient,) = ctx.saved_tensors, gradients
        module, tape = ctx.module, ctx.tape
        gradient = gradient.contiguous()
        if tape.measures(module.bias):
            _measure_norm(tape, module.bias, gradient)
        if tape.measures(module.weight):
            _measure_norm(tape, module.weight, (x - mean).mul_(rstd).mul_(gradient))
        below = None
        if ctx.needs_input_grad[0]:
            below, _, _ = torch.ops.aten.native_layer_norm_backward(
                gradient,
                x,
                module.normalized_shape,
                mean,
                rstd,
                module.weight,
                module.bias,
                [True, False, False],
            )
        return below, None, None, None


def _measure_norm(tape: Tape, parameter: Tensor, each: Tensor) -> None:
    toward = tape.toward(parameter).flatten(1)
    tape.add(parameter, vector_sums(each.reshape(tape.fragments, -1, toward.shape[1]).sum(1), toward))


def _forward(function: Any, *, linear: bool) -> Callable[[Any, Tape], Callable[..., Tensor]]:
    def of_module(module: Any, tape: Tape) -> Callable[..., Tensor]:
        def forward(*args: Tensor, **named: Tensor) -> Tensor:
            (x,) = (*args, *named.values())
            out: Tensor = function.apply(x, tape.anchor, module, tape)
            if linear:
                tape.output = out
            return out

        return forward

    return of_module


# Forwards of modules that are told by their exact type; a `Conv1D` is a linear map whose weight is (inputs,
# outputs).
FORWARDS: Mapping[str, Callable[[Any, Tape], Callable[..., Any]]] = {
    "Linear": _forward(_Linear, linear=True),
    "Conv1D": _forward(_Conv1D, linear=True),
    "LayerNorm": _forward(_LayerNorm, linear=False),
    "Embedding": embedding_forward,
}
