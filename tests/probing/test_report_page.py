"""The pages of a probe: every number from the summary, every word escaped, ten thousand fragments at ease."""

from __future__ import annotations

import base64
import copy
import hashlib
import json
import math
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import fields
from importlib.resources import files
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from negspace.probes import CONDITIONS, RoleQuantities
from negspace.probing import probe_report
from negspace.reports.html import render_page, render_pages
from negspace.reports.numbers import measured

from ..html_page import Page
from . import made_findings as made

HOSTILE = (
    "<script>alert(1)</script></style></title><xss-probe onload=alert(2)>--><!-- ]]> \"'><xss-probe xss='1 "
    "{{ 7*7 }} {% raw %} $\\frac{1}{2}$ &amp; &lt; \u2028\u2029 \x00 \x1b[31m \u202e\u2066 \u200b\ufeff "
    "\ud800 </SCRIPT "
)
UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\u200b\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")
OURS = {"kind", "role", "on", "version", "page"}


def render_probe(summary: dict[str, Any]) -> str:
    """The index page."""
    return render_page(probe_report(made.findings_of(summary)))


def render_fragment(summary: dict[str, Any], chosen: dict[str, Any]) -> str:
    """The page of one fragment."""
    pages = dict(render_pages(probe_report(made.findings_of(summary | {"chosen": [chosen]}))))
    return next(page for path, page in pages.items() if path != "report.html")


@pytest.fixture(scope="module")
def summary() -> dict[str, Any]:
    return made.build_probe(150, chosen=3)


@pytest.fixture(scope="module")
def index(summary: dict[str, Any]) -> str:
    return render_probe(summary)


@pytest.fixture(scope="module")
def trace(summary: dict[str, Any]) -> str:
    return render_fragment(summary, summary["chosen"][1])


def hostile(value: Any, key: str = "") -> Any:
    """The same summary with every text turned against the page, and every name of a layer."""
    if isinstance(value, dict):
        poisoned = {k: hostile(v, k) for k, v in value.items()}
        named = all(isinstance(each, int | float) for each in value.values()) and key in {"layers", "counts"}
        return {HOSTILE + k: v for k, v in poisoned.items()} if named else poisoned
    if isinstance(value, list):
        return value if key == "columns" else [hostile(item, key) for item in value]
    return f"{HOSTILE}{value}" if isinstance(value, str) and key not in OURS else value


def without(value: Any, key: str = "") -> Any:
    """The same summary with null for every float."""
    if isinstance(value, dict):
        return {k: without(v, k) for k, v in value.items()}
    if isinstance(value, list):
        return value if key in {"temperatures", "competitors"} else [without(item, key) for item in value]
    return None if isinstance(value, float) and key != "share" else value


@pytest.fixture(scope="module")
def poisoned() -> tuple[str, str]:
    summary = hostile(made.build_probe(20, chosen=1))
    return render_probe(summary), render_fragment(summary, summary["chosen"][0])


@pytest.fixture(
    params=[
        "index",
        "fragment",
        "bare",
        "bare fragment",
        "hostile",
        "hostile fragment",
        "nulls",
        "null fragment",
    ],
    scope="module",
)
def html(request: pytest.FixtureRequest, poisoned: tuple[str, str], index: str, trace: str) -> str:
    """Every kind of page, from every kind of summary."""
    bare, empty = made.build_bare_probe(), without(made.build_probe(30, chosen=1))
    pages: dict[str, Callable[[], str]] = {
        "index": lambda: index,
        "fragment": lambda: trace,
        "bare": lambda: render_probe(bare),
        "bare fragment": lambda: render_fragment(bare, bare["chosen"][0]),
        "hostile": lambda: poisoned[0],
        "hostile fragment": lambda: poisoned[1],
        "nulls": lambda: render_probe(empty),
        "null fragment": lambda: render_fragment(empty, empty["chosen"][0]),
    }
    return pages[request.param]()


def test_pages_are_well_formed_and_closed(html: str) -> None:
    page = Page(html)
    assert page.faults == []
    ids = Counter(attrs["id"] for _, attrs in page.elements if "id" in attrs)
    assert [name for name, n in ids.items() if n > 1] == []
    for tag, attrs in page.elements:
        assert not {"src", "srcset", "action", "poster", "data", "background"} & set(attrs), tag
        assert (attrs.get("href") or "#").startswith(("#", "./"))
        if (attrs.get("href") or "").startswith("#"):
            assert (attrs["href"] or "")[1:] in ids
        wanted = re.findall(r"url\(([^)]*)\)", f"{attrs.get('style')} {attrs.get('clip-path')}")
        assert {reference[1:] for reference in wanted} <= set(ids)
    assert not {"link", "iframe", "object", "embed", "base", "form", "img"} & {t for t, _ in page.elements}
    assert not re.search(r"\b(None|nan|null|undefined)\b", page.words().replace("None found", ""))


def test_pages_are_accessible(html: str) -> None:
    page = Page(html)
    levels = [int(tag[1]) for tag, _ in page.elements if re.fullmatch(r"h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    assert all(svg.get("aria-hidden") == "true" or svg.get("aria-label") for svg in page.named("svg"))
    assert all(th.get("scope") in {"row", "col"} for th in page.named("th"))
    assert {"header", "main", "footer"} <= {tag for tag, _ in page.elements}
    assert page.named("html")[0]["lang"] == "en"


def test_no_text_becomes_markup_or_script(poisoned: tuple[str, str]) -> None:
    for html in poisoned:
        page = Page(html)
        assert "xss-probe" not in {tag for tag, _ in page.elements}
        assert not [a for _, attrs in page.elements for a in attrs if a.startswith("on") or "xss" in a]
        assert not UNSEEN.search(html)
        assert "alert(1)" not in " ".join(s for s in page.scripts() if "use strict" in s)
        assert "<script>alert(1)</script>" in page.words()
        assert "{{ 7*7 }} {% raw %}" in page.words()
        html.encode("utf-8")


def test_the_policy_names_the_only_script(html: str) -> None:
    page = Page(html)
    policy = next(meta["content"] for meta in page.named("meta") if meta.get("http-equiv"))
    assert policy
    assert policy.startswith("default-src 'none'; script-src 'sha256-")
    assert "unsafe-inline" not in policy.split("script-src")[1].split(";")[0]
    kinds = [attrs.get("type") for attrs in page.named("script")]
    assert kinds.count(None) == 1
    assert set(kinds) <= {None, "application/json"}
    run = html.rsplit("<script>", 1)[1].split("</script>", 1)[0]
    digest = base64.b64encode(hashlib.sha256(run.encode()).digest()).decode()
    assert f"'sha256-{digest}'" in policy
    assert "innerHTML" not in run


def test_scripts_write_text_only() -> None:
    folder = files("negspace.reports") / "templates"
    scripts = [each for each in folder.iterdir() if each.name.endswith(".js")]
    assert len(scripts) == 2
    for script in scripts:
        source = script.read_text(encoding="utf-8")
        assert not re.search(
            r"innerHTML|outerHTML|insertAdjacent|document\.write|eval|Function\(|fetch|import\b", source
        )


def data_of(html: str) -> dict[str, Any]:
    inside = html.split('id="fragment-data">')[1].split("</script>", maxsplit=1)[0]
    assert not set(inside) & set("<>&\u2028\u2029")
    return json.loads(inside)


def test_every_fragment_is_in_the_table_as_it_was_measured(summary: dict[str, Any], index: str) -> None:
    data = data_of(index)
    assert data["columns"] == summary["columns"]
    assert len(data["rows"]) == len(summary["fragments"])
    for shown, each in zip(data["rows"], summary["fragments"], strict=True):
        assert shown[:4] == [each["row"], each["place"], each["excerpt"], each["tokens"]]
        assert data["roles"][shown[4]] == each["role"]
        for value, exact in zip(shown[5:], each["values"], strict=True):
            assert value == (None if exact is None else pytest.approx(exact, rel=1e-4))
    assert data["pages"] == {str(each["row"]): f"./{each['page']}" for each in summary["chosen"]}


def test_without_a_script_the_highest_of_every_measure_are_listed(
    summary: dict[str, Any], index: str
) -> None:
    plain = index.split('id="plain"')[1].split('id="fragment-data"', maxsplit=1)[0]
    for at, name in enumerate(summary["columns"]):
        table = plain.split(f'Highest by <bdi lang="">{name}</bdi>')[1].split("</table>")[0]
        places = re.findall(r'<th scope="row">(?:<a [^>]*>)?<bdi lang="">(.*?)</bdi>', table)
        known = [each for each in summary["fragments"] if each["values"][at] is not None]
        wanted = sorted(known, key=lambda each: -each["values"][at])[:20]
        assert places == [each["place"] for each in wanted], name


def test_the_numbers_of_the_summary_stand_on_the_page(summary: dict[str, Any], index: str) -> None:
    said = Page(index).words()
    losses = [each["values"][0] for each in summary["fragments"]]
    low, middle, high = np.quantile(losses, (0.05, 0.5, 0.95))
    for part in (
        f"Loss, median {middle:.2f} 5 to 95 % of 150: {low:.2f} to {high:.2f}; nats per token",
        *(f" {n} {100 * n / 150:.1f} %" for n in summary["roles"]["counts"].values()),
        "Half of a fragment's own gain is gone after 12.3 steps on others, at the median",
        "median of 64 sampled fragments",
        "812 fragments, over all layers and 150 fragments.",
        "gradient: dot with reference step: transfer 0.91 0.88 64",
        "gradient: squared norm step: self-influence 0.71 −0.04 64",
        "98.3 % of the parameters",
        "1.7 % of the parameters are not in these gradients.",
        "1.2 × 10⁻⁶, relative",
        "1.09 times a plain forward",
        "␣king 1,120 0.613",
        "↵ 99 0.600",
        "truth at temperature 2: 6.1 %",
        "after 4 steps: 73.3 %",
        "0.0310: the median fragment's loss falls by a tenth",
        summary["key"],
    ):
        assert part in said, part


def test_the_order_is_roles_first(index: str) -> None:
    found = [" ".join(re.sub(r"<[^>]*>", "", each).split()) for each in re.findall(r"<h2>(.*?)</h2>", index)]
    assert found == [
        "Roles",
        "Transfer against retention",
        "Fragments",
        "Layers",
        "Temperature",
        "Retention",
        "Gradient noise scale",
        "Tokens that move, tokens that stay",
        "How well first order predicts the exact steps",
        "Coverage",
        "Check",
        "Warnings",
        "How it was measured",
    ]


def test_the_map_shows_the_sampled_fragments(summary: dict[str, Any], index: str) -> None:
    tips = re.findall(r"<title>fragment (\d+), (\w+): transfer (.+?), left after 16 (.+?)</title>", index)
    at, up = summary["columns"].index("transfer"), summary["columns"].index("left after 16")
    sampled = {each["row"]: each for each in summary["fragments"] if each["sampled"]}
    assert sorted(int(row) for row, *_ in tips) == sorted(sampled)
    for row, role, x, y in tips:
        each = sampled[int(row)]
        assert (role, x, y) == (each["role"], measured(each["values"][at]), measured(each["values"][up]))


def test_a_map_without_retention_says_what_stands_in() -> None:
    summary = made.build_probe(450, chosen=1)
    kept = [k for k, name in enumerate(summary["columns"]) if name not in made.EXACT]
    summary["columns"] = [summary["columns"][k] for k in kept]
    for each in (*summary["fragments"], *summary["chosen"]):
        each["values"] = [each["values"][k] for k in kept]
    said = Page(render_probe(summary)).words()
    assert "First-order transfer against gradient norm" in said
    assert "These two metrics stand in for them." in said
    assert "All 450 fragments have both metrics. 225 of them, evenly over the corpus, are drawn." in said


def test_what_was_not_measured_is_named() -> None:
    said = Page(render_probe(made.build_bare_probe())).words()
    for part in (
        "Not measured Roles takes the probe role",
        "Coverage takes the probe gradient",
        "not trained here",
    ):
        assert part in said
    assert "1 fragment, 490 tokens; model tiny" in said


def test_ten_thousand_fragments_make_a_light_page() -> None:
    summary = made.build_probe(10_000, chosen=1)
    for each in summary["fragments"]:
        each["excerpt"] = ("語" * 60 + " <b>&\u2028 ")[:120] if each["row"] % 10 == 0 else each["excerpt"]
    html = render_probe(summary)
    assert len(html.encode()) < 5e6
    assert len(data_of(html)["rows"]) == 10_000
    assert html.count("<tr") < 400  # what the browser lays out before the script draws a hundred


def test_the_same_summary_gives_the_same_bytes(summary: dict[str, Any], trace: str) -> None:
    again = copy.deepcopy(summary)
    assert render_fragment(again, again["chosen"][1]) == trace
    few = again | {"fragments": again["fragments"][:20], "layers": again["layers"][:1], "temperature": None}
    assert render_probe(few) == render_probe(copy.deepcopy(few))
    assert again == summary


# The page of a fragment


def shown_tokens(trace: str) -> list[tuple[str, str, str]]:
    """Class, text as it is read, and sentence of every token."""
    inside = trace.split('<div class="tokens"')[1].split(">", 1)[1].split("</div>", maxsplit=1)[0]
    parts = re.findall(
        r'<span class="([\w-]+)" tabindex="0">(.*?)<span class="tip"[^>]*>(.*?)(?:</span>)?</span></span>',
        inside,
        re.S,
    )
    bare = re.compile(r"<[^>]*>")
    return [
        (kind, bare.sub("", re.sub(r"<i .*?</i>", "", text)), " ".join(bare.sub(" ", tip).split()))
        for kind, text, tip in parts
    ]


def test_the_text_stays_readable_as_text(summary: dict[str, Any], trace: str) -> None:
    shown = shown_tokens(trace)
    assert "".join(text for _, text, _ in shown) == "".join(t["text"] for t in summary["chosen"][1]["tokens"])
    assert trace.count("↵</i>\n") == sum(t["text"].count("\n") for t in summary["chosen"][1]["tokens"])


def test_every_token_says_its_loss_its_pressure_and_its_competitors(
    summary: dict[str, Any], trace: str
) -> None:
    edges = (0.1, 0.5, 0.8, 0.95, 0.99)
    for (kind, _, tip), token in zip(shown_tokens(trace), summary["chosen"][1]["tokens"], strict=True):
        if token["pressure"] is None:
            assert kind == "unread"
            assert "read, not predicted" in tip
            continue
        assert kind == f"heat-{sum(token['pressure'] >= edge for edge in edges)}"
        assert f"loss {measured(token['loss'])} nats · pressure {measured(token['pressure'])}" in tip
        for name, share in token["competitors"]:
            said = name.replace(" ", "␣").replace("\n", "↵")
            assert f"{said} {100 * share:.1f}\u00a0%".replace("\u00a0", " ") in tip.replace("\u00a0", " ")


def test_odd_tokens_can_be_seen() -> None:
    summary = made.build_probe(3, chosen=1)
    texts = ["", "   ", "\t", ".\r\n", "\u202e", "<b>", "a\nb"]
    scored = {"loss": 1.0, "pressure": 0.5, "competitors": [["\n", 0.1]]}
    summary["chosen"][0]["tokens"] = [{"text": text, **scored} for text in texts]
    html = render_fragment(summary, summary["chosen"][0])
    for part in ("∅</i>", "␣</i>   <", "⇥</i>\t", '.<i aria-hidden="true">↵</i>\n', "⟨U+202E⟩", "&lt;b&gt;"):
        assert part in html
    assert [kind for kind, _, _ in shown_tokens(html)] == ["heat-2"] * len(texts)


def test_without_pressure_nothing_is_called_unread() -> None:
    summary = made.build_bare_probe()
    chosen = summary["chosen"][0]
    chosen["tokens"] = [
        {"text": "a", "loss": None, "pressure": None, "competitors": []},
        {"text": " b", "loss": 1.25, "pressure": None, "competitors": []},
    ]
    html = render_fragment(summary, chosen)
    assert [(kind, tip.split(" ", 1)[1]) for kind, _, tip in shown_tokens(html)] == [
        ("unread", "read, not predicted"),
        ("heat-0", "loss 1.25 nats · pressure –"),
    ]
    assert "Pressure was not measured." in Page(html).words()


def test_its_values_stand_beside_the_corpus(summary: dict[str, Any], trace: str) -> None:
    said = Page(trace).words()
    values = np.array([each["values"][0] for each in summary["fragments"]])
    here = summary["chosen"][1]["values"][0]
    low, middle, high = (measured(float(q)) for q in np.quantile(values, (0.05, 0.5, 0.95)))
    below = round(100 * float((values < here).mean()))
    assert f"loss nats per token {measured(here)} 150 {low} {middle} {high} {below} %" in said


@pytest.mark.parametrize("n", [1, 4, 5])
def test_quantiles_take_five_values(n: int) -> None:
    summary = made.build_probe(12, chosen=1)
    for each in summary["fragments"]:
        each["values"][0] = float(each["row"]) if each["row"] < n else None
    chosen = summary["chosen"][0]
    chosen["values"][0] = 2.5
    said = Page(render_fragment(summary, chosen)).words()
    shown = "too few – –" if n < 5 else "2.00 3.80 60 %"
    assert f"loss nats per token 2.50 {n} {'–' if n < 5 else '0.200'} {shown}" in said


def test_what_decides_a_role_is_said_in_words() -> None:
    summary = made.build_probe(20, chosen=1)
    names = [field.name for field in fields(RoleQuantities) if field.name != "clusters"]
    summary["roles"]["quantities"] = names
    said = Page(render_probe(summary)).words()
    decided = said.split("Decided by: ")[1].split(".")[0].split("; ")
    # The four of the rule, and the one that takes part in a corpus that the networks overfit.
    assert len(decided) == len(CONDITIONS) + 1
    assert not set(decided) & set(names)
    assert not [each for each in decided if "_" in each or "loss of the networks that saw" in each]


def test_no_role_is_explained_by_what_the_rule_does_not_look_at(index: str) -> None:
    said = Page(index).words()
    captions = said.split(" Roles ")[1].split("Decided by")[0]
    assert not re.search(r"step|helps|fades|lasts|transfer|retention", captions)
    assert "A fragment's place on this map is no part of the rule that gave it its role." in said


def test_it_links_back_from_where_it_lies() -> None:
    summary = made.build_bare_probe()
    for page, back in (("a.html", "./report.html"), ("fragments/7.html", "./../report.html")):
        html = render_fragment(summary, summary["chosen"][0] | {"page": page})
        assert back in {a["href"] for a in Page(html).named("a")}
    evil = summary["chosen"][0] | {"page": "javascript:alert(1)"}
    links = {a["href"] for a in Page(render_probe(summary | {"chosen": [evil]})).named("a")}
    assert "./javascript%3Aalert%281%29" in links


def luminance(colour: str) -> float:
    channels = (int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5))
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_text_keeps_its_contrast_on_every_colour_of_pressure(trace: str) -> None:
    style = trace.split("<style>")[1].split("</style>", maxsplit=1)[0]
    schemes = [
        dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", b))
        for b in re.findall(r":root \{(.*?)\}", style, re.S)
    ]
    base, own = schemes[:2], schemes[2:]
    assert len(own) == 2
    for theirs, ours in zip(base, own, strict=True):
        heats = [luminance(ours[f"heat-{step}"]) for step in range(6)]
        ink = luminance(theirs["ink"])
        for heat in heats:
            assert (max(heat, ink) + 0.05) / (min(heat, ink) + 0.05) >= 4.5
        # Each step is further from the paper than the one before.
        away = [abs(math.log((heat + 0.05) / (heats[0] + 0.05))) for heat in heats]
        assert all(b > a + 0.05 for a, b in pairwise(away))


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (None, "–"),
        (math.nan, "–"),
        (0.0, "0"),
        (4.1, "4.10"),
        (0.03121, "0.0312"),
        (-0.5, "−0.500"),
        (123.4, "123"),
        (1234567.0, "1.2\u00a0×\u00a010⁶"),
        (12345.6, "12,346"),
        (999.7, "1,000"),
        (2.14e-6, "2.1\u00a0×\u00a010⁻⁶"),
        (0.0009996, "1.0\u00a0×\u00a010⁻³"),
    ],
)
def test_numbers_have_three_digits(value: float | None, said: str) -> None:
    assert measured(value) == said
