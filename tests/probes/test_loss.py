from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np
import pytest

from negspace.data import Fragments
from negspace.language_models import LanguageModel
from negspace.probes import LossProbe, PressureProbe, Probe

torch = pytest.importorskip("torch", reason="language models need the extra hf")
pytest.importorskip("transformers", reason="language models need the extra hf")

WORDS = ("the ", "cat ", "sat ", "on ", "a ", "mat ", "é ", "<s>")


class Words:
    """A tokenizer of whole words; the last is special, and stands for nothing in a text."""

    def decode(self, ids: list[int]) -> str:
        return "".join(WORDS[i] for i in ids)


@pytest.fixture(scope="module")
def model() -> LanguageModel:
    from transformers import GPT2Config, GPT2LMHeadModel

    with torch.random.fork_rng():
        torch.manual_seed(0)
        config = GPT2Config(
            vocab_size=len(WORDS),
            n_positions=16,
            n_embd=16,
            n_layer=2,
            n_head=2,
            bos_token_id=None,
            eos_token_id=None,
            initializer_range=0.5,
        )
        network: Any = GPT2LMHeadModel(config).eval()
    return LanguageModel("words", network, Words(), "words", 16)


@pytest.fixture(scope="module")
def fragments() -> Fragments:
    ids = [[0, 1, 2, 3, 4, 5], [4, 1], [7, 6, 1, 2]]
    tokens = np.zeros((3, 6), dtype=np.int32)
    for row, each in enumerate(ids):
        tokens[row, : len(each)] = each
    texts = ("the cat sat on a mat ", "a cat ", "é cat sat ")
    return Fragments(texts, tokens, np.array([6, 2, 4]), ("1", "2", "3"), "words")


def expected(model: LanguageModel, fragments: Fragments, row: int) -> list[float]:
    ids = [int(i) for i in fragments.tokens[row, : fragments.lengths[row]]]
    with torch.no_grad():
        chances = model.network(input_ids=torch.tensor([ids])).logits[0].double().softmax(1)
    return [-math.log(float(chances[at, word])) for at, word in enumerate(ids[1:])]


def test_loss_is_the_mean_over_scored_tokens_and_bits_go_by_their_characters(
    model: LanguageModel, fragments: Fragments
) -> None:
    rows = [2, 0, 1, 2]
    probed = LossProbe().measure(model, fragments, rows, batch=8, tokens=True)
    loss, bits = (trace.values for trace in probed.traces)
    # "the " and "a " are read, not predicted; "<s>" is no part of its text, so all of the text is.
    characters = {0: len("cat sat on a mat "), 1: len("cat "), 2: len("é cat sat ")}
    for at, row in enumerate(rows):
        numbers = expected(model, fragments, row)
        assert loss[at] == pytest.approx(np.mean(numbers), rel=1e-5)
        assert bits[at] == pytest.approx(sum(numbers) / math.log(2) / characters[row], rel=1e-5)
        (tokens,) = probed.tokens
        np.testing.assert_allclose(tokens.values[at, 1 : len(numbers) + 1], numbers, rtol=1e-5)
        assert np.isnan(tokens.values[at, len(numbers) + 1 :]).all()


def test_a_fragment_whose_first_token_is_all_of_its_text_has_no_bits_per_character(
    model: LanguageModel, fragments: Fragments
) -> None:
    short = dataclasses.replace(fragments, texts=("the ", *fragments.texts[1:]))
    loss, bits = (trace.values for trace in LossProbe().measure(model, short, [0, 1], batch=8).traces)
    assert np.isfinite(loss).all()
    assert np.isnan(bits).tolist() == [True, False]


def test_it_is_a_probe() -> None:
    assert isinstance(LossProbe(), Probe)


def test_pressure_takes_it_along_in_its_own_pass(model: LanguageModel, fragments: Fragments) -> None:
    both = PressureProbe(neighbours=2, with_loss=True).measure(model, fragments, [2, 0], batch=12)
    alone = PressureProbe(neighbours=2).measure(model, fragments, [2, 0], batch=12)
    found = {(trace.probe, trace.metric): trace.values for trace in both.traces}
    for row, value in zip([2, 0], found["loss", "loss"], strict=True):
        assert value == pytest.approx(np.mean(expected(model, fragments, row)), rel=1e-5)
    assert ("loss", "bits per character") in found
    assert found.keys() - {(t.probe, t.metric) for t in alone.traces} == {
        ("loss", "loss"), ("loss", "bits per character"),
    }  # fmt: skip
