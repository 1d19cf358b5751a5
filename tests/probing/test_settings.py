"""What may be asked of a probe, and what is said where it may not."""

from __future__ import annotations

import math

import pytest

from negspace.errors import PlanError
from negspace.probing import ProbeSettings, all_probes, parse_probes


def test_probes_run_in_their_own_order() -> None:
    assert parse_probes("role, loss,gradient") == ("loss", "gradient", "role")
    assert parse_probes("all") == parse_probes(all_probes()) == all_probes()


def test_a_mistyped_probe_is_named() -> None:
    with pytest.raises(PlanError, match="did you mean 'pressure'"):
        ProbeSettings(parse_probes("loss,presure"))


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"probes": ()}, "no probe"),
        ({"fragment_tokens": 1}, "at least 8"),
        ({"sample": 0}, "at least one fragment"),
        ({"step_size": -1.0}, "above 0"),
        ({"step_size": math.nan}, "above 0"),
        ({"seed": -1}, "from 0"),
    ],
)
def test_what_cannot_be_is_refused(wrong: dict[str, object], said: str) -> None:
    with pytest.raises(PlanError, match=said):
        ProbeSettings(**wrong)  # type: ignore[arg-type]
