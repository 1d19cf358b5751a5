"""What an audit costs, against the bare fits and predictions it contains.

Three things are timed in turn, several rounds, on the same rows and cores, with one worker and one thread:

* audit: `negspace.audit(...)` from the files to the summary, the report and the rows, nothing resumed;
* own fits: the fits and predictions inside it (20 seeds, 5 folds), by negspace's learner;
* scikit-learn: the same 25 models as anyone would fit them, `make_pipeline(TfidfVectorizer(...),
  LogisticRegression(...))` with the same settings, on the same rows.

Printed are medians over rounds and the ratios of each round. The promise is audit <= 1.5 x scikit-learn.

    python benchmarks/audit.py                                    # support tickets made here
    python benchmarks/audit.py TRAIN --test TEST --near-miss NEAR # your own
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from threadpoolctl import threadpool_limits

from negspace import RunStore, TfidfLearner, audit
from negspace.audits import AuditResult
from negspace.data import grouped_folds, write_rows
from negspace.demo import tickets


def made(folder: Path, rows: int) -> tuple[Path, Path, Path]:
    """Write tickets to audit: training rows, test rows, near misses."""
    rng = np.random.default_rng(0)
    paths = folder / "train.csv", folder / "test.csv", folder / "near_miss.csv"
    for path, count in zip(paths, (rows, rows // 4, rows // 4), strict=True):
        drawn = [t for pair in tickets.written_pairs(rng, count // 2) for t in pair]
        write_rows(path, [{"text": t.text, "label": t.label} for t in drawn])
    return paths


def own_fits(result: AuditResult) -> None:
    """Fit and predict what the audit did, by its own learner."""
    found = result.parts
    study, space = found.result.study, found.embedded
    for _ in TfidfLearner().runs(study.task, [(study.arms[0], seed) for seed in study.seeds], workers=1):
        pass
    audited = len(found.files.train)
    labels, texts = space.labels[:audited], space.texts[:audited]
    folds = grouped_folds(labels, space.clusters[:audited], 5, 0)
    TfidfLearner().out_of_fold(texts, labels, len(study.task.label_names), folds, seed=0, workers=1)


def scikit_learn(result: AuditResult) -> None:
    """Fit and predict the same rows with a plain scikit-learn pipeline."""
    found = result.parts
    study, space = found.result.study, found.embedded
    task = study.task
    for seed in study.seeds:
        rows = study.arms[0].draw(task, seed)
        model = _pipeline(len(task.label_names), seed).fit([task.texts[i] for i in rows], task.labels[rows])
        model.predict_proba(task.texts[task.n_train :])
    audited = len(found.files.train)
    labels, texts = space.labels[:audited], np.array(space.texts[:audited], dtype=object)
    folds = grouped_folds(labels, space.clusters[:audited], 5, 0)
    for fold in range(5):
        model = _pipeline(len(task.label_names), 0).fit(texts[folds != fold], labels[folds != fold])
        model.predict_proba(texts[folds == fold])


def _pipeline(n_labels: int, seed: int) -> Any:
    # The learner's own choice of solver, so that only the sharing of work differs.
    solver = {"solver": "lbfgs"} if n_labels == 2 else {"solver": "saga", "tol": 1e-2, "random_state": seed}
    return make_pipeline(
        TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, min_df=2),
        LogisticRegression(C=10, max_iter=1000, **solver),
    )


def seconds(work: Callable[[], object]) -> float:
    """Wall-clock time of one call."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def main() -> None:
    """Time and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("train", nargs="?", type=Path)
    parser.add_argument("--test", type=Path)
    parser.add_argument("--near-miss", type=Path)
    parser.add_argument("--group")
    parser.add_argument("--rows", type=int, default=2000, help="tickets to make where no file is given")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, threadpool_limits(1):
        folder = Path(name)
        train, test, near = options.train, options.test, options.near_miss
        if train is None:
            train, test, near = made(folder, options.rows)

        def whole() -> AuditResult:
            with RunStore() as store:
                result = audit(train, test=test, near_miss=near, group=options.group, workers=1, store=store)
            result.save(folder / "out")
            return result

        result = whole()  # imports and caches are warm from here on
        timed = [
            (seconds(whole), seconds(lambda: own_fits(result)), seconds(lambda: scikit_learn(result)))
            for _ in range(options.rounds)
        ]
    table = np.array(timed)
    medians = np.median(table, axis=0)
    data = result.to_dict()["data"]
    print(f"{data['rows']} rows, {len(data['labels'])} labels; {options.rounds} rounds, one core")
    for title, value in zip(("audit", "own fits", "scikit-learn"), medians, strict=True):
        print(f"{title:14}{value:8.2f} s")
    for title, column in (("audit / own fits", 1), ("audit / scikit-learn", 2)):
        ratios = table[:, 0] / table[:, column]
        print(f"{title:22}{np.median(ratios):6.2f}   [{ratios.min():.2f}, {ratios.max():.2f}]")


if __name__ == "__main__":
    main()
