"""``negspace prove``."""

from __future__ import annotations

import json
from pathlib import Path

import click

from negspace.cli.folder import output_folder
from negspace.cli.progress import shown_progress

__all__ = ["prove_command"]


@click.command(
    "prove",
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
@click.option("--test", type=click.Path(path_type=Path), required=True, help="Ordinary test rows.")
@click.option(
    "--near-miss",
    type=click.Path(path_type=Path),
    help="A contrast set: test rows changed a little, to another label.  [default: found in --test]",
)
@click.option(
    "--reference",
    type=click.Path(path_type=Path),
    metavar="POOL",
    help="Whose random rows arms are worth.  [default: the first POOL, else the last arm]",
)
@click.option("--budget", type=int, metavar="N", help="Rows of each arm.  [default: of the smallest file]")
@click.option("--text", metavar="COL", help="Column of texts.  [default: recognised by name]")
@click.option("--label", metavar="COL", help="Column of labels.  [default: recognised by name]")
@click.option("--group", metavar="COL", help="Column that joins near misses of each other.")
@click.option(
    "--learner",
    default="tfidf",
    show_default=True,
    metavar="tfidf|lstm|st:PATH|hf:PATH",
    help="What is fitted.",
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
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Optuna's journal.  [default: tuning.journal in --out, else in the cache]",
)
@click.option(
    "--out",
    metavar="DIRECTORY",
    type=click.Path(path_type=Path),
    help="Folder for report.html and proof.json.",
)
@click.option(
    "--json", "as_json", is_flag=True, help="Print proof.json, and nothing else, to standard output."
)
@click.option("--seed", default=0, show_default=True, help="First seed.")
@click.option(
    "--workers", type=click.IntRange(min=1), help="Fits at once; changes no result.  [default: cores]"
)
def prove_command(
    arms: tuple[str, ...],
    test: Path,
    near_miss: Path | None,
    reference: Path | None,
    budget: int | None,
    text: str | None,
    label: str | None,
    group: str | None,
    learner: str,
    seeds: int,
    margin: float,
    easy_margin: float,
    tune: int,
    tune_storage: Path | None,
    out: Path | None,
    as_json: bool,
    seed: int,
    workers: int | None,
) -> None:
    """Does A teach near misses better than B, at equal rows?

    An arm is [NAME=]FILE, or [NAME=]STRATEGY@POOL: rows that a strategy (random, stratified,
    near-miss-groups, el2n ...) draws from a pool anew at each seed. A is compared with each other arm, and
    each arm with random rows of the reference pool: how many of them are as good?
    """
    from rich.console import Console

    from negspace.data import check_exists

    # Fail fast on a wrong path; importing the proof takes seconds.
    for path in (test, near_miss, reference):
        if path is not None:
            check_exists(path.expanduser())
    with output_folder(out), shown_progress() as progress:
        from negspace.proofs import prove

        proof = prove(
            arms,
            test=test,
            near_miss=near_miss,
            reference=reference,
            budget=budget,
            text=text,
            label=label,
            group=group,
            learner=learner,
            seeds=seeds,
            seed=seed,
            margin=margin,
            easy_margin=easy_margin,
            tune=tune,
            tune_storage=tune_storage or (out / "tuning.journal" if out is not None else None),
            workers=workers,
            progress=progress,
        )
    from negspace.reports.terminal import brief_report

    report = proof.save(out) if out is not None else None
    if as_json:
        click.echo(json.dumps(proof.to_dict(), indent=2))
    else:
        Console().print(brief_report(proof.report(), {} if report is None else {"Report": report}))
