"""Checkers of the rules and facts: they read a fragment's words and share no code with what wrote them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from types import MappingProxyType

import pytest

from negspace.lab.planted import BRACKETS, CLASSES, KINDS, Record

Check = Callable[[Sequence[str]], bool]


def _split(words: Sequence[str], end: str) -> list[list[str]]:
    """Cut after every ``end``; what follows the last one is a part too."""
    parts: list[list[str]] = [[]]
    for word in words:
        if word == end:
            parts.append([])
        else:
            parts[-1].append(word)
    return [part for part in parts if part]


def _agrees(words: Sequence[str]) -> bool:
    noun_class = {noun: name for name, (nouns, _) in CLASSES.items() for noun in nouns}
    form_class = {form: name for name, (_, forms) in CLASSES.items() for form in forms}
    for sentence in _split(words, "."):
        heads = [noun_class[word] for word in sentence if word in noun_class]
        forms = [form_class[word] for word in sentence if word in form_class]
        if not heads or len(forms) != 3 or set(forms) != {heads[0]}:
            return False
    return True


def _copies(words: Sequence[str]) -> bool:
    for part in _split(words, ";"):
        cut = part.index("again")
        if part[0] != "say" or part[1:cut] != part[cut + 1 :]:
            return False
    return True


def _counts(words: Sequence[str]) -> bool:
    for part in _split(words, "stop"):
        item, told, listed = part[1], int(part[3]), part[5:]
        if listed != [word for number in range(1, told + 1) for word in (item, str(number))]:
            return False
    return True


def _adds_up(words: Sequence[str]) -> bool:
    for part in _split(words, ";"):
        steps = re.findall(r"(?=(?:^|= )(\d) ([+-]) (\d) = (\d))", " ".join(part))
        if len(steps) != part.count("="):
            return False
        for first, sign, second, result in steps:
            if int(first) + (int(second) if sign == "+" else -int(second)) != int(result):
                return False
    return True


def _balances(words: Sequence[str]) -> bool:
    stack: list[str] = []
    for word in words:
        if word in BRACKETS:
            stack.append(BRACKETS[word])
        elif not stack or stack.pop() != word:
            return False
    return not stack


def _follows(words: Sequence[str]) -> bool:
    """Whether each conclusion follows from its own premises, and from all of them."""
    text = " ".join(words)
    blocks = re.findall(r"((?:all \w+ are \w+ \. )+)so all (\w+) are (\w+) \.", text)
    if text.count("so ") != len(blocks):
        return False
    for premises, first, last in blocks:
        links = re.findall(r"all (\w+) are (\w+)", premises)
        joined = all(left[1] == right[0] for left, right in pairwise(links))
        if not joined or links[0][0] != first or links[-1][1] != last:
            return False
    return True


_CHECKS: Mapping[str, Check] = MappingProxyType(
    {
        "agreement": _agrees,
        "copying": _copies,
        "counting": _counts,
        "arithmetic": _adds_up,
        "brackets": _balances,
        "syllogism": _follows,
    }
)


def _read_record(kind: str, words: Sequence[str]) -> Record | None:
    """Read the record that a fragment states; None where it states none, or more than one."""
    fact = KINDS[kind]
    values: list[str | None] = [None] * len(fact.values)
    keys: set[str] = set()
    for sentence in _split(words, "."):
        for attribute, wordings in enumerate(fact.wordings):
            for wording in wordings:
                pattern = re.escape(wording.removesuffix(" .")).replace(r"\ ", " ")
                pattern = re.sub(
                    r"\bV\b", r"(?P<value>\\w+)", re.sub(r"\bK\b", r"(?P<key>\\w+ \\w+)", pattern)
                )
                found = re.fullmatch(pattern, " ".join(sentence))
                if found and found["value"] in fact.values[attribute] and found["key"] in fact.keys:
                    keys.add(found["key"])
                    values[attribute] = found["value"]
    if len(keys) != 1 or None in values:
        return None
    return Record(kind, keys.pop(), tuple(str(value) for value in values))


@pytest.fixture(scope="session")
def checks() -> Mapping[str, Check]:
    """Whether all of a fragment's words follow the rule of a family, by its name."""
    return _CHECKS


@pytest.fixture(scope="session")
def read_record() -> Callable[[str, Sequence[str]], Record | None]:
    """Reads the record that a fragment states."""
    return _read_record
