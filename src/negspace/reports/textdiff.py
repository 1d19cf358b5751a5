"""Texts made fit to show: invisible characters named, two texts compared word by word, long ones abridged."""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias
from urllib.parse import quote

Kind: TypeAlias = Literal["same", "changed", "cut"]
Opcode: TypeAlias = tuple[bool, int, int, int, int]

# Scripts written without spaces: one character is the smallest thing worth comparing.
_UNSPACED = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\u0e00-\u0e7f"
# Parts of at most 40 characters, so that a text of one endless word can still be abridged.
_WORD = re.compile(rf"[{_UNSPACED}]|[^\W{_UNSPACED}]{{1,40}}(?:['’][^\W{_UNSPACED}]{{1,40}})?|\S")
# Above this many comparisons the middle of two texts is taken as changed throughout.
_MOST_COMPARISONS = 4_000_000
_JOINERS = "\u200c\u200d"
_LONGEST_TEXT = 20_000


@dataclass(frozen=True)
class Stretch:
    """A stretch of two texts that are shown side by side."""

    left: str  # what the left text says here; empty if only the right text has something
    right: str  # what the right text says here
    # ``same``: the same words on both sides. ``changed``: different words, or different whitespace between
    # the same words. ``cut``: left out by :func:`abridge`.
    kind: Kind


def visible(text: str) -> str:
    """Name the characters that would not show, or would change how their neighbours show.

    Control characters become their pictures (``␀``); bidirectional controls, zero-width
    characters, tags and lone surrogates become their code points (``⟨U+202E⟩``). Line breaks and
    tabs stay. So do joiners between two non-ASCII characters, where scripts and emoji need them.
    """
    if text.isprintable():
        return text
    text = text.replace("\r\n", "\n")
    return "".join(char if char.isprintable() else _shown(text, at) for at, char in enumerate(text))


def _shown(text: str, at: int) -> str:
    char = text[at]
    if char in "\n\t":
        return char
    category = unicodedata.category(char)
    if category == "Cc":
        code = ord(char)
        picture = 0x2421 if code == 0x7F else 0x2400 + code
        return chr(picture) if code <= 0x7F else f"⟨U+{code:04X}⟩"
    if category not in {"Cf", "Cs", "Zl", "Zp"}:
        return char
    if char in _JOINERS and text[at - 1 : at] > "\x7f" and text[at + 1 : at + 2] > "\x7f":
        return char
    return f"⟨U+{ord(char):04X}⟩"


def one_line(text: str) -> str:
    """A text fit to stand in a table: nothing invisible, no line breaks."""
    return " ".join(visible(text).split())


def relative_link(path: str) -> str:
    """A link that can only lead to a place beside the page, whatever the path says."""
    return "./" + quote(path.replace("\\", "/").lstrip("/"), safe="/._-~", errors="surrogatepass")


def bounded(text: str) -> str:
    """A text of at most 20,000 characters, made visible, with the number of those left out."""
    # Made visible before it is compared: an invisible character may be the whole difference.
    rest = len(text) - _LONGEST_TEXT
    return visible(text if rest <= 0 else f"{text[:_LONGEST_TEXT]} … ({rest:,} more characters)")


def word_diff(left: str, right: str) -> tuple[Stretch, ...]:
    """Compare two texts word by word.

    Words are runs of letters and digits; every other character that is not a space is a word of its own. The
    ``left`` parts of all blocks together are the left text, character for character, and likewise the right.
    Blocks of kind ``same`` hold the same words on both sides; texts that differ in anything have one of kind
    ``changed``.
    """
    a, b = list(_WORD.finditer(left)), list(_WORD.finditer(right))
    blocks = _Blocks(left, right)
    opcodes = _opcodes([m.group() for m in a], [m.group() for m in b])
    for number, (equal, i1, i2, j1, j2) in enumerate(opcodes):
        if equal:
            for step in range(i2 - i1):
                m, n = a[i1 + step], b[j1 + step]
                # Whitespace at the edge of a change belongs to it; elsewhere it is compared.
                blocks.space(m.start(), n.start(), compared=step > 0 or number == 0)
                blocks.add(m.end(), n.end(), "same")
        else:
            has_left, has_right = i2 > i1, j2 > j1
            blocks.space(
                a[i1].start() if has_left else blocks.at_left,
                b[j1].start() if has_right else blocks.at_right,
                compared=False,
            )
            blocks.add(
                a[i2 - 1].end() if has_left else blocks.at_left,
                b[j2 - 1].end() if has_right else blocks.at_right,
                "changed",
            )
    blocks.space(len(left), len(right), compared=not opcodes or opcodes[-1][0])
    return tuple(blocks.done)


class _Blocks:
    """Cuts two texts into blocks from left to right, joining neighbours of one kind."""

    def __init__(self, left: str, right: str) -> None:
        self.left, self.right = left, right
        self.at_left = self.at_right = 0
        self.done: list[Stretch] = []

    def space(self, to_left: int, to_right: int, *, compared: bool) -> None:
        differs = self.left[self.at_left : to_left] != self.right[self.at_right : to_right]
        self.add(to_left, to_right, "changed" if compared and differs else "same")

    def add(self, to_left: int, to_right: int, kind: Kind) -> None:
        left, right = self.left[self.at_left : to_left], self.right[self.at_right : to_right]
        self.at_left, self.at_right = to_left, to_right
        if left or right:
            _append(self.done, Stretch(left, right, kind))


def _append(blocks: list[Stretch], block: Stretch) -> None:
    if blocks and blocks[-1].kind == block.kind:
        last = blocks.pop()
        block = Stretch(last.left + block.left, last.right + block.right, block.kind)
    blocks.append(block)


def _opcodes(a: Sequence[str], b: Sequence[str]) -> list[Opcode]:
    """Equal and changed ranges of two word lists, ``(equal, i1, i2, j1, j2)``.

    The common start and end are taken off first: near misses share most of their words, and
    matching is quadratic in what is left.
    """
    shortest = min(len(a), len(b))
    head = 0
    while head < shortest and a[head] == b[head]:
        head += 1
    tail = 0
    while tail < shortest - head and a[-1 - tail] == b[-1 - tail]:
        tail += 1
    middle_a, middle_b = a[head : len(a) - tail], b[head : len(b) - tail]
    ranges: list[Opcode] = [(True, 0, head, 0, head)]
    if len(middle_a) * len(middle_b) > _MOST_COMPARISONS:
        ranges.append((False, head, len(a) - tail, head, len(b) - tail))
    else:
        matcher = difflib.SequenceMatcher(None, middle_a, middle_b, autojunk=False)
        for tag, i1, i2, j1, j2 in matcher.get_opcodes():
            ranges.append((tag == "equal", head + i1, head + i2, head + j1, head + j2))
    ranges.append((True, len(a) - tail, len(a), len(b) - tail, len(b)))
    return [r for r in ranges if r[2] > r[1] or r[4] > r[3]]


def abridge(
    blocks: Sequence[Stretch], *, context: int = 10, longest: int = 30, most: int = 160, short: int = 60
) -> tuple[Stretch, ...]:
    """Keep what differs and the words around it; leave out the rest as blocks of kind ``cut``.

    Both sides keep the same words of every ``same`` block, so they stay aligned. Nothing is lost: a cut block
    holds the words that it stands for. Texts of at most ``short`` words stay whole; else ``context`` words
    are kept on either side of a change (fewer where there are many), ``longest`` of one change, ``most`` of
    either text.
    """
    if sum(_count(block) for block in blocks) <= short:
        return tuple(blocks)
    kept: list[Stretch] = []
    left = most
    changes = sum(block.kind == "changed" for block in blocks)
    context = min(context, max(4, most // (3 * max(changes, 1))))
    last = len(blocks) - 1
    for number, block in enumerate(blocks):
        if block.kind == "same" and last > 0:
            parts = _ends(block, 0 if number == 0 else context, 0 if number == last else context)
        else:
            parts = _start(block, min(left, longest if block.kind == "changed" else 2 * context))
        for part in parts:
            for piece in _start(part, left) if part.kind != "cut" else [part]:
                _append(kept, piece)
                left -= 0 if piece.kind == "cut" else _count(piece)
    return tuple(kept)


def clip(text: str, words: int = 45) -> str:
    """The first ``words`` words of a text, with ``…`` where something follows."""
    head, rest = _split(text, words)
    return f"{head} …" if rest.strip() else text


def _count(block: Stretch) -> int:
    return max(sum(1 for _ in _WORD.finditer(side)) for side in (block.left, block.right))


def _start(block: Stretch, words: int) -> list[Stretch]:
    (left, left_rest), (right, right_rest) = _split(block.left, words), _split(block.right, words)
    return list(_filled(Stretch(left, right, block.kind), Stretch(left_rest, right_rest, "cut")))


def _ends(block: Stretch, head: int, tail: int) -> list[Stretch]:
    """The first ``head`` and last ``tail`` words of equal words; all of them if cutting saves little."""
    n = _count(block)
    if n <= head + tail + 3:
        return [block]
    left, left_rest = _split(block.left, head)
    right, right_rest = _split(block.right, head)
    # What is kept begins with a word rather than with the comma or full stop of what is cut.
    rest = [m.group() for m in _WORD.finditer(left_rest)]
    while tail > 1 and not rest[-tail][0].isalnum():
        tail -= 1
    left_cut, left_end = _split(left_rest, n - head - tail)
    right_cut, right_end = _split(right_rest, n - head - tail)
    return list(
        _filled(
            Stretch(left, right, "same"),
            Stretch(left_cut, right_cut, "cut"),
            Stretch(left_end, right_end, "same"),
        )
    )


def _filled(*blocks: Stretch) -> Iterator[Stretch]:
    return (block for block in blocks if block.left or block.right)


def _split(text: str, words: int) -> tuple[str, str]:
    """The text up to the end of its n-th word, and what follows."""
    if words <= 0:
        return "", text
    end = 0
    for number, match in enumerate(_WORD.finditer(text), start=1):
        end = match.end()
        if number == words:
            return text[:end], text[end:]
    return text, ""
