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

from negspace.lab import claim as c
from negspace.lab import planted as p
from negspace.metrics import AgainstLevel

STEPS = 500
SEEDS = 10
FRAGMENTS = 150
REFERENCE = 24
NEAR = 0.05

ALL, STRUCTURE, FACT, NOISE = "all", *p.ROLES
TESTS = {ALL: "held-out fragments of all kinds", **{role: f"those of {role}" for role in p.ROLES}}
LOSS, PRESSURE, NORM, DRIFT, FIRST = "loss", "pressure", "gradient norm", "drift", "first-order transfer"

EITHER_WAY = partial(p.PairsInOrder, either_way=True)


def _task(scale: c.Scale) -> p.TraceTask:
    corpus = p.planted_corpus(p.PlantedRecipe(fragments=scale.rows(FRAGMENTS)), seed=1)
    rules = p.planted_corpus(p.PlantedRecipe(fragments=scale.rows(REFERENCE), shares=(1.0, 0.0, 0.0)), seed=2)
    return p.trace_task(
        corpus.fragments(p.vocabulary()),
        rules.fragments(p.vocabulary()),
        families=corpus.families,
        depth=corpus.depth,
        kinds=[p.ROLES[role] for role in corpus.roles],
        clusters=corpus.clusters,
        everything=ALL,
    )


def _experiment(
    name: str, title: str, arms: Sequence[str], stated: Sequence[c.StatedHypothesis], scale: c.Scale
) -> c.Experiment:
    training = p.PlantedTraining(steps=scale.steps(STEPS))
    return c.experiment(
        name,
        title,
        _task(scale),
        p.TraceLearner(),
        arms=[p.TraceArm(arm, arm, "transfer", training) for arm in arms],
        seeds=scale.seeds_of(SEEDS),
        stated=stated,
        tests=TESTS,
        metric=EITHER_WAY,
    )


def _better(arm: str, versus: str, on: str, says: str) -> c.StatedHypothesis:
    return c.more(says, on, arm, versus, NEAR, metric=EITHER_WAY(on))


def _plan(scale: c.Scale) -> Sequence[c.Experiment]:
    stated = [
        _better(NORM, LOSS, ALL, "The gradient's norm tells transfer better than the loss does"),
        _better(DRIFT, LOSS, ALL, "Drift tells transfer better than the loss does"),
        _better(PRESSURE, LOSS, ALL, "Pressure tells transfer better than the loss does"),
        _better(FIRST, NORM, ALL, "The gradient's direction adds to its length"),
        c.more(
            "First-order transfer orders nine pairs in ten as the step itself does",
            ALL,
            FIRST,
            metric=AgainstLevel(p.PairsInOrder(ALL), 0.9),
            name=f"{ALL}: {FIRST} - nine in ten",
        ),
    ]
    title = "What tells transfer, over fragments of all kinds?"
    return [_experiment("all kinds", title, [LOSS, PRESSURE, NORM, DRIFT, FIRST], stated, scale)]


def _controls(scale: c.Scale) -> Sequence[c.Experiment]:
    stated = [
        _better(arm, LOSS, kind, f"Within {kind}, {words} tells transfer better than the loss does")
        for kind in (STRUCTURE, NOISE)
        for arm, words in ((NORM, "the gradient's norm"), (DRIFT, "drift"))
    ]
    above_chance = AgainstLevel(p.PairsInOrder(ALL), 0.5)
    says = "Fragments with longer gradients help the rules more"
    name = f"{ALL}: {NORM} - chance"
    stated.append(c.more(says, ALL, NORM, margin=NEAR, metric=above_chance, name=name))
    title = "The same within one kind, and which way round"
    return [_experiment("one kind", title, [LOSS, NORM, DRIFT], stated, scale)]


SOURCE = "negspace's own; published nowhere"
TITLE = "What tells how far a fragment helps others"
CLAIM = c.register(c.Claim("predictors", TITLE, c.statement_of(__doc__), SOURCE, _plan, _controls, order=70))
