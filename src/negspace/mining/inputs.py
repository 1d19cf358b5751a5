"""From the user's file to a pool: which kind it is, and which column is what."""

from __future__ import annotations

from negspace.data import LABEL_NAMES, Table, read, read_table
from negspace.data.columns import known_columns
from negspace.data.corpora import corpus_of, read_corpus
from negspace.data.pairs import looks_like_pairs, pairs_of
from negspace.errors import PlanError
from negspace.mining.pool import Kind, Pool, from_classification, from_corpus, from_pairs

__all__ = ["read_pool"]


def read_pool(
    data: object,
    *,
    corpus: object | None = None,
    text: str | None = None,
    label: str | None = None,
    group: str | None = None,
    anchor: str | None = None,
    positive: str | None = None,
) -> Pool:
    """Read what is to be mined.

    Pairs are what has columns of an anchor and a positive, by name or by flag; labelled texts what has a
    label, by name or by flag; anything else with a text is a plain corpus.

    Args:
        data: A path or an object; see `negspace.data.read_table`.
        corpus: For pairs: further rows that may be negatives, another source.
        text: Column of texts, of ``data`` or of ``corpus``.
        label: Column of labels; for pairs, of the classes whose texts are no negatives of each other.
        group: For labelled texts: column that joins variants of one original. The ``model`` source keeps
            them in one fold.
        anchor: Column of anchors.
        positive: Column of positives.

    Raises:
        DataError: The data cannot be used; says where, what came and what to do.
        PlanError: A corpus for something else than pairs.
    """
    table = read_table(data)
    kind = _kind(table, text=text, label=label, anchor=anchor, positive=positive)
    if corpus is not None and kind is not Kind.PAIRS:
        raise PlanError(
            f"{table.source}: a separate corpus goes with pairs, and this is a {kind}",
            hint="give pairs (columns 'anchor' and 'positive'), or leave --corpus out",
        )
    if kind is Kind.PAIRS:
        pairs = pairs_of(table, anchor=anchor, positive=positive, label=label)
        return from_pairs(pairs, None if corpus is None else read_corpus(corpus, text=text))
    if kind is Kind.CLASSIFICATION:
        return from_classification(read(data, text=text, label=label, group=group))
    return from_corpus(corpus_of(table, text=text))


def _kind(
    table: Table, *, text: str | None, label: str | None, anchor: str | None, positive: str | None
) -> Kind:
    if anchor is not None or positive is not None:
        return Kind.PAIRS
    # With pairs, --text names a column of the corpus.
    if (text is None or text not in table.columns) and (
        _named_pairs(table) if label is not None else looks_like_pairs(table)
    ):
        return Kind.PAIRS
    if label is not None or known_columns(table, "label", LABEL_NAMES, [text] if text else ()):
        return Kind.CLASSIFICATION
    return Kind.CORPUS


def _named_pairs(table: Table) -> bool:
    """Whether columns have the very names ``anchor`` and ``positive``, whatever else there is."""
    return {"anchor", "positive"} <= {name.strip().casefold() for name in table.columns}
