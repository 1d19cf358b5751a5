"""``negspace probe``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click
from click.shell_completion import CompletionItem

from negspace.cli.folder import output_folder
from negspace.cli.progress import shown_progress

__all__ = ["probe_command"]

_MIB = 2**20


class _ProbesOption(click.Option):
    """Names the registered probes, which are imported only when help or completion asks for them."""

    def get_help_record(self, ctx: click.Context) -> tuple[str, str] | None:
        from negspace.probes import all_probes

        self.help = f"{', '.join(all_probes())}; several with commas."
        return super().get_help_record(ctx)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:  # noqa: ARG002
        from negspace.probes import all_probes

        before, comma, begun = incomplete.rpartition(",")
        names = [name for name in ("all", *all_probes()) if name.startswith(begun)]
        return [CompletionItem(f"{before}{comma}{name}") for name in names]


@click.command(
    "probe",
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
@click.argument("corpus", type=click.Path(path_type=Path))
@click.option(
    "--model",
    default="tiny",
    show_default=True,
    metavar="PATH|ID|tiny",
    help="A causal language model of transformers; tiny trains a small GPT on CORPUS.",
)
@click.option("--text", metavar="COL", help="Column of texts.  [default: recognised by name]")
@click.option(
    "--fragment-tokens",
    type=click.IntRange(min=8),
    default=512,
    show_default=True,
    help="Length of a fragment, at most.",
)
@click.option(
    "--reference",
    type=click.Path(path_type=Path),
    help="Text that the model should get better at.  [default: fragments set aside from CORPUS]",
)
@click.option(
    "--probes",
    cls=_ProbesOption,
    default="all",
    show_default=True,
    metavar="LIST",
)
@click.option("--tokens", is_flag=True, help="Write loss and pressure of every token too (tokens.parquet).")
@click.option(
    "--sample",
    type=click.IntRange(min=1),
    default=64,
    show_default=True,
    help="Fragments that take real steps.",
)
@click.option(
    "--step-size",
    type=float,
    help="SGD step size.  [default: the median fragment's loss falls by 0.1 nats per token]",
)
@click.option(
    "--check", is_flag=True, help="Compare gradients with a loop of one fragment at a time; print the cost."
)
@click.option(
    "--device",
    type=click.Choice(["auto", "cpu", "cuda"]),
    default="auto",
    show_default=True,
    help="auto, cpu or cuda.",
)
@click.option(
    "--dtype",
    type=click.Choice(["auto", "float32", "bfloat16", "float16"]),
    default="auto",
    show_default=True,
    help="Type of the parameters; auto is float32, on CUDA bfloat16.",
)
@click.option(
    "--trust-remote-code", is_flag=True, help="Run code that the model brings. Only if you read it."
)
@click.option(
    "--out",
    metavar="DIRECTORY",
    type=click.Path(path_type=Path),
    default=Path("probed"),
    show_default=True,
    help="Folder for report.html, probe.json and the Parquet files.",
)
@click.option(
    "--json", "as_json", is_flag=True, help="Print probe.json, and nothing else, to standard output."
)
@click.option(
    "--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Decides all that is drawn."
)
@click.option(
    "--memory",
    type=click.IntRange(min=64),
    metavar="MIB",
    help="Memory for a batch.  [default: half of what is free, 2048 at most]",
)
@click.option("--workers", type=click.IntRange(min=1), help="Processes; changes no result.  [default: cores]")
def probe_command(
    corpus: Path, reference: Path | None, out: Path, as_json: bool, memory: int | None, **settings: Any
) -> None:
    """What would each fragment of CORPUS change in a language model?

    CORPUS is a text file or a folder of them, split at paragraph ends, or JSONL, CSV, TSV, Parquet or a
    Hugging Face dataset folder with texts. A run that was stopped goes on where it was when the same command
    is given again.
    """
    from rich.console import Console

    from negspace.data import check_exists

    # Fail fast on a wrong path; importing the probe takes seconds.
    for path in (corpus, reference):
        if path is not None:
            check_exists(path.expanduser())
    with output_folder(out), shown_progress() as progress:
        from negspace.probing import probe

        probed = probe(
            corpus,
            reference=reference,
            out=out,
            memory=None if memory is None else memory * _MIB,
            progress=progress,
            **settings,
        )
    if as_json:
        click.echo(json.dumps(probed.to_dict(), indent=2))
    else:
        from negspace.reports.terminal import brief_report

        Console().print(brief_report(probed.blocks(), {"Report": probed.report}))
