"""The whole way, from a text file to pages; against models and passes of its own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from negspace.errors import DataError, StoreError

pytest.importorskip("transformers", reason="language models need the extra 'hf'")

from negspace.probes import GradientProbe, LossProbe, ProbeContext
from negspace.probing import ProbeResult, probe, state_hash

FAST = ("loss", "pressure", "gradient", "step", "retention", "volatility")


def probed(corpus: Path, model: Any, out: Path, **settings: Any) -> ProbeResult:
    asked = {"probes": FAST, "fragment_tokens": 32, "sample": 3, "workers": 1, **settings}
    return probe(corpus, model=model, out=out, **asked)


@pytest.fixture(scope="module")
def found(corpus: Path, model: Any, tmp_path_factory: pytest.TempPathFactory) -> ProbeResult:
    return probed(corpus, model, tmp_path_factory.mktemp("found"), tokens=True, check=True)


def test_files_are_written_and_agree(found: ProbeResult) -> None:
    folder = found.page.parent
    assert {each.name for each in folder.iterdir()} == {
        "report.html", "probe.json", "traces.parquet", "fragments.parquet", "tokens.parquet", "fragments",
    }  # fmt: skip
    summary = json.loads((folder / "probe.json").read_text("utf-8"))
    assert summary == found.to_dict()
    pages = {f"fragments/{each.name}" for each in (folder / "fragments").iterdir()}
    assert pages == {each["page"] for each in summary["chosen"]}
    rows = pq.read_table(folder / "fragments.parquet")
    assert rows.num_rows == summary["corpus"]["fragments"] == len(summary["fragments"])


def test_losses_are_the_models_own(found: ProbeResult, model: Any) -> None:
    import torch

    texts = pq.read_table(found.page.parent / "fragments.parquet").column("text").to_pylist()
    for row in (0, len(texts) // 2):
        ids = torch.tensor([model.encode([texts[row]])[0]])
        with torch.no_grad():
            loss = model.network(input_ids=ids, labels=ids).loss.item()
        assert found.to_dict()["fragments"][row]["values"][0] == pytest.approx(loss, rel=1e-4)


def test_tokens_add_up_to_their_fragments(found: ProbeResult) -> None:
    tokens = pq.read_table(found.page.parent / "tokens.parquet").to_pandas()
    traces = found.traces.to_pandas()
    for measure in ("loss", "pressure"):
        whole = traces[(traces.probe == measure) & (traces.measure == measure)].set_index("fragment").value
        np.testing.assert_allclose(tokens.groupby("fragment")[measure].mean(), whole, rtol=1e-5)


def test_reference_and_fragments_are_apart(found: ProbeResult, corpus: Path) -> None:
    summary = found.to_dict()
    texts = pq.read_table(found.page.parent / "fragments.parquet").column("text").to_pylist()
    whole = corpus.read_text("utf-8")
    assert all(text in whole for text in texts)
    assert sum(map(len, texts)) < len(whole)
    # Eight pieces at most, of 16 tokens each: an eighth of a fragment would be too short.
    pieces, tokens = summary["reference"]["fragments"], summary["reference"]["tokens"]
    assert 1 <= pieces <= 8
    assert 8 * pieces < tokens <= 16 * pieces


def test_steps_are_taken_by_the_sample_alone(found: ProbeResult) -> None:
    traces = found.traces.to_pandas()
    stepped = set(traces[(traces.probe == "step") & (traces.measure == "transfer")].fragment)
    sampled = {each["row"] for each in found.to_dict()["fragments"] if each["sampled"]}
    assert stepped == sampled and len(sampled) == 3


def test_gradients_were_checked_on_this_model(found: ProbeResult) -> None:
    check = found.to_dict()["check"]
    assert check["largest_norm_error"] < 1e-4
    assert found.to_dict()["coverage"]["share"] == 1


def test_a_stopped_run_goes_on_and_ends_the_same(
    corpus: Path, model: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = probed(corpus, model, tmp_path / "whole", probes="loss,gradient")
    planned = ProbeContext.planned

    def stopped(self: Any) -> Any:
        for number, each in enumerate(planned(self)):
            if number == 1:
                raise KeyboardInterrupt
            yield each

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(ProbeContext, "planned", stopped)
        probed(corpus, model, tmp_path / "out", probes="loss,gradient")
    kept = list((tmp_path / "out" / ".unfinished").rglob("part-loss-*.parquet"))
    assert kept
    measured = []
    before = LossProbe.measure
    monkeypatch.setattr(
        LossProbe, "measure", lambda self, *a, **k: measured.append(k.get("tokens")) or before(self, *a, **k)
    )
    again = probed(corpus, model, tmp_path / "out", probes="loss,gradient")
    # Only the tokens of the chosen fragments were looked at anew.
    assert measured == [True]
    assert again.to_dict() == whole.to_dict()
    assert not (tmp_path / "out" / ".unfinished").exists()


def test_too_little_memory_halves_the_batch_and_changes_nothing(
    corpus: Path, model: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = probed(corpus, model, tmp_path / "whole", probes="loss,gradient")
    before = GradientProbe.measure
    tried = []

    def tight(self: Any, *args: Any, batch: int, **more: Any) -> Any:
        tried.append(batch)
        if batch > 64:
            raise MemoryError
        return before(self, *args, batch=batch, **more)

    monkeypatch.setattr(GradientProbe, "measure", tight)
    halved = probed(corpus, model, tmp_path / "halved", probes="loss,gradient")
    assert max(tried) > 64 >= min(tried)
    assert _numbers(halved) == pytest.approx(_numbers(whole), rel=1e-4, abs=1e-6)


def test_a_loss_that_is_no_number_is_told(corpus: Path, model: Any, tmp_path: Path) -> None:
    from copy import deepcopy
    from dataclasses import replace

    import torch

    broken = replace(model, network=deepcopy(model.network), fingerprint="broken")
    with torch.no_grad():
        next(broken.network.parameters()).fill_(float("nan"))
    with pytest.raises(DataError, match="finite"):
        probed(corpus, broken, tmp_path / "out", probes="loss")


def test_one_fragment_leaves_nothing_to_set_aside(model: Any, tmp_path: Path) -> None:
    file = tmp_path / "short.txt"
    file.write_text("the king of rome", encoding="utf-8")
    with pytest.raises(DataError, match="but one fragment"):
        probed(file, model, tmp_path / "out")
    reference = probed(file, model, tmp_path / "out", reference=file, probes="loss,gradient")
    assert reference.to_dict()["corpus"]["fragments"] == 1


def test_what_is_the_users_is_neither_replaced_nor_removed(corpus: Path, model: Any, tmp_path: Path) -> None:
    out = tmp_path / "out"
    (out / "fragments").mkdir(parents=True)
    (out / "fragments" / "mine.html").write_text("mine")
    with pytest.raises(StoreError, match="earlier probe"):
        probed(corpus, model, out, probes="loss")
    (out / "fragments" / "mine.html").rename(out / "mine.html")
    (out / "fragments").rmdir()
    probed(corpus, model, out, probes="loss", tokens=True)
    (out / "fragments" / "mine.html").write_text("mine")
    probed(corpus, model, out, probes="loss", sample=2)
    assert (out / "mine.html").exists() and (out / "fragments" / "mine.html").exists()
    # Tokens of the first run would not be those of the second.
    assert not (out / "tokens.parquet").exists()


def test_numbers_of_a_step_depend_on_no_other_probe(corpus: Path, model: Any, tmp_path: Path) -> None:
    alone = probed(corpus, model, tmp_path / "alone", probes="step")
    beside = probed(corpus, model, tmp_path / "beside", probes="gradient,step")
    assert alone.to_dict()["settings"]["step_size"] == beside.to_dict()["settings"]["step_size"]
    agreement = beside.to_dict()["agreement"]
    assert [each["first_order"] for each in agreement] == ["gradient: transfer", "gradient: self-influence"]


def test_a_model_that_was_changed_is_another_model(model: Any) -> None:
    from copy import deepcopy
    from dataclasses import replace

    import torch

    mine = replace(model, network=deepcopy(model.network))
    before = state_hash(mine)
    assert before == state_hash(mine) == state_hash(model)
    first = next(mine.network.parameters())
    first.requires_grad_(False)
    frozen = state_hash(mine)
    with torch.no_grad():
        first[0, 0] += 1
    assert len({before, frozen, state_hash(mine)}) == 3


def test_two_runs_do_not_write_one_folder(corpus: Path, model: Any, tmp_path: Path) -> None:
    from negspace.store import locked

    with locked(tmp_path / "out" / ".unfinished"), pytest.raises(StoreError, match="another run"):
        probed(corpus, model, tmp_path / "out", probes="loss")


def _numbers(result: ProbeResult) -> list[float]:
    return [float(value) for value in result.traces.column("value").to_pylist()]
