"""``negspace prove``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from negspace.cli.options import (
    PATH,
    ReportingCommand,
    column,
    json_flag,
    learner,
    options,
    out_folder,
    running,
    seed,
    show,
    workers,
)


@click.command(
    "prove",
    cls=ReportingCommand,
    epilog="""\b
Examples:
  negspace prove pairs.tsv random@pool.tsv --test test.tsv --near-miss new.tsv
  negspace prove new.csv old.csv --test test.csv --budget 500 --out out
  negspace prove ours=a.csv el2n@pool.csv random@pool.csv --test test.csv
  negspace prove a.csv b.csv --test t.csv --tune 20 --learner st:models/mini
  negspace prove a.csv random@pool.csv --test t.csv --json | jq .comparisons

\b
Exit codes: 0 done, any verdict; 2 something to mend; 130 interrupted.
""",
)
@click.argument("arms", nargs=-1, required=True, metavar="A B [C ...]")
@click.option("--test", type=PATH, required=True, help="Ordinary test rows.")
@click.option(
    "--near-miss",
    type=PATH,
    help="A contrast set: test rows changed a little, to another label.  [default: found in --test]",
)
@click.option(
    "--reference",
    type=PATH,
    metavar="POOL",
    help="Whose random rows arms are worth.  [default: the first POOL, else the last arm]",
)
@click.option("--budget", type=int, metavar="N", help="Rows of each arm.  [default: of the smallest file]")
@options(
    column("text", "Column of texts."),
    column("label", "Column of labels."),
    column("group", "Column that joins near misses of each other.", default=""),
    learner("What is fitted."),
)
@click.option("--seeds", default=20, show_default=True, help="Draws and fits; a verdict needs at least 10.")
@click.option("--margin", default=0.0, show_default=True, help="Smallest gain on near misses that matters.")
@click.option(
    "--easy-margin", default=0.02, show_default=True, help="Loss on easy rows that does not matter yet."
)
@click.option(
    "--tune",
    default=0,
    show_default=True,
    metavar="K",
    help="Trials of hyper-parameter search for every arm.",
)
@click.option(
    "--tune-storage",
    type=PATH,
    metavar="FILE",
    help="Optuna's journal.  [default: tuning.journal in --out, else in the cache]",
)
@options(
    out_folder("report.html and proof.json"),
    json_flag("proof.json"),
    seed("First seed."),
    workers("Fits at once"),
)
def prove_command(
    arms: tuple[str, ...],
    test: Path,
    near_miss: Path | None,
    reference: Path | None,
    tune_storage: Path | None,
    out: Path | None,
    as_json: bool,
    **settings: Any,
) -> None:
    """Does A teach near misses better than B, at equal rows?

    An arm is [NAME=]FILE, or [NAME=]STRATEGY@POOL: rows that a strategy (random, stratified,
    near-miss-groups, el2n ...) draws from a pool anew at each seed. A is compared with each other arm, and
    each arm with random rows of the reference pool: how many of them are as good?
    """
    if tune_storage is None and out is not None:
        tune_storage = out / "tuning.journal"
    with running(test, near_miss, reference, out=[out]) as progress:
        from negspace.proofs import prove

        proof = prove(
            arms,
            test=test,
            near_miss=near_miss,
            reference=reference,
            tune_storage=tune_storage,
            progress=progress,
            **settings,
        )
    show(proof, proof.save(out) if out is not None else None, as_json=as_json)
