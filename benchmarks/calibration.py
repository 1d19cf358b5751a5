"""How often verdicts err, intervals cover and effects are found, on studies whose truth is known.

    python benchmarks/calibration.py                    the table of docs/explanation/evidence.md (minutes)
    python benchmarks/calibration.py --studies 500      the same with fewer studies a cell
    python benchmarks/calibration.py --only "family"    cells whose name holds these words

The base case is 20 seeds with normal differences, one hypothesis, margin .05; every cell varies one thing.
All hypotheses of a family are alike. "False supported" counts families with any, where every true effect is
the margin itself: the least favourable null. Coverage is that of one 95 % interval. Power is that of one
hypothesis of the family, at a true effect of .35.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
from scipy import special

from negspace.statistics import (
    LARGE_FAMILY,
    SEEDS_OF_LARGE_FAMILY,
    error_of_mean,
    influence_variance,
    one_sided_level,
)

MARGIN = 0.05
EFFECT = 0.35
LEVEL = one_sided_level(0.05, look=1)

Seeds = Callable[[np.random.Generator, tuple[int, ...], float], np.ndarray]
"""Differences at each seed, of a true mean."""

Rows = Callable[[np.random.Generator, float], tuple[np.ndarray, np.ndarray, np.ndarray]]
"""Shares of the seeds that are right on each test row: those of one side, of the other, and the clusters."""


@dataclass(frozen=True)
class Cell:
    """One kind of study.

    Attributes:
        name: As the table names it.
        draw: Differences over seeds.
        seeds: Seeds of a study.
        family: Hypotheses of a study.
        rows: Test rows that add their error; None where the differences are over seeds alone.
        fails: Whether some seeds fail, and then lie more than .2 below the mean.
    """

    name: str
    draw: Seeds
    seeds: int = 20
    family: int = 1
    rows: Rows | None = None
    fails: bool = False


@dataclass(frozen=True)
class Rates:
    """What came out, in percent; ``seen`` is the false "supported" of those that showed a failed seed."""

    supported: float
    coverage: float
    power: float
    seen: float


def normal(rng: np.random.Generator, shape: tuple[int, ...], effect: float) -> np.ndarray:
    """Seeds with a standard deviation of .3."""
    return effect + rng.normal(0, 0.3, shape)


def bad_seeds(share: float) -> Seeds:
    """An arm that gives nothing in a share of the seeds, and in the others enough to make up for it.

    The working seeds lie as far above the failed ones whatever the effect: .35 over their share.
    """

    def draw(rng: np.random.Generator, shape: tuple[int, ...], effect: float) -> np.ndarray:
        worth = EFFECT / (1 - share)
        works = rng.random(shape) >= share
        return effect + worth * (works - (1 - share)) + rng.normal(0, 0.03, shape)

    return draw


def failing_together(rng: np.random.Generator, shape: tuple[int, ...], effect: float) -> np.ndarray:
    """Both arms are at the level of guessing in a tenth of the seeds: there they differ by noise alone."""
    works = rng.random(shape) >= 0.1
    return np.where(works, effect / 0.9 + rng.normal(0, 0.1, shape), rng.normal(0, 0.03, shape))


def lower_tail(sample: Callable[[np.random.Generator, tuple[int, ...]], np.ndarray]) -> Seeds:
    """Most seeds a little above the mean, some far below; standard deviation .3 (that of `sample` is 1)."""

    def draw(rng: np.random.Generator, shape: tuple[int, ...], effect: float) -> np.ndarray:
        return effect - 0.3 * sample(rng, shape)

    return draw


def ceiling(rng: np.random.Generator, shape: tuple[int, ...], effect: float) -> np.ndarray:
    """One accuracy close to 1 less another, each on 50 rows drawn anew for each seed."""
    return (rng.binomial(50, 0.99, shape) - rng.binomial(50, 0.99 - effect, shape)) / 50


def gap_rows(easy: int, near: int) -> Rows:
    """A gap of accuracy between two sets of rows, most of which are easy or hopeless for all seeds."""

    def draw(rng: np.random.Generator, effect: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        right = 0.95, 0.95 - effect
        sides = [rng.beta(p, 1 - p, n) for p, n in zip(right, (easy, near), strict=True)]
        return sides[0], sides[1], np.arange(easy + near)

    return draw


def same_rows(count: int) -> Rows:
    """Two arms on the same rows: what the worse one knows the better one knows too."""

    def draw(rng: np.random.Generator, effect: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        rank = rng.random(count)
        sides = [special.betaincinv(p, 1 - p, rank) for p in (0.9, 0.9 - effect)]
        return sides[0], sides[1], np.tile(np.arange(count), 2)

    return draw


def clustered_rows(sizes: tuple[int, ...]) -> Rows:
    """A gap whose near misses come in clusters, the rows of one all as difficult; easy rows are many."""

    def draw(rng: np.random.Generator, effect: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        near = 0.95 - effect
        difficulty = rng.beta(near, 1 - near, len(sizes))
        clusters = 1000 + np.repeat(np.arange(len(sizes)), sizes)
        return (
            rng.beta(0.95, 0.05, 1000),
            np.repeat(difficulty, sizes),
            np.concatenate([np.arange(1000), clusters]),
        )

    return draw


def cells() -> list[Cell]:
    """The table's rows."""
    base = Cell("normal", normal)
    tails = [
        Cell("gamma(4) tail", lower_tail(lambda rng, shape: (rng.gamma(4, size=shape) - 4) / 2)),
        Cell("lognormal(0.5) tail", lower_tail(_lognormal)),
        Cell("exponential tail", lower_tail(lambda rng, shape: rng.exponential(size=shape) - 1)),
        Cell("t with 3 df", lower_tail(lambda rng, shape: rng.standard_t(3, shape) / math.sqrt(3))),
    ]
    bad = [
        Cell(f"{100 * share:.0f} % bad seeds", bad_seeds(share), fails=True)
        for share in (0.05, 0.1, 0.2, 0.3)
    ]
    return [
        base,
        *bad,
        Cell("both arms fail together in 10 %", failing_together),
        *tails,
        Cell("near the ceiling, 50 rows a seed", ceiling),
        *[
            replace(cell, name=f"{cell.name}, {seeds} seeds", seeds=seeds)
            for cell in (base, bad[1], bad[3], tails[0], tails[2])
            for seeds in (10, 40)
        ],
        *[
            replace(cell, name=f"{cell.name}, family of {family}", family=family)
            for cell in (base, bad[0], bad[1], tails[2])
            for family in (4, 10)
        ],
        replace(tails[2], name="exponential tail, family of 4, 10 seeds", seeds=10, family=4),
        replace(tails[2], name="exponential tail, family of 10, 40 seeds", seeds=40, family=10),
        *[
            Cell(f"gap, {easy:,} and {near:,} test rows", normal, rows=gap_rows(easy, near))
            for easy, near in ((30, 30), (100, 100), (500, 500), (2000, 2000), (2000, 30))
        ],
        *[Cell(f"two arms on the same {n} rows", normal, rows=same_rows(n)) for n in (30, 200)],
        Cell("gap, 50 clusters of 4 near misses", normal, rows=clustered_rows((4,) * 50)),
        Cell("gap, 20 clusters of 4 near misses", normal, rows=clustered_rows((4,) * 20)),
        Cell("gap, one cluster of half the near misses", normal, rows=clustered_rows((100, *[1] * 100))),
    ]


def _lognormal(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    s2 = 0.25
    spread = math.sqrt((math.exp(s2) - 1) * math.exp(s2))
    return (rng.lognormal(0, math.sqrt(s2), shape) - math.exp(s2 / 2)) / spread


def measure(cell: Cell, *, studies: int, seed: int = 0) -> Rates:
    """Simulate studies of a cell; the same seed gives the same rates."""
    rng = np.random.default_rng([seed, *cell.name.encode()])
    null, covered, failed = _judged(cell, rng, MARGIN, studies)
    found, _, _ = _judged(cell, rng, EFFECT, studies)
    return Rates(
        supported=100 * float(null.any(axis=1).mean()),
        coverage=100 * float(covered.mean()),
        power=100 * float(found.mean()),
        seen=100 * float(null[failed].mean()) if failed.any() else math.nan,
    )


def supported(p: np.ndarray, family: int, level: float = LEVEL) -> np.ndarray:
    """Which hypotheses of each family come out supported, after Holm."""
    order = np.argsort(p, axis=1, kind="stable")
    stepped = np.take_along_axis(p, order, axis=1) * np.arange(family, 0, -1)
    adjusted = np.empty_like(p)
    np.put_along_axis(adjusted, order, np.maximum.accumulate(stepped, axis=1), axis=1)
    return adjusted <= level


def _judged(
    cell: Cell, rng: np.random.Generator, effect: float, studies: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of each hypothesis: is it supported, does its interval cover, did a seed of it fail."""
    variance: float | np.ndarray = 0.0
    df: float | np.ndarray = math.inf
    failed = np.zeros((studies, cell.family), dtype=bool)
    if cell.rows is None:
        values = cell.draw(rng, (studies, cell.family, cell.seeds), effect)
        if cell.fails:
            failed = np.any(values < effect - 0.2, axis=-1)
    else:
        found = [_answered(cell, cell.rows, rng, effect) for _ in range(studies)]
        values = np.stack([gaps for gaps, _, _ in found])[:, None]
        variance, df = (np.array([each[i] for each in found])[:, None] for i in (1, 2))
    assert cell.family <= LARGE_FAMILY or cell.seeds >= SEEDS_OF_LARGE_FAMILY  # no verdict otherwise
    error = error_of_mean(values, item_variance=variance, item_df=df)
    mean = values.mean(axis=-1)
    covers = (error.low(mean, 1 - 2 * LEVEL) <= effect) & (effect <= error.high(mean, 1 - 2 * LEVEL))
    return supported(np.asarray(error.p_above(mean - MARGIN)), cell.family), np.asarray(covers), failed


def _answered(
    cell: Cell, rows: Rows, rng: np.random.Generator, effect: float
) -> tuple[np.ndarray, float, float]:
    """Gaps of one study whose seeds answer the same rows, and what the rows add to their mean's error.

    As `item_variance_of` has it for shares, whose resolution is ``2 / (clusters + 4)``.
    """
    one, other, clusters = rows(rng, effect)
    sides = [(rng.random((cell.seeds, len(side))) < side).astype(float) for side in (one, other)]
    gaps = sides[0].mean(axis=1) - sides[1].mean(axis=1)
    influences = [(side.mean(axis=0) - side.mean()) / side.shape[1] for side in sides]
    halves = np.split(clusters, [len(one)])
    resolutions = [2 / (len(np.unique(half)) + 4) for half in halves]
    if np.array_equal(halves[0], halves[1]):
        variance, df = influence_variance((influences[0] - influences[1])[None], halves[0])
        return gaps, max(variance, max(resolutions) ** 2), df
    variance, df = influence_variance(
        np.concatenate([influences[0], -influences[1]])[None],
        clusters,
        np.repeat([0, 1], [len(one), len(other)]),
    )
    return gaps, max(variance, math.hypot(*resolutions) ** 2), df


def five_looks(studies: int, *, counted: bool, seed: int = 0) -> float:
    """Percent of null studies supported at any of five looks, at 10, 20, … 50 of their seeds."""
    rng = np.random.default_rng([seed, 5])
    values = normal(rng, (studies, 50), MARGIN)
    found = []
    for look in range(1, 6):
        seen = values[:, : 10 * look]
        p = error_of_mean(seen).p_above(seen.mean(axis=1) - MARGIN)
        found.append(np.less_equal(p, one_sided_level(0.05, look if counted else 1)))
    return 100 * float(np.any(found, axis=0).mean())


def table(studies: int, only: str) -> Iterator[str]:
    """Lines of the Markdown table."""
    yield "| study | false supported | … where a failed seed was seen | coverage | power |"
    yield "| --- | --- | --- | --- | --- |"
    for cell in cells():
        if only in cell.name:
            rates = measure(cell, studies=studies)
            figures = (rates.supported, rates.seen, rates.coverage, rates.power)
            cells_of = " | ".join(f"{each:.1f}" if math.isfinite(each) else "" for each in figures)
            yield f"| {cell.name} | {cells_of} |"
    if only in (name := "five looks"):
        yield f"| {name}, counted | {five_looks(studies, counted=True):.1f} | | | |"
        yield f"| {name}, not counted | {five_looks(studies, counted=False):.1f} | | | |"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--studies", type=int, default=20_000, help="studies a cell")
    parser.add_argument("--only", default="", help="words that the name of a cell must hold")
    asked = parser.parse_args()
    for line in table(asked.studies, asked.only):
        print(line, flush=True)
