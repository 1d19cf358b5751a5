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

from negspace.lab.claim import Claim, Expectation, Part, Scale, statement_of
from negspace.lab.claims.planted import AnswerArm, AnswerLearner, AnswerTask, Course, answer_task
from negspace.lab.concepts.planted import RULES
from negspace.metrics import Accuracy
from negspace.study import Hypothesis, Study

__all__ = ["CLAIM"]

STEPS = 250
SEEDS = 10
FRAGMENTS = 240
NEAR = 0.05

STRUCTURE, EVERYTHING, LONGER = "structure alone", "everything", "everything, three times as long"
ALL = "rules"
TESTS = {
    ALL: "answers that rules decide, in fresh fragments of all families",
    **{family: f"those of {family}" for family in RULES},
}


def _arm(name: str, scale: Scale) -> AnswerArm:
    steps = scale.steps(STEPS * (3 if name == LONGER else 1))
    return AnswerArm(name, Course(("structure",), steps) if name == STRUCTURE else Course(steps=steps))


def _part(
    name: str, title: str, arms: Sequence[str], expectations: Sequence[Expectation], scale: Scale
) -> Part:
    study = Study[AnswerTask, AnswerArm](
        answer_task(scale.rows(FRAGMENTS), seed=0),
        [_arm(arm, scale) for arm in arms],
        AnswerLearner(),
        scale.seeds_of(SEEDS),
        [Accuracy(on) for on in TESTS],
        [expectation.hypothesis for expectation in expectations],
    )
    return Part(name, title, study, expectations, TESTS)


def _no_less(arm: str, versus: str, says: str) -> Expectation:
    name = f"no less: {arm} - {versus}"
    return Expectation(Hypothesis(name, Accuracy(ALL), arm, versus, NEAR, "no less"), says, ALL)


def _plan(scale: Scale) -> Sequence[Part]:
    more = Hypothesis(f"more: {STRUCTURE} - {EVERYTHING}", Accuracy(ALL), STRUCTURE, EVERYTHING, NEAR)
    return [
        _part(
            "equal tokens",
            "Structure alone against everything, at equal tokens",
            [STRUCTURE, EVERYTHING],
            [
                _no_less(
                    STRUCTURE,
                    EVERYTHING,
                    "Trained on structure alone, a model is right as often, to 5 points",
                ),
                Expectation(more, "Trained on structure alone, a model is right more often", ALL),
            ],
            scale,
        )
    ]


def _controls(scale: Scale) -> Sequence[Part]:
    return [
        _part(
            "equal structure",
            "The same where both see as much structure",
            [STRUCTURE, LONGER],
            [
                _no_less(
                    STRUCTURE,
                    LONGER,
                    "Structure alone still does as well as everything read three times as long",
                ),
                _no_less(
                    LONGER,
                    STRUCTURE,
                    "Facts and noise cost the tokens that they take, and no more than 5 points",
                ),
            ],
            scale,
        )
    ]


CLAIM = Claim(
    name="structure",
    title="The structure of a text alone teaches its rules",
    statement=statement_of(__doc__),
    source="negspace's own; published nowhere",
    plan=_plan,
    controls=_controls,
)
