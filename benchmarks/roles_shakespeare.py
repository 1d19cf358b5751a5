"""A text, corrupted in ways that are known: are the parts told apart?

Of its passages one third stays as it is, one third has its words shuffled, and one third stands five times,
each time with a key of random letters and digits put in, the same in all five. As it is, a passage is
structure; repeated, a fact; shuffled, noise.
"""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

import numpy as np
from sklearn.metrics import f1_score, roc_auc_score

from negspace.data import Fragments
from negspace.language_models import train_tokenizer
from negspace.probes import CONDITIONS, ROLE_NAMES, role_quantities, sort_roles

PASSAGES, WORDS, TIMES, VOCABULARY = 540, 70, 5, 1024
PARTS = ("as it is", "repeated with a key", "shuffled")


def corrupted(text: str, seed: int) -> tuple[list[str], np.ndarray]:
    """Passages and the part each belongs to: 0 as it is, 1 repeated, 2 shuffled."""
    rng = np.random.default_rng(seed)
    words = text.split()
    starts = rng.permutation(len(words) // WORDS)[:PASSAGES] * WORDS
    rows: list[tuple[str, int]] = []
    for i, start in enumerate(starts):
        passage = words[start : start + WORDS]
        if i % 3 == 2:
            rows.append((" ".join(passage[j] for j in rng.permutation(len(passage))), 2))
        elif i % 3 == 1:
            key = "".join(rng.choice(list("abcdefghijklmnopqrstuvwxyz0123456789"), 12))
            at = int(rng.integers(len(passage)))
            rows += [(" ".join([*passage[:at], key, *passage[at:]]), 1)] * TIMES
        else:
            rows.append((" ".join(passage), 0))
    order = rng.permutation(len(rows))
    return [rows[i][0] for i in order], np.array([rows[i][1] for i in order])


def as_fragments(texts: list[str]) -> Fragments:
    tokenizer = train_tokenizer(texts, VOCABULARY, 4096)
    ids = [list(tokenizer(text)["input_ids"]) for text in texts]
    lengths = np.array([len(row) for row in ids])
    tokens = np.zeros((len(ids), int(lengths.max())), dtype=np.int32)
    for row, found in zip(tokens, ids, strict=True):
        row[: len(found)] = found
    places = tuple(f"passage {i + 1}" for i in range(len(ids)))
    return Fragments(tuple(texts), tokens, lengths, places, sha256(tokens.tobytes()).hexdigest())


def sort_corrupted(path: Path, workers: int, seed: int = 0) -> None:
    texts, part = corrupted(path.read_text(encoding="utf-8"), seed)
    fragments = as_fragments(texts)
    print(
        f"{len(fragments)} fragments of {fragments.lengths.mean():.0f} tokens;"
        f" {np.bincount(part)} of each part"
    )
    roles = sort_roles(role_quantities(fragments, seed=seed, workers=workers))
    measures = roles.quantities
    looked = np.isfinite(measures.surprise)
    print(f"looked at {looked.sum()}; overfitted: {measures.overfitted()}")
    print(f"\n{'':22s}" + "".join(f"{name:>11s}" for name in ROLE_NAMES))
    for i, name in enumerate(PARTS):
        counts = np.bincount(roles.codes[part == i], minlength=4)
        print(f"{name:22s}" + "".join(f"{count:11d}" for count in counts))
    said = roles.probabilities.argmax(axis=1)
    sure = roles.codes < len(PARTS)
    f1 = f1_score(part[looked], said[looked], average="macro")
    print(f"of those looked at: macro-F1, none left unsure, {f1:.3f}; sure {sure[looked].mean():.0%}")
    print(f"precision of the sure ones: {np.mean(said[sure] == part[sure]):.3f} of {sure.sum()}")
    names = (*CONDITIONS, "ordered", "clean", "seen")
    print(f"\n{'medians':22s}" + "".join(f"{name:>12s}" for name in names))
    for i, name in enumerate(PARTS):
        rows = [getattr(measures, q)[looked & (part == i)] for q in names]
        middle = [np.median(row[np.isfinite(row)]) if np.isfinite(row).any() else np.nan for row in rows]
        print(f"{name:22s}" + "".join(f"{value:12.2f}" for value in middle))
    for q in ("clean", "surprise", "explained", "memorised", "ordered"):
        values = getattr(measures, q)
        there = np.isfinite(values)
        aucs = [roc_auc_score(part[there] == i, values[there]) for i in range(3)] if there.any() else []
        shown = " ".join(f"{name}: {auc:.3f}" for name, auc in zip(PARTS, aucs, strict=False))
        two = there & (part != 1)
        pair = roc_auc_score(part[two] == 2, values[two]) if two.any() else float("nan")
        print(f"AUC of {q}: {shown}; shuffled against as it is: {pair:.3f}")
