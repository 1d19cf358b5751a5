"""``negspace demo``."""

from __future__ import annotations

import json
from pathlib import Path

import click

from negspace.cli import options as opt


@click.command(
    "demo",
    epilog="""\b
Examples:
  negspace demo
  negspace demo --out /tmp/demo --json
""",
)
@opt.out_folder("the data and the reports", default=Path("negspace-demo"))
@opt.option("--seeds", default=20, help="Fits of each audit; a verdict needs at least 10.")
@opt.seed("Draws the data; also the first fit's.")
@opt.json_flag("both audits")
def demo_command(out: Path, seeds: int, seed: int, as_json: bool) -> None:
    """See a near-miss gap, and its closing, on data made here.

    Writes a small set of support tickets in which most rows give the label away, audits it, then audits as
    many rows of which half are near misses. Needs no file, no network and no model.
    """
    with opt.running(out=[out]) as progress:
        from negspace.demo import run_demo

        demo = run_demo(out, seed=seed, seeds=seeds, progress=progress)
    if as_json:
        audits = {"before": demo.before.to_dict(), "after": demo.after.to_dict()}
        click.echo(json.dumps(audits, indent=2))
        return
    from rich.console import Console

    from negspace.reports.terminal import brief_report

    Console().print(brief_report(demo.report))
    click.echo(
        f"\nReport     {demo.page}\nThe same   {demo.command}\nYour data  negspace audit YOUR_FILE --out out"
    )
