"""``negspace demo``."""

from __future__ import annotations

import json
from pathlib import Path

import click

from negspace.cli.folder import output_folder
from negspace.cli.progress import shown_progress

__all__ = ["demo_command"]


@click.command(
    "demo",
    epilog="""\b
Examples:
  negspace demo
  negspace demo --out /tmp/demo --json
""",
)
@click.option(
    "--out",
    metavar="DIRECTORY",
    type=click.Path(path_type=Path),
    default=Path("negspace-demo"),
    show_default=True,
    help="Folder for the data and the reports.",
)
@click.option(
    "--seeds", default=20, show_default=True, help="Fits of each audit; a verdict needs at least 10."
)
@click.option("--seed", default=0, show_default=True, help="Of the data and of the first fit.")
@click.option(
    "--json", "as_json", is_flag=True, help="Print both audits, and nothing else, to standard output."
)
def demo_command(out: Path, seeds: int, seed: int, as_json: bool) -> None:
    """See a near-miss gap, and its closing, on data made here.

    Writes a small set of support tickets in which most rows give the label away, audits it, then audits as
    many rows of which half are near misses. Needs no file, no network and no model.
    """
    from rich.console import Console

    with output_folder(out), shown_progress() as progress:
        from negspace.demo import run_demo

        demo = run_demo(out, seed=seed, seeds=seeds, progress=progress)
    if as_json:
        audits = {"before": demo.before.to_dict(), "after": demo.after.to_dict()}
        click.echo(json.dumps(audits, indent=2))
        return
    from negspace.reports.terminal import brief_report

    console = Console()
    console.print(brief_report(demo.report))
    console.print()
    click.echo(
        f"Report     {demo.page}\nThe same   {demo.command}\nYour data  negspace audit YOUR_FILE --out out"
    )
