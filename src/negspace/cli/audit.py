"""``negspace audit``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from negspace.cli import options as opt


@click.command(
    "audit",
    cls=opt.ReportingCommand,
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
@click.argument("train", metavar="TRAIN|PAIRS", type=opt.PATH)
@click.option("--test", type=opt.PATH, help="Ordinary test rows.  [default: a fifth of TRAIN]")
@click.option(
    "--near-miss", type=opt.PATH, help="A contrast set: test rows changed a little, to another label."
)
@opt.options(
    opt.column("text", "Column of texts."),
    opt.column("label", "Column of labels."),
    opt.column("group", "Column that joins near misses of each other.", default=""),
    opt.column("good", "Of minimal pairs: column of the sentences to be preferred.", default=""),
    opt.column("bad", "Of minimal pairs: column of the others.", default=""),
    opt.column("paradigm", "Of minimal pairs: column of what a pair tests.", default=""),
    opt.learner(
        "What is fitted; or, as scores:FILE, the predictions of any model for the test rows. Minimal "
        "pairs take hf:PATH, a causal language model, or tiny:CORPUS, small ones trained on a text."
    ),
    opt.registered(
        "--metric",
        "metrics",
        place="negspace.metrics:METRICS",
        multiple=True,
        says="One more metric on ordinary rows and near misses; repeatable.",
    ),
    opt.verifier("Proves labels: invariance is also tested on edits that keep them."),
)
@opt.option("--seeds", default=20, help="Fits; a verdict needs at least 10.")
@opt.option("--margin", default=0.05, help="Smallest near-miss gap that matters.")
@opt.options(
    opt.out_folder("report.html, audit.json and rows.parquet"),
    opt.json_flag("audit.json"),
    opt.seed("First seed; also decides split and folds."),
    opt.workers("Fits at once"),
)
def audit_command(
    train: Path,
    test: Path | None,
    near_miss: Path | None,
    good: str | None,
    bad: str | None,
    paradigm: str | None,
    learner: str,
    out: Path | None,
    as_json: bool,
    **settings: Any,
) -> None:
    """Does a model trained on TRAIN know where the labels part? Does a language model know PAIRS?

    TRAIN is JSONL, CSV, TSV, Parquet or a Hugging Face dataset folder of labelled texts. Near misses to test
    on are taken from --near-miss, else from --group, else mined: the nearest test rows of another label.

    PAIRS is such a file, or a folder of them, with the columns sentence_good and sentence_bad (minimal pairs,
    as BLiMP has them): sentences that a language model should tell apart.
    """
    with opt.running(train, test, near_miss, out=[out]) as progress:
        from negspace.audits import (
            AuditResult,
            MinimalPairsAudit,
            audit,
            audit_minimal_pairs,
            is_minimal_pairs,
        )

        of_texts: dict[str, Any] = {"test": test, "near_miss": near_miss}
        of_texts |= {name: settings.pop(name) for name in ("text", "label", "group", "verifier")}
        metrics = settings.pop("metrics")
        of_pairs: dict[str, Any] = {"good": good, "bad": bad, "paradigm": paradigm}
        common = {**settings, "learner": learner, "progress": progress}
        result: AuditResult | MinimalPairsAudit
        if is_minimal_pairs(
            train, learner, for_texts={**of_texts, "metric": metrics or None}, for_pairs=of_pairs
        ):
            result = audit_minimal_pairs(train, **of_pairs, **common)
        else:
            result = audit(train, **of_texts, metrics=metrics, **common)
    opt.show(result, result.save(out) if out is not None else None, as_json=as_json)
