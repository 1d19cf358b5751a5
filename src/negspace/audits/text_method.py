"""How an audit of labelled texts was computed, step by step."""

from __future__ import annotations

from collections.abc import Iterator

from negspace.audits.findings import Step
from negspace.audits.text_findings import AuditParts
from negspace.evaluation import Source
from negspace.search import LARGEST_CHAIN, NEAR_DUPLICATE_RADIUS

VERDICT_METHOD = (
    "supported if the interval of the gap lies above the margin; refuted if it lies below, or an equivalence "
    "test puts it inside ± the margin; at least 10 seeds; asked again with other settings, the k-th look is "
    "judged at 5 % / (k (k + 1)), one-sided"
)


def text_method(parts: AuditParts) -> Iterator[Step]:
    """How the audit was computed, step by step."""
    source, own_test_file = parts.boundary.source, parts.files.test is not None
    yield Step(
        "distance", "1 - cosine of TF-IDF word vectors (sublinear term frequency), over all files together"
    )
    joined = (
        "given groups and near-duplicates"
        if parts.files.train.examples.groups is not None
        else "near-duplicates"
    )
    yield Step(
        "clusters",
        f"{joined} (within {NEAR_DUPLICATE_RADIUS:g}, chained; chains of more than {100 * LARGEST_CHAIN:g} % "
        "of the rows are broken at their weakest links); never divided by a split or fold",
    )
    yield Step(
        "test rows",
        "the test file" if own_test_file else "a fifth of the data, stratified by label, clusters whole",
    )
    yield Step("near misses", source.how)
    easy = "all rows of the test file" if own_test_file else "all held-out rows"
    yield Step("easy", easy if source is Source.GIVEN else "test rows without a near miss")
    yield Step(
        "fits",
        "none: predictions were read from a file"
        if parts.result.study.learner.name == "scores"
        else "one per seed; each leaves out a random tenth of the clusters, and draws its own "
        "initialisation and order",
    )
    yield Step(
        "intervals",
        "95 %, Student's t over seeds and test rows (test rows of a cluster counted as one), wider where "
        "seeds trail far off; conditional on the training set",
    )
    if parts.tenths is not None:
        yield Step(
            "another training set",
            "ten more fits from one initialisation, each without another tenth of the clusters; their spread "
            "(delete-a-group jackknife) twice, on top of the interval of the gap",
        )
    yield Step("verdict", VERDICT_METHOD)
    yield Step(
        "label errors",
        "confident learning (cleanlab) on 5-fold out-of-fold probabilities of the tfidf learner, "
        "clusters whole",
    )
