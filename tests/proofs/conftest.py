"""Small planted data whose proof is known beforehand."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from negspace.demo import tickets
from negspace.proofs import Proof, prove
from negspace.store import RunStore

Rows = list[dict[str, object]]


def ordinary(count: int, seed: int) -> Rows:
    """Tickets whose mood gives the label away."""
    rng = np.random.default_rng(seed)
    drawn = (tickets.ordinary(rng, tickets.LABELS[i % 2]) for i in range(count))
    return [{"text": ticket.text, "label": ticket.label} for ticket in drawn]


def pairs(count: int, seed: int) -> Rows:
    """Tickets, each followed by its near miss: over both, only the verb says the label."""
    drawn = tickets.written_pairs(np.random.default_rng(seed), count)
    return [
        {"text": ticket.text, "label": ticket.label, "pair": number}
        for number, pair in enumerate(drawn)
        for ticket in pair
    ]


@dataclass(frozen=True)
class Data:
    """Arms and tests; the moods of ``ordinary`` hide the verb, which alone decides near misses."""

    pairs: Rows
    ordinary: Rows
    pool: Rows
    test: Rows
    near_miss: Rows


def without_groups(rows: Rows) -> Rows:
    return [{"text": row["text"], "label": row["label"]} for row in rows]


@pytest.fixture(scope="session")
def data() -> Data:
    mixed = without_groups(pairs(60, 5)) + ordinary(60, 6)
    order = np.random.default_rng(0).permutation(len(mixed))
    near = without_groups(pairs(40, 3))[1::2]
    return Data(
        without_groups(pairs(30, 1)), ordinary(240, 2), [mixed[i] for i in order], ordinary(60, 4), near
    )


@pytest.fixture(scope="session")
def shared_store() -> Iterator[RunStore]:
    with RunStore() as store:
        yield store


@pytest.fixture(scope="session")
def proof_of(data: Data, shared_store: RunStore) -> Callable[..., Proof]:
    """A proof on the planted tests; fits that another test made are not made again."""
    usual = {
        "test": data.test,
        "near_miss": data.near_miss,
        "seeds": 10,
        "workers": 1,
        "store": shared_store,
    }

    def run(arms: Any, **settings: Any) -> Proof:
        return prove(arms, **usual | settings)

    return run
