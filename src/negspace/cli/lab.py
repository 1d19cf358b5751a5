"""``negspace lab``: claims about how data forms models, tested."""

from __future__ import annotations

import json
from pathlib import Path

import click

from negspace.cli.folder import output_folder
from negspace.cli.progress import shown_progress

__all__ = ["lab_group"]


@click.group("lab")
def lab_group() -> None:
    """Test claims about how data forms models.

    Each claim is a plan that was written down before its first run: arms, seeds, metrics, hypotheses and the
    smallest effects of interest. Runs are kept as they finish, so that a killed run goes on where it was, and
    a repeated one is instant.
    """


@lab_group.command("list", epilog="\b\nExamples:\n  negspace lab list\n  negspace lab list --json\n")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, and nothing else.")
def list_command(as_json: bool) -> None:
    """Show the claims and what became of them."""
    from negspace.lab.claims import claims_in_order, latest_results, status
    from negspace.store import RunStore, default_store_path

    with RunStore(default_store_path()) as store:
        latest = latest_results(store)
    rows = [
        {"name": claim.name, "title": claim.title, "status": status(latest.get(claim.name))}
        for claim in claims_in_order()
    ]
    if as_json:
        click.echo(json.dumps(rows, indent=2))
        return
    width = max(len(row["name"]) for row in rows)
    for row in rows:
        click.echo(f"{row['name']:<{width}}  {row['title']}\n{'':<{width}}  {row['status']}")


@lab_group.command("show", epilog="\b\nExamples:\n  negspace lab show invariant\n")
@click.argument("name")
@click.option("--json", "as_json", is_flag=True, help="Print the whole plan as JSON, and nothing else.")
def show_command(name: str, as_json: bool) -> None:
    """Show a claim: statement, plan, published figures."""
    from negspace.lab.claims import CLAIMS, Scale, described, outline

    claim = CLAIMS[name]
    if as_json:
        click.echo(json.dumps(described(claim, Scale()), indent=2))
    else:
        click.echo(outline(claim, Scale()))


@lab_group.command(
    "run",
    epilog="""\b
Examples:
  negspace lab run invariant
  negspace lab run invariant collapse --no-controls --out lab
  negspace lab run --all --smoke
  negspace lab run zigzag --json | jq '.[].parts[].hypotheses[].verdict'

\b
Exit codes: 0 done, any verdict; 2 something to mend; 130 interrupted.
""",
)
@click.argument("names", nargs=-1, metavar="NAME...")
@click.option("--all", "everything", is_flag=True, help="Run all claims.")
@click.option(
    "--seeds", type=click.IntRange(min=1), help="Instead of the registered number; a verdict needs 10."
)
@click.option(
    "--smoke", is_flag=True, help="A fortieth of the steps and two seeds: shows that it runs, and no more."
)
@click.option("--controls/--no-controls", default=True, help="Run the controls as well.  [default: yes]")
@click.option(
    "--out",
    metavar="DIRECTORY",
    type=click.Path(path_type=Path),
    help="Folder for a page and a JSON file of each claim.",
)
@click.option("--json", "as_json", is_flag=True, help="Print what was found as JSON, and nothing else.")
@click.option(
    "--device",
    type=click.Choice(["cpu", "cuda", "auto"]),
    default="cpu",
    show_default=True,
    help="What trains.",
)
@click.option(
    "--workers", type=click.IntRange(min=1), help="Replicas at once; changes no result.  [default: cores]"
)
def run_command(
    names: tuple[str, ...],
    everything: bool,
    seeds: int | None,
    smoke: bool,
    controls: bool,
    out: Path | None,
    as_json: bool,
    device: str,
    workers: int | None,
) -> None:
    """Test claims and print each verdict beside the published figure."""
    from rich.console import Console

    from negspace.lab.claims import CLAIMS, Scale, claims_in_order, run_claim
    from negspace.reports.terminal import brief_report

    if bool(names) == everything:
        given = "both were given" if names else "`negspace lab list` shows them"
        raise click.UsageError(f"give the names of claims, or --all ({given})")
    claims = claims_in_order() if everything else [CLAIMS[name] for name in dict.fromkeys(names)]
    console, found = Console(), []
    with output_folder(out):
        for claim in claims:
            with shown_progress() as progress:
                result = run_claim(
                    claim,
                    Scale(seeds=seeds, smoke=smoke, device=device),
                    controls=controls,
                    workers=workers,
                    progress=progress,
                )
            page = result.save(out) if out is not None else None
            if as_json:
                found.append(result.to_dict())
            else:
                console.print(brief_report(result.report(), {} if page is None else {"Report": page}))
    if as_json:
        click.echo(json.dumps(found, indent=2))


@lab_group.command("report", epilog="\b\nExamples:\n  negspace lab report --out lab\n")
@click.option(
    "--out",
    metavar="DIRECTORY",
    type=click.Path(path_type=Path),
    default=Path("negspace-lab"),
    show_default=True,
    help="Folder for the pages.",
)
def report_command(out: Path) -> None:
    """Write one page over all stored results, and one for each claim."""
    from negspace.errors import StoreError
    from negspace.lab.claims import claims_in_order, latest_results, save_lab
    from negspace.store import RunStore, default_store_path

    with RunStore(default_store_path()) as store:
        latest = latest_results(store)
    results = [latest[claim.name].result for claim in claims_in_order() if claim.name in latest]
    if not results:
        raise StoreError(
            "no claim has been run yet, as registered", hint="run `negspace lab run --all` first"
        )
    with output_folder(out), shown_progress() as progress:
        index = save_lab(results, out, progress=progress)
    click.echo(index)
