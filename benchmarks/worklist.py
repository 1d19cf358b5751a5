"""Which rows are worth rewriting: a simulation on reviews that people have rewritten already.

Of the 1,707 paired film reviews (Kaushik et al. 2020) all rewrites are hidden. Each seed draws four fifths of
the originals as its pool; every criterion chooses K of them, sees nothing else, and gets the rewrites of
those. A model (TF-IDF + logistic regression) is trained on the 2 K rows and tested on reviews as written and
on rewritten ones. Printed are the means over seeds and, for each criterion, the paired difference from rows
drawn from the whole pool in its label shares, with a 95 % interval over seeds and test rows; + and - mark
what is settled with Holm's correction over the lines. The other arms, `random` included, leave suspected
labels out. The last lines are means over all K, a family of their own.

    python benchmarks/worklist.py                  # on the development rows: what the default was chosen by
    python benchmarks/worklist.py --on test        # on the test rows
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np
from jaxtyping import Int

from negspace import TfidfLearner
from negspace.curation import CRITERIA, RowPool, choose_worklist
from negspace.data import grouped_folds, read_table
from negspace.evaluation import suspects
from negspace.metrics import Accuracy
from negspace.models import TextTask
from negspace.records import EvalSet, Json, Measurement, Outcome, Verdict
from negspace.search import embed
from negspace.statistics import Effects, difference, item_variance_of, judge_family

DATA = Path(__file__).resolve().parents[2] / "shared" / "data" / "cad-sentiment"
NAMES = ("Negative", "Positive")
SHARE = 0.8
SETS = ("easy", "near miss")
REFERENCE = "any row"


@dataclass(frozen=True, eq=False)
class Reviews:
    """Originals and their rewrites, row by row, and the held-out reviews."""

    task: TextTask
    pairs: int

    @property
    def originals(self) -> tuple[str, ...]:
        return self.task.texts[: self.pairs]


@dataclass(frozen=True, eq=False)
class Chosen:
    """An arm that trains on the originals chosen at each seed and on their rewrites."""

    name: str
    by_seed: Mapping[int, Int[np.ndarray, " rows"]]

    @property
    def code(self) -> tuple[object, ...]:
        return ()

    def describe(self) -> Mapping[str, Json]:
        return {"name": self.name}

    def check(self, task: TextTask) -> None:
        """Any rows will do."""

    def draw(self, task: TextTask, seed: int) -> Int[np.ndarray, " drawn"]:  # noqa: ARG002 (as a TextArm)
        return self.by_seed[seed]


Arms: TypeAlias = dict[tuple[int, str], Chosen]
"""By K and criterion."""

Measured: TypeAlias = dict[tuple[int, str, str], list[Measurement]]
"""By K, criterion and test set."""


def labelled(name: str) -> list[tuple[str, str]]:
    """Texts and labels of a file."""
    columns = read_table(DATA / f"{name}.tsv").columns
    return [(str(t), str(s)) for t, s in zip(columns["Text"], columns["Sentiment"], strict=True)]


def reviews(on: str) -> Reviews:
    """Read the pairs and the held-out rows ("dev" or "test")."""
    columns = read_table(DATA / "paired_train.tsv").columns
    groups: dict[object, list[tuple[str, str]]] = defaultdict(list)
    for text, label, batch in zip(columns["Text"], columns["Sentiment"], columns["batch_id"], strict=True):
        groups[batch].append((str(text), str(label)))
    rewritten = {text for text, _ in labelled("new_train")}
    # Every rewrite is in that file word for word; three originals differ from theirs in white space.
    pairs = [sorted(pair, key=lambda row: row[0] in rewritten) for pair in groups.values()]
    train = [pair[0] for pair in pairs] + [pair[1] for pair in pairs]
    easy, near = labelled(f"orig_{on}"), labelled(f"new_{on}")
    rows = [*train, *easy, *near]
    sets = {
        "easy": EvalSet("easy", np.arange(len(easy))),
        "near miss": EvalSet("near miss", np.arange(len(near)) + len(easy)),
    }
    task = TextTask(
        texts=tuple(text for text, _ in rows),
        labels=np.array([NAMES.index(label) for _, label in rows]),
        label_names=NAMES,
        clusters=np.arange(len(rows)),
        n_train=len(train),
        eval_sets=sets,
        distance=np.full(len(easy) + len(near), np.nan),
        fingerprint="",
    )
    return Reviews(task, len(pairs))


def pool_of(data: Reviews, seed: int, workers: int) -> tuple[RowPool, Int[np.ndarray, " rows"]]:
    """One seed's pool, and its rows' positions among the originals."""
    rng = np.random.default_rng([seed, 0])
    rows = np.sort(rng.permutation(data.pairs)[: round(SHARE * data.pairs)])
    texts, labels = tuple(data.originals[row] for row in rows), data.task.labels[rows]
    alone, never = np.arange(len(rows)), np.zeros(len(rows), dtype=bool)
    folds = grouped_folds(labels, alone, 5, seed)
    said = TfidfLearner().out_of_fold(texts, labels, 2, folds, seed=seed, workers=workers)
    return RowPool(
        texts, labels, NAMES, embed(texts), alone, alone, said, suspects(labels, said), never
    ), rows


def choose(pool: RowPool, name: str, k: int, rng: np.random.Generator) -> Int[np.ndarray, " k"]:
    """Rows of the pool by a criterion, or any of it."""
    if name == REFERENCE:
        return CRITERIA["random"](pool, k, rng)
    return choose_worklist(pool, k, rng, criterion=CRITERIA[name]).rows


def arms(data: Reviews, names: Sequence[str], sizes: Sequence[int], seeds: int, workers: int) -> Arms:
    """Choose for every criterion, size and seed."""
    drawn: dict[tuple[int, str], dict[int, Int[np.ndarray, " rows"]]] = defaultdict(dict)
    for seed in range(seeds):
        pool, rows = pool_of(data, seed, workers)
        for k in sizes:
            for name in names:
                rng = np.random.default_rng([seed, *name.encode(), k])
                found = np.sort(rows[choose(pool, name, k, rng)])
                drawn[k, name][seed] = np.concatenate([found, found + data.pairs])
    return {(k, name): Chosen(f"{name} {k}", by_seed) for (k, name), by_seed in drawn.items()}


def measured(data: Reviews, chosen: Arms, seeds: int, workers: int) -> Measured:
    """Accuracy of each arm on each test set, a measurement a seed."""
    jobs = [(arm, seed) for arm in chosen.values() for seed in range(seeds)]
    runs = {(run.arm, run.seed): run for run in TfidfLearner().runs(data.task, jobs, workers=workers)}
    return {
        (k, name, on): [Accuracy(on)(runs[arm.name, seed], data.task) for seed in range(seeds)]
        for (k, name), arm in chosen.items()
        for on in SETS
    }


def compared(mine: Sequence[Measurement], reference: Sequence[Measurement]) -> Effects:
    """The hypothesis that an arm beats the reference, from one measurement of each a seed."""
    apart = [difference(a, b) for a, b in zip(mine, reference, strict=True)]
    variance, df = item_variance_of(apart)
    return Effects(np.array([m.value for m in apart]), 0.0, variance, df)


def mean_over(sizes: Sequence[Sequence[Measurement]]) -> list[Measurement]:
    """The mean over sizes at each seed; all sizes have the same test rows."""
    return [
        Measurement(
            value=float(np.mean([m.value for m in seed])),
            influence=np.mean([m.influence for m in seed], axis=0),
            clusters=seed[0].clusters,
            resolution=seed[0].resolution,
        )
        for seed in zip(*sizes, strict=True)
    ]


def report(found: Measured, words: Mapping[tuple[int, str], float]) -> None:
    """Print a line for each size and criterion, and one for each criterion over all sizes."""
    sizes, names = (list(dict.fromkeys(part)) for part in zip(*words, strict=True))
    table = {(str(k), name, on): measurements for (k, name, on), measurements in found.items()}
    length = {(str(k), name): mean for (k, name), mean in words.items()}
    for name in names:
        length["all", name] = float(np.mean([words[k, name] for k in sizes]))
        for on in SETS:
            table["all", name, on] = mean_over([found[k, name, on] for k in sizes])
    print(f"{'criterion':20}{'K':>4}{'words':>7}" + "".join(f"{on:>11}  less {REFERENCE:16}" for on in SETS))
    for family in ([str(k) for k in sizes], ["all"]):
        hypotheses = {
            (k, name, on): compared(table[k, name, on], table[k, REFERENCE, on])
            for k in family
            for name in names
            for on in SETS
            if name != REFERENCE
        }
        verdicts = judge_family({repr(key): hypothesis for key, hypothesis in hypotheses.items()})
        for k in family:
            for name in names:
                cells = [
                    f"{100 * np.mean([m.value for m in table[k, name, on]]):11.1f}"
                    + (_apart(verdicts[repr((k, name, on))]) if name != REFERENCE else " " * 23)
                    for on in SETS
                ]
                print(f"{name:20}{k:>4}{length[k, name]:7.0f}" + "".join(cells))


def _apart(verdict: Verdict) -> str:
    mark = {Outcome.SUPPORTED: "+", Outcome.REFUTED: "-", Outcome.INCONCLUSIVE: " "}[verdict.outcome]
    low, high = 100 * verdict.interval.low, 100 * verdict.interval.high
    return f"  {100 * verdict.effect:+5.1f} [{low:+5.1f}, {high:+5.1f}]{mark:2}"


def mean_words(data: Reviews, chosen: Arms) -> dict[tuple[int, str], float]:
    """Mean length of the rows of each arm, in words: what they cost to read and rewrite."""
    lengths = np.array([len(text.split()) for text in data.task.texts])
    return {
        key: float(np.mean([lengths[rows].mean() for rows in arm.by_seed.values()]))
        for key, arm in chosen.items()
    }


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--on", choices=("dev", "test"), default="dev")
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--sizes", type=int, nargs="+", default=[50, 100, 200, 400])
    parser.add_argument("--criteria", nargs="+", default=list(CRITERIA), choices=list(CRITERIA))
    parser.add_argument("--workers", type=int, default=1)
    options = parser.parse_args()
    if not DATA.is_dir():
        print(f"needs the paired reviews in {DATA}, which are not part of the project")
        return
    data = reviews(options.on)
    names = [REFERENCE, *options.criteria]
    chosen = arms(data, names, options.sizes, options.seeds, options.workers)
    report(measured(data, chosen, options.seeds, options.workers), mean_words(data, chosen))


if __name__ == "__main__":
    main()
