"""What the page shows is what happens."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from negspace.data import LABEL_NAMES, TEXT_NAMES, read
from negspace.data.formats import known_suffixes
from negspace.errors import DataError

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "reference" / "formats.md").read_text(encoding="utf-8")

CASES = [
    ("reviews.csv", b"Review,Sentiment\nfine,pos\nbad,neg\n", {"label": "sentiment"}),
    ("reviews.csv", b"title,body,comment,label\na,b,c,pos\n", {}),
    ("reviews.csv", b"text,label\nfine,pos\n" + b",neg\n" * 16, {}),
    ("test.csv", b"text,label\nfine,postive\n", {"label_names": ["negative", "positive"]}),
    ("reviews.jsonl", b'{"text": "fine", "label": "pos"}\n{"text": "bad" "label": "neg"}\n', {}),
    ("reviews.csv", b"text,label\nfine, I think,pos\nbad,neg\n", {}),
    ("reviews.csv", b"text,label\nfine,pos\ncaf\xe9,neg\n", {}),
]


@pytest.mark.parametrize(("name", "content", "flags"), CASES)
def test_errors_on_the_page_are_real(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, content: bytes, flags: dict[str, object]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path(name).write_bytes(content)
    with pytest.raises(DataError) as caught:
        read(name, **flags)
    assert f"```text\n{caught.value}\n```" in PAGE


def test_every_format_and_name_is_on_the_page() -> None:
    for word in (*known_suffixes(), *TEXT_NAMES, *LABEL_NAMES):
        assert f"`{word}`" in PAGE


def test_clinc_is_converted_by_the_line_on_the_page(clinc: Path, tmp_path: Path) -> None:
    (line,) = re.findall(r"^python -c .*$", PAGE, flags=re.MULTILINE)
    (tmp_path / "data_full.json").write_bytes((clinc / "data_full.json").read_bytes())
    subprocess.run([sys.executable, *shlex.split(line)[1:]], cwd=tmp_path, check=True)
    train = read(tmp_path / "clinc_train.jsonl")
    test = read(tmp_path / "clinc_test.jsonl", label_names=train.examples.label_names)
    assert (len(train), len(test), len(train.examples.label_names)) == (15_000, 4_500, 150)
