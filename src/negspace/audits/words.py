"""What an audit says in words: the question, the next step, the reading of the curve, the method."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

from negspace.audits.boundary import Source
from negspace.negatives import NEAR_DUPLICATE_RADIUS, NEAR_MISS_RADIUS
from negspace.records import Json, Outcome

__all__ = ["curve_reading", "method", "next_step", "question"]


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
                "The training set does not teach this boundary: add near misses of the pairs below, and "
                "confirm with a contrast set written by hand (--near-miss)."
            )
        return (
            "The training set does not teach this boundary: replace a share of its rows by near misses like "
            "the pairs below, each together with its counterpart, and audit again."
        )
    if outcome is Outcome.REFUTED:
        return (
            "The training set teaches this boundary; keep its boundary rows when you clean, trim or "
            "regenerate it."
        )
    return "Add near-miss test rows, or seeds, until the interval leaves the margin on one side."


def curve_reading(curve: Sequence[Mapping[str, Json]]) -> str:
    """Say whether accuracy falls towards the boundary, and where it does not.

    A band is an exception where its whole interval lies above that of the next farther band.
    """
    if len(curve) < 2:
        return "Too few held-out rows, or distances too much alike, to draw a curve."
    near, far = curve[0], curve[-1]
    lead = f"from {_share(far['mean'])} at distance {_range(far)} to {_share(near['mean'])} at {_range(near)}"
    if _end(near, 1) < _end(far, 0):
        reading = f"Accuracy falls as the nearest row of another label gets closer: {lead}"
    elif _end(near, 0) > _end(far, 1):
        reading = f"Accuracy rises as the nearest row of another label gets closer: {lead}"
    else:
        return f"Accuracy does not clearly change with distance ({lead}; the intervals overlap)."
    falls = reading.startswith("Accuracy falls")
    exceptions = [
        f"{_range(a)} ({_share(a['mean'])}) is above {_range(b)} ({_share(b['mean'])})"
        for a, b in pairwise(curve)
        if falls and _end(a, 0) > _end(b, 1)
    ]
    return reading + (f"; not everywhere: {'; '.join(exceptions)}." if exceptions else ".")


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


def _end(band: Mapping[str, Json], end: int) -> float:
    ci = band["ci"]
    assert isinstance(ci, Sequence)
    value = ci[end]
    if isinstance(value, int | float):
        return float(value)
    return float("-inf") if end == 0 else float("inf")


def _share(value: Json) -> str:
    assert isinstance(value, float)
    return f"{value:.3f}"


def _range(band: Mapping[str, Json]) -> str:
    low, high = band["low"], band["high"]
    assert isinstance(low, float)
    assert isinstance(high, float)
    return f"{low:.2f}" if round(low, 2) == round(high, 2) else f"{low:.2f}-{high:.2f}"
