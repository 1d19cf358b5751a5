"""The proof: equal rows, paired seeds, a verdict on each pair of arms; and the result as a user holds it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from negspace.data import check_writable, write_text
from negspace.errors import DataError, PlanError
from negspace.evaluation import (
    EASY,
    NEAR_MISS,
    EvaluationPlan,
    Source,
    embed_rows,
    find_boundary,
    plan_evaluation,
    source_of,
    suspected_rows,
)
from negspace.execution import cpu_count
from negspace.metrics import Accuracy
from negspace.models import (
    TextArm,
    TextLearner,
    TextTask,
    fixed_runs,
    open_learner,
    search_space,
)
from negspace.proofs.conclusion import Conclusion, Worth, conclude, conclusion_in_words, measure_worth
from negspace.proofs.findings import proof_warnings, to_json
from negspace.proofs.inputs import ProofFiles, parse_arms, read_files
from negspace.proofs.plan import (
    ArmComparison,
    Ladder,
    ProofArm,
    build_arms,
    build_ladder,
    build_study,
    check_settings,
    choose_budget,
    comparisons,
)
from negspace.proofs.report import proof_report
from negspace.proofs.trial_journal import check_installed
from negspace.proofs.tuning import Tuned, Tuning, tune_arms
from negspace.records import Verdict
from negspace.reports.blocks import Report, Reported
from negspace.store import RunStore, default_store_path
from negspace.study import Progress, StudyResult


@dataclass(frozen=True, eq=False)
class Proof(Reported):
    """What a proof found. In a notebook it shows itself.

    Attributes:
        files: What was read.
        source: Where near misses come from.
        arms: The arms; the first is compared with each other.
        budget: Rows that every arm trains on.
        ladder: Random rows of the reference pool.
        claims: The comparisons.
        result: What the study of all arms found.
        worth: For each test, what the arms are worth in random rows.
        tuned: What the search found; None without one.
        notes: What the evaluation warns of.
    """

    files: ProofFiles
    source: Source
    arms: Sequence[ProofArm]
    budget: int
    ladder: Ladder
    claims: Sequence[ArmComparison]
    result: StudyResult[TextTask, TextArm]
    worth: Mapping[str, Worth]
    tuned: Tuned | None
    notes: Sequence[str]

    @property
    def verdicts(self) -> Mapping[str, Verdict]:
        """By name of the claim: for each other arm, on near misses and on easy rows."""
        return self.result.verdicts

    @property
    def conclusions(self) -> Mapping[str, Conclusion]:
        """How the first arm stands to each other one, by the other's name."""
        return {
            claim.versus: conclude(self.verdict(claim, NEAR_MISS), self.verdict(claim, EASY))
            for claim in self.claims
        }

    @property
    def resumed(self) -> int:
        """Number of fits, those of the search aside, that came out of the run store."""
        return self.result.resumed

    @cached_property
    def warnings(self) -> tuple[str, ...]:
        """What the user should know before trusting a number."""
        return tuple(proof_warnings(self))

    def verdict(self, claim: ArmComparison, on: str) -> Verdict:
        """The verdict of a comparison on near misses or on easy rows."""
        return self.verdicts[(claim.near_miss if on == NEAR_MISS else claim.easy).name]

    def sentence(self, claim: ArmComparison) -> str:
        """The conclusion of a comparison with its two effects, without a full stop."""
        near, easy = self.verdict(claim, NEAR_MISS), self.verdict(claim, EASY)
        return conclusion_in_words(conclude(near, easy), claim.arm, claim.versus, near, easy)

    def per_seed_difference(self, claim: ArmComparison, on: str) -> list[float]:
        """Accuracy of the first arm less that of the other, at each seed."""
        one, other = (self.result.measurements(arm, Accuracy(on)) for arm in (claim.arm, claim.versus))
        return [a.value - b.value for a, b in zip(one, other, strict=True)]

    def to_dict(self) -> dict[str, Any]:
        """The content of ``proof.json``."""
        content: dict[str, Any] = json.loads(json.dumps(to_json(self), allow_nan=False))
        return content

    def report(self) -> Report:
        """What the page and the terminal show."""
        return proof_report(self).with_registered("prove", self)

    def save(self, folder: str | Path) -> Path:
        """Write ``report.html`` and ``proof.json``; each appears whole or not at all.

        Args:
            folder: Made if need be; files of an earlier proof are replaced.

        Returns:
            The path of the report.

        Raises:
            StoreError: If the folder cannot be written.
        """
        from negspace.reports.html import render_page

        folder = Path(folder)
        check_writable(folder)
        page = render_page(self.report())
        write_text(folder / "proof.json", json.dumps(self.to_dict(), indent=2, allow_nan=False) + "\n")
        write_text(folder / "report.html", page)
        return folder / "report.html"


def prove(
    arms: Mapping[str, object] | Sequence[object],
    *,
    test: object,
    near_miss: object | None = None,
    reference: object | None = None,
    budget: int | None = None,
    text: str | None = None,
    label: str | None = None,
    group: str | None = None,
    learner: str | TextLearner = "tfidf",
    seeds: int = 20,
    seed: int = 0,
    margin: float = 0.0,
    easy_margin: float = 0.02,
    tune: int = 0,
    tune_storage: str | Path | None = None,
    workers: int | None = None,
    store: RunStore | None = None,
    progress: Progress | None = None,
) -> Proof:
    """Compare training sets of equal size: which teaches near misses better, and at what cost elsewhere.

    Args:
        arms: Two or more, the first compared with each other: ``"[NAME=]FILE"``, ``"[NAME=]STRATEGY@POOL"``
            (rows that a strategy of `negspace.curation.STRATEGIES` draws from a pool anew at each seed), a
            path, data in memory, or `FromPool`. A mapping gives them names.
        test: Ordinary test rows: a path or data in memory.
        near_miss: A contrast set: test rows changed a little, to another label. Where None, near misses are
            the test rows of a group with different labels, else the nearest test rows of another label.
        reference: The pool whose random rows arms are exchanged for; where None, the pool of the first
            strategy, else the last arm's file.
        budget: Rows every arm trains on; where None, those of the smallest file.
        text: Column of texts; recognised by its name where None.
        label: Column of labels; recognised by its name where None.
        group: Column that joins near misses of each other, in the files that have it.
        learner: ``"tfidf"``, ``"lstm"``, ``"st:PATH"``, ``"hf:PATH"``, or a learner of your own.
        seeds: How often each arm is drawn and fitted. A verdict needs at least 10.
        seed: First of the seeds; also decides the halves of ``tune``, and the folds that check labels.
        margin: Smallest gain on near misses that matters, in accuracy.
        easy_margin: Loss on easy rows that does not matter yet, in accuracy.
        tune: Trials of hyper-parameter search for every arm at every seed; 0 for none.
        tune_storage: Optuna's journal; ``tuning.journal`` beside the run store where None.
        workers: Fits at once; the number of cores where None. No result depends on it.
        store: Where finished fits are kept, so that a second run resumes; the user's own where None.
        progress: Told what is being done.

    Returns:
        The proof: ``verdicts``, ``conclusions``, ``to_dict()``, ``save(folder)``.

    Raises:
        DataError: If the data cannot be used; says where, what was got and what to do.
        PlanError: If the settings cannot give an answer.
        StoreError: If the run store or the file of trials cannot be used.
        MissingExtraError: If the learner or the search needs a package that is not installed.

    Examples:
        >>> import negspace
        >>> proof = negspace.prove(  # doctest: +SKIP
        ...     ["pairs.tsv", "random@pool.tsv"], test="test.tsv", near_miss="rewritten.tsv"
        ... )
        >>> proof.conclusions  # doctest: +SKIP
        {'random@pool.tsv': <Conclusion.SUPERIOR: 'superior'>}
    """
    check_settings(seeds=seeds, seed=seed, budget=budget, margin=margin, easy_margin=easy_margin, tune=tune)
    specs = parse_arms(arms)
    told = progress or (lambda _stage, _done, _total: None)
    fitted = _open(learner, told)
    if tune:
        check_installed()
        search_space(fitted)
    workers = workers or cpu_count()
    told("reading", 0, 1)
    files = read_files(specs, test, near_miss, reference, text=text, label=label, group=group)
    budget = choose_budget(specs, files, budget)
    told("comparing rows", 0, 1)
    plan, source, notes = _plan_evaluation(files, seed=seed, workers=workers)
    told("preparing arms", 0, 1)
    built = build_arms(specs, files, plan, budget, seed=seed, workers=workers)
    ladder = build_ladder(built, files, budget)
    claims = comparisons(built, margin=margin, easy_margin=easy_margin)
    study = build_study(plan, built, ladder, fitted, claims, range(seed, seed + seeds))
    with ExitStack() as opened:
        if store is None:
            store = opened.enter_context(RunStore(default_store_path()))
        result = study.run(store=store, workers=workers, progress=told)
        tuned = None
        if tune:
            path = Path(tune_storage) if tune_storage else default_store_path().with_name("tuning.journal")
            search = Tuning(result, built, claims, tune, seed, path.expanduser())
            tuned = tune_arms(search, store=store, workers=workers, progress=told)
    told("reading curves", 0, 1)
    names = [each.name for each in built]
    worth = {
        on: measure_worth(result, names, ladder, on, budget=budget, seed=seed) for on in (NEAR_MISS, EASY)
    }
    return Proof(files, source, built, budget, ladder, claims, result, worth, tuned, notes)


def _open(learner: str | TextLearner, progress: Progress) -> TextLearner:
    opened = open_learner(learner, progress=progress) if isinstance(learner, str) else learner
    if fixed_runs(opened) is not None:
        raise PlanError(
            "a proof fits each arm at several sizes and seeds, which scores from elsewhere cannot answer",
            got=learner if isinstance(learner, str) else opened.name,
            hint="give --learner tfidf, lstm, st:PATH or hf:PATH",
        )
    return opened


def _plan_evaluation(
    files: ProofFiles, *, seed: int, workers: int
) -> tuple[EvaluationPlan, Source, tuple[str, ...]]:
    """Find the easy rows and the near misses among the test rows."""
    embedded = embed_rows(files.joined(), seed=seed)
    source = source_of(embedded, grouped=files.test.examples.groups is not None)
    suspected = np.zeros(len(embedded.texts), dtype=bool)
    if source is Source.MINED:
        # By test rows and the reference pool alone: the test rows are the same whatever arms are compared.
        rows = np.concatenate([files.rows(files.reference), embedded.test])
        _, suspected = suspected_rows(embedded, rows, len(files.label_names), seed=seed, workers=workers)
    boundary = find_boundary(embedded, source, suspected)
    if not len(boundary.near_miss):
        raise DataError(
            f"{files.test.examples.source}: no test row is a near miss of another",
            hint="give --near-miss: test rows changed a little, to another label",
        )
    if not len(boundary.easy):
        raise DataError(
            f"{files.test.examples.source}: every test row has a near miss, so that none is easy",
            hint="give ordinary rows with --test and the near misses with --near-miss",
        )
    notes = embedded.notes
    if len(boundary.suspects):
        notes = (*notes, f"{len(boundary.suspects)} near misses that look mislabelled are left out")
    return plan_evaluation(embedded, boundary, files.label_names, variations=(), seed=seed), source, notes
