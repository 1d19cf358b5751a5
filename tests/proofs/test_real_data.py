"""The proof on human-rewritten film reviews."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from negspace.proofs import Conclusion, FromPool, prove


@pytest.mark.slow
def test_a_hundred_pairs_are_superior_to_as_many_random_rows_of_their_pool(cad: Path) -> None:
    with (cad / "paired_train.tsv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    pool = [{"text": row["Text"], "label": row["Sentiment"]} for row in rows]
    names = sorted({row["batch_id"] for row in rows})
    chosen = set(np.random.default_rng(0).choice(names, 100, replace=False).tolist())
    pairs = [shown for shown, row in zip(pool, rows, strict=True) if row["batch_id"] in chosen]
    assert len(pairs) == 200
    proof = prove(
        {"pairs": pairs, "random": FromPool("random", pool)},
        test=cad / "orig_test.tsv",
        near_miss=cad / "new_test.tsv",
        seeds=10,
    )
    assert proof.conclusions["random"] is Conclusion.SUPERIOR
    found = proof.to_dict()["arms"][0]
    # Measured elsewhere, over 8 draws of pairs: as good as about 800 random rows, .815 and .851.
    assert 400 < found["exchange"]["near_miss"]["rows"] < 2000
    assert found["near_miss"]["mean"] == pytest.approx(0.851, abs=0.04)
    assert found["easy"]["mean"] == pytest.approx(0.815, abs=0.04)
