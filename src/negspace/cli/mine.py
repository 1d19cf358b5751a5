"""``negspace mine``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from negspace.cli import options as opt

_MIB = 2**20


@click.command(
    "mine",
    cls=opt.ReportingCommand,
    epilog="""\b
Examples:
  negspace mine train.csv
  negspace mine train.csv --out triplets.jsonl --relative-margin 0.05
  negspace mine train.csv --embedder st:models/minilm --report out
  negspace mine pairs.jsonl --corpus docs.jsonl --source neighbours,bm25
  negspace mine train.csv --source model --format groups --out groups.parquet
  negspace mine sums.jsonl --source edits --verifier arithmetic --out e.jsonl
  negspace mine train.csv --json | jq .control

\b
Exit codes: 0 done; 2 something to mend; 130 interrupted.
""",
)
@click.argument("data", type=opt.PATH)
@click.option("--corpus", type=opt.PATH, help="For pairs: more rows that may be negatives.")
@opt.option(
    "--out",
    metavar="PATH",
    type=opt.PATH,
    default=Path("mined"),
    help="A .jsonl or .parquet file; without a suffix, a Hugging Face dataset folder with a card.",
)
@opt.options(
    opt.registered(
        "--format",
        place="negspace.mining:FORMATS",
        says="Form of the rows.",
        metavar="FORMAT",
        default="triplet",
    ),
    opt.registered(
        "--source",
        place="negspace.mining:SOURCES",
        says="Where negatives come from; several with commas.",
        metavar="LIST",
        default="neighbours",
    ),
    opt.registered(
        "--embedder",
        place="negspace.embedders:EMBEDDERS",
        says="Says what is near.",
        metavar="EMBEDDER",
        default="tfidf",
    ),
    opt.verifier("For edits: proves what is valid."),
    opt.column("text", "Column of texts."),
    opt.column("label", "Column of labels.", default="recognised; in pairs, none"),
    opt.column("group", "Column that joins variants of one original.", default=""),
    opt.column("anchor", "Column of anchors."),
    opt.column("positive", "Column of positives."),
)
@opt.option("--negatives", default=3, help="For an anchor, at most.")
@opt.option(
    "--sampling",
    type=click.Choice(["top", "random"]),
    default="top",
    help="Take the hardest that the rules leave, or any of them.",
)
@opt.option("--range-min", default=0, help="Skip so many of the hardest left.")
@click.option("--range-max", type=int, help="Look at so many of those left.  [default: about 10 a negative]")
@click.option("--absolute-margin", type=float, help="A negative scores so much less than every positive.")
@click.option("--relative-margin", type=float, help="The same, as a share of the positive's score, 0.05 say.")
@click.option("--max-score", type=float, help="Highest score of a negative.")
@click.option("--min-score", type=float, help="Lowest score of a negative.")
@opt.option(
    "--near-duplicate",
    default=0.95,
    help="Leave out what has a cosine of this or more to a positive; 2 leaves nothing out.",
)
@opt.option(
    "--pair-with",
    type=click.Choice(["nearest", "random"]),
    default="nearest",
    help="For labelled texts: which other row of its class is a row's positive.",
)
@click.option(
    "--provenance",
    is_flag=True,
    help="Write where each negative came from into the output too: to look at, not to train on.",
)
@click.option(
    "--report",
    metavar="PATH",
    type=opt.PATH,
    help="Page to write: an .html file, or a folder for report.html.",
)
@opt.options(opt.json_flag("mined.json"), opt.seed("Decides all that is drawn."))
@opt.option(
    "--memory",
    type=click.IntRange(min=1),
    default=256,
    metavar="MIB",
    help="Working memory of a search; changes no result.",
)
@opt.workers("Threads")
def mine_command(
    data: Path,
    corpus: Path | None,
    out: Path,
    source: str,
    near_duplicate: float,
    report: Path | None,
    as_json: bool,
    memory: int,
    **settings: Any,
) -> None:
    """Find near misses for the rows of DATA, and write them to train on.

    DATA is JSONL, CSV, TSV, Parquet or a Hugging Face dataset folder of labelled texts (text, label), of
    pairs (anchor, positive) or of texts alone. A run that was stopped goes on where it was when the same
    command is given again.
    """
    folder = None if report is None else report.parent if report.suffix.lower() == ".html" else report
    with opt.running(data, corpus, out=[out.expanduser().parent, folder]) as progress:
        from negspace.mining import mine

        mined = mine(
            data,
            out=out,
            corpus=corpus,
            sources=source,
            near_duplicate=None if near_duplicate > 1 else near_duplicate,
            memory=memory * _MIB,
            progress=progress,
            **settings,
        )
    opt.show(mined, mined.save(report) if report is not None else None, as_json=as_json)
