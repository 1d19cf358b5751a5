"""What a proof compares: arms as the user writes them, their files, and the rows they are tested on."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Int

from negspace.curation.strategies import STRATEGIES
from negspace.data import Dataset, Examples, check_groups_apart, duplicates_across, read, shared_groups
from negspace.errors import PlanError, did_you_mean
from negspace.evaluation import EvaluationFiles


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
        twin = seen.setdefault((_identity(spec.source), spec.strategy), spec)
        if twin is not spec:
            raise PlanError(
                f"the arms '{twin.name}' and '{spec.name}' are the same", hint="an effect of 0 needs no proof"
            )
    names = [spec.name for spec in specs]
    for name in names:
        if names.count(name) > 1:
            raise PlanError(f"two arms are called '{name}'", hint="name them: NAME=FILE")
    return specs


def _identity(source: object) -> object:
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


@dataclass(frozen=True, eq=False)
class ProofFiles:
    """What the user gave, read.

    Attributes:
        sources: Each file to train on, once.
        of_arm: For each arm, which of ``sources`` it draws from.
        reference: Which of ``sources`` is the reference pool.
        test: Ordinary test rows.
        near_miss: A contrast set, or None.
        label_names: Labels of all sources together, sorted.
        warnings: What the user should know before trusting a number.
    """

    sources: tuple[Dataset, ...]
    of_arm: tuple[int, ...]
    reference: int
    test: Dataset
    near_miss: Dataset | None
    label_names: tuple[str, ...]
    warnings: tuple[str, ...]

    def rows(self, source: int) -> Int[np.ndarray, " rows"]:
        """Positions of a source's rows where all sources stand one after the other."""
        start = sum(len(each) for each in self.sources[:source])
        return np.arange(start, start + len(self.sources[source]))

    def joined(self) -> EvaluationFiles:
        """All sources as one training set, beside the test files."""
        return EvaluationFiles(
            _join(self.sources, self.label_names), self.test, self.near_miss, self.warnings
        )


def read_files(
    arms: Sequence[ArmSpec],
    test: object,
    near_miss: object | None,
    reference: object | None,
    *,
    text: str | None,
    label: str | None,
    group: str | None,
) -> ProofFiles:
    """Read the files of a proof.

    Raises:
        DataError: If a file cannot be used, a test label occurs in no arm, or a group stands in training and
            test rows.
        PlanError: If two arms are the same rows under two names.
    """
    if reference is None:
        reference = next((arm.source for arm in arms if arm.strategy is not None), arms[-1].source)
    wanted = {_identity(source): source for source in (*(arm.source for arm in arms), reference)}
    places = {key: place for place, key in enumerate(wanted)}
    sources = [read(s, text=text, label=label, group=group, group_optional=True) for s in wanted.values()]
    if group is not None and all(source.columns.group is None for source in sources):
        read(next(iter(wanted.values())), text=text, label=label, group=group)  # says what columns there are
    label_names = tuple(sorted({name for source in sources for name in source.examples.label_names}))
    warnings = [note for source in sources for note in source.notes]
    held_out: list[Dataset] = []
    for other in (test, near_miss):
        if other is None:
            continue
        dataset = read(
            other, text=text, label=label, group=group, group_optional=True, label_names=label_names
        )
        warnings += dataset.notes
        for source in sources:
            check_groups_apart(source, dataset)
            if note := duplicates_across(source.examples, dataset.examples).note:
                warnings.append(note)
        held_out.append(dataset)
    files = ProofFiles(
        tuple(sources),
        tuple(places[_identity(arm.source)] for arm in arms),
        places[_identity(reference)],
        held_out[0],
        held_out[1] if len(held_out) > 1 else None,
        label_names,
        tuple(dict.fromkeys([*warnings, *_absent_labels(sources, label_names)])),
    )
    _check_copies(arms, files)
    return files


def _absent_labels(sources: Sequence[Dataset], label_names: tuple[str, ...]) -> list[str]:
    said = []
    for source in sources:
        absent = sorted(set(label_names) - set(source.examples.label_names))
        if absent:
            shown = ", ".join(f"'{name}'" for name in absent[:3]) + (" and more" if len(absent) > 3 else "")
            said.append(f"{source.examples.source} lacks {len(absent)} labels that other arms have: {shown}")
    return said


def _check_copies(arms: Sequence[ArmSpec], files: ProofFiles) -> None:
    """Refuse a comparison of one whole file with a copy of it, the effect of which can only be 0."""
    for place, arm in enumerate(arms):
        for other_place, other in enumerate(arms[:place]):
            one, two = (files.sources[files.of_arm[p]].examples for p in (place, other_place))
            if arm.strategy is other.strategy is None and one.fingerprint == two.fingerprint:
                raise PlanError(
                    f"the arms '{other.name}' and '{arm.name}' hold the same rows in the same order",
                    hint="compare with other rows, or with random@POOL",
                )


def _join(sources: Sequence[Dataset], label_names: tuple[str, ...]) -> Dataset:
    position = {name: place for place, name in enumerate(label_names)}
    labels = [
        np.array([position[name] for name in source.examples.label_names])[source.examples.labels]
        for source in sources
    ]
    groups, names = None, None
    if any(source.examples.groups is not None for source in sources):
        groups = np.concatenate(shared_groups(*sources))
        found: list[str | None] = [None] * (int(groups.max()) + 1)
        row = 0
        for source in sources:
            own, known = source.examples.groups, source.group_names
            for place in range(len(source)):
                found[groups[row]] = None if own is None or known is None else known[own[place]]
                row += 1
        names = tuple(found)
    examples = Examples(
        texts=tuple(text for source in sources for text in source.examples.texts),
        labels=np.concatenate(labels),
        label_names=label_names,
        groups=groups,
        source="the arms",
    )
    return Dataset(examples, sources[0].columns, names)
