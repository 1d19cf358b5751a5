"""Memory: how much there is, what a batch takes, and going on with half of it where there was too little."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from negspace.errors import DataError

_T = TypeVar("_T")
# What PyTorch says where it raises a plain RuntimeError: the CPU's allocator; cuBLAS or cuDNN without room.
_SAYS_SO = (
    "can't allocate memory", "defaultcpuallocator", "not enough memory", "out of memory", "alloc_failed",
)  # fmt: skip

# Numbers kept of a token in a block, in widths and in inner widths: inputs of the norms (each with the copy a
# norm of several steps keeps), of queries, keys and values, of attention's output; and before, within and
# after the activation, for activations of several steps such as GPT-2's.
_WIDTHS, _INNER_WIDTHS = 14, 7
_BLOCK_BUFFERS = 4 << 20


def halving(run: Callable[[int], _T], batch: int, least: int = 1) -> _T:
    """Run something with a batch, and again with half of it as often as memory runs out.

    What ``run`` did before it failed is done again: it should keep what it has finished, or be called for
    little at a time.

    Args:
        run: Told the tokens of a batch; its result must not depend on them.
        batch: Tokens of a batch to begin with.
        least: Smallest batch worth trying; a fragment is never cut, so the length of the longest.

    Raises:
        DataError: Memory ran out with the smallest batch, too.
    """
    while True:
        try:
            return run(batch)
        except (MemoryError, RuntimeError) as error:
            if not _is_out_of_memory(error):
                raise
            got = str(error) or type(error).__name__
        # Out of the handler: until then the error's traceback keeps alive what filled the memory.
        gc.collect()
        if (torch := sys.modules.get("torch")) is not None and torch.cuda.is_available():
            torch.cuda.empty_cache()
        if batch <= max(1, least):
            raise DataError(
                f"memory ran out with a batch of {batch:,} tokens, and less cannot be tried",
                got=got,
                hint="ask for shorter fragments (--fragment-tokens), a smaller model or type of number "
                "(--dtype bfloat16), or free memory on the device",
            )
        batch = max(1, least, batch // 2)


def available_bytes(device: str = "cpu", cgroup: Path = Path("/sys/fs/cgroup")) -> int:
    """Memory that could be taken now, in bytes.

    Args:
        device: As PyTorch names it. On the CPU what the system says is available (page cache counts, it is
            given up when needed), within the limit of the container; half of all memory where the system
            does not say.
        cgroup: Folder in which a container's limit stands (cgroup v2).
    """
    if device.startswith("cuda"):
        import torch

        return int(torch.cuda.mem_get_info(device)[0])
    there, container = _system_bytes(), _container_bytes(cgroup)
    return there if container is None else min(there, container)


def _is_out_of_memory(error: Exception) -> bool:
    kinds: tuple[type[BaseException], ...] = (MemoryError,)
    if (torch := sys.modules.get("torch")) is not None:
        kinds += (torch.OutOfMemoryError,)
    return isinstance(error, kinds) or any(words in str(error).lower() for words in _SAYS_SO)


def _system_bytes() -> int:
    try:
        lines = Path("/proc/meminfo").read_text("ascii").splitlines()
        fields = dict(line.split(":", 1) for line in lines)
        return int(fields["MemAvailable"].split()[0]) * 1024
    except (OSError, KeyError, ValueError):  # not Linux, or one from before 2014
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2


def _container_bytes(root: Path) -> int | None:
    """What a container may still take (cgroup v2), or None where there is no limit."""
    try:
        limit = (root / "memory.max").read_text("ascii").strip()
        if limit == "max":
            return None
        used = int((root / "memory.current").read_text("ascii"))
        counts = dict(line.split() for line in (root / "memory.stat").read_text("ascii").splitlines())
        return max(0, int(limit) - used + int(counts.get("inactive_file", 0)))
    except (OSError, ValueError):
        return None


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
    """Estimate what measuring gradients of a batch takes, from the configuration, on the generous side.

    It says where to start; the rest is for whoever runs out of memory (`halving`).
    """
    config = network.config.get_text_config()
    parameters = list(network.parameters())
    item = max((p.dtype.itemsize for p in parameters if p.dtype.is_floating_point), default=4)
    width, blocks = config.hidden_size, config.num_hidden_layers
    names = ("intermediate_size", "n_inner", "ffn_dim", "ffn_hidden_size")
    inner = next((n for name in names if isinstance(n := getattr(config, name, None), int)), 4 * int(width))
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
