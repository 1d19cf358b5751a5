"""Equations and inequalities between numbers: does every one that is written hold?

Nothing is run: a claim is parsed by Python's own grammar, a few node types are admitted, and values are
exact fractions. What a claim says depends on the words beside it ("half of 6 = 3"), so a claim is read
only where it stands alone in its sentence or after a word that leads in ("so", "note that", "answer:").
"""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

from negspace.perturbations.verifiers import (
    VERIFIERS,
    Proof,
    TextVerifier,
    Validity,
    invalid,
    is_rounded,
    unknown,
    valid,
)

_LONGEST_CLAIM = 300
_LONGEST_SHOWN = 40
_LARGEST_EXPONENT = 64
_MOST_BITS = 4_096

_SENTENCE_END = re.compile(r"\n|[.?;!](?=\s|$)")
_END_MARKS = (".", "?", "!", ";", ":")
_BLANK_LINE = re.compile(r"\n[ \t\r]*\n")
_RELATION = re.compile(r"[<>≤≥≠]=?|[!=]=?|≈|≡")
_LEAD = re.compile(
    # Words that say nothing of the numbers. Others may: "in binary: 1 + 1 = 10".
    r"^(?:(?:(?:the|our|final) )*(?:answer|calculation|check|example|for example|hence|note|result|so|"
    r"solution|sum|then|therefore|thus|total):\s+"
    r"|(?:(?:and|so|then|thus|hence|therefore|since|because|now|clearly|check|note|"
    r"we (?:know|see|have|get|find)|as we know|this means|it follows|it is true|it is known)\b(?!:),?\s*)+"
    r"(?:that\b\s*)?)",
    re.IGNORECASE,
)
_CLAIM = re.compile(r"[\d\s.,+\-−*/×÷·^()<>=!≤≥≠]+")
_LONE_NUMBERS = re.compile(r"[\s.,+\-−*/×÷·^()]*\d[\d\s.,+\-−*/×÷·^()]*")
_GROUPED = re.compile(r"(?<![\d.,])\d{1,3}(?:,\d{3})+(?![\d,])")
_SPELLED = str.maketrans({"×": "*", "·": "*", "÷": "/", "−": "-", "≤": "<=", "≥": ">=", "≠": "!="})
_SINGLE_EQUALS = re.compile(r"(?<![<>!=])=(?!=)")

_OPERATORS: Mapping[type[ast.operator], Callable[[Fraction, Fraction], Fraction]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}
_HOLDS: Mapping[type[ast.cmpop], Callable[[Fraction, Fraction], bool]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}


class _UnreadableError(Exception):
    """A claim whose truth cannot be told, and why."""


@VERIFIERS.register("arithmetic", summary="every equation and inequality holds")
@dataclass(frozen=True)
class Arithmetic(TextVerifier):
    """Whether every equation and inequality in a text holds, exactly.

    Reads decimal numbers, ``+ - * / ^`` (or ``× · ÷ − **``), brackets, and chains of ``= == != < > <= >=``
    (or ``≤ ≥ ≠``). A comma groups thousands. Unknown: no claim, letters inside a claim, division by zero,
    values beyond 4,096 bits, and a number that is the other side rounded.

    A claim is judged by itself, whatever the text says of it ("it is false that 1 = 2").
    """

    name = "arithmetic"
    longest = 10_000

    def judge(self, text: str) -> Proof:
        """Judge a text by all its claims: one false one makes it invalid."""
        proofs = [_judge(claim) for claim in _claims(text)]
        for verdict in (Validity.UNKNOWN, Validity.INVALID, Validity.VALID):
            # A claim that cannot be read may be one with the next ("12. + 7 = 19"): neither is proven.
            if found := [proof for proof in proofs if proof.validity is verdict]:
                return found[0]
        return unknown("no equation or inequality in it")


def _claims(text: str) -> Iterator[str]:
    """The sentences that hold a relation sign, without what leads in; and bare numbers, which have none."""
    for sentence in _sentences(text):
        bare = _LEAD.sub("", sentence.strip() + " ").strip()
        if bare.endswith(":"):  # what it says of the next line cannot be told
            yield bare
        elif _RELATION.search(bare):
            parts = re.split(r",\s", bare)
            yield from parts if all(map(_RELATION.search, parts)) else [bare]
        elif _LONE_NUMBERS.fullmatch(bare):
            yield bare


def _sentences(text: str) -> Iterator[str]:
    """Split at full stops and blank lines, and at line ends where every line is whole by itself."""
    for paragraph in _BLANK_LINE.split(text):
        lines = [line for line in paragraph.split("\n") if line.strip()]
        whole = all(_RELATION.search(line) or line.rstrip().endswith(_END_MARKS) for line in lines)
        yield from _SENTENCE_END.split(("\n" if whole else " ").join(lines))


def _judge(claim: str) -> Proof:
    shown = " ".join(claim.split())
    if len(claim) > _LONGEST_CLAIM:
        return unknown(f"a claim of more than {_LONGEST_CLAIM} characters")
    if not _CLAIM.fullmatch(claim) or not claim.translate(_SPELLED).isascii():
        return unknown(f"more than numbers and signs in '{shown}'")
    # A sign apart from its number continues something that stands before the claim.
    if re.match(r"\s*(?:[+*/^]|-\s)", claim.translate(_SPELLED)):
        return unknown(f"'{shown}' begins with an operator")
    # All on one line, so that the columns of the tree are positions in the source.
    source = _GROUPED.sub(lambda match: match[0].replace(",", ""), shown)
    source = _SINGLE_EQUALS.sub("==", source.translate(_SPELLED)).replace("^", "**")
    try:
        tree = ast.parse(source, mode="eval").body
        if not isinstance(tree, ast.Compare):
            return unknown(f"no claim in '{shown}'")
        return _judge_chain(tree, source, shown)
    except _UnreadableError as unreadable:
        return unknown(str(unreadable))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return unknown(f"'{shown}' cannot be read")


def _judge_chain(tree: ast.Compare, source: str, shown: str) -> Proof:
    nodes = (tree.left, *tree.comparators)
    sides = [(_value(node, source), _numeral(node, source)) for node in nodes]
    rounded = False
    for relation, (left, right) in zip(tree.ops, pairwise(sides), strict=True):
        (one, one_written), (other, other_written) = left, right
        if _HOLDS[type(relation)](one, other):
            continue
        may_be_rounded = isinstance(relation, ast.Eq) and (
            (other_written is not None and is_rounded(one, other_written))
            or (one_written is not None and is_rounded(other, one_written))
        )
        if not may_be_rounded:
            return invalid(f"{shown} does not hold: {_short(one)} against {_short(other)}")
        rounded = True
    return unknown(f"{shown} holds when rounded") if rounded else valid(f"{shown} holds")


def _numeral(node: ast.expr, source: str) -> str | None:
    """The digits of a side that is one number, with its sign however far; None for anything more."""
    negative = False
    while isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.UAdd | ast.USub):
        negative ^= isinstance(node.op, ast.USub)
        node = node.operand
    if not isinstance(node, ast.Constant):
        return None
    return "-" * negative + source[node.col_offset : node.end_col_offset]


def _value(node: ast.expr, source: str) -> Fraction:
    """Evaluate a tree of numbers exactly."""
    value: Fraction
    match node:
        case ast.Constant(value=int() | float()):
            # From the digits, not from the float, which may be another number; both are ASCII.
            value = Fraction(source[node.col_offset : node.end_col_offset])
        case ast.UnaryOp(op=ast.UAdd() | ast.USub(), operand=operand):
            inner = _value(operand, source)
            value = -inner if isinstance(node.op, ast.USub) else inner
        case ast.BinOp(left=left, op=ast.Pow(), right=right):
            value = _power(_value(left, source), _value(right, source))
        case ast.BinOp(left=left, op=sign, right=right) if type(sign) in _OPERATORS:
            one, other = _value(left, source), _value(right, source)
            if isinstance(sign, ast.Div) and other == 0:
                raise _UnreadableError("a division by zero")
            value = _OPERATORS[type(sign)](one, other)
        case _:
            raise _UnreadableError(f"'{ast.unparse(node)}' is not plain arithmetic")
    if max(value.numerator.bit_length(), value.denominator.bit_length()) > _MOST_BITS:
        raise _UnreadableError(f"a value of more than {_MOST_BITS:,} bits")
    return value


def _power(base: Fraction, exponent: Fraction) -> Fraction:
    if exponent.denominator != 1 or abs(exponent) > _LARGEST_EXPONENT:
        raise _UnreadableError(f"an exponent that is no whole number within ±{_LARGEST_EXPONENT}")
    if base == 0 and exponent <= 0:
        raise _UnreadableError("zero to a power that is not positive")
    if max(base.numerator.bit_length(), base.denominator.bit_length()) * abs(exponent) > _MOST_BITS:
        raise _UnreadableError(f"a value of more than {_MOST_BITS:,} bits")
    power = base ** int(exponent)
    assert isinstance(power, Fraction)
    return power


def _short(value: Fraction) -> str:
    written = str(value)
    return written if len(written) <= _LONGEST_SHOWN else f"{written[:_LONGEST_SHOWN]}…"
