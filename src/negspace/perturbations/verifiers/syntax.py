"""Is a text well formed: are its brackets balanced, is it Python, does it match a pattern, is it sorted?"""

from __future__ import annotations

import ast
import platform
import re
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import pairwise

from negspace.errors import PlanError, did_you_mean
from negspace.perturbations.verifiers import (
    VERIFIERS,
    Proof,
    TextVerifier,
    invalid,
    number,
    too_deep,
    unknown,
    valid,
)
from negspace.records import Json

_BRACKET = re.compile(r"[()\[\]{}]")
_CLOSES = {")": "(", "]": "[", "}": "{"}
_MOST_NESTED = 60
# What the parser refuses although the grammar has it.
_PARSER_LIMITS = ("too many", "Exceeds the limit", "parser stack overflow", "too complex")

_DIRECTIONS = ("ascending", "descending")
_NUMBER = re.compile(r"[-−+]?\d+(?:\.\d+)?", re.ASCII)
_WORD = re.compile(r"[A-Za-z]+")
# "1,000, 2,000": whether the comma divides numbers or digits cannot be told.
_GROUPED = re.compile(r"\d,\d{3}(?!\d)")


@VERIFIERS.register("brackets", summary="brackets are balanced")
@dataclass(frozen=True)
class Brackets(TextVerifier):
    """Whether each of ``( [ {`` is closed by its own kind, in order.

    Every bracket counts, inside quotes too: a text is in no programming language, and where its quotes
    begin and end cannot be told. A text without brackets is balanced.
    """

    name = "brackets"
    longest = 100_000

    def judge(self, text: str) -> Proof:
        """Judge a text that is not too long."""
        waiting: list[tuple[str, int]] = []
        for match in _BRACKET.finditer(text):
            bracket, at = match[0], match.start()
            if bracket not in _CLOSES:
                waiting.append((bracket, at))
            elif not waiting:
                return invalid(f"'{bracket}' at character {at} closes nothing")
            elif waiting.pop()[0] != _CLOSES[bracket]:
                return invalid(f"'{bracket}' at character {at} closes a bracket of another kind")
        if waiting:
            bracket, at = waiting[-1]
            return invalid(f"'{bracket}' at character {at} is never closed")
        return valid("every bracket is closed by its own kind")


@VERIFIERS.register("python", summary="the text parses as Python")
@dataclass(frozen=True)
class PythonSyntax(TextVerifier):
    """Whether a text parses as a Python module, by the grammar of the running Python.

    Nothing is run, nor compiled: ``return`` outside a function is for the compiler to refuse, not for the
    grammar. An empty text is a module. Unknown: what exceeds the parser's own limits.
    """

    name = "python"
    longest = 50_000

    def describe(self) -> Mapping[str, Json]:
        """The verifier and the version of the grammar."""
        return {"verifier": self.name, "python": ".".join(platform.python_version_tuple()[:2])}

    def judge(self, text: str) -> Proof:
        """Judge a text that is not too long."""
        if (refused := too_deep(text, _MOST_NESTED)) is not None:
            return refused
        if "\0" in text:
            return invalid("a NUL character")
        try:
            with warnings.catch_warnings():
                # An escape like "\d" is warned of, and is still Python.
                warnings.simplefilter("ignore")
                ast.parse(text)
        except SyntaxError as error:
            if error.msg.startswith(_PARSER_LIMITS):
                return unknown(f"beyond the parser: {error.msg[:60]}")
            return invalid(f"line {error.lineno}: {error.msg}")
        except (RecursionError, MemoryError, ValueError, OverflowError) as error:
            return unknown(f"beyond the parser: {type(error).__name__}")
        return valid("parses as a Python module")


@VERIFIERS.register("regex", argument="PATTERN", summary="the whole text matches the pattern")
@dataclass(frozen=True)
class Regex(TextVerifier):
    """Whether a whole text matches a regular expression, as Python's re has them.

    Unknown: a text of more than 10,000 characters. A pattern that backtracks without end, such as
    ``(a+)+b``, does so on far shorter ones: the pattern is the user's own.

    Raises:
        PlanError: If it is not one.
    """

    pattern: str
    _compiled: re.Pattern[str] = field(init=False, repr=False, compare=False)

    name = "regex"
    longest = 10_000

    def __post_init__(self) -> None:
        try:
            compiled = re.compile(self.pattern)
        except (re.error, OverflowError, RecursionError) as error:
            raise PlanError(f"no regular expression: {error}", got=self.pattern) from error
        object.__setattr__(self, "_compiled", compiled)

    def describe(self) -> Mapping[str, Json]:
        """The verifier and its pattern."""
        return {"verifier": self.name, "pattern": self.pattern}

    def judge(self, text: str) -> Proof:
        """Judge a text that is not too long."""
        if self._compiled.fullmatch(text):
            return valid("matches the pattern")
        return invalid("does not match the pattern")


@VERIFIERS.register("ordering", argument="DIRECTION", required=False, summary="the list is sorted")
@dataclass(frozen=True)
class Ordering(TextVerifier):
    """Whether a list of numbers, or of words, is sorted; equal neighbours are.

    Items are divided by commas and semicolons, else by line ends, else by blanks; brackets around the list
    and a full stop after it are passed over. Numbers are compared exactly. Words are of the letters a to z
    only, compared without regard to case: what comes after "ä" depends on the language. Unknown: fewer than
    two items, an empty one, numbers and words mixed, and commas that may belong to a number ("1,000", or
    any beside semicolons).

    Raises:
        PlanError: If the direction is neither.
    """

    direction: str = "ascending"  # "ascending" or "descending"

    name = "ordering"
    longest = 100_000

    def __post_init__(self) -> None:
        if self.direction not in _DIRECTIONS:
            raise PlanError(
                f"there is no direction '{self.direction}'", hint=did_you_mean(self.direction, _DIRECTIONS)
            )

    def describe(self) -> Mapping[str, Json]:
        """What identifies the verifier."""
        return {"verifier": self.name, "direction": self.direction}

    def judge(self, text: str) -> Proof:
        """Judge a text that is not too long."""
        items = _items(text)
        if len(items) < 2:
            return unknown("no list of two items or more")
        keys: Sequence[Fraction] | Sequence[str]
        if all(map(_NUMBER.fullmatch, items)):
            if _GROUPED.search(text):
                return unknown("a comma that may belong to a number")
            if "," in text and ";" in text:  # "1,5; 1,25": decimal commas, or items?
                return unknown("commas and semicolons between numbers")
            numbers = [number(item) for item in items]
            keys = [value for value in numbers if value is not None]
            if len(keys) < len(items):
                return unknown("a number with too many digits")
        elif all(map(_WORD.fullmatch, items)):
            keys = [item.casefold() for item in items]
        else:
            return unknown("neither all numbers nor all words of the letters a to z")
        falls = self.direction == "descending"
        for i, (one, other) in enumerate(pairwise(keys)):
            if one != other and (one > other) is not falls:  # type: ignore[operator]
                return invalid(f"{items[i]} stands before {items[i + 1]}")
        return valid(f"{len(items)} items in {self.direction} order")


def _items(text: str) -> list[str]:
    bare = text.strip().removesuffix(".").strip()
    if (bare[:1], bare[-1:]) in {("[", "]"), ("(", ")"), ("{", "}")}:
        bare = bare[1:-1].strip()
    if re.search(r"[,;]", bare):
        return [item.strip() for item in re.split(r"[,;]", bare)]
    return [item.strip() for item in bare.split("\n")] if "\n" in bare else bare.split()
