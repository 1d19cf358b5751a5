"""The files of an evaluation, read and held against each other, and all their rows embedded and clustered."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from negspace.data import (
    Dataset,
    check_groups_apart,
    duplicates_across,
    read,
    shared_groups,
    split_rows,
)
from negspace.search import (
    Embedding,
    Neighbours,
    cluster_rows,
    components,
    embed,
    group_links,
    nearest,
    nearest_in_group,
)


@dataclass(frozen=True, eq=False)
class EvaluationFiles:
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


def read_files(
    train: object,
    test: object | None,
    near_miss: object | None,
    *,
    text: str | None,
    label: str | None,
    group: str | None,
) -> EvaluationFiles:
    """Read the files of an evaluation.

    Args:
        train: Path or object of the set that is audited.
        test: Path or object of ordinary test rows, or None.
        near_miss: Path or object of a contrast set, or None.
        text: Column of texts in all of them; recognised by its name if None.
        label: Column of labels in all of them; recognised by its name if None.
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
    return EvaluationFiles(audited, ordinary, contrast, tuple(warnings))


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


@dataclass(frozen=True, eq=False)
class EmbeddedRows:
    """All rows of an evaluation: the training file, then the test file, then the contrast set.

    Attributes:
        texts: Text of each row.
        labels: Label of each row.
        embedding: Vector of each row.
        groups: Given group of each row (a row without one is a group of its own).
        clusters: Rows joined by group or by near-duplicate text.
        neighbours: Nearest rows of the training file's rows, among themselves.
        in_group: For the training file's rows, nearest row of another label in the group, and its
            distance; None where no groups are given.
        train: Rows to train on.
        test: Ordinary held-out rows.
        contrast: Rows of the contrast set; empty where none is given.
        notes: Which chains of near-duplicates were broken, and what the split could not do.
    """

    texts: tuple[str, ...]
    labels: Int[np.ndarray, " rows"]
    embedding: Embedding
    groups: Int[np.ndarray, " rows"]
    clusters: Int[np.ndarray, " rows"]
    neighbours: Neighbours
    in_group: tuple[Int[np.ndarray, " audited"], Float[np.ndarray, " audited"]] | None
    train: Int[np.ndarray, " train"]
    test: Int[np.ndarray, " test"]
    contrast: Int[np.ndarray, " contrast"]
    notes: tuple[str, ...] = ()


def embed_rows(files: EvaluationFiles, *, seed: int) -> EmbeddedRows:
    """Embed all rows, find clusters, and hold rows out where no test file is given.

    Args:
        files: The files.
        seed: Decides the split.

    Raises:
        DataError: If there are too few independent rows to hold any out.
    """
    given_files = files.files
    texts = tuple(text for file in given_files for text in file.examples.texts)
    labels = np.concatenate([file.examples.labels for file in given_files])
    embedding = embed(texts)
    groups = np.concatenate(shared_groups(*given_files))
    audited = len(files.train)
    neighbours = nearest(embedding[:audited], labels[:audited])
    joined = cluster_rows(embedding[:audited], neighbours.links, group_links(groups[:audited]))
    clusters = joined.of_row
    if len(given_files) > 1:
        links = [group_links(groups[audited:]), nearest(embedding[audited:], labels[audited:]).links]
        others = components(len(texts) - audited, np.concatenate(links))
        clusters = np.concatenate([clusters, clusters.max() + 1 + others])
    given = files.train.examples.groups is not None
    in_group = nearest_in_group(embedding[:audited], labels[:audited], groups[:audited]) if given else None
    contrast = np.arange(len(texts) - (len(files.near_miss) if files.near_miss else 0), len(texts))
    notes: tuple[str, ...] = (f"{files.train.examples.source}: {joined.note}",) if joined.note else ()
    if files.test is None:
        split = split_rows(files.train.examples, clusters=clusters[:audited], seed=seed)
        train, test, notes = split.train, split.test, (*notes, *split.notes)
    else:
        train, test = np.arange(audited), np.arange(audited, audited + len(files.test))
    return EmbeddedRows(
        texts, labels, embedding, groups, clusters, neighbours, in_group, train, test, contrast, notes
    )
