"""A claim before it is run: its words, its plan and the published figures."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Protocol, runtime_checkable

from negspace.errors import MissingExtraError
from negspace.lab.claim import Claim, Experiment, Scale, plan_hash
from negspace.models import Arm
from negspace.records import Json

__all__ = ["Outlined", "described", "outline"]


@runtime_checkable
class Outlined(Protocol):
    """An arm that tells itself in a line; any other is told by its settings."""

    def outline(self) -> str:
        """What is trained, how long, and on what."""
        ...


def described(claim: Claim, scale: Scale) -> Mapping[str, Json]:
    """All that is decided before a claim is run.

    Args:
        claim: The claim.
        scale: How large it is run.

    Returns:
        JSON: words, plans with their hashes, published figures.
    """
    experiments = claim.experiments(scale)
    return {
        "claim": claim.name,
        "title": claim.title,
        "statement": claim.statement,
        "source": claim.source,
        "plan_hash": plan_hash(experiments),
        "parts": [
            {
                "name": each.name,
                "title": each.title,
                "control": each.control,
                "plan_hash": each.study.plan_hash,
                "plan": each.study.plan(),
                "tests": dict(each.tests),
                "published": [
                    {"arm": p.arm, "test": p.on, "mean": p.mean, "sd": p.sd} for p in each.published
                ],
            }
            for each in experiments
        ],
    }


def outline(claim: Claim, scale: Scale) -> str:
    """The same for a reader, in lines; without the controls where telling them takes a missing package."""
    missing = ""
    try:
        experiments = claim.experiments(scale)
    except MissingExtraError as error:
        experiments, missing = claim.experiments(scale, controls=False), str(error)
    lines = [claim.title, "", claim.statement, "", f"Plan {plan_hash(experiments)[:12]}"]
    # A claim without a published figure is ours: its plan was published nowhere.
    published = any(
        each.published or any(stated.published is not None for stated in each.stated) for each in experiments
    )
    for each in experiments:
        kind = "control" if each.control else "published" if published else "the claim"
        lines += ["", f"{each.title} ({kind}, {len(each.study.seeds)} seeds)", *_lines(each)]
    if missing:
        lines += ["", f"Its controls are not shown: {missing}"]
    return "\n".join(lines)


def _lines(experiment: Experiment) -> Iterator[str]:
    for arm in experiment.study.arms:
        yield f"  arm         {arm.name}: {_settings(arm)}"
    for name, words in experiment.tests.items():
        yield f"  test        {name}: {words}"
    for stated in experiment.stated:
        h = stated.hypothesis
        effect = h.metric.name + f" of {h.arm}" + ("" if h.versus is None else f" - {h.versus}")
        published = "" if stated.published is None else f" (published {stated.published:+.3f})"
        yield f"  hypothesis  {stated.says}"
        yield f"              {effect} > {h.threshold:g}{published}"
    for p in experiment.published:
        yield f"  published   {p.arm}, {p.on}: {p.mean:.3f}" + ("" if p.sd is None else f" ± {p.sd:.3f}")


def _settings(arm: Arm) -> str:
    if isinstance(arm, Outlined):
        return arm.outline()
    return _said({key: value for key, value in arm.describe().items() if key != "name"})


def _said(value: Json) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_said(inner)}" for key, inner in value.items()) or "no settings"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_said, value))}]"
    return str(value)
