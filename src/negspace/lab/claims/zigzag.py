"""A difference fed to the model that matches the boundary makes it learnable.

Source: the essay that negspace tests (docs/claims.md), experiment 3. An LSTM learns whether a sequence
strictly alternates, first upwards. One arm has an embedding of width 16; the other one of width 8 and
beside it the neighbour delta e_t - e_(t-1), the first against zero: equal input width. 2,000 steps, 10
seeds, accuracy at length 40 on 250 + 250. Published: the neighbour delta brings 40 points. The source
reports the best of ten checkpoints chosen on the test set itself; both that and the last checkpoint are
judged here. It also claims that self-attention finds the right difference by itself.

What would refute it: a delta that brings less than 5 points; a transformer on plain embeddings that falls
short of the LSTM with the delta by more than 5.

The smallest effect of interest, 5 points, was set before any run. Where a near miss cannot be made (the
value is at the edge of the range), the source does not say what it does; it is read as a sequence of
independent uniform integers, called negative, and a control takes the checker's label instead.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from negspace.lab.claim import Claim, Experiment, Scale, register, statement_of
from negspace.lab.concepts import Zigzag
from negspace.lab.deltas import REPORTED, SEEDS, DeltaExperiments
from negspace.lab.replicas import LstmNet, Net

PLAIN, DELTA = "embedding 16", "neighbour delta"
NETS: Mapping[str, Net] = {PLAIN: LstmNet(16), DELTA: LstmNet(8, "neighbour")}


def _plan(scale: Scale) -> Sequence[Experiment]:
    deltas = DeltaExperiments.draw(Zigzag(), "continued", scale)
    says = "A neighbour delta makes the zigzag learnable"
    return [
        deltas.held_out.experiment(
            "published",
            "Plain embeddings against a neighbour delta, as published",
            arms=deltas.last_and_best(NETS),
            seeds=SEEDS,
            tests=REPORTED,
            stated=deltas.compared(DELTA, PLAIN, says, published=0.4),
        )
    ]


def _controls(scale: Scale) -> Sequence[Experiment]:
    deltas = DeltaExperiments.draw(Zigzag(), "continued", scale)
    return [deltas.labels(NETS), deltas.architectures(PLAIN, NETS, found_by=DELTA)]


CLAIM = register(
    Claim(
        name="zigzag",
        title="A difference that matches the boundary makes it learnable",
        statement=statement_of(__doc__),
        source="The essay that negspace tests, experiment 3",
        plan=_plan,
        controls=_controls,
        order=30,
    )
)
