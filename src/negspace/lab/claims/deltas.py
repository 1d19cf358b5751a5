"""What the claims about differences share: plain embeddings against ones with a delta, on one concept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from negspace.lab.claim import Expectation, Ground, Part, Scale, part
from negspace.lab.concepts import Concept, Test
from negspace.lab.replicas import (
    Adam,
    BestOf,
    Net,
    ReplicaArm,
    Sweep,
    TrueRows,
    gru_net,
    transformer_net,
)
from negspace.metrics import Accuracy
from negspace.study import Hypothesis

__all__ = ["NEAR", "REPORTED", "SEEDS", "TEST", "Setting", "best_checkpoint"]

STEPS = 2000
SEEDS = 10
CHECKPOINTS = 10
NEAR = 0.05
RATES = (0.002, 0.005, 0.0125)

TEST, CHECKED, EASY = REPORTED = ("near miss", "near miss, checked labels", "easy")
_VALIDATION = "validation"


@dataclass(frozen=True, eq=False)
class Setting:
    """One concept's tests and arms, at a scale.

    Attributes:
        concept: The rule.
        kind: Its near misses.
        ground: The held-out rows.
    """

    concept: Concept
    kind: str
    ground: Ground

    @staticmethod
    def of(concept: Concept, kind: str, scale: Scale) -> Setting:
        """Draw the tests: near misses of length 40 with both labels, random negatives, and a validation set.

        The validation rows, of the longest length of the training, choose learning rates and nothing else.
        """
        tests = [
            Test(TEST, 40, kind, 250, labels="published"),
            Test(CHECKED, 40, kind, 250, labels="true"),
            Test(EASY, 40, "random", 250),
            Test(_VALIDATION, 12, kind, 250, labels="published"),
        ]
        return Setting(concept, kind, Ground.of(concept, tests, scale))

    def arm(self, name: str, net: Net, *, checked: bool = False, best: bool = False) -> ReplicaArm:
        """An arm of 2,000 steps on near misses."""
        return ReplicaArm(
            name,
            TrueRows(self.concept, {self.kind: 1.0}, checked=checked),
            net=net,
            steps=self.ground.scale.steps(STEPS),
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
    ) -> list[Expectation]:
        """One arm against another on near misses, at the best checkpoint, as published, and at the last."""
        return [
            Expectation(
                Hypothesis(
                    f"best: {arm} - {versus}",
                    Accuracy(TEST),
                    best_checkpoint(arm),
                    best_checkpoint(versus),
                    margin,
                ),
                f"{says} (best of ten checkpoints, chosen on the test set)",
                TEST,
                published,
            ),
            Expectation(
                Hypothesis(f"last: {arm} - {versus}", Accuracy(TEST), arm, versus, margin),
                f"{says} (last checkpoint)",
                TEST,
            ),
        ]

    def labels(self, nets: Mapping[str, Net]) -> Part:
        """Do the rows matter that the published recipe mislabels?"""
        arms = [
            self.arm(_checked(name) if checked else name, net, checked=checked)
            for checked in (False, True)
            for name, net in nets.items()
        ]
        return part(
            "labels",
            "Labels as published against the checker's",
            self.ground,
            arms=arms,
            seeds=SEEDS,
            tests=REPORTED,
            expectations=[
                Expectation(
                    Hypothesis(
                        f"{name}: published - checked labels",
                        Accuracy(CHECKED),
                        name,
                        _checked(name),
                        NEAR,
                        "no less",
                    ),
                    f"With {name}, training on the labels as published costs nothing, to 5 points",
                    CHECKED,
                )
                for name in nets
            ],
        )

    def architectures(self, plain: str, nets: Mapping[str, Net], *, found_by: str) -> Part:
        """Other architectures with plain embeddings, all with the same sweep of learning rates.

        Args:
            plain: Name of the net that has nothing but the embedding.
            nets: The LSTMs, by name.
            found_by: Which of them is fed the difference that the claim calls right.
        """
        tried = {**nets, "GRU": gru_net(), "transformer": transformer_net()}
        arms = [self._sweep(name, net) for name, net in tried.items()]

        def against(arm: str, versus: str, says: str, *, no_less: bool = False) -> Expectation:
            return Expectation(
                Hypothesis(
                    f"{arm} - {versus}",
                    Accuracy(TEST),
                    _swept(arm),
                    _swept(versus),
                    NEAR,
                    "no less" if no_less else "more",
                ),
                says,
                TEST,
            )

        return part(
            "architectures",
            "Does another architecture find the difference by itself?",
            self.ground,
            arms=arms,
            seeds=SEEDS,
            tests=REPORTED,
            expectations=[
                against(
                    "transformer",
                    found_by,
                    f"Self-attention on plain embeddings does as well as an LSTM with {found_by}",
                    no_less=True,
                ),
                against(
                    "transformer",
                    plain,
                    "Self-attention on plain embeddings does better than an LSTM on them",
                ),
                against("GRU", plain, "A GRU on plain embeddings does better than an LSTM on them"),
                against(found_by, plain, f"With its learning rate tuned, {found_by} still helps the LSTM"),
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
