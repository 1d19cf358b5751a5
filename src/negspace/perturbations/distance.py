"""Character edit distance."""

from __future__ import annotations

__all__ = ["edit_distance"]


def edit_distance(one: str, other: str) -> int:
    """Count the insertions, deletions and replacements of one character that turn a text into another.

    Levenshtein distance by bit vectors, a column of the table in one integer (Myers 1999, A fast
    bit-vector algorithm for approximate string matching; in the form of Hyyrö 2003, figure 3).

    Args:
        one: A text.
        other: Another.

    Returns:
        Number of characters; 0 for equal texts.
    """
    ahead = _common_start(one, other)
    one, other = one[ahead:], other[ahead:]
    behind = _common_start(one[::-1], other[::-1])
    one, other = one[: len(one) - behind], other[: len(other) - behind]
    if not one or not other:
        return len(one) + len(other)
    places: dict[str, int] = {}
    for i, character in enumerate(one):
        places[character] = places.get(character, 0) | 1 << i
    mask, last = (1 << len(one)) - 1, 1 << (len(one) - 1)
    rises, falls, distance = mask, 0, len(one)
    for character in other:
        equal = places.get(character, 0)
        diagonal = (((equal & rises) + rises) ^ rises) | equal | falls
        right_rises = (falls | ~(diagonal | rises)) & mask
        right_falls = rises & diagonal
        distance += bool(right_rises & last) - bool(right_falls & last)
        right_rises = right_rises << 1 | 1
        rises = (right_falls << 1 | ~(diagonal | right_rises)) & mask
        falls = right_rises & diagonal & mask
    return distance


def _common_start(one: str, other: str) -> int:
    differing = (i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b)
    return next(differing, min(len(one), len(other)))
