"""Small random language models, fragments of different lengths, and single gradients by autograd."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs the extra 'hf'")
transformers = pytest.importorskip("transformers", reason="needs the extra 'hf'")

from negspace.data import Fragments  # noqa: E402
from negspace.language_models import Batch, LanguageModel, take  # noqa: E402

VOCABULARY = 61
LENGTHS = (13, 9, 2, 13, 6)
_SIZES = {
    "vocab_size": VOCABULARY,
    "hidden_size": 16,
    "intermediate_size": 24,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "max_position_embeddings": 32,
    "bos_token_id": None,
    "eos_token_id": None,
    "pad_token_id": None,
}
_GROUPED = _SIZES | {"num_key_value_heads": 2, "head_dim": 8}
_GPT2 = {
    "vocab_size": VOCABULARY,
    "n_positions": 32,
    "n_embd": 16,
    "n_layer": 2,
    "n_head": 2,
    "bos_token_id": None,
    "eos_token_id": None,
}
# Gemma's padding token's row of the embedding gets no gradient through the embedding.
_GEMMA = _GROUPED | {"pad_token_id": 3, "query_pre_attn_scalar": 8, "sliding_window": 4}
ARCHITECTURES: dict[str, tuple[str, dict[str, Any]]] = {
    "gpt2": ("GPT2", _GPT2 | {"tie_word_embeddings": False}),
    "gpt2, tied": ("GPT2", _GPT2),
    "llama": ("Llama", _GROUPED),
    "llama, biases": ("Llama", _GROUPED | {"attention_bias": True, "mlp_bias": True}),
    "llama, tied": ("Llama", _GROUPED | {"tie_word_embeddings": True}),
    "qwen2": ("Qwen2", _GROUPED),
    "qwen3": ("Qwen3", _GROUPED),
    "gpt-neox": ("GPTNeoX", _SIZES | {"tie_word_embeddings": False}),
    "phi, bias of the head": ("Phi", _SIZES),
    "gemma": ("Gemma", {k: v for k, v in _GEMMA.items() if k != "query_pre_attn_scalar"}),
    "gemma2, soft cap": ("Gemma2", _GEMMA | {"final_logit_softcapping": 2.0, "attn_logit_softcapping": 5.0}),
    "gemma3": ("Gemma3Text", _GEMMA),
}


class Truth(NamedTuple):
    """One fragment's gradient, by autograd, in float64."""

    loss: float
    gradient: dict[str, Any]


def build(architecture: str, seed: int = 0) -> Any:
    """A network with random parameters, norms' scales and biases among them."""
    family, options = ARCHITECTURES[architecture]
    config = getattr(transformers, f"{family}Config")(**options)
    # The eager attention of Gemma 2 is the one that caps its scores.
    config._attn_implementation = "eager" if "cap" in architecture else "sdpa"
    name = {"Gemma3Text": "Gemma3"}.get(family, family)
    kind = f"{name}LMHeadModel" if family == "GPT2" else f"{name}ForCausalLM"
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = getattr(transformers, kind)(config).eval()
        with torch.no_grad():
            for parameter in network.parameters():
                parameter.add_(0.3 * torch.randn_like(parameter))
    return network


def random_fragments(seed: int = 0) -> Fragments:
    """Fragments in which tokens recur."""
    rng = np.random.default_rng(seed)
    tokens = rng.integers(0, 20, (len(LENGTHS), max(LENGTHS))).astype(np.int32)
    tokens[np.arange(max(LENGTHS)) >= np.array(LENGTHS)[:, None]] = 0
    names = tuple(str(i) for i in range(len(LENGTHS)))
    return Fragments(names, tokens, np.array(LENGTHS), names, f"random {seed}")


def random_direction(network: Any, seed: int) -> dict[str, Any]:
    generator = torch.Generator().manual_seed(seed)
    return {name: torch.randn(p.shape, generator=generator) for name, p in network.named_parameters()}


def alone(network: Any, fragments: Fragments, row: int, weights: Any = None) -> Truth:
    """Loss and gradient of one fragment, by itself and unpadded; the network is turned to float64 for it."""
    network = network.double()
    batch: Batch = take(fragments, [row])
    try:
        parameters = dict(network.named_parameters())
        logits = network(**batch.inputs()).logits
        each = torch.nn.functional.cross_entropy(logits[0, :-1], batch.ids[0, 1:], reduction="none")
        loss = each.mean() if weights is None else (weights[1 : len(each) + 1].double() * each).sum()
        found = torch.autograd.grad(loss, list(parameters.values()))
        return Truth(loss.item(), dict(zip(parameters, found, strict=True)))
    finally:
        network.float()


def dot(left: dict[str, Any], right: dict[str, Any], names: Any = None) -> float:
    """Dot product over parameters, in float64."""
    names = left if names is None else names
    return sum((left[name].double() * right[name].double()).sum().item() for name in names)


def as_model(network: Any) -> LanguageModel:
    return LanguageModel("random", network, None, "0" * 64, 32)


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    """Networks this small are slower on more."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="session")
def fragments() -> Fragments:
    return random_fragments()


@pytest.fixture(scope="session", params=list(ARCHITECTURES))
def network(request: pytest.FixtureRequest) -> Any:
    """Each of the architectures."""
    return build(request.param)


@pytest.fixture(scope="session")
def gpt2() -> Any:
    """A GPT-2 with tied embeddings."""
    return build("gpt2, tied")
