"""What is taken as a negative, against a search and rules written down a second time."""

from __future__ import annotations

from collections.abc import Callable
from math import log
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from negspace.errors import DataError
from negspace.mining import Links, NeighbourSource, SameTexts, mine

Files = tuple[Callable[..., Path], Callable[..., list[dict[str, Any]]]]


def number(text: str) -> int:
    return int(text.split()[1])


@pytest.mark.parametrize(
    "rules",
    [
        {},
        {"relative_margin": 0.3},
        {"absolute_margin": 0.4, "range_min": 2},
        {"max_score": 0.5, "min_score": 0.2, "near_duplicate": 0.7},
    ],
)
def test_neighbours_of_labelled_texts_are_those_of_brute_force(
    labelled: Any, jsonl: Files, rules: dict[str, Any]
) -> None:
    mine(labelled.path, out="o.jsonl", embedder=labelled.matrix, part=50, range_max=85, **rules)
    found: dict[int, list[tuple[int, int]]] = {}
    for row in jsonl[1](Path("o.jsonl")):
        found.setdefault(number(row["anchor"]), []).append((number(row["positive"]), number(row["negative"])))
    cosines, labels = labelled.cosines, labelled.labels
    for anchor in range(90):
        same = [i for i in np.argsort(-cosines[anchor]) if labels[i] == labels[anchor] and i != anchor]
        positive = int(same[0])
        p = cosines[anchor, positive]
        highest = min(
            p - rules.get("absolute_margin", -9),
            p - rules.get("relative_margin", -9) * abs(p),
            rules.get("max_score", 9),
        )
        left = [
            int(i)
            for i in np.argsort(-cosines[anchor])
            if labels[i] != labels[anchor]
            and rules.get("min_score", -9) <= cosines[anchor, i] <= highest
            and cosines[positive, i] < rules.get("near_duplicate", 0.95)
        ]
        first = rules.get("range_min", 0)
        wanted = [(positive, i) for i in left[first : first + 3]]
        assert found.get(anchor, []) == wanted


def test_margins_hold_towards_every_positive_and_rows_of_the_corpus_are_searched(
    work: Path, jsonl: Files
) -> None:
    rng = np.random.default_rng(2)
    write, read = jsonl
    pairs = [(i, j) for i in range(12) for j in sorted(rng.choice(20, size=1 + i % 3, replace=False))]
    write(work / "pairs.jsonl", [{"anchor": f"a {i}", "positive": f"p {j}"} for i, j in pairs])
    write(work / "docs.jsonl", [{"text": f"d {i}"} for i in range(15)] + [{"text": "p 3"}])
    positives = list(dict.fromkeys(j for _, j in pairs))
    vectors = rng.normal(size=(12 + len(positives) + 15, 5))
    vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    if "p 3" not in {f"p {j}" for j in positives}:
        pytest.fail("the draw lacks the row that is in both files")
    np.save(work / "v.npy", vectors)
    mined = mine(
        "pairs.jsonl", corpus="docs.jsonl", out="o.jsonl", embedder="matrix:v.npy", relative_margin=0.1,
        negatives=2, near_duplicate=None, range_max=60,
    )  # fmt: skip
    corpus = [f"p {j}" for j in positives] + [f"d {i}" for i in range(15)]
    wide = vectors.astype(np.float64)
    wanted = []
    for i in range(12):
        own = [positives.index(j) for j in dict.fromkeys(b for a, b in pairs if a == i)]
        scores = wide[12:] @ wide[i]
        p = min(scores[own])
        left = [c for c in np.argsort(-scores) if c not in own and scores[c] <= p - 0.1 * abs(p)]
        for row in sorted(own):
            wanted += [(f"a {i}", corpus[row], corpus[c]) for c in left[:2]]
    found = [(row["anchor"], row["positive"], row["negative"]) for row in read(Path("o.jsonl"))]
    assert sorted(found) == sorted(wanted)
    assert any(negative.startswith("d") for _, _, negative in found)
    assert mined.to_dict()["data"]["corpus"] == len(corpus)
    assert not mined.to_dict()["control"]["classes_known"]


def test_same_class_hits_are_counted_before_and_after_the_rules(labelled: Any) -> None:
    margin = 0.3
    found = mine(labelled.path, out="o.jsonl", embedder=labelled.matrix, relative_margin=margin).to_dict()
    cosines, labels = labelled.cosines, labelled.labels
    before, by_rules = [], []
    for anchor in range(90):
        order = [i for i in np.argsort(-cosines[anchor]) if i != anchor]
        positive = next(i for i in order if labels[i] == labels[anchor])
        p = cosines[anchor, positive]
        others = [i for i in order if i != positive]
        before += [labels[i] == labels[anchor] for i in others[:3]]
        left = [
            i
            for i in others[:31]
            if cosines[anchor, i] <= p - margin * abs(p) and cosines[positive, i] < 0.95
        ]
        by_rules += [labels[i] == labels[anchor] for i in left[:3]]
    same = found["control"]["same_class"][0]
    assert same["before"] == pytest.approx(np.mean(before), abs=1e-6)
    assert same["by_rules"] == pytest.approx(np.mean(by_rules), abs=1e-6)
    assert same["after"] == 0
    assert 0.1 < same["by_rules"] < 0.9  # else the test could not tell


def test_what_is_written_is_counted_by_class_even_if_the_search_errs(
    labelled: Any, jsonl: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A search that passes over no class: the share of false negatives is that of the side file."""
    real = NeighbourSource.search

    def careless(self: NeighbourSource, start: int, stop: int, k: int, *, by_class: bool) -> Any:
        del by_class
        return real(self, start, stop, k, by_class=False)

    monkeypatch.setattr(NeighbourSource, "search", careless)
    found = mine(labelled.path, out="o.jsonl", embedder=labelled.matrix).to_dict()
    hits = jsonl[1](Path("o.provenance.jsonl"))
    wrong = np.mean([labelled.labels[hit["anchor"]] == labelled.labels[hit["row"]] for hit in hits])
    assert 0.1 < wrong < 0.9
    same = found["control"]["same_class"][0]
    assert same["after"] == pytest.approx(wrong, abs=1e-6)
    assert (same["hits_after"], same["hits_unknown"]) == (len(hits), 0)


def test_negatives_of_unknown_class_stand_in_no_share(work: Path, jsonl: Files) -> None:
    pairs = [{"anchor": f"a {i} red", "positive": f"p {i} red", "topic": "xy"[i % 2]} for i in range(8)]
    jsonl[0](work / "pairs.jsonl", pairs)
    jsonl[0](work / "docs.jsonl", [{"text": f"d {i} red"} for i in range(8)])
    mined = mine(
        "pairs.jsonl", corpus="docs.jsonl", label="topic", out="o.jsonl", negatives=10, near_duplicate=None
    )
    rows = jsonl[1](Path("o.jsonl"))
    unknown = sum(row["negative"].startswith("d") for row in rows)
    assert 0 < unknown < len(rows)
    same = mined.to_dict()["control"]["same_class"][0]
    assert (same["hits_unknown"], same["hits_after"], same["after"]) == (unknown, len(rows) - unknown, 0)
    assert any(f"{unknown} of {len(rows)} negatives" in each for each in mined.to_dict()["warnings"])
    # Unfiltered, the ten best of fifteen for each anchor; of known class are at most seven of them.
    assert same["hits_before"] < 8 * 10


def test_random_negatives_come_from_all_that_are_left(labelled: Any, jsonl: Files) -> None:
    def drawn(seed: int) -> list[dict[str, Any]]:
        mine(labelled.path, out="o.jsonl", embedder=labelled.matrix, sampling="random", seed=seed)
        return jsonl[1](Path("o.provenance.jsonl"))

    np.random.seed(1)  # noqa: NPY002 - what a result must not depend on
    one = drawn(0)
    np.random.seed(2)  # noqa: NPY002
    assert drawn(0) == one
    other = drawn(1)
    assert other != one
    ranks = np.array([hit["rank"] for hit in one + other])
    assert ranks.min() == 1
    assert ranks.max() > 25
    assert abs(ranks.mean() - 16) < 2.5  # of 31 candidates, drawn evenly
    assert all(labelled.labels[hit["anchor"]] != labelled.labels[hit["row"]] for hit in one)


def test_bm25_scores_are_those_of_the_formula(work: Path, jsonl: Files) -> None:
    pytest.importorskip("bm25s", reason="the source bm25 needs it")
    rng = np.random.default_rng(0)
    texts = [" ".join(rng.choice(list("abcdefghij"), size=rng.integers(3, 9))) for _ in range(40)]
    texts = list(dict.fromkeys(texts))
    jsonl[0](work / "r.jsonl", [{"text": t, "label": str(i % 2)} for i, t in enumerate(texts)])
    mine("r.jsonl", out="o.jsonl", sources="bm25", near_duplicate=None)
    split = [t.split() for t in texts]
    mean = np.mean([len(words) for words in split])

    def bm25(query: int, row: int) -> float:
        total = 0.0
        for word in split[query]:
            holding = sum(word in words for words in split)
            idf = log(1 + (len(split) - holding + 0.5) / (holding + 0.5))
            tf = split[row].count(word)
            total += idf * tf / (tf + 1.5 * (1 - 0.75 + 0.75 * len(split[row]) / mean))
        return total

    hits = jsonl[1](Path("o.provenance.jsonl"))
    assert len(hits) > 100
    for hit in hits:
        assert hit["score"] == pytest.approx(bm25(hit["anchor"], hit["row"]), rel=1e-5)
    for anchor in range(len(texts)):
        others = sorted((bm25(anchor, i) for i in range(len(texts)) if i % 2 != anchor % 2), reverse=True)
        best = [hit["score"] for hit in hits if hit["anchor"] == anchor]
        assert best == pytest.approx(others[: len(best)], rel=1e-5)


@pytest.mark.parametrize("words", [True, False])
def test_texts_without_words_have_no_bm25_hits(work: Path, jsonl: Files, words: bool) -> None:
    pytest.importorskip("bm25s", reason="the source bm25 needs it")
    texts = ["👍", "👎!", "good film", "bad film"] if words else ["👍", "👎", "?!", "…"]
    jsonl[0](work / "r.jsonl", [{"text": t, "label": "ab"[i % 2]} for i, t in enumerate(texts)])
    if not words:
        with pytest.raises(DataError, match="no anchor has a negative left"):
            mine("r.jsonl", out="o.jsonl", sources="bm25", near_duplicate=None)
        return
    mine("r.jsonl", out="o.jsonl", sources="bm25", near_duplicate=None, pair_with="random")
    found = {(row["anchor"], row["negative"]) for row in jsonl[1](Path("o.jsonl"))}
    assert found == {("good film", "bad film"), ("bad film", "good film")}


def test_no_search_goes_deeper_than_the_corpus(
    labelled: Any, work: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []
    real = NeighbourSource.search

    def noted(self: NeighbourSource, start: int, stop: int, k: int, *, by_class: bool) -> Any:
        asked.append(k)
        assert k <= len(self.corpus)  # here, before ten million places are asked for each anchor
        return real(self, start, stop, k, by_class=by_class)

    monkeypatch.setattr(NeighbourSource, "search", noted)
    mine(labelled.path, out="deep.jsonl", embedder=labelled.matrix, range_max=10_000_000)
    assert asked
    mine(labelled.path, out="all.jsonl", embedder=labelled.matrix, range_max=90)
    assert Path("deep.jsonl").read_bytes() == Path("all.jsonl").read_bytes()


def test_edits_of_several_positives_take_turns_and_are_none_of_them(work: Path, jsonl: Files) -> None:
    # What is proven wrong by the verifier may stand in the data as another positive, or as the anchor.
    positives = ["1 + 1 = 2", "2 + 2 = 4", "3 + 3 = 6"]
    spared = [f"{i} + 1 = 2" for i in range(2, 10)] + ["1 + 1 =  3"]
    rows = [{"anchor": "1 + 1 = 1", "positive": p} for p in (*positives, *spared)]
    jsonl[0](work / "r.jsonl", rows)
    asked: dict[str, Any] = {"sources": "edits", "verifier": "arithmetic"}
    mine("r.jsonl", out="o.jsonl", negatives=6, **asked)
    found = [(row["positive"], row["negative"]) for row in jsonl[1](Path("o.jsonl"))]
    assert [sum(p == positive for p, _ in found) for positive in positives] == [2, 2, 2]
    squeezed = {" ".join(text.split()) for row in rows for text in row.values()}
    mine("r.jsonl", out="o.jsonl", negatives=60, **asked)
    made = {" ".join(row["negative"].split()) for row in jsonl[1](Path("o.jsonl"))}
    assert len(made) > 30
    assert not made & squeezed
    mine("r.jsonl", out="n.jsonl", negatives=6, format="n-tuple", **asked)
    assert [row["positive"] for row in jsonl[1](Path("n.jsonl"))] == positives[:1]


def test_the_model_names_the_label_it_takes_an_anchor_for(work: Path, jsonl: Files) -> None:
    """Rows of ``tea`` share their words with ``coffee``, those of ``rain`` with nothing."""
    things = {"tea": "cup hot drink leaf", "coffee": "cup hot drink bean", "rain": "cloud wet street grey"}
    rng = np.random.default_rng(1)
    fill = [f"w{i}" for i in range(60)]
    rows = []
    for label, words in things.items():
        for _ in range(30):
            drawn = [*rng.choice(words.split(), size=2, replace=False), *rng.choice(fill, size=2)]
            rows.append({"text": " ".join(drawn), "label": label})
    jsonl[0](work / "r.jsonl", rows)
    mined = mine("r.jsonl", out="o.jsonl", sources="model", negatives=2)
    hits = jsonl[1](Path("o.provenance.jsonl"))
    taken_for = [rows[hit["row"]]["label"] for hit in hits if rows[hit["anchor"]]["label"] == "tea"]
    assert np.mean([label == "coffee" for label in taken_for]) > 0.85  # 0.5 by chance
    assert "tea" not in taken_for
    assert all(0 <= hit["score"] <= 1 for hit in hits)
    assert "probability" in mined.to_dict()["sources"][0]["score"]


def test_sources_take_turns_and_no_text_stands_twice(labelled: Any, jsonl: Files) -> None:
    pytest.importorskip("bm25s", reason="the source bm25 needs it")
    mine(labelled.path, out="o.jsonl", embedder=labelled.matrix, sources="neighbours,bm25", negatives=4)
    per_anchor: dict[int, list[dict[str, Any]]] = {}
    for hit in jsonl[1](Path("o.provenance.jsonl")):
        per_anchor.setdefault(hit["anchor"], []).append(hit)
    for hits in per_anchor.values():
        assert [hit["source"] for hit in hits[:2]] == ["neighbours", "bm25"]
        assert len({hit["row"] for hit in hits}) == len(hits) == 4


def test_every_edit_is_wrong_arithmetic(work: Path, jsonl: Files) -> None:
    sums = [(a, b, a + b + (a % 7 == 0)) for a in range(3, 40) for b in (4, 25)]
    jsonl[0](work / "sums.jsonl", [{"text": f"{a} + {b} = {s}"} for a, b, s in sums])
    found = mine("sums.jsonl", out="o.jsonl", sources="edits", verifier="arithmetic", format="minimal-pair")
    rows = jsonl[1](Path("o.jsonl"))
    for row in rows:
        for text, right in ((row["sentence_good"], True), (row["sentence_bad"], False)):
            left, _, result = text.partition("=")
            assert (eval(left) == eval(result)) is right  # sums made above, and changes of their digits
    wrong = sum(a % 7 == 0 for a, _, _ in sums)
    assert len({row["sentence_good"] for row in rows}) == len(sums) - wrong
    assert found.to_dict()["anchors"]["without_negatives"] == wrong
    assert any("not proven valid" in warning for warning in found.to_dict()["warnings"])
    hit = jsonl[1](Path("o.provenance.jsonl"))[0]
    assert hit["verifier"] == "arithmetic"
    assert '"operator"' in hit["edit"]


def test_a_text_with_two_labels_is_no_negative_of_itself(work: Path, jsonl: Files) -> None:
    rows = [("good film", "a"), ("Good  film", "b"), ("bad film", "b"), ("a good one", "a"), ("bad", "b")]
    jsonl[0](work / "r.jsonl", [{"text": t, "label": y} for t, y in rows])
    mined = mine("r.jsonl", out="o.jsonl", near_duplicate=None)
    for row in jsonl[1](Path("o.jsonl")):
        assert " ".join(row["negative"].lower().split()) != " ".join(row["anchor"].lower().split())
        assert row["positive"] != row["anchor"]
    assert any("more than one label" in warning for warning in mined.to_dict()["warnings"])


def test_an_anchor_alone_in_its_class_is_counted(work: Path, jsonl: Files) -> None:
    rows = [("red apple", "a"), ("green apple", "a"), ("red car", "b")]
    jsonl[0](work / "r.jsonl", [{"text": t, "label": y} for t, y in rows])
    found = mine("r.jsonl", out="o.jsonl").to_dict()
    assert found["anchors"]["without_positive"] == 1
    assert found["anchors"]["without_negatives"] == 0
    assert {row["anchor"] for row in jsonl[1](Path("o.jsonl"))} == {"red apple", "green apple"}


def test_rows_with_the_text_of_an_anchor_or_positive_are_known_for_every_range() -> None:
    texts = ["A b", "a  B", "c", "d", "C", "e", "a b"]
    positives = Links(np.array([0, 1, 3, 3]), np.array([2, 3, 5]))
    same = SameTexts.among(["a B", "x", "E"], texts, positives)
    wanted = [{0, 1, 6, 2, 4}, {3, 5}, {5}]
    for start in range(3):
        for stop in range(start, 4):
            part = same.part(start, stop)
            assert [set(part.of(i).tolist()) for i in range(stop - start)] == wanted[start:stop]
            assert part.indptr[-1] == sum(map(len, wanted[start:stop]))
