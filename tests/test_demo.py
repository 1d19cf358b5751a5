"""``negspace demo``: the gap, its closing, and a command that runs."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import pytest

from negspace.cli import main
from negspace.data import read
from negspace.demo import tickets

DOCS = Path(__file__).resolve().parents[1] / "docs"


def _run(capfd: pytest.CaptureFixture[str], *words: str) -> str:
    capfd.readouterr()
    with pytest.raises(SystemExit) as ended:
        main(list(words))
    printed = capfd.readouterr()
    assert (ended.value.code, printed.err) == (0, "")
    return printed.out


def _files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_demo_shows_a_gap_and_its_closing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    shown = _run(capfd, "demo", "--out", "a demo")
    folder = tmp_path / "a demo"
    audits = {
        name: json.loads((folder / name / "audit.json").read_text("utf-8")) for name in ("before", "after")
    }
    before, after = audits["before"], audits["after"]
    assert before["verdict"]["outcome"] == "supported"
    assert before["easy"]["mean"] > 0.95
    assert before["near_miss"]["mean"] == pytest.approx(0.5, abs=0.1)
    assert after["verdict"]["outcome"] != "supported"
    assert after["near_miss"]["mean"] > 0.95
    assert after["data"]["rows"] == before["data"]["rows"]

    # The data are what the grammar says, and share no text with the test rows.
    for name in ("before", "after", "test", "near_miss"):
        examples = read(folder / f"{name}.csv").examples
        labels = [examples.label_names[label] for label in examples.labels]
        assert labels == [tickets.check(text) for text in examples.texts]
    assert before["warnings"] == after["warnings"] == []

    assert (folder / "report.html").is_file()
    assert {path.name for path in (folder / "before").iterdir()} == {
        "report.html",
        "audit.json",
        "rows.parquet",
    }
    assert "a demo/report.html" in shown
    assert "negspace audit YOUR_FILE" in shown

    # The printed command audits the first set again, to the same answer.
    (line,) = (line for line in shown.splitlines() if "before.csv" in line)
    words = shlex.split(line[line.index("negspace ") :])
    assert words[:2] == ["negspace", "audit"]
    assert json.loads(_run(capfd, *words[1:], "--json")) == before

    # The README shows the same table.
    table = shown[shown.index("  before") : shown.index("Report ")]
    readme = (DOCS.parent / "README.md").read_text("utf-8")
    assert "\n".join(line.strip() for line in table.splitlines()).strip() in "\n".join(
        line.strip() for line in readme.splitlines()
    )

    # It is the example of docs/how-to/audit.md, and prints what stands there.
    printed = _run(capfd, *words[1:], "--out", "out")
    example = "\n".join(line.rstrip() for line in printed.splitlines())
    assert example in (DOCS / "how-to" / "audit.md").read_text("utf-8")


def test_the_same_seed_writes_the_same_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    words = ("demo", "--out", "d", "--seed", "3", "--seeds", "2")
    shown = _run(capfd, *words)
    first = _files(tmp_path / "d")
    monkeypatch.setenv("NEGSPACE_STORE", str(tmp_path / "another.sqlite"))  # nothing is resumed
    printed = json.loads(_run(capfd, *words, "--json"))
    assert _files(tmp_path / "d") == first
    assert printed == {name: json.loads(first[f"{name}/audit.json"]) for name in ("before", "after")}

    # The printed command keeps the settings.
    (line,) = (line for line in shown.splitlines() if "before.csv" in line)
    again = json.loads(_run(capfd, *shlex.split(line[line.index("negspace ") :])[1:], "--json"))
    assert again == printed["before"]


def test_another_seed_writes_other_tickets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def stop(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("negspace.demo.before_after.audit", stop)
    monkeypatch.chdir(tmp_path)
    for seed in ("3", "4"):
        with pytest.raises(SystemExit) as ended:
            main(["demo", "--out", seed, "--seed", seed])
        assert ended.value.code == 130
    three, four = _files(tmp_path / "3"), _files(tmp_path / "4")
    assert set(three) == set(four) == {"before.csv", "after.csv", "test.csv", "near_miss.csv"}
    assert all(three[name] != four[name] for name in three)
