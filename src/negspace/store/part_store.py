"""Finished parts on disk: what makes long work on many rows resumable.

Rows are worked on in parts of a fixed number. Each finished part is a Parquet file in a work folder beside
the output, under a name made of all that decides its content; it appears whole or not at all. What was
counted while making it is in the file's metadata.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from negspace.errors import StoreError
from negspace.records import Json
from negspace.store.lock import LOCK

__all__ = ["PartStore"]

_COUNTS = b"negspace.counts"
_KEY = 32
_WORK = re.compile(rf"[0-9a-f]{{{_KEY}}}|output")


class PartStore:
    """Parts of one run.

    Args:
        work: The work folder, held by this run (`negspace.store.locked`).
        key: SHA-256 (hex) of all that decides the parts.
        schema: Columns of every part.

    Raises:
        StoreError: If the work folder cannot be written, or holds what no run has put there.
    """

    def __init__(self, work: Path, key: str, schema: pa.Schema) -> None:
        self.work = work
        self._schema = schema
        self._parts = self.work / key[:_KEY]
        try:
            self._parts.mkdir(parents=True, exist_ok=True)
            others = [each for each in self.work.iterdir() if each.name not in {LOCK, self._parts.name}]
            if strange := sorted(each.name for each in others if not _WORK.fullmatch(each.name)):
                raise StoreError(
                    f"{self.work}: holds something else than unfinished work, and would be removed",
                    got=", ".join(strange),
                    hint="move it away, or choose another --out",
                )
            # Parts of other settings or data would never be asked for again.
            for old in others:
                shutil.rmtree(old)
        except OSError as error:
            raise _unwritable(self.work, error) from error

    @property
    def staged(self) -> Path:
        """An empty folder, on the output's file system, to build the output in."""
        folder = self.work / "output"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        return folder

    def has(self, part: str) -> bool:
        """Whether a part is finished."""
        return self._path(part).is_file()

    def put(self, part: str, rows: pa.Table, counts: Mapping[str, Json]) -> None:
        """Keep a finished part.

        Args:
            part: Its name.
            rows: Rows of the schema.
            counts: What was counted.
        """
        table = rows.replace_schema_metadata({_COUNTS: json.dumps(counts, allow_nan=False)})
        path = self._path(part)
        # The process id, so that two runs of one command never write one file.
        half = path.with_suffix(f".{os.getpid()}")
        try:
            pq.write_table(table, half)
            half.replace(path)
        except OSError as error:
            raise _unwritable(path, error) from error

    def get(self, part: str) -> tuple[pa.Table, dict[str, Any]]:
        """A finished part: its rows and counts.

        Raises:
            StoreError: If it cannot be read.
        """
        path = self._path(part)
        try:
            table = pq.read_table(path)
            counts: dict[str, Any] = json.loads(table.schema.metadata[_COUNTS])
        except (OSError, pa.ArrowException, KeyError, TypeError, ValueError) as error:
            raise StoreError(
                f"{path}: a part of an earlier run cannot be read",
                got=str(error),
                hint=f"remove the folder {self.work} and run again",
            ) from error
        return table.replace_schema_metadata(None).cast(self._schema), counts

    def all(self, parts: Iterable[str]) -> Iterator[tuple[pa.Table, dict[str, Any]]]:
        """These parts, in order."""
        return (self.get(part) for part in parts)

    def remove(self) -> None:
        """Remove the work folder: the output stands."""
        shutil.rmtree(self.work, ignore_errors=True)

    def _path(self, part: str) -> Path:
        return self._parts / f"part-{part}.parquet"


def _unwritable(path: Path, error: OSError) -> StoreError:
    return StoreError(
        f"{path}: cannot be written",
        got=error.strerror or str(error),
        hint="choose a folder that you may write to, with room on its disk",
    )
