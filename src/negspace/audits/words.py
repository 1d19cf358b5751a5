"""What an audit says in words: the question, the next step, the reading of the curve, the method."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise

from negspace.evaluation import Source
from negspace.records import Json, Outcome
from negspace.search import NEAR_DUPLICATE_RADIUS, NEAR_MISS_RADIUS

__all__ = ["curve_reading", "method", "next_step", "question"]

_ALPHA = 0.05


def question(margin: float) -> str:
    """The hypothesis, as a question."""
    return f"Is accuracy on near misses more than {100 * margin:g} points below accuracy on easy rows?"


def next_step(outcome: Outcome, source: Source, *, has_easy: bool, has_near: bool) -> str:
    """One sentence: what to do with the verdict."""
    if not has_near:
        return (
            "Rewrite some test rows to another label, changing as few words as you can, and pass them with "
            "--near-miss."
        )
    if not has_easy:
        return "Pass ordinary rows with --test and the near misses with --near-miss."
    if outcome is Outcome.SUPPORTED:
        if source is Source.MINED:
            return (
                "The training set does not teach this boundary: add near misses (the report shows the worst "
                "pairs), and confirm with a contrast set written by hand (--near-miss)."
            )
        return (
            "The training set does not teach this boundary: replace a share of its rows by near misses, each "
            "together with its counterpart (the report shows the worst pairs), and audit again."
        )
    if outcome is Outcome.REFUTED:
        return (
            "The training set teaches this boundary; keep its boundary rows when you clean, trim or "
            "regenerate it."
        )
    return "Add near-miss test rows, or seeds, until the interval leaves the margin on one side."


def curve_reading(curve: Sequence[Mapping[str, Json]], trend: float, p_value: float) -> str:
    """Say whether accuracy falls towards the boundary, and where it does not.

    Args:
        curve: Bands, nearest first.
        trend: Spearman's rank correlation, over held-out rows, of distance and share of seeds right.
        p_value: Of the trend, two-sided; both are NaN where every row is as often right.

    Returns:
        One sentence. Named as an exception is a band that lies above the next farther one by more than
        their two standard errors joined.
    """
    if len(curve) < 2:
        return "Too few held-out rows, or distances too much alike, to draw a curve."
    if math.isnan(trend):
        return f"Accuracy is {_share(curve[0])} at every distance to the nearest row of another label."
    lead = ", ".join(f"{_share(band)} at {_range(band)}" for band in (curve[0], curve[-1]))
    tested = f"rank correlation with distance {trend:+.2f}, p = {p_value:.2g}; {lead}"
    if not p_value <= _ALPHA:
        return f"Accuracy does not clearly change towards the nearest row of another label ({tested})."
    if trend < 0:
        return f"Accuracy rises as the nearest row of another label gets closer ({tested})."
    exceptions = [
        f"{_share(near)} at {_range(near)} is above {_share(far)} at {_range(far)}"
        for near, far in pairwise(curve)
        if _mean(near) - _mean(far) > math.hypot(_half_width(near), _half_width(far))
    ]
    but = f" Not everywhere: {'; '.join(exceptions)}." if exceptions else ""
    return f"Accuracy falls as the nearest row of another label gets closer ({tested}).{but}"


def method(source: Source, *, tested_on_own_file: bool, grouped: bool, learner: str) -> list[dict[str, Json]]:
    """How the audit was computed, step by step."""
    near = {
        Source.GIVEN: "given: the rows of the contrast set",
        Source.GROUP: "by group: test rows whose group has another label",
        Source.MINED: (
            f"mined: test rows with a test row of another label within cosine distance {NEAR_MISS_RADIUS:g}; "
            "pairs with a suspected label error left out"
        ),
    }[source]
    easy = "all rows of the test file" if source is Source.GIVEN else "test rows without a near miss"
    joined = "given groups and near-duplicates" if grouped else "near-duplicates"
    steps = [
        ("distance", "1 - cosine of TF-IDF word vectors (sublinear term frequency), over all files together"),
        (
            "clusters",
            f"{joined} (within {NEAR_DUPLICATE_RADIUS:g}, chained); never divided by a split or fold",
        ),
        (
            "test rows",
            "the test file"
            if tested_on_own_file
            else "a fifth of the data, stratified by label, clusters whole",
        ),
        ("near misses", near),
        ("easy", easy if tested_on_own_file or source is not Source.GIVEN else "all held-out rows"),
        (
            "fits",
            "none: predictions were read from a file"
            if learner == "scores"
            else "one per seed; each leaves out a random tenth of the clusters, and draws its own "
            "initialisation and order",
        ),
        (
            "intervals",
            "95 %, Student's t over seeds and test rows (test rows of a cluster counted as one); "
            "conditional on the training set",
        ),
        (
            "verdict",
            "supported if the interval of the gap lies above the margin and a sign-flip permutation test "
            "over seeds agrees; refuted if it lies below, or inside ± the margin; at least 10 seeds",
        ),
        (
            "label errors",
            "confident learning (cleanlab) on 5-fold out-of-fold probabilities of the tfidf learner, "
            "clusters whole",
        ),
    ]
    return [{"step": step, "how": how} for step, how in steps]


def _mean(band: Mapping[str, Json]) -> float:
    mean = band["mean"]
    assert isinstance(mean, float)
    return mean


def _half_width(band: Mapping[str, Json]) -> float:
    ci = band["ci"]
    assert isinstance(ci, Sequence)
    low, high = ci
    if isinstance(low, float) and isinstance(high, float):
        return (high - low) / 2
    return math.inf


def _share(band: Mapping[str, Json]) -> str:
    return f"{_mean(band):.3f}"


def _range(band: Mapping[str, Json]) -> str:
    low, high = band["low"], band["high"]
    assert isinstance(low, float)
    assert isinstance(high, float)
    return f"{low:.2f}" if round(low, 2) == round(high, 2) else f"{low:.2f}-{high:.2f}"
