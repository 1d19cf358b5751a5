"""The coverage ledger: which parameters' gradients are measured, and why others are not; their layers."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

_HEAD = {"lm_head", "embed_out", "output", "output_layer", "head", "score"}
_EMBED = {"wte", "wpe"}
_FINAL = {
    "ln_f", "norm_f", "norm", "final_layer_norm", "final_layernorm", "final_norm", "ln_out", "out_norm",
    "embedding_norm",
}  # fmt: skip
_AFTER = {"embed": 0, "final": 2, "head": 3, "other": 4}
NAMED = 4
"""Parameters of one kind that are named."""


class CoverageEntry(NamedTuple):
    """One parameter."""

    name: str  # as the network names it; the first name of a tied one
    size: int  # numbers in it
    status: str  # "measured", "frozen" (it does not ask for a gradient) or "not covered"
    why: str  # how it is measured ("Linear", "Embedding" …), or why it is not


@dataclass(frozen=True)
class Coverage:
    """What is measured of a model."""

    entries: tuple[CoverageEntry, ...]

    @property
    def measured(self) -> tuple[str, ...]:
        """Names of the parameters that are measured."""
        return tuple(entry.name for entry in self.entries if entry.status == "measured")

    @property
    def share(self) -> float:
        """Share of all parameters (numbers, not tensors) that is measured, in [0, 1]."""
        return _size(e for e in self.entries if e.status == "measured") / max(1, _size(self.entries))

    def kinds(self) -> dict[tuple[str, str], list[CoverageEntry]]:
        """The entries of each status and reason."""
        found: dict[tuple[str, str], list[CoverageEntry]] = {}
        for entry in self.entries:
            found.setdefault((entry.status, entry.why), []).append(entry)
        return found

    def warning(self) -> str | None:
        """One line for each reason why something is not measured; None where everything is."""
        # Cut, not rounded: 99.96 % is not 100 %.
        lines = [f"gradients cover {int(self.share * 1000) / 10:.1f} % of the parameters; left out:"]
        for (status, why), those in self.kinds().items():
            if status != "measured":
                names = ", ".join(entry.name for entry in those[:NAMED])
                more = f" and {len(those) - NAMED} more" if len(those) > NAMED else ""
                lines.append(f"  {status}: {why}: {_size(those):,} numbers ({names}{more})")
        return "\n".join(lines) if len(lines) > 1 else None


def _size(entries: Iterable[CoverageEntry]) -> int:
    return sum(entry.size for entry in entries)


def layer_of(parameter_name: str) -> str:
    """Name the layer of a parameter, from its name alone.

    The number of a block is the first number in the name: ``transformer.h.3.mlp.c_fc.weight`` is of layer
    ``"3"``, and so is ``model.layers.3.mlp.experts.17.up_proj.weight``. What has no number is told by the
    words that GPT-2, GPT-NeoX, Llama, Qwen, Gemma and their kin use.

    Returns:
        ``"embed"``, the number of the block, ``"final"`` (the last norm), ``"head"`` or ``"other"``. A head
        tied to the embedding has the embedding's parameter, and is in ``"embed"``.
    """
    words = parameter_name.split(".")
    for word in words:
        if word.isdecimal():
            return word
    for word in words[:-1]:
        if word in _HEAD:
            return "head"
        # GPT-NeoX's output layer is called `embed_out`, so heads are looked for first; LFM2 calls its last
        # norm `embedding_norm`.
        if word in _FINAL:
            return "final"
        if "embed" in word or word in _EMBED:
            return "embed"
    return "other"


def layers_of(parameter_names: Iterable[str]) -> tuple[str, ...]:
    """Layers of some parameters, each once, in the order of the forward pass; ``"other"`` comes last."""

    def place(layer: str) -> tuple[int, int]:
        return (1, int(layer)) if layer.isdecimal() else (_AFTER[layer], 0)

    return tuple(sorted({layer_of(name) for name in parameter_names}, key=place))
