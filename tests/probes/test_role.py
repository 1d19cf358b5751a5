from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("torch", reason="cross-fitted networks need the extra 'hf'")

from negspace.concepts.planted import PlantedRecipe, planted_corpus
from negspace.errors import PlanError
from negspace.language_models import LanguageModel
from negspace.probes.cross_fit import CrossFit, CrossFitSettings, cross_fit, divide
from negspace.probes.role import ROLE_NAMES, RULE, RoleProbe, sort_roles
from negspace.probes.role_quantities import (
    RoleQuantities,
    drawn_groups,
    quantities,
    role_quantities,
    settings_for,
)
from negspace.probes.role_rule import Condition, RoleRule, fit_rule
from negspace.probes.same_content import same_content
from negspace.records import Fragments

MICRO = CrossFitSettings(layers=1, width=16, heads=2, window=32, batch=200, steps=3)


def made_up(rng: np.random.Generator, each: int, offset: float = 0.0) -> tuple[RoleQuantities, np.ndarray]:
    """Quantities as the roles are described, with a noise role of three kinds."""
    kinds = {  # surprise, explained, memorised, confirmed
        0: [(-0.05 + offset, 0.7, 0.2, np.nan)],
        1: [(1.0, 0.6 + offset, 0.85, 0.97), (0.9, 0.6, 0.85, np.nan)],
        2: [(2.0, -0.1 + offset, 0.7, np.nan), (0.4, 0.6, 0.2, np.nan), (1.1, 0.6, 0.85, 0.6)],
    }
    rows = [
        (role, kind) for role, found in kinds.items() for i in range(each) for kind in [found[i % len(found)]]
    ]
    roles = np.array([role for role, _ in rows])
    values = np.array([kind for _, kind in rows]) + rng.normal(0, [0.05, 0.05, 0.04, 0.02], (len(rows), 4))
    filler = np.ones(len(rows))
    surprise, explained, memorised, confirmed = values.T
    return (
        RoleQuantities(
            np.arange(len(rows)),
            filler,
            filler,
            filler,
            surprise,
            filler,
            explained,
            memorised,
            filler,
            confirmed,
        ),
        roles,
    )


def test_division_gives_every_group_nothing_all_and_halves() -> None:
    clusters = np.repeat(np.arange(40), [1, 2, 3, 4] * 10)
    seen = divide(clusters, 6, np.random.default_rng(0))
    for cluster in range(40):
        shares = seen[:, clusters == cluster].mean(axis=1)
        size = (clusters == cluster).sum()
        assert (shares == 1).sum() >= 2 and (shares == 0).sum() >= 2
        halves = seen[:, clusters == cluster].sum(axis=0)
        assert np.all(halves == 3)  # all of two networks, and one of the two halves
        assert sorted(seen[:, clusters == cluster].sum(axis=1))[2:4] in (
            [size // 2, size - size // 2],
            [0, size],
        )
    assert np.all(np.abs(seen.mean(axis=1) - 0.5) < 0.25)


def test_same_content_finds_what_is_told_in_other_words_and_what_stands_twice() -> None:
    corpus = planted_corpus(PlantedRecipe(500, (0.5, 0.5, 0.0), repeats=(1, 4)), seed=0)
    fragments = corpus.fragments()
    found = same_content(fragments.tokens, fragments.lengths)
    together = corpus.clusters[:, None] == corpus.clusters
    said = found[:, None] == found
    off = ~np.eye(len(corpus), dtype=bool)
    assert (said & together & off).sum() / (together & off).sum() > 0.95
    assert (said & together & off).sum() / (said & off).sum() > 0.8
    rng = np.random.default_rng(0)
    tokens = rng.integers(0, 50, (60, 40)).astype(np.int32)
    tokens[7] = tokens[30]
    tokens[7, 20] = 51
    groups = same_content(tokens, np.full(60, 40))
    assert groups[7] == groups[30] and len(np.unique(groups)) == 59


def test_no_group_grows_beyond_ten() -> None:
    tokens = np.tile(np.random.default_rng(0).integers(0, 90, 40).astype(np.int32), (9, 1))
    assert len(np.unique(same_content(tokens, np.full(9, 40)))) == 1
    chain = np.stack([np.concatenate([np.full(20, i), np.full(20, i + 1)]) for i in range(40)]).astype(
        np.int32
    )
    assert np.bincount(same_content(chain, np.full(40, 40))).max() <= 10


def test_quantities_in_closed_form() -> None:
    """Two networks a condition, losses a number each: the shares are those of the numbers."""
    tokens = np.array([[0, 1, 2, 3], [0, 1, 2, 0], [4, 4, 5, 0]], dtype=np.int32)
    lengths = np.array([4, 3, 3])
    clusters = np.array([0, 0, 1])
    seen = np.array([[0, 0, 1], [0, 0, 0], [1, 1, 0], [1, 0, 1]], dtype=bool)
    told = np.array([[0, 0, 0], [0, 0, 0], [1, 1, 0], [0, 1, 0]], dtype=bool)
    scored = (np.arange(4) < lengths[:, None]) & (np.arange(4) > 0)
    clean, late = np.array([2.0, 3.0, 4.0]), np.array([0.5, 0.25, 1.0])
    losses = np.where(seen[:, :, None], late[:, None], clean[:, None]) * np.ones((4, 3, 4))
    losses[3, 1] = 1.2  # told, not seen
    losses = np.where(scored, losses, np.nan).astype(np.float32)
    entropies = np.where(scored, np.full((4, 3, 4), 1.6), np.nan).astype(np.float32)
    found = quantities(CrossFit(clusters, seen, told, losses, entropies), tokens, lengths)
    np.testing.assert_allclose(found.clean, clean)
    np.testing.assert_allclose(found.seen, late)
    np.testing.assert_allclose(found.told, [np.nan, 1.2, np.nan], rtol=1e-6)
    np.testing.assert_allclose(found.surprise, clean / 1.6 - 1, rtol=1e-6)
    np.testing.assert_allclose(found.sharp_surprise, clean - 1.6, rtol=1e-6)
    np.testing.assert_allclose(found.memorised, 1 - late / clean)
    np.testing.assert_allclose(found.retold, [np.nan, 1 - 1.2 / 3, np.nan], rtol=1e-6)
    # Tokens 1 and 2 of fragment 0 stand in fragment 1, token 3 does not; 1 says nothing that 0 does not say.
    np.testing.assert_allclose(found.confirmed, [2 / 3, 1.0, np.nan])
    # Fragment 2 is coded by the words of the other group: 1 and 2 twice each, 3 once, and half a count each.
    assert found.explained[2] == pytest.approx(1 - 4.0 / -np.log(0.5 / (5 + 6 * 0.5)))


def test_memorised_tokens_below_a_nat_confirm_nothing() -> None:
    tokens = np.array([[0, 1, 2], [0, 1, 2], [3, 4, 5]], dtype=np.int32)
    seen = np.array([[1, 1, 1], [0, 0, 0]], dtype=bool)
    losses = np.where(seen[:, :, None], 0.5, 1.0) * np.ones((2, 3, 3), dtype=np.float32)
    losses[:, :, 0] = np.nan
    fit = CrossFit(
        np.array([0, 0, 1]),
        seen,
        np.zeros((2, 3), dtype=bool),
        losses.astype(np.float32),
        losses.astype(np.float32),
    )
    assert np.isnan(quantities(fit, tokens, np.full(3, 3)).confirmed).all()


def test_a_rule_set_on_made_up_numbers_sorts_new_ones_and_shifted_ones() -> None:
    known, roles = made_up(np.random.default_rng(0), 60)
    rule = fit_rule(known, roles, sure=0.8)
    fresh, truth = made_up(np.random.default_rng(1), 60)
    assert (rule.probabilities(fresh).argmax(axis=1) == truth).mean() > 0.98
    shifted, truth = made_up(np.random.default_rng(2), 60, offset=0.05)
    assert (rule.probabilities(shifted).argmax(axis=1) == truth).mean() > 0.95
    assert rule.surprise.scale < 0 < min(rule.explained.scale, rule.memorised.scale, rule.confirmed.scale)


def test_probabilities_are_those_of_the_four_curves() -> None:
    rule = RoleRule(Condition(0.1, -0.1), Condition(0.3, 0.1), Condition(0.6, 0.1), Condition(0.8, 0.1), 0.5)
    one = np.ones(1)
    at = RoleQuantities(
        np.zeros(1, dtype=int), one, one, one, one * 0.1, one, one * 0.3, one * 0.6, one, one * np.nan
    )
    np.testing.assert_allclose(rule.probabilities(at), [[0.5, 0.125, 0.375]])


def test_each_quantity_moves_the_role_one_way_only() -> None:
    for name, role, sign in (
        ("surprise", 0, -1),
        ("explained", 1, 1),
        ("memorised", 1, 1),
        ("confirmed", 1, 1),
    ):
        steps = np.linspace(-1, 2, 50)
        base = dict.fromkeys(("surprise", "explained", "memorised", "confirmed"), np.full(50, 0.9)) | {
            name: steps
        }
        filler = np.ones(50)
        found = RULE.probabilities(
            RoleQuantities(
                np.arange(50), filler, filler, filler, base["surprise"], filler, base["explained"],
                base["memorised"], filler, base["confirmed"],
            )
        )  # fmt: skip
        assert np.all(sign * np.diff(found[:, role]) >= 0) and np.ptp(found[:, role]) > 0.5
        np.testing.assert_allclose(found.sum(axis=1), 1.0)


def test_roles_say_what_decided_and_leave_open_what_is_not_clear() -> None:
    measures, truth = made_up(np.random.default_rng(0), 30)
    measures.surprise[0] = np.nan
    measures.surprise[1] = RULE.surprise.at
    roles = sort_roles(measures)
    names = np.array(roles.names())
    assert names[0] == names[1] == "unsure" and "not looked at" in roles.reasons[0]
    sure = names != "unsure"
    assert (names[sure] == np.array(ROLE_NAMES)[truth[sure]]).mean() > 0.95
    assert sum(roles.counts().values()) == len(truth)
    for name, reason, row in zip(names[2:], roles.reasons[2:], range(2, len(truth)), strict=True):
        if name == "noise":
            wanted = {0: "no order", 1: "not even kept", 2: "its mates say otherwise"}[(row - 60) % 3]
            assert wanted in reason
        if name == "fact":
            assert "only to be had by seeing it" in reason
        if name == "structure":
            assert "predicted unseen" in reason


@pytest.fixture(scope="module")
def small() -> tuple[Fragments, CrossFit]:
    fragments = planted_corpus(PlantedRecipe(30, rules=("copying",), facts=("ship",)), seed=0).fragments()
    clusters = same_content(fragments.tokens, fragments.lengths)
    return fragments, cross_fit(fragments.tokens, fragments.lengths, clusters, MICRO, seed=0)


def test_cross_fit_scores_each_token_once_and_never_the_first(small: tuple[Fragments, CrossFit]) -> None:
    fragments, fit = small
    place = np.arange(fragments.tokens.shape[1])
    scored = (place > 0) & (place < fragments.lengths[:, None])
    assert np.array_equal(np.isfinite(fit.losses), np.broadcast_to(scored, fit.losses.shape))
    assert fragments.lengths.max() > MICRO.window  # some were read in parts
    assert (
        np.nanmin(fit.entropies) > 0 and np.nanmax(fit.entropies) <= np.log(fragments.tokens.max() + 1) + 1e-5
    )
    assert not (fit.clean() & (fit.seen | fit.told)).any() and fit.clean().any(axis=0).all()


def test_losses_are_those_of_the_network_read_by_hand(small: tuple[Fragments, CrossFit]) -> None:
    """A network's probabilities of a token sum to one, and depend on what stands before it alone."""
    import torch

    from negspace.probes.cross_net import CrossNet

    network = CrossNet(20, 16, 2, 2, 32, torch.Generator().manual_seed(0))
    ids = torch.randint(0, 20, (3, 12), generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        logits, cut = network(ids), network(ids[:, :7])
    torch.testing.assert_close(logits[:, :7], cut, rtol=1e-4, atol=1e-5)
    changed = ids.clone()
    changed[:, 3] = (changed[:, 3] + 1) % 20
    with torch.no_grad():
        other = network(changed)
    torch.testing.assert_close(other[:, :3], logits[:, :3], rtol=1e-4, atol=1e-5)
    assert (other[:, 3:] - logits[:, 3:]).abs().amax() > 1e-3


def test_cross_fit_depends_on_its_seed_alone(small: tuple[Fragments, CrossFit]) -> None:
    import torch

    fragments, fit = small
    torch.manual_seed(99)
    shares: list[float] = []
    again = cross_fit(
        fragments.tokens, fragments.lengths, fit.clusters, MICRO, seed=0, progress=shares.append
    )
    np.testing.assert_array_equal(again.losses, fit.losses)
    assert shares == pytest.approx(np.arange(1, 7) / 6)


def test_training_lowers_the_loss_of_what_was_seen() -> None:
    fragments = planted_corpus(PlantedRecipe(24, (0.0, 1.0, 0.0), facts=("ship",)), seed=1).fragments()
    longer = CrossFitSettings(layers=1, width=16, heads=2, window=64, batch=200, steps=40, learning_rate=2e-2)
    found = role_quantities(fragments, longer, seed=0)
    assert (found.seen < found.clean).mean() > 0.9


def test_a_large_vocabulary_costs_no_more_and_the_probe_hands_out_what_was_found() -> None:
    rng = np.random.default_rng(0)
    tokens = rng.integers(0, 50_000, (60, 60)).astype(np.int32)
    fragments = Fragments(("x",) * 60, tokens, np.full(60, 60), ("here",) * 60, "f")
    roles = sort_roles(role_quantities(fragments, MICRO, seed=0))
    probe = RoleProbe(roles)
    model = LanguageModel("none", None, None, "", 64)
    traces = {t.measure: t.values for t in probe.measure(model, fragments, [5, 2], batch=1).traces}
    assert traces["role"].tolist() == [roles.codes[5], roles.codes[2]]
    assert traces["surprise"].tolist() == [roles.quantities.surprise[5], roles.quantities.surprise[2]]
    total = sum(traces[f"probability of {role}"] for role in ROLE_NAMES[:3])
    np.testing.assert_allclose(total, 1.0)


def test_steps_grow_with_the_corpus_so_that_passes_stay() -> None:
    assert settings_for(10_000).steps == CrossFitSettings().steps
    # 16 passes over half of 200,000 tokens, 800 a step.
    assert settings_for(200_000).steps == 2000


def test_a_sample_keeps_groups_whole_and_its_bound_and_leaves_the_rest_unsure() -> None:
    clusters = np.repeat(np.arange(40), [1, 2, 3, 4] * 10)
    sizes = np.full(100, 7)
    rows = drawn_groups(clusters, sizes, 300, np.random.default_rng(0))
    inside = np.isin(np.arange(100), rows)
    assert 300 - 4 * 7 < sizes[rows].sum() <= 300
    assert all(len(set(inside[clusters == cluster])) == 1 for cluster in range(40))
    assert set(rows) != set(drawn_groups(clusters, sizes, 300, np.random.default_rng(1)))
    assert len(drawn_groups(clusters, sizes, 700, np.random.default_rng(0))) == 100

    tokens = np.random.default_rng(0).integers(0, 40, (30, 200)).astype(np.int32)
    tokens[7] = tokens[3]
    lengths = np.full(30, 200)
    lengths[5] = 20
    fragments = Fragments(("x",) * 30, tokens, lengths, ("here",) * 30, "f")
    found = role_quantities(fragments, MICRO, seed=0, most=1500)
    looked = np.isfinite(found.surprise)
    assert 0 < np.minimum(lengths, 128)[looked].sum() <= 1500 and len(found) == 30
    assert looked[3] == looked[7] and found.clusters[3] == found.clusters[7]
    assert all(np.isnan(values[~looked]).all() for values in found.measures().values())
    roles = sort_roles(found)
    assert set(roles.codes[~looked]) == {ROLE_NAMES.index("unsure")} and len(roles) == 30
    # What lies beyond the first 128 tokens is not read.
    cut = Fragments(fragments.texts, tokens[:, :128].copy(), np.minimum(lengths, 128), fragments.places, "f")
    np.testing.assert_array_equal(role_quantities(cut, MICRO, seed=0, most=1500).surprise, found.surprise)


def test_what_cannot_be_fitted_is_refused() -> None:
    with pytest.raises(PlanError, match="multiple of 3"):
        CrossFitSettings(networks=4)
    with pytest.raises(PlanError, match="even parts"):
        CrossFitSettings(width=20, heads=4)
    with pytest.raises(PlanError, match="all say the same"):
        cross_fit(np.zeros((3, 5), dtype=np.int32), np.full(3, 5), np.zeros(3, dtype=np.int64), MICRO, seed=0)
