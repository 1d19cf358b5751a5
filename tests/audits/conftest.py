"""Small planted data whose audit is known beforehand."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from negspace.demo import tickets

Rows = list[dict[str, object]]


@pytest.fixture
def ordinary() -> Callable[..., Rows]:
    """Tickets whose mood gives the label away; ``seed`` draws others."""

    def draw(count: int, seed: int = 0) -> Rows:
        rng = np.random.default_rng(seed)
        drawn = (tickets.ordinary(rng, tickets.LABELS[i % 2]) for i in range(count))
        return [{"text": ticket.text, "label": ticket.label} for ticket in drawn]

    return draw


@pytest.fixture
def pairs() -> Callable[..., Rows]:
    """Tickets, each followed by its near miss, with the number of the pair."""

    def draw(count: int, seed: int = 100) -> Rows:
        drawn = tickets.written_pairs(np.random.default_rng(seed), count)
        return [
            {"text": ticket.text, "label": ticket.label, "pair": number}
            for number, pair in enumerate(drawn)
            for ticket in pair
        ]

    return draw
