"""Audits of small planted sets, whose answer is known before they run."""

from __future__ import annotations

import csv
import json
from collections import defaultdict
from collections.abc import Callable
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from negspace import DataError, PlanError, audit
from negspace.models import TfidfLearner

Rows = list[dict[str, object]]
Draw = Callable[..., Rows]


# Where the near misses come from.


def test_a_contrast_set_is_used_before_groups(ordinary: Draw, pairs: Draw) -> None:
    train = [{**row, "pair": -i - 1} for i, row in enumerate(ordinary(60))] + pairs(10)
    contrast = [{**row, "pair": f"other {row['pair']}"} for row in pairs(10, 2)]
    found = audit(train, test=ordinary(30, 1), near_miss=contrast, group="pair", seeds=2).to_dict()
    assert found["near_miss"]["source"] == "given"
    assert (found["easy"]["n"], found["near_miss"]["n"]) == (30, 20)
    assert found["pair_consistency"]["n"] == 10  # each pair once, though both its sides are near misses


def test_groups_are_used_before_mining(ordinary: Draw, pairs: Draw) -> None:
    rows = [{**row, "pair": None} for row in ordinary(100)] + pairs(30)
    result = audit(rows, group="pair", seeds=2)
    found = result.to_dict()
    held_out = [rows[row["index"]] for row in result.rows() if row["split"] == "test"]
    in_pairs = sum(row["pair"] is not None for row in held_out)
    assert found["near_miss"]["source"] == "group"
    assert found["near_miss"]["n"] == in_pairs
    assert found["easy"]["n"] == len(held_out) - in_pairs
    assert found["pair_consistency"]["n"] == in_pairs // 2


def test_near_misses_are_mined_where_none_are_given(ordinary: Draw, pairs: Draw) -> None:
    """Ordinary tickets share few words: the only test rows near another label are the planted pairs."""
    test = ordinary(30, 1) + [{"text": row["text"], "label": row["label"]} for row in pairs(8, 2)]
    result = audit(ordinary(100), test=test, seeds=2)
    found = result.to_dict()
    assert found["near_miss"]["source"] == "mined"
    planted = 16 - found["left_out"]["near_miss_suspects"]
    near = set(result.parts.boundary.near_miss - 100)
    assert near <= set(range(30, 46))
    assert len(near) == planted == found["near_miss"]["n"]


def test_where_every_row_is_grouped_there_is_nothing_easy(pairs: Draw) -> None:
    found = audit(pairs(60), group="pair", seeds=3).to_dict()
    assert found["easy"] is None
    assert found["gap"] is None
    assert found["verdict"]["outcome"] == "inconclusive"
    assert "nothing easy" in found["verdict"]["reason"]
    assert found["near_miss"]["mean"] is not None
    assert found["pair_consistency"]["mean"] is not None


def test_where_nothing_is_near_the_gap_is_unknown() -> None:
    rows = [{"text": f"alpha{i} beta{i}", "label": "ab"[i % 2]} for i in range(60)]
    found = audit(rows, seeds=3).to_dict()
    assert found["near_miss"] is None
    assert found["gap"] is None
    assert found["pair_consistency"] is None
    assert found["verdict"]["outcome"] == "inconclusive"
    assert "near miss" in found["verdict"]["reason"]
    assert "--near-miss" in found["verdict"]["next"]
    assert set(found["roles"]) == {"boundary", "redundant", "suspect", "plain"}
    assert sum(found["roles"].values()) == 60


# What a split and a fold may not divide.


@pytest.mark.parametrize("group", ["pair", None], ids=["given", "found"])
def test_pairs_are_never_divided(
    pairs: Draw, ordinary: Draw, monkeypatch: pytest.MonkeyPatch, group: str | None
) -> None:
    folds_of: list[np.ndarray] = []
    out_of_fold = TfidfLearner.out_of_fold

    def watched(self: TfidfLearner, texts: Any, labels: Any, n_labels: Any, folds: Any, **others: Any) -> Any:
        folds_of.append(folds)
        return out_of_fold(self, texts, labels, n_labels, folds, **others)

    monkeypatch.setattr(TfidfLearner, "out_of_fold", watched)
    rows = [*pairs(50), *({**row, "pair": 1000 + i} for i, row in enumerate(ordinary(40)))]
    found = audit(rows, group=group, seeds=2).rows()
    (folds,) = folds_of
    sides, fold, cluster = defaultdict(set), defaultdict(set), defaultdict(set)
    for given, row in zip(rows, found, strict=True):
        sides[given["pair"]].add(row["split"])
        cluster[given["pair"]].add(row["cluster"])
        fold[given["pair"]].add(int(folds[row["index"]]))
    assert all(len(values) == 1 for by_pair in (sides, cluster, fold) for values in by_pair.values())
    assert set.union(*sides.values()) == {"train", "test"}


def test_the_split_holds_out_a_fifth_of_each_label() -> None:
    rows = [{"text": f"alpha{i} beta{i}", "label": "abc"[i % 3]} for i in range(150)]
    result = audit(rows, seeds=1)
    out = [rows[row["index"]]["label"] for row in result.rows() if row["split"] == "test"]
    assert [out.count(label) for label in "abc"] == [10, 10, 10]
    assert result.to_dict()["data"]["trained_on"] == 120


# Label errors.


def test_mislabelled_rows_are_no_near_misses(ordinary: Draw) -> None:
    """A test row copied with the label of the other kind looks like a near miss; it is an error."""
    test = ordinary(60, 1)
    wrong = [
        {"text": f"{row['text']} Thanks.", "label": "refused" if row["label"] == "granted" else "granted"}
        for row in test[:6]
    ]
    result = audit(ordinary(300), test=[*test, *wrong], seeds=3)
    found = result.to_dict()
    boundary = result.parts.boundary
    errors, planted = set(range(60, 66)), {*range(6), *range(60, 66)}
    near, dropped = set(boundary.near_miss - 300), set(boundary.suspects - 300)
    assert dropped <= planted  # no honest row is lost with them
    assert len(dropped & errors) >= 4
    assert (near & planted) | dropped == planted
    assert found["left_out"]["near_miss_suspects"] == len(dropped)
    # Every model here reads the mood: wrong on the six copies, and on nothing else.
    everything = len(near) + len(dropped)
    assert found["left_out"]["near_miss_mean_with_them"] == pytest.approx((everything - 6) / everything)


def test_a_mislabelled_training_row_is_a_suspect(ordinary: Draw) -> None:
    rows = ordinary(200)
    for row in rows[:8]:
        row["label"] = "refused" if row["label"] == "granted" else "granted"
    result = audit(rows, test=ordinary(20, 1), seeds=1)
    suspects = {row["index"] for row in result.rows() if row["role"] == "suspect"}
    assert suspects <= set(range(8))
    assert len(suspects) >= 6
    worst = sorted(result.rows(), key=lambda row: row["label_quality"])[:8]
    assert {row["index"] for row in worst} == set(range(8))


# The numbers.


def _csv(path: Path, header: list[str], rows: list[list[object]]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([header, *rows])
    return path


EASY = ["alpha a", "beta b", "gamma c", "delta d", "epsilon e"]
EASY_LABELS = ["pos", "neg", "pos", "neg", "pos"]
NEAR = [
    "it was a very good film to see",
    "it was a very bad film to see",
    "we met one kind man there",
    "we met one mean man there",
]
NEAR_LABELS = ["pos", "neg", "pos", "neg"]


def _scored(folder: Path, header: list[str], columns: list[list[object]]) -> dict[str, Any]:
    found = audit(
        [{"text": f"word{i}", "label": ["pos", "neg"][i % 2]} for i in range(10)],
        test=[{"text": t, "label": n} for t, n in zip(EASY, EASY_LABELS, strict=True)],
        near_miss=[{"text": t, "label": n} for t, n in zip(NEAR, NEAR_LABELS, strict=True)],
        learner=f"scores:{_csv(folder / 'p.csv', header, [list(row) for row in zip(*columns, strict=True)])}",
    )
    return found.to_dict()


def test_scores_give_the_accuracies_counted_by_hand(tmp_path: Path) -> None:
    predicted = [*("pos", "neg", "neg", "neg", "pos"), *("pos", "pos", "pos", "neg")]
    found = _scored(tmp_path, ["model"], [predicted])
    assert found["seeds"] == [0]
    assert found["easy"]["mean"] == 4 / 5
    assert found["near_miss"]["mean"] == 3 / 4
    assert found["gap"]["mean"] == pytest.approx(4 / 5 - 3 / 4)
    assert found["pair_consistency"] | {"ci": None} == {
        **{"mean": 0.5, "ci": None, "per_seed": [0.5], "n": 2},
        "clusters": 2.0,
    }
    assert found["verdict"]["outcome"] == "inconclusive"
    assert "10" in found["verdict"]["reason"]  # how many a verdict takes
    # A label without a probability says nothing about calibration; a model elsewhere cannot be asked again.
    assert found["calibration"]["ece"] is None
    assert all(each["estimate"] is None for each in found["invariance"])
    assert any("scores" in warning for warning in found["warnings"])


def test_each_column_of_scores_is_a_run(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    truth = np.array([label == "pos" for label in EASY_LABELS + NEAR_LABELS])
    columns = [rng.random(9).round(3) for _ in range(12)]  # probability of "pos", the second of the labels
    found = _scored(tmp_path, [f"run{i}" for i in range(12)], [list(column) for column in columns])
    right = np.array([(column > 0.5) == truth for column in columns])
    assert found["easy"]["per_seed"] == pytest.approx(right[:, :5].mean(axis=1))
    assert found["near_miss"]["per_seed"] == pytest.approx(right[:, 5:].mean(axis=1))
    assert found["gap"]["mean"] == pytest.approx(
        (right[:, :5].mean(axis=1) - right[:, 5:].mean(axis=1)).mean()
    )
    both = (right[:, 5] & right[:, 6]).astype(float) + (right[:, 7] & right[:, 8])
    assert found["pair_consistency"]["per_seed"] == pytest.approx(both / 2)
    p = np.array(columns)[:, 5:]
    brier = ((p - truth[5:]) ** 2).mean(axis=1)  # Brier 1950; of two labels it is the same for either
    assert found["calibration"]["brier"]["per_seed"] == pytest.approx(brier)
    assert len(found["seeds"]) == 12


def test_the_curve_counts_every_test_row_once(ordinary: Draw, pairs: Draw) -> None:
    found = audit(ordinary(60), test=ordinary(50, 1), near_miss=pairs(30, 2), seeds=2).to_dict()
    curve = found["curve"]
    assert sum(band["n"] for band in curve) == 110
    assert all(band["low"] <= band["high"] for band in curve)
    assert all(near["high"] < far["low"] for near, far in pairwise(curve))
    right = sum(band["n"] * band["mean"] for band in curve)
    assert right == pytest.approx(50 * found["easy"]["mean"] + 60 * found["near_miss"]["mean"])


def test_a_verb_nobody_needed_is_not_learnt(ordinary: Draw, pairs: Draw) -> None:
    """The mood decides 100 % of ordinary tickets and, of each pair, exactly one side."""
    found = audit(ordinary(200), test=ordinary(60, 1), near_miss=pairs(40, 2), seeds=10).to_dict()
    assert found["easy"]["mean"] == 1
    assert found["near_miss"]["mean"] == pytest.approx(0.5, abs=0.03)
    assert found["verdict"]["outcome"] == "supported"
    low, high = found["gap"]["ci"]
    assert 0.05 < low < found["gap"]["mean"] < high


def test_a_learnt_verb_leaves_no_gap(ordinary: Draw, pairs: Draw) -> None:
    found = audit(pairs(150), test=ordinary(60, 1), near_miss=pairs(40, 2), seeds=10).to_dict()
    assert found["easy"]["mean"] == 1
    assert found["near_miss"]["mean"] == 1
    assert found["gap"]["mean"] == 0
    assert found["verdict"]["outcome"] != "supported"
    assert found["pairs"] == []  # no pair has a wrong side


def test_further_metrics_are_measured_on_easy_rows_and_near_misses(
    ordinary: Draw, pairs: Draw, tmp_path: Path
) -> None:
    rows, test, near = ordinary(60), ordinary(30, 1), pairs(20, 2)
    found = audit(rows, test=test, near_miss=near, metrics=["accuracy", "brier"], seeds=2)
    content = found.to_dict()
    near_miss = {key: value for key, value in content["near_miss"].items() if key != "source"}
    assert content["metrics"]["accuracy on easy"] == content["easy"]
    assert content["metrics"]["accuracy on near_miss"] == near_miss
    brier = [value for name, value in content["metrics"].items() if "Brier" in name and "near_miss" in name]
    assert brier == [content["calibration"]["brier"]]
    assert "Further metrics" in found.save(tmp_path).read_text("utf-8")
    plain = audit(rows, test=test, near_miss=near, seeds=2)
    assert plain.resumed == 2  # what is measured changes no fit
    assert "metrics" not in plain.to_dict()
    with pytest.raises(PlanError, match=r"no metric 'acuracy'[\s\S]*accuracy"):
        audit(rows, metrics=["acuracy"])


# The same answer however it is asked.


def _frames(rows: Rows) -> dict[str, object]:
    pandas, polars = pytest.importorskip("pandas"), pytest.importorskip("polars")
    table = pa.Table.from_pylist(rows)
    frames = {
        "pandas": pandas.DataFrame(rows),
        "polars": polars.DataFrame(rows),
        "arrow": table,
        "list": rows,
    }
    try:
        import datasets
    except ImportError:
        return frames
    return {**frames, "datasets": datasets.Dataset.from_list(rows)}


def test_every_form_of_the_rows_gives_the_same_audit(pairs: Draw, tmp_path: Path) -> None:
    rows = pairs(30)
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "rows.parquet")
    found = {
        name: audit(source, group="pair", seeds=2).to_dict()
        for name, source in {**_frames(rows), "file": tmp_path / "rows.parquet"}.items()
    }
    paths = {name: each["data"].pop("path") for name, each in found.items()}
    assert paths["file"] == str(tmp_path / "rows.parquet")
    for each in found.values():
        assert each == found["file"]


def test_the_same_seed_gives_the_same_bytes(
    ordinary: Draw, pairs: Draw, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = ordinary(80) + [{"text": row["text"], "label": row["label"]} for row in pairs(20)]

    def save(name: str, *, workers: int, noise: int, seed: int = 0) -> dict[str, bytes]:
        import random

        monkeypatch.setenv("NEGSPACE_STORE", str(tmp_path / f"{name}.sqlite"))  # nothing is resumed
        np.random.seed(noise)  # noqa: NPY002  (what must change nothing)
        random.seed(noise)
        folder = audit(rows, seeds=3, seed=seed, workers=workers).save(tmp_path / name).parent
        return {path.name: path.read_bytes() for path in folder.iterdir()}

    first = save("first", workers=1, noise=1)
    assert set(first) == {"report.html", "audit.json", "rows.parquet"}
    assert save("second", workers=2, noise=2) == first
    other = save("third", workers=1, noise=1, seed=1)
    assert all(other[name] != first[name] for name in first)


def test_an_audit_resumes_from_finished_fits(ordinary: Draw) -> None:
    rows = ordinary(60)
    fresh = audit(rows, seeds=2)
    more = audit(rows, seeds=4)
    assert (fresh.resumed, more.resumed) == (0, 2)
    again = audit(rows, seeds=4)
    assert again.resumed == 4
    assert again.to_dict() == more.to_dict()


# Data nobody planned for.


def test_two_rows_with_their_own_test_file() -> None:
    rows = [{"text": "good film", "label": "pos"}, {"text": "bad film", "label": "neg"}]
    result = audit(rows, test=rows, seeds=2)
    assert result.to_dict()["verdict"]["outcome"] == "inconclusive"
    assert len(result.rows()) == 2
    assert any("2 of 2 rows" in warning for warning in result.to_dict()["warnings"])


def test_two_rows_alone_are_refused() -> None:
    with pytest.raises(DataError, match="too few"):
        audit([{"text": "good film", "label": "pos"}, {"text": "bad day", "label": "neg"}], seeds=2)


def test_six_rows() -> None:
    words = [
        ("good film", "pos"),
        ("bad film", "neg"),
        ("nice", "pos"),
        ("ugly", "neg"),
        ("fine", "pos"),
        ("sad", "neg"),
    ]
    result = audit([{"text": text, "label": label} for text, label in words], seeds=2)
    assert len(result.rows()) == 6
    assert {row["split"] for row in result.rows()} == {"train", "test"}


@pytest.mark.parametrize("as_type", [int, float, str])
def test_labels_that_are_numbers(as_type: Callable[[int], object]) -> None:
    rows = [{"text": f"word{i % 3} number{i}", "label": as_type(i % 3)} for i in range(60)]
    labels = audit(rows, seeds=1).to_dict()["data"]["labels"]
    assert labels == {"0": 20, "1": 20, "2": 20}


def test_a_hundred_labels_of_two_rows_each() -> None:
    rows = [{"text": f"word{i} about thing{i // 2}", "label": f"intent {i // 2:02d}"} for i in range(200)]
    result = audit(rows, seeds=2)
    trained = {rows[row["index"]]["label"] for row in result.rows() if row["split"] == "train"}
    assert len(trained) == 100  # no label is tested that was not learnt
    assert len(result.to_dict()["data"]["labels"]) == 100


def test_texts_without_any_word() -> None:
    rows = [{"text": "😀🎉"[i % 2] * (1 + i % 5), "label": "ab"[i % 2]} for i in range(40)]
    found = audit(rows, seeds=2).to_dict()
    assert found["near_miss"] is None
    assert found["roles"]["boundary"] == 0


def test_one_text_for_all_rows() -> None:
    rows = [{"text": "all the same", "label": "ab"[i % 2]} for i in range(30)]
    with pytest.raises(DataError, match="too few rows or groups"):
        audit(rows, seeds=2)
    found = audit(rows, test=[{"text": "quite another", "label": "a"}], seeds=2).to_dict()
    assert found["roles"] == {"boundary": 0, "redundant": 0, "suspect": 30, "plain": 0}


def test_near_misses_that_are_the_test_file(ordinary: Draw) -> None:
    test = ordinary(20, 1)
    found = audit(ordinary(60), test=test, near_miss=test, seeds=2).to_dict()
    assert found["gap"]["per_seed"] == [0, 0]
    assert any("20 of 20 near misses" in warning for warning in found["warnings"])


# What comes out.


def test_rows_parquet_has_a_row_for_every_training_row(ordinary: Draw, pairs: Draw, tmp_path: Path) -> None:
    rows = ordinary(60) + [{"text": row["text"], "label": row["label"]} for row in pairs(20)]
    result = audit(rows, seeds=1)
    result.save(tmp_path)
    table = pq.read_table(tmp_path / "rows.parquet")
    assert {"index", "role", "reason", "neighbour", "distance", "label_quality"} <= set(table.column_names)
    assert table["index"].to_pylist() == list(range(100))
    assert set(table["role"].to_pylist()) <= {"boundary", "redundant", "suspect", "plain"}
    for row in table.to_pylist():
        assert 0 <= row["label_quality"] <= 1
        assert row["reason"]
        if row["role"] == "boundary":  # a near miss has another label and stands near
            assert rows[row["neighbour"]]["label"] != rows[row["index"]]["label"]
            assert row["distance"] <= 0.5
    counted = {role: table["role"].to_pylist().count(role) for role in result.to_dict()["roles"]}
    assert counted == result.to_dict()["roles"]
    # The planted pairs stand beside each other, and nothing else stands near them.
    planted = table.slice(60).to_pylist()
    assert [row["neighbour"] for row in planted] == [60 + (i ^ 1) for i in range(40)]


def test_audit_json_is_what_to_dict_says(ordinary: Draw, tmp_path: Path) -> None:
    result = audit(ordinary(60), seeds=2)
    result.save(tmp_path)

    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is no JSON")

    assert json.loads((tmp_path / "audit.json").read_text("utf-8"), parse_constant=refuse) == result.to_dict()
    result.to_dict()["data"]["rows"] = -1
    assert result.to_dict()["data"]["rows"] == 60  # a copy each time


class _Page(HTMLParser):
    """Elements, attributes and texts of a page, as a browser would see them."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.texts: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append(tag)
        self.attributes += attrs

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


EVIL = "<script>alert('negspace')</script>"
EVIL_ATTRIBUTE = '" onload="alert(1)" x=\''


def test_markup_in_the_data_is_inert(tmp_path: Path) -> None:
    rows = [
        [f"{EVIL} {EVIL_ATTRIBUTE} same words here for all {kind} w{i}", f"{kind}{EVIL}{EVIL_ATTRIBUTE}"]
        for i in range(12)
        for kind in ("good", "bad")
    ]
    folder = tmp_path / "<script>"
    folder.mkdir()
    name = _csv(folder / f"<img src=x onerror=alert(1)>{EVIL.replace('/', '')}.csv", ["text", "label"], rows)
    near = [[f"near {text}", label] for text, label in rows]
    result = audit(
        name,
        test=_csv(folder / "t.csv", ["text", "label"], rows[:8]),
        near_miss=_csv(folder / "<img>n.csv", ["text", "label"], near[:8]),
        seeds=2,
    )
    page = result.save(tmp_path / "out").read_text("utf-8")
    for each in (page, result._repr_html_()):
        seen = _Page(each)
        assert not {"script", "img", "iframe", "object", "embed", "link"} & set(seen.elements)
        assert not [name for name, _ in seen.attributes if name.startswith("on")]
        assert not [value for _, value in seen.attributes if value and "javascript:" in value.lower()]
    assert any("alert('negspace')" in text for text in _Page(page).texts)  # shown, as text


def test_the_notebook_shows_the_verdict(ordinary: Draw) -> None:
    result = audit(ordinary(60), seeds=2)
    shown = " ".join(" ".join(_Page(result._repr_html_()).texts).split())
    assert result.verdict.outcome.value in shown.lower()
    assert result.to_dict()["verdict"]["question"] in shown


def test_nothing_in_the_report_is_fetched(ordinary: Draw, tmp_path: Path) -> None:
    seen = _Page(audit(ordinary(60), seeds=2).save(tmp_path).read_text("utf-8"))
    fetched = [value for name, value in seen.attributes if name in ("src", "href", "xlink:href", "data")]
    assert all(value is None or value.startswith(("#", "data:")) for value in fetched)
