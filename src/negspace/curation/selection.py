"""Curation: from a pool to the rows that teach its boundary, and the result as a user holds it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import date, time
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Int

from negspace.curation import findings
from negspace.curation.pool_survey import PoolFile, PoolSurvey, read_pool, survey_pool
from negspace.curation.report import selection_report
from negspace.curation.strategies import Balance, RowBudget, Strategy, open_strategy
from negspace.curation.trial import REFERENCE, Trial, candidates, run_trial
from negspace.curation.worklist import Worklist, choose_worklist
from negspace.curation.worklist_sheet import write_sheet
from negspace.data import check_writable, write_rows, write_text
from negspace.errors import PlanError
from negspace.evaluation import RowRoles
from negspace.execution import cpu_count
from negspace.models import TextLearner, open_learner
from negspace.reports.blocks import Report, Reported
from negspace.store import RunStore, default_store_path
from negspace.study import N_SEEDS, Progress

_CHOICE, _WORKLIST = 3, 4  # which of the seed's streams; 1 and 2 are those of the trial's arms


@dataclass(frozen=True, eq=False)
class Selection(Reported):
    """The rows that were chosen, and what the choice rests on. In a notebook it shows itself.

    Attributes:
        file: The pool as it was read.
        survey: What was found out about its rows.
        chosen: Positions of the chosen rows, in the order they were chosen.
        strategy_name: Name of the strategy that chose them.
        strategy: The strategy.
        trial: What became of each strategy on held-out rows; None where the strategy was given.
        worklist: Rows to rewrite, where asked for.
        seed: Seed of the choice.
    """

    file: PoolFile
    survey: PoolSurvey
    chosen: Int[np.ndarray, " chosen"]
    strategy_name: str
    strategy: Strategy
    trial: Trial | None
    worklist: Worklist | None
    seed: int

    @property
    def indices(self) -> list[int]:
        """Positions of the chosen rows, ascending: what ``datasets.Dataset.select`` takes."""
        return [int(row) for row in np.sort(self.chosen)]

    @property
    def fell_back(self) -> bool:
        """Whether no strategy was shown to beat stratified random rows, which chose therefore."""
        return self.trial is not None and self.trial.winner is None

    @cached_property
    def conclusion(self) -> str:
        """What the trial showed."""
        return findings.conclusion(self)

    @cached_property
    def warnings(self) -> tuple[str, ...]:
        """What the user should know before trusting the choice."""
        return tuple(findings.selection_warnings(self))

    @cached_property
    def roles(self) -> RowRoles:
        """Role of each row of the pool."""
        return self.survey.roles(self.file.dataset.examples, unit=self.file.dataset.unit)

    @cached_property
    def reasons(self) -> Sequence[str]:
        """Why each row of the pool was chosen or not."""
        return findings.reasons(self)

    def to_dict(self) -> dict[str, Any]:
        """The content of ``curation.json``."""
        content: dict[str, Any] = json.loads(json.dumps(findings.to_json(self), allow_nan=False))
        return content

    def rows(self) -> list[dict[str, object]]:
        """One record per row of the pool: the content of ``rows.parquet``.

        ``index`` counts rows from 0; ``rank`` is the place among the chosen rows, from 1.
        """
        examples, pool = self.file.dataset.examples, self.survey.pool
        rank = np.zeros(len(pool), dtype=np.int64)
        rank[self.chosen] = np.arange(1, len(self.chosen) + 1)
        return [
            {
                "index": row,
                "line": row + 1 if examples.lines is None else int(examples.lines[row]),
                "chosen": bool(rank[row]),
                "rank": int(rank[row]) or None,
                "reason": self.reasons[row],
                "role": self.roles.role[row].value,
                "label_quality": float(self.roles.label_quality[row]),
                "group": int(pool.groups[row]),
                "cluster": int(pool.clusters[row]),
            }
            for row in range(len(pool))
        ]

    def records(self) -> list[dict[str, object]]:
        """The chosen rows with all columns of their file, in its order."""
        columns = self.file.table.columns
        return [{name: _plain(values[row]) for name, values in columns.items()} for row in self.indices]

    def report(self) -> Report:
        """What the page and the terminal show."""
        return selection_report(self).with_registered("curate", self)

    def save(self, folder: str | Path) -> Path:
        """Write ``selected.jsonl``, ``rows.parquet``, ``curation.json`` and ``report.html``.

        And ``worklist.csv``, where a worklist was asked for. Each file appears whole or not at all.

        Args:
            folder: Made if need be; files of an earlier curation are replaced.

        Returns:
            The path of the report.

        Raises:
            StoreError: If the folder cannot be written.
        """
        from negspace.reports.html import render_page

        folder = Path(folder)
        check_writable(folder)
        page, rows, records = render_page(self.report()), self.rows(), self.records()
        write_rows(folder / "selected.jsonl", records)
        write_rows(folder / "rows.parquet", rows)
        if self.worklist is not None:
            lines = self.file.dataset.examples.lines
            write_sheet(folder / "worklist.csv", self.worklist, self.survey.pool, lines=lines)
        write_text(folder / "curation.json", json.dumps(self.to_dict(), indent=2, allow_nan=False) + "\n")
        write_text(folder / "report.html", page)
        return folder / "report.html"


def curate(
    pool: object,
    budget: int,
    *,
    text: str | None = None,
    label: str | None = None,
    group: str | None = None,
    source: str | None = None,
    real: str | None = None,
    real_share: float = 0.0,
    balance: Balance = "pool",
    strategy: str | None = None,
    also_try: Sequence[str] = (),
    worklist: int = 0,
    learner: str | TextLearner = "tfidf",
    seeds: int = 12,
    seed: int = 0,
    margin: float = 0.01,
    workers: int | None = None,
    store: RunStore | None = None,
    progress: Progress | None = None,
) -> Selection:
    """Choose the rows of a pool that teach its boundary, after trying on held-out rows that they do.

    Args:
        pool: A path (JSONL, CSV, TSV, Parquet, a Hugging Face dataset folder) or a pandas or polars frame, an
            Arrow table, a ``datasets.Dataset``.
        budget: Rows to choose.
        text: Column of texts; recognised by its name where None.
        label: Column of labels; recognised by its name where None.
        group: Column that joins near misses of each other; found by nearness where None.
        source: Column that says where a row comes from, for ``real``.
        real: Its value for true rows; all others are synthetic.
        real_share: Least share of true rows among those chosen.
        balance: Labels in the shares of the pool, or evenly.
        strategy: Use this one without a trial.
        also_try: Further strategies, by name, for the trial.
        worklist: Rows to propose for rewriting to another label.
        learner: For the trial: ``"tfidf"``, ``"lstm"``, ``"st:PATH"``, ``"hf:PATH"``, or one of your own.
        seeds: Times each strategy is tried. A verdict needs at least 10.
        seed: First of the seeds; also decides the split and the choice.
        margin: Accuracy that a strategy may lose on one test if it gains on the other.
        workers: Fits at once; the number of cores where None. No result depends on it.
        store: Where finished fits are kept, so that a second run resumes; the user's own where None.
        progress: Told what is being done.

    Returns:
        The selection: ``indices``, ``to_dict()``, ``save(folder)``.

    Raises:
        DataError: If the data cannot be used; says where, what was got and what to do.
        PlanError: If the settings cannot give an answer.
        MissingExtraError: If the learner needs a package that is not installed.

    Examples:
        >>> import negspace
        >>> chosen = negspace.curate("pool.csv", 200)  # doctest: +SKIP
        >>> datasets.Dataset.from_csv("pool.csv").select(chosen.indices)  # doctest: +SKIP
    """
    _check_settings(budget, seeds, seed, margin, worklist)
    fits = open_learner(learner) if isinstance(learner, str) else learner
    for name in also_try:
        open_strategy(name, balance=balance, real_share=real_share)
    given = None if strategy is None else open_strategy(strategy, balance=balance, real_share=real_share)
    told = progress or (lambda _stage, _done, _total: None)
    workers = workers or cpu_count()
    told("reading", 0, 1)
    file = read_pool(pool, text=text, label=label, group=group, source_column=source, real=real)
    told("comparing rows", 0, 1)
    examples = file.dataset.examples
    surveyed = survey_pool(
        examples.texts,
        examples.labels,
        examples.label_names,
        groups=examples.groups,
        real=file.real,
        seed=seed,
        workers=workers,
    )
    found = candidates(surveyed.pool, budget, balance=balance, real_share=real_share, others=also_try)
    proposed = None
    if worklist:
        proposed = choose_worklist(surveyed.pool, worklist, np.random.default_rng([seed, _WORKLIST]))
    trial = None
    if given is None:
        # A budget that cannot be met is refused before the trial.
        RowBudget(
            surveyed.pool,
            budget,
            ~surveyed.pool.suspected,
            balance=balance,
            real_share=real_share,
            rng=np.random.default_rng(seed),
        )
        with RunStore(default_store_path()) if store is None else nullcontext(store) as kept:
            trial = run_trial(
                surveyed.pool,
                budget,
                found,
                fits,
                seeds=seeds,
                seed=seed,
                margin=margin,
                real_share=real_share,
                workers=workers,
                store=kept,
                progress=told,
            )
    name = strategy or (trial and trial.winner) or REFERENCE
    chosen = (given or found[name])(surveyed.pool, budget, np.random.default_rng([seed, _CHOICE]))
    return Selection(file, surveyed, chosen, name, given or found[name], trial, proposed, seed)


def _check_settings(budget: int, seeds: int, seed: int, margin: float, worklist: int) -> None:
    if budget < 1:
        raise PlanError("a budget is a number of rows", got=budget, hint="give --budget 200, say")
    if worklist < 0:
        raise PlanError("a worklist has a number of rows", got=worklist, hint="give --worklist 100, say")
    if seeds < 1:
        raise PlanError("a trial needs at least one seed", got=seeds, hint="give --seeds 10")
    if seed < 0 or seed + seeds > N_SEEDS:
        raise PlanError(f"seeds are whole numbers from 0 to {N_SEEDS - 1}", got=f"{seeds} seeds from {seed}")
    if not 0 < margin < 1:
        raise PlanError(
            "the margin is a difference of accuracies, above 0 and below 1",
            got=margin,
            hint="give --margin 0.01",
        )


def _plain(value: object) -> object:
    """What JSON has no form for, as text: a date, say, in ISO's."""
    if isinstance(value, bytes):
        return value.decode(errors="backslashreplace")
    if isinstance(value, date | time):
        return value.isoformat()
    return value if isinstance(value, str | int | float | list | dict | None) else str(value)
