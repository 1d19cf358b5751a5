"""A page as tests read it."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import ClassVar

__all__ = ["Page"]


class Page(HTMLParser):
    """Elements with their attributes, text by enclosing element, and whether tags balance.

    Attributes:
        void: Elements that have no end tag; any other one that is left open is a fault.
        unsaid: Elements whose text is not read by people.
    """

    void: ClassVar[frozenset[str]] = frozenset({"meta", "br", "input"})
    unsaid: ClassVar[frozenset[str]] = frozenset({"style", "script"})

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.faults: list[str] = []
        self.text: list[tuple[str, str]] = []
        self.feed(html)
        self.close()
        self.faults += [f"{tag} is left open" for tag in self.open]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in self.void:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open[-1] != tag:
            self.faults.append(f"</{tag}> inside {self.open[-3:]}")
        else:
            self.open.pop()

    def handle_data(self, data: str) -> None:
        self.text.append((self.open[-1] if self.open else "", data))

    def named(self, tag: str) -> list[dict[str, str | None]]:
        return [attrs for name, attrs in self.elements if name == tag]

    def said(self) -> str:
        return "".join(data for tag, data in self.text if tag not in self.unsaid)

    def words(self) -> str:
        """What is said, elements apart by a space."""
        joined = " ".join(data for tag, data in self.text if tag not in self.unsaid)
        return " ".join(joined.replace("\u00a0", " ").split())

    def within(self, tag: str) -> str:
        return "".join(data for name, data in self.text if name == tag)

    def scripts(self) -> list[str]:
        return [data for tag, data in self.text if tag == "script"]
