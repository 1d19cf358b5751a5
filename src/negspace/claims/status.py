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
    with_controls = any(part["control"] for part in parts)
    registered = [part.study.plan_hash for part in claim.parts(Scale(), controls=with_controls)]
    if [part["plan_hash"] for part in parts] != registered:
        what = ", by another plan than the registered one"
    else:
        what = "" if with_controls else ", without controls"
    return f"{counts} ({last.finished[:10]}{what})"
