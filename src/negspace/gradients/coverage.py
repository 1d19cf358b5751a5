"""The coverage ledger: which parameters' gradients are measured, and why the others are not."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from negspace.gradients.layers import layer_of
from negspace.records import Json

__all__ = ["Coverage", "Entry"]

_NAMED = 4


@dataclass(frozen=True)
class Entry:
    """One parameter.

    Attributes:
        name: As the network names it; the first name of a tied one.
        size: Numbers in it.
        status: ``"measured"``, ``"frozen"`` (it does not ask for a gradient) or ``"not covered"``.
        why: How it is measured (``"Linear"``, ``"Embedding"`` …), or why it is not.
    """

    name: str
    size: int
    status: str
    why: str

    @property
    def layer(self) -> str:
        """The layer it belongs to."""
        return layer_of(self.name)


@dataclass(frozen=True)
class Coverage:
    """What is measured of a model.

    Attributes:
        entries: Every parameter, in the network's order.
    """

    entries: tuple[Entry, ...]

    @property
    def measured(self) -> tuple[str, ...]:
        """Names of the parameters that are measured."""
        return tuple(entry.name for entry in self.entries if entry.status == "measured")

    @property
    def share(self) -> float:
        """Share of all parameters (numbers, not tensors) that is measured, in [0, 1]."""
        return _size(e for e in self.entries if e.status == "measured") / max(1, _size(self.entries))

    def warning(self) -> str | None:
        """One line for each reason why something is not measured; None where everything is."""
        left_out = [entry for entry in self.entries if entry.status != "measured"]
        if not left_out:
            return None
        # Cut, not rounded: 99.96 % is not 100 %.
        lines = [f"gradients cover {int(self.share * 1000) / 10:.1f} % of the parameters; left out:"]
        for why in dict.fromkeys(f"{entry.status}: {entry.why}" for entry in left_out):
            those = [entry for entry in left_out if f"{entry.status}: {entry.why}" == why]
            names = ", ".join(entry.name for entry in those[:_NAMED])
            more = f" and {len(those) - _NAMED} more" if len(those) > _NAMED else ""
            lines.append(f"  {why}: {_size(those):,} numbers ({names}{more})")
        return "\n".join(lines)

    def to_json(self) -> dict[str, Json]:
        """Sizes by status and reason, and the share measured, for summaries."""
        kinds: list[Json] = []
        for status, why in dict.fromkeys((entry.status, entry.why) for entry in self.entries):
            those = [entry for entry in self.entries if (entry.status, entry.why) == (status, why)]
            kinds.append(
                {
                    "status": status,
                    "why": why,
                    "tensors": len(those),
                    "numbers": _size(those),
                    "names": [entry.name for entry in those[:_NAMED]],
                }
            )
        return {"share": self.share, "kinds": kinds}


def _size(entries: Iterable[Entry]) -> int:
    return sum(entry.size for entry in entries)
