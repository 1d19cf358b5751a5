from __future__ import annotations

import re
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any
from xml.etree import ElementTree as ET

import numpy as np
import pytest

Summary = dict[str, Any]
Make = Callable[..., dict[str, Any]]
Show = SimpleNamespace


def dots(svg: str) -> dict[int, tuple[float, float]]:
    """Place of each seed's dot in the drawing, by seed."""
    found = {}
    for group in ET.fromstring(svg).iter("g"):
        title = group.find("title")
        if title is not None and title.text is not None:
            use = next(group.iter("use"))
            found[int(re.findall(r"seed (\d+)", title.text)[0])] = (float(use.get("x")), float(use.get("y")))
    return found


def test_each_seed_stands_where_its_two_accuracies_put_it(summary: Summary, show: Show) -> None:
    places = dots(str(show.scatter([summary], "f")))
    assert sorted(places) == summary["seeds"]
    x, y = np.array([places[seed] for seed in summary["seeds"]]).T
    easy = np.array(summary["easy"]["per_seed"])
    near = np.array(summary["near_miss"]["per_seed"])
    right, across = np.polyfit(easy, x, 1)
    up, _ = np.polyfit(near, y, 1)
    np.testing.assert_allclose(x, right * easy + across, atol=1e-4)
    # One scale for both axes, upwards in the drawing being downwards in the page: the diagonal is 45°.
    assert right > 0
    assert up == pytest.approx(-right, rel=1e-4)


def test_the_drawing_says_in_words_what_it_shows(summary: Summary, show: Show) -> None:
    scatter, curve = show.scatter([summary], "f"), show.curve([summary], "c")
    assert scatter is not None
    assert curve is not None
    label = ET.fromstring(scatter).get("aria-label", "").replace("\u00a0", " ")
    assert "20 seeds with a mean of 86.9 % on easy rows and 54.3 % on near misses" in label
    said = ET.fromstring(curve).get("aria-label", "").replace("\u00a0", " ")
    assert "from 50.4 % at distance 0.05 to 0.14 to 87.2 % at 0.68 to 0.77, in 8 bands" in said


def test_every_band_shows_its_count(summary: Summary, show: Show) -> None:
    texts = [t.text for t in ET.fromstring(str(show.curve([summary], "c"))).iter("text")]
    for band in summary["curve"]:
        assert str(band["n"]) in texts


def test_a_drawing_scales_and_takes_its_colours_from_the_page(summary: Summary, show: Show) -> None:
    drawings = [
        show.scatter([summary, summary], "a"),
        show.curve([summary], "b"),
        show.curve([summary, summary], "c"),
        show.strip(summary, "d"),
        show.verdict(summary, "e"),
    ]
    for drawing in drawings:
        assert drawing is not None
        root = ET.fromstring(drawing)
        assert root.get("viewBox")
        assert root.get("width") is None
        assert root.get("height") is None
        assert not re.search(r"#0[0-9]0[0-9]0[0-9]\b", drawing)
        assert set(re.findall(r"(?:fill|stroke): (#[0-9a-f]+)", drawing)) == set()
        assert "font-family" not in drawing


def test_letters_are_legible_on_a_phone(summary: Summary, show: Show) -> None:
    # 328 px is what a page of 360 px leaves; 270 px what a verdict card on it does.
    for drawing, width in (
        (show.scatter([summary], "a"), 328),
        (show.curve([summary], "b"), 328),
        (show.verdict(summary, "c"), 270),
    ):
        box = float(re.findall(r'viewBox="0 0 ([\d.]+)', str(drawing))[0])
        sizes = [float(size) for size in re.findall(r"font-size: ([\d.]+)px", str(drawing))]
        assert sizes
        assert min(sizes) * width / box > 8


@pytest.mark.parametrize("means", [(1.0, 1.0), (0.5, 0.0), (0.9, 0.9), (0.7, 0.95), (0.0, 0.0)])
def test_extreme_accuracies_are_drawn(make_summary: Make, means: tuple[float, float], show: Show) -> None:
    summary = make_summary(*means)
    for key, mean in zip(("easy", "near_miss"), means, strict=True):
        summary[key] |= {"per_seed": [mean] * 20, "ci": [mean, mean]}
    summary["curve"] = [{"low": 0.3, "high": 0.3, "n": 1, "mean": means[1], "ci": [None, None]}]
    assert len(dots(str(show.scatter([summary], "f")))) == 20
    assert show.curve([summary], "c") is not None
    assert show.strip(summary, "s") is not None


def test_nothing_to_draw_is_no_drawing(bare: Summary, show: Show) -> None:
    assert show.scatter([bare], "a") is None
    assert show.curve([bare], "b") is None
    assert show.strip(bare, "c") is None
    assert show.verdict(bare, "d") is None


def test_guessing_is_one_over_the_number_of_labels(summary: Summary, show: Show) -> None:
    assert show.chance(summary) == 0.5
    summary["data"]["labels"] = {str(k): 1 for k in range(150)}
    assert show.chance(summary) == pytest.approx(1 / 150)
