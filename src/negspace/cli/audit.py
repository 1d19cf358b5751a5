"""``negspace audit``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from negspace.cli.folder import output_folder
from negspace.cli.progress import shown_progress

__all__ = ["audit_command"]


@click.command(
    "audit",
    epilog="""\b
Examples:
  negspace audit train.csv
  negspace audit train.tsv --test test.tsv --near-miss rewritten.tsv --out out
  negspace audit pairs.jsonl --group pair_id --learner lstm
  negspace audit train.csv --test test.csv --learner scores:predictions.csv
  negspace audit train.parquet --json | jq .verdict
  negspace audit blimp/ --learner hf:gpt2
  negspace audit blimp/ --learner tiny:corpus.txt --seeds 10

\b
Exit codes: 0 done, any verdict; 2 something to mend; 130 interrupted.
""",
)
@click.argument("train", metavar="TRAIN|PAIRS", type=click.Path(path_type=Path))
@click.option(
    "--test", type=click.Path(path_type=Path), help="Ordinary test rows.  [default: a fifth of TRAIN]"
)
@click.option(
    "--near-miss",
    type=click.Path(path_type=Path),
    help="A contrast set: test rows changed a little, to another label.",
)
@click.option("--text", metavar="COL", help="Column of texts.  [default: recognised by name]")
@click.option("--label", metavar="COL", help="Column of labels.  [default: recognised by name]")
@click.option("--group", metavar="COL", help="Column that joins near misses of each other.")
@click.option("--good", metavar="COL", help="Of minimal pairs: column of the sentences to be preferred.")
@click.option("--bad", metavar="COL", help="Of minimal pairs: column of the others.")
@click.option("--paradigm", metavar="COL", help="Of minimal pairs: column of what a pair tests.")
@click.option(
    "--learner",
    default="tfidf",
    show_default=True,
    metavar="tfidf|lstm|st:PATH|hf:PATH|scores:FILE|tiny:CORPUS",
    help="What is fitted; or the predictions of any model for the test rows. For minimal pairs hf:PATH, a "
    "causal language model, or tiny:CORPUS, small ones trained on a text.",
)
@click.option(
    "--verifier",
    metavar="NAME",
    help="Proves labels (arithmetic, json, dates ...): invariance is also tested on edits that keep them.",
)
@click.option("--seeds", default=20, show_default=True, help="Fits; a verdict needs at least 10.")
@click.option("--margin", default=0.05, show_default=True, help="Smallest near-miss gap that matters.")
@click.option(
    "--out",
    metavar="DIRECTORY",
    type=click.Path(path_type=Path),
    help="Folder for report.html, audit.json and rows.parquet.",
)
@click.option(
    "--json", "as_json", is_flag=True, help="Print audit.json, and nothing else, to standard output."
)
@click.option("--seed", default=0, show_default=True, help="First seed; also decides split and folds.")
@click.option(
    "--workers", type=click.IntRange(min=1), help="Fits at once; changes no result.  [default: cores]"
)
def audit_command(
    train: Path,
    test: Path | None,
    near_miss: Path | None,
    text: str | None,
    label: str | None,
    group: str | None,
    good: str | None,
    bad: str | None,
    paradigm: str | None,
    learner: str,
    verifier: str | None,
    seeds: int,
    margin: float,
    out: Path | None,
    as_json: bool,
    seed: int,
    workers: int | None,
) -> None:
    """Does a model trained on TRAIN know where the labels part? Does a language model know PAIRS?

    TRAIN is JSONL, CSV, TSV, Parquet or a Hugging Face dataset folder of labelled texts. Near misses to test
    on are taken from --near-miss, else from --group, else mined: the nearest test rows of another label.

    PAIRS is such a file, or a folder of them, with the columns sentence_good and sentence_bad (minimal pairs,
    as BLiMP has them): sentences that a language model should tell apart.
    """
    from rich.console import Console

    from negspace.data import check_exists

    # Fail fast on a wrong path: importing the audit takes seconds.
    for path in (train, test, near_miss):
        if path is not None:
            check_exists(path.expanduser())
    with output_folder(out), shown_progress() as progress:
        from negspace.audits import (
            AuditResult,
            MinimalPairsAudit,
            audit,
            audit_minimal_pairs,
            is_minimal_pairs,
        )

        of_texts: dict[str, Any] = {"test": test, "near_miss": near_miss, "text": text, "label": label}
        of_texts |= {"group": group, "verifier": verifier}
        of_pairs: dict[str, Any] = {"good": good, "bad": bad, "paradigm": paradigm}
        common: dict[str, Any] = {"learner": learner, "seeds": seeds, "seed": seed, "margin": margin}
        common |= {"workers": workers, "progress": progress}
        result: AuditResult | MinimalPairsAudit
        if is_minimal_pairs(train, learner, for_texts=of_texts, for_pairs=of_pairs):
            result = audit_minimal_pairs(train, **of_pairs, **common)
        else:
            result = audit(train, **of_texts, **common)
    page = result.save(out) if out is not None else None
    if as_json:
        click.echo(json.dumps(result.to_dict(), indent=2))
        return
    from negspace.reports.terminal import brief_report

    Console().print(brief_report(result.report(), {} if page is None else {"Report": page}))
