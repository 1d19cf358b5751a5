"""Bytes of a text file to characters: UTF-8 or an error that says which byte is not."""

from __future__ import annotations

import codecs
from collections.abc import Sequence
from pathlib import Path

from negspace.errors import DataError

_SHOWN = 3


def read_text(path: Path) -> str:
    """Read a whole UTF-8 file, with or without a byte order mark; line ends are kept as they are.

    Raises:
        DataError: The file is empty, UTF-16, not UTF-8 throughout, or holds NUL bytes.
    """
    raw = path.read_bytes()
    data = raw.removeprefix(codecs.BOM_UTF8)
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise DataError(
            f"{path}: the file is UTF-16, not UTF-8 (it starts with a UTF-16 byte order mark)",
            hint=_convert("UTF-16", path),
        )
    if b"\0" in data:
        lines = [n for n, line in enumerate(data.split(b"\n"), 1) if b"\0" in line]
        raise DataError(
            f"{path}, line {lines[0]}: a NUL byte in a text file{several('line', lines[1:])}",
            hint=f"if it is UTF-16: {_convert('UTF-16LE', path)}; else remove the bytes "
            f"(tr -d '\\000' < {path} > {_converted(path)})",
        )
    if not data.strip():
        raise DataError(f"{path}: the file is empty", hint="give a file with at least one row")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise _mixed(path, data, error.start, error.start + len(raw) - len(data)) from error


def first_line(path: Path) -> str:
    """The first line that is not blank; empty if there is none."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        return next((line for line in file if line.strip()), "")


def check_writable_text(value: str, place: str) -> str:
    """Give the text back if every reader can read it again.

    Raises:
        DataError: The text holds a NUL character or half of a surrogate pair.
    """
    if is_broken(value):
        raise DataError(
            f"{place}: a NUL character or a lone surrogate cannot be written as text",
            got=ascii(value),
            hint="remove the character, or write Parquet (which holds NUL)",
        )
    return value


def is_broken(text: str) -> bool:
    """Tell NUL and halves of surrogate pairs (JSON can escape them), which no text file can hold."""
    if "\0" in text:
        return True
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return True
    return False


def _mixed(path: Path, data: bytes, at: int, offset: int) -> DataError:
    """Name the first byte that is not UTF-8, at ``offset`` of the file, and count the lines with one."""
    first = data.count(b"\n", 0, at) + 1
    others = [n for n, line in enumerate(data.split(b"\n"), 1) if n > first and not _is_utf8(line)]
    return DataError(
        f"{path}, line {first}: byte 0x{data[at]:02X} at byte offset {offset} is not UTF-8"
        f"{several('line', others)}",
        got=ascii(data[max(0, at - 20) : at + 20])[1:],
        hint=f"{_convert('WINDOWS-1252', path)} (or the encoding it is in); where only some lines are, "
        "convert those alone",
    )


def _is_utf8(line: bytes) -> bool:
    try:
        line.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _convert(encoding: str, path: Path) -> str:
    return f"iconv -f {encoding} -t UTF-8 {path} > {_converted(path)}"


def _converted(path: Path) -> Path:
    return path.with_name(f"{path.stem}.utf8{path.suffix}")


def several(unit: str, others: Sequence[int], what: str = "the same") -> str:
    """Tell of further offending lines: ``; the same on lines 4, 9, 11 and 12 more``."""
    if not others:
        return ""
    listed = ", ".join(str(line) for line in others[:_SHOWN])
    more = f" and {len(others) - _SHOWN} more" if len(others) > _SHOWN else ""
    return f"; {what} on {unit}{'s' if len(others) > 1 else ''} {listed}{more}"
