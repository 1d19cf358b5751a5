"""Small nets, all seeds and arms of an architecture trained side by side."""

from __future__ import annotations

from negspace.lab.replicas.arm import BestOf, ReplicaArm, Sweep
from negspace.lab.replicas.batches import Adam, Batches, Delta
from negspace.lab.replicas.engines import Replicas
from negspace.lab.replicas.learner import DEVICES, ReplicaLearner
from negspace.lab.replicas.module_net import ModuleNet, gru_net, transformer_net
from negspace.lab.replicas.nets import LstmNet, Net, count
from negspace.lab.replicas.pseudo_labels import Confident, Oracle, PseudoLabelledRows, TrueRowsFrom, Verifier
from negspace.lab.replicas.rows import POSITIVE, Rows, TrueRows

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
    "PseudoLabelledRows",
    "ReplicaArm",
    "ReplicaLearner",
    "Replicas",
    "Rows",
    "Sweep",
    "TrueRows",
    "TrueRowsFrom",
    "Verifier",
    "count",
    "gru_net",
    "transformer_net",
]
