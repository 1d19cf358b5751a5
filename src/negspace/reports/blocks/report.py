"""A whole report, and the registry of sections that other packages add to it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol, runtime_checkable

from negspace.registry import Registry
from negspace.reports.blocks.figures import Metrics, Verdict
from negspace.reports.blocks.prose import Block, Headline, Section, Span, Text, Warnings


@runtime_checkable
class ReportSection(Protocol):
    """Makes a section from the result of a command."""

    @property
    def command(self) -> str:
        """The command whose report gets the section: ``audit``, ``mine``, ``curate``, …."""
        ...

    def __call__(self, result: Any) -> Section | None:
        """Make the section from what the command's Python function returns; None for no section."""
        ...


REPORT_SECTIONS: Registry[ReportSection] = Registry(
    "report section", group="negspace.report_sections", package="negspace.reports.sections"
)
"""Sections that reports get besides their own."""


def sections_for(command: str) -> dict[str, ReportSection]:
    """The registered sections of a command's report, by name."""
    known = {name: entry.target for name, entry in REPORT_SECTIONS.entries.items()}
    return {name: each for name, each in known.items() if each.command == command}


@dataclass(frozen=True)
class Report:
    """Everything that a command found, ready for any writer."""

    kind: Text  # what kind of report it is, above the title
    title: str
    headline: Headline | None = None  # the finding. None where the first verdict of ``top`` is the finding
    subtitle: Text = ""  # below the title: sizes, learner, seeds
    intro: tuple[Block, ...] = ()  # paragraphs in the head of the page
    top: tuple[Block, ...] = ()  # before the first section: verdicts and metrics
    sections: tuple[Section, ...] = ()
    # get a section of their own and a link in the head; None for a report that never warns
    warnings: tuple[str, ...] | None = ()
    method: Section | None = None  # the last section: how it was computed
    # what a brief terminal report shows between headline and warnings; None for the metrics
    brief: tuple[Block, ...] | None = None
    # what a notebook shows under the headline; None for the metrics
    notebook: tuple[Block, ...] | None = None
    footer: Text = ""
    back: Span | None = None  # above the title: the page that this one belongs to
    # pages that belong to this one, by path beside it
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
        sections = list(self.sections)
        if self.warnings:
            sections.append(Section("Warnings", (Warnings(self.warnings),), id="warnings"))
        elif self.warnings is not None:
            sections.append(Section("Warnings", intro="None.", id="warnings"))
        return (*sections, self.method) if self.method is not None else tuple(sections)

    def metrics(self) -> tuple[Block, ...]:
        """The metrics at the top."""
        return tuple(block for block in self.top if isinstance(block, Metrics))

    def with_sections(self, sections: Sequence[Section | None]) -> Report:
        """The same report with further sections before its warnings; None among them is left out."""
        return replace(self, sections=(*self.sections, *(each for each in sections if each is not None)))

    def with_registered(self, command: str, result: object) -> Report:
        """The same report with the sections of `REPORT_SECTIONS` for a command, made from its result."""
        return self.with_sections([make(result) for make in sections_for(command).values()])


class Reported(ABC):
    """A result that makes a report of itself, and shows it in a notebook."""

    @abstractmethod
    def report(self) -> Report:
        """What the page and the terminal show."""

    def _repr_html_(self) -> str:
        from negspace.reports.html import render_notebook

        return render_notebook(self.report())
