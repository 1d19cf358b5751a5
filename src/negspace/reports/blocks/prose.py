"""What is shown as text, and blocks of words: headings, paragraphs, lists, compared texts, commands."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

Tone: TypeAlias = Literal["", "supported", "refuted", "inconclusive", "warn", "soft"]


Shape: TypeAlias = Literal[
    "circle", "diamond", "triangle", "square", "hollow", "dot", "mean", "effect", "band"
]


@dataclass(frozen=True)
class Mark:
    """A small sign of a legend, as charts draw it."""

    # ``hollow`` is an outlined diamond, ``dot`` a pale circle, ``mean`` a dot on a line, ``effect`` an
    # outlined circle on a thick line, ``band`` a filled block
    shape: Shape
    # A custom property of the stylesheet: ``accent``, ``warn``, ``series-2``, ``series-3``, ``ink``, ``soft``
    # or ``line``
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
    """A stretch of text that is not plain."""

    text: str
    # ``given``: a user's words, isolated. ``outcome``: with the sign of its tone before it. ``mark``: a sign
    # of a legend. The others as their names say.
    kind: Literal["given", "strong", "code", "soft", "small", "link", "outcome", "mark"]
    tone: Tone = ""  # colour, and for an outcome its sign
    href: str = ""  # for a link: a path beside the page, or ``#id`` on it
    sign: Mark | None = None  # for a mark


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

    @property
    def inside(self) -> tuple[Block, ...] | None:
        """What writers of plain text show in its place; None for the block itself."""
        return None


@dataclass(frozen=True)
class Headline(Block):
    """What the reader must know, first."""

    sentence: Text  # the finding, or the question that ``word`` answers
    word: str = ""  # one word in the tone's colour before it: ``Supported``
    tone: Tone = ""
    detail: Text = ""
    next: Text = ""


@dataclass(frozen=True)
class Section(Block):
    """A heading and what stands under it; sections nest."""

    title: Text
    blocks: tuple[Block, ...] = ()
    intro: Text = ""  # the first paragraph, which says how to read the rest
    id: str = ""


@dataclass(frozen=True)
class Paragraph(Block):
    """A paragraph."""

    text: Text
    # ``lead``: how to read what follows. ``small``: an aside. ``reading``: what a chart shows.
    style: Literal["", "lead", "small", "reading"] = ""


@dataclass(frozen=True)
class Bullets(Block):
    """A list of short texts."""

    items: tuple[Text, ...]


@dataclass(frozen=True)
class Banner(Block):
    """A warning that qualifies the whole report: a smoke run, a trial."""

    text: Text


@dataclass(frozen=True)
class Warnings(Block):
    """Sentences that the reader should not miss."""

    items: tuple[Text, ...]


@dataclass(frozen=True)
class Side:
    """One of two compared texts."""

    text: str
    label: Text
    note: Text = ""


@dataclass(frozen=True)
class TextPair(Block):
    """Two texts, compared word by word and abridged around what differs."""

    left: Side
    right: Side
    caption: Text = ""
    note: Text = ""
    # heading under which the whole texts are folded, where they were abridged; empty for none
    full: Text = ""
    tight: bool = False  # keep fewer words around a difference


@dataclass(frozen=True)
class Quote(Block):
    """A text of the user's with what is said about it."""

    text: str
    label: Text
    note: Text = ""
    remark: Text = ""
    words: int = 60  # show so many words of it
    above: Text = ""  # above everything: why it is shown


@dataclass(frozen=True)
class Facts(Block):
    """Names and values; those without a value are left out."""

    items: tuple[tuple[Text, Text], ...]

    @property
    def known(self) -> tuple[tuple[Text, Text], ...]:
        """The items that have a value."""
        return tuple((name, value) for name, value in self.items if value)


@dataclass(frozen=True)
class Steps(Block):
    """How something was computed: a word and a sentence for each step."""

    items: tuple[tuple[Text, Text], ...]


@dataclass(frozen=True)
class Details(Block):
    """Blocks that are folded on a page, and left out of a brief report."""

    summary: Text
    blocks: tuple[Block, ...]
    open: bool = False  # whether a page shows them unfolded


@dataclass(frozen=True)
class Command(Block):
    """A command to copy."""

    command: str
    why: Text = ""


@dataclass(frozen=True)
class Raw(Block):
    """A text shown as it is, in a typewriter face."""

    text: str
    label: str
