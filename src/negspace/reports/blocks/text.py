"""What is shown as text: words, signs of legends, and a user's words inside a sentence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

Tone: TypeAlias = Literal["", "supported", "refuted", "inconclusive", "warn", "soft"]


Shape: TypeAlias = Literal[
    "circle", "diamond", "triangle", "square", "hollow", "dot", "mean", "effect", "band"
]


@dataclass(frozen=True)
class Mark:
    """A small sign of a legend, as charts draw it.

    Attributes:
        shape: ``hollow`` is an outlined diamond, ``dot`` a pale circle, ``mean`` a dot on a line, ``effect``
            an outlined circle on a thick line, ``band`` a filled block.
        colour: A custom property of the stylesheet: ``accent``, ``warn``, ``series-2``, ``series-3``,
            ``ink``, ``soft`` or ``line``.
    """

    shape: Shape
    colour: str = "accent"

    @classmethod
    def of_series(cls, index: int) -> Mark:
        """The sign of the ``index``-th series of a chart."""
        signs = (
            cls("circle"),
            cls("diamond", "warn"),
            cls("triangle", "series-2"),
            cls("square", "series-3"),
        )
        return signs[index % len(signs)]


@dataclass(frozen=True)
class Span:
    """A stretch of text that is not plain.

    Attributes:
        kind: ``given``: a user's words, isolated. ``outcome``: with the sign of its tone before it.
            ``mark``: a sign of a legend. The others as their names say.
        tone: Colour, and for an outcome its sign.
        href: For a link: a path beside the page, or ``#id`` on it.
        sign: For a mark.
    """

    text: str
    kind: Literal["given", "strong", "code", "soft", "small", "link", "outcome", "mark"]
    tone: Tone = ""
    href: str = ""
    sign: Mark | None = None


Text: TypeAlias = str | Span | tuple[str | Span, ...]


def given(text: str) -> Span:
    """A user's words: a label, a path, a name."""
    return Span(text, "given")


def strong(text: str) -> Span:
    """Words that stand out."""
    return Span(text, "strong")


def soft(text: str) -> Span:
    """Words that stand back."""
    return Span(text, "soft")


def code(text: str) -> Span:
    """A file name, a flag, a token."""
    return Span(text, "code")


def link(text: str, href: str) -> Span:
    """Words that lead to a path beside the page, or to an ``#id`` on it; never to the network."""
    return Span(text, "link", href=href)


def outcome(tone: Tone, text: str) -> Span:
    """An outcome with its sign, which differs in shape as well as in colour."""
    return Span(text, "outcome", tone=tone)


def mark(sign: Mark) -> Span:
    """A sign of a legend inside a text."""
    return Span("", "mark", sign=sign)


def pieces(text: Text) -> tuple[str | Span, ...]:
    """A text as a tuple, without what is empty."""
    parts = text if isinstance(text, tuple) else (text,)
    return tuple(part for part in parts if part)


def plain(text: Text) -> str:
    """A text without its spans."""
    return "".join(part if isinstance(part, str) else part.text for part in pieces(text))


class Block:
    """Anything a report shows. A writer has one function a block class, of the class's name in lower case."""
