"""To which layer of a language model a parameter belongs."""

from __future__ import annotations

from collections.abc import Iterable

__all__ = ["layer_of", "layers_of"]

_HEAD = {"lm_head", "embed_out", "output", "output_layer", "head", "score"}
_EMBED = {"wte", "wpe"}
_FINAL = {
    "ln_f",
    "norm_f",
    "norm",
    "final_layer_norm",
    "final_layernorm",
    "final_norm",
    "ln_out",
    "out_norm",
    "embedding_norm",
}


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


_AFTER = {"embed": 0, "final": 2, "head": 3, "other": 4}
