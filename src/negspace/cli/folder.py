"""The folder that a command writes to."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

__all__ = ["output_folder"]


@contextmanager
def output_folder(folder: Path | None) -> Iterator[None]:
    """Make sure of a folder before work begins; where the work fails, leave none behind that is empty.

    Args:
        folder: The folder, made if need be; None where nothing is written.

    Raises:
        StoreError: If the folder cannot be written.
    """
    from negspace.data import check_writable

    made = [each for each in (folder, *folder.parents) if not each.exists()] if folder is not None else []
    try:
        if folder is not None:
            check_writable(folder)
        yield
    except BaseException:
        for each in made:
            with suppress(OSError):  # it holds something
                each.rmdir()
        raise
