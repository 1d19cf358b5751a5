"""How far representations move from one checkpoint of a model to the next."""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from negspace.errors import PlanError, StoreError
from negspace.language_models import Batch, Checkpoint, LanguageModel
from negspace.probes.engines.backbone import Backbone, find_backbone


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
        """1 - cosine of each scored token's last hidden state to that at the next checkpoint, on average.

        Returns:
            A number for each scored token of the batch, fragment by fragment.
        """
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

    try:
        stored = load_file(checkpoint.file, device=device)
    except (OSError, SafetensorError) as error:
        raise StoreError(
            f"the checkpoint of step {checkpoint.step} cannot be read: {checkpoint.file}",
            got=str(error),
            hint="train the model again",
        ) from error
    names = [name for name, _ in backbone.body.named_parameters()]
    lacking = [name for name in names if backbone.prefix + name not in stored]
    if lacking:
        raise StoreError(
            f"the checkpoint of step {checkpoint.step} lacks parameters of the model: {checkpoint.file}",
            got=", ".join(backbone.prefix + name for name in lacking),
            hint="train the model again",
        )
    return {name: stored[backbone.prefix + name] for name in names}
