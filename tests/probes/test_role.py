from __future__ import annotations

import runpy
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="cross-fitted networks need the extra 'hf'")


from negspace.data import Fragments
from negspace.errors import PlanError
from negspace.lab.planted import PlantedRecipe, planted_corpus
from negspace.language_models import LanguageModel
from negspace.probes import (
    ORDERS,
    ROLE_NAMES,
    RULE,
    Condition,
    CrossFit,
    CrossFitSettings,
    RoleProbe,
    RoleQuantities,
    RoleRule,
    cross_fit,
    divide,
    drawn_groups,
    duplicate_groups,
    few_ids,
    ordered,
    quantities,
    read_words,
    role_quantities,
    settings_for,
    sort_roles,
)

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"
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
            np.full(len(rows), np.nan),
        ),
        roles,
    )


def no_orders(networks: int, fragments: int) -> np.ndarray:
    return np.full((networks, ORDERS, fragments), np.nan, dtype=np.float32)


def worded(tokens: np.ndarray, lengths: np.ndarray) -> Fragments:
    """Fragments whose words are numbers."""
    texts = tuple(" ".join(map(str, row[:length])) for row, length in zip(tokens, lengths, strict=True))
    return Fragments(texts, tokens.astype(np.int32), lengths, ("here",) * len(texts), "f")


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


def test_duplicate_groups_finds_what_is_told_in_other_words_and_what_stands_twice() -> None:
    corpus = planted_corpus(PlantedRecipe(500, (0.5, 0.5, 0.0), repeats=(1, 4)), seed=0)
    fragments = corpus.fragments()
    found = duplicate_groups(fragments.tokens, fragments.lengths)
    together = corpus.clusters[:, None] == corpus.clusters
    said = found[:, None] == found
    off = ~np.eye(len(corpus), dtype=bool)
    assert (said & together & off).sum() / (together & off).sum() > 0.95
    assert (said & together & off).sum() / (said & off).sum() > 0.8
    rng = np.random.default_rng(0)
    tokens = rng.integers(0, 50, (60, 40)).astype(np.int32)
    tokens[7] = tokens[30]
    tokens[7, 20] = 51
    groups = duplicate_groups(tokens, np.full(60, 40))
    assert groups[7] == groups[30] and len(np.unique(groups)) == 59


def test_no_group_grows_beyond_ten() -> None:
    tokens = np.tile(np.random.default_rng(0).integers(0, 90, 40).astype(np.int32), (9, 1))
    assert len(np.unique(duplicate_groups(tokens, np.full(9, 40)))) == 1
    chain = np.stack([np.concatenate([np.full(20, i), np.full(20, i + 1)]) for i in range(40)]).astype(
        np.int32
    )
    assert np.bincount(duplicate_groups(chain, np.full(40, 40))).max() <= 10


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
    found = quantities(CrossFit(clusters, seen, told, losses, entropies, no_orders(4, 3)), tokens, lengths)
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
        no_orders(2, 3),
    )
    assert np.isnan(quantities(fit, tokens, np.full(3, 3)).confirmed).all()


def test_order_is_measured_against_random_orders() -> None:
    """Gains drawn with a known mean and spread: standard deviations come out, whatever the length."""
    rng = np.random.default_rng(0)
    lengths = np.repeat([26, 101], 500)
    mean = np.tile([0.0, 0.5], 500)
    gained = mean + rng.normal(0, 1, (ORDERS, 1000)) / np.sqrt(lengths - 1)
    gained -= rng.normal(0, 1, 1000) / np.sqrt(lengths - 1)  # the fragment as it stands is a draw as well
    seen = np.array([[0], [0], [1]], dtype=bool).repeat(1000, axis=1)
    losses = np.ones((3, 1000, 3), dtype=np.float32)
    orders = np.stack([gained, gained, np.full_like(gained, np.nan)]).astype(np.float32)
    fit = CrossFit(np.arange(1000), seen, np.zeros((3, 1000), dtype=bool), losses, losses, orders)
    assert fit.overfitted().tolist() == [True, True, False]
    found = ordered(fit, lengths)
    for length in (26, 101):
        none, some = (found[(lengths == length) & (mean == m)] for m in (0.0, 0.5))
        assert abs(none.mean()) < 0.2 and 0.85 < none.std() < 1.15
        assert some.mean() == pytest.approx(0.5 * np.sqrt((length - 1) / 1.25), abs=0.3)
    # Where most networks learn without overfitting, fixed thresholds decide.
    orders[1] = np.nan
    few = CrossFit(fit.clusters, seen, fit.told, losses, losses, orders)
    assert np.isnan(ordered(few, lengths)).all()


@pytest.mark.slow
def test_words_in_no_order_are_known_without_a_threshold_set_on_them() -> None:
    """Passages of a chain of words, some with their words shuffled, and networks that overfit them."""
    rng = np.random.default_rng(0)
    follows = np.array([rng.permutation(40) for _ in range(2)])

    def chain(length: int) -> list[int]:
        row = [int(rng.integers(40))]
        while len(row) < length:
            row.append(int(follows[rng.integers(2), row[-1]]))
        return row

    rows = [chain(40) for _ in range(90)]
    rows += [list(rng.permutation(chain(40))) for _ in range(40)]
    kinds = np.repeat([0, 2], [90, 40])
    fragments = worded(np.array(rows), np.full(130, 40))
    hot = CrossFitSettings(layers=1, width=32, heads=2, window=64, batch=400, steps=480, learning_rate=2e-2)
    found = role_quantities(fragments, hot, seed=0)
    assert found.overfitted()
    assert np.abs(np.median(found.ordered[kinds == 2])) < 1.0
    assert np.median(found.ordered[kinds == 0]) > 5.0
    roles = sort_roles(found)
    assert (roles.codes[kinds == 2] == 2).mean() > 0.8 and (roles.codes[kinds == 0] != 2).mean() > 0.9


def test_roles_within_a_corpus_are_those_that_stand_out() -> None:
    rng = np.random.default_rng(0)
    count = 100
    kinds = np.repeat([0, 1, 2, 3], count)  # ordinary, memorised by its mates' help, disordered, contradicted
    clusters = np.where(np.isin(kinds, [1, 3]), 1000 + np.arange(400) // 5, np.arange(400))
    clusters = np.unique(clusters, return_inverse=True)[1]
    clean = 5 + rng.normal(0, 0.1, 400)
    memorised = np.where(np.isin(kinds, [1, 3]), 0.4, 0.1) + rng.normal(0, 0.02, 400)
    filler = np.ones(400)
    for stretch in (1.0, 0.3):  # networks that learn less: all differences shrink, no role changes
        kept = 1 - (1 - memorised) ** stretch
        measures = RoleQuantities(
            clusters, clean, clean * (1 - kept), filler, 0.2 + stretch * rng.normal(0, 0.02, 400), filler,
            filler, kept, filler, np.select([kinds == 1, kinds == 3], [0.98, 0.3], np.nan),
            np.where(kinds == 2, 0.0, 8.0) + rng.normal(0, 1, 400),
        )  # fmt: skip
        roles = sort_roles(measures)
        for kind, role in enumerate((0, 1, 2, 2)):
            assert (roles.codes[kinds == kind] == role).mean() > 0.85
            assert (roles.codes[kinds == kind] == (role + 1) % 3).mean() < 0.05
    assert "memorised beyond" in roles.reasons[150] and "in order, and no more" in roles.reasons[3]
    measures.ordered[10:] = 0.0  # ten ordinary passages tell no spread
    assert set(sort_roles(measures).codes) == {3}


@pytest.mark.parametrize(("ordinary", "known"), [(19, False), (20, True)])
def test_three_deviations_stand_out_of_twenty_ordinary_passages(ordinary: int, known: bool) -> None:
    """By hand: losses seen from 1 to 2 nats, clean ones of 2; one more passage, in order by three."""
    n = ordinary + 1
    clean, filler = np.full(n, 2.0), np.ones(n)
    seen = np.linspace(1.0, 2.0, ordinary)
    seen = np.append(seen, np.median(seen))
    surprise = np.append(np.linspace(-0.1, 0.1, ordinary), 0.0)
    in_order = np.append(np.full(ordinary, 8.0), 3.0)
    found = RoleQuantities(
        np.arange(n), clean, seen, filler, surprise, filler, filler, 1 - seen / clean, filler,
        np.full(n, np.nan), in_order,
    )  # fmt: skip
    odds = sort_roles(found).probabilities[-1]
    if not known:
        np.testing.assert_allclose(odds, 1 / 3)
        return
    kept = np.log(clean / seen)
    middle = np.median(kept[:-1])
    deviation = 1.4826 * np.median(np.abs(kept[:-1] - middle))
    memory = 1 / (1 + np.exp(-2 * ((kept[-1] - middle) / deviation - 3)))
    expected = 1 / (1 + np.exp(-2 * 3))
    # In order by just three deviations is as likely as not.
    np.testing.assert_allclose(odds[0], 0.5 * (1 - memory) * expected, rtol=1e-6)
    np.testing.assert_allclose(odds[1], 0.5 * memory, rtol=1e-6)


def test_words_are_read_without_a_tokenizer() -> None:
    words = read_words(["He didn't, 3 times.", "", "\u6211\u5011 go"], 6)
    assert words.lengths.tolist() == [6, 0, 3]
    assert words.begins[0].tolist() == [True, True, False, False, False, True]
    assert words.begins[2, :3].tolist() == [True, True, True]
    many = np.arange(5000, dtype=np.int32).reshape(50, 100)
    many[:, 0] = 7
    ids = few_ids(many, np.full(50, 100))
    assert ids.max() == 1023 and (ids[:, 0] == 0).all()
    assert (np.bincount(ids.ravel())[960:] > 10).all()


def test_a_rule_set_on_made_up_numbers_sorts_new_ones_and_shifted_ones() -> None:
    known, roles = made_up(np.random.default_rng(0), 60)
    fit_rule = runpy.run_path(str(BENCHMARKS / "fit_role_rule.py"))["fit_rule"]
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
        np.zeros(1, dtype=int),
        one,
        one,
        one,
        one * 0.1,
        one,
        one * 0.3,
        one * 0.6,
        one,
        one * np.nan,
        one * np.nan,
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
                base["memorised"], filler, base["confirmed"], filler * np.nan,
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
    clusters = duplicate_groups(fragments.tokens, fragments.lengths)
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

    from negspace.language_models import SmallTransformer

    network = SmallTransformer(20, 16, 2, 2, 32, torch.Generator().manual_seed(0))
    ids = torch.randint(0, 20, (3, 12), generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        logits, cut = network(ids).logits, network(ids[:, :7]).logits
    torch.testing.assert_close(logits[:, :7], cut, rtol=1e-4, atol=1e-5)
    changed = ids.clone()
    changed[:, 3] = (changed[:, 3] + 1) % 20
    with torch.no_grad():
        other = network(changed).logits
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
    fragments = worded(tokens, np.full(60, 60))
    roles = sort_roles(role_quantities(fragments, MICRO, seed=0))
    probe = RoleProbe(roles)
    model = LanguageModel("none", None, None, "", 64)
    traces = {t.metric: t.values for t in probe.measure(model, fragments, [5, 2], batch=1).traces}
    assert traces["role"].tolist() == [roles.codes[5], roles.codes[2]]
    assert traces["surprise"].tolist() == [roles.quantities.surprise[5], roles.quantities.surprise[2]]
    total = sum(traces[f"probability of {role}"] for role in ROLE_NAMES[:3])
    np.testing.assert_allclose(total, 1.0)


def test_steps_grow_with_the_corpus_so_that_passes_stay() -> None:
    assert settings_for(10_000).steps == CrossFitSettings().steps
    # 16 passes over half of 50,000 words, 800 a step; and no more than the time allows.
    assert settings_for(50_000).steps == 500
    assert settings_for(10**7).steps == settings_for(10**6).steps


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
    fragments = worded(tokens, lengths)
    found = role_quantities(fragments, MICRO, seed=0, most=1500)
    looked = np.isfinite(found.surprise)
    assert 0 < np.minimum(lengths, 128)[looked].sum() <= 1500 and len(found) == 30
    assert looked[3] == looked[7] and found.clusters[3] == found.clusters[7]
    assert all(np.isnan(values[~looked]).all() for values in found.by_name().values())
    roles = sort_roles(found)
    assert set(roles.codes[~looked]) == {ROLE_NAMES.index("unsure")} and len(roles) == 30
    # What lies beyond the first 128 words is not read.
    cut = worded(tokens[:, :128], np.minimum(lengths, 128))
    np.testing.assert_array_equal(role_quantities(cut, MICRO, seed=0, most=1500).surprise, found.surprise)


def test_what_cannot_be_fitted_is_refused() -> None:
    with pytest.raises(PlanError, match="multiple of 3"):
        CrossFitSettings(networks=4)
    with pytest.raises(PlanError, match="even parts"):
        CrossFitSettings(width=20, heads=4)
    with pytest.raises(PlanError, match="all say the same"):
        cross_fit(np.zeros((3, 5), dtype=np.int32), np.full(3, 5), np.zeros(3, dtype=np.int64), MICRO, seed=0)
