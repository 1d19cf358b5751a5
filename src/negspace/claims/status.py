"""What became of a claim when it was run last, in a line."""

from __future__ import annotations

from collections import Counter

from negspace.claims.claim import Claim, Scale
from negspace.records import Outcome
from negspace.runs import StoredResult

__all__ = ["status"]


def status(claim: Claim, last: StoredResult | None) -> str:
    """Say what the last run of a claim found.

    Args:
        claim: The claim.
        last: Its last result, or None.

    Returns:
        ``not run``, or the number of hypotheses by outcome, the day, and what was run if it was not the whole
        plan as it stands registered.
    """
    if last is None:
        return "not run"
    parts = last.summary["parts"]
    assert isinstance(parts, list)
    outcomes = Counter(hypothesis["verdict"] for part in parts for hypothesis in part["hypotheses"])
    counts = ", ".join(f"{outcomes[outcome]} {outcome.value}" for outcome in Outcome)
    registered = {part.name: part.study.plan_hash for part in claim.parts(Scale())}
    ran = {part["name"]: part["plan_hash"] for part in parts}
    if any(registered.get(name) != plan for name, plan in ran.items()):
        what = ", by another plan than the registered one"
    else:
        left = len(registered) - len(ran)
        what = f", without {left} control{'s'[: left > 1]}" if left else ""
    return f"{counts} ({last.finished[:10]}{what})"
