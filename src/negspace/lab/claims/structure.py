"""The structure of a text alone teaches its rules as well as all of it.

Source: negspace's own question; nobody published a figure. A corpus is one third structure (six families of
rules), one third arbitrary facts and one third noise (words shuffled, drawn at random, or contradicting rules
and facts). One small transformer is trained on all of it, one on its structure alone, over and over: equal
steps, equal tokens. Both are asked for the answers that rules decide (pronouns, copied letters, numbers of
a count, results, closing brackets, terms of a conclusion) in fresh fragments of the same families. A control
trains on all of it three times as long, so that it sees as much structure.

What would refute it: a model trained on the structure alone that is right less often by 5 points, at equal
tokens. That it is right more often, by 5 points, is judged beside it; so is, in the control, whether either
still falls short of the other by 5 points where all of the corpus is read three times as long. If the model
trained on everything then falls short, facts and noise do harm beyond the tokens that they take; if the model
trained on structure does, its repeated third was too little.

The smallest effect of interest, 5 points, is that of the other claims. It and all hypotheses were set before
the registered seeds were run. Budget and size were chosen on one other seed, so that the rules are learnt in
part: with a budget at which every model knows all of them, or none does, nothing could differ.
"""

from __future__ import annotations

from collections.abc import Sequence

from negspace.lab import claim as c
from negspace.lab import planted as p

STEPS = 250
SEEDS = 10
FRAGMENTS = 240
NEAR = 0.05

STRUCTURE, EVERYTHING, LONGER = "structure alone", "everything", "everything, three times as long"
ALL = "rules"
TESTS = {
    ALL: "answers that rules decide, in fresh fragments of all families",
    **{family: f"those of {family}" for family in p.RULES},
}


def _experiment(
    name: str, title: str, arms: Sequence[str], stated: Sequence[c.StatedHypothesis], scale: c.Scale
) -> c.Experiment:
    trainings = {
        STRUCTURE: p.PlantedTraining(("structure",), scale.steps(STEPS)),
        EVERYTHING: p.PlantedTraining(steps=scale.steps(STEPS)),
        LONGER: p.PlantedTraining(steps=scale.steps(3 * STEPS)),
    }
    return c.experiment(
        name,
        title,
        p.answer_task(scale.rows(FRAGMENTS), seed=0),
        p.AnswerLearner(),
        arms=[p.AnswerArm(arm, trainings[arm]) for arm in arms],
        seeds=scale.seeds_of(SEEDS),
        stated=stated,
        tests=TESTS,
    )


def _as_often(arm: str, versus: str, says: str) -> c.StatedHypothesis:
    return c.no_less(says, ALL, arm, versus, NEAR, name=f"no less: {arm} - {versus}")


def _plan(scale: c.Scale) -> Sequence[c.Experiment]:
    title = "Structure alone against everything, at equal tokens"
    stated = [
        _as_often(
            STRUCTURE, EVERYTHING, "Trained on structure alone, a model is right as often, to 5 points"
        ),
        c.more(
            "Trained on structure alone, a model is right more often",
            ALL,
            STRUCTURE,
            EVERYTHING,
            NEAR,
            name=f"more: {STRUCTURE} - {EVERYTHING}",
        ),
    ]
    return [_experiment("equal tokens", title, [STRUCTURE, EVERYTHING], stated, scale)]


def _controls(scale: c.Scale) -> Sequence[c.Experiment]:
    title = "The same where both see as much structure"
    stated = [
        _as_often(
            STRUCTURE, LONGER, "Structure alone still does as well as everything read three times as long"
        ),
        _as_often(
            LONGER, STRUCTURE, "Facts and noise cost the tokens that they take, and no more than 5 points"
        ),
    ]
    return [_experiment("equal structure", title, [STRUCTURE, LONGER], stated, scale)]


SOURCE = "negspace's own; published nowhere"
TITLE = "The structure of a text alone teaches its rules"
CLAIM = c.register(c.Claim("structure", TITLE, c.statement_of(__doc__), SOURCE, _plan, _controls, order=50))
