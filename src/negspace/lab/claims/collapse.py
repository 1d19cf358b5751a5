"""Pseudo-labels blur the boundary while easy accuracy hides it.

Source: the essay that negspace tests (docs/claims.md), experiment 2. Generation 0 learns from the truth:
sorted sequences against adjacent swaps. Each next one starts anew and learns from inputs that are one third
sorted, one third random and one third swapped, labelled by the one before. Published over 20 chains, accuracy
on swaps of length 20 in %: 85.6 ± 4.9, 72.8 ± 5.4, 68.0 ± 5.7 at generations 0, 1, 2; with the teacher's
probabilities as soft labels 72.0 at generation 2. Easy accuracy is claimed to stay at 100 % throughout, and
20 to 30 % of true rows in each generation to protect.

What would refute it: near-miss accuracy that falls by less than 5 points; easy accuracy that falls by
1 point; soft labels that are no better by 2 points, half of what was published; true rows that raise
near-miss accuracy by less than 5 points, or with which it still falls by 5.

Generation 0 is the near-miss arm of *invariant*, the same models on the same rows: that both agree with what
was published is one piece of evidence, not two.

The smallest effects of interest were set before any run. All else (model, budget, seeds) is as published;
what the source leaves open is read so: each generation takes 1,600 steps, its hard labels are the likelier
ones, and true rows are drawn as generation 0 draws them. The test of easy accuracy against 100 % itself was
added after a first run, which had only compared generations with each other; its margin is the one set
before.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from negspace.lab.claim import (
    Claim,
    Curve,
    Expectation,
    Ground,
    Part,
    Point,
    Published,
    Scale,
    part,
    statement_of,
)
from negspace.lab.concepts import Sorted, Test
from negspace.lab.replicas import (
    POSITIVE,
    Confident,
    Oracle,
    ReplicaArm,
    TaughtRows,
    TrueRows,
    TrueRowsFrom,
    Verifier,
)
from negspace.metrics import Accuracy, AgainstLevel
from negspace.study import Hypothesis

__all__ = ["CLAIM"]

CONCEPT = Sorted()
STEPS = 1600
SEEDS = 20
NEAR = 0.05
FAR = 0.01
SOFT = 0.02

EASY, HARD = "easy", "hard"
THIRDS = {POSITIVE: 1 / 3, "random": 1 / 3, "swap": 1 / 3}
START = "generation 0"
SHARES = (0.2, 0.3)
ACCURACIES = (0.6, 0.7, 0.8, 0.9, 0.95, 1.0)

Taught = Callable[[ReplicaArm], TaughtRows]


def _chain(name: str, taught: Taught, generations: int, scale: Scale) -> list[ReplicaArm]:
    """The arms of all generations from 0 on, each taught by the one before."""
    steps = scale.steps(STEPS)
    arms = [ReplicaArm(START, TrueRows(CONCEPT, {"swap": 1.0}), steps=steps)]
    for generation in range(1, generations + 1):
        arms.append(ReplicaArm(_at(name, generation), taught(arms[-1]), steps=steps))
    return arms


def _at(name: str, generation: int) -> str:
    return START if generation == 0 else f"{name}, generation {generation}"


def _hard(teacher: ReplicaArm) -> TaughtRows:
    return TaughtRows(teacher, THIRDS)


def _soft(teacher: ReplicaArm) -> TaughtRows:
    return TaughtRows(teacher, THIRDS, labels="soft")


def _sampled(teacher: ReplicaArm) -> TaughtRows:
    return TaughtRows(teacher, THIRDS, labels="sampled")


def _with_truth(share: float, source: TrueRowsFrom = "fresh") -> Taught:
    return lambda teacher: TaughtRows(teacher, THIRDS, true_share=share, true_rows=source)


def _verified(verifier: Verifier) -> Taught:
    return lambda teacher: TaughtRows(teacher, THIRDS, verifier=verifier)


def _true_name(share: float) -> str:
    return f"{share:.0%} true rows"


PUBLISHED_CHAINS: Mapping[str, Taught] = {
    "hard labels": _hard,
    "soft labels": _soft,
    **{_true_name(share): _with_truth(share) for share in SHARES},
}


def _ground(scale: Scale) -> Ground:
    return Ground.of(CONCEPT, [Test(EASY, 20, "random"), Test(HARD, 20, "swap")], scale)


def _plan(scale: Scale) -> Sequence[Part]:
    ground = _ground(scale)
    return [
        _generations("published", "Two generations, as published", 2, ground),
        _easy("easy", "Does easy accuracy stay at 100 %?", range(3), ground),
    ]


def _controls(scale: Scale) -> Sequence[Part]:
    ground = _ground(scale)
    return [
        _easy("easy, later", "Does easy accuracy stay at 100 % later?", range(3, 7), ground),
        _generations("six", "The same over six generations", 6, ground),
        _true_rows(ground),
        _labels(ground),
        _verification(ground),
    ]


def _generations(name: str, title: str, last: int, ground: Ground) -> Part:
    chains = {chain: _chain(chain, taught, last, ground.scale) for chain, taught in PUBLISHED_CHAINS.items()}
    start = next(iter(chains.values()))[0]
    figures = {0: (0.856, 0.049), 1: (0.728, 0.054), 2: (0.68, 0.057)}
    return part(
        name,
        title,
        ground,
        arms=[start, *(arm for chain in chains.values() for arm in chain[1:])],
        seeds=SEEDS,
        tests=[EASY, HARD],
        expectations=_expectations(last),
        published=[
            *(Published(_at("hard labels", g), HARD, mean, sd) for g, (mean, sd) in figures.items()),
            Published(_at("soft labels", 2), HARD, 0.72),
            *(Published(_at("hard labels", g), EASY, 1.0) for g in range(last + 1)),
        ],
        curves=[
            Curve(
                f"Accuracy on {on} by generation",
                "generation",
                f"accuracy on {on}",
                {
                    chain: [Point(float(g), arm.name, Accuracy(on)) for g, arm in enumerate(arms)]
                    for chain, arms in chains.items()
                },
                published={float(g): mean for g, (mean, _) in figures.items()} if on == HARD else {},
            )
            for on in (HARD, EASY)
        ],
    )


def _easy(name: str, title: str, generations: range, ground: Ground) -> Part:
    arms = _chain("hard labels", _hard, generations[-1], ground.scale)
    above = AgainstLevel(Accuracy(EASY), 1.0)
    return part(
        name,
        title,
        ground,
        arms=[arms[generation] for generation in generations],
        seeds=SEEDS,
        tests=[EASY],
        expectations=[
            Expectation(
                Hypothesis(f"easy: generation {g}", above, arms[g].name, margin=FAR, claim="no less"),
                f"Generation {g} is right on the easy test, to 1 point",
                EASY,
                0.0,
            )
            for g in generations
        ],
    )


def _expectations(last: int) -> list[Expectation]:
    def at(chain: str) -> str:
        return _at(chain, last)

    hard, two = at("hard labels"), last == 2
    expectations = [
        Expectation(
            Hypothesis(f"hard: fall by generation {last}", Accuracy(HARD), START, hard, NEAR),
            f"Accuracy on near misses falls by generation {last}",
            HARD,
            0.176 if two else None,
        ),
        Expectation(
            Hypothesis(f"easy: kept to generation {last}", Accuracy(EASY), hard, START, FAR, "no less"),
            f"Accuracy on the easy test stays, to 1 point, until generation {last}",
            EASY,
            0.0,
        ),
        Expectation(
            Hypothesis("hard: soft - hard labels", Accuracy(HARD), at("soft labels"), hard, SOFT),
            f"The teacher's probabilities keep more of the boundary than its labels, at generation {last}",
            HARD,
            0.04 if two else None,
        ),
    ]
    if two:
        expectations.append(
            Expectation(
                Hypothesis("hard: fall by generation 1", Accuracy(HARD), START, _at("hard labels", 1), NEAR),
                "Accuracy on near misses falls in the first generation",
                HARD,
                0.128,
            )
        )
    for share in SHARES:
        name = at(_true_name(share))
        expectations += [
            Expectation(
                Hypothesis(f"hard: {share:.0%} true rows - none", Accuracy(HARD), name, hard, NEAR),
                f"With {share:.0%} true rows more of the boundary is left than with none",
                HARD,
            ),
            Expectation(
                Hypothesis(f"hard: {share:.0%} true rows keep", Accuracy(HARD), name, START, NEAR, "no less"),
                f"With {share:.0%} true rows nothing of the boundary is lost, to 5 points",
                HARD,
            ),
        ]
    return expectations


def _true_rows(ground: Ground) -> Part:
    scale = ground.scale
    share, fresh, original, grown = SHARES[0], "20% true rows", "20% original rows", "accumulated rows"
    chains = {
        fresh: _chain(fresh, _with_truth(share), 2, scale),
        original: _chain(original, _with_truth(share, "original"), 2, scale),
        grown: _chain(grown, _with_truth(share, "accumulated"), 2, scale),
    }
    hard = _chain("hard labels", _hard, 2, scale)
    return part(
        "true rows",
        "True rows: fresh, original, or all that came before",
        ground,
        arms=[*hard, *(arm for chain in chains.values() for arm in chain[1:])],
        seeds=SEEDS,
        tests=[EASY, HARD],
        expectations=[
            Expectation(
                Hypothesis(
                    "hard: original - fresh", Accuracy(HARD), _at(original, 2), _at(fresh, 2), NEAR, "no less"
                ),
                "Original rows shown again protect as well as fresh ones",
                HARD,
            ),
            Expectation(
                Hypothesis("hard: accumulated - none", Accuracy(HARD), _at(grown, 2), hard[2].name, NEAR),
                "Rows accumulated over the generations keep more of the boundary than the last ones alone",
                HARD,
            ),
            Expectation(
                Hypothesis("hard: accumulated keep", Accuracy(HARD), _at(grown, 2), START, NEAR, "no less"),
                "Rows accumulated over the generations lose nothing of the boundary, to 5 points",
                HARD,
            ),
        ],
    )


def _labels(ground: Ground) -> Part:
    scale = ground.scale
    hard, sampled = _chain("hard labels", _hard, 2, scale), _chain("sampled labels", _sampled, 2, scale)
    soft = _chain("soft labels", _soft, 2, scale)
    return part(
        "labels",
        "Labels sampled from the teacher's probabilities",
        ground,
        arms=[*hard, *soft[1:], *sampled[1:]],
        seeds=SEEDS,
        tests=[EASY, HARD],
        expectations=[
            Expectation(
                Hypothesis(
                    "hard: sampled - hard labels", Accuracy(HARD), sampled[2].name, hard[2].name, SOFT
                ),
                "Sampled labels keep more of the boundary than the likelier ones",
                HARD,
            ),
            Expectation(
                Hypothesis(
                    "hard: sampled - soft labels",
                    Accuracy(HARD),
                    sampled[2].name,
                    soft[2].name,
                    NEAR,
                    "no less",
                ),
                "Sampled labels keep as much of the boundary as the probabilities they are drawn from",
                HARD,
            ),
        ],
    )


def _verification(ground: Ground) -> Part:
    scale = ground.scale
    hard = _chain("hard labels", _hard, 2, scale)
    oracles = {
        accuracy: _chain(f"oracle of {accuracy:.0%}", _verified(Oracle(accuracy)), 2, scale)
        for accuracy in ACCURACIES
    }
    sure = _chain("teacher sure to 90%", _verified(Confident(0.9)), 2, scale)
    return part(
        "verification",
        "Rows that a verifier rejects are dropped",
        ground,
        arms=[*hard, *(arm for chain in oracles.values() for arm in chain[1:]), *sure[1:]],
        seeds=SEEDS,
        tests=[EASY, HARD],
        expectations=[
            Expectation(
                Hypothesis(f"hard: {what} - none", Accuracy(HARD), chain[2].name, hard[2].name, NEAR),
                f"Rows verified by {words} keep more of the boundary than rows that are not verified",
                HARD,
            )
            for what, words, chain in [
                *((f"oracle {a:.0%}", f"an oracle that is right in {a:.0%}", c) for a, c in oracles.items()),
                ("confidence", "the teacher's own confidence", sure),
            ]
        ],
        curves=[
            Curve(
                "Accuracy at generation 2 by the oracle's accuracy",
                "accuracy of the oracle (%)",
                "accuracy",
                {
                    on: [Point(100 * a, chain[2].name, Accuracy(on)) for a, chain in oracles.items()]
                    for on in (HARD, EASY)
                },
            )
        ],
    )


CLAIM = Claim(
    name="collapse",
    title="Pseudo-labels blur the boundary while easy accuracy hides it",
    statement=statement_of(__doc__),
    source="The essay that negspace tests, experiment 2",
    plan=_plan,
    controls=_controls,
)
