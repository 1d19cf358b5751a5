"""Where a result goes, and what must not be in its way."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from negspace.data.writing import CARD, STREAMED
from negspace.errors import DataError, StoreError

__all__ = ["SCHEMA", "SUMMARY", "Target", "refuse_strangers", "target_of"]

SCHEMA = "negspace.mining/1"
SUMMARY = "mined.json"

_PROVENANCE = "provenance.parquet"
_SPLIT = "train"
_OURS = frozenset({CARD, SUMMARY, _PROVENANCE, _SPLIT, "dataset_dict.json", "report.html"})
_OURS_IN_SPLIT = ("data-*-of-*.arrow", "dataset_info.json", "state.json", "cache-*.arrow")
_NOT_WRITTEN = frozenset(
    {".csv", ".tsv", ".json", ".ndjson", ".txt", ".arrow", ".gz", ".bz2", ".xz", ".zst", ".lz4", ".zip"}
)


@dataclass(frozen=True)
class Target:
    """Where the result goes.

    Attributes:
        path: The file, or the folder.
        is_folder: Whether it is a dataset folder.
    """

    path: Path
    is_folder: bool

    @property
    def provenance(self) -> Path:
        """The side file: one row for each negative."""
        if self.is_folder:
            return self.path / _PROVENANCE
        return self.path.with_name(f"{self.path.stem}.provenance{self.path.suffix}")

    @property
    def summary(self) -> Path:
        """The settings and the false-negative report, as JSON."""
        return self.path / SUMMARY if self.is_folder else self.path.with_name(f"{self.path.stem}.{SUMMARY}")

    @property
    def work(self) -> Path:
        """The folder of what is not finished, beside the result."""
        return self.path.parent / f".{self.path.name}.mining"


def target_of(out: str | Path, inputs: Iterable[str | Path] = ()) -> Target:
    """Tell a file from a folder by its suffix, and make sure that nothing of the user's is in the way.

    Args:
        out: The file or folder.
        inputs: Paths that are read, and so never written.

    Raises:
        DataError: The suffix is of a format that cannot be written.
        StoreError: The result would replace an input, or what is no earlier result.
    """
    path = Path(out).expanduser()
    if path.name in {"", ".."}:  # "." and its like: a folder, whose name is needed
        path = path.resolve()
    suffix = path.suffix.lower()
    if suffix in _NOT_WRITTEN:
        raise DataError(
            f"{path}: not a format that is written here",
            got="".join(path.suffixes[-2:]),
            hint=f"end it in {' or '.join(STREAMED)}, or give no suffix for a Hugging Face dataset folder",
        )
    if path.name.lower() in STREAMED:
        raise DataError(f"{path}: a suffix without a name", hint=f"write a name before it: mined{path.name}")
    target = Target(path, is_folder=suffix not in STREAMED)
    _refuse_inputs(target, inputs)
    refuse_strangers(target)
    return target


def refuse_strangers(target: Target) -> None:
    """Make sure that what the result would replace is an earlier result, and nothing beside.

    Raises:
        StoreError: It is not, or not all of it.
    """
    path = target.path
    if path.is_dir() != target.is_folder and path.exists():
        kind = "file" if target.is_folder else "folder"
        raise StoreError(f"{path}: a {kind} of this name is in the way", hint="choose another --out")
    if target.is_folder:
        _refuse_folder(target)
        return
    there = [each for each in (path, target.provenance, target.summary) if each.exists()]
    if there and not _is_ours(target):
        raise StoreError(
            f"{there[0]}: is there already, is not known to be from an earlier run, and would be replaced",
            got=f"no {target.summary.name} of such a run beside it" if there[0] != target.summary else None,
            hint="choose another --out, or move the file away",
        )


def _refuse_folder(target: Target) -> None:
    names = sorted(each.name for each in target.path.iterdir()) if target.path.exists() else []
    strange = [*(name for name in names if name not in _OURS), *_strange_in_split(target.path / _SPLIT)]
    if names and (strange or not _is_ours(target)):
        raise StoreError(
            f"{target.path}: the folder holds something else than an earlier result, and would be replaced",
            got=", ".join(strange or names),
            hint="choose another --out, or empty the folder",
        )


def _strange_in_split(split: Path) -> Iterator[str]:
    if split.is_dir():
        for each in sorted(split.iterdir()):
            if not any(each.match(pattern) for pattern in _OURS_IN_SPLIT):
                yield f"{_SPLIT}/{each.name}"


def _is_ours(target: Target) -> bool:
    try:
        summary = json.loads(target.summary.read_text(encoding="utf-8"))
        ours = bool(summary["schema"] == SCHEMA)
        named = Path(summary["output"]["path"]).name
    except (OSError, ValueError, LookupError, TypeError):
        return False
    if target.is_folder:
        return ours
    # "o.jsonl" and "o.parquet" share one summary: it speaks for the file it names, or one with its side file.
    return ours and (not target.path.exists() or named == target.path.name or target.provenance.exists())


def _refuse_inputs(target: Target, inputs: Iterable[str | Path]) -> None:
    written = (target.path, target.provenance, target.summary)
    for each in inputs:
        read = Path(each).expanduser()
        if target.is_folder or target.work.exists():
            inside = (target.path, target.work) if target.is_folder else (target.work,)
            if any(read.resolve().is_relative_to(folder.resolve()) for folder in inside):
                raise StoreError(
                    f"{target.path}: holds what is read, and would be replaced",
                    got=str(read),
                    hint="choose another --out",
                )
        if any(_same(read, place) for place in written):
            raise StoreError(
                f"{read}: is read, and would be replaced by the result",
                got=f"--out {target.path}",
                hint="choose another --out",
            )


def _same(one: Path, other: Path) -> bool:
    try:
        return one.samefile(other)
    except OSError:  # one of them is not there
        return one.resolve() == other.resolve()
