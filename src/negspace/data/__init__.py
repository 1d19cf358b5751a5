"""The user's data: read, recognise columns, split, fingerprint, write."""

from __future__ import annotations

from negspace.data.columns import LABEL_NAMES, TEXT_NAMES, Recognised
from negspace.data.dataset import Dataset
from negspace.data.duplicates import Duplicates, duplicates_across
from negspace.data.fingerprints import fingerprint
from negspace.data.groups import check_groups_apart, shared_groups
from negspace.data.reading import read
from negspace.data.sources import check_exists, read_table
from negspace.data.splitting import Split, grouped_folds, split_rows
from negspace.data.table import Table
from negspace.data.values import MAX_TEXT_CHARACTERS
from negspace.data.writing import check_writable, write_rows, write_text

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
