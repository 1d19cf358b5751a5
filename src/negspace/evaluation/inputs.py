"""The files of an audit, read and held against each other."""

from __future__ import annotations

from dataclasses import dataclass

from negspace.data import Dataset, check_groups_apart, duplicates_across, read

__all__ = ["Inputs", "read_inputs"]


@dataclass(frozen=True, eq=False)
class Inputs:
    """What the user gave.

    Attributes:
        train: The set that is audited.
        test: Ordinary test rows, or None where they are to be held out of ``train``.
        near_miss: A contrast set, or None.
        warnings: What the user should know before trusting a number, a sentence each.
    """

    train: Dataset
    test: Dataset | None
    near_miss: Dataset | None
    warnings: tuple[str, ...]

    @property
    def files(self) -> tuple[Dataset, ...]:
        """Those that were given, the training set first."""
        return tuple(d for d in (self.train, self.test, self.near_miss) if d is not None)


def read_inputs(
    train: object,
    test: object | None,
    near_miss: object | None,
    *,
    text: str | None,
    label: str | None,
    group: str | None,
) -> Inputs:
    """Read the files of an audit.

    Args:
        train: Path or object of the set that is audited.
        test: Of ordinary test rows, or None.
        near_miss: Of a contrast set, or None.
        text: Column of texts in all of them; recognised by its name where None.
        label: Column of labels in all of them; recognised by its name where None.
        group: Column of groups in the training set, and in the others where they have it.

    Raises:
        DataError: If a file cannot be used, has a label the training set lacks, or shares a group with it.
    """
    audited = read(train, text=text, label=label, group=group)
    warnings = list(audited.notes)
    others: list[Dataset | None] = []
    for source in (test, near_miss):
        if source is None:
            others.append(None)
            continue
        other = read(
            source,
            text=text,
            label=label,
            group=group,
            group_optional=True,
            label_names=audited.examples.label_names,
        )
        check_groups_apart(audited, other)
        duplicates = duplicates_across(audited.examples, other.examples)
        warnings += [*other.notes, *([duplicates.note] if duplicates.note else [])]
        others.append(other)
    ordinary, contrast = others
    if ordinary is not None and contrast is not None:
        warnings += _unchanged(ordinary, contrast)
    return Inputs(audited, ordinary, contrast, tuple(warnings))


def _unchanged(test: Dataset, contrast: Dataset) -> list[str]:
    """Say which near misses are test rows that nobody changed."""
    same = duplicates_across(test.examples, contrast.examples)
    if not len(same):
        return []
    relabelled = test.examples.labels[same.train_rows] != contrast.examples.labels[same.test_rows]
    first = same.test_rows[relabelled][0] if relabelled.any() else same.test_rows[0]
    return [
        f"{len(same)} of {len(contrast)} near misses have the text of a test row, {relabelled.sum()} of them "
        f"with another label (first: {contrast.where(int(first))})"
    ]
