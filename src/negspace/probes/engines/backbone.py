"""A language model as backbone and head: logits of few tokens at a time, states at every checkpoint."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from negspace.data import Fragments
from negspace.errors import PlanError, StoreError
from negspace.language_models import Batch, Checkpoint, LanguageModel, Rows, batches, check_finite

# Enough rows that the product with the head's weights is as fast as one of all rows, or nearly; at 150,000
# words of vocabulary these logits take 150 MB.
_ROWS = 256

# By network: the prefix and the class of the answer, where it can be parted; it keeps no network alive.
_PARTED: WeakKeyDictionary[nn.Module, tuple[str, Callable[..., Any]] | None] = WeakKeyDictionary()


@dataclass(frozen=True, eq=False)
class Backbone:
    """A causal language model; its body gives the last hidden states, after the last norm."""

    network: Any
    body: nn.Module
    prefix: str  # what the names of the body's parameters start with in the network
    answer: Callable[..., Any]  # the class of what the body answers with

    def hidden(self, batch: Batch) -> Float[Tensor, "fragments longest width"]:
        """Last hidden states of a batch, after the last norm."""
        found: Tensor = self.body(**batch.inputs()).last_hidden_state
        return found

    def logits(self, hidden: Float[Tensor, "tokens width"]) -> Float[Tensor, "tokens vocabulary"]:
        """Logits of some hidden states; they are nobody else's, and may be written over.

        The network's own code runs, on a body that answers with ``hidden``: caps, scales and biases of the
        logits, which differ from one family of models to the next, are as the family has them.
        """
        with _answering(self.body, self.answer(last_hidden_state=hidden[None])):
            ids = torch.zeros((1, len(hidden)), dtype=torch.int64, device=hidden.device)
            found: Tensor = self.network(input_ids=ids, use_cache=False).logits
        return found[0]


def find_backbone(model: LanguageModel) -> Backbone | None:
    """Part a model into body and head; None where its logits come about in some other way.

    Whether head after body gives the logits of the whole is tried on two tokens, once for each network.
    """
    network = model.network
    if network not in _PARTED:
        backbone = _part(model)
        _PARTED[network] = None if backbone is None else (backbone.prefix, backbone.answer)
    parted = _PARTED[network]
    if parted is None:
        return None
    causal = causal_model(network)
    return Backbone(causal, causal.get_submodule(parted[0].removesuffix(".")), *parted)


def causal_model(network: Any) -> Any:
    """The causal model inside what adds low-rank adapters to it."""
    return network.get_base_model() if hasattr(network, "get_base_model") else network


def _part(model: LanguageModel) -> Backbone | None:
    network = causal_model(model.network)
    body = getattr(network, "base_model", network)
    prefix = next((name for name, module in network.named_modules() if module is body), "")
    if not prefix:
        return None
    # Not the tokens that `Backbone.logits` names: where the body runs all the same, its answer shows.
    ids = torch.tensor([[1, 0]], device=model.device)
    inputs = {
        "input_ids": ids,
        "position_ids": torch.arange(2, device=model.device)[None],
        "use_cache": False,
    }
    with torch.no_grad():
        whole = model.network(**inputs).logits
        answer = body(**inputs)
        hidden = getattr(answer, "last_hidden_state", None)
        if not isinstance(hidden, Tensor) or hidden.shape[:2] != ids.shape:
            return None
        backbone = Backbone(network, body, f"{prefix}.", type(answer))
        try:
            parted = backbone.logits(hidden[0])
        except (AttributeError, IndexError, TypeError, ValueError):
            return None  # a head that asks for more than the last hidden states
    # Products of matrices of other sizes may differ in the last bits.
    near = 16 * torch.finfo(whole.dtype).eps
    size = float(whole.nan_to_num(0.0, 0.0, 0.0).abs().max())
    same = parted.shape == whole[0].shape and torch.allclose(
        parted, whole[0], rtol=near, atol=near * size, equal_nan=True
    )
    return backbone if same else None


def last_hidden(model: LanguageModel) -> Callable[[Batch], Tensor]:
    """What gives the last hidden states of a batch; without running the head, where that can be left out."""
    backbone = find_backbone(model)
    if backbone is not None:
        return backbone.hidden
    return lambda batch: model.network(**batch.inputs(), output_hidden_states=True).hidden_states[-1]


@contextmanager
def _answering(body: nn.Module, answer: object) -> Iterator[None]:
    """Let a module give one answer, whatever it is asked, for a while."""
    # On the instance it hides the method of the class; deleted, that shows again.
    before = vars(body).get("forward")
    body.forward = lambda *_args, **_kwargs: answer
    try:
        yield
    finally:
        del body.forward
        if before is not None:
            body.forward = before


@dataclass(frozen=True, eq=False)
class LogitBlock:
    """Logits of some scored tokens, of one fragment or of several."""

    rows: Int[np.ndarray, " tokens"]  # each token's fragment among all fragments
    places: Int[np.ndarray, " tokens"]  # of the token in its fragment; at least 1
    truth: Int[Tensor, " tokens"]  # ids of the tokens, on the model's device
    logits: Float[Tensor, "tokens vocabulary"]  # float32 or float64; may be written over


def logit_blocks(
    model: LanguageModel, fragments: Fragments, rows: Rows, *, batch: int
) -> Iterator[LogitBlock]:
    """Go through all scored tokens of some fragments.

    The head of the network runs on 256 tokens at a time, and on none that is padding or the last of its
    fragment. Where a network cannot be parted from its head, the logits of the batch are held, as in any
    forward pass, and handed out in parts.

    Threads and gradients are the caller's to turn off: a generator that is left before its end gives them
    back late.
    """
    backbone = find_backbone(model)
    for some in batches(fragments, np.unique(rows), tokens=batch, device=model.device):
        states = backbone.hidden(some) if backbone is not None else model.network(**some.inputs()).logits
        which, before = some.scored[:, 1:].nonzero(as_tuple=True)
        of, at = some.rows[which.cpu().numpy()], before.cpu().numpy() + 1
        for start in range(0, len(which), _ROWS):
            part = slice(start, start + _ROWS)
            found = states[which[part], before[part]]
            logits = backbone.logits(found) if backbone is not None else found
            logits = logits if logits.dtype == torch.float64 else logits.float()
            truth = some.ids[which[part], before[part] + 1]
            # The loss is finite where the largest logit and the true token's are; others may be -inf.
            worst = logits.amax(1) - logits.gather(1, truth[:, None])[:, 0]
            check_finite(model, fragments, of[part], worst.cpu().numpy())
            yield LogitBlock(of[part], at[part], truth, logits)


class CheckpointDrift:
    """All checkpoints of a model, held at once; the model itself keeps its parameters.

    Raises:
        PlanError: The network cannot be parted from its head.
        StoreError: A checkpoint cannot be read, or lacks parameters.
    """

    def __init__(self, model: LanguageModel) -> None:
        backbone = find_backbone(model)
        if backbone is None:
            raise PlanError(
                f"the checkpoints of {model.name} cannot be compared: its head cannot be told from the rest",
                got=type(model.network).__name__,
                hint="probe the model without its checkpoints",
            )
        self._body = backbone.body
        self._states = [_parameters(backbone, each, model.device) for each in model.checkpoints]

    def movement(self, batch: Batch) -> Float[np.ndarray, " tokens"]:
        """1 - cosine of each scored token's last hidden state to that at the next checkpoint, on average."""
        before: Tensor | None = None
        moved = torch.zeros(int(batch.scored.sum()), dtype=torch.float64)
        for state in self._states:
            found = torch.func.functional_call(self._body, state, kwargs=batch.inputs()).last_hidden_state
            now = found[batch.scored].float()
            if before is not None:
                moved += 1 - torch.cosine_similarity(before, now, dim=1).cpu().double()
            before = now
        result: Float[np.ndarray, " tokens"] = (moved / (len(self._states) - 1)).numpy()
        return result


def _parameters(backbone: Backbone, checkpoint: Checkpoint, device: str) -> dict[str, Tensor]:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    stored: dict[str, Tensor] = {}
    fault, names = "", [name for name, _ in backbone.body.named_parameters()]
    try:
        stored = load_file(checkpoint.file, device=device)
    except (OSError, SafetensorError) as error:
        fault, got = "cannot be read", str(error)
    else:
        if lacking := [backbone.prefix + name for name in names if backbone.prefix + name not in stored]:
            fault, got = "lacks parameters of the model", ", ".join(lacking)
    if fault:
        raise StoreError(
            f"the checkpoint of step {checkpoint.step} {fault}: {checkpoint.file}",
            got=got,
            hint="train the model again",
        )
    return {name: stored[backbone.prefix + name] for name in names}
