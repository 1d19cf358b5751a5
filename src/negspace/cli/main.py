"""The ``negspace`` command: its subcommands, and what happens to errors."""

from __future__ import annotations

import os
import signal
import sys
from io import TextIOWrapper
from pathlib import Path

import click

from negspace._version import __version__
from negspace.cli.audit import audit_command
from negspace.cli.curate import curate_command
from negspace.cli.demo import demo_command
from negspace.cli.lab import lab_group
from negspace.cli.mine import mine_command
from negspace.cli.probe import probe_command
from negspace.cli.prove import prove_command
from negspace.errors import NegspaceError

INTERRUPTED = 130
_TERMINATED = 143


@click.group(
    # The help is one page, on every terminal and in docs/reference/cli.md.
    context_settings={"help_option_names": ["-h", "--help"], "terminal_width": 80},
    epilog="Documentation and examples: docs/ in the source. Start with: negspace demo",
)
@click.version_option(__version__, prog_name="negspace")
def cli() -> None:
    """Measure what a training set teaches a model to rule out."""


for command in (
    audit_command,
    mine_command,
    curate_command,
    prove_command,
    probe_command,
    demo_command,
    lab_group,
):
    cli.add_command(command)


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and exit.

    Exit codes: 0 done (whatever the verdict), 2 something to mend (input, options, folder), 130 interrupted.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):  # a terminal may lack the signs of a table or a name
            stream.reconfigure(errors="backslashreplace")
    if signal.getsignal(signal.SIGTERM) == signal.SIG_DFL:  # an end like any other, with its cleaning up
        signal.signal(signal.SIGTERM, lambda _number, _frame: sys.exit(_TERMINATED))
    try:
        code = cli.main(arguments, prog_name="negspace", standalone_mode=False)
    except NegspaceError as error:
        click.echo(f"error: {error}", err=True)
        sys.exit(error.exit_code)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        click.echo("\ninterrupted: finished work is kept, and the same command goes on from them", err=True)
        sys.exit(INTERRUPTED)
    except BrokenPipeError:
        # The reader went away (`| head`): nothing more to say, and nothing to say it to.
        # It stays open: the interpreter flushes it once more on its way out.
        sys.stdout = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115
        sys.exit(1)
    except OSError as error:
        click.echo(f"error: {error}\n  hint: free the disk, or choose another place", err=True)
        sys.exit(NegspaceError.exit_code)
    sys.exit(code if isinstance(code, int) else 0)
