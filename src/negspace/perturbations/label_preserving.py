"""Label-preserving variations of a text: what a model should not react to.

Each variation changes one thing that carries no label (white space, case, punctuation, the order of
independent sentences) and says when it does not apply. Whether it may be used on a data set at all is
asked of the data: if two rows with different labels are equal up to the variation, then there it does
carry the label (`conflict`), and it must be left out.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Int

from negspace.perturbations.edit_search import draw_candidates, operators_for
from negspace.perturbations.edits import Operator
from negspace.perturbations.verifiers import Validity, Verifier


@dataclass(frozen=True)
class Variation:
    """One kind of label-preserving change."""

    name: str
    what: str  # what it does, for a reader
    # text and generator to the varied text, or None where it does not apply or would change nothing
    apply: Callable[[str, np.random.Generator], str | None]
    # text to a form that is equal for all texts the variation holds to be the same
    canonical: Callable[[str], str]


def conflict(
    variation: Variation, texts: Sequence[str], labels: Int[np.ndarray, " rows"]
) -> tuple[int, int] | None:
    """Find the first two rows of different labels that the variation holds to be the same.

    Rows that are equal to the letter say nothing about the variation and are passed over.
    """
    seen: dict[str, list[int]] = {}
    for row, text in enumerate(texts):
        same = seen.setdefault(variation.canonical(text), [])
        for earlier in same:
            if labels[earlier] != labels[row] and texts[earlier] != text:
                return earlier, row
        # Further rows of a label and text already seen could only repeat a conflict.
        if not any(labels[e] == labels[row] and texts[e] == text for e in same):
            same.append(row)
    return None


def as_variation(
    verifier: Verifier, operators: Sequence[Operator] | None = None, *, tries: int = 64
) -> Variation:
    """Edit a text, in at most ``tries`` tries, into another with the same verdict.

    What the variation claims is that the verdict decides the label. So its canonical form is the verdict:
    texts proven valid are all the same to it, as are texts proven invalid, and a text it cannot judge is like
    itself only. Two valid rows of different labels are then a conflict, and the audit leaves the variation
    out: there the label is about something else.
    """
    chosen = tuple(operators or operators_for(verifier.name))

    def apply(text: str, rng: np.random.Generator) -> str | None:
        validity = verifier(text).validity
        if validity is Validity.UNKNOWN:
            return None
        drawn = draw_candidates(text, chosen, rng, tries)
        return next((c.text for c in drawn if verifier(c.text).validity is validity), None)

    def canonical(text: str) -> str:
        validity = verifier(text).validity
        # A leading NUL keeps the verdict apart from a text that happens to read "valid".
        return text if validity is Validity.UNKNOWN else f"\0{validity.value}"

    return Variation(
        f"{verifier.name} kept",
        f"one edit that leaves the verdict of '{verifier.name}' as it is",
        apply,
        canonical,
    )


def _changed(text: str, varied: str) -> str | None:
    return varied if varied != text and varied.strip() else None


def _vary_whitespace(text: str, rng: np.random.Generator) -> str | None:
    words = text.split()
    if not words:
        return None
    gaps = rng.choice([" ", "  ", "\n", "\t"], size=len(words) - 1, p=[0.7, 0.1, 0.1, 0.1])
    varied = "".join(word + gap for word, gap in zip(words, [*gaps, " "], strict=True))
    return _changed(text, varied)


def _vary_case(text: str, rng: np.random.Generator) -> str | None:
    del rng
    lower = text.lower()
    # A text already in lower case gets the capital of an ordinary sentence instead.
    varied = lower if lower != text else text[:1].upper() + text[1:]
    # A few letters have a capital that is another letter's: the Turkish dotless i among them.
    return _changed(text, varied) if varied.casefold() == text.casefold() else None


# Question and exclamation marks can carry a label (a question, an emphasis), and so can an emoticon or a
# point or comma inside a number; what stands between a word and white space is taken to carry none.
_PUNCTUATION = re.compile(r"""(?<=[\w\s"'”’)\]%])[.,;:]+(?=\s|$)""")


def _vary_punctuation(text: str, rng: np.random.Generator) -> str | None:
    del rng
    bare = _PUNCTUATION.sub("", text)
    varied = bare if bare != text else (f"{text}." if text[-1:].isalnum() else text)
    return _changed(text, varied)


# A point after a title or an initial ends no sentence.
_SENTENCE_END = re.compile(
    r"(?<=[.!?])(?<!\b[A-Z]\.)(?<!\b[DMSJ]r\.)(?<!\bMrs\.)(?<!\bMs\.)(?<!\bSt\.)(?<!\bProf\.)(?<!\bvs\.)"
    r"(?<!\bNo\.)(?<!\betc\.)(?<!\be\.g\.)(?<!\bi\.e\.)\s+(?=[A-Z])"
)
_WHOLE = re.compile(r"[A-Z].*[.!?]", re.DOTALL)
# A sentence that leans on an earlier one begins with one of these or speaks of it by pronoun.
_LEANING = re.compile(
    r"^(?:but|however|so|then|and|or|nor|yet|also|because|therefore|thus|hence|although|though|instead|still|"
    r"otherwise|moreover|furthermore|besides|similarly|likewise|meanwhile|nevertheless|nonetheless|while|"
    r"first|second|third|next|later|finally|last|again|even|only|too|plus|not|yes|no|maybe|perhaps|why|how)\b"
    r"|\b(?:he|she|it|they|him|her|them|his|hers|its|their|theirs|this|that|these|those|such|which|who|whom|"
    r"one|ones|former|latter|other|another|same|here|there)\b",
    re.IGNORECASE,
)
# What counts as leaning is known for English only, so only sentences that are plainly English are moved.
_ENGLISH = re.compile(r"\b(?:the|a|an|of|is|was|are|were|to|in|and|i|my|for|with)\b", re.IGNORECASE)
_SHORTEST_SENTENCE = 4


def _independent(sentence: str) -> bool:
    return (
        len(sentence.split()) >= _SHORTEST_SENTENCE
        and _WHOLE.fullmatch(sentence) is not None
        and _LEANING.search(sentence) is None
        and _ENGLISH.search(sentence) is not None
    )


def _vary_order(text: str, rng: np.random.Generator) -> str | None:
    sentences = _SENTENCE_END.split(text.strip())
    free = [i for i in range(len(sentences) - 1) if all(map(_independent, sentences[i : i + 2]))]
    # The sentence after the two may lean on the nearer one of them.
    free = [i for i in free if i + 2 == len(sentences) or _independent(sentences[i + 2])]
    if not free:
        return None
    i = free[rng.integers(len(free))]
    sentences[i], sentences[i + 1] = sentences[i + 1], sentences[i]
    varied = " ".join(sentences)
    # A last sentence that ends in "Dr." would swallow the one it is put before.
    return _changed(text, varied) if _SENTENCE_END.split(varied) == sentences else None


VARIATIONS: tuple[Variation, ...] = (
    Variation(
        "whitespace",
        "some spaces become line breaks, tabs or two spaces",
        _vary_whitespace,
        lambda text: " ".join(text.split()),
    ),
    Variation("case", "all in lower case, or a capital at the start", _vary_case, str.casefold),
    Variation(
        "punctuation",
        "without commas, colons and full stops, or with one added",
        _vary_punctuation,
        lambda text: _PUNCTUATION.sub("", text),
    ),
    Variation(
        "sentence order",
        "two neighbouring sentences swapped where neither leans on the other",
        _vary_order,
        lambda text: " ".join(sorted(_SENTENCE_END.split(text.strip()))),
    ),
)
