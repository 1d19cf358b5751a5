"""``negspace lab``: claims about how data forms models, tested."""

from __future__ import annotations

import json
from pathlib import Path

import click

from negspace.cli import options as opt

_CLAIM = opt.Names("negspace.lab.claims:CLAIMS")


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
@click.argument("name", type=_CLAIM, metavar="NAME")
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
@click.argument("names", nargs=-1, type=_CLAIM, metavar="NAME...")
@click.option("--all", "everything", is_flag=True, help="Run all claims.")
@click.option(
    "--seeds", type=click.IntRange(min=1), help="Instead of the registered number; a verdict needs 10."
)
@click.option(
    "--smoke", is_flag=True, help="A fortieth of the steps and two seeds: shows that it runs, and no more."
)
@click.option("--controls/--no-controls", default=True, help="Run the controls as well.  [default: yes]")
@opt.out_folder("a page and a JSON file of each claim")
@click.option("--json", "as_json", is_flag=True, help="Print what was found as JSON, and nothing else.")
@opt.device("What trains.", default="cpu")
@opt.workers("Replicas at once")
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
    from negspace.lab.claims import CLAIMS, Scale, claims_in_order, run_claim

    if bool(names) == everything:
        given = "both were given" if names else "`negspace lab list` shows them"
        raise click.UsageError(f"give the names of claims, or --all ({given})")
    claims = claims_in_order() if everything else [CLAIMS[name] for name in dict.fromkeys(names)]
    found = []
    for claim in claims:
        with opt.running(out=[out]) as progress:
            scale = Scale(seeds=seeds, smoke=smoke, device=device)
            result = run_claim(claim, scale, controls=controls, workers=workers, progress=progress)
        page = result.save(out) if out is not None else None
        found.append(result.to_dict())
        if not as_json:
            opt.show(result, page, as_json=False)
    if as_json:
        click.echo(json.dumps(found, indent=2))


@lab_group.command("report", epilog="\b\nExamples:\n  negspace lab report --out lab\n")
@opt.out_folder("the pages", default=Path("negspace-lab"))
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
    with opt.running(out=[out]) as progress:
        index = save_lab(results, out, progress=progress)
    click.echo(index)
