"""A Hugging Face dataset folder, written row by row and without the library.

The layout is that of ``DatasetDict.save_to_disk`` with one split, and a card beside it whose header names
the data files: ``datasets.load_from_disk(folder)`` and ``datasets.load_dataset(folder)`` both read it, and
it can be uploaded to the Hub as it stands.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa

from negspace.data.formats.hf import DEFAULT_SPLIT
from negspace.data.streaming import RowSink, open_rows, with_features

__all__ = ["CARD", "card_header", "code_span", "open_folder"]

CARD = "README.md"
_DATA = "data-00000-of-00001.arrow"


@contextmanager
def open_folder(folder: Path, schema: pa.Schema, *, fingerprint: str) -> Iterator[RowSink]:
    """Open a new dataset folder for the rows of its one split, ``train``.

    Args:
        folder: Must not exist.
        schema: Names and types of the columns.
        fingerprint: Of the rows, hex; ``datasets`` keys its cache by it.

    Raises:
        FileExistsError: The folder exists.
    """
    split = folder / DEFAULT_SPLIT
    folder.mkdir()
    split.mkdir()
    schema = with_features(schema)
    with open_rows(split / _DATA, schema) as sink:
        yield sink
    features = json.loads(schema.metadata[b"huggingface"])["info"]["features"]
    state: dict[str, object] = {
        "_data_files": [{"filename": _DATA}],
        "_fingerprint": fingerprint[:16],
        "_format_columns": None,
        "_format_kwargs": {},
        "_format_type": None,
        "_output_all_columns": False,
        "_split": DEFAULT_SPLIT,
    }
    info = {"citation": "", "description": "", "features": features, "homepage": "", "license": ""}
    _write_json(split / "state.json", state)
    _write_json(split / "dataset_info.json", info)
    _write_json(folder / "dataset_dict.json", {"splits": [DEFAULT_SPLIT]})


def card_header(*, rows: int, tags: tuple[str, ...], more: Mapping[str, object] | None = None) -> str:
    """The YAML header of a dataset card, with the data files of `open_folder`.

    Values are written as JSON, which YAML 1.2 holds: no value can end the header or add a key.

    Args:
        rows: Number of rows.
        tags: Tags of the data set.
        more: Further keys.
    """
    header: dict[str, object] = {
        "tags": list(tags),
        "size_categories": [_size_category(rows)],
        "configs": [
            {
                "config_name": "default",
                "data_files": [{"split": DEFAULT_SPLIT, "path": f"{DEFAULT_SPLIT}/*.arrow"}],
            }
        ],
        **(more or {}),
    }
    return "---\n" + "".join(f"{key}: {json.dumps(value)}\n" for key, value in header.items()) + "---\n"


def code_span(text: str) -> str:
    """Text of the user's as Markdown code on one line, so that nothing in it is markup."""
    line = " ".join(text.split())
    longest = max((len(run) for run in re.findall(r"`+", line)), default=0)
    fence = "`" * (longest + 1)
    # A bar would end a table's cell even inside code.
    line = line.replace("|", "\\|")
    return f"{fence} {line} {fence}" if longest else f"`{line}`"


def _size_category(rows: int) -> str:
    """The Hub's own names of sizes."""
    names = ("n<1K", "1K<n<10K", "10K<n<100K", "100K<n<1M", "1M<n<10M", "10M<n<100M", "100M<n<1B")
    return names[min(max(len(str(rows)) - 3, 0), len(names) - 1)]


def _write_json(path: Path, content: Mapping[str, object]) -> None:
    path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
