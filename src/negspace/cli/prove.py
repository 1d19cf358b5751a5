"""``negspace prove``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from negspace.cli import options as opt


@click.command(
    "prove",
    cls=opt.ReportingCommand,
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
@click.option("--test", type=opt.PATH, required=True, help="Ordinary test rows.")
@click.option(
    "--near-miss",
    type=opt.PATH,
    help="A contrast set: test rows changed a little, to another label.  [default: found in --test]",
)
@click.option(
    "--reference",
    type=opt.PATH,
    metavar="POOL",
    help="Whose random rows arms are worth.  [default: the first POOL, else the last arm]",
)
@click.option("--budget", type=int, metavar="N", help="Rows of each arm.  [default: of the smallest file]")
@opt.options(
    opt.column("text", "Column of texts."),
    opt.column("label", "Column of labels."),
    opt.column("group", "Column that joins near misses of each other.", default=""),
    opt.learner("What is fitted."),
)
@opt.option("--seeds", default=20, help="Draws and fits; a verdict needs at least 10.")
@opt.option("--margin", default=0.0, help="Smallest gain on near misses that matters.")
@opt.option("--easy-margin", default=0.02, help="Loss on easy rows that does not matter yet.")
@opt.option("--tune", default=0, metavar="K", help="Trials of hyper-parameter search for every arm.")
@click.option(
    "--tune-storage",
    type=opt.PATH,
    metavar="FILE",
    help="Optuna's journal.  [default: tuning.journal in --out, else in the cache]",
)
@opt.options(
    opt.out_folder("report.html and proof.json"),
    opt.json_flag("proof.json"),
    opt.seed("First seed."),
    opt.workers("Fits at once"),
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
    with opt.running(test, near_miss, reference, out=[out]) as progress:
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
    opt.show(proof, proof.save(out) if out is not None else None, as_json=as_json)
