from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any
from xml.etree import ElementTree as ET

import numpy as np
import pytest

from negspace.lab.claims import ClaimResult
from negspace.reports.blocks import Block, Chart, Panels, Section, Strips
from negspace.reports.charts import effect_chart


def tipped(svg: str) -> dict[int, float]:
    """How far right each seed's dot stands, by seed."""
    found = {}
    for group in ET.fromstring(svg).iter("g"):
        title = group.find("title")
        if title is not None and title.text is not None:
            found[int(re.findall(r"seed (\d+)", title.text)[0])] = float(next(group.iter("use")).get("x", ""))
    return found


def signs(svg: str, style: str) -> int:
    """How many signs are drawn in a style."""
    return sum(style in use.get("style", "") for use in ET.fromstring(svg).iter("use"))


def inside(block: Block) -> Iterator[Block]:
    """A block and all that it holds."""
    yield block
    for each in block.blocks if isinstance(block, Section | Panels) else ():
        yield from inside(each)


def shown(claim: dict[str, Any], kind: type[Block]) -> list[Any]:
    """All blocks of a kind in a claim's report."""
    found = ClaimResult.from_dict(claim).report()
    return [block for section in found.sections for block in inside(section) if isinstance(block, kind)]


def svg(chart: Chart | None) -> str:
    assert chart is not None
    return str(chart.draw("c", chart.alt))


def alone(claim: dict[str, Any], figure: dict[str, Any]) -> dict[str, Any]:
    """The claim with one experiment that has one figure."""
    return claim | {"parts": [claim["parts"][0] | {"figures": [figure]}]}


def row(claim: dict[str, Any], figure: dict[str, Any]) -> str:
    (strips,) = shown(alone(claim, figure), Strips)
    return svg(strips.rows[0].chart)


def panels(claim: dict[str, Any], curve: dict[str, Any]) -> list[Chart]:
    """The drawings of a curve."""
    changed = claim | {"parts": [claim["parts"][0] | {"figures": [], "curves": [curve]}]}
    return [chart for block in shown(changed, Panels) for chart in block.blocks]


@pytest.mark.parametrize("seeds", [1, 2, 20])
def test_every_seed_is_a_dot_in_its_place(make_claim: Callable[..., dict[str, Any]], seeds: int) -> None:
    claim = make_claim(seeds)
    part = claim["parts"][0]
    for figure in part["figures"]:
        places = tipped(row(claim, figure))
        assert sorted(places) == part["seeds"]
        if seeds == 20:
            x = np.array([places[seed] for seed in part["seeds"]])
            right, across = np.polyfit(figure["per_seed"], x, 1)
            assert right > 0
            np.testing.assert_allclose(x, right * np.array(figure["per_seed"]) + across, atol=1e-3)


def test_rows_of_a_part_share_their_axis(claim: dict[str, Any]) -> None:
    part = claim["parts"][0]
    xs, values = [], []
    rows = [strip for strips in shown(claim | {"parts": [part]}, Strips) for strip in strips.rows]
    for figure, strip in zip(part["figures"], rows, strict=True):
        places = tipped(svg(strip.chart))
        xs += [places[seed] for seed in part["seeds"]]
        values += figure["per_seed"]
    slope, start = np.polyfit(values, xs, 1)
    np.testing.assert_allclose(xs, slope * np.array(values) + start, atol=1e-3)


def test_dots_of_one_value_do_not_hide_each_other(claim: dict[str, Any]) -> None:
    figure = claim["parts"][0]["figures"][0] | {"per_seed": [1.0] * 5, "ci": [1.0, 1.0], "mean": 1.0}
    heights = {
        use.get("y")
        for group in ET.fromstring(row(claim, figure)).iter("g")
        if group.find("title") is not None
        for use in group.iter("use")
    }
    assert len(heights) == 5


def test_a_seed_that_diverged_has_no_dot(claim: dict[str, Any]) -> None:
    part = claim["parts"][0]
    figure = part["figures"][3]
    figure["per_seed"][7] = None
    figure |= {"mean": None, "sd": None, "ci": [None, None]}
    drawn = row(claim, figure)
    assert sorted(tipped(drawn)) == [seed for seed in part["seeds"] if seed != 7]
    assert "19 seeds" in ET.fromstring(drawn).get("aria-label", "")


def test_a_row_says_in_words_what_it_shows(claim: dict[str, Any]) -> None:
    figure = claim["parts"][0]["figures"][3]
    label = ET.fromstring(row(claim, figure)).get("aria-label", "").replace("\u00a0", " ")
    assert label.startswith("20 seeds: 87.1 ± 6.4 %, 95 % interval ")
    assert label.endswith("; published 85.3 ± 7.0 %.")


def test_an_interval_of_two_seeds_does_not_squeeze_the_dots(claim: dict[str, Any]) -> None:
    wide = claim["parts"][0]["figures"][3] | {"ci": [-4.0, 6.0]}
    (strips,) = shown(alone(claim, wide), Strips)
    said = [text.text or "" for text in ET.fromstring(svg(strips.axis)).iter("text")]
    ticks = [float(text.replace("\u00a0%", "").replace("−", "-")) for text in said]
    assert len(ticks) > 1
    assert min(ticks) >= -10
    assert max(ticks) <= 110


def test_ladders_have_rungs_at_equal_distances(claim: dict[str, Any]) -> None:
    curve = claim["parts"][0]["curves"][0]
    (panel,) = panels(claim, curve)
    markers = [float(use.get("x", "")) for use in ET.fromstring(svg(panel)).iter("use")]
    rungs = sorted({round(x, 2) for x in markers if x > 52 + 1})
    assert len(rungs) == 7
    np.testing.assert_allclose(np.diff(rungs), np.diff(rungs)[0], atol=0.05)


def test_a_curve_of_more_than_a_decade_is_drawn_on_a_log_scale(claim: dict[str, Any]) -> None:
    budget, generations = claim["parts"][1]["curves"]
    assert " (log scale)" in panels(claim, budget)[0].x_name
    assert " (log scale)" not in panels(claim, generations)[0].x_name
    (panel,) = panels(claim, budget)
    texts = {t.text: t for t in ET.fromstring(svg(panel)).iter("text")}
    drawn = [texts[said] for said in ("400", "800", "1,600", "3,200", "6,400", "12,800")]
    places = [float(re.findall(r"-?[\d.]+", t.get("x") or t.get("transform", ""))[0]) for t in drawn]
    # Doubling is one step to the right, wherever it starts.
    np.testing.assert_allclose(np.diff(places), np.diff(places)[0], atol=0.1)


def test_a_budget_from_zero_cannot_be_logarithmic(claim: dict[str, Any]) -> None:
    budget = claim["parts"][1]["curves"][0]
    budget["series"][0]["points"][0]["x"] = 0
    (panel,) = panels(claim, budget)
    assert " (log scale)" not in panel.x_name
    assert svg(panel)


def test_many_series_are_split_so_that_signs_stay_distinct(claim: dict[str, Any]) -> None:
    generations = claim["parts"][1]["curves"][1]
    drawn = panels(claim, generations)
    keys = [[text.text for sign, text in panel.key.items if text != "published"] for panel in drawn]
    assert [len(names) for names in keys] == [4, 2]
    assert [name for names in keys for name in names] == [s["name"] for s in generations["series"]]
    heights = [
        {t.text for t in ET.fromstring(svg(panel)).iter("text") if "%" in (t.text or "")} for panel in drawn
    ]
    assert heights[0] == heights[1]


@pytest.mark.parametrize(("ci", "published"), [((0.3, 0.4), 0.353), (None, None), ((0.35, 0.35), None)])
def test_the_effect_strip_shows_effect_seeds_and_published(
    ci: tuple[float, float] | None, published: float | None
) -> None:
    per_seed = [0.31, 0.33, None, 0.41]
    drawn = svg(effect_chart(0.35, ci, 0.05, per_seed=per_seed, published=published))
    assert signs(drawn, "fill: var(--accent); fill-opacity: 0.45") == 3
    assert signs(drawn, "stroke: var(--warn)") == (published is not None)
    label = ET.fromstring(drawn).get("aria-label", "").replace("\u00a0", " ")
    assert label.startswith("Effect 35.0 points, ")
    assert ("published 35.3 points" in label) == (published is not None)


def test_nothing_to_draw_is_no_drawing(make_bare_claim: Callable[[], dict[str, Any]]) -> None:
    bare = make_bare_claim()
    assert shown(bare, Strips) == []
    assert shown(bare, Panels) == []
    assert effect_chart(None, None, 0.05) is None


def test_letters_of_claim_figures_are_legible_on_a_phone(claim: dict[str, Any]) -> None:
    (panel,) = panels(claim, claim["parts"][0]["curves"][0])
    for drawing in (svg(panel), svg(shown(claim, Strips)[0].axis)):
        box = float(re.findall(r'viewBox="0 0 ([\d.]+)', str(drawing))[0])
        sizes = [float(size) for size in re.findall(r"font-size: ([\d.]+)px", str(drawing))]
        assert sizes
        assert min(sizes) * 328 / box > 8
