from __future__ import annotations

import copy
import html as entities
import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from negspace.lab.claims import ClaimResult, lab_report
from negspace.reports.html import render_page

HOSTILE = (
    "<script>alert(1)</script></style></title><xss-probe onload=alert(2)>--><!-- ]]> \"'><xss-probe xss='1 "
    "{{ 7*7 }} {% raw %} {# c #} $\\frac{1}{2}$ &amp; &lt; \x00 \x1b[31m \u202e\u2066 \u200b\ufeff \ud800 "
    + "W"
    * 3000
)
KEPT = {"verdict", "kind", "no less", "more"}


def render_claim(summary: dict[str, Any]) -> str:
    return render_page(ClaimResult.from_dict(summary).report())


def render_lab(summaries: list[dict[str, Any]], links: dict[str, str] | None = None) -> str:
    return render_page(lab_report([ClaimResult.from_dict(each) for each in summaries], links))


def hostile(value: Any, key: str = "") -> Any:
    """The same summary with every text of the user's turned against the page."""
    if isinstance(value, dict):
        return {k: hostile(v, k) for k, v in value.items()}
    if isinstance(value, list):
        return [hostile(item, key) for item in value]
    return f"{HOSTILE} {value}" if isinstance(value, str) and not {key, value} & KEPT else value


def words(html: str) -> str:
    """What a page says, drawings and style aside, elements apart by a space."""
    bare = re.sub(r"<(style|svg|pre)\b.*?</\1>", " ", html, flags=re.S)
    text = entities.unescape(re.sub(r"<[^>]+>", " ", bare))
    return " ".join(text.replace("\u00a0", " ").split())


def leaves(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        for inner in value:
            yield from leaves(inner)
    else:
        yield value


def test_every_number_of_the_page_comes_from_the_summary(claim: dict[str, Any]) -> None:
    numbers = [v for v in leaves(claim) if isinstance(v, int | float)]
    strings = " ".join(v for v in leaves(claim) if isinstance(v, str))
    known = {f"{abs(100 * v):.1f}" for v in numbers} | {f"{v:.3f}" for v in numbers} | {"0.001"}
    known |= {str(v) for v in numbers}  # the plan's own settings
    known |= set(re.findall(r"\d+\.\d+", strings))
    said = words(render_claim(claim))
    found = set(re.findall(r"\d+\.\d+", said))
    assert len(found) > 250
    assert found <= known


def test_a_card_says_the_outcome_the_effect_and_what_was_published(claim: dict[str, Any]) -> None:
    said = words(render_claim(claim))
    hypothesis = claim["parts"][0]["hypotheses"][0]
    low, high = (f"{100 * end:.1f}" for end in hypothesis["ci"])
    card = said[said.index(hypothesis["says"]) : said.index("easy accuracy is kept")]
    assert card.startswith(f"{hypothesis['says']} Supported Near misses teach the rule is 0.37")
    assert "accuracy on hard : near miss 87.1 ± 6.4, random 50.1 ± 0.2" in card
    assert f"effect +37.0 points ({low} to {high}) published +35.3 points margin 5.0 points" in card
    assert "p < 0.001 seeds 20" in card
    assert "What to do next" not in said


def test_published_figures_stand_beside_ours(claim: dict[str, Any]) -> None:
    said = words(render_claim(claim))
    table = said[said.index("Published beside ours") : said.index("Every seed")]
    low, high = (f"{100 * end:.1f}" for end in claim["parts"][0]["figures"][3]["ci"])
    assert f"near miss 87.1 ± 6.4 {low} to {high} 85.3 ± 7.0 yes" in table
    assert "65.7 ± 7.6 no" in table
    assert "5 of 6 published figures within two published standard deviations" in said


def test_controls_stand_after_the_published_part(claim: dict[str, Any]) -> None:
    claim["parts"].reverse()
    said = words(render_claim(claim))
    order = ("As published", "Boundary ladder", "Controls", "Mixes of both negatives", "How it was computed")
    places = [said.index(part) for part in order]
    assert places == sorted(places)
    assert "No controls were run" not in said


def test_a_diverged_replica_is_named(claim: dict[str, Any]) -> None:
    assert "0 in 5 near misses, seed 19: training diverged at step 1,204" in words(render_claim(claim))


def test_the_axis_says_that_it_is_logarithmic(claim: dict[str, Any]) -> None:
    said = words(render_claim(claim))
    assert "steps (log scale)" in said
    assert "generation (log scale)" not in said


def test_a_curve_stands_in_numbers_too(claim: dict[str, Any]) -> None:
    said = words(render_claim(claim))
    assert "kind of negative near miss random one swap 87.0 %" in said
    assert "a far swap 96.0 %" in said


def test_seeds_in_numbers(claim: dict[str, Any]) -> None:
    table = render_claim(claim).split("Every seed in numbers</summary>")[1].split("</table>")[1]
    rows = re.findall(r'<tr><th scope="row">(\d+)</th>(.*?)</tr>', table)
    assert [int(seed) for seed, _ in rows] == claim["parts"][0]["seeds"]
    figures = claim["parts"][0]["figures"][2:4]
    for seed, cells in rows:
        values = [float(v) for v in re.findall(r">([\d.]+)\u00a0%</td>", cells)]
        assert values == pytest.approx([100 * f["per_seed"][int(seed)] for f in figures], abs=0.051)


def test_the_plan_names_what_sets_arms_apart(claim: dict[str, Any]) -> None:
    said = words(render_claim(claim))
    plan = said[said.index("The plan Hash") :]
    assert claim["parts"][0]["plan_hash"] in plan
    assert (
        "All arms negatives_share = 0.5, embedding.tokens = 50, embedding.width = 8, steps = 1600 Test"
        in plan
    )
    assert "arm settings random negatives = random near miss negatives = swap" in plan
    assert "Learner name = lstm, hidden = 32, adam = (lr = 0.005, weight_decay = 0.0001)" in plan
    assert "easy accuracy is kept accuracy on easy: near miss against random short by less than 2.0" in plan


def test_a_smoke_run_is_no_result(claim: dict[str, Any]) -> None:
    assert "no result" not in words(render_claim(claim) + render_lab([claim]))
    smoke = claim | {"smoke": True}
    html = render_claim(smoke)
    assert "<title>Smoke run: " in html
    said = words(html)
    assert said.index("Smoke run: no result") < said.index("As published")
    assert said.lower().count("smoke run, no result: ") == 4
    index = words(render_lab([smoke]))
    assert "Smoke run: no result" in index
    assert "supported" not in index


def test_nulls_are_dashes_and_say_why(make_bare_claim: Callable[[], dict[str, Any]]) -> None:
    html = render_claim(make_bare_claim())
    said = words(html)
    assert "<figure class=" not in html
    assert "No controls were run." in said
    assert "Nothing to draw: the curve has no number." in said
    assert "effect – margin" in said
    assert not re.search(r"\b(None|nan|null|undefined)\b", said)


def test_parts_may_be_empty(claim: dict[str, Any]) -> None:
    for part in claim["parts"]:
        part |= {"hypotheses": [], "figures": [], "curves": [], "diverged": []}
    assert "As published" in words(render_claim(claim))
    assert "No claim has been run yet" in words(render_lab([]))
    assert "The published experiment was not run" in words(render_claim(claim | {"parts": []}))
    assert "none" in words(render_lab([claim | {"parts": []}]))


def test_the_index_counts_outcomes_and_shows_the_first_published_effect(claim: dict[str, Any]) -> None:
    other = copy.deepcopy(claim) | {"claim": "other"}
    other["parts"] = other["parts"][1:]
    html = render_lab([claim, other], {"invariant": "pages/invariant.html", "other": "//evil.example/x"})
    said = words(html)
    assert "1 supported 1 refuted 1 inconclusive 5 of 6 figures within 2 published sd 1 refuted +37.0" in said
    assert "published +35.3 points" in said
    assert re.findall(r'href="([^"]*)"', html) == ["./pages/invariant.html", "./evil.example/x"]
    assert "href" not in render_lab([claim])


def test_the_same_summary_gives_the_same_bytes(claim: dict[str, Any]) -> None:
    again = copy.deepcopy(claim)
    assert render_claim(claim) == render_claim(again)
    assert render_lab([claim]) == render_lab([again])
    assert claim == again


@pytest.mark.slow
def test_a_large_claim_stays_small(make_large_claim: Callable[..., dict[str, Any]]) -> None:
    claim = make_large_claim()
    html = render_claim(claim)
    assert len(html.encode()) < 1_500_000
    dots = html.count("<title>seed ")
    assert dots == sum(len(f["per_seed"]) for part in claim["parts"] for f in part["figures"])


@pytest.mark.parametrize("key", ["parts", "smoke", "plan_hash"])
def test_a_summary_that_lacks_a_part_is_refused(claim: dict[str, Any], key: str) -> None:
    del claim[key]
    with pytest.raises(KeyError, match=key):
        render_claim(claim)


def test_a_result_is_read_as_it_was_written(
    claim: dict[str, Any], make_bare_claim: Callable[[], dict[str, Any]]
) -> None:
    for summary in (claim, make_bare_claim()):
        read = ClaimResult.from_dict(summary)
        assert json.loads(json.dumps(read.to_dict(), allow_nan=False)) == summary
        assert ClaimResult.from_dict(read.to_dict()) == read


def test_a_result_of_an_earlier_version_is_read(claim: dict[str, Any]) -> None:
    hypothesis = claim["parts"][0]["hypotheses"][0]
    del hypothesis["p_adjusted"], hypothesis["look"]
    read = ClaimResult.from_dict(claim).experiments[0].hypotheses[0]
    assert (read.p_adjusted, read.look) == (None, 1)


def test_hostile_text_of_a_claim_makes_no_element(claim: dict[str, Any]) -> None:
    poisoned = hostile(claim)
    for html in (render_claim(poisoned), render_lab([poisoned], {"invariant": "//evil/x"})):
        tags = re.findall(r"<([a-z-]+)", re.sub(r"<style>.*?</style>", "", html, flags=re.S))
        assert not {"xss-probe", "script"} & set(tags)
        assert html.count("<style>") == 1
        assert not re.search(r"<[^<>]*\s(on\w+|xss)=", html)
        assert not re.search(r'href="(?!\./|#)', html)
        said = entities.unescape(html)
        assert "<script>alert(1)</script>" in said
        assert "{{ 7*7 }} {% raw %} {# c #}" in said
        assert not re.search("[\x00-\x08\x0b-\x1f\u200b\u202a-\u202e\u2066-\u2069\ufeff]", html)
        html.encode("utf-8")
