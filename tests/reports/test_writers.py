"""Every block through every writer: well-formed, accessible, and closed to what a user's text may hold."""

from __future__ import annotations

import base64
import hashlib
import inspect
import io
import re
from collections import Counter
from itertools import pairwise

import pytest
from markupsafe import Markup
from rich.console import Console

from negspace.reports import blocks as b
from negspace.reports.charts import effect_chart, seeds_chart, strip_axis, strip_limits
from negspace.reports.html import render_notebook, render_page, render_pages
from negspace.reports.markdown import render_markdown
from negspace.reports.terminal import brief_report, full_report

from ..html_page import Page

HOSTILE = (
    "<script>alert(1)</script></style></title><xss-probe onload=alert(2)>--><!-- ]]> \"'><xss-probe xss='1 "
    "{{ 7*7 }} {% raw %} {# c #} $\\frac{1}{2}$ &amp; &lt; \x00 \x1b[31m \u202e\u2066 \u200b\ufeff \ud800 "
    "\u2028 | `x` [a](http://evil.example) @someone https://evil.example www.evil.example </SCRIPT "
)
UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\u200b\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")
WRITTEN = [
    kind
    for _, kind in inspect.getmembers(b, inspect.isclass)
    if issubclass(kind, b.Block) and kind is not b.Block
]


def sample(word: str) -> b.Report:
    """A report with every block, each of its texts being ``word``."""
    ends = strip_limits([0.2, 0.4], [(0.1, 0.5)]) or (0.0, 1.0)
    chart = effect_chart(0.1, (0.05, 0.15), 0.05, per_seed=(0.1, 0.2), published=0.3)
    seeds = seeds_chart(
        (0.2, 0.4, None), (0, 1, 2), 0.3, (0.1, 0.5), ends, word, published=(0.3, 0.1), lanes=3
    )
    assert chart is not None
    assert seeds is not None
    text: b.Text = (
        word,
        b.given(word),
        b.strong(word),
        b.soft(word),
        b.code(word),
        b.link(word, f"//{word}"),
        b.outcome("refuted", word),
        b.mark(b.Mark("effect")),
        b.Span(word, "small"),
    )
    table = b.Table(
        (text, b.Column(word, "right"), b.Column(text, spare=True)),
        (
            b.Group(text, text),
            (text, word, b.Cell(text, (text, word), tone="warn", strong=True, indent=True, rank=0.3)),
            (word, "1", "2"),
        ),
        caption=text,
        brief=1,
    )
    pair = b.TextPair(
        b.Side(f"{word} one two", text, text), b.Side(f"{word} one three", text), text, text, text, tight=True
    )
    metric = b.Metric(word, word, word, word, text, word, range=(0.5, 0.4, 0.6), key=True)
    card = b.Verdict(
        text, "supported", word, text, chart, text, ((word, text),), text, text, b.link(word, word)
    )
    tokens = b.TokenMap(
        (b.Token(word, 1, text, ((word, word),)), b.Token("\n", None, text), b.Token(" ", 0, word)),
        ("low", "high"),
        word,
        word,
        word,
    )
    explorer = b.Explorer(
        ((word, word),),
        (b.ExplorerRow(0, word, word, 3, word, (1.5,), word),),
        ((word, b.Mark("circle")),),
        (table,),
    )
    everything: tuple[b.Block, ...] = (
        b.Headline(text, word, "supported", text, text),
        b.Metrics((metric, b.Metric(word, "–", note=word, missing=True)), word),
        b.Section(text, (b.Paragraph(text, "small"),), text, id="part"),
        b.Paragraph(text, "reading"),
        b.Bullets((text, word)),
        b.Banner(text),
        b.Warnings((text, word)),
        table,
        b.Key(tuple((b.Mark(shape), text) for shape in ("circle", "mean", "hollow", "band", "dot"))),
        b.Chart(word, chart.draw, (b.Paragraph(text),), plain=table),
        b.Chart(
            word, chart.draw, (), text, text, b.Key(((None, text),)), text, text, (word,) * 6, (1.0, 2.0)
        ),
        b.Panels((chart, table), "start"),
        b.Strips(text, (b.Strip(text, text, seeds, word), b.Strip(word, word, None)), strip_axis(ends), text),
        b.Shares(
            (b.Share(word, "3", 0.3, "30 %", "accent", text), b.Share(word, "0", 0.0, "0", "warn")),
            (word,) * 3,
            word,
        ),
        pair,
        b.Quote(word, text, text, text, above=text),
        b.Facts(((text, word), (word, text), (word, ""))),
        b.Steps(((text, text),)),
        card,
        b.Cards((card, card)),
        b.Tally((("supported", word), ("refuted", word))),
        b.Details(text, (table, pair), open=True),
        b.Command(word, text),
        b.Raw(word, word),
        tokens,
        explorer,
    )
    return b.Report(
        kind=text,
        title=word,
        headline=b.Headline(text, word, "refuted", text, text),
        subtitle=text,
        intro=(b.Paragraph(text),),
        top=(b.Metrics((metric,)), card),
        sections=(b.Section(text, everything, text),),
        warnings=(word, word),
        method=b.Section(word, (b.Facts(((word, word),)),)),
        notebook=(*(block for block in everything if not isinstance(block, b.Explorer)),),
        footer=text,
        back=b.link(word, "../report.html"),
        pages={"pages/1.html": b.Report(word, word, warnings=None)},
    )


def shown(renderable: object, encoding: str = "utf-8") -> str:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding=encoding, errors="strict", newline="")
    Console(file=stream, width=80).print(renderable)
    stream.flush()
    return raw.getvalue().decode(encoding)


@pytest.fixture(scope="module", params=["word", HOSTILE, "שלום"])
def report(request: pytest.FixtureRequest) -> b.Report:
    return sample(request.param)


def test_the_sample_has_every_block() -> None:
    found: set[type] = set()

    def walk(value: object) -> None:
        if isinstance(value, b.Block):
            found.add(type(value))
        if isinstance(value, b.Block | b.Report):
            for each in vars(value).values():
                walk(each)
        elif isinstance(value, tuple):
            for each in value:
                walk(each)

    walk(sample("x"))
    assert found == set(WRITTEN)


def test_pages_are_well_formed_closed_and_accessible(report: b.Report) -> None:
    html = render_page(report)
    page = Page(html)
    assert page.faults == []
    ids = Counter(attrs["id"] for _, attrs in page.elements if "id" in attrs)
    assert [name for name, n in ids.items() if n > 1] == []
    for tag, attrs in page.elements:
        assert not {"src", "srcset", "action", "poster", "data", "background"} & set(attrs), tag
        assert (attrs.get("href") or "#").startswith(("#", "./"))
        if (attrs.get("href") or "").startswith("#"):
            assert (attrs["href"] or "")[1:] in ids
        wanted = re.findall(r"url\(#([^)]*)\)", f"{attrs.get('style')} {attrs.get('clip-path')}")
        assert set(wanted) <= set(ids)
    assert not {"link", "iframe", "object", "embed", "base", "form", "img"} & {t for t, _ in page.elements}
    levels = [int(tag[1]) for tag, _ in page.elements if re.fullmatch(r"h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    assert all(svg.get("aria-hidden") == "true" or svg.get("aria-label") for svg in page.named("svg"))
    assert all(th.get("scope") in {"row", "col", "rowgroup"} for th in page.named("th"))
    assert page.named("html")[0]["lang"] == "en"
    assert html == render_page(report)


def test_hostile_text_stays_text_on_pages_and_in_notebooks() -> None:
    hostile, tame = sample(HOSTILE), sample("word")
    for writer in (render_page, render_notebook):
        html = writer(hostile)
        page, other = Page(html), Page(writer(tame))
        assert page.faults == []
        assert Counter(tag for tag, _ in page.elements)["xss-probe"] == 0
        # The same elements as with tame words, but for what the comparison of two texts marks and clips.
        assert {tag for tag, _ in page.elements} - {tag for tag, _ in other.elements} <= {"i", "span"}
        assert not [a for _, attrs in page.elements for a in attrs if a.startswith("on") or "xss" in a]
        assert not UNSEEN.search(html)
        assert "<script>alert(1)</script>" in page.said()
        assert "{{ 7*7 }} {% raw %} {# c #}" in page.said()
        assert "$\\frac{1}{2}$ &amp; &lt; ␀ ␛[31m ⟨U+202E⟩⟨U+2066⟩" in page.said()
        html.encode("utf-8")


def test_the_policy_names_the_only_script() -> None:
    html = render_page(sample("word"))
    page = Page(html)
    policy = next(meta["content"] for meta in page.named("meta") if meta.get("http-equiv")) or ""
    kinds = [attrs.get("type") for attrs in page.named("script")]
    assert sorted(map(str, kinds)) == ["None", "application/json"]
    run = html.rsplit("<script>", 1)[1].split("</script>", 1)[0]
    digest = base64.b64encode(hashlib.sha256(run.encode()).digest()).decode()
    assert (
        policy
        == f"default-src 'none'; script-src 'sha256-{digest}'; style-src 'unsafe-inline'; img-src data:"
    )
    bare = Page(render_page(b.Report("kind", "title")))
    policies = [meta["content"] for meta in bare.named("meta") if meta.get("http-equiv")]
    assert policies == ["default-src 'none'; style-src 'unsafe-inline'; img-src data:"]
    assert bare.named("script") == []


def test_notebook_blocks_bring_no_rule_that_could_reach_the_notebook(report: b.Report) -> None:
    tags = {tag for tag, _ in Page(render_notebook(report)).elements}
    assert not tags & {"style", "html", "body", "head", "meta", "script"}


def test_the_terminal_shows_every_block_in_80_columns(report: b.Report) -> None:
    for renderable in (brief_report(report, {"Report": "out/report.html"}), full_report(report)):
        lines = shown(renderable).splitlines()
        assert max(len(line) for line in lines) <= 80 or "שלום" in "".join(lines)
        assert not UNSEEN.search("".join(lines))


def test_the_words_of_this_package_need_no_unicode() -> None:
    shown(brief_report(sample("word \u00a0−–“”")), "ascii")


def test_markdown_of_a_hostile_text_is_text() -> None:
    said = render_markdown(sample(HOSTILE))
    # What stands in code is text already: fenced blocks, and spans between runs of as many backticks.
    unfenced = re.sub(r"(?ms)^(`{3,})\n.*?\n\1$", "", said)
    outside = re.sub(r"(?<![\\`])(`+)(?!`)[^\n]*?(?<!`)\1(?!`)", "", unfenced)
    assert not re.search(r"<(?!(/?details|/?summary|/?code|br|!-- -->|\./))[^>]", outside)
    links = re.compile(r"(?<!\\)\[(?:[^\]\\]|\\.)*\]\(<\./[^<>\s]*>\)")
    assert links.search(outside)
    assert not re.search(r"@someone|https?://|www\.evil|(?<!\\)\[", links.sub("", outside))
    assert not UNSEEN.search(said)


def test_tables_in_markdown_have_as_many_cells_as_columns() -> None:
    for word in ("word", HOSTILE):
        blocks = re.findall(r"(?m)(?:^\|.*\|$\n?)+", render_markdown(sample(word)))
        assert blocks
        for block in blocks:
            assert len({len(re.findall(r"(?<!\\)\|", line)) for line in block.splitlines()}) == 1


def test_pages_that_belong_to_a_report_follow_it() -> None:
    pages = dict(render_pages(sample("word")))
    assert list(pages) == ["report.html", "pages/1.html"]
    assert all(page.startswith("<!doctype html>") for page in pages.values())


def test_further_sections_stand_before_the_warnings() -> None:
    report = sample("word").with_sections([None, b.Section("From elsewhere")])
    titles = [section.title for section in report.body]
    assert titles.index("From elsewhere") == titles.index("Warnings") - 1


def test_charts_are_drawn_for_pages_only() -> None:
    def never(name: str, alt: str) -> Markup:
        raise AssertionError(f"drew {name}: {alt}")

    report = b.Report("kind", "title", sections=(b.Section("s", (b.Chart("What it shows.", never),)),))
    assert "What it shows." in shown(full_report(report))
    assert "What it shows." in render_markdown(report)
    with pytest.raises(AssertionError, match="drew"):
        render_page(report)
