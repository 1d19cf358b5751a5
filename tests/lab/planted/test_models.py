"""What claims about language models stand on, against checkers, brute force and single passes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pytest
from scipy.stats import kendalltau, spearmanr

from negspace.errors import PlanError
from negspace.lab.claims import CLAIMS, Scale
from negspace.lab.planted import (
    CLASSES,
    QUANTITIES,
    RULES,
    AnswerArm,
    AnswerLearner,
    PairsInOrder,
    PlantedRecipe,
    PlantedTraining,
    TraceArm,
    TraceLearner,
    TraceTask,
    answer_task,
    answers_of,
    planted_corpus,
    read_words,
    rule_words,
    trace_task,
    vocabulary,
)
from negspace.language_models import TinySettings, take
from negspace.records import Measurement, Run

DEPTHS = {"brackets": (2, 3, 4), "arithmetic": (1, 2, 3, 4)}
WORDS = 24
Checks = Mapping[str, Callable[[Sequence[str]], bool]]

SMALL = PlantedTraining(
    steps=3,
    recipe=PlantedRecipe(fragments=60),
    settings=TinySettings(layers=2, width=16, heads=2, context=96, batch=200, learning_rate=1e-2),
)


def traces(families: Sequence[str] = ("brackets", "arithmetic"), each: int = 6) -> TraceTask:
    rng = np.random.default_rng(3)
    kinds = [(family, DEPTHS[family][i % 3]) for family in families for i in range(each)]
    return trace_task(
        read_words([rule_words(rng, *kind, WORDS) for kind in kinds], vocabulary()),
        read_words([rule_words(rng, family, 2, WORDS) for family in families], vocabulary()),
        families=[family for family, _ in kinds],
        depth=np.array([levels for _, levels in kinds]),
        kinds=[family for family, _ in kinds],
        clusters=np.arange(len(kinds)),
        everything="all",
    )


def follows(checks: Checks, family: str, words: Sequence[str]) -> bool:
    try:
        return checks[family](words)
    except (ValueError, IndexError):  # it cannot even be read
        return False


@pytest.mark.parametrize("family", RULES)
def test_every_other_word_in_place_of_an_answer_breaks_the_rule(family: str, checks: Checks) -> None:
    corpus = planted_corpus(PlantedRecipe(fragments=8, shares=(1.0, 0.0, 0.0), rules=(family,)), 4)
    for text in corpus.texts:
        words = text.split()
        assert follows(checks, family, words)
        answers = answers_of(family, words)
        assert answers
        for at in answers:
            # What tells agreement from its breach reads the class of a pronoun, and not its case.
            like = {form for _, forms in CLASSES.values() if words[at] in forms for form in forms}
            for other in {words[i] for i in answers} - {words[at]} - like:
                assert not follows(checks, family, [*words[:at], other, *words[at + 1 :]])


def test_answers_are_told_to_the_task() -> None:
    task = answer_task(12, seed=0)
    for row, place, label in zip(task.held_out_clusters, task.places, task.held_out_labels, strict=True):
        assert task.label_names[label] == task.fragments.texts[row].split()[place]
    families = [task.eval_sets[family].rows for family in RULES]
    assert sorted(np.concatenate(families)) == list(task.eval_sets["rules"].rows)
    with pytest.raises(PlanError, match="rhyme"):
        answers_of("rhyme", ["a"])


def test_planted_text_is_read_word_by_word_at_every_seed() -> None:
    corpora = [PlantedTraining().corpus(0), SMALL.corpus(0), SMALL.corpus(9)]
    assert corpora[1].texts != corpora[2].texts
    for corpus in corpora:
        read = corpus.fragments(vocabulary())
        for text, tokens, length in zip(corpus.texts, read.tokens, read.lengths, strict=True):
            assert " ".join(vocabulary()[token] for token in tokens[:length]) == text


def measured(quantity: np.ndarray, outcome: np.ndarray, *, either_way: bool = False) -> Measurement:
    task = traces(each=len(quantity) // 2)
    run = Run("", 0, {"predictor_rank": quantity, "outcome_rank": outcome})
    return PairsInOrder("all", either_way)(run, task)


def test_pairs_in_order_are_kendalls_tau_and_ties_count_half() -> None:
    rng = np.random.default_rng(0)
    quantity, outcome = rng.random(12), rng.random(12)
    assert measured(quantity, outcome).value == pytest.approx((1 + kendalltau(quantity, outcome)[0]) / 2)
    tied, levels = rng.integers(0, 3, 12) / 3, rng.integers(0, 3, 12) / 3
    pairs = [(i, j) for i in range(12) for j in range(12) if levels[i] < levels[j]]
    agree = [1.0 if tied[i] < tied[j] else 0.5 if tied[i] == tied[j] else 0.0 for i, j in pairs]
    assert measured(tied, levels).value == pytest.approx(np.mean(agree))
    assert measured(-outcome, outcome).value == 0
    assert measured(-outcome, outcome, either_way=True).value == 1
    assert np.isnan(measured(quantity, np.ones(12)).value)
    assert np.isnan(measured(np.append(quantity[1:], np.nan), outcome).value)


@pytest.mark.parametrize("either_way", [False, True])
def test_the_influence_of_a_fragment_is_what_more_weight_on_it_does(either_way: bool) -> None:
    rng = np.random.default_rng(1)
    quantity, levels = rng.random(12), rng.integers(0, 3, 12) / 3
    quantity = quantity - 0.4 * levels  # more pairs out of order than in order

    def share(weights: np.ndarray) -> float:
        wanted = np.sign(levels[:, None] - levels)
        both = np.outer(weights, weights) * np.abs(wanted)
        agree = (wanted * np.sign(quantity[:, None] - quantity) + 1) / 2
        found = float((both * agree).sum() / both.sum())
        return 1 - found if either_way else found

    found = measured(quantity, levels, either_way=either_way)
    assert found.value == pytest.approx(share(np.ones(12)))
    assert (found.value > 0.5) == either_way
    for i in range(12):
        nudge = 1e-6 * (np.arange(12) == i)
        slope = (share(np.ones(12) + nudge) - share(np.ones(12) - nudge)) / 2e-6
        assert found.influence[i] == pytest.approx(slope, abs=1e-8)


@pytest.mark.parametrize(("family", "deep"), [(f, d) for f, depths in DEPTHS.items() for d in depths])
def test_a_fragment_of_a_depth_has_it_throughout_and_the_common_length(
    family: str, deep: int, checks: Checks
) -> None:
    words = rule_words(np.random.default_rng(deep), family, deep, WORDS)
    assert len(words) == 24
    if family == "brackets":
        levels = np.cumsum([1 if word in "([{<" else -1 for word in words])
        assert levels.max() == deep
        assert (levels == deep).sum() == (levels == 0).sum() == 24 / (2 * deep)
        assert checks[family](words)
    else:
        chains = " ".join(words).split(" ;")
        assert {chain.count("=") for chain in chains[:-1]} == {deep}


def test_what_cannot_be_asked_is_refused() -> None:
    with pytest.raises(PlanError, match="trains on"):
        PlantedTraining(("structures",))
    with pytest.raises(PlanError, match="did you mean 'drift'"):
        TraceArm("a", "drifts", "depth", SMALL)
    with pytest.raises(PlanError, match="itself"):
        TraceArm("a", "depth", "depth", SMALL)
    words = [["say", "a", "again", "a", ";"]] * 2
    unknown = np.full(2, -1)
    task = trace_task(
        read_words(words, vocabulary()),
        read_words(words, vocabulary()),
        families=["copying"] * 2,
        depth=unknown,
        kinds=["x"] * 2,
        clusters=np.arange(2),
    )
    with pytest.raises(PlanError, match="do not have"):
        TraceArm("a", "loss", "depth", SMALL).check(task)


def test_answers_are_predicted_as_by_one_pass_over_one_fragment() -> None:
    torch = pytest.importorskip("torch", reason="trains a language model")
    task = answer_task(7, seed=5)
    (run,) = AnswerLearner().runs(task, [(AnswerArm("small", SMALL), 3)], workers=1)
    network = SMALL.train(3).network
    for item in range(0, len(task.places), 9):
        row, place = int(task.held_out_clusters[item]), int(task.places[item])
        before = torch.from_numpy(task.fragments.tokens[row : row + 1, :place].astype(np.int64))
        with torch.inference_mode():
            said = torch.softmax(network(before).logits[0, -1].double(), -1).numpy()
        assert run.values["label"][item] == said.argmax()
        assert run.values["confidence"][item] == pytest.approx(said.max(), rel=1e-4)
        assert run.values["truth"][item] == pytest.approx(said[task.held_out_labels[item]], rel=1e-4)


def test_traces_are_those_of_steps_taken_by_hand() -> None:
    torch = pytest.importorskip("torch", reason="trains a language model")
    task = traces(each=4)
    arms = [TraceArm(name, name, "transfer", SMALL) for name in QUANTITIES if name != "transfer"]
    runs = {run.arm: run for run in TraceLearner().runs(task, [(arm, 3) for arm in arms], workers=1)}

    network = SMALL.train(3).network.double()
    parameters = list(network.parameters())

    def loss(fragments: object, row: int) -> torch.Tensor:
        ids = take(fragments, [row]).ids  # all of one length
        return torch.nn.functional.cross_entropy(network(ids).logits[0, :-1], ids[0, 1:])

    def on_reference() -> torch.Tensor:
        return torch.stack([loss(task.reference, row) for row in range(len(task.reference))]).mean()

    rows = range(len(task.fragments))
    steps = [torch.autograd.grad(loss(task.fragments, row), parameters) for row in rows]
    toward = torch.autograd.grad(on_reference(), parameters)
    norms = np.array([float(sum(part.square().sum() for part in step)) ** 0.5 for step in steps])
    size = 0.1 / float(np.median(norms**2))
    transfer = []
    with torch.no_grad():
        before = on_reference()
        for step in steps:
            torch._foreach_add_(parameters, step, alpha=-size)
            transfer.append(float(before - on_reference()))
            torch._foreach_add_(parameters, step, alpha=size)
        losses = np.array([float(loss(task.fragments, row)) for row in rows])
    by_hand = {
        "loss": losses,
        "gradient norm": norms,
        "first-order transfer": [
            float(sum((a * b).sum() for a, b in zip(step, toward, strict=True))) for step in steps
        ],
        "depth": task.depth,
    }
    for name, values in by_hand.items():
        assert spearmanr(runs[name].values["predictor_rank"], values)[0] == pytest.approx(1, abs=0.02)
    assert spearmanr(runs["loss"].values["outcome_rank"], transfer)[0] == pytest.approx(1, abs=0.02)
    beyond = runs["drift beyond loss"].values["predictor_rank"]
    assert abs(spearmanr(beyond[:4], losses[:4])[0]) < 0.5  # ranks of residuals, not residuals


def test_models_are_compared_at_equal_tokens() -> None:
    claim, (control,) = CLAIMS["structure"].plan(Scale()), CLAIMS["structure"].controls(Scale())
    structure, everything = (arm.training for arm in claim[0].study.arms)
    assert (structure.roles, everything.roles) == (("structure",), ("structure", "fact", "noise"))
    assert structure.steps == everything.steps
    assert structure.settings == everything.settings
    assert structure.recipe == everything.recipe
    assert [arm.training.steps for arm in control.study.arms] == [structure.steps, 3 * structure.steps]
