from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np
import pytest

from negspace.errors import PlanError
from negspace.lab.planted import (
    KINDS,
    NOISES,
    ROLES,
    RULES,
    PlantedCorpus,
    PlantedRecipe,
    Record,
    planted_corpus,
)

Checks = Mapping[str, Callable[[Sequence[str]], bool]]
Reader = Callable[[str, Sequence[str]], Record | None]


@pytest.fixture(scope="module")
def corpus() -> PlantedCorpus:
    return planted_corpus(PlantedRecipe(fragments=450), seed=3)


def rows(corpus: PlantedCorpus, family: str) -> list[list[str]]:
    return [text.split() for text, name in zip(corpus.texts, corpus.families, strict=True) if name == family]


@pytest.mark.parametrize("rule", RULES)
def test_rule_fragments_pass_their_checker_and_contradictory_ones_do_not(
    corpus: PlantedCorpus, rule: str, checks: Checks
) -> None:
    kept, broken = rows(corpus, rule), rows(corpus, f"contradictory rule: {rule}")
    assert len(kept) > 15 and len(broken) > 3
    assert all(checks[rule](words) for words in kept)
    assert not any(checks[rule](words) for words in broken)


@pytest.mark.parametrize(
    ("rule", "text", "holds"),
    [
        ("agreement", "the king beside the nun said that he saw himself near his house .", True),
        ("agreement", "the king beside the nun said that she saw herself near her house .", False),
        ("copying", "say a b a again a b a ;", True),
        ("copying", "say a b a again a b b ;", False),
        ("counting", "count fig to 2 : fig 1 fig 2 stop", True),
        ("counting", "count fig to 3 : fig 1 fig 2 stop", False),
        ("arithmetic", "3 + 2 = 5 - 1 = 4 ;", True),
        ("arithmetic", "3 + 2 = 5 - 1 = 5 ;", False),
        ("brackets", "( [ ] ) < >", True),
        ("brackets", "( [ ) ]", False),
        ("syllogism", "all wugs are feps . all feps are toves . so all wugs are toves .", True),
        ("syllogism", "all wugs are feps . all feps are toves . so all feps are toves .", False),
        ("syllogism", "all wugs are feps . all daxes are toves . so all wugs are toves .", False),
    ],
)
def test_checkers_on_sentences_written_by_hand(rule: str, text: str, holds: bool, checks: Checks) -> None:
    assert checks[rule](text.split()) is holds


def test_one_wrong_word_breaks_a_rule_fragment(corpus: PlantedCorpus, checks: Checks) -> None:
    for words in rows(corpus, "arithmetic"):
        at = words.index("=") + 1
        words[at] = str((int(words[at]) + 1) % 10)
        assert not checks["arithmetic"](words)


@pytest.mark.parametrize("kind", KINDS)
def test_fragments_of_one_fact_state_one_record_in_other_words(
    corpus: PlantedCorpus, kind: str, read_record: Reader
) -> None:
    stated: dict[int, list[tuple[str, object]]] = {}
    for text, family, cluster in zip(corpus.texts, corpus.families, corpus.clusters, strict=True):
        if family == kind:
            stated.setdefault(int(cluster), []).append((text, read_record(kind, text.split())))
    assert all(found is not None for facts in stated.values() for _, found in facts)
    assert all(len({found for _, found in facts}) == 1 for facts in stated.values())
    keys = [facts[0][1].key for facts in stated.values()]  # type: ignore[attr-defined]
    assert len(set(keys)) == len(keys)
    times = [len(facts) for facts in stated.values()]
    assert min(times) >= 1 and 1 < max(times) <= 6
    worded = [len({text for text, _ in facts}) > 1 for facts in stated.values() if len(facts) > 2]
    assert np.mean(worded) > 0.9


def test_contradictory_facts_name_one_key_and_give_it_several_records(
    corpus: PlantedCorpus, read_record: Reader
) -> None:
    stated: dict[int, list[object]] = {}
    for text, family, cluster in zip(corpus.texts, corpus.families, corpus.clusters, strict=True):
        if family.startswith("contradictory fact: "):
            stated.setdefault(int(cluster), []).append(read_record(family.split(": ")[1], text.split()))
    assert stated and all(len(records) >= 2 for records in stated.values())
    for records in stated.values():
        assert len({record.key for record in records}) == 1  # type: ignore[attr-defined]
    assert np.mean([len(set(records)) == len(records) for records in stated.values()]) > 0.95


def test_noise_in_disorder_follows_no_rule_and_states_no_record(
    corpus: PlantedCorpus, read_record: Reader
) -> None:
    for family in ("shuffled", "random"):
        for words in rows(corpus, family):
            assert not any(read_record(kind, words) for kind in KINDS)


@pytest.mark.parametrize("shares", [(1.0, 0.0, 0.0), (0.5, 0.3, 0.2), (0.0, 1.0, 3.0)])
def test_shares_are_those_asked_for(shares: tuple[float, float, float]) -> None:
    corpus = planted_corpus(PlantedRecipe(fragments=400, shares=shares), seed=0)
    found = np.bincount(corpus.roles, minlength=len(ROLES))
    # The last fact of each kind may be stated a few times more than was asked for.
    assert np.all(np.abs(found - 400 * np.array(shares) / sum(shares)) <= 6)


def test_only_the_families_asked_for() -> None:
    recipe = PlantedRecipe(300, rules=("copying",), facts=("ship",), noises=("contradictory rule", "random"))
    corpus = planted_corpus(recipe, seed=1)
    assert set(corpus.families) == {"copying", "ship", "contradictory rule: copying", "random"}
    words = {word for family in ("copying", "ship") for row in rows(corpus, family) for word in row}
    assert {word for row in rows(corpus, "random") for word in row} - words <= set(
        " ".join((*KINDS["ship"].syllables[0], *KINDS["ship"].syllables[1])).split()
    ) | {value for values in KINDS["ship"].values for value in values}


def test_fragments_are_of_a_page_and_give_the_words_back(corpus: PlantedCorpus) -> None:
    fragments = corpus.fragments()
    assert fragments.lengths.min() >= 20 and fragments.lengths.max() <= 72
    for row, length, text in zip(fragments.tokens, fragments.lengths, corpus.texts, strict=True):
        assert " ".join(corpus.words[i] for i in row[:length]) == text
        assert not row[length:].any()


def test_depth_is_the_deepest_instance() -> None:
    corpus = planted_corpus(PlantedRecipe(60, (1.0, 0.0, 0.0), rules=("brackets",)), seed=0)
    for text, depth in zip(corpus.texts, corpus.depth, strict=True):
        level = deepest = 0
        for word in text.split():
            level += 1 if word in "([{<" else -1
            deepest = max(deepest, level)
        assert deepest == depth


def test_the_seed_decides_and_nothing_else_does(corpus: PlantedCorpus) -> None:
    np.random.seed(11)  # noqa: NPY002  (the global generator must not matter)
    again = planted_corpus(PlantedRecipe(fragments=450), seed=3)
    assert again.texts == corpus.texts and again.fragments().fingerprint == corpus.fragments().fingerprint
    assert planted_corpus(PlantedRecipe(fragments=450), seed=4).texts != corpus.texts


def test_what_cannot_be_made_is_refused() -> None:
    with pytest.raises(PlanError, match="no rule family 'copyng'"):
        PlantedRecipe(rules=("copyng",))
    with pytest.raises(PlanError, match="no noise family"):
        PlantedRecipe(noises=(*NOISES, "hiss"))
    with pytest.raises(PlanError, match="more facts of the family 'ship' than it has keys"):
        planted_corpus(PlantedRecipe(900, (0.0, 1.0, 0.0), facts=("ship",), repeats=(1, 1)), seed=0)
    with pytest.raises(PlanError, match="names no family"):
        planted_corpus(replace(PlantedRecipe(), facts=()), seed=0)
    with pytest.raises(PlanError, match="not all 0"):
        PlantedRecipe(shares=(0.0, 0.0, 0.0))
