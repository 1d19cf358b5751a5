"""Minimal pairs as a task, and what models say of them: against brute force and closed forms."""

from __future__ import annotations

import math
from collections import Counter
from typing import Any

import numpy as np
import pytest

from negspace.audits import (
    CompetitorProbability,
    Margin,
    PairScores,
    Pressure,
    as_values,
    encoder,
    read_scores,
    score_pairs,
)
from negspace.data import read_minimal_pairs
from negspace.errors import DataError
from negspace.evaluation import (
    EASY,
    EASY_PER_TOKEN,
    NEAR_MISS,
    NEAR_MISS_PER_TOKEN,
    PAIRS,
    PairTask,
    build_pair_task,
    of_paradigm,
    shuffled_words,
)
from negspace.metrics import Accuracy
from negspace.records import Run

torch = pytest.importorskip("torch", reason="language models need PyTorch")
transformers = pytest.importorskip("transformers", reason="language models need transformers")

WORDS = ("<s>", "a", "b", "c", "d", "e", "f", "g")


class Words:
    """A tokenizer of whole words, as far as it is asked; it has no token for padding."""

    bos_token_id: int | None = 0
    eos_token_id: int | None = None

    def __call__(self, texts: list[str], *, add_special_tokens: bool, **_: object) -> dict[str, Any]:
        assert not add_special_tokens
        return {"input_ids": [[WORDS.index(word) for word in text.split()] for text in texts]}


def pairs_of(*pairs: tuple[str, str], kinds: str = "") -> Any:
    return read_minimal_pairs(
        [
            {"sentence_good": good, "sentence_bad": bad, "UID": kinds[i] if kinds else "k"}
            for i, (good, bad) in enumerate(pairs)
        ]
    )


def task_of(*pairs: tuple[str, str], kinds: str = "", context: int = 16, seed: int = 0) -> PairTask:
    return build_pair_task(pairs_of(*pairs, kinds=kinds), encoder(Words()), context=context, seed=seed)


@pytest.fixture(scope="module")
def network() -> Any:
    """A GPT-2 of random weights, large enough that its answers differ."""
    torch.manual_seed(0)
    config = transformers.GPT2Config(
        vocab_size=len(WORDS), n_positions=16, n_embd=16, n_layer=2, n_head=2, initializer_range=0.5
    )
    return transformers.GPT2LMHeadModel(config).eval()


SENTENCES = (
    ("a b c d", "a b d d"),  # parts in the middle
    ("b a", "c a"),  # at the first word
    ("a b c d e f", "a b c d e g g"),  # sentences of unequal length
    ("f", "g"),  # a single word: nothing to shuffle
    ("c d", "c d e"),  # one ends before they part
    ("a b c d", "a b c e"),  # the first sentence once more
)


# Shuffled words.


def test_shuffled_words_are_the_same_words_in_another_order() -> None:
    for seed in range(50):
        good, bad = "a b c b", "b a c b"
        order = shuffled_words(good, bad, seed=seed)
        assert order is not None
        assert Counter(order.split()) == Counter(good.split())
        assert order not in (good, bad)
    orders = Counter(shuffled_words("a b c", "c b a", seed=seed) for seed in range(2000))
    assert set(orders) == {"a c b", "b a c", "b c a", "c a b"}
    assert all(abs(count - 500) < 5 * math.sqrt(2000 * 0.25 * 0.75) for count in orders.values())


@pytest.mark.parametrize(("good", "bad"), [("a", "b"), ("a a a", "b"), ("a b", "b a"), (" a  ", "b")])
def test_words_without_another_order_are_not_shuffled(good: str, bad: str) -> None:
    assert shuffled_words(good, bad, seed=0) is None


def test_a_pair_is_shuffled_alike_whatever_stands_beside_it() -> None:
    alone, among = task_of(SENTENCES[2]), task_of(*SENTENCES)
    assert alone.shuffled[0] == among.shuffled[list(among.twin_of).index(2)]
    assert task_of(SENTENCES[2], seed=1).shuffled != alone.shuffled


# The task.


def test_pairs_that_cannot_be_shuffled_have_no_easy_choice() -> None:
    task = task_of(*SENTENCES, kinds="xxyyzz")
    assert task.twin_of.tolist() == [0, 1, 2, 4, 5]
    assert {name: len(task.eval_sets[name]) for name in (NEAR_MISS, EASY, PAIRS)} == {
        NEAR_MISS: 6,
        EASY: 5,
        PAIRS: 5,
    }
    assert len(task.eval_sets[of_paradigm(EASY, "y")]) == 1
    assert task.eval_sets[of_paradigm(NEAR_MISS, "y")].rows.tolist() == [2, 3]
    pairs = task.eval_sets[PAIRS]
    assert pairs.partner is not None
    assert pairs.partner.tolist() == task.eval_sets[EASY].rows.tolist()


def test_a_pair_and_its_twin_are_one_cluster_and_so_are_pairs_of_one_good_sentence() -> None:
    task = task_of(*SENTENCES)
    near = task.held_out_clusters[task.eval_sets[NEAR_MISS].rows]
    easy = task.held_out_clusters[task.eval_sets[EASY].rows]
    assert easy.tolist() == near[task.twin_of].tolist()
    assert near[0] == near[5]
    assert len(set(near.tolist())) == 5


def test_the_parting_is_the_first_token_that_differs() -> None:
    # Token 0 is the begin of the text.
    assert task_of(*SENTENCES).parting.tolist() == [3, 1, 6, 1, 0, 4]


def test_pairs_longer_than_the_context_are_left_out() -> None:
    task = task_of(*SENTENCES, context=5)
    assert task.too_long == 1
    assert task.pairs.good == ("a b c d", "b a", "f", "c d", "a b c d")
    with pytest.raises(
        DataError, match=r"row 1.*longer than the model reads[\s\S]*8 tokens; the model reads 3"
    ):
        task_of(SENTENCES[2], context=3)


def test_the_fingerprint_follows_the_content() -> None:
    same, other = task_of(*SENTENCES[:2]), task_of(SENTENCES[0], ("b a", "d a"))
    assert same.fingerprint == task_of(*SENTENCES[:2]).fingerprint
    prints = {
        t.fingerprint for t in (same, other, task_of(*SENTENCES[:2], kinds="xy"), task_of(SENTENCES[0]))
    }
    assert len(prints) == 4


# Encoding.


@pytest.mark.parametrize(("bos", "eos", "start"), [(3, 4, 3), (None, 4, 4), (0, None, 0)])
def test_a_sentence_begins_with_the_token_for_the_begin_of_a_text(
    bos: int | None, eos: int | None, start: int
) -> None:
    tokenizer = Words()
    tokenizer.bos_token_id, tokenizer.eos_token_id = bos, eos
    assert encoder(tokenizer)(["a b", "c"]) == [[start, 1, 2], [start, 3]]
    assert encoder(tokenizer)([]) == []


def test_without_such_a_token_it_is_the_line_end() -> None:
    class Lines:
        bos_token_id = eos_token_id = None
        line_end: tuple[int, ...] = (7,)

        def __call__(self, texts: Any, **_: object) -> dict[str, Any]:
            return {"input_ids": list(self.line_end) if texts == "\n" else [[1] for _ in texts]}

    tokenizer = Lines()
    assert encoder(tokenizer)(["x"]) == [[7, 1]]
    tokenizer.line_end = ()
    with pytest.raises(DataError, match="bos_token"):
        encoder(tokenizer)


# Scores.


def brute_force(network: Any, text: str) -> list[Any]:
    """ln of the distribution over the next token before each word of a sentence, read alone and once."""
    ids = [0] + [WORDS.index(word) for word in text.split()]
    with torch.no_grad():
        logits = network(input_ids=torch.tensor([ids])).logits[0].double()
    return [torch.log_softmax(row, -1).numpy() for row in logits[:-1]]


def log_probability(network: Any, text: str) -> float:
    rows = brute_force(network, text)
    return sum(float(row[WORDS.index(word)]) for row, word in zip(rows, text.split(), strict=True))


def test_scores_are_those_of_sentences_read_one_at_a_time(network: Any) -> None:
    task = task_of(*SENTENCES)
    scores = score_pairs(network, task, name="x")
    expected = [log_probability(network, text) for text in task.fragments.texts]
    np.testing.assert_allclose(scores.sentences, expected, rtol=1e-5, atol=1e-5)
    for pair, (good, bad) in enumerate(SENTENCES):
        at = task.parting[pair] - 1
        if at < 0:
            assert np.isnan([scores.good_token[pair], scores.bad_token[pair], scores.rank[pair]]).all()
            continue
        row = brute_force(network, good)[at]
        of_good, of_bad = (row[WORDS.index(text.split()[at])] for text in (good, bad))
        assert scores.good_token[pair] == pytest.approx(of_good, abs=1e-5)
        assert scores.bad_token[pair] == pytest.approx(of_bad, abs=1e-5)
        assert scores.rank[pair] == 1 + np.sum(row > of_good + 1e-6)


def test_scores_do_not_depend_on_what_is_read_together(network: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    task = task_of(*SENTENCES)
    together = score_pairs(network, task, name="x")
    monkeypatch.setattr("negspace.audits.language.pair_scoring._TOKENS_AT_ONCE", 1)
    alone = score_pairs(network, task, name="x")
    for name in ("sentences", "good_token", "bad_token", "rank"):
        np.testing.assert_allclose(getattr(alone, name), getattr(together, name), rtol=1e-5)


def test_scores_that_are_no_numbers_are_refused(network: Any) -> None:
    class Broken:
        get_input_embeddings = staticmethod(network.get_input_embeddings)

        def __call__(self, **inputs: Any) -> Any:
            found = network(**inputs)
            found.logits[:] = torch.nan
            return found

    with pytest.raises(DataError, match=r"row 1.*not finite[\s\S]*from x"):
        score_pairs(Broken(), task_of(SENTENCES[0]), name="x")


# Predictions.


def scores_of(task: PairTask, sentences: list[float], good: Any = None, bad: Any = None) -> PairScores:
    count = len(task.pairs)
    unknown = np.full(count, np.nan)
    return PairScores(
        np.array(sentences, dtype=float),
        unknown if good is None else np.array(good, dtype=float),
        unknown if bad is None else np.array(bad, dtype=float),
        np.arange(1.0, count + 1),
    )


def test_a_run_keeps_scores_exactly_even_where_probabilities_vanish() -> None:
    task = task_of(("a b c", "a b d"), ("a b", "a c"))
    scores = scores_of(task, [-900.0, -3.0, -12.5, -1400.0, -1e-9, -400.0], [-1e-12, -700.0], [-30.0, -0.5])
    back = read_scores(as_values(scores, task), task)
    for name in ("sentences", "good_token", "bad_token", "rank"):
        np.testing.assert_allclose(getattr(back, name), getattr(scores, name), rtol=1e-12, atol=1e-15)


def test_the_good_sentence_is_preferred_where_it_is_the_more_probable_one_and_a_tie_is_wrong() -> None:
    task = task_of(("a b c", "a b d"), ("a b c", "a b d e"), ("b c", "b d"), kinds="xyz")
    # good, bad, shuffled; the second bad sentence has four tokens, so per token it is the better one.
    scores = scores_of(task, [-3.0, -6.0, -5.0, -4.0, -7.0, -5.0, -2.0, -9.0, -5.0])
    predictions = as_values(scores, task)
    run = Run("", 0, predictions)
    measured = {on: Accuracy(on)(run, task).value for on in (NEAR_MISS, EASY, NEAR_MISS_PER_TOKEN)}
    assert measured == {NEAR_MISS: 2 / 3, EASY: 1 / 3, NEAR_MISS_PER_TOKEN: 1 / 3}
    truth = predictions["truth"][task.eval_sets[NEAR_MISS].rows]
    np.testing.assert_allclose(truth, [1 / (1 + math.exp(-1)), 1 / (1 + math.exp(-1)), 0.5])
    per_token = predictions["truth"][task.eval_sets[EASY_PER_TOKEN].rows]
    np.testing.assert_allclose(per_token[1], 1 / (1 + math.exp(-(-2.0 + 3.0))))


def test_margin_and_pressure_are_means_over_the_pairs_that_have_them() -> None:
    task = task_of(("a b c", "a b d"), ("b c", "b c d"), ("a c", "a d"), kinds="xxy")
    scores = scores_of(
        task,
        [-3.0, -6.0, -5.0, -4.0, -7.5, -4.0, -1.0, -1.0, -1.0],
        [math.log(0.25), math.nan, math.log(0.5)],
        [math.log(0.125), math.nan, math.log(0.75)],
    )
    run = Run("", 0, as_values(scores, task))
    x, y = (of_paradigm(NEAR_MISS, name) for name in "xy")
    assert Margin(NEAR_MISS)(run, task).value == pytest.approx((1 + 1.5 - 1) / 3)
    assert Margin(x)(run, task).value == pytest.approx(1.25)
    assert Pressure(NEAR_MISS)(run, task).value == pytest.approx((0.75 + 0.5) / 2)
    assert Pressure(x)(run, task).value == pytest.approx(0.75)
    assert CompetitorProbability(y)(run, task).value == pytest.approx(0.75)
    assert len(Pressure(x)(run, task).influence) == 1
