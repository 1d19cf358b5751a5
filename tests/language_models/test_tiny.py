"""The small GPT: what its training is, that it is kept, and that it goes on where it was cut off."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from negspace.data import Fragments
from negspace.data.corpora import documents_of
from negspace.data.fragments import set_aside, split_documents
from negspace.embedders import one_thread
from negspace.errors import DataError, StoreError
from negspace.language_models import (
    LanguageModel,
    TinySettings,
    build_network,
    checkpoint_steps,
    cosine_rate,
    load_parameters,
    tiny_cache_path,
    tiny_model,
    train_network,
    train_tiny,
    train_tokenizer,
    training,
)

from .conftest import fragment_losses

SMALL = TinySettings(vocabulary=300, layers=2, width=16, heads=2, context=64, batch=128, steps=16)


def parameters(model: LanguageModel) -> dict[str, torch.Tensor]:
    return {name: p.detach().clone() for name, p in model.network.named_parameters()}


def test_every_text_can_be_written(model: LanguageModel) -> None:
    for text in ("The cat", "  Ünïcödé 😀\r\n\ttab", "<|endoftext|>"):
        assert model.tokenizer.decode(model.encode([text])[0]) == text
    again = train_tokenizer(["a b", "a b"], 300, 64)
    assert again.model_max_length == 64


def test_a_seed_decides_the_network_and_nothing_else_does() -> None:
    torch.manual_seed(1)
    one = build_network(SMALL, 300, seed=3).state_dict()
    drawn = torch.rand(1)
    torch.manual_seed(2)
    two = build_network(SMALL, 300, seed=3).state_dict()
    other = build_network(SMALL, 300, seed=4).state_dict()
    assert all(torch.equal(one[name], two[name]) for name in one)
    assert not torch.equal(one["lm_head.weight"], other["lm_head.weight"])
    torch.manual_seed(1)
    assert torch.equal(torch.rand(1), drawn)  # the global generator was given back


def test_each_fragment_is_seen_once_before_any_is_seen_twice(fragments: Fragments) -> None:
    rows = np.arange(3, len(fragments))
    order = training._batches(fragments, rows, 128, seed=0)
    seen: list[int] = []
    while len(seen) < 2 * len(rows):
        batch = next(order)
        assert len(batch) * fragments.lengths[batch].max() <= 128
        seen += batch.tolist()
    assert sorted(seen[: len(rows)]) == sorted(seen[len(rows) :]) == rows.tolist()
    assert seen[: len(rows)] != seen[len(rows) :]


def test_a_step_is_that_of_adamw(fragments: Fragments) -> None:
    """One step of a loop written anew, on the batch that the seed draws."""
    settings = replace(SMALL, steps=1)
    ours, theirs = (build_network(settings, 300, seed=0) for _ in range(2))
    rows = np.array([4])
    train_network(ours, fragments, rows, settings, seed=0)
    ids = torch.tensor(fragments.tokens[4, : fragments.lengths[4]].astype(np.int64))[None]
    with one_thread():  # more add up in another order
        theirs(input_ids=ids, labels=ids).loss.backward()
    matrices = [p for p in theirs.parameters() if p.ndim > 1]
    vectors = [p for p in theirs.parameters() if p.ndim < 2]
    torch.nn.utils.clip_grad_norm_(theirs.parameters(), 1.0)
    for group, decay in ((matrices, settings.weight_decay), (vectors, 0.0)):
        torch.optim.AdamW(group, settings.learning_rate, betas=(0.9, 0.95), weight_decay=decay).step()
    for a, b in zip(ours.parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-6)


def test_the_rate_rises_and_falls() -> None:
    settings = replace(SMALL, steps=100)
    rates = [cosine_rate(step, 100, highest=settings.learning_rate, warm=4, last=0.03) for step in range(100)]
    top = int(np.argmax(rates))
    assert 0 < top < 10
    assert rates[top] == pytest.approx(settings.learning_rate)
    assert np.all(np.diff(rates[: top + 1]) > 0)
    assert np.all(np.diff(rates[top + 1 :]) < 0)
    assert rates[-1] < 0.05 * settings.learning_rate


def test_a_model_is_trained_once_and_opened_after(
    corpus: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[str, int, int]] = []
    first = train_tiny(corpus, SMALL, seed=1, progress=lambda *told: seen.append(told))
    assert tiny_cache_path().parent == tmp_path
    assert seen[-1] == ("training the tiny model", 16, 16)
    assert [c.step for c in first.checkpoints] == list(checkpoint_steps(16)) == [0, 1, 2, 4, 8, 16]
    assert (first.name, first.context, first.device) == ("tiny", 64, "cpu")
    monkeypatch.setattr(tiny_model, "train_network", None)  # whoever trains now, fails
    second = train_tiny(corpus, SMALL, seed=1)
    assert second.fingerprint == first.fingerprint
    for name, parameter in parameters(first).items():
        assert torch.equal(parameter, parameters(second)[name])
        assert torch.equal(parameter, load_file(first.checkpoints[-1].file)[name])
    start = build_network(SMALL, len(first.tokenizer), seed=1)
    for name, parameter in start.named_parameters():
        assert torch.equal(parameter, load_file(first.checkpoints[0].file)[name])
    monkeypatch.undo()
    assert train_tiny(corpus, SMALL, seed=2, folder=tmp_path).fingerprint != first.fingerprint
    for suffix in ("part", "safetensors.part"):
        assert not list(tmp_path.rglob(f"*.{suffix}"))


def test_training_teaches(corpus: list[str], fragments: Fragments) -> None:
    """Words of a templated corpus are told far better than by their frequency alone."""
    model = train_tiny(corpus, replace(SMALL, steps=60, learning_rate=1e-2))
    ids = [i for text in corpus for i in model.encode([text])[0]]
    shares = np.unique(ids, return_counts=True)[1] / len(ids)
    entropy = -(shares * np.log(shares)).sum()
    rows = range(len(fragments))
    after = fragment_losses(model, fragments, rows, 256).mean()
    assert after < 0.8 * entropy
    load_parameters(model.network, model.checkpoints[0])
    assert fragment_losses(model, fragments, rows, 256).mean() > entropy


class _KilledError(Exception):
    pass


def test_training_that_was_cut_off_goes_on_to_the_same_numbers(
    corpus: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = train_tiny(corpus, SMALL, folder=tmp_path / "whole")

    def kill(_: str, step: int, __: int) -> None:
        if step == 11:
            raise _KilledError

    with pytest.raises(_KilledError):
        train_tiny(corpus, SMALL, progress=kill, folder=tmp_path / "cut")
    steps: list[int] = []
    resumed = train_tiny(
        corpus, SMALL, progress=lambda _, step, __: steps.append(step), folder=tmp_path / "cut"
    )
    assert steps == list(range(9, 17))
    assert resumed.fingerprint == whole.fingerprint
    for name, parameter in parameters(whole).items():
        assert torch.equal(parameter, parameters(resumed)[name]), name
    assert [c.step for c in resumed.checkpoints] == [c.step for c in whole.checkpoints]


def test_a_small_corpus_is_passed_over_four_times_at_most(
    corpus: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    trained: list[int] = []

    def train(_: Any, fragments: Fragments, __: Any, settings: TinySettings, **___: Any) -> None:
        tokens = int(fragments.lengths.sum())
        assert (settings.steps - 1) * settings.batch < 4 * tokens <= settings.steps * settings.batch
        trained.append(settings.steps)

    monkeypatch.setattr(tiny_model, "train_network", train)
    train_tiny(corpus, replace(SMALL, steps=10_000))
    assert len(trained) == 1


def test_what_is_set_aside_is_not_trained_on(corpus: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    trained: list[tuple[list[int], Fragments]] = []

    def train(_: Any, fragments: Fragments, rows: Any, __: TinySettings, **___: Any) -> None:
        trained.append((rows.tolist(), fragments))

    monkeypatch.setattr(tiny_model, "train_network", train)
    model = train_tiny(corpus, SMALL, seed=5, aside=3)
    rows, fragments = trained[0]
    # Split as whoever probes splits, or other passages than these would have been set aside.
    again, _ = split_documents(documents_of(corpus), model.encode, tokens=SMALL.context)
    assert again.fingerprint == fragments.fingerprint
    assert sorted([*rows, *set_aside(len(again), 3, 5)]) == list(range(len(again)))
    assert len(rows) < len(again)


def test_nothing_to_train_on_is_an_error(fragments: Fragments) -> None:
    with pytest.raises(DataError, match="no fragments to train on"):
        train_network(build_network(SMALL, 300, seed=0), fragments, np.arange(0), SMALL, seed=0)


def test_a_loss_that_is_not_finite_stops_training(fragments: Fragments) -> None:
    network = build_network(SMALL, 300, seed=0)
    with torch.no_grad():
        network.transformer.ln_f.bias[3] = torch.nan
    with pytest.raises(DataError, match=r"diverged at step 1 of 16[^$]*lower learning rate than 0.00"):
        train_network(network, fragments, np.arange(4), SMALL, seed=0)
    assert not torch.isnan(network.transformer.wte.weight).any()


def test_a_damaged_checkpoint_is_told_of(corpus: list[str], model: LanguageModel) -> None:
    found = train_tiny(corpus, replace(SMALL, steps=1))
    damaged = found.checkpoints[0]
    damaged.file.write_bytes(damaged.file.read_bytes()[:100])
    with pytest.raises(StoreError, match="cannot be read"):
        load_parameters(found.network, damaged)
    wider = build_network(replace(SMALL, width=32), len(found.tokenizer), seed=0)
    with pytest.raises(StoreError, match="of another network"):
        load_parameters(wider, found.checkpoints[1])


def test_a_folder_that_cannot_be_written(corpus: list[str], tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="NEGSPACE_STORE"):
        train_tiny(corpus, SMALL, folder=tmp_path / "file")
