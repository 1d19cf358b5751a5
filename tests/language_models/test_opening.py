"""Models from folders: opened as they are, or refused with what to do."""

from __future__ import annotations

import importlib.util
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import transformers
from safetensors.torch import load_file, save_file

from negspace.data import Fragments
from negspace.embedders import quiet
from negspace.errors import DataError, MissingExtraError, NegspaceError, PlanError
from negspace.language_models import DEFAULT_CONTEXT, LanguageModel, open_language_model, token_losses


def write(folder: Path, network: Any, tokenizer: Any = None) -> Path:
    with quiet():
        network.save_pretrained(folder)
        if tokenizer is not None:
            tokenizer.save_pretrained(folder)
    return folder


def test_a_folder_is_opened_as_it_was_saved(model: LanguageModel, fragments: Fragments, saved: Path) -> None:
    found = open_language_model(f"hf:{saved}", device="cpu")
    assert (found.name, found.context, found.device) == ("hf:saved", 64, "cpu")
    assert found.tokenizer.pad_token is None
    assert found.encode(list(fragments.texts)) == model.encode(list(fragments.texts))
    assert found.encode([]) == []
    assert "".join(found.token_texts(found.encode(["The cat sees."])[0])) == "The cat sees."
    ours, theirs = (token_losses(which, fragments, [0, 3, 8], 256) for which in (found, model))
    np.testing.assert_array_equal(ours, theirs)
    assert not found.network.training
    assert {p.dtype for p in found.network.parameters()} == {torch.float32}
    assert open_language_model(str(saved), device="cpu").fingerprint == found.fingerprint


def test_a_fingerprint_tells_weights_and_numbers_apart(saved: Path) -> None:
    plain = open_language_model(str(saved), device="cpu").fingerprint
    half = open_language_model(str(saved), device="cpu", dtype="bfloat16")
    assert half.network.dtype == torch.bfloat16
    weights = load_file(saved / "model.safetensors")
    weights["transformer.ln_f.bias"] += 1.0
    save_file(weights, saved / "model.safetensors", metadata={"format": "pt"})
    changed = open_language_model(str(saved), device="cpu").fingerprint
    assert len({plain, half.fingerprint, changed}) == 3


def test_a_token_for_the_begin_is_added_where_the_tokenizer_adds_it(saved: Path) -> None:
    file = saved / "tokenizer.json"
    content = json.loads(file.read_text())
    content["added_tokens"].append(
        {"id": 1, "content": '"', "single_word": False, "lstrip": False, "rstrip": False,
         "normalized": False, "special": True}
    )  # fmt: skip
    content["post_processor"] = {
        "type": "TemplateProcessing",
        "single": [{"SpecialToken": {"id": "B", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}],
        "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
        "special_tokens": {"B": {"id": "B", "ids": [1], "tokens": ['"']}},
    }
    file.write_text(json.dumps(content))
    model = open_language_model(str(saved), device="cpu")
    assert [ids[0] for ids in model.encode(["The cat", "dog"])] == [1, 1]


@pytest.mark.parametrize(
    ("kind", "settings", "context"),
    [
        ("Llama", {"num_key_value_heads": 1, "max_position_embeddings": 96}, 96),
        ("GPTNeoX", {"max_position_embeddings": 48}, 48),
        ("Bloom", {"n_layer": 1, "n_head": 2}, DEFAULT_CONTEXT),
    ],
)
def test_other_families(
    tmp_path: Path, model: LanguageModel, kind: str, settings: dict[str, int], context: int
) -> None:
    config = getattr(transformers, f"{kind}Config")(
        vocab_size=len(model.tokenizer), hidden_size=16, intermediate_size=32, num_hidden_layers=2,
        num_attention_heads=2, bos_token_id=None, eos_token_id=None, pad_token_id=None, **settings,
    )  # fmt: skip
    torch.manual_seed(0)
    folder = write(tmp_path / "m", getattr(transformers, f"{kind}ForCausalLM")(config), model.tokenizer)
    assert open_language_model(str(folder), device="cpu").context == context


def test_an_encoder_is_refused(tmp_path: Path, model: LanguageModel) -> None:
    words = len(model.tokenizer)
    bert = transformers.BertConfig(
        vocab_size=words, hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=32
    )
    torch.manual_seed(0)
    with quiet():
        network = transformers.BertLMHeadModel(bert)
    folder = write(tmp_path / "bert", network, model.tokenizer)
    with pytest.raises(DataError, match=r"not a causal language model[^$]*bert: .* later tokens"):
        open_language_model(str(folder), device="cpu")
    t5 = transformers.T5Config(vocab_size=words, d_model=16, d_kv=8, d_ff=16, num_layers=1, num_heads=2)
    folder = write(tmp_path / "t5", transformers.T5ForConditionalGeneration(t5), model.tokenizer)
    with pytest.raises(DataError, match=r"not a causal language model[^$]*encoder and a decoder"):
        open_language_model(str(folder), device="cpu")


def test_a_folder_without_a_tokenizer_is_refused(tmp_path: Path, model: LanguageModel) -> None:
    folder = write(tmp_path / "bare", model.network)
    with pytest.raises(DataError, match=r"tokenizer[^$]*tokenizer\.save_pretrained"):
        open_language_model(str(folder), device="cpu")


def test_weights_that_are_pickled_or_missing_are_refused(saved: Path) -> None:
    weights = load_file(saved / "model.safetensors")
    del weights["transformer.h.1.mlp.c_fc.weight"]
    save_file(weights, saved / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(DataError, match=r"weights are missing[^$]*h\.1\.mlp\.c_fc\.weight"):
        open_language_model(str(saved), device="cpu")
    (saved / "model.safetensors").unlink()
    (saved / "pytorch_model.bin").write_bytes(b"")
    with pytest.raises(DataError, match=r"pickled[^$]*save_pretrained writes safetensors"):
        open_language_model(str(saved), device="cpu")


def test_code_of_a_model_is_run_only_where_it_is_trusted(saved: Path) -> None:
    (saved / "own.py").write_text(
        "from transformers import GPT2Config, GPT2LMHeadModel\n"
        "class OwnConfig(GPT2Config):\n    model_type = 'own'\n"
        "class Own(GPT2LMHeadModel):\n    config_class = OwnConfig\n"
    )
    config = json.loads((saved / "config.json").read_text())
    config |= {"model_type": "own", "architectures": ["Own"]}
    config["auto_map"] = {"AutoConfig": "own.OwnConfig", "AutoModelForCausalLM": "own.Own"}
    (saved / "config.json").write_text(json.dumps(config))
    with pytest.raises(DataError, match=r"code of its own, which is not run[^$]*trust_remote_code=True"):
        open_language_model(str(saved), device="cpu")
    before = open_language_model(str(saved), device="cpu", trust_remote_code=True)
    assert type(before.network).__name__ == "Own"
    (saved / "own.py").write_text((saved / "own.py").read_text() + "# changed\n")
    after = open_language_model(str(saved), device="cpu", trust_remote_code=True)
    assert before.fingerprint != after.fingerprint


def test_what_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "gpt2").mkdir()
    with pytest.raises(DataError, match="did you mean 'gpt2'"):
        open_language_model(f"hf:{tmp_path / 'gpt22'}")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(PlanError, match="no CUDA device"):
        open_language_model(str(tmp_path / "gpt2"), device="cuda")
    found = importlib.util.find_spec
    monkeypatch.setattr(
        "negspace.language_models.opening.find_spec", lambda name: None if name == "torch" else found(name)
    )
    with pytest.raises(MissingExtraError, match=r"negspace\[hf\]"):
        open_language_model("hf:anything")


def adapter(folder: Path, base: Path) -> Path:
    """An adapter of rank 1 on one matrix of the base, in peft's own format."""
    folder.mkdir()
    (folder / "adapter_config.json").write_text(json.dumps({
        "peft_type": "LORA", "task_type": "CAUSAL_LM", "base_model_name_or_path": str(base),
        "r": 1, "lora_alpha": 2, "target_modules": ["c_fc"], "layers_to_transform": [0],
        "fan_in_fan_out": True, "inference_mode": True,
    }))  # fmt: skip
    name = "base_model.model.transformer.h.0.mlp.c_fc.lora_{}.weight"
    # All of the last output and the first input: one number of the matrix changes, by alpha / r = 2.
    tensors = {name.format("A"): torch.zeros(1, 16), name.format("B"): torch.zeros(64, 1)}
    tensors[name.format("A")][0, 0] = tensors[name.format("B")][-1, 0] = 1.0
    save_file(tensors, folder / "adapter_model.safetensors", metadata={"format": "pt"})
    return folder


def test_an_adapter_needs_peft(saved: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = importlib.util.find_spec
    monkeypatch.setattr(
        "negspace.language_models.opening.find_spec", lambda name: None if name == "peft" else found(name)
    )
    with pytest.raises(NegspaceError, match="pip install peft"):
        open_language_model(str(adapter(tmp_path / "lora", saved)), device="cpu")


def test_an_adapter_is_merged_into_its_base(saved: Path, tmp_path: Path, model: LanguageModel) -> None:
    pytest.importorskip("peft", reason="needs the library peft")
    folder = adapter(tmp_path / "lora", saved)
    found = open_language_model(str(folder), device="cpu")
    names = [name for name, _ in found.network.named_parameters()]
    assert names == [name for name, _ in model.network.named_parameters()]
    for (name, ours), theirs in zip(
        found.network.named_parameters(), model.network.parameters(), strict=True
    ):
        expected = theirs.detach().clone()
        if name == "transformer.h.0.mlp.c_fc.weight":
            expected[0, -1] += 2.0
        torch.testing.assert_close(ours.detach(), expected)
        assert ours.requires_grad
    weights = load_file(folder / "adapter_model.safetensors")
    weights.popitem()
    save_file(weights, folder / "adapter_model.safetensors", metadata={"format": "pt"})
    with pytest.raises(DataError, match=r"missing from the adapter"):
        open_language_model(str(folder), device="cpu")
    shutil.rmtree(saved)
    with pytest.raises(DataError, match="no such folder"):
        open_language_model(str(folder), device="cpu")


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_on_a_device_it_takes_the_device(saved: Path, fragments: Fragments, model: LanguageModel) -> None:
    found = open_language_model(str(saved), dtype="float32")
    assert found.device == "cuda"
    ours = token_losses(found, fragments, [0, 1], 256)
    np.testing.assert_allclose(ours, token_losses(model, fragments, [0, 1], 256), rtol=1e-3)
