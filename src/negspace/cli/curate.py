"""``negspace curate``."""

from __future__ import annotations

import json
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING

import click
from click.shell_completion import CompletionItem

from negspace.cli.folder import output_folder
from negspace.cli.progress import shown_progress

if TYPE_CHECKING:
    from negspace.curation import Balance

__all__ = ["curate_command"]


class _CurateCommand(click.Command):
    """Lists the strategies that there are, which are looked up only when help is asked for."""

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write examples, strategies and exit codes."""
        named = textwrap.fill(
            ", ".join(_strategies()),
            76,
            initial_indent="  ",
            subsequent_indent="  ",
            break_on_hyphens=False,
        )
        self.epilog = _EPILOG.format(strategies=named)
        super().format_epilog(ctx, formatter)


def _strategies() -> list[str]:
    from negspace.curation import STRATEGIES

    return list(STRATEGIES)


def _complete(_ctx: click.Context, _option: click.Parameter, begun: str) -> list[CompletionItem]:
    return [CompletionItem(name) for name in _strategies() if name.startswith(begun)]


_EPILOG = """\b
Examples:
  negspace curate pool.csv --budget 200
  negspace curate pool.jsonl --budget 1000 --group pair_id --out out
  negspace curate p.csv --budget 99 --source by --real us --real-share 0.25
  negspace curate pool.csv --budget 400 --balance even
  negspace curate pool.csv --budget 400 --try el2n --try k-centre
  negspace curate pool.csv --budget 9 --strategy cover --worklist 50 --out out
  negspace curate pool.parquet --budget 200 --json | jq .indices

\b
Strategies:
{strategies}

\b
Exit codes: 0 done, whatever the trial said; 2 something to mend;
130 interrupted.
"""


@click.command("curate", cls=_CurateCommand, epilog=_EPILOG)
@click.argument("pool", type=click.Path(path_type=Path))
@click.option("--budget", type=int, required=True, help="Rows to choose.")
@click.option("--text", metavar="COL", help="Column of texts.  [default: recognised by name]")
@click.option("--label", metavar="COL", help="Column of labels.  [default: recognised by name]")
@click.option(
    "--group",
    metavar="COL",
    help="Column that joins near misses of each other.  [default: found by nearness]",
)
@click.option("--source", metavar="COL", help="Column that says where a row comes from.")
@click.option("--real", metavar="VALUE", help="Its value for true rows; all others are synthetic.")
@click.option("--real-share", type=float, default=0.0, show_default=True, help="Least share of true rows.")
@click.option(
    "--balance",
    type=click.Choice(["pool", "even"]),
    default="pool",
    show_default=True,
    help="Labels in the shares they have in POOL, or evenly.",
)
@click.option("--strategy", metavar="NAME", shell_complete=_complete, help="Use this one, without a trial.")
@click.option(
    "--try",
    "also_try",
    multiple=True,
    metavar="NAME",
    shell_complete=_complete,
    help="One more strategy for the trial; repeatable.",
)
@click.option(
    "--worklist",
    type=click.IntRange(min=1),
    metavar="K",
    help="Also propose K rows for people to rewrite to another label.",
)
@click.option(
    "--learner",
    default="tfidf",
    show_default=True,
    metavar="tfidf|lstm|st:PATH|hf:PATH",
    help="What the trial fits.",
)
@click.option("--seeds", default=12, show_default=True, help="Times each strategy is tried; at least 10.")
@click.option(
    "--margin",
    default=0.01,
    show_default=True,
    help="Accuracy that a strategy may lose on one test if it gains on the other.",
)
@click.option(
    "--out",
    metavar="DIRECTORY",
    type=click.Path(path_type=Path),
    help="Folder for selected.jsonl, rows.parquet, curation.json, report.html and worklist.csv.",
)
@click.option(
    "--json", "as_json", is_flag=True, help="Print curation.json, and nothing else, to standard output."
)
@click.option("--seed", default=0, show_default=True, help="First seed; also of the split and the choice.")
@click.option(
    "--workers", type=click.IntRange(min=1), help="Fits at once; changes no result.  [default: cores]"
)
def curate_command(
    pool: Path,
    budget: int,
    text: str | None,
    label: str | None,
    group: str | None,
    source: str | None,
    real: str | None,
    real_share: float,
    balance: Balance,
    strategy: str | None,
    also_try: tuple[str, ...],
    worklist: int | None,
    learner: str,
    seeds: int,
    margin: float,
    out: Path | None,
    as_json: bool,
    seed: int,
    workers: int | None,
) -> None:
    """Choose the rows of POOL that teach its boundary.

    POOL is JSONL, CSV, TSV, Parquet or a Hugging Face dataset folder of labelled texts. Strategies are tried
    on rows held out of it, and the best of those shown to beat stratified random rows chooses. Where none
    is, the choice is stratified random, and says so.
    """
    from rich.console import Console

    from negspace.data import check_exists

    # Fail fast on a wrong path; importing the curation takes seconds.
    check_exists(pool.expanduser())
    with output_folder(out), shown_progress() as progress:
        from negspace.curation import curate

        selection = curate(
            pool,
            budget,
            text=text,
            label=label,
            group=group,
            source=source,
            real=real,
            real_share=real_share,
            balance=balance,
            strategy=strategy,
            also_try=also_try,
            worklist=worklist or 0,
            learner=learner,
            seeds=seeds,
            seed=seed,
            margin=margin,
            workers=workers,
            progress=progress,
        )
    from negspace.reports.terminal import brief_report

    report = selection.save(out) if out is not None else None
    if as_json:
        click.echo(json.dumps(selection.to_dict(), indent=2))
    else:
        Console().print(brief_report(selection.report(), {} if report is None else {"Report": report}))
