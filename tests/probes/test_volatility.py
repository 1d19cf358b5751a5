from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from negspace.data import Fragments
from negspace.errors import DataError, PlanError, StoreError
from negspace.language_models import Checkpoint, LanguageModel
from negspace.probes import Probe, TypeMeans, VolatilityProbe, type_means, volatile_types

torch = pytest.importorskip("torch", reason="language models need the extra hf")
pytest.importorskip("transformers", reason="language models need the extra hf")

VOCABULARY = 23
LENGTHS = (9, 2, 12, 7, 5)


class Numbers:
    """A tokenizer whose words are their ids."""

    def decode(self, ids: list[int]) -> str:
        return " ".join(map(str, ids))


def network(seed: int) -> Any:
    from transformers import GPT2Config, GPT2LMHeadModel

    with torch.random.fork_rng():
        torch.manual_seed(seed)
        config = GPT2Config(
            vocab_size=VOCABULARY,
            n_positions=16,
            n_embd=16,
            n_layer=2,
            n_head=2,
            bos_token_id=None,
            eos_token_id=None,
            initializer_range=0.5,
        )
        return GPT2LMHeadModel(config).eval()


@pytest.fixture(scope="module")
def states() -> list[Any]:
    """The network at three moments, the last of them now."""
    return [network(seed) for seed in range(3)]


@pytest.fixture(scope="module")
def model(states: list[Any], tmp_path_factory: pytest.TempPathFactory) -> LanguageModel:
    from safetensors.torch import save_file

    folder = tmp_path_factory.mktemp("checkpoints")
    kept = []
    for step, state in enumerate(states):
        file = folder / f"{step}.safetensors"
        save_file({name: value.detach().clone() for name, value in state.named_parameters()}, file)
        kept.append(Checkpoint(step, file))
    return LanguageModel("made up", states[-1], Numbers(), "made up", 16, checkpoints=tuple(kept))


@pytest.fixture(scope="module")
def fragments() -> Fragments:
    rng = np.random.default_rng(3)
    tokens = np.zeros((len(LENGTHS), max(LENGTHS)), dtype=np.int32)
    for row, length in enumerate(LENGTHS):
        tokens[row, :length] = rng.integers(0, VOCABULARY - 1, length)
    tokens[1, 1] = VOCABULARY - 1  # occurs nowhere else
    return Fragments(("text",) * 5, tokens, np.array(LENGTHS), tuple("abcde"), "made up")


@pytest.fixture(scope="module")
def means(model: LanguageModel, fragments: Fragments) -> TypeMeans:
    return type_means(model, fragments, range(5), batch=20)


def last_hidden(state: Any, fragments: Fragments, row: int) -> np.ndarray:
    """Of a fragment alone, from the second token on, in doubles."""
    ids = torch.from_numpy(fragments.tokens[row : row + 1, : fragments.lengths[row]].astype(np.int64))
    with torch.no_grad():
        hidden = state(input_ids=ids, output_hidden_states=True).hidden_states[-1]
    return hidden[0, 1:].double().numpy()


def cosine(a: np.ndarray, b: np.ndarray) -> float:
    return float(a @ b / np.linalg.norm(a) / np.linalg.norm(b))


def occurrences(state: Any, fragments: Fragments, rows: range) -> list[tuple[int, int, int, np.ndarray]]:
    return [
        (row, at + 1, int(fragments.tokens[row, at + 1]), vector)
        for row in rows
        for at, vector in enumerate(last_hidden(state, fragments, row))
    ]


def moved(every: list[tuple[int, int, int, np.ndarray]], of: tuple[int, int, int, np.ndarray]) -> list[float]:
    """1 - cosine to each other occurrence of the same type, pair by pair."""
    return [1 - cosine(of[3], other[3]) for other in every if other[2] == of[2] and other[:2] != of[:2]]


@pytest.mark.parametrize("counted", [range(5), range(3)])
def test_over_contexts_is_the_mean_over_pairs(
    model: LanguageModel, fragments: Fragments, counted: range
) -> None:
    """Also for fragments that the means have not seen, whose tokens are not taken out of them."""
    every = occurrences(model.network, fragments, range(5))
    corpus = [each for each in every if each[0] in counted]
    probe = VolatilityProbe(type_means(model, fragments, counted, batch=20))
    rows = [4, 0, 1, 2, 3, 0]
    probed = probe.measure(model, fragments, rows, batch=13, tokens=True)
    trace, grid = probed.traces[0], probed.tokens[0]
    assert (trace.metric, trace.layer, grid.metric) == ("over contexts", "final", "over contexts")
    for at, row in enumerate(rows):
        numbers = {each[1]: moved(corpus, each) for each in every if each[0] == row}
        found = [float(np.mean(pairs)) for pairs in numbers.values() if pairs]
        if found:
            assert trace.values[at] == pytest.approx(np.mean(found), rel=1e-4)
        else:
            assert np.isnan(trace.values[at])
        for place, pairs in numbers.items():
            if pairs:
                assert grid.values[at, place] == pytest.approx(np.mean(pairs), rel=1e-4, abs=1e-5)
            else:
                assert np.isnan(grid.values[at, place])
    assert np.isnan(trace.values[2])  # its one scored token occurs once


def test_over_checkpoints_is_the_mean_of_the_ways_between_them(
    model: LanguageModel, fragments: Fragments, states: list[Any], means: TypeMeans
) -> None:
    before = {name: value.clone() for name, value in model.network.state_dict().items()}
    probed = VolatilityProbe(means).measure(model, fragments, [3, 1], batch=100, tokens=True)
    trace, grid = probed.traces[1], probed.tokens[1]
    assert trace.metric == "over checkpoints"
    for at, row in enumerate((3, 1)):
        first, second, third = (last_hidden(state, fragments, row) for state in states)
        expected = [
            (2 - cosine(a, b) - cosine(b, c)) / 2 for a, b, c in zip(first, second, third, strict=True)
        ]
        assert trace.values[at] == pytest.approx(np.mean(expected), rel=1e-4)
        np.testing.assert_allclose(grid.values[at, 1 : len(expected) + 1], expected, rtol=1e-4)
    assert all(torch.equal(before[name], value) for name, value in model.network.state_dict().items())


def test_one_checkpoint_gives_no_movement(
    model: LanguageModel, fragments: Fragments, means: TypeMeans
) -> None:
    single = dataclasses.replace(model, checkpoints=model.checkpoints[:1])
    probed = VolatilityProbe(means).measure(single, fragments, [0], batch=100)
    assert [trace.metric for trace in probed.traces] == ["over contexts"]


def test_types_by_volatility(model: LanguageModel, fragments: Fragments, means: TypeMeans) -> None:
    every = occurrences(model.network, fragments, range(5))
    by_type = {
        word: [pair for each in every if each[2] == word for pair in moved(every, each)]
        for word in {each[2] for each in every}
    }
    ranked = sorted((word for word in by_type if by_type[word]), key=lambda word: -np.mean(by_type[word]))
    most, least = volatile_types(model, means, 3, at_least=2)
    assert [int(each.token) for each in most] == ranked[:3]
    assert [int(each.token) for each in least] == ranked[::-1][:3]
    for each in most + least:
        assert each.count == sum(other[2] == int(each.token) for other in every)
        assert each.value == pytest.approx(np.mean(by_type[int(each.token)]), rel=1e-4)
    all_most, all_least = volatile_types(model, means, 100, at_least=2)
    assert sorted(int(each.token) for each in all_most + all_least) == sorted(ranked)


def test_a_type_that_occurs_twice_is_not_steadier_for_it() -> None:
    """Of random directions in many dimensions any two are at right angles, however many there are."""
    rng = np.random.default_rng(0)
    counts = np.array([2, 5, 50])
    vectors = [rng.standard_normal((count, 4000)) for count in counts]
    sums = [(each / np.linalg.norm(each, axis=1, keepdims=True)).sum(axis=0) for each in vectors]
    of = TypeMeans(np.arange(3), counts, np.array(sums, dtype=np.float32), np.ones(1, dtype=bool), "", "")
    np.testing.assert_allclose(of.movement(), 1, atol=0.05)


def test_what_does_not_belong_together_is_refused(
    model: LanguageModel, fragments: Fragments, means: TypeMeans, tmp_path: Path
) -> None:
    from safetensors.torch import save_file

    other = dataclasses.replace(fragments, fingerprint="other")
    with pytest.raises(PlanError, match="another corpus"):
        VolatilityProbe(means).measure(model, other, [0], batch=10)
    with pytest.raises(PlanError, match="no fragment"):
        type_means(model, fragments, [], batch=10)
    save_file({"lm_head.weight": torch.zeros(1)}, tmp_path / "part.safetensors")
    (tmp_path / "torn.safetensors").write_bytes(b"torn")
    for file, message in (("part", "lacks parameters"), ("torn", "cannot be read")):
        lacking = Checkpoint(9, tmp_path / f"{file}.safetensors")
        broken = dataclasses.replace(model, checkpoints=(model.checkpoints[0], lacking))
        with pytest.raises(StoreError, match=message):
            VolatilityProbe(means).measure(broken, fragments, [0], batch=10)


def test_it_is_a_probe(means: TypeMeans) -> None:
    assert isinstance(VolatilityProbe(means), Probe)


def test_a_broken_model_is_refused_with_a_fragments_place(model: LanguageModel, fragments: Fragments) -> None:
    broken = dataclasses.replace(model, network=network(0), checkpoints=())
    means = type_means(model, fragments, [0, 1], batch=100)
    with torch.no_grad():
        broken.network.transformer.ln_f.weight[0] = float("nan")
    place = f"^{fragments.places[1]}: the loss of the model {model.name} is not finite"
    with pytest.raises(DataError, match=place):
        type_means(broken, fragments, [1], batch=100)
    with pytest.raises(DataError, match=place):
        VolatilityProbe(means).measure(broken, fragments, [1], batch=100)
