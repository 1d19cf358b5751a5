"""Trials of hyper-parameter search, drawn by Optuna and kept in its file.

The trials of a seed are independent draws of the search space, as the estimator of the expected best of k
asks for. Trial t of seed s is drawn by a sampler of its own, seeded with s and t: so it is the same whether
the search is begun, resumed or extended, and a study of more seeds holds the trials of one of fewer.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from negspace.errors import MissingExtraError, StoreError
from negspace.models import Choice, Range, SearchSpace, Settings

if TYPE_CHECKING:
    import optuna

_STREAM = 5


def check_installed() -> None:
    """Refuse to search without Optuna.

    Raises:
        MissingExtraError: If it is not installed.
    """
    if find_spec("optuna") is None:
        raise MissingExtraError("hyper-parameter search (--tune)", "tune")


@dataclass(frozen=True, eq=False)
class TrialJournal:
    """The trials of a search, asked for and told one at a time.

    Attributes:
        path: Optuna's journal, made if need be.
        name: Name of the Optuna study; one that is there already goes on.
        space: What settings are drawn from.
        arms: Names of the arms; a trial has one value for each.
        attributes: Written to the Optuna study, for whoever opens it elsewhere.
    """

    path: Path
    name: str
    space: SearchSpace
    arms: Sequence[str]
    attributes: Mapping[str, object]

    @contextmanager
    def opened(self) -> Iterator[_Open]:
        """Open the journal.

        Raises:
            StoreError: If it cannot be read or written.
        """
        import optuna
        from optuna.storages import JournalStorage
        from optuna.storages.journal import JournalFileBackend, JournalFileOpenLock

        verbosity = optuna.logging.get_verbosity()
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        try:
            try:
                self.path.parent.mkdir(parents=True, exist_ok=True)
                lock = JournalFileOpenLock(str(self.path))
                lock.acquire()
                try:
                    _cut_torn_line(self.path)
                finally:
                    lock.release()
                storage = JournalStorage(JournalFileBackend(str(self.path), lock_obj=lock))
                journal = _Open(self, storage)
            except (OSError, ValueError, KeyError, TypeError) as error:
                raise StoreError(
                    f"{self.path}: the file of trials cannot be read or written",
                    got=f"{type(error).__name__}: {error}",
                    hint="remove it, or name another with --tune-storage; finished fits are kept elsewhere",
                ) from error
            yield journal
        finally:
            optuna.logging.set_verbosity(verbosity)


class _Open:
    """An opened study of trials."""

    def __init__(self, trials: TrialJournal, storage: optuna.storages.BaseStorage) -> None:
        import optuna
        from optuna.trial import TrialState

        study = optuna.create_study(
            storage=storage,
            study_name=trials.name,
            directions=["maximize"] * len(trials.arms),
            load_if_exists=True,
        )
        for key, value in trials.attributes.items():
            if study.user_attrs.get(key) != value:
                study.set_user_attr(key, value)
        self._trials, self._study = trials, study
        self._done: dict[tuple[int, int], optuna.trial.FrozenTrial] = {}
        for trial in study.get_trials(deepcopy=False):
            place = (trial.user_attrs.get("seed"), trial.user_attrs.get("trial"))
            if trial.state is TrialState.COMPLETE and all(isinstance(part, int) for part in place):
                self._done[place] = trial
            elif trial.state is TrialState.RUNNING:  # of a process that was killed
                study.tell(trial.number, state=TrialState.FAIL)

    def ask(self, seed: int, number: int) -> tuple[Settings, optuna.Trial | None]:
        """Settings of a trial, and what to tell its values to; None where they are known."""
        import optuna

        if (seed, number) in self._done:
            return dict(self._done[seed, number].params), None
        drawn = int(np.random.SeedSequence([seed, _STREAM, number]).generate_state(1)[0])
        self._study.sampler = optuna.samplers.RandomSampler(seed=drawn)
        trial = self._study.ask()
        for key, value in (("seed", seed), ("trial", number), ("sampler seed", drawn)):
            trial.set_user_attr(key, value)
        return {name: _suggest(trial, name, values) for name, values in self._trials.space.items()}, trial

    def tell(self, trial: optuna.Trial | None, values: Sequence[float]) -> None:
        """Tell what each arm reached; nothing where it was known."""
        if trial is not None:
            # Another process on the same file may have taken this trial for one left behind by a kill.
            self._study.tell(trial, list(values), skip_if_finished=True)


def _suggest(trial: optuna.Trial, name: str, values: Range | Choice) -> int | float:
    if isinstance(values, Choice):
        return int(trial.suggest_categorical(name, values.values))
    return float(trial.suggest_float(name, values.low, values.high, log=values.log))


def _cut_torn_line(path: Path) -> None:
    """Drop what a killed process left of its last line: Optuna could read no line after it."""
    if not path.exists():
        return
    with path.open("rb+") as file:
        content = file.read()
        whole = content.rfind(b"\n") + 1
        if whole < len(content):
            file.truncate(whole)
