"""Finished parts on disk, which make long work on many rows resumable, and the lock of their folder.

Rows are worked on in parts of a fixed number. Each finished part is a Parquet file in a work folder beside
the output, under a name made of all that decides its content; it appears whole or not at all. What was
counted while making it is in the file's metadata.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from negspace.errors import StoreError
from negspace.records import Json

if TYPE_CHECKING:
    import pyarrow as pa

_LOCK = "lock"
_COUNTS = b"negspace.counts"
_KEY = 32
_WORK = re.compile(rf"[0-9a-f]{{{_KEY}}}|output")
_TRIES = 100


class PartStore:
    """Parts of one run.

    Its work folder is held by this run (`locked`), its key the SHA-256 (hex) of all that decides the parts. A
    folder that cannot be written, or holds what no run has put there, is a `StoreError`.
    """

    def __init__(self, work: Path, key: str, schema: pa.Schema) -> None:
        self.work = work
        self._schema = schema
        self._parts = self.work / key[:_KEY]
        try:
            self._parts.mkdir(parents=True, exist_ok=True)
            others = [each for each in self.work.iterdir() if each.name not in {_LOCK, self._parts.name}]
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
            raise _failed(self.work, error) from error

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
        """Keep a finished part: its rows, of the schema, and what was counted."""
        import pyarrow.parquet as pq  # whoever only locks does without it

        table = rows.replace_schema_metadata({_COUNTS: json.dumps(counts, allow_nan=False)})
        path = self._path(part)
        # The process id, so that two runs of one command never write one file.
        half = path.with_suffix(f".{os.getpid()}")
        try:
            pq.write_table(table, half)
            half.replace(path)
        except OSError as error:
            raise _failed(path, error) from error

    def get(self, part: str) -> tuple[pa.Table, dict[str, Json]]:
        """A finished part: its rows and counts."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        path = self._path(part)
        try:
            table = pq.read_table(path)
            counts: dict[str, Json] = json.loads(table.schema.metadata[_COUNTS])
        except (OSError, pa.ArrowException, KeyError, TypeError, ValueError) as error:
            raise StoreError(
                f"{path}: a part of an earlier run cannot be read",
                got=str(error),
                hint=f"remove the folder {self.work} and run again",
            ) from error
        return table.replace_schema_metadata(None).cast(self._schema), counts

    def all(self, parts: Iterable[str]) -> Iterator[tuple[pa.Table, dict[str, Json]]]:
        """These parts, in order."""
        return (self.get(part) for part in parts)

    def remove(self) -> None:
        """Remove the work folder: the output stands."""
        shutil.rmtree(self.work, ignore_errors=True)

    def _path(self, part: str) -> Path:
        return self._parts / f"part-{part}.parquet"


@contextmanager
def locked(work: Path, *, wait: bool = False) -> Iterator[None]:
    """Hold a work folder, made if need be, for this run alone; it goes away in the end if it is empty.

    The system frees the lock when its holder ends, however it ends.

    Raises:
        StoreError: Another run holds it, or it cannot be written or locked.
    """
    path = work / _LOCK
    file = _open_locked(path, wait)
    try:
        yield
    finally:
        # Removed while it is held, so that whoever opened it meanwhile sees that it is gone. Where the run
        # removed it with the folder, the file of this name is another's.
        with suppress(OSError):
            if os.path.samestat(path.stat(), os.fstat(file)):
                path.unlink()
        os.close(file)
        with suppress(OSError):  # it holds finished parts
            work.rmdir()


def _open_locked(path: Path, wait: bool) -> int:
    tries = 0
    while wait or tries < _TRIES:
        tries += 1
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            file = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        except FileNotFoundError:  # an ending run took the folder away
            continue
        except OSError as error:
            raise _failed(path, error, "locked", "on a file system that has locks") from error
        try:
            _lock(file, wait)
            if path.exists() and os.path.samestat(path.stat(), os.fstat(file)):
                return file
        except FileNotFoundError:
            pass
        except (BlockingIOError, PermissionError) as error:
            os.close(file)
            raise StoreError(
                f"{path.parent}: another run is writing here", hint="wait for it, or choose another --out"
            ) from error
        except OSError as error:
            os.close(file)
            raise _failed(path, error, "locked", "on a file system that has locks") from error
        except BaseException:  # interrupted while it waited
            os.close(file)
            raise
        os.close(file)
    raise StoreError(f"{path.parent}: other runs come and go here", hint="choose another --out")


if sys.platform == "win32":

    def _lock(file: int, wait: bool) -> None:
        import msvcrt
        import time

        while True:
            try:
                msvcrt.locking(file, msvcrt.LK_NBLCK, 1)
                return
            except PermissionError:
                if not wait:
                    raise
            time.sleep(0.1)

else:

    def _lock(file: int, wait: bool) -> None:
        import fcntl

        fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))


def _failed(
    path: Path, error: OSError, what: str = "written", needs: str = "with room on its disk"
) -> StoreError:
    hint = f"choose a folder that you may write to, {needs}"
    return StoreError(f"{path}: cannot be {what}", got=error.strerror or str(error), hint=hint)
