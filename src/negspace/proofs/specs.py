"""What the user writes for an arm: a file, or a strategy that draws from a pool at every seed."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from negspace.curation import STRATEGIES
from negspace.errors import PlanError, did_you_mean

__all__ = ["ArmSpec", "FromPool", "identity", "parse_arms"]


@dataclass(frozen=True, eq=False)
class FromPool:
    """An arm whose rows a strategy draws from a pool anew at each seed.

    Attributes:
        strategy: Its name, one of `negspace.curation.STRATEGIES`.
        pool: The data to draw from, in any form that can be read.
    """

    strategy: str
    pool: object


@dataclass(frozen=True, eq=False)
class ArmSpec:
    """One arm as it was asked for.

    Attributes:
        name: As results name it.
        source: The data: a path or an object.
        strategy: What draws from them; None for the data as they are.
    """

    name: str
    source: object
    strategy: str | None = None


def parse_arms(arms: Mapping[str, object] | Sequence[object]) -> tuple[ArmSpec, ...]:
    """Understand the arms of a proof.

    Args:
        arms: Each ``[NAME=]FILE`` or ``[NAME=]STRATEGY@POOL``, a path, data in memory, or `FromPool`. A
            mapping gives the names.

    Raises:
        PlanError: If there are fewer than two, two are the same or have one name, or there is no such
            strategy.
    """
    if isinstance(arms, str | os.PathLike):
        arms = [arms]
    named = arms.items() if isinstance(arms, Mapping) else ((None, arm) for arm in arms)
    specs = tuple(_parse(arm, name, place) for place, (name, arm) in enumerate(named, start=1))
    if len(specs) < 2:
        raise PlanError(
            "a proof compares at least two arms",
            got=f"{len(specs)}",
            hint="add what to compare with: another file, or random@POOL for random rows of a pool",
        )
    seen: dict[tuple[object, str | None], ArmSpec] = {}
    for spec in specs:
        twin = seen.setdefault((identity(spec.source), spec.strategy), spec)
        if twin is not spec:
            raise PlanError(
                f"the arms '{twin.name}' and '{spec.name}' are the same", hint="an effect of 0 needs no proof"
            )
    names = [spec.name for spec in specs]
    for name in names:
        if names.count(name) > 1:
            raise PlanError(f"two arms are called '{name}'", hint="name them: NAME=FILE")
    return specs


def identity(source: object) -> object:
    """What tells one source from another: the place of a file, an object itself."""
    if isinstance(source, str | os.PathLike):
        return str(Path(os.fspath(source)).expanduser().resolve())
    return id(source)


def _parse(arm: object, name: str | None, place: int) -> ArmSpec:
    if isinstance(arm, FromPool):
        _check_strategy(arm.strategy)
        return ArmSpec(name or f"{arm.strategy}@{_base(arm.pool, place)}", arm.pool, arm.strategy)
    if not isinstance(arm, str):
        return ArmSpec(name or _base(arm, place), arm)
    # A file may have = or @ in its name, and then is what is meant.
    if not Path(arm).expanduser().exists():
        head, sign, rest = arm.partition("=")
        if sign and head and rest and name is None and not {"/", "\\", "@"} & set(head):
            return _parse(rest, head.strip(), place)
        strategy, sign, pool = arm.partition("@")
        if sign and pool and not {"/", "\\"} & set(strategy):
            _check_strategy(strategy)
            return ArmSpec(name or f"{strategy}@{_base(pool, place)}", pool, strategy)
    return ArmSpec(name or _base(arm, place), arm)


def _check_strategy(name: str) -> None:
    if name not in STRATEGIES:
        raise PlanError(f"there is no strategy '{name}'", hint=did_you_mean(name, STRATEGIES))


def _base(source: object, place: int) -> str:
    if isinstance(source, str | os.PathLike):
        path = os.fspath(source)
        return str(path).replace("\\", "/").rstrip("/").rpartition("/")[2] or str(path)
    return f"arm {place}"
