from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from html.parser import HTMLParser
from importlib.resources import files
from itertools import pairwise
from typing import Any

import pytest

from negspace.report import render_claim, render_lab

VOID = {"meta", "br", "link", "img", "input", "hr", "wbr"}
HOSTILE = (
    "<script>alert(1)</script></style></title><xss-probe onload=alert(2)>--><!-- ]]> \"'><xss-probe xss='1 "
    "{{ 7*7 }} {% raw %} {# c #} $\\frac{1}{2}$ &amp; &lt; \x00 \x1b[31m \u202e\u2066 \u200b\ufeff \ud800 "
    + "W"
    * 3000
)
KEPT = {"outcome", "source", "groups_source", "how", "schema", "verdict", "kind", "no less", "more"}


class Page(HTMLParser):
    """Elements with their attributes, text by enclosing element, and whether tags balance."""

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
        if tag not in VOID:
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
        return "".join(data for tag, data in self.text if tag != "style")

    def words(self) -> str:
        """What is said, elements apart by a space."""
        joined = " ".join(data for tag, data in self.text if tag != "style")
        return " ".join(joined.replace("\u00a0", " ").split())

    def within(self, tag: str) -> str:
        return "".join(data for name, data in self.text if name == tag)


def hostile(value: Any, key: str = "") -> Any:
    """The same summary with every text of the user's turned against the page."""
    if isinstance(value, dict):
        poisoned = {k: hostile(v, k) for k, v in value.items()}
        return {f"{HOSTILE}{k}": v for k, v in poisoned.items()} if key == "labels" else poisoned
    if isinstance(value, list):
        return [hostile(item, key) for item in value]
    return f"{HOSTILE} {value}" if isinstance(value, str) and not {key, value} & KEPT else value


@pytest.fixture(
    params=[
        "claim",
        "bare claim",
        "large claim",
        "hostile claim",
        "lab",
    ],
    scope="module",
)
def html(
    request: pytest.FixtureRequest,
    make_claim: Callable[..., dict[str, Any]],
    make_bare_claim: Callable[[], dict[str, Any]],
    make_large_claim: Callable[..., dict[str, Any]],
) -> str:
    """Every kind of page, from every kind of summary."""
    claim = make_claim()
    return {
        "claim": lambda: render_claim(claim),
        "bare claim": lambda: render_claim(make_bare_claim()),
        "large claim": lambda: render_claim(make_large_claim(3, 4, 3)),
        "hostile claim": lambda: render_claim(hostile(claim)),
        "lab": lambda: render_lab([claim, hostile(claim), make_bare_claim()], {"invariant": "//evil/x"}),
    }[request.param]()


def test_tags_balance(html: str) -> None:
    assert Page(html).faults == []


def test_nothing_is_asked_of_the_network(html: str) -> None:
    page = Page(html)
    for tag, attrs in page.elements:
        assert not {"src", "srcset", "action", "poster", "data", "background", "ping"} & set(attrs), tag
        for key in ("href", "xlink:href"):
            assert (attrs.get(key) or "#").startswith(("#", "./")), attrs
        for reference in re.findall(r"url\(([^)]*)\)", attrs.get("style") or ""):
            assert reference.startswith("#")
    assert "@import" not in page.within("style")
    assert "url(" not in page.within("style")
    assert not {"script", "link", "iframe", "object", "embed", "base", "form", "img"} & {
        t for t, _ in page.elements
    }


def test_ids_are_unique_and_references_lead_somewhere(html: str) -> None:
    page = Page(html)
    ids = Counter(attrs["id"] for _, attrs in page.elements if "id" in attrs)
    assert [name for name, n in ids.items() if n > 1] == []
    for _, attrs in page.elements:
        wanted = re.findall(r"url\(#([^)]*)\)", f"{attrs.get('style')} {attrs.get('clip-path')}")
        if (attrs.get("href") or "").startswith("#"):
            wanted.append((attrs["href"] or "")[1:])
        assert set(wanted) <= set(ids)


def test_hostile_text_of_a_claim_makes_no_element(claim: dict[str, Any]) -> None:
    poisoned = hostile(claim)
    for html in (render_claim(poisoned), render_lab([poisoned])):
        page = Page(html)
        tags = {tag for tag, _ in page.elements}
        assert not tags & {"xss-probe", "script"}
        assert len(page.named("style")) == 1
        assert not [a for _, attrs in page.elements for a in attrs if a.startswith("on") or "xss" in a]
        assert "<script>alert(1)</script>" in page.said()
        assert "{{ 7*7 }} {% raw %} {# c #}" in page.said()
        assert not re.search("[\x00-\x08\x0b-\x1f\u200b\u202a-\u202e\u2066-\u2069\ufeff]", html)
        html.encode("utf-8")


def test_templates_never_switch_escaping_off() -> None:
    folder = files("negspace.report") / "templates"
    for template in folder.iterdir():
        source = template.read_text(encoding="utf-8")
        assert not re.search(r"\|\s*safe\b|autoescape\s+false|Markup", source), template.name


def test_the_page_is_accessible(claim: dict[str, Any]) -> None:
    for html in (render_claim(claim), render_lab([claim])):
        page = Page(html)
        assert page.named("html")[0]["lang"] == "en"
        assert page.within("title").strip()
        levels = [int(tag[1]) for tag, _ in page.elements if re.fullmatch(r"h[1-6]", tag)]
        assert levels[0] == 1
        assert levels.count(1) == 1
        assert all(b <= a + 1 for a, b in pairwise(levels))
        assert all(svg.get("aria-hidden") == "true" or svg.get("aria-label") for svg in page.named("svg"))
        assert all(th.get("scope") in {"row", "col", "rowgroup"} for th in page.named("th"))
        assert {"header", "main", "footer"} <= {tag for tag, _ in page.elements}
        viewport = [m["content"] for m in page.named("meta") if m.get("name") == "viewport"]
        assert viewport == ["width=device-width, initial-scale=1"]


def luminance(colour: str) -> float:
    channels = (int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5))
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    """Contrast ratio of two colours (WCAG 2.2, success criterion 1.4.3)."""
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def test_colours_contrast_in_both_schemes() -> None:
    css = (files("negspace.report") / "templates" / "style.css").read_text(encoding="utf-8")
    schemes = [
        dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", block))
        for block in re.findall(r":root \{(.*?)\}", css, re.S)
    ]
    assert len(schemes) == 2
    for scheme in schemes:
        for text in ("ink", "soft", "accent", "warn", "series-2", "series-3"):
            assert contrast(scheme[text], scheme["paper"]) >= 4.5, text
        assert contrast(scheme["mark-ink"], scheme["mark"]) >= 4.5
