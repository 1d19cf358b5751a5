"""A realistic claim of the lab, as plain data: what ``negspace lab run --json`` prints."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest


def _arm(name: str, mean: float, sd: float, seeds: int) -> dict[str, Any]:
    """An arm of a hypothesis whose seeds have just this mean and spread."""
    values = [math.sin(2.7 * seed + 10 * mean) for seed in range(seeds)]
    middle = statistics.fmean(values)
    scale = sd / (statistics.stdev(values) if seeds > 1 else 1.0)
    per_seed = [mean + scale * (value - middle) for value in values]
    return {"name": name, "mean": mean, "sd": sd if seeds > 1 else None, "per_seed": per_seed}


def _ci(mean: float, sd: float, seeds: int) -> list[float | None]:
    half = 2.1 * sd / math.sqrt(seeds) + 0.01
    return [mean - half, mean + half] if seeds > 1 else [None, None]


def build_hypothesis(
    arm: dict[str, Any],
    versus: dict[str, Any] | None,
    test: str,
    *,
    name: str,
    says: str,
    verdict: str = "supported",
    claim: str = "more",
    margin: float = 0.05,
    published: float | None = None,
) -> dict[str, Any]:
    """A hypothesis of a claim, judged."""
    seeds = len(arm["per_seed"])
    effects = [a - b for a, b in zip(arm["per_seed"], versus["per_seed"], strict=True)] if versus else []
    delta = statistics.fmean(effects or arm["per_seed"])
    ci = _ci(delta, statistics.stdev(effects), seeds) if seeds > 1 and effects else [None, None]
    return {
        "name": name,
        "says": says,
        "claim": claim,
        "measure": f"accuracy on {test}",
        "test": test,
        "arms": [arm] if versus is None else [arm, versus],
        "margin": margin,
        "delta": delta,
        "ci": ci,
        "level": 0.95,
        "p_value": 0.00004 if verdict == "supported" else 0.43,
        "p_adjusted": 0.00004 if verdict == "supported" else 0.43,
        "look": 1,
        "mde": 0.071,
        "seeds_needed": 64 if verdict == "inconclusive" else None,
        "published": None if published is None else {"delta": published},
        "verdict": verdict,
        "reason": f"{name} is {delta:.3g}, and the margin is {margin:.3g} ({seeds} seeds)",
    }


def build_figure(
    arm: dict[str, Any], test: str, published: tuple[float, float | None] | None = None
) -> dict[str, Any]:
    """A figure of a claim: an arm on a test."""
    agrees = None
    if published is not None and published[1] is not None:
        agrees = abs(arm["mean"] - published[0]) <= 2 * published[1]
    return {
        "arm": arm["name"],
        "measure": f"accuracy on {test}",
        "test": test,
        "mean": arm["mean"],
        "sd": arm["sd"],
        "ci": _ci(arm["mean"], arm["sd"] or 0.0, len(arm["per_seed"])),
        "per_seed": arm["per_seed"],
        "n": 1000,
        "published": None if published is None else {"mean": published[0], "sd": published[1]},
        "agrees": agrees,
    }


def build_curve(
    title: str,
    kind: str,
    places: Sequence[float | str],
    series: Mapping[str, Sequence[float]],
    *,
    seeds: int,
    x_label: str,
    published: Sequence[float] = (),
) -> dict[str, Any]:
    """A curve of a claim with intervals."""
    return {
        "title": title,
        "x_label": x_label,
        "y_label": "accuracy",
        "kind": kind,
        "published": [{"x": x, "mean": y} for x, y in zip(places, published, strict=False)] or None,
        "series": [
            {
                "name": name,
                "points": [
                    {
                        "x": x,
                        "mean": y,
                        "low": _ci(y, 0.04, seeds)[0],
                        "high": _ci(y, 0.04, seeds)[1],
                        "per_seed": _arm("", y, 0.04, seeds)["per_seed"],
                    }
                    for x, y in zip(places, means, strict=True)
                ],
            }
            for name, means in series.items()
        ],
    }


RUNGS = ("one swap", "two swaps", "three swaps", "four swaps", "one displaced", "a far swap", "random")


def build_published(seeds: int = 20) -> dict[str, Any]:
    """The published part of a claim: two arms on three tests."""
    reached = {
        "easy": ((0.9995, 0.001, (1.0, 0.001)), (0.981, 0.024, (0.977, 0.031))),
        "hard": ((0.5012, 0.002, (0.5, 0.002)), (0.8714, 0.064, (0.853, 0.07))),
        "extrapolation": ((0.5104, 0.011, (0.503, 0.007)), (0.838, 0.05, (0.657, 0.076))),
    }
    arms = {
        test: [_arm(n, m, sd, seeds) for n, (m, sd, _) in zip(("random", "near miss"), both, strict=True)]
        for test, both in reached.items()
    }
    figures = [
        build_figure(arm, test, known)
        for test, both in reached.items()
        for arm, (_, _, known) in zip(arms[test], both, strict=True)
    ]
    hard, easy, far = (arms[test] for test in ("hard", "easy", "extrapolation"))
    ladder = {"near miss": (0.87, 0.89, 0.93, 0.95, 0.91, 0.96, 0.98)}
    ladder["random"] = (0.5, 0.51, 0.53, 0.55, 0.52, 0.62, 0.999)
    common = {"negatives_share": 0.5, "embedding": {"tokens": 50, "width": 8}, "steps": 1600}
    return {
        "name": "published",
        "title": "As published",
        "control": False,
        "plan_hash": "6f1c0b7a9d2e48355b71c3f0e8a6d94412bb07cd5e3f9a8871d6c0254fe9ab13",
        "plan": {
            "task": {"concept": "sorted", "vocabulary": 50},
            "arms": [
                {"name": "random", "negatives": "random", **common},
                {"name": "near miss", "negatives": "swap", **common},
            ],
            "learner": {"name": "lstm", "hidden": 32, "adam": {"lr": 0.005, "weight_decay": 0.0001}},
            "seeds": list(range(seeds)),
            "measures": [{"measure": "accuracy", "on": test} for test in reached],
            "hypotheses": [{"name": "near misses teach the rule", "margin": 0.05}],
        },
        "seeds": list(range(seeds)),
        "tests": {
            "easy": "500 positives and 500 random negatives of length 20",
            "hard": "500 positives and 500 'swap' negatives of length 20",
            "extrapolation": "500 positives and 500 'swap' negatives of length 40",
        },
        "hypotheses": [
            build_hypothesis(
                hard[1],
                hard[0],
                "hard",
                name="near misses teach the rule",
                says="Trained on near misses, a net tells near misses better than trained on random ones.",
                published=0.353,
            ),
            build_hypothesis(
                easy[1],
                easy[0],
                "easy",
                name="easy accuracy is kept",
                says="Near misses cost no easy accuracy.",
                claim="no less",
                margin=0.02,
                verdict="inconclusive",
                published=-0.023,
            ),
            build_hypothesis(
                far[0],
                far[1],
                "extrapolation",
                name="random negatives extrapolate",
                says="Random negatives reach longer sequences better.",
                verdict="refuted",
            ),
        ],
        "figures": figures,
        "curves": [
            build_curve("Boundary ladder", "ladder", RUNGS, ladder, seeds=seeds, x_label="kind of negative"),
        ],
        "diverged": [],
    }


def build_control(seeds: int = 20, arms: int = 6) -> dict[str, Any]:
    """A control: mixes of both negatives, and what more steps of random ones buy."""
    mixed = [_arm(f"{k} in {arms - 1} near misses", 0.5 + 0.36 * k / arms, 0.05, seeds) for k in range(arms)]
    steps = (400, 800, 1600, 3200, 6400, 12800)
    return {
        "name": "mix",
        "title": "Mixes of both negatives, and more steps",
        "control": True,
        "plan_hash": "0b7a6f1c9d2e48355b71c3f0e8a6d94412bb07cd5e3f9a8871d6c0254fe9ab14",
        "plan": {
            "task": "b8de4c1f77aa2093",
            "arms": [{"name": arm["name"], "share": k / arms} for k, arm in enumerate(mixed)],
            "learner": {"name": "lstm", "hidden": 32},
            "seeds": list(range(seeds)),
            "measures": [{"measure": "accuracy", "on": "hard"}],
            "hypotheses": [],
        },
        "seeds": list(range(seeds)),
        "tests": {"hard": "500 positives and 500 'swap' negatives of length 20"},
        "hypotheses": [
            build_hypothesis(
                mixed[-2],
                mixed[-1],
                "hard",
                name="a mix is enough",
                says="A mix of both negatives is no worse on near misses than near misses alone.",
                claim="no less",
                verdict="refuted",
            )
        ],
        "figures": [build_figure(arm, "hard") for arm in mixed],
        "curves": [
            build_curve(
                "Budget of random negatives",
                "line",
                steps,
                {"random": [0.5, 0.5, 0.51, 0.53, 0.57, 0.6]},
                seeds=seeds,
                x_label="steps",
            ),
            build_curve(
                "Generations",
                "line",
                (0, 1, 2),
                {
                    f"{k} in {arms - 1} true rows": [0.86, 0.8 - 0.02 * k, 0.74 - 0.03 * k]
                    for k in range(arms)
                },
                seeds=seeds,
                x_label="generation",
                published=(0.856, 0.728, 0.68),
            ),
        ],
        "diverged": [{"arm": mixed[0]["name"], "seed": seeds - 1, "step": 1204}],
    }


def build_claim(seeds: int = 20, *, controls: bool = True) -> dict[str, Any]:
    """A claim as ``negspace lab run --json`` prints it."""
    return {
        "format": 1,
        "claim": "invariant",
        "title": "Near misses teach the rule, random negatives a heuristic",
        "statement": "A small net that must tell sorted sequences from others learns where they part only "
        "if its negatives are near misses.",
        "source": "an essay on negative space, experiment 1",
        "negspace": "0.1.0",
        "device": "cpu",
        "smoke": False,
        "registered": True,
        "plan_hash": "71d6c0254fe9ab136f1c0b7a9d2e48355b71c3f0e8a6d94412bb07cd5e3f9a88",
        "parts": [build_published(seeds), *([build_control(seeds)] if controls else [])],
    }


def build_bare() -> dict[str, Any]:
    """One seed and no control; whatever may be null or empty is."""
    claim = build_claim(1, controls=False)
    (part,) = claim["parts"]
    for one in part["hypotheses"]:
        one.update(dict.fromkeys(("delta", "p_value", "p_adjusted", "mde", "seeds_needed", "published")))
        one.update({"ci": [None, None], "verdict": "inconclusive"})
        for arm in one["arms"]:
            arm |= {"mean": None, "sd": None, "per_seed": [None]}
    nothing = {"mean": None, "sd": None, "ci": [None, None], "per_seed": [None]}
    for figure in part["figures"]:
        figure.update(nothing | {"published": None, "agrees": None})
    for one in part["curves"][0]["series"]:
        for point in one["points"]:
            point |= {"mean": None, "low": None, "high": None, "per_seed": [None]}
    part["tests"] = {}
    return claim


def build_large(seeds: int = 20, arms: int = 12, tests: int = 10) -> dict[str, Any]:
    """Every arm on every test, all with published figures, and a ladder of all arms."""
    claim = build_claim(seeds)
    part = claim["parts"][0]
    names = [f"test {k}" for k in range(tests)]
    measured = {
        test: [_arm(f"arm {k}", 0.5 + 0.04 * k - 0.01 * place, 0.03, seeds) for k in range(arms)]
        for place, test in enumerate(names)
    }
    part["tests"] = {test: f"500 positives and 500 negatives of kind {test}" for test in names}
    part["figures"] = [build_figure(arm, test, (0.7, 0.05)) for test in names for arm in measured[test]]
    part["hypotheses"] = [
        build_hypothesis(arm, measured[test][0], test, name=f"{arm['name']} on {test}", says="It is better.")
        for test in names[:2]
        for arm in measured[test][1:]
    ]
    series = {f"arm {k}": [measured[test][k]["mean"] for test in names] for k in range(arms)}
    part["curves"] = [build_curve("Ladder", "ladder", names, series, seeds=seeds, x_label="test")]
    return claim


@pytest.fixture
def claim() -> dict[str, Any]:
    """A claim with a published part and a control."""
    return build_claim()


@pytest.fixture(scope="session")
def make_claim() -> Callable[..., dict[str, Any]]:
    """Builds a claim with a given number of seeds, with or without controls."""
    return build_claim


@pytest.fixture(scope="session")
def make_large_claim() -> Callable[..., dict[str, Any]]:
    """Builds a claim with as many arms and tests as the lab may have."""
    return build_large


@pytest.fixture(scope="session")
def make_bare_claim() -> Callable[[], dict[str, Any]]:
    """Builds a claim that could measure next to nothing."""
    return build_bare
