"""``negspace probe``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from negspace.cli import options as opt

_MIB = 2**20


@click.command(
    "probe",
    cls=opt.ReportingCommand,
    epilog="""\b
Examples:
  negspace probe plays.txt
  negspace probe notes/ --fragment-tokens 256 --probes loss,pressure
  negspace probe corpus.jsonl --text body --model models/gpt2 --sample 128
  negspace probe corpus.jsonl --reference held-out.jsonl --out probed
  negspace probe plays.txt --check
  negspace probe plays.txt --json | jq .roles.counts

\b
Exit codes: 0 done; 2 something to mend; 130 interrupted.
""",
)
@click.argument("corpus", type=opt.PATH)
@opt.option(
    "--model",
    default="tiny",
    metavar="PATH|ID|tiny",
    help="A causal language model of transformers; tiny trains a small GPT on CORPUS.",
)
@opt.column("text", "Column of texts.")
@opt.option(
    "--fragment-tokens", type=click.IntRange(min=8), default=512, help="Length of a fragment, at most."
)
@click.option(
    "--reference",
    type=opt.PATH,
    help="Text that the model should get better at.  [default: fragments set aside from CORPUS]",
)
@opt.registered(
    "--probes",
    place="negspace.probes:PROBES",
    says="What is measured; several with commas.",
    metavar="LIST",
    default="all",
)
@click.option("--tokens", is_flag=True, help="Write loss and pressure of every token too (tokens.parquet).")
@opt.option("--sample", type=click.IntRange(min=1), default=64, help="Fragments that take real steps.")
@click.option(
    "--step-size",
    type=float,
    help="SGD step size.  [default: the median fragment's own loss falls by 0.1 nats per token]",
)
@click.option(
    "--check", is_flag=True, help="Compare gradients with a loop of one fragment at a time; print the cost."
)
@opt.device("What computes.")
@opt.option(
    "--dtype",
    type=click.Choice(["auto", "float32", "bfloat16", "float16"]),
    default="auto",
    help="Of the parameters; auto is float32, on CUDA bfloat16.",
)
@click.option(
    "--trust-remote-code", is_flag=True, help="Run code that the model brings. Only if you read it."
)
@opt.options(
    opt.out_folder("report.html, probe.json and the Parquet files", default=Path("probed")),
    opt.json_flag("probe.json"),
    opt.seed("Decides all that is drawn."),
)
@click.option(
    "--memory",
    type=click.IntRange(min=64),
    metavar="MIB",
    help="Memory for a batch.  [default: half of what is free, 2048 at most]",
)
@opt.workers("Processes")
def probe_command(
    corpus: Path, reference: Path | None, out: Path, as_json: bool, memory: int | None, **settings: Any
) -> None:
    """What would each fragment of CORPUS change in a language model?

    CORPUS is a text file or a folder of them, split at paragraph ends, or JSONL, CSV, TSV, Parquet or a
    Hugging Face dataset folder with texts. A run that was stopped goes on where it was when the same command
    is given again.
    """
    with opt.running(corpus, reference, out=[out]) as progress:
        from negspace.probing import probe

        probed = probe(
            corpus,
            reference=reference,
            out=out,
            memory=None if memory is None else memory * _MIB,
            progress=progress,
            **settings,
        )
    opt.show(probed, probed.page, as_json=as_json)
