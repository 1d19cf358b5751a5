"""What a report is made of: frozen blocks that know words and numbers, and nothing of any command.

Text that is shown is a ``str``, a :class:`Span`, or a tuple of both. A ``str`` needs no escaping and no
cleaning: each writer escapes it for its format and makes invisible characters visible. Use :func:`given` for
a user's words inside a sentence, so that their direction cannot reorder ours.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, TypeAlias

from markupsafe import Markup

__all__ = [
    "Align",
    "Banner",
    "Block",
    "Bullets",
    "Cards",
    "Cell",
    "Chart",
    "Column",
    "Command",
    "Details",
    "Explorer",
    "ExplorerRow",
    "Facts",
    "Group",
    "Headline",
    "Key",
    "Mark",
    "Metric",
    "Metrics",
    "Panels",
    "Paragraph",
    "Quote",
    "Raw",
    "Report",
    "Section",
    "Share",
    "Shares",
    "Side",
    "Span",
    "Steps",
    "Strip",
    "Strips",
    "Table",
    "Tally",
    "Text",
    "TextPair",
    "Token",
    "TokenMap",
    "Tone",
    "Verdict",
    "Warnings",
    "code",
    "given",
    "link",
    "mark",
    "numeric",
    "outcome",
    "pieces",
    "plain",
    "soft",
    "strong",
]

Align: TypeAlias = Literal["left", "right"]
Tone: TypeAlias = Literal["", "supported", "refuted", "inconclusive", "warn", "soft"]
Shape: TypeAlias = Literal[
    "circle", "diamond", "triangle", "square", "hollow", "dot", "mean", "effect", "band"
]
Draw: TypeAlias = Callable[[str, str], Markup]
"""Makes the SVG of a chart from the start of its ids and its text alternative."""


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
        text: The words.
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


@dataclass(frozen=True)
class Headline(Block):
    """What the reader must know, first.

    Attributes:
        sentence: The finding, or the question that ``word`` answers.
        word: One word in the tone's colour before it: ``Supported``.
        tone: Of the finding.
        detail: The numbers behind it.
        next: What to do next.
    """

    sentence: Text
    word: str = ""
    tone: Tone = ""
    detail: Text = ""
    next: Text = ""


@dataclass(frozen=True)
class Metric:
    """One number with what it says.

    Attributes:
        name: What is measured.
        value: In words: ``86.9 %``.
        unit: Where it is not part of ``value``: ``points``.
        interval: In words; empty where there is none.
        note: What the number says, or why there is none.
        n: On how much it rests: ``488 rows``.
        missing: There is no number, and ``note`` says why.
        key: The number that the verdict is about.
        range: Mean, low and high as shares, drawn as a bar in the terminal.
    """

    name: str
    value: str
    unit: str = ""
    interval: str = ""
    note: Text = ""
    n: str = ""
    missing: bool = False
    key: bool = False
    range: tuple[float, float, float] | None = None


@dataclass(frozen=True)
class Metrics(Block):
    """Numbers side by side.

    Attributes:
        items: At best four.
        level: Level of their intervals.
    """

    items: tuple[Metric, ...]
    level: str = "95\u00a0%"


@dataclass(frozen=True)
class Section(Block):
    """A heading and what stands under it; sections nest.

    Attributes:
        title: The heading.
        blocks: What follows.
        intro: The first paragraph, which says how to read the rest.
        id: For links to it.
    """

    title: Text
    blocks: tuple[Block, ...] = ()
    intro: Text = ""
    id: str = ""


@dataclass(frozen=True)
class Paragraph(Block):
    """A paragraph.

    Attributes:
        text: The words.
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
class Column:
    """A column of a table.

    Attributes:
        name: Its heading.
        align: ``right`` for numbers.
        spare: May be left out where the screen is narrow.
    """

    name: Text
    align: Align = "left"
    spare: bool = False


def numeric(*names: Text) -> tuple[Column, ...]:
    """Columns of numbers."""
    return tuple(Column(name, "right") for name in names)


@dataclass(frozen=True)
class Cell:
    """A cell that is more than a text.

    Attributes:
        text: The words.
        under: Smaller lines below: an interval, a unit, outcomes.
        tone: Colour.
        strong: Whether it stands out.
        indent: Whether it belongs to the row above.
        rank: A share from 0 to 1, drawn as a dot on a line before the text.
    """

    text: Text = ""
    under: tuple[Text, ...] = ()
    tone: Tone = ""
    strong: bool = False
    indent: bool = False
    rank: float | None = None


@dataclass(frozen=True)
class Group:
    """A row that names the rows below it.

    Attributes:
        title: Its name.
        under: What it is.
    """

    title: Text
    under: Text = ""


Row: TypeAlias = tuple[Text | Cell, ...]


@dataclass(frozen=True)
class Table(Block):
    """A table. In the terminal and in Markdown too.

    Attributes:
        columns: Columns; a text stands for a left-aligned one.
        rows: One text or :class:`Cell` a column, or a :class:`Group` over the rows that follow.
        caption: Above the table.
        label: Its name for screen readers, where there is no caption.
        style: ``dense`` for many numbers, ``compact`` for a table that should fit a phone.
        head: Position of the column that names the rows; None where none does.
        brief: Rows shown in a brief terminal report; None for all.
    """

    columns: tuple[Column | Text, ...]
    rows: tuple[Row | Group, ...]
    caption: Text = ""
    label: str = ""
    style: Literal["", "compact", "dense"] = ""
    head: int | None = 0
    brief: int | None = None

    @property
    def heads(self) -> tuple[Column, ...]:
        """The columns, each as a :class:`Column`."""
        return tuple(each if isinstance(each, Column) else Column(each) for each in self.columns)

    def select(self, *columns: int) -> Table:
        """The same table with some of its columns."""
        rows = tuple(row if isinstance(row, Group) else tuple(row[at] for at in columns) for row in self.rows)
        head = columns.index(self.head) if self.head in columns else None
        return replace(self, columns=tuple(self.columns[at] for at in columns), rows=rows, head=head)


@dataclass(frozen=True)
class Key(Block):
    """A legend.

    Attributes:
        items: A sign (None for a remark without one) and what it stands for.
        across: On one line, where it explains several charts.
    """

    items: tuple[tuple[Mark | None, Text], ...]
    across: bool = False


@dataclass(frozen=True)
class Chart(Block):
    """A drawing.

    Attributes:
        alt: What it shows, in a sentence with its numbers; the terminal and Markdown print this.
        draw: Makes the SVG from a name that starts its ids and from ``alt``; called by the HTML writer only,
            so that nothing else pays for matplotlib.
        notes: How to read it, beside it; with these it is a figure, without a panel.
        title: Above it, the user's words allowed (a drawing holds none).
        subtitle: Beside the title.
        key: Its legend, above it.
        y_name: Name of the upright axis.
        x_name: Name of the other one.
        ticks: Names of the places at the lower axis, where they are the user's words.
        margins: What lies left and right of the axis, in per cent of the width.
        plain: Its numbers as a table, for the terminal and Markdown.
    """

    alt: str
    draw: Draw
    notes: tuple[Block, ...] = ()
    title: Text = ""
    subtitle: Text = ""
    key: Key | None = None
    y_name: Text = ""
    x_name: Text = ""
    ticks: tuple[Text, ...] = ()
    margins: tuple[float, float] = (0.0, 0.0)
    plain: Table | None = None


@dataclass(frozen=True)
class Panels(Block):
    """Blocks side by side, two a row.

    Attributes:
        blocks: Charts or tables.
        align: Whether they stand on one line (``end``) or hang from one (``start``).
    """

    blocks: tuple[Block, ...]
    align: Literal["end", "start"] = "end"


@dataclass(frozen=True)
class Strip:
    """A row of :class:`Strips`.

    Attributes:
        name: What it shows.
        value: Its number in words.
        chart: The drawing; None where there is no number.
        note: Beside the name.
    """

    name: Text
    value: Text
    chart: Chart | None
    note: str = ""


@dataclass(frozen=True)
class Strips(Block):
    """Flat drawings one below the other, on one axis.

    Attributes:
        title: What is measured.
        rows: The drawings.
        axis: The axis under them.
        note: How to read them.
    """

    title: Text
    rows: tuple[Strip, ...]
    axis: Chart
    note: Text = ""


@dataclass(frozen=True)
class Share:
    """A part of a whole.

    Attributes:
        name: What it is called.
        count: In words.
        share: From 0 to 1.
        said: The share in words.
        colour: Of the bar: ``accent``, ``series-2``, ``warn`` or ``line``.
        meaning: What the part is.
        sign: Shown before the name in place of a patch of the colour.
    """

    name: str
    count: str
    share: float
    said: str
    colour: str
    meaning: Text = ""
    sign: Mark | None = None


@dataclass(frozen=True)
class Shares(Block):
    """Parts of a whole, as a bar and a table.

    Attributes:
        parts: The parts.
        columns: Headings of the table.
        label: What the whole is, for screen readers.
    """

    parts: tuple[Share, ...]
    columns: tuple[str, str, str]
    label: str


@dataclass(frozen=True)
class Side:
    """One of two compared texts.

    Attributes:
        text: The text, whole.
        label: What it is.
        note: Beside the label.
    """

    text: str
    label: Text
    note: Text = ""


@dataclass(frozen=True)
class TextPair(Block):
    """Two texts, compared word by word and abridged around what differs.

    Attributes:
        left: One text.
        right: The other.
        caption: Above them.
        note: Below them.
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
        text: The text.
        label: What it is.
        note: Beside the label.
        remark: Below the text.
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
    """Names and values; those without a value are left out.

    Attributes:
        items: Name and value.
    """

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
class Verdict(Block):
    """A question with its answer and the numbers that decided it.

    Attributes:
        question: What was asked.
        outcome: Decides the sign and the colour.
        answer: The outcome in words: ``Supported: yes``.
        reason: The numbers.
        chart: The effect against the margin.
        reading: How to read the chart.
        figures: Terms and values in a row.
        next: What to do next.
        name: Whose verdict it is.
        link: Where more of it stands.
    """

    question: Text
    outcome: Tone
    answer: str
    reason: Text = ""
    chart: Chart | None = None
    reading: Text = ""
    figures: tuple[tuple[str, Text], ...] = ()
    next: Text = ""
    name: Text = ""
    link: Span | None = None

    def headline(self) -> Headline:
        """The verdict in short: ``Supported  Is the gap larger than 5 points?``."""
        return Headline(
            self.question,
            word=self.answer.partition(":")[0],
            tone=self.outcome,
            detail=self.reason,
            next=self.next,
        )


@dataclass(frozen=True)
class Cards(Block):
    """Verdicts side by side."""

    items: tuple[Verdict, ...]


@dataclass(frozen=True)
class Tally(Block):
    """How many verdicts came out how: tone and words (``3 supported``)."""

    items: tuple[tuple[Tone, str], ...]


@dataclass(frozen=True)
class Details(Block):
    """Blocks that are folded on a page, and left out of a brief report.

    Attributes:
        summary: The line that unfolds them.
        blocks: What is folded.
        open: Whether a page shows them unfolded.
    """

    summary: Text
    blocks: tuple[Block, ...]
    open: bool = False


@dataclass(frozen=True)
class Command(Block):
    """A command to copy.

    Attributes:
        command: As it is typed.
        why: What it does, above it.
    """

    command: str
    why: Text = ""


@dataclass(frozen=True)
class Raw(Block):
    """A text shown as it is, in a typewriter face.

    Attributes:
        text: The text.
        label: Its name for screen readers.
    """

    text: str
    label: str


@dataclass(frozen=True)
class Token:
    """A token of a :class:`TokenMap`.

    Attributes:
        text: As it stands in the text; line breaks and spaces alone are shown by signs.
        step: Position of its colour, 0 the palest; None where it has no value.
        tip: What is said of it when it is pointed at; the token itself is named before.
        rivals: Names and numbers below the tip.
    """

    text: str
    step: int | None
    tip: Text
    rivals: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class TokenMap(Block):
    """A text coloured token by token.

    Attributes:
        tokens: The tokens.
        legend: For each colour, from the palest, the values that have it; empty where nothing is coloured.
        without: What a token without a value is.
        label: What the colours are, for screen readers.
        rivals: Words before the rivals: ``pushes down``.
    """

    tokens: tuple[Token, ...]
    legend: tuple[str, ...] = ()
    without: str = ""
    label: str = ""
    rivals: str = ""


@dataclass(frozen=True)
class ExplorerRow:
    """A row of an :class:`Explorer`.

    Attributes:
        number: Decides the order of equals.
        place: Its name.
        excerpt: What it begins with.
        tokens: Its length.
        role: Its group, or None.
        values: One a column; None where nothing was measured.
        page: Path of its own page, or empty.
    """

    number: int
    place: str
    excerpt: str
    tokens: int
    role: str | None
    values: tuple[float | None, ...]
    page: str = ""


@dataclass(frozen=True)
class Explorer(Block):
    """Thousands of rows to sort, search and filter; at most one a page.

    Attributes:
        columns: Name and unit of each measure.
        rows: The rows.
        roles: The groups, each with its sign.
        plain: Shown in its place where no script runs, in the terminal and in Markdown.
    """

    columns: tuple[tuple[str, str], ...]
    rows: tuple[ExplorerRow, ...]
    roles: tuple[tuple[str, Mark], ...] = ()
    plain: tuple[Block, ...] = ()


@dataclass(frozen=True)
class Report:
    """Everything that a command found, ready for any writer.

    Attributes:
        kind: What kind of report it is, above the title.
        title: The title of the page.
        headline: The finding. None where the first verdict of ``top`` is the finding.
        subtitle: Below the title: sizes, learner, seeds.
        intro: Paragraphs in the head of the page.
        top: Before the first section: verdicts and metrics.
        sections: The body.
        warnings: Get a section of their own and a link in the head; None for a report that never warns.
        method: The last section: how it was computed.
        brief: What a brief terminal report shows between headline and warnings; None for the metrics.
        notebook: What a notebook shows under the headline; None for the metrics.
        footer: The last line of the page.
        back: Above the title: the page that this one belongs to.
        pages: Pages that belong to this one, by path beside it.
    """

    kind: Text
    title: str
    headline: Headline | None = None
    subtitle: Text = ""
    intro: tuple[Block, ...] = ()
    top: tuple[Block, ...] = ()
    sections: tuple[Section, ...] = ()
    warnings: tuple[str, ...] | None = ()
    method: Section | None = None
    brief: tuple[Block, ...] | None = None
    notebook: tuple[Block, ...] | None = None
    footer: Text = ""
    back: Span | None = None
    pages: Mapping[str, Report] = field(default_factory=dict)

    @property
    def finding(self) -> Headline:
        """The headline; without one the first verdict, and without that the title."""
        if self.headline is not None:
            return self.headline
        first = next((block for block in self.top if isinstance(block, Verdict)), None)
        return Headline(self.title) if first is None else first.headline()

    @property
    def body(self) -> tuple[Section, ...]:
        """All sections in order, the warnings and the method among them."""
        return tuple(self._sections())

    def _sections(self) -> Iterator[Section]:
        yield from self.sections
        if self.warnings is not None:
            if self.warnings:
                yield Section("Warnings", (Warnings(self.warnings),), id="warnings")
            else:
                yield Section("Warnings", intro="None.", id="warnings")
        if self.method is not None:
            yield self.method

    def metrics(self) -> tuple[Block, ...]:
        """The metrics at the top."""
        return tuple(block for block in self.top if isinstance(block, Metrics))

    def with_sections(self, sections: Sequence[Section | None]) -> Report:
        """The same report with further sections before its warnings; None among them is left out.

        A section may come from another package, registered under ``negspace.report_sections``.
        """
        return replace(self, sections=(*self.sections, *(each for each in sections if each is not None)))
