"""``docs/how-to/curate.md`` names every key, column and strategy there is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from negspace.curation import STRATEGIES, curate

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "how-to" / "curate.md").read_text(encoding="utf-8")


def _keys(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield key
            if key != "learner":  # its keys are the learner's settings
                yield from _keys(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _keys(inner)


def test_every_key_column_and_strategy_is_on_the_page(ticket_pool: Callable[..., Any]) -> None:
    made = curate(ticket_pool(60, 15), 10, seeds=1, worklist=2, workers=1)
    names = {*_keys(made.to_dict()), *made.rows()[0], *STRATEGIES}
    assert len(names) > 60
    assert [name for name in sorted(names) if f"`{name}`" not in PAGE] == []
