"""Which fragments are shown closely, and where the map places them."""

from __future__ import annotations

import numpy as np

from negspace.probes import PROBES, metric_of, ranked_columns
from negspace.probing import choose_highlights, columns_of, fragment_map

from . import made_findings as made


def test_two_of_each_role_then_the_ends_of_each_number() -> None:
    loss = np.array([3.0, 1.0, np.nan, 5.0, 2.0, 4.0, 3.5])
    roles = ["fact", "fact", "noise", "fact", "fact", "fact", "fact"]
    why = choose_highlights({"loss": loss}, roles, [4, 5], most=32)
    # Facts that took steps go first; then the highest and lowest, if they are not shown already.
    assert why == {
        4: "of the role fact",
        5: "of the role fact",
        2: "of the role noise",
        3: "highest loss",
        1: "lowest loss",
    }
    without = choose_highlights({"loss": loss}, None, [4, 5], most=3)
    assert without == {3: "highest loss", 1: "lowest loss", 5: "second highest loss"}


def test_outer_fragments_lie_on_the_edge_of_the_map() -> None:
    summary = made.build_probe(200, chosen=1)
    across, up = (summary["columns"].index(name) for name in ("transfer", "left after 16"))
    for row, each in enumerate(summary["fragments"]):
        each["values"][across], each["values"][up] = row / 200, 0.5 + row / 400
    summary["fragments"][0]["values"][across] = -50.0
    findings = made.findings_of(summary)
    placed = fragment_map(findings, columns_of(findings))
    assert placed is not None
    assert placed.wanted and placed.n == placed.dots == 200
    values = np.array([each["values"][across] for each in summary["fragments"]])
    low, high = np.quantile(values, (0.02, 0.98))
    pad = 0.08 * (high - low)
    np.testing.assert_allclose((placed.across.low, placed.across.high), (low - pad, high + pad))
    assert placed.beyond == ((values < low - pad) | (values > high + pad)).sum() == 1
    assert not placed.across.logarithmic


def test_positive_numbers_over_two_powers_of_ten_are_placed_by_their_logarithm() -> None:
    summary = made.build_probe(200, chosen=1)
    at = summary["columns"].index("gradient norm")
    for row, each in enumerate(summary["fragments"]):
        each["values"][at] = 10 ** (row / 50)
        each["values"][summary["columns"].index("left after 16")] = None
    findings = made.findings_of(summary)
    placed = fragment_map(findings, columns_of(findings))
    assert placed is not None
    assert not placed.wanted
    assert placed.up.column.name == "gradient norm" and placed.up.logarithmic


def test_every_ranked_number_is_described() -> None:
    assert list(ranked_columns()) == [
        "loss",
        "pressure",
        "effective competitors",
        "gradient norm",
        "cosine to mean",
        "cosine to reference",
        "first-order transfer",
        "turbulence",
        "coherence",
        "self-influence",
        "transfer",
        "drift",
        "attention change",
        "left after 16",
        "volatility",
    ]
    for probe, metric in ranked_columns().values():
        assert metric.meaning and metric.unit
        assert metric_of(probe, metric.name) is metric
    assert metric_of("pressure", "near at T=0.5").unit == "probability"
    assert metric_of("of another package", "anything").unit == ""
    assert all(PROBES.entries[name].summary.endswith(".") for name in PROBES)
