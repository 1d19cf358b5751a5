"""What a measured batch takes, told before it runs.

An estimate from the configuration, on the generous side: of what autograd keeps of each token in each block,
the logits, and the buffers beside them. It says where to start; the rest is for whoever runs out of memory.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

# Numbers kept of a token in a block, in widths and in inner widths: inputs of the norms (each with the copy a
# norm of several steps keeps), of queries, keys and values, of attention's output; and before, within and
# after the activation, for activations of several steps such as GPT-2's.
_WIDTHS, _INNER_WIDTHS = 14, 7
_BLOCK_BUFFERS = 4 << 20


@dataclass(frozen=True)
class Memory:
    """Bytes that measuring a batch takes: what autograd keeps, and the buffers where gradients are formed."""

    parameters: int
    directions: int
    activations: int
    logits: int
    buffers: int

    @property
    def total(self) -> int:
        """The sum of all parts."""
        return self.parameters + self.directions + self.activations + self.logits + self.buffers


def memory_of(network: Any, *, batch: int, longest: int, directions: int = 0) -> Memory:
    """Estimate the memory that measuring a batch takes."""
    config = network.config.get_text_config()
    parameters = list(network.parameters())
    item = max((p.dtype.itemsize for p in parameters if p.dtype.is_floating_point), default=4)
    width, blocks = config.hidden_size, config.num_hidden_layers
    inner = _inner(config)
    kept = blocks * (_WIDTHS * width + _INNER_WIDTHS * inner)
    if getattr(config, "_attn_implementation", None) == "eager":
        # Scores, and what a softmax made of them, of every pair of tokens.
        kept += 3 * blocks * config.num_attention_heads * longest
    copies = 2 if getattr(config, "final_logit_softcapping", None) else 1
    size = sum(p.numel() for p in parameters)
    return Memory(
        parameters=sum(p.numel() * p.dtype.itemsize for p in parameters),
        directions=directions * size * max(4, item),
        activations=batch * kept * item,
        # Backward, the gradient of what a block is given stands beside what is kept.
        logits=copies * batch * config.vocab_size * item + batch * (width + inner) * 4 * item,
        buffers=_BLOCK_BUFFERS,
    )


def _inner(config: Any) -> int:
    for name in ("intermediate_size", "n_inner", "ffn_dim", "ffn_hidden_size"):
        given = getattr(config, name, None)
        if isinstance(given, int):
            return given
    return 4 * int(config.hidden_size)
