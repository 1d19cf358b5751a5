"""The registry: built-in and foreign things by name, and what is said of those that cannot be had."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from negspace.errors import PlanError
from negspace.metrics import METRICS
from negspace.models import LEARNERS, RowsArm, TextTask, open_learner
from negspace.records import EvalSet
from negspace.registry import Registry
from negspace.store import RunStore
from negspace.study import Hypothesis, Study

PLUG_IN = '''
import numpy as np
from negspace.metrics import EvalSetMetric, mean_of
from negspace.quantities import PREDICTION
from negspace.records import Run

class Coin:
    """Calls every label by a coin."""
    name, gives, argument = "coin", PREDICTION, "SIDES"
    fits = []
    def __init__(self, sides):
        self.sides = int(sides)
    def describe(self):
        return {"name": "coin", "sides": self.sides}
    def runs(self, task, jobs, *, workers):
        for arm, seed in jobs:
            self.fits.append(seed)
            said = np.random.default_rng(seed).integers(0, self.sides, len(task.held_out_labels))
            sure = np.full(len(said), 1 / self.sides)
            yield Run(arm.name, seed, {"label": said, "confidence": sure, "truth": sure})

class MeanTruth(EvalSetMetric):
    """Mean probability of the own label."""
    kind, reads = "mean truth", ("truth",)
    def __call__(self, run, task):
        return mean_of(self.items(run, task, "truth"), self.clusters(task))
'''

Install = Callable[[str], None]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """Put a package on the path that names its things in these entry points."""

    def put(entry_points: str) -> None:
        (tmp_path / "plug_in.py").write_text(PLUG_IN)
        info = tmp_path / "plug_in-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: plug-in\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(entry_points)
        monkeypatch.syspath_prepend(str(tmp_path))
        importlib.invalidate_caches()
        forget()

    def forget() -> None:
        for registry in (LEARNERS, METRICS):
            registry.refresh()

    yield put
    monkeypatch.undo()
    forget()


def test_another_packages_learner_and_metric_run_and_resume(install: Install, tmp_path: Path) -> None:
    install(
        "[negspace.learners]\ncoin = plug_in:Coin\n\n[negspace.metrics]\nmean-truth = plug_in:MeanTruth\n"
    )
    assert "coin:SIDES" in LEARNERS.forms
    assert LEARNERS.entries["coin"].summary == "Calls every label by a coin."
    assert LEARNERS.entries["coin"].origin == "plug-in"
    metric = METRICS["mean-truth"]("all")
    task = TextTask(
        texts=("a", "b", "c", "d"),
        labels=np.array([0, 1, 0, 1]),
        label_names=("n", "y"),
        clusters=np.arange(4),
        n_train=2,
        eval_sets={"all": EvalSet("all", np.arange(2))},
        distance=np.full(2, np.nan),
        fingerprint="t",
    )
    learner = open_learner("coin:4")
    study = Study(
        task,
        [RowsArm("a", np.arange(2))],
        learner,
        range(3),
        [metric],
        [Hypothesis("h", metric, "a", margin=0.1)],
    )
    with RunStore(tmp_path / "r.sqlite") as store:
        assert study.run(store=store).estimate("a", metric).mean == 0.25
        assert study.run(store=store).resumed == 3
    assert learner.fits == [0, 1, 2]


@pytest.mark.parametrize(
    ("entry_points", "said"),
    [
        ("coin = plug_in:Dice", "the learner 'coin' of the package plug-in cannot be loaded"),
        ("coin = plugged_in:Coin", "the learner 'coin' of the package plug-in cannot be loaded"),
        ("tfidf = plug_in:Coin", "two packages register a learner 'tfidf'\n.*negspace and plug-in"),
    ],
)
def test_what_another_package_has_wrong_is_said(install: Install, entry_points: str, said: str) -> None:
    install(f"[negspace.learners]\n{entry_points}\n")
    with pytest.raises(PlanError, match=said):
        LEARNERS.find("coin")


def test_a_broken_package_stops_only_what_asks_for_it(install: Install) -> None:
    install("[negspace.learners]\ncoin = plugged_in:Coin\n")
    assert "coin" in LEARNERS and "coin" not in LEARNERS.entries
    assert LEARNERS.find("tfidf")[0].origin == "negspace"


def test_another_package_is_imported_when_it_is_asked_for(install: Install) -> None:
    install("[negspace.learners]\ncoin = plug_in:Coin\n")
    sys.modules.pop("plug_in", None)
    assert "coin" in list(LEARNERS) and LEARNERS.find("tfidf")[1] == ""
    assert "plug_in" not in sys.modules
    assert LEARNERS.find("coin:2")[0].origin == "plug-in"
    assert "plug_in" in sys.modules


def shapes() -> Registry[Callable[[], int]]:
    registry: Registry[Callable[[], int]] = Registry(
        "shape", group="tests.shapes", package="negspace.metrics"
    )

    @registry.register("square", summary="Four equal sides.")
    def square() -> int:
        return 4

    @registry.register("polygon", argument="SIDES")
    def polygon() -> int:
        """Any number of sides."""
        return 0

    registry.add("star", square.__call__, argument="POINTS", required=False)
    return registry


def test_forms_and_summaries_are_read_off_the_registration() -> None:
    registry = shapes()
    assert registry.forms == ("polygon:SIDES", "square", "star[:POINTS]")
    assert [entry.summary for entry in registry.entries.values()][:2] == [
        "Any number of sides.",
        "Four equal sides.",
    ]
    assert registry["square"]() == 4
    assert registry.find("polygon:7")[1] == "7"
    assert [registry.find(spec)[1] for spec in ("star", "star:5")] == ["", "5"]
    assert "square" in registry and "circle" not in registry


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ("sqare", "there is no shape 'sqare'\n.*did you mean 'square'"),
        ("plygon:3", "did you mean 'polygon:SIDES'"),
        ("square:4", "takes nothing after its name\n.*square:4\n.*write square"),
        ("polygon", "needs a SIDES\n.*polygon\n.*write polygon:SIDES"),
        ("polygon:", "needs a SIDES"),
    ],
)
def test_what_cannot_be_found_is_told_with_what_to_write(spec: str, said: str) -> None:
    with pytest.raises(PlanError, match=said):
        shapes().find(spec)


def test_a_name_is_taken_once() -> None:
    with pytest.raises(PlanError, match="there is a shape 'square' already"):
        shapes().add("square", int)
