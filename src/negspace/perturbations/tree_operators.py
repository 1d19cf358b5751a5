"""Edits of structure: brackets, indented blocks, and the tree of a JSON text."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np

from negspace.perturbations.edits import (
    Change,
    EditKind,
    EditLevel,
    Operator,
    SpanOperator,
    exchange,
    shuffled,
)
from negspace.perturbations.text_operators import swaps
from negspace.perturbations.verifiers import Validity
from negspace.perturbations.verifiers.json_documents import JsonSyntax

_BRACKETS = "()[]{}"
_BRACKET = re.compile(r"[()\[\]{}]")
_GAP = re.compile(r"(?<=\S)(?=\S)\b|$")
_LAST_COLON = re.compile(r":(?=[ \t]*(?:#.*)?$)", re.MULTILINE)
_MARGIN = re.compile(r"^[ \t]*(?=\S)", re.MULTILINE)
_STEP = 4
_JSON_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[\[\]{}:,]|[^\s\[\]{}:,"]+')


def _brackets(text: str) -> list[tuple[int, int]]:
    return [match.span() for match in _BRACKET.finditer(text)]


def _replace_bracket(text: str, rng: np.random.Generator) -> Iterator[Change]:
    """Replace each bracket by each other one: of another type, or the other way round."""
    for place in shuffled(rng, _brackets(text)):
        for bracket in shuffled(rng, _BRACKETS):
            yield *place, bracket


def _insert_bracket(text: str, rng: np.random.Generator) -> Iterator[Change]:
    """Insert each bracket at the end of each token; every place has its turn before one has its second."""
    places = [match.start() for match in _GAP.finditer(text)]
    first = rng.integers(len(_BRACKETS), size=len(places)).tolist()
    for turn in range(len(_BRACKETS)):
        for i in shuffled(rng, range(len(places))):
            yield places[i], places[i], _BRACKETS[(first[i] + turn) % len(_BRACKETS)]


def _deletes(sign: re.Pattern[str]) -> Callable[[str, np.random.Generator], Iterator[Change]]:
    """Leave out each sign that matches."""

    def changes(text: str, rng: np.random.Generator) -> Iterator[Change]:
        for place in shuffled(rng, [match.span() for match in sign.finditer(text)]):
            yield *place, ""

    return changes


def _indent_line(text: str, rng: np.random.Generator) -> Iterator[Change]:
    """Move each line in or out by one or four blanks."""
    for start, end in shuffled(rng, [match.span() for match in _MARGIN.finditer(text)]):
        for by in shuffled(rng, (1, _STEP, -1, -_STEP)):
            if end - start + by >= 0:
                margin = text[start:end]
                yield start, end, margin + " " * by if by > 0 else margin[:by]


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


def _delete_member(text: str, rng: np.random.Generator) -> Iterator[Change]:
    """Leave out each member of an object or an array, with its comma."""
    members = [(family, i) for family in _families(text) for i in range(len(family))]
    for family, i in shuffled(rng, members):
        if i + 1 < len(family):
            yield family[i].member, family[i + 1].member, ""
        else:
            yield family[i - 1].end if i else family[i].member, family[i].end, ""


def _insert_member(text: str, rng: np.random.Generator) -> Iterator[Change]:
    """Write each member of an object or an array twice."""
    for node in shuffled(rng, [node for family in _families(text) for node in family]):
        yield node.end, node.end, f", {text[node.member : node.end]}"


def _misspell_key(text: str, rng: np.random.Generator) -> Iterator[Change]:
    """Leave out or double a random letter of each key."""
    starts = [node.member for node in _nodes(text) if node.member != node.start]
    for start in shuffled(rng, starts):
        key = _JSON_TOKEN.match(text, start)
        # A letter after a backslash is part of an escape.
        letters = [] if key is None or "\\" in key[0] else list(range(key.start() + 1, key.end() - 1))
        if letters:
            at = letters[int(rng.integers(len(letters)))]
            yield at, at + 1, ""
            yield at, at + 1, text[at] * 2


def _replace_type(text: str, rng: np.random.Generator) -> Iterator[Change]:
    """Give each value another type in every way: a number becomes a string, a string null, and so on."""
    for node in shuffled(rng, _nodes(text)):
        for other in shuffled(rng, list(_other_types(text[node.start : node.end]))):
            yield node.start, node.end, other


def _other_types(value: str) -> Iterator[str]:
    if value[0] == '"':
        inside = value[1:-1]
        yield inside if re.fullmatch(r"-?(?:0|[1-9]\d*)", inside, re.ASCII) else "0"
    elif value[0] not in "[{":
        yield f'"{value}"'
    if value[0] not in "[{":
        yield f"[{value}]"
    yield from (literal for literal in ("null", "true") if literal != value)


def _swap_values(text: str, rng: np.random.Generator) -> Iterator[Change]:
    """Exchange each value with the next and the one after that, the keys staying where they are."""
    pairs = [
        (family[i], family[i + apart])
        for family in _families(text)
        for apart in (1, 2)
        for i in range(len(family) - apart)
    ]
    for one, other in shuffled(rng, pairs):
        yield exchange(text, (one.start, one.end), (other.start, other.end))


def _tree(
    name: str, kind: EditKind, changes: Callable[[str, np.random.Generator], Iterator[Change]]
) -> Operator:
    return SpanOperator(name, kind, EditLevel.TREE, changes)


BRACKETS = (
    _tree("bracket swap", EditKind.SWAP, swaps(_brackets, reach=1)),
    _tree("bracket replace", EditKind.REPLACE, _replace_bracket),
    _tree("bracket insert", EditKind.INSERT, _insert_bracket),
    _tree("bracket delete", EditKind.DELETE, _deletes(_BRACKET)),
)
BLOCKS = (
    _tree("line indent", EditKind.REPLACE, _indent_line),
    _tree("colon delete", EditKind.DELETE, _deletes(_LAST_COLON)),
)
JSON_TREE = (
    _tree("JSON value swap", EditKind.SWAP, _swap_values),
    _tree("JSON type replace", EditKind.REPLACE, _replace_type),
    _tree("JSON key replace", EditKind.REPLACE, _misspell_key),
    _tree("JSON member insert", EditKind.INSERT, _insert_member),
    _tree("JSON member delete", EditKind.DELETE, _delete_member),
)
