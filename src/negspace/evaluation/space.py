"""Where the rows of an audit stand to each other: distances, clusters, and the split they allow."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from negspace.data import shared_groups, split_rows
from negspace.evaluation.inputs import Inputs
from negspace.search import Embedding, Neighbours, components, embed, group_links, nearest, nearest_in_group

__all__ = ["Space", "lay_out"]


@dataclass(frozen=True, eq=False)
class Space:
    """All rows of an audit: the training file, then the test file, then the contrast set.

    Attributes:
        texts: Of all rows.
        labels: Of all rows.
        embedding: Of all rows.
        groups: Given group of each row (a row without one is a group of its own).
        clusters: Rows joined by group or by near-duplicate text.
        neighbours: Of the training file's rows, among themselves.
        in_group: For the training file's rows, nearest row of another label in the group, and its
            distance; None where no groups are given.
        train: Rows to train on.
        test: Ordinary held-out rows.
        contrast: Rows of the contrast set; empty where none is given.
        notes: What the split could not do.
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


def lay_out(inputs: Inputs, *, seed: int) -> Space:
    """Embed all rows, find clusters, and hold rows out where no test file is given.

    Args:
        inputs: The files.
        seed: Of the split.

    Raises:
        DataError: If there are too few independent rows to hold any out.
    """
    files = inputs.files
    texts = tuple(text for file in files for text in file.examples.texts)
    labels = np.concatenate([file.examples.labels for file in files])
    embedding = embed(texts)
    groups = np.concatenate(shared_groups(*files))
    audited = len(inputs.train)
    neighbours = nearest(embedding[:audited], labels[:audited])
    links = [group_links(groups), neighbours.links]
    if len(files) > 1:
        links.append(nearest(embedding[audited:], labels[audited:]).links + audited)
    clusters = components(len(texts), np.concatenate(links))
    given = inputs.train.examples.groups is not None
    in_group = nearest_in_group(embedding[:audited], labels[:audited], groups[:audited]) if given else None
    contrast = np.arange(len(texts) - (len(inputs.near_miss) if inputs.near_miss else 0), len(texts))
    notes: tuple[str, ...] = ()
    if inputs.test is None:
        split = split_rows(inputs.train.examples, clusters=clusters[:audited], seed=seed)
        train, test, notes = split.train, split.test, split.notes
    else:
        train, test = np.arange(audited), np.arange(audited, audited + len(inputs.test))
    return Space(
        texts, labels, embedding, groups, clusters, neighbours, in_group, train, test, contrast, notes
    )
