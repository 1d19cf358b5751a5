"""The user's data: read, recognise columns, split, fingerprint, write."""

from __future__ import annotations

from negspace.data.columns import LABEL_NAMES, TEXT_NAMES, Recognised, known_columns
from negspace.data.corpora import Corpus, Documents, documents_of, read_corpus, read_documents
from negspace.data.fragments import Fragments, pieces, select, set_aside, split_documents
from negspace.data.labelled import Dataset, Examples, check_groups_apart, read, shared_groups
from negspace.data.minimal_pairs import MinimalPairs, looks_like_minimal_pairs, read_minimal_pairs
from negspace.data.pairs import Pairs, looks_like_pairs, read_pairs
from negspace.data.sources import check_exists, read_table
from negspace.data.splitting import Duplicates, Split, duplicates_across, grouped_folds, split_rows
from negspace.data.table import (
    MAX_TEXT_CHARACTERS,
    Table,
    fault,
    fingerprint,
    is_missing,
    names_of,
    suggest,
    texts_of,
)
from negspace.data.writing import (
    CARD,
    STREAMED,
    RowSink,
    card_header,
    check_writable,
    code_span,
    open_folder,
    open_rows,
    write_rows,
    write_text,
)

__all__ = [
    "CARD", "LABEL_NAMES", "MAX_TEXT_CHARACTERS", "STREAMED", "TEXT_NAMES", "Corpus", "Dataset", "Documents",
    "Duplicates", "Examples", "Fragments", "MinimalPairs", "Pairs", "Recognised", "RowSink", "Split", "Table",
    "card_header", "check_exists", "check_groups_apart", "check_writable", "code_span",
    "documents_of", "duplicates_across", "fault", "fingerprint", "grouped_folds", "is_missing",
    "known_columns", "looks_like_minimal_pairs", "looks_like_pairs", "names_of", "open_folder", "open_rows",
    "pieces", "read", "read_corpus", "read_documents", "read_minimal_pairs", "read_pairs",
    "read_table", "select", "set_aside", "shared_groups", "split_documents", "split_rows", "suggest",
    "texts_of", "write_rows", "write_text",
]  # fmt: skip
