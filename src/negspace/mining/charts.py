"""The drawing of a mining report: how hits score against the positives they stand beside."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np
from markupsafe import Markup
from matplotlib.axes import Axes

from negspace.mining.findings import Scores
from negspace.reports.axes import ACCENT, SOFT, WARN, canvas
from negspace.reports.numbers import count
from negspace.reports.svg import drawing, inline_svg


def score_histogram(scores: Scores, name: str, label: str) -> Markup:
    """Draw scores of negatives and positives over common bins, each as a share of its own number."""
    edges = np.array(scores.edges)
    with drawing():
        figure, axes = canvas(368, 220, (56, 44, 300, 168))
        tips = _bars(axes, edges, scores.negatives.histogram, WARN, "negatives", filled=True)
        if scores.positives is not None:
            tips |= _bars(axes, edges, scores.positives.histogram, ACCENT, "positives", filled=False)
        axes.set_xlim(edges[0], edges[-1])
        axes.set_ylim(bottom=0)
        axes.set_yticks([])
        axes.set_xlabel("score")
        axes.set_ylabel("share")
        return inline_svg(figure, name=name, label=label, tips=tips)


def _bars(
    axes: Axes, edges: np.ndarray, counts: Sequence[int], colour: str, what: str, *, filled: bool
) -> dict[str, str]:
    total = max(sum(counts), 1)
    heights = np.array(counts) / total
    tips = {}
    if filled:
        for at, (low, high) in enumerate(itertools.pairwise(edges)):
            gid = f"{what}-{at}"
            tips[gid] = f"{low:.2f} to {high:.2f}: {count(counts[at])} {what}"
            axes.bar(low, heights[at], high - low, align="edge", color=colour, alpha=0.45, gid=gid)
    else:
        axes.stairs(heights, edges, color=colour, linewidth=1.8)
    middle = float(np.dot(heights, (edges[:-1] + edges[1:]) / 2))
    axes.axvline(middle, color=SOFT, linewidth=0.8, dashes=(2, 3))
    return tips
