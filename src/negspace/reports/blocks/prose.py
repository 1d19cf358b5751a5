"""Blocks of words: headings, paragraphs, lists, facts, quoted and compared texts, commands."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from negspace.reports.blocks.text import Block, Text, Tone


@dataclass(frozen=True)
class Headline(Block):
    """What the reader must know, first.

    Attributes:
        sentence: The finding, or the question that ``word`` answers.
        word: One word in the tone's colour before it: ``Supported``.
    """

    sentence: Text
    word: str = ""
    tone: Tone = ""
    detail: Text = ""
    next: Text = ""


@dataclass(frozen=True)
class Section(Block):
    """A heading and what stands under it; sections nest.

    Attributes:
        intro: The first paragraph, which says how to read the rest.
    """

    title: Text
    blocks: tuple[Block, ...] = ()
    intro: Text = ""
    id: str = ""


@dataclass(frozen=True)
class Paragraph(Block):
    """A paragraph.

    Attributes:
        style: ``lead``: how to read what follows. ``small``: an aside. ``reading``: what a chart shows.
    """

    text: Text
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
    """Two texts, compared word by word and abridged around what differs.

    Attributes:
        full: Heading under which the whole texts are folded, where they were abridged; empty for none.
        tight: Keep fewer words around a difference.
    """

    left: Side
    right: Side
    caption: Text = ""
    note: Text = ""
    full: Text = ""
    tight: bool = False


@dataclass(frozen=True)
class Quote(Block):
    """A text of the user's with what is said about it.

    Attributes:
        words: Show so many words of it.
        above: Above everything: why it is shown.
    """

    text: str
    label: Text
    note: Text = ""
    remark: Text = ""
    words: int = 60
    above: Text = ""


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
    """Blocks that are folded on a page, and left out of a brief report.

    Attributes:
        open: Whether a page shows them unfolded.
    """

    summary: Text
    blocks: tuple[Block, ...]
    open: bool = False


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
