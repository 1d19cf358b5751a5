"""Embedders by name, and model folders that are refused before anything of them is loaded."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from negspace.embedders import TfidfEmbedder, find_model, open_embedder
from negspace.errors import DataError, MissingExtraError, PlanError


def test_the_one_without_a_download() -> None:
    assert open_embedder("tfidf") == TfidfEmbedder()


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("tfdif", "did you mean 'tfidf'"),
        ("matrx:a.npy", "did you mean 'matrix:FILE.npy'"),
        ("ST:model", "did you mean 'st:PATH'"),
        ("", "there is 'hf:PATH', 'matrix:FILE.npy', 'st:PATH', 'tfidf'"),
        ("st", "write st:PATH"),
        ("matrix:", "write matrix:FILE.npy"),
        ("tfidf:model", "takes nothing after its name"),
    ],
)
def test_what_is_not_a_name(name: str, message: str) -> None:
    with pytest.raises(PlanError, match=message):
        open_embedder(name)


def test_a_bare_folder_is_told_how_to_be_asked_for(tmp_path: Path) -> None:
    with pytest.raises(PlanError, match=f"write .*st:{tmp_path}"):
        open_embedder(str(tmp_path))


@pytest.mark.parametrize(("kind", "package"), [("st", "sentence_transformers"), ("hf", "transformers")])
def test_a_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch, kind: str, package: str) -> None:
    found = importlib.util.find_spec
    monkeypatch.setattr(
        "negspace.embedders.encoders.find_spec", lambda name: None if name == package else found(name)
    )
    with pytest.raises(MissingExtraError, match=rf"negspace\[{kind}\]"):
        open_embedder(f"{kind}:anything")


@pytest.fixture
def model(tmp_path: Path) -> Callable[..., Path]:
    """A folder of the given files, empty but for JSON."""

    def make(*files: str, modules: list[str] | None = None) -> Path:
        for name in files:
            (tmp_path / name).parent.mkdir(exist_ok=True)
            (tmp_path / name).write_text("{}")
        if modules is not None:
            kinds = [{"idx": i, "path": "", "type": kind} for i, kind in enumerate(modules)]
            (tmp_path / "modules.json").write_text(json.dumps(kinds))
        return tmp_path

    return make


def test_a_model_of_safetensors_is_found(model: Callable[..., Path]) -> None:
    folder = model(
        "config.json", "model.safetensors", "pytorch_model.bin", "onnx/model.bin",
        modules=["sentence_transformers.models.Transformer"],
    )  # fmt: skip
    assert find_model(str(folder)) == folder


@pytest.mark.parametrize(
    ("files", "message"),
    [
        (["a.txt"], "neither config.json nor modules.json"),
        (["config.json"], "holds no .safetensors file"),
        (["config.json", "pytorch_model.bin"], r"pickled[^$]*got:  pytorch_model\.bin"),
        (["config.json", "model.safetensors", "2_Dense/pytorch_model.bin"], "2_Dense/pytorch_model"),
        (["config.json", "weights.pt"], r"weights\.pt"),
    ],
)
def test_what_is_no_safe_model_is_refused(model: Callable[..., Path], files: list[str], message: str) -> None:
    with pytest.raises(DataError, match=message):
        find_model(str(model(*files)))


def test_code_that_a_model_brings_is_not_run(model: Callable[..., Path]) -> None:
    with pytest.raises(DataError, match=r"modeling_own\.Own"):
        find_model(str(model("model.safetensors", modules=["modeling_own.Own"])))


def test_broken_settings_are_told_of(model: Callable[..., Path]) -> None:
    folder = model("model.safetensors")
    (folder / "modules.json").write_text("{broken")
    with pytest.raises(DataError, match=r"modules\.json cannot be read"):
        find_model(str(folder))


def test_a_missing_folder_names_its_neighbour(tmp_path: Path) -> None:
    (tmp_path / "minilm").mkdir()
    with pytest.raises(DataError, match="did you mean 'minilm'"):
        find_model(str(tmp_path / "minilmm"))
    with pytest.raises(DataError, match="no such folder"):
        find_model(str(tmp_path / "far" / "away"))


def test_a_hub_id_without_a_hub(monkeypatch: pytest.MonkeyPatch) -> None:
    hub = pytest.importorskip("huggingface_hub", reason="needs the extra 'st' or 'hf'")

    def unreachable(*_: object, **__: object) -> str:
        raise ConnectionError("no network")

    monkeypatch.setattr(hub, "snapshot_download", unreachable)
    with pytest.raises(DataError, match="no network"):
        find_model("some-one/some-model")


def test_pickles_and_code_stay_on_the_hub(
    model: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    from fnmatch import fnmatch

    hub = pytest.importorskip("huggingface_hub", reason="needs the extra 'st' or 'hf'")
    asked: list[list[str]] = []
    folder = model("config.json", "model.safetensors")

    def download(_: str, *, ignore_patterns: list[str]) -> str:
        asked.append(ignore_patterns)
        return str(folder)

    monkeypatch.setattr(hub, "snapshot_download", download)
    assert find_model("some-one/some-model") == folder
    taken = np.array([
        not any(fnmatch(file, pattern) for pattern in asked[0])
        for file in ("model.safetensors", "vocab.txt", "1_Pooling/config.json", "README.md",
                     "pytorch_model.bin", "modeling_own.py", "onnx/model.onnx", "2_Dense/pytorch_model.bin")
    ])  # fmt: skip
    assert taken.tolist() == [True] * 4 + [False] * 4
