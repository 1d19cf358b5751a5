"""One run at a time: a lock that the system frees when its holder ends, however it ends."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from negspace.errors import StoreError

__all__ = ["LOCK", "locked"]

LOCK = "lock"
_TRIES = 100


@contextmanager
def locked(work: Path) -> Iterator[None]:
    """Hold a work folder, made if need be, for this run alone; it goes away in the end if it is empty.

    Raises:
        StoreError: Another run holds it, or it cannot be written or locked.
    """
    path = work / LOCK
    file = _opened(path)
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


def _opened(path: Path) -> int:
    for _ in range(_TRIES):
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            file = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        except FileNotFoundError:  # an ending run took the folder away
            continue
        except OSError as error:
            raise _unusable(path, error) from error
        try:
            _lock(file)
            if path.exists() and os.path.samestat(path.stat(), os.fstat(file)):
                return file
        except FileNotFoundError:
            pass
        except (BlockingIOError, PermissionError) as error:
            os.close(file)
            raise StoreError(
                f"{path.parent}: another run is writing here",
                hint="wait for it, or choose another --out",
            ) from error
        except OSError as error:
            os.close(file)
            raise _unusable(path, error) from error
        os.close(file)
    raise StoreError(f"{path.parent}: other runs come and go here", hint="choose another --out")


if sys.platform == "win32":

    def _lock(file: int) -> None:
        import msvcrt  # noqa: PLC0415 - of this system only

        msvcrt.locking(file, msvcrt.LK_NBLCK, 1)

else:

    def _lock(file: int) -> None:
        import fcntl  # noqa: PLC0415 - of other systems only

        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _unusable(path: Path, error: OSError) -> StoreError:
    return StoreError(
        f"{path}: cannot be locked",
        got=error.strerror or str(error),
        hint="choose a folder that you may write to, on a file system that has locks",
    )
