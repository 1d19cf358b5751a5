"""Corpora: what is read as a document, and where documents are cut."""

from __future__ import annotations

import itertools
import json
import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from negspace.data import documents_of, read_documents, split_documents
from negspace.errors import DataError, PlanError


def characters(texts: list[str]) -> list[list[int]]:
    """A token a character: what fits can be told by eye."""
    return [[ord(c) for c in text] for text in texts]


def with_begin(texts: list[str]) -> list[list[int]]:
    return [[1, *ids] for ids in characters(texts)]


def merging(texts: list[str]) -> list[list[int]]:
    """A token a character, and three more wherever two lines meet: a whole has more than its parts."""
    return [[ord(c) for c in re.sub(r"\n(?=.)", "\n+++", text)] for text in texts]


def split(text: str, tokens: int) -> list[str]:
    return list(split_documents(documents_of([text]), characters, tokens=tokens)[0].texts)


ALPHABET = st.text(st.sampled_from("ab .!?\n\n\r\té😀"), max_size=200)


@given(
    st.lists(ALPHABET.filter(str.strip), min_size=1, max_size=4),
    st.integers(8, 40),
    st.sampled_from([characters, with_begin, merging]),
)
def test_nothing_is_lost_or_too_long(texts: list[str], tokens: int, encode: object) -> None:
    try:
        found, notes = split_documents(documents_of(texts), encode, tokens=tokens)  # type: ignore[arg-type]
    except DataError:
        # Only where every document is a single token.
        assert all(len(encode([text])[0]) < 2 for text in texts)  # type: ignore[operator]
        return
    assert found.lengths.min() >= 2
    assert found.lengths.max() <= tokens
    for row, text in enumerate(found.texts):
        ids = encode([text])[0]  # type: ignore[operator]
        assert found.tokens[row, : found.lengths[row]].tolist() == ids
        assert not found.tokens[row, found.lengths[row] :].any()
    if not notes:
        whole: dict[str, str] = {}
        for place, text in zip(found.places, found.texts, strict=True):
            name = place.split(",")[0]
            whole[name] = whole.get(name, "") + text
        assert whole == {f"text {i}": text for i, text in enumerate(texts, 1)}


@given(ALPHABET.filter(lambda text: len(text.strip()) > 1), st.integers(8, 60))
def test_paragraphs_fill_a_passage_until_the_next_would_not_fit(text: str, tokens: int) -> None:
    """Against the plain loop, where every paragraph fits."""
    paragraphs = re.findall(r"\s*(?:(?!\n\s*\n).)+?(?:\s*\Z|\n[^\S\n]*\n(?:[^\S\n]*\n)*)", text, re.DOTALL)
    if "".join(paragraphs) != text or max(map(len, paragraphs)) > tokens:
        return
    expected = [""]
    for paragraph in paragraphs:
        if len(expected[-1]) + len(paragraph) <= tokens:
            expected[-1] += paragraph
        else:
            expected.append(paragraph)
    kept = [passage for passage in expected if len(passage) > 1]
    assert split(text, tokens) == kept


@pytest.mark.parametrize(
    ("text", "tokens", "passages"),
    [
        ("one two\n\nthree\n\nfour", 11, ["one two\n\n", "three\n\nfour"]),
        ("first line\nsecond line\nthird", 12, ["first line\n", "second line\n", "third"]),
        ("A man. A dog! A cat?", 10, ["A man. ", "A dog! ", "A cat?"]),
        ("several words of one line", 10, ["several", " words of", " one line"]),
        ("abcdefghijklmnopqrstuvwxyz", 10, ["abcdef", "ghijklm", "nopqrs", "tuvwxyz"]),
        ("a\r\n\r\nlonger than ten", 10, ["a\r\n\r\n", "longer", " than ten"]),
        ("\n\n  \nstarts late\n\n", 13, ["\n\n  \nstarts", " late\n\n"]),
    ],
)
def test_cuts_are_made_as_high_up_as_they_can_be(text: str, tokens: int, passages: list[str]) -> None:
    assert split(text, tokens) == passages


def test_the_rest_of_a_long_paragraph_is_filled_up() -> None:
    assert split("x\n\naaaa bbbb cccc\n\ny", 12) == ["x\n\n", "aaaa bbbb", " cccc\n\ny"]


def test_places_are_lines_of_the_file(tmp_path: Path) -> None:
    file = tmp_path / "input.txt"
    file.write_text("one\ntwo\n\n\nthree\n\nlast word")
    found, notes = split_documents(read_documents(file), characters, tokens=10)
    assert dict(zip(found.texts, found.places, strict=True)) == {
        "one\ntwo\n\n\n": "input.txt, line 1",
        "three\n\n": "input.txt, line 5",
        "last word": "input.txt, line 7",
    }
    assert notes == ()


def test_a_folder_is_read_in_order_and_what_is_no_text_is_told(tmp_path: Path) -> None:
    (tmp_path / "b.txt").write_text("bee")
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "c.MD").write_text("sea\n\nlake")
    (tmp_path / "empty.txt").write_text(" \n")
    (tmp_path / "picture.png").write_bytes(b"\x89PNG")
    (tmp_path / ".hidden.txt").write_text("not read")
    found, notes = split_documents(read_documents(tmp_path), characters, tokens=100)
    assert found.texts == ("sea\n\nlake", "bee")
    assert found.places == ("a/c.MD, line 1", "b.txt, line 1")
    assert "1 of 4 files were left out" in notes[0]
    assert "1 of 3 text files are empty" in notes[1]


def test_rows_of_a_data_set_are_never_joined(tmp_path: Path) -> None:
    file = tmp_path / "rows.jsonl"
    texts = ["short", "a", "long enough to be cut"]
    file.write_text("".join(json.dumps({"text": text}) + "\n" for text in texts))
    found, notes = split_documents(read_documents(file), characters, tokens=12)
    assert found.texts == ("short", "long enough", " to be cut")
    assert found.places == ("rows.jsonl, line 1", "rows.jsonl, line 3, part 1", "rows.jsonl, line 3, part 2")
    assert notes == ("1 of 4 passages have fewer than two tokens: left out",)
    assert read_documents([{"text": "kept"}]).texts == ("kept",)


def test_the_fingerprint_is_of_texts_and_tokens() -> None:
    one = documents_of(["a text to read"])
    prints = {
        split_documents(documents, encode, tokens=tokens)[0].fingerprint
        for documents, encode, tokens in [
            (one, characters, 20), (one, with_begin, 20), (one, characters, 10),
            (documents_of(["a text to reed"]), characters, 20),
        ]
    }  # fmt: skip
    assert len(prints) == 4
    again = split_documents(documents_of(["a text to read"]), characters, tokens=20)[0]
    assert again.fingerprint in prints


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "the corpus is empty"),
        (b" \n\n\t", "the corpus is empty"),
        (b"fine\nnot f\xfcr", "line 2: byte 0xFC at byte offset 10 is not UTF-8"),
        (b"a\0b", "NUL byte"),
        ("text".encode("utf-16"), "UTF-16"),
        (b"x", "no passage has two tokens"),
    ],
)
def test_bytes_that_are_no_corpus(tmp_path: Path, content: bytes, message: str) -> None:
    file = tmp_path / "corpus.txt"
    file.write_bytes(content)
    with pytest.raises(DataError, match=message):
        split_documents(read_documents(file), characters, tokens=10)


def test_folders_that_are_no_corpus(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="an empty folder"):
        read_documents(tmp_path)
    (tmp_path / "rows.jsonl").write_text('{"text": "a"}\n')
    with pytest.raises(DataError, match=r"no text files[^$]*name one data file: .*rows\.jsonl"):
        read_documents(tmp_path)
    (tmp_path / "blank.txt").write_text("")
    with pytest.raises(DataError, match="the corpus is empty"):
        read_documents(tmp_path)
    with pytest.raises(DataError, match="no such file"):
        read_documents(tmp_path / "absent.txt")
    (tmp_path / "text.txt.gz").write_bytes(b"\x1f\x8b")
    with pytest.raises(DataError, match="decompress it first"):
        read_documents(tmp_path / "text.txt.gz")


def test_lengths_that_no_passage_can_have() -> None:
    some = documents_of(["some text"])
    with pytest.raises(PlanError, match=r"2,048 tokens[^$]*context of 1,024[^$]*--fragment-tokens 1024"):
        split_documents(some, characters, tokens=2048, context=1024)
    with pytest.raises(PlanError, match="at least 8"):
        split_documents(some, characters, tokens=1)
    with pytest.raises(DataError, match="of one character"):
        split_documents(some, lambda texts: [[1] * 20 * len(text) for text in texts], tokens=10)


def test_many_short_rows_and_one_endless_word_take_no_time() -> None:
    """Cutting is linear: quadratic code would take minutes here."""
    rows = [f"row number {i}" for i in range(3_000)]
    assert len(split_documents(documents_of(rows), characters, tokens=64)[0]) == len(rows)
    endless = "".join(itertools.islice(itertools.cycle("abcdefg"), 100_000))
    found, _ = split_documents(documents_of([endless]), characters, tokens=64)
    assert "".join(found.texts) == endless
    assert np.median(found.lengths) >= 32
