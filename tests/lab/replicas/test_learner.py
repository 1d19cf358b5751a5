"""The replica learner: each course once, teachers first, and no run depends on what stands beside it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from negspace.errors import PlanError
from negspace.lab.concepts import SequenceTask, Sorted, sequence_task
from negspace.lab.concepts import Test as Distribution
from negspace.lab.replicas import (
    POSITIVE,
    Adam,
    BestOf,
    LstmNet,
    PseudoLabelledRows,
    ReplicaArm,
    ReplicaLearner,
    Sweep,
    TrueRows,
    batches_of,
    gru_net,
    initial,
)
from negspace.records import Run

torch = pytest.importorskip("torch")
pytest.importorskip("numba")

SWAPS = TrueRows(Sorted(), {"swap": 1.0})
FIRST = ReplicaArm("first", SWAPS, steps=60)
THIRDS = {POSITIVE: 1 / 3, "random": 1 / 3, "swap": 1 / 3}


@pytest.fixture(scope="module")
def task() -> SequenceTask:
    tests = [Distribution("easy", 20, "random", 40), Distribution("hard", 20, "swap", 40)]
    return sequence_task(Sorted(), [*tests, Distribution("choice", 10, "swap", 40)], seed=0)


def run(
    task: SequenceTask, arms: Sequence[ReplicaArm | Sweep], seeds: Sequence[int] = (0,), workers: int = 1
) -> dict[tuple[str, int], Run]:
    jobs = [(arm, seed) for arm in arms for seed in seeds]
    runs = list(ReplicaLearner().runs(task, jobs, workers=workers))
    assert len(runs) == len(jobs)
    return {(one.arm, one.seed): one for one in runs}


def same(one: Run, other: Run) -> bool:
    return one.values["truth"].tobytes() == other.values["truth"].tobytes()


def plain_probabilities(arm: ReplicaArm, task: SequenceTask, seed: int) -> np.ndarray:
    """The same course by PyTorch's own modules and optimiser, in double precision."""
    from torch import nn

    net = arm.net
    assert isinstance(net, LstmNet)
    modules = nn.ModuleDict(
        {
            "embedding": nn.Embedding(net.vocabulary, net.embedding),
            "lstm": nn.LSTM(net.inputs, net.hidden, batch_first=True),
            "linear": nn.Linear(net.hidden, 1),
        }
    ).double()
    nn.utils.vector_to_parameters(torch.tensor(initial(arm, seed), dtype=torch.float64), modules.parameters())
    optimiser = torch.optim.Adam(
        modules.parameters(), lr=arm.adam.lr, weight_decay=arm.adam.weight_decay, foreach=False
    )

    def logits(tokens: np.ndarray) -> torch.Tensor:
        out, _ = modules["lstm"](modules["embedding"](torch.tensor(tokens, dtype=torch.int64)))
        return modules["linear"](out[:, -1]).squeeze(1)

    for batches in batches_of(arm, seed, arm.steps):
        for step, length in enumerate(batches.lengths):
            optimiser.zero_grad()
            target = torch.tensor(batches.labels[step], dtype=torch.float64)
            nn.functional.binary_cross_entropy_with_logits(
                logits(batches.tokens[step, :length].T), target
            ).backward()
            optimiser.step()
    found = np.empty(len(task.tokens))
    with torch.no_grad():
        for length in np.unique(task.lengths):
            rows = task.lengths == length
            found[rows] = torch.sigmoid(logits(task.tokens[rows, :length])).numpy()
    return found


def test_a_run_is_what_a_plain_loop_over_nn_lstm_gives(task: SequenceTask) -> None:
    found = run(task, [FIRST])["first", 0].values
    positive = plain_probabilities(FIRST, task, 0)
    np.testing.assert_allclose(
        found["truth"], np.where(task.held_out_labels == 1, positive, 1 - positive), atol=2e-4
    )
    assert np.ptp(positive) > 0.01  # sixty steps have moved it


@pytest.mark.slow
def test_final_accuracies_are_distributed_as_those_of_a_plain_loop() -> None:
    """Rounding grows over hundreds of steps, so single runs part; over seeds nothing may be left of it."""
    task = sequence_task(Sorted(), [Distribution("hard", 12, "swap", 250)], seed=0)
    arm = ReplicaArm("near", SWAPS, steps=1000)
    truth = task.held_out_labels
    found = run(task, [arm], range(12), 2)
    engine = [(found["near", seed].values["label"] == truth).mean() for seed in range(12)]
    plain = [((plain_probabilities(arm, task, seed) > 0.5) == truth).mean() for seed in range(12, 24)]
    assert np.std(engine) > 0.01
    assert stats.ks_2samp(engine, plain).pvalue > 1e-3
    # The same seeds end close to each other, far closer than different ones.
    twins = [((plain_probabilities(arm, task, seed) > 0.5) == truth).mean() for seed in range(4)]
    assert np.abs(np.subtract(engine[:4], twins)).mean() < np.std(engine)


def test_a_run_depends_on_nothing_beside_it(task: SequenceTask) -> None:
    taught = ReplicaArm("taught", PseudoLabelledRows(FIRST, THIRDS), steps=40)
    together = run(task, [FIRST, taught, replace(FIRST, name="wide", net=LstmNet(16))], (0, 1, 2), workers=2)
    for arm in (FIRST, taught):
        for seed in (0, 2):
            alone = run(task, [arm], (seed,))
            assert same(alone[arm.name, seed], together[arm.name, seed])


def test_an_arm_with_fewer_steps_reads_the_same_course_earlier(task: SequenceTask) -> None:
    short = replace(FIRST, name="short", steps=25)
    together = run(task, [FIRST, short])
    assert same(together["short", 0], run(task, [short])["short", 0])
    assert not same(together["short", 0], together["first", 0])


def test_the_best_checkpoint_is_the_most_accurate_one(task: SequenceTask) -> None:
    best = replace(FIRST, name="best", best_of=BestOf(3, "hard"))
    each = [replace(FIRST, name=str(steps), steps=steps) for steps in (20, 40, 60)]
    found = run(task, [best, *each], (0, 1, 2, 3))
    rows = task.eval_sets["hard"].rows

    def accuracy(one: Run) -> float:
        return float((one.values["label"][rows] == task.held_out_labels[rows]).mean())

    for seed in range(4):
        readings = [found[arm.name, seed] for arm in each]
        first_best = readings[int(np.argmax([accuracy(reading) for reading in readings]))]
        assert same(found["best", seed], first_best)


def test_a_sweep_is_the_arm_that_the_choosing_set_prefers(task: SequenceTask) -> None:
    arms = tuple(replace(FIRST, name=f"lr {lr:g}", adam=Adam(lr=lr)) for lr in (1e-5, 0.02, 0.005))
    found = run(task, [Sweep("tuned", arms, "choice"), *arms], (0, 1, 2))
    rows = task.eval_sets["choice"].rows
    for seed in range(3):
        readings = [found[arm.name, seed] for arm in arms]
        truth = task.held_out_labels[rows]
        accuracies = [(r.values["label"][rows] == truth).mean() for r in readings]
        chosen = found["tuned", seed]
        assert same(chosen, readings[int(np.argmax(accuracies))])
        assert chosen.arm == "tuned"


def test_a_student_learns_its_teachers_opinion_and_not_the_truth(task: SequenceTask) -> None:
    """A teacher at its initial values calls nearly everything one thing; so does what it taught."""
    ignorant = ReplicaArm("ignorant", SWAPS, steps=1, adam=Adam(lr=1e-9))
    student = ReplicaArm(
        "student", PseudoLabelledRows(ignorant, {"random": 1.0}), steps=300, lengths=(20, 20)
    )
    found = run(task, [ignorant, student], (0, 1, 2))
    rows = task.eval_sets["easy"].rows
    random = rows[len(rows) // 2 :]
    for seed in range(3):
        its, theirs = found["student", seed].values, found["ignorant", seed].values
        assert (its["label"][random] == theirs["label"][random]).mean() > 0.9


def test_a_diverged_replica_is_told_of_and_its_neighbours_are_unharmed(task: SequenceTask) -> None:
    wild = replace(FIRST, name="wild", adam=Adam(lr=1e37))
    found = run(task, [FIRST, wild], workers=2)
    assert found["wild", 0].diverged_at is not None
    assert found["wild", 0].diverged_at < FIRST.steps
    assert np.isfinite(found["wild", 0].values["truth"]).all()
    assert found["first", 0].diverged_at is None
    assert same(found["first", 0], run(task, [FIRST])["first", 0])


def test_stacked_nets_resume_to_the_same_numbers(task: SequenceTask) -> None:
    gru = ReplicaArm("gru", SWAPS, net=gru_net(4, 6), steps=20)
    together = run(task, [gru], (0, 3, 11), workers=2)
    for seed in (3, 11):
        assert same(run(task, [gru], (seed,))["gru", seed], together["gru", seed])


def test_a_teacher_may_be_of_another_architecture(task: SequenceTask) -> None:
    gru = ReplicaArm("gru", SWAPS, net=gru_net(4, 6), steps=10)
    student = ReplicaArm("student", PseudoLabelledRows(gru, THIRDS, labels="soft"), steps=20)
    grandchild = ReplicaArm("grandchild", PseudoLabelledRows(student, THIRDS), net=gru_net(4, 6), steps=10)
    together = run(task, [gru, student, grandchild], (0, 3), workers=2)
    assert same(run(task, [grandchild], (3,))["grandchild", 3], together["grandchild", 3])
    assert same(run(task, [student], (3,))["student", 3], together["student", 3])
    threads = torch.get_num_threads()
    run(task, [gru], workers=1)  # in this very process
    assert torch.get_num_threads() == threads


def test_what_decides_a_run_is_described() -> None:
    described = ReplicaLearner().describe()
    assert described["device"] == "cpu"
    assert "numba" in described
    assert FIRST.describe() != replace(FIRST, steps=61).describe()
    assert FIRST.describe() != replace(FIRST, best_of=BestOf(2, "hard")).describe()
    assert FIRST.describe() != replace(FIRST, rows=TrueRows(Sorted(), {"swap": 1.0}, checked=True)).describe()
    assert FIRST.describe() != replace(FIRST, net=LstmNet(8, "anchor")).describe()


def test_a_device_that_is_not_there_is_refused() -> None:
    with pytest.raises(PlanError, match=r"no such device\n.*tpu"):
        ReplicaLearner("tpu")
    if not torch.cuda.is_available():
        with pytest.raises(PlanError, match="no CUDA device"):
            ReplicaLearner("cuda")
    assert ReplicaLearner("auto").device in {"cpu", "cuda"}


def test_an_arm_refuses_a_task_it_does_not_fit(task: SequenceTask) -> None:
    with pytest.raises(PlanError, match=r"no eval set 'hrad'\n.*'hard'"):
        replace(FIRST, best_of=BestOf(2, "hrad")).check(task)
    with pytest.raises(PlanError, match="draws rows of 'sorted'"):
        FIRST.check(replace(task, concept="zigzag"))
    with pytest.raises(PlanError, match="no eval set 'chioce'"):
        Sweep("s", (FIRST,), "chioce").check(task)
    with pytest.raises(PlanError, match="tries arms of different names"):
        Sweep("s", (FIRST, FIRST), "choice")
