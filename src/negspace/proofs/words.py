"""What a proof says in words: its questions, its headline, its warnings and its method."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from negspace.evaluation import Source
from negspace.proofs.plan import ProofArm
from negspace.records import Json
from negspace.search import NEAR_DUPLICATE_RADIUS, NEAR_MISS_RADIUS
from negspace.statistics import ExchangeRate

__all__ = [
    "easy_question",
    "few_rows_warnings",
    "how_drawn",
    "method",
    "misfit_warnings",
    "near_miss_question",
    "seed_warnings",
]

_FEW = 50


def near_miss_question(arm: str, versus: str, margin: float) -> str:
    """The claim on near misses, as a question."""
    by = f" by more than {100 * margin:g} points" if margin else ""
    return f"Is {arm} more accurate than {versus} on near misses{by}?"


def easy_question(arm: str, versus: str, margin: float) -> str:
    """The claim on easy rows, as a question."""
    but = f", but for {100 * margin:g} points" if margin else ""
    return f"Is {arm} no less accurate than {versus} on easy rows{but}?"


def how_drawn(arm: ProofArm, budget: int, *, grouped: bool) -> str:
    """How the rows of an arm come about, in a few words."""
    strategy = arm.spec.strategy
    if strategy is None:
        if arm.fixed:
            return f"all {budget:,} rows of the file, at every seed"
        clusters = "groups and near-duplicates" if grouped else "near-duplicates"
        return f"at every seed {budget:,} of {arm.of_rows:,} rows, {clusters} whole where they fit"
    if strategy in ("random", "stratified"):
        each = ", each label in its share" if strategy == "stratified" else ""
        return f"at every seed {budget:,} random rows of {arm.of_rows:,}{each}"
    return (
        f"at every seed {budget:,} rows that '{strategy}' chooses from a random nine tenths of the clusters "
        f"of {arm.of_rows:,} rows"
    )


def seed_warnings(arms: Sequence[ProofArm], spread: Sequence[bool]) -> list[str]:
    """Say where seeds add nothing: fixed rows, and a learner that draws nothing.

    Args:
        arms: The first arm and those it is compared with.
        spread: For each arm, whether its seeds differ in anything.
    """
    fixed = [arm.spec.name for arm, varies in zip(arms, spread, strict=True) if arm.fixed and not varies]
    if len(fixed) < 2 or arms[0].spec.name not in fixed:
        return []
    others = ", ".join(fixed[1:])
    return [
        f"{fixed[0]} and {others} give the same predictions at every seed: their comparison rests on the "
        "test rows alone, and is of these very rows, not of how they were chosen"
    ]


def few_rows_warnings(rows: Mapping[str, int]) -> list[str]:
    """Say which test sets are too small to tell much.

    Args:
        rows: Number of rows of each, by its name in words.
    """
    return [
        f"there are only {count} {name}: their intervals are wide"
        for name, count in rows.items()
        if count < _FEW
    ]


def misfit_warnings(arm: str, name: str, rate: ExchangeRate) -> list[str]:
    """Say where the fitted curve never reaches an accuracy that the random rows themselves do.

    Args:
        arm: Name of the arm.
        name: Of the test set, in words.
        rate: Of the arm on it.
    """
    if math.isfinite(rate.rows) or max(rate.observed) < rate.accuracy:
        return []
    return [
        f"on {name}, random rows of the pool do reach the accuracy of {arm}, though the curve fitted to them "
        "does not: read the points of the curve, not the exchange rate"
    ]


def method(
    source: Source, *, budget: int, reference: str, learner: str, arms: int, tuned: bool
) -> list[dict[str, Json]]:
    """How the proof was computed, step by step."""
    near = {
        Source.GIVEN: "given: the rows of the contrast set",
        Source.GROUP: "by group: test rows whose group has another label",
        Source.MINED: (
            f"mined: test rows with a test row of another label within cosine distance {NEAR_MISS_RADIUS:g}; "
            "pairs with a suspected label error left out"
        ),
    }[source]
    family = 2 * (arms - 1)
    steps = [
        ("equal rows", f"every arm trains on exactly {budget:,} rows at every seed"),
        (
            "seeds",
            "arms are paired by seed. A seed draws the rows of arms that have more of them, and the "
            "learner's own randomness; a file of exactly so many rows is trained on whole, so that what is "
            "found of it holds for these very rows",
        ),
        (
            "near misses",
            near,
        ),
        ("easy", "all test rows" if source is Source.GIVEN else "test rows without a near miss"),
        (
            "clusters",
            f"given groups and near-duplicates (cosine distance within {NEAR_DUPLICATE_RADIUS:g}, chained); "
            "test rows of one count as one",
        ),
        (
            "verdicts",
            "95 % intervals, Student's t over seeds and test rows, with a sign-flip permutation test over "
            f"seeds; the {family} claims are one family (Holm); at least 10 seeds",
        ),
        (
            "superior",
            "more accurate on near misses by more than the margin, and on easy rows not less accurate by the "
            "easy margin or more; both must be supported",
        ),
        (
            "exchange rate",
            f"random rows of {reference} at sizes up to all of it, nested within a seed; the curve "
            "error = a + b n^-c, or an isotonic one where that does not fit, is read backwards at the arm's "
            "accuracy; its interval resamples seeds and test clusters; nothing is extrapolated",
        ),
        (
            "random draws as good",
            "for a file of exactly the budget: how many of the random draws of as many rows, one a seed, are "
            "at least as accurate as it",
        ),
    ]
    if tuned:
        steps.append(
            (
                "search",
                "independent random trials (Optuna), new ones at every seed and the same for every arm; "
                "chosen by mean accuracy on one half of the easy rows and near misses, judged on the other",
            )
        )
    steps.append(("learner", learner))
    return [{"step": step, "how": how} for step, how in steps]
