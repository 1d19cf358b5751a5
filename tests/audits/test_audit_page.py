from __future__ import annotations

import copy
import re
from collections import Counter
from collections.abc import Callable
from itertools import pairwise
from types import SimpleNamespace
from typing import Any

import pytest

from .. import html_page

Summary = dict[str, Any]
Make = Callable[..., dict[str, Any]]
Show = SimpleNamespace

HOSTILE = (
    "<script>alert(1)</script></style></title><xss-probe onload=alert(2)>--><!-- ]]> \"'><xss-probe xss='1 "
    "{{ 7*7 }} {% raw %} {# c #} $\\frac{1}{2}$ &amp; &lt; \x00 \x1b[31m \u202e\u2066 \u200b\ufeff \ud800 "
    + "W"
    * 3000
)
KEPT = {"outcome", "source", "groups_source", "how", "schema", "verdict", "kind", "no less", "more"}


class Page(html_page.Page):
    """A page of an audit, which has no script: what stands in one would be said."""

    void = html_page.Page.void | {"link", "img", "hr", "wbr"}
    unsaid = frozenset({"style"})


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
        "audit",
        "comparison",
        "fragment",
        "bare",
        "no easy rows",
        "hostile",
        "hostile pair",
    ],
    scope="module",
)
def html(
    request: pytest.FixtureRequest,
    make_summary: Make,
    make_bare: Make,
    show: Show,
) -> str:
    """Every kind of page, from every kind of summary."""
    summary, bare = make_summary(), make_bare()
    no_easy = summary | {"easy": None, "gap": None}
    poisoned = hostile(summary)
    return {
        "audit": lambda: show.page(summary),
        "comparison": lambda: show.comparison(
            "t", "i", [("a", summary), ("b", bare)], {"a": "a/report.html"}
        ),
        "fragment": lambda: show.notebook(summary),
        "bare": lambda: show.page(bare),
        "no easy rows": lambda: show.page(no_easy),
        "hostile": lambda: show.page(poisoned) + show.notebook(poisoned),
        "hostile pair": lambda: show.comparison(
            HOSTILE,
            HOSTILE,
            [(f"{HOSTILE}1", poisoned), (f"{HOSTILE}2", poisoned), ("javascript", summary)],
            {
                f"{HOSTILE}1": "javascript:alert(1)",
                f"{HOSTILE}2": "//evil.example/x",
                "javascript": "\\\\evil/x",
            },
        ),
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


def test_hostile_text_makes_no_element_and_no_attribute(summary: Summary, show: Show) -> None:
    poisoned = hostile(summary)
    for html, styles in ((show.page(poisoned), 1), (show.notebook(poisoned), 0)):
        page = Page(html)
        tags = Counter(tag for tag, _ in page.elements)
        assert "xss-probe" not in tags
        assert tags["script"] == 0
        assert tags["style"] == styles
        assert tags["title"] == styles + len(summary["seeds"])
        assert not [a for _, attrs in page.elements for a in attrs if a.startswith("on") or "xss" in a]
        # It is there to be read, as it was written.
        assert "<script>alert(1)</script>" in page.said()
        assert "{{ 7*7 }} {% raw %} {# c #}" in page.said()
        assert "$\\frac{1}{2}$ &amp; &lt; ␀ ␛[31m ⟨U+202E⟩⟨U+2066⟩" in page.said()
        assert "xss-probe" not in page.within("style")
        html.encode("utf-8")
        assert not re.search("[\x00-\x08\x0b-\x1f\u200b\u202a-\u202e\u2066-\u2069\ufeff]", html)


def test_every_dataset_text_is_isolated(summary: Summary, show: Show) -> None:
    summary["pairs"] = [dict(summary["pairs"][0], label="שלום", other_label="world")]
    html = show.page(summary)
    assert '<bdi lang="">שלום</bdi>' in html
    assert all(attrs.get("dir") == "auto" for attrs in Page(html).named("blockquote"))


def test_links_lead_only_to_places_beside_the_page(summary: Summary, show: Show) -> None:
    audits = [(name, summary) for name in ("a", "b", "c", "d")]
    links = {
        "a": "before/report.html",
        "b": "javascript:alert(1)",
        "c": "//evil.example/x",
        "d": "\\\\evil\\x",
    }
    found = [a["href"] for a in Page(show.comparison("t", "i", audits, links)).named("a")]
    assert found == ["./before/report.html", "./javascript%3Aalert%281%29", "./evil.example/x", "./evil/x"]
    assert Page(show.comparison("t", "i", audits)).named("a") == []


def test_the_policy_forbids_scripts_and_requests(summary: Summary, show: Show) -> None:
    policies = [
        meta["content"]
        for meta in Page(show.page(summary)).named("meta")
        if meta.get("http-equiv") == "Content-Security-Policy"
    ]
    assert policies == ["default-src 'none'; style-src 'unsafe-inline'; img-src data:"]


def test_the_same_summary_gives_the_same_bytes(summary: Summary, show: Show) -> None:
    import matplotlib as mpl

    again = copy.deepcopy(summary)
    first = (
        show.page(summary),
        show.notebook(summary),
        show.comparison("t", "i", [("a", summary), ("b", summary)]),
    )
    with mpl.rc_context({"font.size": 30, "axes.grid": True, "svg.fonttype": "path", "svg.hashsalt": None}):
        before = dict(mpl.rcParams)
        second = (
            show.page(again),
            show.notebook(again),
            show.comparison("t", "i", [("a", again), ("b", again)]),
        )
        assert dict(mpl.rcParams) == before
    assert first == second
    assert summary == again


def test_the_page_is_accessible(summary: Summary, bare: Summary, show: Show) -> None:
    both = show.comparison("t", "i", [("a", summary), ("b", bare)])
    for html in (show.page(summary), show.page(bare), both):
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


def test_the_order_is_verdict_first(summary: Summary, show: Show) -> None:
    said = Page(show.page(summary)).said()
    order = [
        "Supported: yes",
        "What to do next",
        "86.9\u00a0%",
        "Easy against near misses",
        "Towards the boundary",
        "The near misses it gets most wrong",
        "What the training rows do",
        "Invariance and calibration",
        "Warnings",
        "How it was computed",
    ]
    places = [said.index(part) for part in order]
    assert places == sorted(places)


def test_the_numbers_of_the_summary_stand_on_the_page(summary: Summary, show: Show) -> None:
    said = Page(show.page(summary)).words()
    for part in (
        "Easy 86.9 % 95 %: 84.2 to 89.6 488 rows",
        "Near misses 54.3 % 95 %: 50.2 to 58.4 488 rows",
        "Near-miss gap 32.6 points 95 %: 28.0 to 37.2",
        "Pair consistency 44.3 % 95 %: 39.9 to 48.7 488 pairs",
        "right in 19 of 20 seeds",
        "7 near misses that look mislabelled are left out; with them near-miss accuracy would be 53.8 %.",
        "0.050 to 0.140 212",
        "66.4 % sure of its answers and 54.3 % right",
        summary["plan_hash"],
        summary["data"]["fingerprint"],
    ):
        assert part in said


def test_every_seed_is_listed(summary: Summary, show: Show) -> None:
    table = show.page(summary).split("Every seed</summary>")[1].split("</table>")[0]
    rows = re.findall(r'<tr><th scope="row">(\d+)</th>(.*?)</tr>', table)
    assert [int(seed) for seed, _ in rows] == summary["seeds"]
    for seed, cells in rows:
        values = [float(v) for v in re.findall(r">([\d.−]+)</td>", cells)]
        assert values[0] == pytest.approx(100 * summary["easy"]["per_seed"][int(seed)], abs=0.006)
        assert values[1] == pytest.approx(100 * summary["near_miss"]["per_seed"][int(seed)], abs=0.006)


def test_marked_words_are_those_that_differ(summary: Summary, show: Show) -> None:
    html = show.page(summary).split("Pair 2")[1].split("</article>")[0]
    assert re.findall(r"<mark>(.*?)</mark>", html) == ["warm", "funny", "cold", "unfunny"]


def test_nulls_say_why(bare: Summary, summary: Summary, show: Show) -> None:
    said = Page(show.page(bare)).said()
    for part in (
        "Not measured: the test rows hold no near misses.",
        "Nothing to plot: neither easy rows nor near misses could be measured.",
        "No curve was drawn. No test row has a near row of another label.",
        "There are none to show: the test rows hold no near misses.",
        "The training rows were not sorted into roles.",
        "Invariance was not measured.",
    ):
        assert part in said
    assert not re.search(r"\b(None|nan|null|undefined)\b", said.replace("None.", ""))
    assert Page(show.page(bare)).named("figure") == []
    no_easy = Page(show.page(summary | {"easy": None, "gap": None})).said()
    assert "every test row has a near miss, so there is nothing easy to compare with" in no_easy
    assert "guessing" in no_easy  # the curve still stands


def test_a_value_missing_at_one_seed_is_no_error(summary: Summary, show: Show) -> None:
    summary["near_miss"]["per_seed"][3] = None
    summary["near_miss"]["ci"] = [None, None]
    summary["curve"][0] |= {"ci": [None, None]}
    page = Page(show.page(summary))
    tips = [data for tag, data in page.text if tag == "title" and data.startswith("seed ")]
    assert len(tips) == len(summary["seeds"]) - 1
    assert "seed 3:" not in "".join(tips)


@pytest.mark.parametrize("key", ["verdict", "pairs", "method", "left_out"])
def test_a_summary_that_lacks_a_part_is_refused(summary: Summary, key: str, show: Show) -> None:
    del summary[key]
    with pytest.raises(TypeError, match=key):
        show.page(summary)


def test_differences_are_from_the_first_audit(make_summary: Make, show: Show) -> None:
    html = show.comparison("t", "i", [("a", make_summary(0.869, 0.543)), ("b", make_summary(0.846, 0.867))])
    said = Page(html).words()
    assert "84.6 % 81.9 to 87.3 488 rows −2.3 points" in said
    assert "86.7 % 82.6 to 90.8 488 rows +32.4 points" in said
    assert "Supported: yes" in said
    assert "Refuted: no" in said


def test_a_fragment_brings_no_rule_that_could_reach_the_notebook(summary: Summary, show: Show) -> None:
    page = Page(show.notebook(summary))
    tags = {tag for tag, _ in page.elements}
    assert not tags & {"style", "html", "body", "head", "meta"}
    assert "Supported: yes" in page.said()
    assert "32.6" in page.said()
