"""``negspace mine``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from negspace.cli.folder import output_folder
from negspace.cli.progress import shown_progress

__all__ = ["mine_command"]

_MIB = 2**20


@click.command(
    "mine",
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
@click.argument("data", type=click.Path(path_type=Path))
@click.option("--corpus", type=click.Path(path_type=Path), help="For pairs: more rows that may be negatives.")
@click.option(
    "--out",
    metavar="PATH",
    type=click.Path(path_type=Path),
    default=Path("mined"),
    show_default=True,
    help="A .jsonl or .parquet file; without a suffix, a Hugging Face dataset folder with a card.",
)
@click.option(
    "--format",
    default="triplet",
    show_default=True,
    metavar="FORMAT",
    help="triplet, n-tuple, labelled-pair, labelled-list, preference, minimal-pair or groups.",
)
@click.option(
    "--source",
    default="neighbours",
    show_default=True,
    metavar="LIST",
    help="Where negatives come from: neighbours, bm25, model, edits; several with commas.",
)
@click.option(
    "--embedder",
    default="tfidf",
    show_default=True,
    metavar="EMBEDDER",
    help="tfidf, st:PATH, hf:PATH or matrix:FILE.npy; says what is near.",
)
@click.option("--verifier", metavar="NAME", help="For edits: json, arithmetic, regex:PATTERN, and more.")
@click.option("--text", metavar="COL", help="Column of texts.  [default: recognised by name]")
@click.option("--label", metavar="COL", help="Column of labels.  [default: recognised; in pairs, none]")
@click.option("--group", metavar="COL", help="Column that joins variants of one original.")
@click.option("--anchor", metavar="COL", help="Column of anchors.  [default: recognised by name]")
@click.option("--positive", metavar="COL", help="Column of positives.  [default: recognised by name]")
@click.option("--negatives", default=3, show_default=True, help="For an anchor, at most.")
@click.option(
    "--sampling",
    type=click.Choice(["top", "random"]),
    default="top",
    show_default=True,
    help="Take the hardest that the rules leave, or any of them.",
)
@click.option("--range-min", default=0, show_default=True, help="Skip so many of the hardest left.")
@click.option("--range-max", type=int, help="Look at so many of those left.  [default: about 10 a negative]")
@click.option("--absolute-margin", type=float, help="A negative scores so much less than every positive.")
@click.option("--relative-margin", type=float, help="The same, as a share of the positive's score, 0.05 say.")
@click.option("--max-score", type=float, help="Highest score of a negative.")
@click.option("--min-score", type=float, help="Lowest score of a negative.")
@click.option(
    "--near-duplicate",
    default=0.95,
    show_default=True,
    help="Leave out what has a cosine of this or more to a positive; 2 leaves nothing out.",
)
@click.option(
    "--pair-with",
    type=click.Choice(["nearest", "random"]),
    default="nearest",
    show_default=True,
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
    type=click.Path(path_type=Path),
    help="Page to write: an .html file, or a folder for report.html.",
)
@click.option(
    "--json", "as_json", is_flag=True, help="Print mined.json, and nothing else, to standard output."
)
@click.option("--seed", default=0, show_default=True, help="Of all that is drawn.")
@click.option(
    "--memory",
    type=click.IntRange(min=1),
    default=256,
    show_default=True,
    metavar="MIB",
    help="Working memory of a search; changes no result.",
)
@click.option("--workers", type=click.IntRange(min=1), help="Threads; changes no result.  [default: cores]")
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
    from rich.console import Console

    from negspace.data import check_exists

    # Of a mistyped path the user is told at once; the rooms of mining take seconds to open.
    for path in (data, corpus):
        if path is not None:
            check_exists(path.expanduser())
    folder = None if report is None else report.parent if report.suffix.lower() == ".html" else report
    with output_folder(out.expanduser().parent), output_folder(folder), shown_progress() as progress:
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
    from negspace.reports.terminal import brief_report

    page = mined.save(report) if report is not None else None
    if as_json:
        click.echo(json.dumps(mined.to_dict(), indent=2))
    else:
        places = {"Written": mined.findings.output.path} | ({} if page is None else {"Report": page})
        Console().print(brief_report(mined.report(), places))
