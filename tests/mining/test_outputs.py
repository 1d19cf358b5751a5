"""Every format as its trainer reads it, from every kind of data."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from negspace.data import read as read_labelled
from negspace.errors import DataError, StoreError
from negspace.mining import FORMATS, mine

Files = tuple[Callable[..., Path], Callable[..., list[dict[str, Any]]]]

# On a line: the anchor a, its positives p and q, and what lies farther and farther away.
PLACES = {"a": 0.0, "p": 0.1, "q": 0.2, "x": 0.5, "y": 0.7, "z": 0.9}


@pytest.fixture
def pairs(work: Path, jsonl: Files) -> Path:
    """One anchor with two positives; three more rows in the corpus, at known angles."""
    jsonl[0](work / "pairs.jsonl", [{"anchor": "a", "positive": p} for p in "pq"])
    jsonl[0](work / "docs.jsonl", [{"text": t} for t in "xyz"])
    angles = np.array([PLACES[name] for name in "apqxyz"])
    np.save(work / "v.npy", np.stack([np.cos(angles), np.sin(angles)], axis=1))
    return work / "pairs.jsonl"


def run(pairs: Path, form: str, out: str = "o.jsonl", **settings: Any) -> Any:
    settings = {"embedder": "matrix:v.npy", "negatives": 2, "near_duplicate": None} | settings
    return mine(pairs, corpus="docs.jsonl", out=out, format=form, **settings)


EXPECTED: dict[str, list[dict[str, Any]]] = {
    "triplet": [{"anchor": "a", "positive": p, "negative": n} for p in "pq" for n in "xy"],
    "n-tuple": [{"anchor": "a", "positive": p, "negative_1": "x", "negative_2": "y"} for p in "pq"],
    "labelled-pair": [
        {"sentence1": "a", "sentence2": t, "label": y} for t, y in (("p", 1), ("q", 1), ("x", 0), ("y", 0))
    ],
    "labelled-list": [{"query": "a", "docs": ["p", "q", "x", "y"], "labels": [1, 1, 0, 0]}],
    "preference": [{"prompt": "a", "chosen": c, "rejected": r} for r in "xy" for c in "pq"],
    "minimal-pair": [{"sentence_good": c, "sentence_bad": r} for r in "xy" for c in "pq"],
}


@pytest.mark.parametrize("form", EXPECTED)
def test_rows_of_pairs_in_every_format(pairs: Path, jsonl: Files, form: str) -> None:
    run(pairs, form)
    rows = jsonl[1](Path("o.jsonl"))
    assert rows == EXPECTED[form]
    assert [list(row) for row in rows] == [list(row) for row in EXPECTED[form]]  # columns are inputs in order


def test_every_format_is_expected_here() -> None:
    assert set(FORMATS) == {*EXPECTED, "groups"}


def test_the_side_file_says_where_each_negative_came_from(pairs: Path, jsonl: Files) -> None:
    run(pairs, "n-tuple", seed=3)
    cosine = {name: np.cos(angle) for name, angle in PLACES.items()}
    found = jsonl[1](Path("o.provenance.jsonl"))
    assert [(hit["output_row"], hit["slot"], hit["row"]) for hit in found] == [
        (0, 1, 2),
        (0, 2, 3),
        (1, 1, 2),
        (1, 2, 3),
    ]
    for hit, name in zip(found, "xyxy", strict=True):
        assert hit["score"] == pytest.approx(cosine[name], abs=1e-6)
        assert hit["positive_score"] == pytest.approx(cosine["q"], abs=1e-6)  # the lower of the two
        assert (hit["source"], hit["rank"], hit["seed"]) == ("neighbours", 1 if name == "x" else 2, 3)


def test_provenance_columns_stand_in_the_output_if_asked_for(pairs: Path, jsonl: Files) -> None:
    run(pairs, "triplet", provenance=True)
    rows = jsonl[1](Path("o.jsonl"))
    assert [row["negspace_rank"] for row in rows] == [1, 2, 1, 2]
    assert list(rows[0])[:3] == ["anchor", "positive", "negative"]
    run(pairs, "labelled-list", provenance=True)
    (row,) = jsonl[1](Path("o.jsonl"))
    assert row["negspace_source"] == ["neighbours", "neighbours"]
    # Names that sentence-transformers takes for the label, wherever they stand.
    assert not {"score", "scores"} & set(row)
    run(pairs, "labelled-pair", "o.parquet", provenance=True)
    assert pq.read_table("o.parquet")["negspace_rank"].to_pylist() == [None, None, 1, 2]


def test_an_n_tuple_that_is_short_is_left_out_and_said(pairs: Path) -> None:
    with pytest.raises(DataError, match="no anchor has a negative left"):
        run(pairs, "n-tuple", negatives=4)
    assert not Path("o.jsonl").exists()
    warnings = run(pairs, "triplet", negatives=4).to_dict()["warnings"]
    assert "1 of 1 anchors have fewer than 4 negatives" in warnings


def test_groups_are_contrast_groups_that_the_audit_reads(labelled: Any, jsonl: Files) -> None:
    found = mine(labelled.path, out="g.jsonl", embedder=labelled.matrix, format="groups")
    rows = jsonl[1](Path("g.jsonl"))
    assert len({row["text"] for row in rows}) == len(rows)  # a text in two groups would join them
    for row in rows:
        assert row["label"] == f"l{labelled.labels[int(row['text'].split()[1])]}"
    for name in {row["group"] for row in rows}:
        labels = [row["label"] for row in rows if row["group"] == name]
        assert labels[0] not in labels[1:]
        assert len(labels) >= 2
    read_back = read_labelled(Path("g.jsonl"), group="group")
    assert read_back.columns.group == "group"
    assert found.to_dict()["output"]["rows"] == len(rows) == len(list(found.rows()))


@pytest.mark.parametrize("edits", [False, True])
def test_no_text_stands_in_two_groups_in_whatever_case(work: Path, jsonl: Files, edits: bool) -> None:
    texts = [f"[{i}, {word}]" for i in range(4) for word in ('"red"', '"blue"')]
    rows = [{"text": t, "label": "ab"[i % 2]} for i, t in enumerate(texts)]
    rows += [{"text": row["text"].replace("[", "[  "), "label": row["label"]} for row in rows]
    jsonl[0](work / "r.jsonl", rows)
    more: dict[str, Any] = {"sources": "edits", "verifier": "json"} if edits else {"near_duplicate": None}
    mine("r.jsonl", out="g.jsonl", format="groups", negatives=2, **more)
    texts = [" ".join(row["text"].casefold().split()) for row in jsonl[1](Path("g.jsonl"))]
    assert len(texts) > 8
    assert len(set(texts)) == len(texts)


def test_verified_edits_make_groups_and_preferences_without_labels(work: Path, jsonl: Files) -> None:
    jsonl[0](work / "s.jsonl", [{"text": f"[{i}, {{}}]"} for i in range(6)])
    mine("s.jsonl", out="g.jsonl", sources="edits", verifier="json", format="groups", negatives=2)
    rows = jsonl[1](Path("g.jsonl"))
    assert {row["label"] for row in rows} == {"valid", "invalid"}
    for row in rows:
        if row["label"] == "valid":
            json.loads(row["text"])
        else:
            with pytest.raises(json.JSONDecodeError):
                json.loads(row["text"])
    mine("s.jsonl", out="p.jsonl", sources="edits", verifier="json", format="preference")
    assert all(list(row) == ["chosen", "rejected"] for row in jsonl[1](Path("p.jsonl")))


def test_a_folder_is_read_by_datasets_in_both_ways(pairs: Path) -> None:
    datasets = pytest.importorskip("datasets", reason="reads the folder back")
    yaml = pytest.importorskip("yaml", reason="reads the card's header")
    mined = run(pairs, "labelled-list", "made")
    here = datasets.load_from_disk("made")["train"]
    hub = datasets.load_dataset("./made", cache_dir="cache")["train"]
    assert list(here) == list(hub) == list(mined.rows()) == EXPECTED["labelled-list"]
    card = Path("made/README.md").read_text(encoding="utf-8")
    header = yaml.safe_load(card.split("---")[1])
    assert header["configs"][0]["data_files"] == [{"split": "train", "path": "train/*.arrow"}]
    for name, value in mined.to_dict()["settings"].items():
        assert f"| {name} | " in card
        if isinstance(value, str):
            assert f"| {name} | `{value}` |" in card
    assert "## False negatives" in card


def test_files_are_read_by_datasets(pairs: Path) -> None:
    datasets = pytest.importorskip("datasets", reason="reads the files back")
    for suffix, builder in ((".jsonl", "json"), (".parquet", "parquet")):
        run(pairs, "n-tuple", f"o{suffix}")
        loaded = datasets.load_dataset(builder, data_files=f"o{suffix}", split="train", cache_dir="cache")
        assert list(loaded) == EXPECTED["n-tuple"]


def test_a_card_cannot_be_broken_by_names(work: Path, jsonl: Files) -> None:
    yaml = pytest.importorskip("yaml", reason="reads the card's header")
    rows = [{"te|xt`\n---\n# x": f"row {i} {'red' if i % 2 else 'blue'}", "y": i % 2} for i in range(12)]
    jsonl[0](work / "r.jsonl", rows)
    mine("r.jsonl", text="te|xt`\n---\n# x", label="y", out="made")
    card = Path("made/README.md").read_text(encoding="utf-8")
    assert "\n# x" not in card
    assert yaml.safe_load(card.split("\n---\n")[0].removeprefix("---"))["tags"][0] == "negspace"
    (line,) = [line for line in card.splitlines() if "column: text" in line]
    assert line.replace("\\|", "").count("|") == 3


def test_what_stands_in_the_way_is_not_replaced(pairs: Path) -> None:
    Path("mine").mkdir()
    Path("mine/thesis.txt").write_text("years of work")
    with pytest.raises(StoreError, match="holds something else"):
        run(pairs, "triplet", "mine")
    assert Path("mine/thesis.txt").read_text() == "years of work"
    with pytest.raises(DataError, match=r"\.jsonl or \.parquet"):
        run(pairs, "triplet", "o.csv")
    run(pairs, "triplet", "again")
    first = Path("again/mined.json").read_bytes()
    run(pairs, "triplet", "again")
    assert Path("again/mined.json").read_bytes() == first


@pytest.mark.slow  # to import TRL takes longer than all of these tests
def test_trl_takes_the_preferences(pairs: Path) -> None:
    trl = pytest.importorskip("trl.data_utils", reason="TRL checks the format")
    datasets = pytest.importorskip("datasets", reason="reads the file back")
    run(pairs, "preference")
    rows = datasets.load_dataset("json", data_files="o.jsonl", split="train", cache_dir="cache")
    assert set(rows.column_names) == {"prompt", "chosen", "rejected"}
    assert not trl.is_conversational(rows[0])
    # What DPO does first with a standard preference row: nothing is to be extracted from it.
    assert trl.maybe_extract_prompt(rows[0]) == rows[0]
    assert set(trl.unpair_preference_dataset(rows).column_names) == {"prompt", "completion", "label"}


def test_mined_triplets_train_a_real_encoder_without_conversion(
    clinc: Path, work: Path, jsonl: Files
) -> None:
    st = pytest.importorskip("sentence_transformers", reason="trains the encoder")
    datasets = pytest.importorskip("datasets", reason="reads the file")
    import torch
    from sentence_transformers.sentence_transformer.losses import MultipleNegativesRankingLoss
    from sentence_transformers.sentence_transformer.modules import StaticEmbedding
    from tokenizers import Tokenizer, models, pre_tokenizers, trainers

    torch.manual_seed(0)
    train = json.loads((clinc / "data_full.json").read_text(encoding="utf-8"))["train"]
    kept = sorted({label for _, label in train})[:8]
    jsonl[0](work / "r.jsonl", [{"text": t, "label": y} for t, y in train if y in kept])
    mine("r.jsonl", out="o.jsonl", relative_margin=0.05)
    triplets = datasets.load_dataset("json", data_files="o.jsonl", split="train", cache_dir="cache")
    tokenizer = Tokenizer(models.WordLevel(unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    texts = [text for text, label in train if label in kept]
    tokenizer.train_from_iterator(texts, trainers.WordLevelTrainer(special_tokens=["[UNK]", "[PAD]"]))
    model = st.SentenceTransformer(modules=[StaticEmbedding(tokenizer, embedding_dim=32)], device="cpu")

    def right() -> float:
        a, p, n = (
            model.encode(triplets[name][:400], convert_to_tensor=True) for name in triplets.column_names
        )
        closer = torch.cosine_similarity(a, p) > torch.cosine_similarity(a, n)
        return float(closer.float().mean())

    before = right()
    arguments = st.SentenceTransformerTrainingArguments(
        output_dir="run", max_steps=40, per_device_train_batch_size=32, learning_rate=0.05, report_to="none",
        save_strategy="no", disable_tqdm=True, use_cpu=True, dataloader_pin_memory=False,
    )  # fmt: skip
    loss = MultipleNegativesRankingLoss(model)
    st.SentenceTransformerTrainer(model=model, args=arguments, train_dataset=triplets, loss=loss).train()
    assert right() > before
    assert right() > 0.95
