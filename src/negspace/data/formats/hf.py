"""Hugging Face datasets: folders of ``save_to_disk`` and datasets in memory."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from negspace.data.formats.arrow import from_arrow
from negspace.data.table import Table
from negspace.errors import DataError, MissingExtraError, did_you_mean

__all__ = ["from_dataset", "is_dataset", "is_folder", "read"]

DEFAULT_SPLIT = "train"


def is_folder(path: Path) -> bool:
    """Tell whether a directory was written by ``save_to_disk``."""
    return any((path / name).is_file() for name in ("dataset_dict.json", "state.json"))


def is_dataset(source: object) -> bool:
    """Tell a ``datasets.Dataset`` or ``DatasetDict`` without importing that library."""
    if isinstance(source, Mapping):
        return bool(source) and all(is_dataset(part) for part in source.values())
    return hasattr(source, "features") and hasattr(source, "with_format") and hasattr(source, "__len__")


def read(path: Path, split: str | None = None) -> Table:
    """Read a folder of ``save_to_disk``: a Dataset, or one split of a DatasetDict.

    Raises:
        MissingExtraError: The library ``datasets`` is not installed.
        DataError: There is no such split, or the folder is damaged.
    """
    try:
        import datasets  # noqa: PLC0415 - an extra, and a second to import
    except ImportError as error:
        raise MissingExtraError("reading a Hugging Face dataset folder", "hf") from error
    try:
        loaded = datasets.load_from_disk(str(path))
    except (OSError, ValueError, KeyError) as error:
        raise DataError(
            f"{path}: the Hugging Face dataset folder cannot be read",
            got=str(error),
            hint="write it again with Dataset.save_to_disk",
        ) from error
    return from_dataset(loaded, str(path), split)


def from_dataset(dataset: Any, source: str, split: str | None = None) -> Table:
    """Read a ``datasets.Dataset``, or the split of a ``DatasetDict`` (``train`` where none is named).

    Raises:
        DataError: There is no such split, or splits were asked for where there are none.
    """
    if isinstance(dataset, Mapping):
        asked = split or DEFAULT_SPLIT
        if asked not in dataset:
            raise DataError(
                f"{source}: there is no split '{asked}'",
                got=", ".join(f"'{name}'" for name in dataset),
                hint=f"{did_you_mean(asked, dataset)} (in Python: split='NAME')",
            )
        return from_dataset(dataset[asked], f"{source}[{asked}]")
    if split is not None:
        raise DataError(f"{source}: the data set has no splits", got=split, hint="leave split= out")
    # with_format, not .data: the latter ignores select() and shuffle().
    return from_arrow(dataset.with_format("arrow")[:], source)
