"""What negspace raises: what is wrong, what was got, and a hint that can be acted on."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

_NAMED = 10


class NegspaceError(Exception):
    """An error the user can act on.

    The command line prints it without a traceback and exits with ``exit_code``.

    Args:
        what: What is wrong, in one sentence, with its place (file, line, column) first.
        got:  What was received: the value or shape, shortened to one line.
        hint: What to do about it.
    """

    exit_code = 2

    def __init__(self, what: str, *, got: object = None, hint: str | None = None) -> None:
        self.what = what
        self.got = None if got is None else _shorten(got if isinstance(got, str) else repr(got))
        self.hint = hint
        super().__init__(self._message())

    def _message(self) -> str:
        lines = [self.what]
        if self.got is not None:
            lines.append(f"  got:  {self.got}")
        if self.hint is not None:
            lines.append(f"  hint: {self.hint}")
        return "\n".join(lines)


class DataError(NegspaceError):
    """The user's data cannot be used as it stands."""


class PlanError(NegspaceError):
    """A study was asked for that cannot give an answer."""


class StoreError(NegspaceError):
    """The run store or an output folder cannot be read or written."""


class MissingExtraError(NegspaceError):
    """A part was asked for whose optional dependency is not installed.

    Args:
        part: What was asked for, in the user's words.
        extra: The extra of the ``negspace`` package that brings it.
    """

    def __init__(self, part: str, extra: str) -> None:
        super().__init__(f"{part} needs the extra '{extra}'", hint=f"pip install 'negspace[{extra}]'")


def did_you_mean(asked: str, known: Iterable[str]) -> str:
    """Name the nearest known words to a mistyped one, and the first of them where none is near.

    Case is ignored: ``sentiment`` is near ``Sentiment``.
    """
    names = list(known)
    folded = {name.casefold(): name for name in names}
    near = [folded[f] for f in difflib.get_close_matches(asked.casefold(), folded, n=2, cutoff=0.6)]
    if near:
        return "did you mean " + " or ".join(f"'{name}'" for name in near) + "?"
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return "there is " + ", ".join(f"'{name}'" for name in names[:_NAMED]) + more


def _shorten(text: str, width: int = 120) -> str:
    line = " ".join(text.split())
    return line if len(line) <= width else f"{line[: width - 1]}…"
