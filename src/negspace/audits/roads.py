"""Which audit a source is for: labelled texts, or minimal pairs."""

from __future__ import annotations

from collections.abc import Mapping

from negspace.data.minimal_pairs import looks_like_minimal_pairs
from negspace.errors import PlanError

__all__ = ["check_road"]


def check_road(
    source: object,
    learner: object,
    *,
    of_texts: Mapping[str, object] | None = None,
    of_pairs: Mapping[str, object] | None = None,
) -> bool:
    """Tell whether a source is to be audited as minimal pairs.

    It is where an option says so; else, and where no option of labelled texts is given, by its columns.

    Args:
        source: What is audited.
        learner: What it is audited with.
        of_texts: Options that only labelled texts have, by name; None where one is not given.
        of_pairs: Options that only minimal pairs have.

    Raises:
        PlanError: If options of both kinds are given, or the learner is for the other kind.
    """
    texts, pairs = (_given(options) for options in (of_texts, of_pairs))
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
