"""Losses, against transformers' own and against models whose probabilities are known."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from negspace.data import Fragments
from negspace.errors import DataError
from negspace.language_models import LanguageModel, batches, token_losses

from .conftest import fragment_losses


def test_the_loss_is_that_of_transformers(model: LanguageModel, fragments: Fragments) -> None:
    rows = np.arange(len(fragments))
    ours = fragment_losses(model, fragments, rows, 256)
    for row in rows:
        ids = torch.tensor(fragments.tokens[row, : fragments.lengths[row]].astype(np.int64))[None]
        with torch.inference_mode():
            theirs = model.network(input_ids=ids, labels=ids).loss.item()
        assert ours[row] == pytest.approx(theirs, rel=1e-5)


class Counting:
    """Gives token i + 1 the probability 3/4 after token i, and all others together a quarter."""

    words = 50

    def __call__(self, input_ids: torch.Tensor, **_: Any) -> SimpleNamespace:
        after = torch.nn.functional.one_hot((input_ids + 1) % self.words, self.words).float()
        return SimpleNamespace(logits=torch.log(after * 0.75 + (1 - after) * 0.25 / (self.words - 1)))


def counted() -> tuple[LanguageModel, Fragments]:
    tokens = np.array([[1, 2, 3, 7, 0], [5, 6, 0, 0, 0], [9, 9, 10, 11, 12]], dtype=np.int32)
    fragments = Fragments(("a", "b", "c"), tokens, np.array([4, 2, 5]), ("p1", "p2", "p3"), "")
    return LanguageModel("counting", Counting(), None, "", 64), fragments


def test_each_token_is_scored_by_those_before_it() -> None:
    model, fragments = counted()
    known, other = -np.log(0.75), -np.log(0.25 / 49)
    losses = token_losses(model, fragments, [2, 0, 1, 0], 6)
    x = np.nan
    np.testing.assert_allclose(
        losses,
        [[x, other, known, known, known], [x, known, known, other, x], [x, known, x, x, x],
         [x, known, known, other, x]],
        rtol=1e-6,
    )  # fmt: skip
    means = fragment_losses(model, fragments, [0, 1], 100)
    np.testing.assert_allclose(means, [(2 * known + other) / 3, known], rtol=1e-6)
    assert token_losses(model, fragments, [], 100).shape == (0, 5)


def test_batch_and_neighbours_change_nothing(
    model: LanguageModel, fragments: Fragments, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = np.arange(len(fragments))
    whole = token_losses(model, fragments, rows, 10_000)
    monkeypatch.setattr("negspace.language_models.model._AT_ONCE", 700)  # two tokens at once
    for batch in (1, 100):
        np.testing.assert_allclose(token_losses(model, fragments, rows, batch), whole, rtol=2e-5, atol=1e-6)
    alone = token_losses(model, fragments, [5], 64)
    np.testing.assert_allclose(alone[0], whole[5], rtol=2e-5, atol=1e-6)


def test_batches_hold_each_row_once_and_no_more_tokens_than_asked(fragments: Fragments) -> None:
    rows = np.array([4, 1, 9, 20, 3])
    found = list(batches(fragments, rows, tokens=70))
    assert sorted(row for batch in found for row in batch.rows) == sorted(rows)
    for batch in found:
        assert batch.ids.numel() <= 70 or len(batch.rows) == 1
        np.testing.assert_array_equal(batch.scored.sum(1), fragments.lengths[batch.rows] - 1)
        assert not batch.scored[:, 0].any()


def test_a_loss_that_is_not_finite_names_its_fragment() -> None:
    model, fragments = counted()

    class Broken(Counting):
        def __call__(self, input_ids: torch.Tensor, **_: Any) -> SimpleNamespace:
            logits = super().__call__(input_ids).logits
            logits[input_ids == 6] = torch.nan  # the last of the second fragment: it scores nothing
            logits[input_ids == 10] = torch.nan
            return SimpleNamespace(logits=logits)

    broken = replace(model, network=Broken())
    with pytest.raises(DataError, match=r"p3: the loss[^$]*nan at token 3 of 5; 1 of 3[^$]*--dtype float32"):
        token_losses(broken, fragments, [0, 1, 2], 100)
    assert np.isfinite(fragment_losses(broken, fragments, [0, 1], 100)).all()
