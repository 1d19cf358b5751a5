"""``docs/how-to/audit.md`` names every key and column there is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from negspace import audit

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "how-to" / "audit.md").read_text(encoding="utf-8")
NAMED_BY_DATA = {"labels", "learner"}  # their keys are the user's labels and the learner's settings


def _keys(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield key
            if key not in NAMED_BY_DATA:
                yield from _keys(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _keys(inner)


def test_every_key_and_column_is_on_the_page(ordinary: Callable[..., Any], pairs: Callable[..., Any]) -> None:
    result = audit(ordinary(60) + pairs(5), test=ordinary(20, 1), near_miss=pairs(10, 2), seeds=2)
    names = {*_keys(result.to_dict()), *result.rows()[0]}
    assert len(names) > 60
    assert [name for name in sorted(names) if f"`{name}`" not in PAGE] == []
