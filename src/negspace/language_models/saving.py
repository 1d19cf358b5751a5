"""A network in training as files: its parameters and its optimiser's state, without a pickle."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from negspace.errors import StoreError
from negspace.language_models.model import Checkpoint

if TYPE_CHECKING:
    import torch

__all__ = ["find_checkpoints", "load_parameters", "load_state", "save_parameters", "save_state"]

_STATE = "state.safetensors"


def save_parameters(network: Any, folder: Path, step: int) -> Checkpoint:
    """Write every parameter, by name; of tied ones the first name only."""
    file = folder / f"step-{step:06d}.safetensors"
    _save({name: p.detach() for name, p in network.named_parameters()}, file, step)
    return Checkpoint(step, file)


def load_parameters(network: Any, checkpoint: Checkpoint) -> None:
    """Put a checkpoint's parameters into a network of the same kind, in place.

    Raises:
        StoreError: The file is damaged, or of another network.
    """
    import torch  # noqa: PLC0415  (an extra)

    tensors = _load(checkpoint.file)
    own = dict(network.named_parameters())
    if {name: p.shape for name, p in own.items()} != {name: t.shape for name, t in tensors.items()}:
        raise StoreError(f"{checkpoint.file}: the parameters are those of another network", hint="remove it")
    with torch.no_grad():
        for name, parameter in own.items():
            parameter.copy_(tensors[name])


def find_checkpoints(folder: Path) -> tuple[Checkpoint, ...]:
    """The checkpoints in a folder, in order of training."""
    files = sorted(folder.glob("step-*.safetensors"))
    return tuple(Checkpoint(int(file.stem.removeprefix("step-")), file) for file in files)


def save_state(network: Any, optimiser: torch.optim.Optimizer, folder: Path, step: int) -> None:
    """Write what the optimiser remembers of each parameter, in place of what was there."""
    tensors = {
        f"{name}/{part}": value
        for name, parameter in network.named_parameters()
        for part, value in optimiser.state[parameter].items()
    }
    _save(tensors, folder / _STATE, step)


def load_state(network: Any, optimiser: torch.optim.Optimizer, folder: Path) -> int:
    """Bring a network and its optimiser to where `save_state` and `save_parameters` last left them.

    Returns:
        Steps done; 0 where nothing was saved.

    Raises:
        StoreError: A file is damaged.
    """
    file = folder / _STATE
    if not file.is_file():
        return 0
    step = _step_of(file)
    load_parameters(network, next(c for c in find_checkpoints(folder) if c.step == step))
    for key, value in _load(file).items():
        name, part = key.rsplit("/", 1)
        optimiser.state[network.get_parameter(name)][part] = value
    return step


def _save(tensors: dict[str, torch.Tensor], file: Path, step: int) -> None:
    """Write a file whole or not at all: a process killed in the middle leaves the old one."""
    from safetensors.torch import save_file  # noqa: PLC0415  (an extra)

    part = file.with_suffix(".part")
    save_file({name: t.contiguous() for name, t in tensors.items()}, part, metadata={"step": str(step)})
    part.replace(file)


def _load(file: Path) -> dict[str, torch.Tensor]:
    from safetensors import SafetensorError  # noqa: PLC0415  (an extra)
    from safetensors.torch import load_file  # noqa: PLC0415  (an extra)

    try:
        found: dict[str, torch.Tensor] = load_file(file)
    except (OSError, SafetensorError) as error:
        raise _damaged(file, error) from error
    return found


def _step_of(file: Path) -> int:
    from safetensors import SafetensorError, safe_open  # noqa: PLC0415  (an extra)

    try:
        with safe_open(file, "pt") as opened:
            return int(opened.metadata()["step"])
    except (OSError, SafetensorError) as error:
        raise _damaged(file, error) from error


def _damaged(file: Path, error: Exception) -> StoreError:
    return StoreError(
        f"{file}: the checkpoint cannot be read",
        got=str(error),
        hint=f"remove the folder {file.parent.parent}: the model is trained again",
    )
