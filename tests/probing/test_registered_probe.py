"""A probe of another package: one class in an entry point; listed, run, resumed and shown like ours."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
from click.testing import CliRunner

from negspace.errors import PlanError

pytest.importorskip("transformers", reason="language models need the extra 'hf'")

from negspace.cli.main import cli
from negspace.probes import PROBES, Probe, Probed, Trace, TraceMetric
from negspace.probing import all_probes, parse_probes, probe

measured: list[int] = []


@dataclass(frozen=True)
class CapitalsProbe(Probe):
    """How many capitals each fragment has."""

    name: ClassVar[str] = "capitals"
    metrics: ClassVar[tuple[TraceMetric, ...]] = (
        TraceMetric("share", "per character", "capitals", "how loud the fragment is"),
    )

    def measure(
        self, model: Any, fragments: Any, rows: Sequence[int], *, batch: int, tokens: bool = False
    ) -> Probed:
        measured.extend(int(row) for row in rows)
        texts = [fragments.texts[row] for row in rows]
        values = np.array([sum(map(str.isupper, text)) / len(text) for text in texts])
        return Probed((Trace("capitals", "share", values),))


@pytest.fixture
def _installed(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    point = EntryPoint("capitals", f"{__name__}:CapitalsProbe", "negspace.probes")
    with monkeypatch.context() as patch:
        patch.setattr("negspace.registry.entry_points", lambda group: [point] if group == point.group else [])
        PROBES.refresh()
        yield
    PROBES.refresh()


@pytest.mark.usefixtures("_installed")
def test_it_is_listed_after_ours_and_suggested() -> None:
    assert all_probes()[-1] == "capitals"
    assert parse_probes("capitals,loss") == ("loss", "capitals")
    said = " ".join(CliRunner().invoke(cli, ["probe", "--help"]).output.split())
    assert "One of: capitals, gradient, loss," in said
    with pytest.raises(PlanError, match="did you mean 'capitals'"):
        probe("nowhere.txt", probes="capital")


@pytest.mark.usefixtures("_installed")
def test_it_runs_resumes_and_is_on_the_page(
    corpus: Path, model: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: dict[str, Any] = {"model": model, "probes": "capitals", "fragment_tokens": 32, "workers": 1}
    measured.clear()
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr("negspace.probing.run.write_result", _interrupt)
        probe(corpus, out=tmp_path / "out", **asked)
    found = probe(corpus, out=tmp_path / "out", **asked)
    assert sorted(measured) == list(range(found.to_dict()["corpus"]["fragments"]))  # once each: it resumed
    traces = found.traces.to_pylist()
    assert {(row["probe"], row["measure"]) for row in traces} == {("capitals", "share")}
    assert found.to_dict()["units"] == {"capitals": "per character"}
    page = found.page.read_text("utf-8")
    assert "how loud the fragment is" in page
    assert "Highest by" in page


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt
