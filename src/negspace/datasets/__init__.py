"""The user's data: read, recognise columns, split, fingerprint, write."""

from __future__ import annotations

from negspace.datasets.columns import LABEL_NAMES, TEXT_NAMES, Recognised
from negspace.datasets.dataset import Dataset
from negspace.datasets.duplicates import Duplicates, duplicates_across
from negspace.datasets.fingerprints import fingerprint
from negspace.datasets.groups import check_groups_apart, shared_groups
from negspace.datasets.reading import read
from negspace.datasets.sources import check_exists, read_table
from negspace.datasets.splitting import Split, grouped_folds, split_rows
from negspace.datasets.table import Table
from negspace.datasets.values import MAX_TEXT_CHARACTERS
from negspace.datasets.writing import check_writable, write_rows, write_text

__all__ = [
    "LABEL_NAMES",
    "MAX_TEXT_CHARACTERS",
    "TEXT_NAMES",
    "Dataset",
    "Duplicates",
    "Recognised",
    "Split",
    "Table",
    "check_exists",
    "check_groups_apart",
    "check_writable",
    "duplicates_across",
    "fingerprint",
    "grouped_folds",
    "read",
    "read_table",
    "shared_groups",
    "split_rows",
    "write_rows",
    "write_text",
]
