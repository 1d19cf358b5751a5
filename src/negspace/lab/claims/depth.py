"""The deeper a fragment's rule, the further a step on it moves what a model makes of it.

Source: negspace's own question; nobody published a figure. A small transformer is trained on the structure
of a planted corpus. Then it takes one plain step on a held-out fragment, is compared with what it was, and
is put back: drift is 1 - cosine of the fragment's own hidden states before and after, mean over tokens and
layers. Fragments are 24 words long, and all instances in one have the same depth: brackets nested 2, 3 or 4
deep, sums of 1 to 4 steps (the last one may be cut short). Of pairs of one family whose depths differ, the
share is measured in which the deeper fragment drifts further; 50 % is chance.

What would refute it: a share that does not exceed 60 %, in either family. Kendall's τ is 0.2 there, about
what is called a small correlation; that margin was set before any run. The same is asked of drift beyond
loss: of what is left of the ranks by drift once a straight line through the ranks by loss is taken off,
within the family. If that does not exceed 60 %, drift tells no more of depth than the loss does.

Controls: whether drift orders by depth better than the gradient's norm does, by 5 points; and whether it
orders better in a trained model than in the same one before training, by 5 points. If not, depth is written
on the surface of the fragments, and no rule need be learnt to tell it.

All depths occur in what the model is trained on. Budget and size were chosen on another seed, by how well
the rules were learnt.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from negspace.lab import claim as c
from negspace.lab import planted as p
from negspace.metrics import AgainstLevel

STEPS = 300
SEEDS = 10
EACH = 24
WORDS = 24
FAR = 0.1
NEAR = 0.05

DEPTHS = {"brackets": (2, 3, 4), "arithmetic": (1, 2, 3, 4)}
TESTS = {
    family: f"fragments of {family}, {WORDS} words long, of depth {', '.join(map(str, depths))}"
    for family, depths in DEPTHS.items()
}
DRIFT, BEYOND, NORM, LOSS = "drift", "drift beyond loss", "gradient norm", "loss"
UNTRAINED = "drift, untrained"


def _task(scale: c.Scale) -> p.TraceTask:
    rng = np.random.default_rng(0)
    kinds = [
        (family, depth)
        for family, depths in DEPTHS.items()
        for depth in depths
        for _ in range(scale.rows(EACH))
    ]
    families = [family for family, _ in kinds]
    return p.trace_task(
        p.read_words([p.rule_words(rng, *kind, WORDS) for kind in kinds], p.vocabulary()),
        # Nothing is asked of transfer here: two fragments are read, for a step must be measured on some.
        p.read_words([p.rule_words(rng, family, 2, WORDS) for family in DEPTHS], p.vocabulary()),
        families=families,
        depth=np.array([depth for _, depth in kinds]),
        kinds=families,
        clusters=np.arange(len(kinds)),
    )


def _experiment(
    name: str, title: str, arms: Sequence[str], stated: Sequence[c.StatedHypothesis], scale: c.Scale
) -> c.Experiment:
    trained, untrained = (p.PlantedTraining(("structure",), steps) for steps in (scale.steps(STEPS), 0))
    return c.experiment(
        name,
        title,
        _task(scale),
        p.TraceLearner(),
        arms=[
            p.TraceArm(arm, DRIFT, "depth", untrained)
            if arm == UNTRAINED
            else p.TraceArm(arm, arm, "depth", trained)
            for arm in arms
        ],
        seeds=scale.seeds_of(SEEDS),
        stated=stated,
        tests=TESTS,
        metric=p.PairsInOrder,
    )


def _above_chance(arm: str, family: str, says: str) -> c.StatedHypothesis:
    share = AgainstLevel(p.PairsInOrder(family), 0.5)
    return c.more(says, family, arm, margin=FAR, metric=share, name=f"{family}: {arm} - chance")


def _better(arm: str, versus: str, family: str, says: str) -> c.StatedHypothesis:
    return c.more(says, family, arm, versus, NEAR, metric=p.PairsInOrder(family))


def _plan(scale: c.Scale) -> Sequence[c.Experiment]:
    stated = []
    for family in DEPTHS:
        stated += [
            _above_chance(DRIFT, family, f"Drift grows with the depth of {family}"),
            _above_chance(BEYOND, family, f"It grows beyond what the loss tells, for {family}"),
        ]
    return [_experiment("growth", "Does drift grow with depth?", [DRIFT, BEYOND, LOSS], stated, scale)]


def _controls(scale: c.Scale) -> Sequence[c.Experiment]:
    title = "Is it the gradient's length, or the surface of the fragments?"
    stated = []
    for family in DEPTHS:
        stated += [
            _better(DRIFT, NORM, family, f"Drift tells the depth of {family} better than the norm does"),
            _better(DRIFT, UNTRAINED, family, f"Training makes drift tell the depth of {family}"),
        ]
    return [_experiment("other reasons", title, [DRIFT, NORM, UNTRAINED], stated, scale)]


SOURCE = "negspace's own; published nowhere"
TITLE = "Drift grows with depth"
CLAIM = c.register(c.Claim("depth", TITLE, c.statement_of(__doc__), SOURCE, _plan, _controls, order=60))
