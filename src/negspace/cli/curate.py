"""``negspace curate``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from negspace.cli import options as opt

_STRATEGIES = "negspace.curation:STRATEGIES"


@click.command(
    "curate",
    cls=opt.ReportingCommand,
    epilog="""\b
Examples:
  negspace curate pool.csv --budget 200
  negspace curate pool.jsonl --budget 1000 --group pair_id --out out
  negspace curate p.csv --budget 99 --source by --real us --real-share 0.25
  negspace curate pool.csv --budget 400 --balance even
  negspace curate pool.csv --budget 400 --try el2n --try k-centre
  negspace curate pool.csv --budget 9 --strategy cover --worklist 50 --out out
  negspace curate pool.parquet --budget 200 --json | jq .indices

\b
Exit codes: 0 done, whatever the trial said; 2 something to mend;
130 interrupted.
""",
)
@click.argument("pool", type=opt.PATH)
@click.option("--budget", type=int, required=True, help="Rows to choose.")
@opt.options(
    opt.column("text", "Column of texts."),
    opt.column("label", "Column of labels."),
    opt.column("group", "Column that joins near misses of each other.", default="found by nearness"),
    opt.column("source", "Column that says where a row comes from.", default=""),
)
@click.option("--real", metavar="VALUE", help="Its value for true rows; all others are synthetic.")
@opt.option("--real-share", type=float, default=0.0, help="Least share of true rows.")
@opt.option(
    "--balance",
    type=click.Choice(["pool", "even"]),
    default="pool",
    help="Labels in the shares they have in POOL, or evenly.",
)
@opt.options(
    opt.registered("--strategy", place=_STRATEGIES, says="Use this one, without a trial."),
    opt.registered(
        "--try", "also_try", place=_STRATEGIES, multiple=True, says="One more for the trial; repeatable."
    ),
)
@click.option(
    "--worklist",
    type=click.IntRange(min=1),
    metavar="K",
    help="Also propose K rows for people to rewrite to another label.",
)
@opt.learner("What the trial fits.")
@opt.option("--seeds", default=12, help="Times each strategy is tried; at least 10.")
@opt.option(
    "--margin", default=0.01, help="Accuracy that a strategy may lose on one test if it gains on the other."
)
@opt.options(
    opt.out_folder("selected.jsonl, rows.parquet, curation.json, report.html and worklist.csv"),
    opt.json_flag("curation.json"),
    opt.seed("First seed; also of the split and the choice."),
    opt.workers("Fits at once"),
)
def curate_command(
    pool: Path, budget: int, worklist: int | None, out: Path | None, as_json: bool, **settings: Any
) -> None:
    """Choose the rows of POOL that teach its boundary.

    POOL is JSONL, CSV, TSV, Parquet or a Hugging Face dataset folder of labelled texts. Strategies are tried
    on rows held out of it, and the best of those shown to beat stratified random rows chooses. Where none
    is, the choice is stratified random, and says so.
    """
    with opt.running(pool, out=[out]) as progress:
        from negspace.curation import curate

        selection = curate(pool, budget, worklist=worklist or 0, progress=progress, **settings)
    opt.show(selection, selection.save(out) if out is not None else None, as_json=as_json)
