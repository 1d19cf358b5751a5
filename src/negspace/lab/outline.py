"""Plans of claims in words: before a claim is run, and on its page."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol, runtime_checkable

from negspace.errors import MissingExtraError
from negspace.lab.claim import Claim, Experiment, Scale, plan_hash
from negspace.lab.result import ExperimentResult
from negspace.models import Arm
from negspace.records import Json
from negspace.reports import blocks as b
from negspace.reports.numbers import NONE, points, seed_range


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


def _said(value: object) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_said(inner)}" for key, inner in value.items()) or "no settings"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_said, value))}]"
    return str(value)


def plan_blocks(experiment: ExperimentResult) -> Iterator[b.Block]:
    """The plan that was run, for a page: in lines and tables, and as JSON."""
    plan = experiment.plan
    arms: Sequence[Mapping[str, object]] = [
        arm for arm in _listed(plan.get("arms")) if isinstance(arm, Mapping)
    ]
    flat = [dict(_flat({key: value for key, value in arm.items() if key != "name"})) for arm in arms]
    missing = object()
    first = flat[0] if len(flat) > 1 else {}
    common = {k: v for k, v in first.items() if all(each.get(k, missing) == v for each in flat)}
    facts: list[tuple[b.Text, b.Text]] = [
        ("Hash of the plan", experiment.plan_hash),
        ("Seeds", seed_range(experiment.seeds)),
    ]
    facts += [
        (b.given(name.replace("_", " ").capitalize()), b.given(_setting(value)))
        for name, value in plan.items()
        if name not in {"arms", "hypotheses", "seeds"}
    ]
    if common:
        facts.append(("All arms", b.given(_setting(common))))
    facts += [(b.given(f"Test {name}"), b.given(said)) for name, said in experiment.tests.items()]
    yield b.Facts(tuple(facts))
    if arms:
        rows = []
        for arm, settings in zip(arms, flat, strict=True):
            own = {key: value for key, value in settings.items() if key not in common}
            rows.append((b.given(str(arm.get("name", NONE))), b.given(_setting(own) or NONE)))
        caption = "Arms, and what sets each apart"
        yield b.Table(("arm", "settings"), tuple(rows), caption, label="Arms of the plan", style="dense")
    if experiment.hypotheses:
        decided = []
        for h in experiment.hypotheses:
            bound = "more than" if h.claim == "more" else "short by less than"
            compared = f"{h.measure}: {' against '.join(arm.name for arm in h.arms)}"
            decided.append((b.given(h.name), b.given(compared), f"{bound} {points(h.margin)}"))
        yield b.Table(
            ("name", "what is compared", "the effect must be"),
            tuple(decided),
            caption="Hypotheses, fixed before the run",
            label="Hypotheses of the plan",
            style="dense",
        )
    yield b.Raw(json.dumps(plan, indent=1, ensure_ascii=False), "The plan as JSON")


def _listed(value: object) -> Sequence[object]:
    return value if isinstance(value, list | tuple) else ()


def _flat(settings: Mapping[str, object], path: str = "") -> Iterator[tuple[str, object]]:
    """Settings with nested ones by their path: ``adam.lr``."""
    for key, value in settings.items():
        if isinstance(value, Mapping) and value:
            yield from _flat(value, f"{path}{key}.")
        else:
            yield f"{path}{key}", value


def _setting(value: object, *, nested: bool = False) -> str:
    """A setting of the plan, read aloud: nested settings in brackets."""
    if isinstance(value, Mapping):
        said = ", ".join(f"{key} = {_setting(inner, nested=True)}" for key, inner in value.items())
        return f"({said})" if nested and value else said or (NONE if nested else "")
    if isinstance(value, list | tuple):
        if nested:
            return f"[{', '.join(_setting(inner, nested=True) for inner in value)}]"
        return "; ".join(_setting(inner) for inner in value) or NONE
    if isinstance(value, str):
        return value or (NONE if nested else "")
    return json.dumps(value)
