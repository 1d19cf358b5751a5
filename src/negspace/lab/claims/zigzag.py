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

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from negspace.lab import claim as c
from negspace.lab.concepts import Concept, Test, Zigzag
from negspace.lab.replicas import (
    Adam,
    BestOf,
    LstmNet,
    Net,
    ReplicaArm,
    Sweep,
    TrueRows,
    gru_net,
    transformer_net,
)

STEPS = 2000
SEEDS = 10
CHECKPOINTS = 10
NEAR = 0.05
RATES = (0.002, 0.005, 0.0125)

TEST, CHECKED, EASY = REPORTED = ("near miss", "near miss, checked labels", "easy")
_VALIDATION = "validation"

PLAIN, DELTA = "embedding 16", "neighbour delta"
NETS: Mapping[str, Net] = {PLAIN: LstmNet(16), DELTA: LstmNet(8, "neighbour")}


@dataclass(frozen=True, eq=False)
class DeltaExperiments:
    """Experiments on differences: plain embeddings against ones with a delta, on near misses of a concept.

    *pivot* plans by it, too.
    """

    concept: Concept
    kind: str
    held_out: c.HeldOut

    @staticmethod
    def draw(concept: Concept, kind: str, scale: c.Scale) -> DeltaExperiments:
        """Draw the tests: near misses of length 40 with both labels, random negatives, and a validation set.

        The validation rows, of the longest length of the training, choose learning rates and nothing else.
        """
        tests = [
            Test(TEST, 40, kind, 250, labels="published"),
            Test(CHECKED, 40, kind, 250, labels="true"),
            Test(EASY, 40, "random", 250),
            Test(_VALIDATION, 12, kind, 250, labels="published"),
        ]
        return DeltaExperiments(concept, kind, c.HeldOut.draw(concept, tests, scale))

    def _experiment(
        self, name: str, title: str, arms: Sequence[ReplicaArm | Sweep], stated: Sequence[c.StatedHypothesis]
    ) -> c.Experiment:
        return self.held_out.experiment(name, title, arms=arms, seeds=SEEDS, tests=REPORTED, stated=stated)

    def _arm(self, name: str, net: Net, *, checked: bool = False, best: bool = False) -> ReplicaArm:
        rows = TrueRows(self.concept, {self.kind: 1.0}, checked=checked)
        best_of = BestOf(CHECKPOINTS, TEST) if best else None
        return ReplicaArm(name, rows, net=net, steps=self.held_out.scale.steps(STEPS), best_of=best_of)

    def last_and_best(self, nets: Mapping[str, Net]) -> list[ReplicaArm]:
        """Each net at its last step, and at the best of ten checkpoints chosen on the test set itself."""
        last = [self._arm(name, net) for name, net in nets.items()]
        return [*last, *(self._arm(best_checkpoint(name), net, best=True) for name, net in nets.items())]

    def labels(self, nets: Mapping[str, Net]) -> c.Experiment:
        """Do the rows matter that the published recipe mislabels?"""
        stated = []
        for name in nets:
            says = f"With {name}, training on the labels as published costs nothing, to 5 points"
            told = f"{name}: published - checked labels"
            stated.append(c.no_less(says, CHECKED, name, f"{name}, checked labels", NEAR, name=told))
        arms = [self._arm(name, net) for name, net in nets.items()]
        arms += [self._arm(f"{name}, checked labels", net, checked=True) for name, net in nets.items()]
        return self._experiment("labels", "Labels as published against the checker's", arms, stated)

    def architectures(self, plain: str, nets: Mapping[str, Net], *, found_by: str) -> c.Experiment:
        """Other architectures with plain embeddings, all with the same sweep of learning rates.

        ``found_by`` names the net that is fed the difference that the claim calls right, ``plain`` the one
        that has nothing but the embedding.
        """
        arms = []
        for name, net in {**nets, "GRU": gru_net(), "transformer": transformer_net()}.items():
            base = self._arm(name, net)
            rates = [replace(base, name=f"{name}, lr {lr:g}", adam=Adam(lr=lr)) for lr in RATES]
            arms.append(Sweep(f"{name}, tuned", tuple(rates), _VALIDATION))
        as_well = f"Self-attention on plain embeddings does as well as an LSTM with {found_by}"
        attention = "Self-attention on plain embeddings does better than an LSTM on them"
        gru = "A GRU on plain embeddings does better than an LSTM on them"
        tuned = f"With its learning rate tuned, {found_by} still helps the LSTM"
        compared: list[tuple[Callable[..., c.StatedHypothesis], str, str, str]] = [
            (c.no_less, as_well, "transformer", found_by),
            (c.more, attention, "transformer", plain),
            (c.more, gru, "GRU", plain),
            (c.more, tuned, found_by, plain),
        ]
        stated = [
            state(says, TEST, f"{arm}, tuned", f"{versus}, tuned", NEAR, name=f"{arm} - {versus}")
            for state, says, arm, versus in compared
        ]
        title = "Does another architecture find the difference by itself?"
        return self._experiment("architectures", title, arms, stated)


def compared(
    arm: str, versus: str, says: str, *, margin: float = NEAR, published: float | None = None
) -> list[c.StatedHypothesis]:
    """One arm against another on near misses, at the best checkpoint, as published, and at the last."""
    best, other = best_checkpoint(arm), best_checkpoint(versus)
    chosen = f"{says} (best of ten checkpoints, chosen on the test set)"
    name = f"{arm} - {versus}"
    return [
        c.more(chosen, TEST, best, other, margin, name=f"best: {name}", published=published),
        c.more(f"{says} (last checkpoint)", TEST, arm, versus, margin, name=f"last: {name}"),
    ]


def best_checkpoint(name: str) -> str:
    """Name of a net's arm that predicts from its best checkpoint."""
    return f"{name}, best checkpoint"


def _plan(scale: c.Scale) -> Sequence[c.Experiment]:
    deltas = DeltaExperiments.draw(Zigzag(), "continued", scale)
    return [
        deltas.held_out.experiment(
            "published",
            "Plain embeddings against a neighbour delta, as published",
            arms=deltas.last_and_best(NETS),
            seeds=SEEDS,
            tests=REPORTED,
            stated=compared(DELTA, PLAIN, "A neighbour delta makes the zigzag learnable", published=0.4),
        )
    ]


def _controls(scale: c.Scale) -> Sequence[c.Experiment]:
    deltas = DeltaExperiments.draw(Zigzag(), "continued", scale)
    return [deltas.labels(NETS), deltas.architectures(PLAIN, NETS, found_by=DELTA)]


SOURCE = "The essay that negspace tests, experiment 3"
TITLE = "A difference that matches the boundary makes it learnable"
CLAIM = c.register(c.Claim("zigzag", TITLE, c.statement_of(__doc__), SOURCE, _plan, _controls, order=30))
