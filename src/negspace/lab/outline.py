"""A claim before it is run: its words, its plan and the published figures."""

from __future__ import annotations

from collections.abc import Mapping

from negspace.errors import MissingExtraError
from negspace.lab.claim import Claim, Part, Scale, plan_hash
from negspace.lab.claims.planted import QUANTITIES, AnswerArm, Course, TraceArm
from negspace.lab.replicas import LstmNet, ReplicaArm, Rows, Sweep, TaughtRows
from negspace.models import Arm
from negspace.records import Json

__all__ = ["described", "outline"]


def described(claim: Claim, scale: Scale) -> Mapping[str, Json]:
    """All that is decided before a claim is run.

    Args:
        claim: The claim.
        scale: How large it is run.

    Returns:
        JSON: words, plans with their hashes, published figures.
    """
    parts = claim.parts(scale)
    return {
        "claim": claim.name,
        "title": claim.title,
        "statement": claim.statement,
        "source": claim.source,
        "plan_hash": plan_hash(parts),
        "parts": [
            {
                "name": part.name,
                "title": part.title,
                "control": part.control,
                "plan_hash": part.study.plan_hash,
                "plan": part.study.plan(),
                "tests": dict(part.tests),
                "published": [
                    {"arm": p.arm, "test": p.on, "mean": p.mean, "sd": p.sd} for p in part.published
                ],
            }
            for part in parts
        ],
    }


def outline(claim: Claim, scale: Scale) -> str:
    """The same for a reader, in lines; without the controls where telling them takes a missing package."""
    missing = ""
    try:
        parts = claim.parts(scale)
    except MissingExtraError as error:
        parts, missing = claim.parts(scale, controls=False), str(error)
    lines = [claim.title, "", claim.statement, "", f"Plan {plan_hash(parts)[:12]}"]
    # A claim without a published figure is ours: its plan was published nowhere.
    first = "published" if any(_published(part) for part in parts) else "the claim"
    for part in parts:
        lines += ["", *_part(part, first)]
    if missing:
        lines += ["", f"Its controls are not shown: {missing}"]
    return "\n".join(lines)


def _published(part: Part) -> bool:
    return bool(part.published) or any(each.published is not None for each in part.expectations)


def _part(part: Part, first: str) -> list[str]:
    kind = "control" if part.control else first
    study = part.study
    lines = [f"{part.title} ({kind}, {len(study.seeds)} seeds)"]
    lines += [f"  arm         {arm.name}: {_settings(arm)}" for arm in study.arms]
    lines += [f"  test        {name}: {words}" for name, words in part.tests.items()]
    for expectation in part.expectations:
        h = expectation.hypothesis
        effect = h.metric.name + f" of {h.arm}" + ("" if h.versus is None else f" - {h.versus}")
        published = "" if expectation.published is None else f" (published {expectation.published:+.3f})"
        lines += [f"  hypothesis  {expectation.says}", f"              {effect} > {h.threshold:g}{published}"]
    lines += [
        f"  published   {p.arm}, {p.on}: {p.mean:.3f}" + ("" if p.sd is None else f" ± {p.sd:.3f}")
        for p in part.published
    ]
    return lines


def _settings(arm: Arm) -> str:
    if isinstance(arm, AnswerArm):
        return _course(arm.course)
    if isinstance(arm, TraceArm):
        return f"{QUANTITIES[arm.quantity]}; against {arm.outcome}; {_course(arm.course)}"
    if isinstance(arm, Sweep):
        rates = ", ".join(f"{member.adam.lr:g}" for member in arm.arms)
        return f"{_settings(arm.arms[0])}, the best of learning rates {rates} on '{arm.on}'"
    assert isinstance(arm, ReplicaArm)
    net = arm.net
    shape = net.name
    if isinstance(net, LstmNet):
        shape += f", embedding {net.embedding}" + (f" with {net.delta} delta" if net.delta else "")
    best = "" if arm.best_of is None else f", best of {arm.best_of.checkpoints} checkpoints"
    return f"{shape}; {arm.steps} steps{best}; {_rows(arm.rows)}"


def _course(course: Course) -> str:
    settings = course.settings
    shape = f"{settings.layers} layers of width {settings.width}"
    if not course.steps:
        return f"{shape}, not trained"
    trained = f"{course.steps} steps of {settings.batch} tokens on {', '.join(course.roles)}"
    return f"{shape}, {trained}"


def _rows(rows: Rows) -> str:
    if isinstance(rows, TaughtRows):
        parts = [f"{rows.labels} labels of generation {rows.generation - 1}"]
        if rows.true_rows == "accumulated":
            parts.append("rows of all generations")
        elif rows.true_share:
            parts.append(f"{rows.true_share:.0%} {rows.true_rows} true rows")
        if rows.verifier is not None:
            parts.append(", ".join(f"{key} {value}" for key, value in rows.verifier.describe().items()))
        return ", ".join(parts)
    described = rows.describe()
    mix = described.get("negatives")
    negatives = (
        ", ".join(f"{kind} {share:.0%}" for kind, share in mix.items()) if isinstance(mix, dict) else ""
    )
    return f"negatives {negatives}" + (", labels checked" if described.get("checked") else "")
