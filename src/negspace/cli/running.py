"""What every command does around its work: check paths, make folders, show progress, print a result."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import click

if TYPE_CHECKING:
    from negspace.records import Json
    from negspace.reports.blocks import Report
    from negspace.study import Progress


@runtime_checkable
class Shown(Protocol):
    """A result as commands print it."""

    def to_dict(self) -> Mapping[str, Json]:
        """The content of its JSON file."""
        ...

    def report(self) -> Report:
        """What its page and the terminal show."""
        ...


@contextmanager
def running(*read: Path | None, out: Sequence[Path | None] = ()) -> Iterator[Progress]:
    """Do the work of a command in here.

    Args:
        read: Paths that must exist. A wrong one is told at once; the imports of the work take seconds.
        out: Folders that will be written to, made if need be; where the work fails, those that were made and
            are empty go again.

    Yields:
        Shows what is being done, as a bar on standard error if somebody watches.

    Raises:
        DataError: A path leads nowhere.
        StoreError: A folder cannot be written to.
    """
    from negspace.data import check_exists

    for path in read:
        if path is not None:
            check_exists(path.expanduser())
    with ExitStack() as stack:
        for folder in out:
            if folder is not None:
                stack.enter_context(_made(folder))
        yield stack.enter_context(_bar())


def show(result: Shown, page: Path | None, *, as_json: bool, place: str = "Report") -> None:
    """Print a result: as JSON and nothing else, or in short for people, with the path of its page."""
    if as_json:
        click.echo(json.dumps(result.to_dict(), indent=2))
        return
    from rich.console import Console

    from negspace.reports.terminal import brief_report

    Console().print(brief_report(result.report(), {} if page is None else {place: page}))


@contextmanager
def _made(folder: Path) -> Iterator[None]:
    from negspace.data import check_writable

    made = [each for each in (folder, *folder.parents) if not each.exists()]
    try:
        check_writable(folder)
        yield
    except BaseException:
        for each in made:
            with suppress(OSError):  # it holds something
                each.rmdir()
        raise


@contextmanager
def _bar() -> Iterator[Progress]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Bar(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("starting", total=None)

        def report(stage: str, done: int, total: int) -> None:
            # A stage of one step has no share to show.
            bar.update(task, description=stage, completed=done, total=total if total > 1 else None)

        yield report
