"""What an audit of minimal pairs says in words: the question, the next step, the method."""

from __future__ import annotations

from collections.abc import Sequence

from negspace.records import Interval, Json, Outcome

__all__ = ["fixed_reason", "method", "next_step", "question"]


def question(margin: float) -> str:
    """The hypothesis, as a question."""
    return f"Is accuracy on minimal pairs more than {100 * margin:g} points below accuracy on shuffled words?"


def fixed_reason(effect: float, interval: Interval, margin: float) -> str:
    """Why a model that was trained elsewhere gets no verdict, and what is known of it all the same."""
    if interval.low > margin:
        side = "above"
    elif interval.high < margin:
        side = "below"
    else:
        side = "around"
    return (
        f"near-miss gap is {_points(effect)} points, {100 * interval.level:g} % CI over pairs "
        f"{_points(interval.low)} to {_points(interval.high)} points, {side} the margin of "
        f"{100 * margin:g} points; that holds for this one model, and a verdict takes 10 that were trained "
        "alike"
    )


def _points(share: float) -> str:
    """A difference of two shares in percentage points, as the report's tables have it."""
    return f"{round(100 * share, 1) + 0.0:.1f}"  # the sum makes -0.0 a plain 0.0


def next_step(outcome: Outcome, *, fixed: bool, worst: Sequence[str], flawless: bool) -> str:
    """One sentence: what to do with the verdict.

    Args:
        outcome: The verdict's.
        fixed: Whether the model was trained elsewhere.
        worst: Names of the paradigms with the lowest accuracy, lowest first; empty where none is below the
            others.
        flawless: Whether no pair is wrong.
    """
    named = ", ".join(worst)
    if fixed:
        if flawless:
            return "No pair is wrong: only harder pairs can tell more of this model."
        if not worst:
            return "Look at the pairs it gets wrong: the report shows the worst of them."
        return f"Look at the paradigms it gets most wrong ({named}): the report shows their worst pairs."
    if outcome is Outcome.SUPPORTED:
        look = f"look at the paradigms that are most wrong ({named}), and " if worst else ""
        turn = "they turn" if worst else "the pairs turn"
        return (
            f"The corpus teaches word order before it teaches this boundary: {look}train on text that has "
            f"what {turn} on."
        )
    if outcome is Outcome.REFUTED:
        return "The corpus teaches these pairs about as well as it teaches word order."
    return "Add pairs, or seeds, until the interval leaves the margin on one side."


def method(*, fixed: bool) -> list[dict[str, Json]]:
    """How the audit was computed, step by step."""
    steps = [
        (
            "score",
            "ln P of a sentence: the sum over its tokens of ln P(token | those before it), the first given "
            "the model's token for the begin of a text; per token: that sum divided by the number of tokens",
        ),
        (
            "near misses",
            "the good sentence against the bad one; right where it is the more probable; a tie is wrong",
        ),
        (
            "easy",
            "the good sentence against its own words in a random order that is neither it nor the bad one",
        ),
        ("margin", "ln P(good) - ln P(bad), in nats"),
        (
            "pressure",
            "1 - P(good token) at the first token in which the two sentences differ; beside it P(bad token), "
            "and the rank of the good token among all",
        ),
        (
            "fits",
            "none: the model was trained elsewhere, and is one run"
            if fixed
            else "one small GPT a seed, trained on the whole corpus; the seed decides initialisation and "
            "order; the tokenizer is trained once",
        ),
        (
            "intervals",
            "95 %, Student's t over pairs alone (a pair and its shuffled twin counted as one)"
            if fixed
            else "95 %, Student's t over seeds and pairs (a pair and its shuffled twin counted as one)",
        ),
        (
            "verdict",
            "none for one model: at least 10 seeds"
            if fixed
            else "supported if the interval of the gap lies above the margin and a sign-flip permutation "
            "test over seeds agrees; refuted if it lies below, or inside ± the margin; at least 10 seeds",
        ),
    ]
    return [{"step": step, "how": how} for step, how in steps]
