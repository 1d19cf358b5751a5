"""Small nets, all seeds and arms of an architecture trained side by side."""

from __future__ import annotations

from negspace.learners.replicas.arm import BestOf, ReplicaArm, Sweep
from negspace.learners.replicas.batches import Adam, Batches, Delta
from negspace.learners.replicas.engines import Replicas
from negspace.learners.replicas.learner import DEVICES, ReplicaLearner
from negspace.learners.replicas.module_net import ModuleNet, gru_net, transformer_net
from negspace.learners.replicas.nets import LstmNet, Net, count
from negspace.learners.replicas.rows import POSITIVE, Rows, TrueRows
from negspace.learners.replicas.taught import Confident, Oracle, TaughtRows, TrueRowsFrom, Verifier

__all__ = [
    "DEVICES",
    "POSITIVE",
    "Adam",
    "Batches",
    "BestOf",
    "Confident",
    "Delta",
    "LstmNet",
    "ModuleNet",
    "Net",
    "Oracle",
    "ReplicaArm",
    "ReplicaLearner",
    "Replicas",
    "Rows",
    "Sweep",
    "TaughtRows",
    "TrueRows",
    "TrueRowsFrom",
    "Verifier",
    "count",
    "gru_net",
    "transformer_net",
]
