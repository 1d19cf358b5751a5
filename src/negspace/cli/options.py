"""What commands share: options, whose names come from registries, and what is done around the work."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, runtime_checkable

import click
from click.shell_completion import CompletionItem

if TYPE_CHECKING:
    from negspace.records import Json
    from negspace.reports.blocks import Report
    from negspace.study import Progress

F = TypeVar("F", bound=Callable[..., Any])

PATH = click.Path(path_type=Path)


class Names(click.ParamType):  # type: ignore[type-arg]  # a parameter only from click 8.3 on
    """Names of a registry (or of a mapping), imported when help or completion asks for them.

    A name is not checked here: what opens it knows more of what is wrong with it.

    Args:
        place: Module and attribute: ``"negspace.models:LEARNERS"``.
    """

    name = "name"

    def __init__(self, place: str) -> None:
        self.place = place

    def names(self) -> tuple[str, ...]:
        """The names, each with the argument that it takes."""
        module, _, attribute = self.place.partition(":")
        known = getattr(import_module(module), attribute)
        return tuple(getattr(known, "forms", known))

    def get_metavar(self, *_: object) -> str:
        """All names: ``hf:PATH|tfidf``."""
        return "|".join(self.names())

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """The names that begin with what was typed; of one that takes an argument, the part before it.

        In a list with commas, what follows the last one is completed.
        """
        del ctx, param
        before, comma, begun = incomplete.rpartition(",")
        starts = (form.partition(":")[0] + ":" * (":" in form) for form in self.names())
        return [CompletionItem(f"{before}{comma}{start}") for start in starts if start.startswith(begun)]


class ReportingCommand(click.Command):
    """A command whose report may get sections of other packages; its help ends in their names."""

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the examples, and the sections if there are any."""
        super().format_epilog(ctx, formatter)
        from negspace.reports.blocks import sections_for

        if names := sections_for(str(self.name)):
            formatter.write_paragraph()
            formatter.write_text(f"Sections that other packages add to the report: {', '.join(names)}.")


class _Listed(click.Option):
    """An option whose help ends in the names that it takes."""

    def get_help_record(self, ctx: click.Context) -> tuple[str, str] | None:
        assert isinstance(self.type, Names)
        said = self.help
        self.help = f"{said} One of: {', '.join(self.type.names())}."
        try:
            return super().get_help_record(ctx)
        finally:
            self.help = said


def registered(
    flag: str, *more: str, place: str, says: str, metavar: str = "NAME", **settings: Any
) -> Callable[[F], F]:
    """An option that takes the name of something registered; its help lists the names."""
    kind = Names(place)
    shown = settings.get("default") is not None
    return click.option(
        flag, *more, cls=_Listed, type=kind, help=says, metavar=metavar, show_default=shown, **settings
    )


def option(flag: str, *, default: Any, **settings: Any) -> Callable[[F], F]:
    """An option whose help shows its default."""
    return click.option(flag, default=default, show_default=True, **settings)


def options(*given: Callable[[F], F]) -> Callable[[F], F]:
    """Several options as one decorator, shown in their order."""

    def decorate(command: F) -> F:
        for option in reversed(given):
            command = option(command)
        return command

    return decorate


def column(role: str, what: str, default: str = "recognised by name") -> Callable[[F], F]:
    """The option that names a column."""
    ending = f"  [default: {default}]" if default else ""
    return click.option(f"--{role}", metavar="COL", help=f"{what}{ending}")


def out_folder(files: str, default: Path | None = None) -> Callable[[F], F]:
    """The folder that a command writes to."""
    return click.option(
        "--out",
        metavar="DIRECTORY",
        type=PATH,
        default=default,
        show_default=default is not None,
        help=f"Folder for {files}.",
    )


def json_flag(what: str) -> Callable[[F], F]:
    """The flag for a result that another program reads."""
    said = f"Print {what}, and nothing else, to standard output."
    return click.option("--json", "as_json", is_flag=True, help=said)


def learner(says: str) -> Callable[[F], F]:
    """What is fitted."""
    return registered(
        "--learner", place="negspace.models:LEARNERS", says=says, metavar="LEARNER", default="tfidf"
    )


def verifier(says: str) -> Callable[[F], F]:
    """What proves labels."""
    return registered("--verifier", place="negspace.perturbations:VERIFIERS", says=says)


def seed(says: str) -> Callable[[F], F]:
    """The seed of all that is random."""
    return option("--seed", default=0, help=says)


def workers(what: str) -> Callable[[F], F]:
    """How much runs at once."""
    return click.option(
        "--workers", type=click.IntRange(min=1), help=f"{what}; changes no result.  [default: cores]"
    )


def device(says: str, default: str = "auto") -> Callable[[F], F]:
    """What computes."""
    kinds = click.Choice(["auto", "cpu", "cuda"])
    return option("--device", type=kinds, default=default, help=says)


@runtime_checkable
class Shown(Protocol):
    """A result as commands print it."""

    def to_dict(self) -> Mapping[str, Json]:
        """The content of its JSON file."""

    def report(self) -> Report:
        """What its page and the terminal show."""


@contextmanager
def running(*read: Path | None, out: Sequence[Path | None] = ()) -> Iterator[Progress]:
    """Do the work of a command in here; yields what shows progress, on standard error if somebody watches.

    Paths to read must exist: a wrong one is told at once; the imports of the work take seconds. Folders to
    write to are made if need be; where the work fails, those that were made and are empty go again.
    """
    from negspace.data import check_exists, check_writable

    for path in filter(None, read):
        check_exists(path.expanduser())
    made: list[Path] = []
    try:
        for folder in filter(None, out):
            made[:0] = [each for each in (folder, *folder.parents) if not each.exists()]
            check_writable(folder)
        with _bar() as progress:
            yield progress
    except BaseException:
        for each in made:
            with suppress(OSError):  # it holds something
                each.rmdir()
        raise


def show(result: Shown, page: Path | None, *, as_json: bool, place: str = "Report") -> None:
    """Print a result: as JSON and nothing else, or in short for people, with the path of its page."""
    if as_json:
        click.echo(json.dumps(result.to_dict(), indent=2))
        return
    from rich.console import Console

    from negspace.reports.terminal import brief_report

    Console().print(brief_report(result.report(), {} if page is None else {place: page}))


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
