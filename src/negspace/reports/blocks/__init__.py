"""What a report is made of: frozen blocks that know words and numbers, and nothing of any command.

Text that is shown is a ``str``, a :class:`Span`, or a tuple of both. A ``str`` needs no escaping and no
cleaning: each writer escapes it for its format and makes invisible characters visible. Use :func:`given` for
a user's words inside a sentence, so that their direction cannot reorder ours.
"""

from __future__ import annotations

from negspace.reports.blocks.figures import (
    Align,
    Cards,
    Cell,
    Chart,
    Column,
    Draw,
    Explorer,
    ExplorerRow,
    Group,
    Key,
    Metric,
    Metrics,
    Panels,
    Share,
    Shares,
    Strip,
    Strips,
    Table,
    Tally,
    Token,
    TokenMap,
    Verdict,
    numeric,
)
from negspace.reports.blocks.prose import (
    Banner,
    Block,
    Bullets,
    Command,
    Details,
    Facts,
    Headline,
    Mark,
    Paragraph,
    Quote,
    Raw,
    Section,
    Side,
    Span,
    Steps,
    Text,
    TextPair,
    Tone,
    Warnings,
    code,
    given,
    link,
    mark,
    outcome,
    pieces,
    plain,
    soft,
    strong,
)
from negspace.reports.blocks.report import REPORT_SECTIONS, Report, Reported, ReportSection, sections_for

__all__ = [
    "REPORT_SECTIONS", "Align", "Banner", "Block", "Bullets", "Cards", "Cell", "Chart", "Column", "Command",
    "Details", "Draw", "Explorer", "ExplorerRow", "Facts", "Group", "Headline", "Key", "Mark", "Metric",
    "Metrics", "Panels", "Paragraph", "Quote", "Raw", "Report", "ReportSection", "Reported", "Section",
    "Share", "Shares", "Side", "Span", "Steps", "Strip", "Strips", "Table", "Tally", "Text", "TextPair",
    "Token", "TokenMap", "Tone", "Verdict", "Warnings", "code", "given", "link", "mark", "numeric", "outcome",
    "pieces", "plain", "sections_for", "soft", "strong",
]  # fmt: skip
