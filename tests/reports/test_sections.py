"""Sections that another package adds to the report of a command."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from negspace.reports.blocks import REPORT_SECTIONS, Paragraph, Report, Section, sections_for


class Lines:
    """A section for the report of one command; it has something to say of numbers above 0 only."""

    def __init__(self, command: str) -> None:
        self.command = command

    def __call__(self, result: int) -> Section | None:
        return Section(f"{self.command} {result}", (Paragraph("more"),)) if result else None


@pytest.fixture
def added() -> Iterator[None]:
    for command in ("audit", "mine"):
        REPORT_SECTIONS.add(f"test-{command}", Lines(command))
    yield
    for command in ("audit", "mine"):
        del REPORT_SECTIONS._own[f"test-{command}"]
    REPORT_SECTIONS.__dict__.pop("entries", None)


@pytest.mark.usefixtures("added")
def test_a_report_gets_the_sections_of_its_command_and_no_others() -> None:
    report = Report("kind", "title", sections=(Section("own"),))
    assert list(sections_for("audit")) == ["test-audit"]
    titles = [section.title for section in report.with_registered("audit", 3).sections]
    assert titles == ["own", "audit 3"]
    assert report.with_registered("audit", 0) == report
    assert report.with_registered("prove", 3) == report
