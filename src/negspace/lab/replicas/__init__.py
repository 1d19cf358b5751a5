"""Replicas: small nets, all seeds and arms of an architecture trained side by side."""

from __future__ import annotations

from negspace.lab.replicas.arms import Adam, Batches, BestOf, ReplicaArm, Sweep, batches_of, initial
from negspace.lab.replicas.learner import DEVICES, ReplicaLearner, Replicas
from negspace.lab.replicas.nets import (
    DELTAS,
    NOTHING,
    Delta,
    LstmNet,
    ModuleNet,
    Net,
    against,
    count,
    gru_net,
    tensors,
    transformer_net,
)
from negspace.lab.replicas.numba_engine import LstmReplicas
from negspace.lab.replicas.pseudo_labels import Confident, Oracle, PseudoLabelledRows, TrueRowsFrom, Verifier
from negspace.lab.replicas.training_rows import (
    CHUNK,
    POSITIVE,
    Draw,
    Rows,
    Teacher,
    TrueRows,
    check_mix,
    pick,
)

__all__ = [
    "CHUNK",
    "DELTAS",
    "DEVICES",
    "NOTHING",
    "POSITIVE",
    "Adam",
    "Batches",
    "BestOf",
    "Confident",
    "Delta",
    "Draw",
    "LstmNet",
    "LstmReplicas",
    "ModuleNet",
    "Net",
    "Oracle",
    "PseudoLabelledRows",
    "ReplicaArm",
    "ReplicaLearner",
    "Replicas",
    "Rows",
    "Sweep",
    "Teacher",
    "TrueRows",
    "TrueRowsFrom",
    "Verifier",
    "against",
    "batches_of",
    "check_mix",
    "count",
    "gru_net",
    "initial",
    "pick",
    "tensors",
    "transformer_net",
]
