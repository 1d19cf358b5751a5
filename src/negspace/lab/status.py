"""What became of a claim when it was run last, in a line."""

from __future__ import annotations

from collections import Counter

from negspace.records import Outcome
from negspace.store import StoredResult

__all__ = ["status"]


def status(last: StoredResult | None) -> str:
    """Say what the last run of a claim found.

    Args:
        last: Its last result, or None.

    Returns:
        ``not run``, or the number of hypotheses by outcome, the day, and whether the controls were left out.
    """
    if last is None:
        return "not run"
    parts = last.summary["parts"]
    assert isinstance(parts, list)
    outcomes = Counter(hypothesis["verdict"] for part in parts for hypothesis in part["hypotheses"])
    counts = ", ".join(f"{outcomes[outcome]} {outcome.value}" for outcome in Outcome)
    controls = "" if any(part["control"] for part in parts) else ", without controls"
    return f"{counts} ({last.finished[:10]}{controls})"
