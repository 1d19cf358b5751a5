"""The files of a proof: those the arms draw from, one after the other, and the rows they are tested on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Int

from negspace.data import Dataset, Examples, check_groups_apart, duplicates_across, read, shared_groups
from negspace.errors import PlanError
from negspace.evaluation import Inputs
from negspace.proofs.specs import ArmSpec, identity

__all__ = ["Files", "read_files"]


@dataclass(frozen=True, eq=False)
class Files:
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

    def joined(self) -> Inputs:
        """All sources as one training set, beside the test files."""
        return Inputs(_join(self.sources, self.label_names), self.test, self.near_miss, self.warnings)


def read_files(
    arms: Sequence[ArmSpec],
    test: object,
    near_miss: object | None,
    reference: object | None,
    *,
    text: str | None,
    label: str | None,
    group: str | None,
) -> Files:
    """Read the files of a proof.

    Args:
        arms: What draws from which.
        test: Of ordinary test rows.
        near_miss: Of a contrast set, or None.
        reference: The reference pool; where None, the pool of the first strategy, else the last arm's file.
        text: Column of texts in all of them; recognised by its name where None.
        label: Column of labels in all of them; recognised by its name where None.
        group: Column of groups, in those that have it; at least one must.

    Raises:
        DataError: If a file cannot be used, a test label occurs in no arm, or a group stands in training and
            test rows.
        PlanError: If two arms are the same rows under two names.
    """
    if reference is None:
        reference = next((arm.source for arm in arms if arm.strategy is not None), arms[-1].source)
    wanted = {identity(source): source for source in (*(arm.source for arm in arms), reference)}
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
    files = Files(
        tuple(sources),
        tuple(places[identity(arm.source)] for arm in arms),
        places[identity(reference)],
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


def _check_copies(arms: Sequence[ArmSpec], files: Files) -> None:
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
        for row, name in enumerate(name for source in sources for name in _group_of_rows(source)):
            found[groups[row]] = name
        names = tuple(found)
    examples = Examples(
        texts=tuple(text for source in sources for text in source.examples.texts),
        labels=np.concatenate(labels),
        label_names=label_names,
        groups=groups,
        source="the arms",
    )
    return Dataset(examples, sources[0].columns, names)


def _group_of_rows(source: Dataset) -> list[str | None]:
    groups, names = source.examples.groups, source.group_names
    if groups is None or names is None:
        return [None] * len(source)
    return [names[group] for group in groups]
