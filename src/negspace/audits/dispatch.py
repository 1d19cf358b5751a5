"""Dispatch a source to its audit: that of labelled texts, or that of minimal pairs."""

from __future__ import annotations

from collections.abc import Mapping

from negspace.data.minimal_pairs import looks_like_minimal_pairs
from negspace.errors import PlanError

__all__ = ["is_minimal_pairs"]


def is_minimal_pairs(
    source: object,
    learner: object,
    *,
    for_texts: Mapping[str, object] | None = None,
    for_pairs: Mapping[str, object] | None = None,
) -> bool:
    """Tell whether a source is to be audited as minimal pairs.

    An option decides it if one is given that only one kind has; else the columns do.

    Args:
        source: What is audited.
        learner: What it is audited with.
        for_texts: Options that only labelled texts have, by name; None where one is not given.
        for_pairs: Options that only minimal pairs have.

    Raises:
        PlanError: If options of both kinds are given, or the learner is for the other kind.
    """
    texts, pairs = (_given(options) for options in (for_texts, for_pairs))
    if texts and pairs:
        raise PlanError(
            f"--{texts[0]} is for labelled texts, and --{pairs[0]} for minimal pairs",
            hint="leave one of them out",
        )
    named = {"text", "label"} & set(texts)
    if pairs or (not named and looks_like_minimal_pairs(source)):
        if texts:
            raise PlanError(
                f"--{texts[0]} is for labelled texts, and there are the columns of minimal pairs",
                hint=f"leave --{texts[0]} out; or, where they are labelled texts, name --text and --label",
            )
        return True
    if isinstance(learner, str) and learner.partition(":")[0] == "tiny":
        raise PlanError(
            f"the learner '{learner}' is a language model for minimal pairs, and there are no columns "
            "sentence_good and sentence_bad",
            hint="name them with --good and --bad; or, for labelled texts, give another learner (tfidf, "
            "lstm, st:PATH, hf:PATH, scores:FILE)",
        )
    return False


def _given(options: Mapping[str, object] | None) -> list[str]:
    """Names of the options that are given, as the command line has them."""
    return [name.replace("_", "-") for name, value in (options or {}).items() if value is not None]
