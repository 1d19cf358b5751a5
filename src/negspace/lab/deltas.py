"""Experiments on differences: plain embeddings against ones with a delta, on one concept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from negspace.lab.claim import Experiment, HeldOut, Scale, StatedHypothesis, more, no_less
from negspace.lab.concepts import Concept, Test
from negspace.lab.replicas import Adam, BestOf, Net, ReplicaArm, Sweep, TrueRows, gru_net, transformer_net

STEPS = 2000
SEEDS = 10
CHECKPOINTS = 10
NEAR = 0.05
RATES = (0.002, 0.005, 0.0125)

TEST, CHECKED, EASY = REPORTED = ("near miss", "near miss, checked labels", "easy")
_VALIDATION = "validation"


@dataclass(frozen=True, eq=False)
class DeltaExperiments:
    """Arms and experiments on one concept, at a scale.

    Attributes:
        concept: The rule.
        kind: Its near misses.
        held_out: The held-out rows.
    """

    concept: Concept
    kind: str
    held_out: HeldOut

    @staticmethod
    def draw(concept: Concept, kind: str, scale: Scale) -> DeltaExperiments:
        """Draw the tests: near misses of length 40 with both labels, random negatives, and a validation set.

        The validation rows, of the longest length of the training, choose learning rates and nothing else.
        """
        tests = [
            Test(TEST, 40, kind, 250, labels="published"),
            Test(CHECKED, 40, kind, 250, labels="true"),
            Test(EASY, 40, "random", 250),
            Test(_VALIDATION, 12, kind, 250, labels="published"),
        ]
        return DeltaExperiments(concept, kind, HeldOut.draw(concept, tests, scale))

    def arm(self, name: str, net: Net, *, checked: bool = False, best: bool = False) -> ReplicaArm:
        """An arm of 2,000 steps on near misses."""
        return ReplicaArm(
            name,
            TrueRows(self.concept, {self.kind: 1.0}, checked=checked),
            net=net,
            steps=self.held_out.scale.steps(STEPS),
            best_of=BestOf(CHECKPOINTS, TEST) if best else None,
        )

    def last_and_best(self, nets: Mapping[str, Net]) -> list[ReplicaArm]:
        """Each net at its last step, and at the best of ten checkpoints chosen on the test set itself."""
        return [
            self.arm(best_checkpoint(name) if best else name, net, best=best)
            for best in (False, True)
            for name, net in nets.items()
        ]

    def compared(
        self, arm: str, versus: str, says: str, *, margin: float = NEAR, published: float | None = None
    ) -> list[StatedHypothesis]:
        """One arm against another on near misses, at the best checkpoint, as published, and at the last."""
        return [
            more(
                f"{says} (best of ten checkpoints, chosen on the test set)",
                TEST,
                best_checkpoint(arm),
                best_checkpoint(versus),
                margin,
                name=f"best: {arm} - {versus}",
                published=published,
            ),
            more(f"{says} (last checkpoint)", TEST, arm, versus, margin, name=f"last: {arm} - {versus}"),
        ]

    def labels(self, nets: Mapping[str, Net]) -> Experiment:
        """Do the rows matter that the published recipe mislabels?"""
        arms = [
            self.arm(_checked(name) if checked else name, net, checked=checked)
            for checked in (False, True)
            for name, net in nets.items()
        ]
        return self.held_out.experiment(
            "labels",
            "Labels as published against the checker's",
            arms=arms,
            seeds=SEEDS,
            tests=REPORTED,
            stated=[
                no_less(
                    f"With {name}, training on the labels as published costs nothing, to 5 points",
                    CHECKED,
                    name,
                    _checked(name),
                    NEAR,
                    name=f"{name}: published - checked labels",
                )
                for name in nets
            ],
        )

    def architectures(self, plain: str, nets: Mapping[str, Net], *, found_by: str) -> Experiment:
        """Other architectures with plain embeddings, all with the same sweep of learning rates.

        Args:
            plain: Name of the net that has nothing but the embedding.
            nets: The LSTMs, by name.
            found_by: Which of them is fed the difference that the claim calls right.
        """
        tried = {**nets, "GRU": gru_net(), "transformer": transformer_net()}
        arms = [self._sweep(name, net) for name, net in tried.items()]

        transformer, gru, ours, bare = (_swept(name) for name in ("transformer", "GRU", found_by, plain))
        return self.held_out.experiment(
            "architectures",
            "Does another architecture find the difference by itself?",
            arms=arms,
            seeds=SEEDS,
            tests=REPORTED,
            stated=[
                no_less(
                    f"Self-attention on plain embeddings does as well as an LSTM with {found_by}",
                    TEST,
                    transformer,
                    ours,
                    NEAR,
                    name=f"transformer - {found_by}",
                ),
                more(
                    "Self-attention on plain embeddings does better than an LSTM on them",
                    TEST,
                    transformer,
                    bare,
                    NEAR,
                    name=f"transformer - {plain}",
                ),
                more(
                    "A GRU on plain embeddings does better than an LSTM on them",
                    TEST,
                    gru,
                    bare,
                    NEAR,
                    name=f"GRU - {plain}",
                ),
                more(
                    f"With its learning rate tuned, {found_by} still helps the LSTM",
                    TEST,
                    ours,
                    bare,
                    NEAR,
                    name=f"{found_by} - {plain}",
                ),
            ],
        )

    def _sweep(self, name: str, net: Net) -> Sweep:
        base = self.arm(name, net)
        rates = tuple(replace(base, name=f"{name}, lr {lr:g}", adam=Adam(lr=lr)) for lr in RATES)
        return Sweep(_swept(name), rates, _VALIDATION)


def best_checkpoint(name: str) -> str:
    """Name of a net's arm that predicts from its best checkpoint."""
    return f"{name}, best checkpoint"


def _checked(name: str) -> str:
    return f"{name}, checked labels"


def _swept(name: str) -> str:
    return f"{name}, tuned"
