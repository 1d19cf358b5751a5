"""The step probe against a naive loop over deep copies, transformers' own outputs, and closed forms."""

from __future__ import annotations

import copy
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from scipy.spatial.distance import jensenshannon

torch = pytest.importorskip("torch", reason="steps need the extra 'torch'")
transformers = pytest.importorskip("transformers", reason="language models need the extra 'hf'")

from negspace.data import Fragments  # noqa: E402
from negspace.errors import DataError, PlanError  # noqa: E402
from negspace.language_models import LanguageModel  # noqa: E402
from negspace.probes import Probe, RetentionProbe, StepProbe, Trace, first_order_agreement  # noqa: E402
from negspace.probes.engines import (  # noqa: E402
    choose_step_size,
    dot,
    gradient,
    hooked,
    in_float32,
    kept_parameters,
    mean_losses,
    shows_attention,
)

VOCABULARY, CONTEXT, SIZE = 40, 12, 0.05


def fragments_of(rows: list[list[int]]) -> Fragments:
    lengths = np.array([len(row) for row in rows])
    tokens = np.zeros((len(rows), lengths.max()), dtype=np.int32)
    for at, row in enumerate(rows):
        tokens[at, : len(row)] = row
    return Fragments(("",) * len(rows), tokens, lengths, ("",) * len(rows), str(hash(tokens.tobytes())))


def drawn(seed: int, lengths: list[int]) -> Fragments:
    rng = np.random.default_rng(seed)
    return fragments_of([rng.integers(1, VOCABULARY, n).tolist() for n in lengths])


def opened(network: Any) -> LanguageModel:
    return LanguageModel("test", network.eval(), None, "0", CONTEXT)


def gpt2() -> Any:
    torch.manual_seed(0)
    config = transformers.GPT2Config(
        vocab_size=VOCABULARY, n_positions=CONTEXT, n_embd=16, n_layer=2, n_head=2, initializer_range=0.3,
        bos_token_id=None, eos_token_id=None,
    )  # fmt: skip
    return transformers.GPT2LMHeadModel(config)


def llama() -> Any:
    torch.manual_seed(0)
    config = transformers.LlamaConfig(
        vocab_size=VOCABULARY, max_position_embeddings=CONTEXT, hidden_size=16, intermediate_size=24,
        num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2, initializer_range=0.3,
        bos_token_id=None, eos_token_id=None,
    )  # fmt: skip
    return transformers.LlamaForCausalLM(config)


@pytest.fixture(scope="module", params=[gpt2, llama], ids=["gpt2", "llama"])
def model(request: pytest.FixtureRequest) -> LanguageModel:
    with torch.random.fork_rng(devices=[]):
        return opened(request.param())


@pytest.fixture(scope="module")
def small() -> LanguageModel:
    with torch.random.fork_rng(devices=[]):
        return opened(gpt2())


FRAGMENTS = drawn(1, [12, 7, 2, 10])
REFERENCE = drawn(2, [9, 12, 5])


def by_name(traces: tuple[Trace, ...]) -> dict[tuple[str, str | None], np.ndarray]:
    assert len({(t.probe, t.metric, t.layer) for t in traces}) == len(traces)
    return {(t.metric, t.layer): t.values for t in traces}


def measured(model: LanguageModel, probe: Probe, rows: list[int], batch: int = 100) -> dict[Any, np.ndarray]:
    return by_name(probe.measure(model, FRAGMENTS, rows, batch=batch).traces)


class Naive:
    """All of a network's outputs for one fragment, by transformers' own means."""

    def __init__(self, network: Any, fragments: Fragments, row: int) -> None:
        ids = torch.from_numpy(fragments.tokens[row, : fragments.lengths[row]].astype(np.int64))[None]
        body = network.base_model
        norm = body.ln_f if hasattr(body, "ln_f") else body.norm
        last: list[Any] = []
        hook = norm.register_forward_pre_hook(lambda _module, args: last.append(args[0]))
        out = network(
            input_ids=ids, use_cache=False, output_hidden_states=True, output_attentions=True, labels=ids
        )
        hook.remove()
        self.loss = out.loss  # mean over the predicted tokens
        states = [*out.hidden_states[:-1], last[0], out.hidden_states[-1]]
        self.hidden = [s[0].detach().double().numpy() for s in states]
        self.maps = [a[0].detach().double().numpy() for a in out.attentions]


def cka(x: np.ndarray, y: np.ndarray) -> float:
    x, y = x - x.mean(0), y - y.mean(0)
    return float(np.linalg.norm(y.T @ x) ** 2 / np.linalg.norm(x.T @ x) / np.linalg.norm(y.T @ y))


def moved(before: Naive, after: Naive) -> dict[tuple[str, str], float]:
    found = {}
    for layer, x, y in zip(["embed", "0", "1", "final"], before.hidden, after.hidden, strict=True):
        cosine = (x * y).sum(1) / np.linalg.norm(x, axis=1) / np.linalg.norm(y, axis=1)
        found["drift", layer] = 1 - float(cosine.mean())
        found["cka drift", layer] = 1 - cka(x, y)
    for layer, p, q in zip(["0", "1"], before.maps, after.maps, strict=True):
        found["attention change", layer] = float((jensenshannon(p, q, axis=-1) ** 2)[:, 1:].mean())
    return found


def naively(model: LanguageModel, row: int) -> dict[tuple[str, str | None], float]:
    network = copy.deepcopy(model.network)
    network.set_attn_implementation("eager")
    before = Naive(network, FRAGMENTS, row)
    references = [Naive(network, REFERENCE, each) for each in range(len(REFERENCE))]
    mean = torch.stack([each.loss for each in references]).mean()
    pull = torch.autograd.grad(mean, list(network.parameters()))
    own = torch.autograd.grad(before.loss, list(network.parameters()))
    with torch.no_grad():
        for parameter, g in zip(network.parameters(), own, strict=True):
            parameter.sub_(SIZE * g)
    after = Naive(network, FRAGMENTS, row)
    references_after = [Naive(network, REFERENCE, each) for each in range(len(REFERENCE))]
    mean_after = torch.stack([each.loss for each in references_after]).mean()
    found: dict[tuple[str, str | None], float] = {
        ("self-influence", None): (before.loss - after.loss).item(),
        ("transfer", None): (mean - mean_after).item(),
        ("self-influence first order", None): SIZE * float(sum((g.double() ** 2).sum() for g in own)),
        ("transfer first order", None): SIZE
        * float(sum((g.double() * r.double()).sum() for g, r in zip(own, pull, strict=True))),
        ("diverged", None): 0.0,
    }
    found |= moved(before, after)
    each = [moved(b, a) for b, a in zip(references, references_after, strict=True)]
    found |= {(f"reference {m}", la): float(np.mean([e[m, la] for e in each])) for m, la in each[0]}
    return found


def test_step_is_a_naive_loop_over_deep_copies(model: LanguageModel) -> None:
    found = measured(model, StepProbe(REFERENCE, SIZE), [3, 0, 2])
    for at, row in enumerate([3, 0, 2]):
        truth = naively(model, row)
        assert found.keys() == truth.keys()
        for key, value in truth.items():
            assert found[key][at] == pytest.approx(value, rel=2e-3, abs=2e-6), key


def test_results_do_not_depend_on_batch_or_company(model: LanguageModel) -> None:
    probe = StepProbe(REFERENCE, SIZE, retention=RetentionProbe(REFERENCE, SIZE))
    whole = measured(model, probe, [0, 1, 2, 3], batch=1000)
    for row in (1, 3):
        alone = measured(model, probe, [row], batch=1)
        for key, values in whole.items():
            np.testing.assert_allclose(alone[key][0], values[row], rtol=1e-3, atol=1e-6, err_msg=str(key))


def test_few_queries_are_a_subset(small: LanguageModel) -> None:
    layer = ("attention change", "1")
    every, last = (measured(small, StepProbe(REFERENCE, SIZE, queries=q), [2])[layer] for q in (64, 1))
    assert every == pytest.approx(last)  # a fragment of two tokens has one position to compare
    none = measured(small, StepProbe(REFERENCE, SIZE, queries=0), [2])
    assert layer not in none
    assert ("drift", "1") in none


def state(model: LanguageModel) -> dict[str, Any]:
    return {name: value.clone() for name, value in model.network.state_dict().items()}


def assert_same(model: LanguageModel, before: dict[str, Any]) -> None:
    for name, value in model.network.state_dict().items():
        assert torch.equal(value, before[name]), name


def test_the_model_is_given_back_bit_for_bit(model: LanguageModel) -> None:
    before, how = state(model), model.network.config._attn_implementation
    assert how != "eager"
    threads = torch.get_num_threads()
    measured(model, StepProbe(REFERENCE, 0.7, retention=RetentionProbe(REFERENCE, 0.7)), [0, 1])
    assert_same(model, before)
    assert model.network.config._attn_implementation == how
    assert torch.get_num_threads() == threads
    assert all(p.grad is None for p in model.network.parameters())
    assert not any(m._forward_hooks or m._forward_pre_hooks for m in model.network.modules())


def test_the_model_is_given_back_after_an_interrupt(small: LanguageModel) -> None:
    before, how = state(small), small.network.config._attn_implementation
    calls = 0
    moved = []

    def interrupt(*_args: object) -> None:
        nonlocal calls
        calls += 1
        if calls == 5:  # reference twice, own, own after the step, reference after the step
            moved.append(any(not torch.equal(v, before[n]) for n, v in small.network.state_dict().items()))
            raise KeyboardInterrupt

    hook = small.network.register_forward_pre_hook(interrupt)
    try:
        with pytest.raises(KeyboardInterrupt):
            measured(small, StepProbe(drawn(5, [4]), SIZE), [0])
    finally:
        hook.remove()
    assert moved == [True]  # it came while the model was off
    assert_same(small, before)
    assert small.network.config._attn_implementation == how


def test_a_step_that_diverges_is_a_row_of_nan_and_counted(small: LanguageModel) -> None:
    before = state(small)
    found = measured(small, StepProbe(REFERENCE, 1e38, retention=RetentionProbe(REFERENCE, 1e38)), [0, 1])
    assert found.pop(("diverged", None)).tolist() == [1.0, 1.0]
    assert len(found) > 20
    assert all(np.isnan(values).all() for values in found.values())
    assert_same(small, before)


def test_a_model_that_is_broken_before_the_step_is_refused(small: LanguageModel) -> None:
    broken = opened(copy.deepcopy(small.network))
    with torch.no_grad():
        broken.network.transformer.ln_f.weight[0] = float("nan")
    for probe in (StepProbe(REFERENCE, SIZE), RetentionProbe(REFERENCE, SIZE)):
        with pytest.raises(DataError, match="the loss of the model test is not finite"):
            measured(broken, probe, [0])


def test_half_precision_steps_in_float32(small: LanguageModel) -> None:
    assert in_float32(small) is small
    half = opened(copy.deepcopy(small.network).bfloat16())
    single = in_float32(half)
    assert (single.name, single.context) == (half.name, half.context)
    assert single.fingerprint != half.fingerprint
    for (name, p), q in zip(single.network.named_parameters(), half.network.parameters(), strict=True):
        assert p.dtype == torch.float32, name
        assert q.dtype == torch.bfloat16, name
        assert torch.equal(p, q.float()), name
    found = measured(single, StepProbe(REFERENCE, 1e-4, queries=0), [0])
    np.testing.assert_allclose(
        found["self-influence", None], found["self-influence first order", None], rtol=0.1
    )


def test_dot_products_of_half_precision_are_wide() -> None:
    ones = torch.ones(5000)
    assert dot([ones.bfloat16()], [ones.bfloat16()]) == 5000  # 4992 in bfloat16
    assert dot([ones.half() * 300], [ones.half() * 300]) == 5000 * 90_000  # infinite in float16
    many = torch.full((3_000_000,), 1 + 2**-20, dtype=torch.float64)
    assert dot([many], [many]) == pytest.approx(3e6 * (1 + 2**-20) ** 2, rel=1e-13)


def test_a_network_that_cannot_show_its_attention_says_so(small: LanguageModel) -> None:
    how = small.network.config._attn_implementation
    assert shows_attention(small.network)
    assert small.network.config._attn_implementation == how
    config = transformers.FalconConfig(
        vocab_size=VOCABULARY, hidden_size=16, num_hidden_layers=2, num_attention_heads=2,
        bos_token_id=None, eos_token_id=None,
    )  # fmt: skip
    falcon = transformers.FalconForCausalLM(config)
    how = falcon.config._attn_implementation
    assert not shows_attention(falcon)
    assert falcon.config._attn_implementation == how


def test_the_last_norm_of_opt_is_found() -> None:
    """It goes round its base model's forward."""
    config = transformers.OPTConfig(
        vocab_size=VOCABULARY, hidden_size=16, ffn_dim=24, num_hidden_layers=2, num_attention_heads=2,
        max_position_embeddings=CONTEXT, word_embed_proj_dim=16, bos_token_id=None, eos_token_id=None,
    )  # fmt: skip
    network = transformers.OPTForCausalLM(config).eval()
    found: dict[str, Any] = {}
    normed: list[Any] = []
    hook = network.model.decoder.final_layer_norm.register_forward_hook(
        lambda _module, _args, output: normed.append(output)
    )
    with torch.no_grad(), hooked(network, found.__setitem__):
        network(input_ids=torch.tensor([[3, 4, 5]]))
    hook.remove()
    assert list(found) == ["embed", "0", "1", "final"]
    torch.testing.assert_close(found["final"], normed[0])


def test_frozen_parameters_stay(small: LanguageModel) -> None:
    partly = opened(copy.deepcopy(small.network))
    for name, parameter in partly.network.named_parameters():
        parameter.requires_grad_("ln_f" in name)
    found = measured(partly, StepProbe(REFERENCE, SIZE), [0])
    assert found["drift", "1"][0] == 0
    assert found["drift", "final"][0] > 0
    partly.network.requires_grad_(False)
    with pytest.raises(PlanError, match="no parameter"):
        measured(partly, StepProbe(REFERENCE, SIZE), [0])


def test_small_steps_do_what_first_order_says(small: LanguageModel) -> None:
    model = opened(copy.deepcopy(small.network).double())  # differences of 1e-6 nats need doubles
    found = measured(model, StepProbe(REFERENCE, 1e-4, queries=0), [0, 1, 2, 3])
    for measure in ("self-influence", "transfer"):
        np.testing.assert_allclose(
            found[measure, None], found[f"{measure} first order", None], rtol=0.05, atol=2e-7
        )


class Bigrams(torch.nn.Module):
    """Logits of the next token are the row of the last one: every loss has a closed form."""

    def __init__(self) -> None:
        super().__init__()
        rows = np.random.default_rng(0).normal(size=(VOCABULARY, VOCABULARY))
        self.table = torch.nn.Parameter(torch.from_numpy(rows.astype(np.float32)))

    def forward(self, input_ids: Any, **_others: Any) -> Any:
        return SimpleNamespace(logits=self.table[input_ids])


def test_a_step_on_bigrams_is_the_closed_form() -> None:

    from negspace.language_models import take

    network = Bigrams()
    batch = take(fragments_of([[3, 5], [3, 7], [4, 5]]), [0, 1, 2])
    row = network.table[3].detach().double().numpy()
    p = np.exp(row) / np.exp(row).sum()
    after = row - 0.5 * (p - np.eye(VOCABULARY)[5])
    truth = [np.log(np.exp(after).sum()) - after[token] for token in (5, 7)]
    with kept_parameters(network) as parameters:
        before = mean_losses(network, batch)
        parameters.step(gradient(before[0], parameters.tensors), 0.5)
        losses = mean_losses(network, batch).detach().numpy()
    np.testing.assert_allclose(losses[:2], truth, rtol=1e-5)
    assert losses[2] == pytest.approx(before[2].item())  # what follows 4 was not touched


def test_step_size_lets_the_median_fragment_fall_by_a_tenth() -> None:
    assert choose_step_size(np.array([4.0, 2.0, np.nan, 50.0])) == pytest.approx(0.1 / 4)
    assert choose_step_size(np.array([4.0]), fall=0.2) == pytest.approx(0.05)
    for none in ([0.0, 0.0], [np.nan], []):
        with pytest.raises(PlanError, match="no step size"):
            choose_step_size(np.array(none))


def test_bad_settings_are_refused() -> None:
    with pytest.raises(PlanError, match="size above 0"):
        StepProbe(REFERENCE, 0.0)
    with pytest.raises(PlanError, match="one step size"):
        StepProbe(REFERENCE, 0.1, retention=RetentionProbe(REFERENCE, 0.2))


def test_agreement_is_correlation_over_what_both_have() -> None:
    x = np.array([1.0, 2.0, 3.0, 4.0, np.nan, 6.0])
    y = np.array([1.0, 4.0, 9.0, 16.0, 1.0, np.nan])
    found = first_order_agreement(x, y)
    assert found.n == 4
    assert found.spearman == pytest.approx(1)
    assert found.pearson == pytest.approx(np.corrcoef(x[:4], y[:4])[0, 1])
    assert np.isnan(first_order_agreement(x[:2], y[:2]).spearman)
    assert np.isnan(first_order_agreement(np.ones(5), np.arange(5.0)).pearson)
