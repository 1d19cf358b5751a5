"""What a fragment does to a model tells how far it helps others, better than its loss does.

Source: negspace's own question; nobody published a figure. A small transformer is trained on a planted corpus
of structure, facts and noise. Then it takes one plain step on each held-out fragment of all three kinds, and
is put back: transfer is how far the step lowers the mean loss of other, held-out rule fragments. Four numbers
that cost no step, or no reference, may tell it: the fragment's loss, its softmax negative pressure, the norm
of its gradient, and how far its hidden states drift in the step. First-order transfer, the product of its
gradient with the reference's, is the natural ceiling. A number is judged by the share of pairs of fragments
that it orders as transfer does, either way round: 50 % is chance, and one that orders all pairs the wrong
way tells as much as one that orders them rightly.

What would refute it: a gradient norm, a drift or a pressure that does not order 5 points more of the pairs
than the loss does; or first-order transfer that does not order 5 points more of them than the norm, so that
the direction of a gradient adds nothing to its length. That first-order transfer orders nine pairs in ten is
judged as well: below that it cannot stand for the step.

Controls ask the same within structure and within noise alone, where telling the kinds apart is of no use; and
whether fragments with longer gradients help more at all, by 5 points above chance, not either way round.

The margins, 5 points, are those of the other claims, and were set before the registered seeds were run.
Budget and size were chosen on one other seed; the step is negspace's default.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from negspace.lab.claim import (
    Claim,
    Experiment,
    Scale,
    StatedHypothesis,
    experiment,
    more,
    register,
    statement_of,
)
from negspace.lab.planted import (
    ROLES,
    PairsInOrder,
    PlantedRecipe,
    PlantedTraining,
    TraceArm,
    TraceLearner,
    TraceTask,
    planted_corpus,
    trace_task,
    vocabulary,
)
from negspace.metrics import AgainstLevel

STEPS = 500
SEEDS = 10
FRAGMENTS = 150
REFERENCE = 24
NEAR = 0.05

ALL, STRUCTURE, FACT, NOISE = "all", *ROLES
TESTS = {ALL: "held-out fragments of all kinds", **{role: f"those of {role}" for role in ROLES}}
LOSS, PRESSURE, NORM, DRIFT, FIRST = "loss", "pressure", "gradient norm", "drift", "first-order transfer"

EITHER_WAY = partial(PairsInOrder, either_way=True)


def _task(scale: Scale) -> TraceTask:
    corpus = planted_corpus(PlantedRecipe(fragments=scale.rows(FRAGMENTS)), seed=1)
    rules = planted_corpus(PlantedRecipe(fragments=scale.rows(REFERENCE), shares=(1.0, 0.0, 0.0)), seed=2)
    return trace_task(
        corpus.fragments(vocabulary()),
        rules.fragments(vocabulary()),
        families=corpus.families,
        depth=corpus.depth,
        kinds=[ROLES[role] for role in corpus.roles],
        clusters=corpus.clusters,
        everything=ALL,
    )


def _experiment(
    name: str, title: str, arms: Sequence[str], stated: Sequence[StatedHypothesis], scale: Scale
) -> Experiment:
    training = PlantedTraining(steps=scale.steps(STEPS))
    return experiment(
        name,
        title,
        _task(scale),
        TraceLearner(),
        arms=[TraceArm(arm, arm, "transfer", training) for arm in arms],
        seeds=scale.seeds_of(SEEDS),
        stated=stated,
        tests=TESTS,
        metric=EITHER_WAY,
    )


def _better(arm: str, versus: str, on: str, says: str) -> StatedHypothesis:
    return more(says, on, arm, versus, NEAR, metric=EITHER_WAY(on))


def _plan(scale: Scale) -> Sequence[Experiment]:
    stated = [
        _better(NORM, LOSS, ALL, "The gradient's norm tells transfer better than the loss does"),
        _better(DRIFT, LOSS, ALL, "Drift tells transfer better than the loss does"),
        _better(PRESSURE, LOSS, ALL, "Pressure tells transfer better than the loss does"),
        _better(FIRST, NORM, ALL, "The gradient's direction adds to its length"),
        more(
            "First-order transfer orders nine pairs in ten as the step itself does",
            ALL,
            FIRST,
            metric=AgainstLevel(PairsInOrder(ALL), 0.9),
            name=f"{ALL}: {FIRST} - nine in ten",
        ),
    ]
    title = "What tells transfer, over fragments of all kinds?"
    return [_experiment("all kinds", title, [LOSS, PRESSURE, NORM, DRIFT, FIRST], stated, scale)]


def _controls(scale: Scale) -> Sequence[Experiment]:
    stated = [
        _better(arm, LOSS, kind, f"Within {kind}, {words} tells transfer better than the loss does")
        for kind in (STRUCTURE, NOISE)
        for arm, words in ((NORM, "the gradient's norm"), (DRIFT, "drift"))
    ]
    above_chance = AgainstLevel(PairsInOrder(ALL), 0.5)
    says = "Fragments with longer gradients help the rules more"
    name = f"{ALL}: {NORM} - chance"
    stated.append(more(says, ALL, NORM, margin=NEAR, metric=above_chance, name=name))
    title = "The same within one kind, and which way round"
    return [_experiment("one kind", title, [LOSS, NORM, DRIFT], stated, scale)]


CLAIM = register(
    Claim(
        name="predictors",
        title="What tells how far a fragment helps others",
        statement=statement_of(__doc__),
        source="negspace's own; published nowhere",
        plan=_plan,
        controls=_controls,
        order=70,
    )
)
