"""Edits of structure: brackets, indented blocks, and the tree of a JSON text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from negspace.perturbations.edits import (
    Candidate,
    EditKind,
    EditLevel,
    Operator,
    exchange,
    shuffled,
    splice,
)
from negspace.perturbations.proof import Validity
from negspace.perturbations.text_operators import SpanSwap
from negspace.perturbations.verifiers.json_documents import JsonSyntax

__all__ = ["BLOCKS", "BRACKETS", "JSON_TREE"]

_BRACKET = re.compile(r"[()\[\]{}]")
_GAP = re.compile(r"(?<=\S)(?=\S)\b|$")
_SIGNS = "()[]{}"


def _brackets(text: str) -> list[tuple[int, int]]:
    return [m.span() for m in _BRACKET.finditer(text)]


@dataclass(frozen=True)
class SignDelete:
    """Leave one sign out.

    Attributes:
        name: As results name it.
        sign: Pattern of the sign.
    """

    name: str
    sign: re.Pattern[str]

    kind = EditKind.DELETE
    level = EditLevel.TREE

    def candidates(self, text: str, rng: np.random.Generator) -> Iterator[Candidate]:
        """Delete each such sign."""
        places = [m.start() for m in self.sign.finditer(text)]
        for i in shuffled(rng, len(places)):
            yield splice(self, text, places[i], places[i] + 1, "")


@dataclass(frozen=True)
class BracketInsert:
    """Put one bracket more into the text, at the end of a token."""

    name = "bracket insert"
    kind = EditKind.INSERT
    level = EditLevel.TREE

    def candidates(self, text: str, rng: np.random.Generator) -> Iterator[Candidate]:
        """Insert each bracket at each place; every place has its turn before one has its second."""
        places = [m.start() for m in _GAP.finditer(text)]
        first = rng.integers(len(_SIGNS), size=len(places)).tolist()
        for turn in range(len(_SIGNS)):
            for i in shuffled(rng, len(places)):
                bracket = _SIGNS[(first[i] + turn) % len(_SIGNS)]
                yield splice(self, text, places[i], places[i], bracket)


@dataclass(frozen=True)
class BracketReplace:
    """Turn a bracket into another: of another type, or the other way round."""

    name = "bracket replace"
    kind = EditKind.REPLACE
    level = EditLevel.TREE

    def candidates(self, text: str, rng: np.random.Generator) -> Iterator[Candidate]:
        """Replace each bracket by each other one."""
        places = [m.start() for m in _BRACKET.finditer(text)]
        for i in shuffled(rng, len(places)):
            for k in shuffled(rng, len(_SIGNS)):
                yield splice(self, text, places[i], places[i] + 1, _SIGNS[k])


_LAST_COLON = re.compile(r":(?=[ \t]*(?:#.*)?$)", re.MULTILINE)
_MARGIN = re.compile(r"^[ \t]*(?=\S)", re.MULTILINE)
_STEP = 4


@dataclass(frozen=True)
class LineIndent:
    """Move a line in or out by one or four blanks."""

    name = "line indent"
    kind = EditKind.REPLACE
    level = EditLevel.TREE

    def candidates(self, text: str, rng: np.random.Generator) -> Iterator[Candidate]:
        """Move each line in each way."""
        margins = [m.span() for m in _MARGIN.finditer(text)]
        for i in shuffled(rng, len(margins)):
            start, end = margins[i]
            for k in shuffled(rng, 4):
                by = (1, _STEP, -1, -_STEP)[k]
                if end - start + by >= 0:
                    margin = text[start:end]
                    yield splice(self, text, start, end, margin + " " * by if by > 0 else margin[:by])


_JSON_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[\[\]{}:,]|[^\s\[\]{}:,"]+')


@dataclass
class _Node:
    """A value and where it stands; ``member`` begins at its key, in an object."""

    start: int
    member: int
    end: int = -1
    children: list[_Node] = field(default_factory=list)


def _nodes(text: str) -> list[_Node]:
    """All values of a JSON text, parents before children; none where the text is not JSON."""
    if JsonSyntax()(text).validity is not Validity.VALID:
        return []
    nodes: list[_Node] = []
    open_nodes: list[_Node] = []
    key: int | None = None
    tokens = list(_JSON_TOKEN.finditer(text))
    for i, token in enumerate(tokens):
        if token[0] in {":", ","}:
            continue
        if token[0] in {"]", "}"}:
            open_nodes.pop().end = token.end()
        elif i + 1 < len(tokens) and tokens[i + 1][0] == ":":
            key = token.start()
        else:
            node = _Node(token.start(), token.start() if key is None else key, token.end())
            key = None
            nodes.append(node)
            if open_nodes:
                open_nodes[-1].children.append(node)
            if token[0] in {"[", "{"}:
                open_nodes.append(node)
    return nodes


def _families(text: str) -> list[list[_Node]]:
    """The members of each object and array that has any."""
    return [node.children for node in _nodes(text) if node.children]


@dataclass(frozen=True)
class JsonMemberDelete:
    """Leave out a member of an object or an array, with its comma."""

    name = "JSON member delete"
    kind = EditKind.DELETE
    level = EditLevel.TREE

    def candidates(self, text: str, rng: np.random.Generator) -> Iterator[Candidate]:
        """Delete each member."""
        members = [(family, i) for family in _families(text) for i in range(len(family))]
        for k in shuffled(rng, len(members)):
            family, i = members[k]
            if i + 1 < len(family):
                yield splice(self, text, family[i].member, family[i + 1].member, "")
            else:
                yield splice(self, text, family[i - 1].end if i else family[i].member, family[i].end, "")


@dataclass(frozen=True)
class JsonMemberInsert:
    """Write a member of an object or an array twice."""

    name = "JSON member insert"
    kind = EditKind.INSERT
    level = EditLevel.TREE

    def candidates(self, text: str, rng: np.random.Generator) -> Iterator[Candidate]:
        """Double each member."""
        members = [node for family in _families(text) for node in family]
        for k in shuffled(rng, len(members)):
            node = members[k]
            yield splice(self, text, node.end, node.end, f", {text[node.member : node.end]}")


@dataclass(frozen=True)
class JsonKeyReplace:
    """Write a key with one letter left out or doubled."""

    name = "JSON key replace"
    kind = EditKind.REPLACE
    level = EditLevel.TREE

    def candidates(self, text: str, rng: np.random.Generator) -> Iterator[Candidate]:
        """Misspell each key at a random letter, in either way."""
        starts = [node.member for node in _nodes(text) if node.member != node.start]
        for k in shuffled(rng, len(starts)):
            key = _JSON_TOKEN.match(text, starts[k])
            # A letter after a backslash is part of an escape.
            letters = [] if key is None or "\\" in key[0] else list(range(key.start() + 1, key.end() - 1))
            if letters:
                at = letters[int(rng.integers(len(letters)))]
                yield splice(self, text, at, at + 1, "")
                yield splice(self, text, at, at + 1, text[at] * 2)


@dataclass(frozen=True)
class JsonTypeReplace:
    """Give a value another type: a number becomes a string, a string null, and so on."""

    name = "JSON type replace"
    kind = EditKind.REPLACE
    level = EditLevel.TREE

    def candidates(self, text: str, rng: np.random.Generator) -> Iterator[Candidate]:
        """Change the type of each value in every way."""
        nodes = _nodes(text)
        for k in shuffled(rng, len(nodes)):
            start, end = nodes[k].start, nodes[k].end
            others = list(_other_types(text[start:end]))
            for i in shuffled(rng, len(others)):
                yield splice(self, text, start, end, others[i])


def _other_types(value: str) -> Iterator[str]:
    if value[0] == '"':
        inside = value[1:-1]
        yield inside if re.fullmatch(r"-?(?:0|[1-9]\d*)", inside, re.ASCII) else "0"
    elif value[0] not in "[{":
        yield f'"{value}"'
    if value[0] not in "[{":
        yield f"[{value}]"
    yield from (literal for literal in ("null", "true") if literal != value)


@dataclass(frozen=True)
class JsonValueSwap:
    """Exchange two values of one object or array, its keys staying where they are."""

    name = "JSON value swap"
    kind = EditKind.SWAP
    level = EditLevel.TREE

    def candidates(self, text: str, rng: np.random.Generator) -> Iterator[Candidate]:
        """Exchange each value with the next and the one after that."""
        pairs = [
            (family[i], family[i + apart])
            for family in _families(text)
            for apart in (1, 2)
            for i in range(len(family) - apart)
        ]
        for k in shuffled(rng, len(pairs)):
            one, other = pairs[k]
            yield exchange(self, text, (one.start, one.end), (other.start, other.end))


BRACKETS: tuple[Operator, ...] = (
    SpanSwap("bracket swap", EditLevel.TREE, _brackets, reach=1),
    BracketReplace(),
    BracketInsert(),
    SignDelete("bracket delete", _BRACKET),
)
BLOCKS: tuple[Operator, ...] = (LineIndent(), SignDelete("colon delete", _LAST_COLON))
JSON_TREE: tuple[Operator, ...] = (
    JsonValueSwap(),
    JsonTypeReplace(),
    JsonKeyReplace(),
    JsonMemberInsert(),
    JsonMemberDelete(),
)
