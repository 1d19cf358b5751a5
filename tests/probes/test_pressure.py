from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from negspace.data import Fragments
from negspace.errors import DataError, PlanError
from negspace.language_models import LanguageModel
from negspace.probes import PressureProbe, nearest_tokens

torch = pytest.importorskip("torch", reason="language models need the extra hf")
pytest.importorskip("transformers", reason="language models need the extra hf")

from negspace.probes.engines import competition, strongest  # noqa: E402  (imports torch)

VOCABULARY = 61
TEMPERATURES = (0.5, 1.0, 2.0, 4.0)


def fragments_of(lengths: list[int], seed: int = 0) -> Fragments:
    rng = np.random.default_rng(seed)
    tokens = np.zeros((len(lengths), max(lengths)), dtype=np.int32)
    for row, length in enumerate(lengths):
        tokens[row, :length] = rng.integers(0, VOCABULARY, length)
    places = tuple(f"row {i}" for i in range(len(lengths)))
    return Fragments(("text",) * len(lengths), tokens, np.array(lengths), places, f"made up {seed}")


def gpt2(**settings: Any) -> Any:
    from transformers import GPT2Config, GPT2LMHeadModel

    sizes = {"vocab_size": VOCABULARY, "n_positions": 32, "n_embd": 16, "n_layer": 2, "n_head": 2}
    with torch.random.fork_rng():
        torch.manual_seed(0)
        config = GPT2Config(**sizes, bos_token_id=None, eos_token_id=None, initializer_range=0.5, **settings)
        return GPT2LMHeadModel(config).eval()


def opened(network: Any, fingerprint: str = "made up") -> LanguageModel:
    return LanguageModel("made up", network, None, fingerprint, 32)


@pytest.fixture(scope="module")
def model() -> LanguageModel:
    return opened(gpt2(tie_word_embeddings=False))


@pytest.fixture(scope="module")
def fragments() -> Fragments:
    return fragments_of([9, 2, 30, 17, 30, 5])


def brute_force(
    logits: np.ndarray, truth: int, near: list[int], temperature: float
) -> tuple[float, float, float, float, float, float]:
    """Token by token, in extended numbers: pressure, effective, near share at T, and truth, near, rest."""
    from fractions import Fraction

    peak = max(logits) / temperature
    # Exact sums of exponentials in doubles: what is far below is not lost, however near to one the rest is.
    weights = [Fraction(math.exp(z / temperature - peak)) for z in logits.astype(float)]
    total, competing = sum(weights), sum(w for j, w in enumerate(weights) if j != truth)
    of_near = sum((weights[j] for j in near), Fraction(0))
    q = [float(w / competing) for j, w in enumerate(weights) if j != truth]
    entropy = -sum(p * math.log(p) for p in q if p > 0)
    return (
        float(competing / total),
        math.exp(entropy),
        float(of_near / competing),
        float(weights[truth] / total),
        float(of_near / total),
        float((competing - of_near) / total),
    )


def made_up_logits() -> tuple[Any, Any, Any]:
    """Flat, steep and sure rows; in the last ones the truth stands far above all or far below."""
    generator = torch.Generator().manual_seed(1)
    logits = torch.randn(12, VOCABULARY, generator=generator)
    logits *= torch.tensor([0.01, 1, 3, 10, 30, 80] * 2)[:, None]
    truth = torch.randint(0, VOCABULARY, (12,), generator=generator)
    logits.clamp_(-80, 80)
    logits[8, truth[8]], logits[9, truth[9]], logits[11, truth[11]] = 80.0, -80.0, 80.0
    logits[10] = -80.0
    logits[10, truth[10]] = 80.0
    near = torch.stack(
        [
            (t + 1 + torch.randperm(VOCABULARY - 1, generator=generator)[:5]) % VOCABULARY
            for t in truth.tolist()
        ]
    )
    return logits, truth, near


@pytest.mark.parametrize("temperatures", [TEMPERATURES, (3.0, 0.7, 1.5), (1.0,)])
def test_competition_is_the_definition_even_where_the_model_is_sure(temperatures: tuple[float, ...]) -> None:
    logits, truth, near = made_up_logits()
    found = competition(logits.clone(), truth, near, temperatures)
    for i, row in enumerate(logits.numpy()):
        pressure, effective, share, *_ = brute_force(row, int(truth[i]), near[i].tolist(), 1.0)
        assert float(found.pressure[i]) == pytest.approx(pressure, rel=2e-5, abs=0)
        assert float(found.effective[i]) == pytest.approx(effective, rel=2e-5)
        assert float(found.near_share[i]) == pytest.approx(share, rel=2e-5, abs=1e-300)
        for j, temperature in enumerate(temperatures):
            *_, of_truth, of_near, of_rest = brute_force(row, int(truth[i]), near[i].tolist(), temperature)
            assert float(found.truth[i, j]) == pytest.approx(of_truth, rel=2e-5, abs=1e-300)
            assert float(found.near[i, j]) == pytest.approx(of_near, rel=2e-5, abs=1e-300)
            assert float(found.rest[i, j]) == pytest.approx(of_rest, rel=2e-5, abs=1e-300)
    # The rows are as hard as they should be: here 1 - P_y in float32 would be 0.
    assert 0 < float(found.pressure[10]) < 1e-60


def test_pressure_is_the_gradient_of_cross_entropy() -> None:
    logits, truth, near = made_up_logits()
    for temperature in TEMPERATURES:
        leaf = logits.double().requires_grad_()
        torch.nn.functional.cross_entropy(leaf / temperature, truth, reduction="sum").backward()
        push = leaf.grad.scatter(1, truth[:, None], 0.0)
        found = competition(logits.clone(), truth, near, (temperature,))
        total = (found.near + found.rest)[:, 0] / temperature
        torch.testing.assert_close(total, push.sum(1), rtol=2e-5, atol=0)
        torch.testing.assert_close(
            found.near[:, 0] / temperature, push.gather(1, near).sum(1), rtol=2e-5, atol=1e-300
        )


def test_masked_and_undefined_logits() -> None:
    logits, truth, near = made_up_logits()
    masked = logits.clone()
    masked[0, (truth[0] + 7) % VOCABULARY] = -torch.inf
    low = logits.clone()
    low[0, (truth[0] + 7) % VOCABULARY] = -1e4
    torch.testing.assert_close(
        competition(masked, truth, near, TEMPERATURES).effective,
        competition(low, truth, near, TEMPERATURES).effective,
    )
    logits[3, 5] = torch.nan
    found = competition(logits, truth, near, TEMPERATURES)
    assert found.effective.isnan().tolist() == [i == 3 for i in range(12)]


def test_near_may_be_none_or_all() -> None:
    logits, truth, _ = made_up_logits()
    everyone = torch.stack([(t + torch.arange(1, VOCABULARY)) % VOCABULARY for t in truth])
    none = competition(logits.clone(), truth, everyone[:, :0], TEMPERATURES)
    every = competition(logits.clone(), truth, everyone, TEMPERATURES)
    torch.testing.assert_close(none.effective, every.effective, rtol=1e-5, atol=0)
    torch.testing.assert_close(none.rest, every.near, rtol=1e-5, atol=1e-300)
    assert none.near_share.tolist() == [0.0] * 12
    assert every.near_share.tolist() == [1.0] * 12


def test_strongest_competitors() -> None:
    logits, truth, _ = made_up_logits()
    ids, probabilities = strongest(logits, truth, 3)
    for i, row in enumerate(logits.double().softmax(1).numpy()):
        ranked = [j for j in np.argsort(-row, kind="stable") if j != truth[i]][:3]
        np.testing.assert_allclose(probabilities[i], row[ids[i]], rtol=1e-4, atol=1e-38)
        np.testing.assert_allclose(row[ids[i]], row[ranked], rtol=1e-6)
        assert int(truth[i]) not in ids[i].tolist()


def test_nearest_tokens_are_those_of_highest_cosine(monkeypatch: pytest.MonkeyPatch) -> None:
    from negspace.probes import predictions

    monkeypatch.setattr(predictions, "_AT_ONCE", 3 * VOCABULARY)  # several blocks
    embedding = torch.randn(VOCABULARY, 7, generator=torch.Generator().manual_seed(2))
    found = nearest_tokens(embedding, torch.arange(VOCABULARY), 4).numpy()
    vectors = embedding.double().numpy()
    cosines = vectors @ vectors.T / np.outer(np.linalg.norm(vectors, axis=1), np.linalg.norm(vectors, axis=1))
    np.fill_diagonal(cosines, -np.inf)
    np.testing.assert_array_equal(found, np.argsort(-cosines, axis=1)[:, :4])


def by_hand(model: LanguageModel, fragments: Fragments, row: int, neighbours: int) -> dict[str, np.ndarray]:
    """Each token's numbers, from the logits of the fragment alone."""
    length = int(fragments.lengths[row])
    ids = torch.from_numpy(fragments.tokens[row : row + 1, :length].astype(np.int64))
    with torch.no_grad():
        logits = model.network(input_ids=ids).logits[0, :-1].numpy()
        near = nearest_tokens(model.network.get_output_embeddings().weight, ids[0, 1:], neighbours).tolist()
    found: dict[str, list[float]] = {}
    for at, truth in enumerate(ids[0, 1:].tolist()):
        pressure, effective, share, *_ = brute_force(logits[at], truth, near[at], 1.0)
        numbers = {"pressure": pressure, "effective competitors": effective, "neighbour share": share}
        for t in TEMPERATURES:
            *_, of_truth, of_near, of_rest = brute_force(logits[at], truth, near[at], t)
            for part, share in (("truth", of_truth), ("near", of_near), ("rest", of_rest)):
                numbers[f"{part} at T={t:g}"] = share
        for measure, number in numbers.items():
            found.setdefault(measure, []).append(number)
    return {measure: np.array(numbers) for measure, numbers in found.items()}


def test_fragments_one_by_one(model: LanguageModel, fragments: Fragments) -> None:
    rows = [4, 1, 0, 4]
    probed = PressureProbe(neighbours=3, competitors=2).measure(model, fragments, rows, batch=64, tokens=True)
    traces = {trace.metric: trace.values for trace in probed.traces}
    tokens = {trace.metric: trace.values for trace in probed.tokens}
    for at, row in enumerate(rows):
        expected = by_hand(model, fragments, row, 3)
        assert set(expected) == set(traces)
        for measure, numbers in expected.items():
            assert traces[measure][at] == pytest.approx(numbers.mean(), rel=1e-4), measure
        length = int(fragments.lengths[row])
        for measure in ("pressure", "effective competitors", "neighbour share"):
            numbers = tokens[measure][at]
            np.testing.assert_allclose(numbers[1:length], expected[measure], rtol=1e-4, atol=1e-30)
            assert np.isnan(numbers[length:]).all()
            assert np.isnan(numbers[0])
        ids = tokens["competitors"][at]
        assert ids.shape == (30, 2)
        assert (ids[0] == -1).all()
        assert (ids[length:] == -1).all()
        assert (ids[1:length] >= 0).all()
        assert (ids[1:length] != fragments.tokens[row, 1:length, None]).all()


def test_nothing_depends_on_the_batch_or_the_others(
    model: LanguageModel, fragments: Fragments, monkeypatch: pytest.MonkeyPatch
) -> None:
    from negspace.probes.engines import backbone
    from negspace.probes.engines import softmax_competition as engine

    probe = PressureProbe(neighbours=3)
    whole = probe.measure(model, fragments, range(6), batch=1000)
    monkeypatch.setattr(backbone, "_ROWS", 7)
    monkeypatch.setattr(engine, "_CACHED", 2 * VOCABULARY)
    for row in range(6):
        alone = probe.measure(model, fragments, [row], batch=1)
        for one, all_of_them in zip(alone.traces, whole.traces, strict=True):
            assert one.metric == all_of_them.metric
            assert one.values[0] == pytest.approx(all_of_them.values[row], rel=1e-4, abs=1e-30)


def test_a_network_that_cannot_be_parted_gives_the_same(
    model: LanguageModel, fragments: Fragments, monkeypatch: pytest.MonkeyPatch
) -> None:
    from negspace.probes.engines import backbone

    probe = PressureProbe(neighbours=3)
    parted = probe.measure(model, fragments, range(6), batch=100)
    monkeypatch.setattr(backbone, "find_backbone", lambda _model: None)
    whole = probe.measure(model, fragments, range(6), batch=100)
    for one, other in zip(parted.traces, whole.traces, strict=True):
        np.testing.assert_allclose(one.values, other.values, rtol=1e-4, atol=1e-30)


def test_heads_are_run_as_the_family_has_them(fragments: Fragments) -> None:
    """Gemma 2 caps its logits; Cohere-like scales and GPT-NeoX's other names go the same way."""
    from transformers import Gemma2Config, Gemma2ForCausalLM, GPTNeoXConfig, GPTNeoXForCausalLM

    from negspace.probes.engines import find_backbone

    sizes = {"vocab_size": VOCABULARY, "hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 2}
    none = {"bos_token_id": None, "eos_token_id": None, "pad_token_id": None}
    with torch.random.fork_rng():
        torch.manual_seed(0)
        gemma = Gemma2ForCausalLM(
            Gemma2Config(
                **sizes,
                **none,
                num_attention_heads=2,
                num_key_value_heads=1,
                head_dim=8,
                final_logit_softcapping=0.5,
                initializer_range=1.0,
            )
        )
        neox = GPTNeoXForCausalLM(GPTNeoXConfig(**sizes, **none, num_attention_heads=2))
    for network in (gemma.eval(), neox.eval()):
        model = opened(network, type(network).__name__)
        backbone_ = find_backbone(model)
        assert backbone_ is not None
        ids = torch.from_numpy(fragments.tokens[2:3].astype(np.int64))
        with torch.no_grad():
            expected = network(input_ids=ids).logits[0]
            hidden = backbone_.body(input_ids=ids).last_hidden_state[0]
            torch.testing.assert_close(backbone_.logits(hidden), expected, rtol=1e-4, atol=1e-5)
            # The body answers for itself again.
            torch.testing.assert_close(network(input_ids=ids).logits[0], expected)


def test_the_model_is_given_back_as_it_was(fragments: Fragments) -> None:
    network = gpt2()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    attributes = [set(vars(module)) for module in network.modules()]
    PressureProbe().measure(opened(network, "tied"), fragments, [0], batch=64)
    assert [set(vars(module)) for module in network.modules()] == attributes
    assert all(torch.equal(before[name], value) for name, value in network.state_dict().items())


def test_settings_that_make_no_sense_are_refused() -> None:
    for wrong in ({"temperatures": (0.0, 1.0)}, {"temperatures": (1.0, 1.0)}, {"neighbours": -1}):
        with pytest.raises(PlanError):
            PressureProbe(**wrong)


def test_importing_probes_does_not_import_torch(tmp_path: Path) -> None:
    import subprocess
    import sys

    code = "import sys, negspace.probes; assert list(negspace.probes.PROBES);sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False, cwd=tmp_path).returncode == 0


def test_a_broken_model_is_refused_with_a_fragments_place(fragments: Fragments) -> None:
    broken = opened(gpt2())
    with torch.no_grad():
        broken.network.transformer.ln_f.weight[0] = float("nan")
    with pytest.raises(DataError, match=r"^row 2: the loss of the model made up is not finite"):
        PressureProbe().measure(broken, fragments, [2], batch=100)


def test_a_head_that_goes_round_the_base_model_gives_its_own_logits(fragments: Fragments) -> None:
    """OPT calls its decoder, not its base model: what the base model is made to answer is not asked for."""
    from transformers import OPTConfig, OPTForCausalLM

    from negspace.language_models import take
    from negspace.probes.engines import logit_blocks

    with torch.random.fork_rng():
        torch.manual_seed(0)
        config = OPTConfig(
            vocab_size=VOCABULARY, hidden_size=16, ffn_dim=24, num_hidden_layers=2, num_attention_heads=2,
            max_position_embeddings=32, word_embed_proj_dim=16, init_std=0.5,
            bos_token_id=None, eos_token_id=None,
        )  # fmt: skip
        model = opened(OPTForCausalLM(config).eval())
    with torch.no_grad():
        whole = model.network(**take(fragments, [0]).inputs()).logits[0, :-1]
        (block,) = logit_blocks(model, fragments, [0], batch=100)
    torch.testing.assert_close(block.logits, whole)
