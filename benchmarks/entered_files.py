"""How many files of negspace an audit passes through, from a CSV file to a page: what a newcomer has to read.

    python benchmarks/entered_files.py           a call of negspace.audit and of its result's save
    python benchmarks/entered_files.py --cli     the command ``negspace audit FILE --out DIRECTORY``

The audit runs twice and the second run is counted: a file counts if a function of it is called, and does not
count for being imported. The limit is 50 files for the call.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import sys
import tempfile
import threading
from pathlib import Path
from types import FrameType

import negspace
from negspace.cli import main as run_command

_PACKAGE = Path(negspace.__file__).parent


def audit_once(folder: Path, *, cli: bool) -> None:
    """Audit sixty rows with two fits, in a run store of its own, and write the page."""
    table = folder / "train.csv"
    rows = [
        f"the film number {i} was {'good' if i % 2 else 'bad'} w{i // 2},{'pos' if i % 2 else 'neg'}"
        for i in range(60)
    ]
    table.write_text("text,label\n" + "\n".join(rows) + "\n", encoding="utf-8")
    os.environ["NEGSPACE_STORE"] = str(folder / "runs.sqlite")
    if not cli:
        negspace.audit(table, seeds=2, workers=1).save(folder / "out")
        return
    words = ["audit", str(table), "--seeds", "2", "--workers", "1", "--out", str(folder / "out")]
    with contextlib.suppress(SystemExit), contextlib.redirect_stdout(io.StringIO()):
        run_command(words)


def entered(*, cli: bool) -> list[str]:
    """Files of negspace of which a function is called, relative to the package."""
    files: set[str] = set()

    def note(frame: FrameType, event: str, _: object) -> None:
        if event == "call" and frame.f_code.co_filename.endswith(".py"):
            files.add(frame.f_code.co_filename)

    with tempfile.TemporaryDirectory() as first, tempfile.TemporaryDirectory() as second:
        audit_once(Path(first), cli=cli)
        threading.setprofile(note)
        sys.setprofile(note)
        try:
            audit_once(Path(second), cli=cli)
        finally:
            sys.setprofile(None)
            threading.setprofile(None)
    inside = (Path(each) for each in files)
    return sorted(str(each.relative_to(_PACKAGE)) for each in inside if each.is_relative_to(_PACKAGE))


def main() -> None:
    """Count and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--cli", action="store_true", help="count for the command")
    files = entered(cli=parser.parse_args().cli)
    print("\n".join(files))
    print(f"{len(files)} files")


if __name__ == "__main__":
    main()
