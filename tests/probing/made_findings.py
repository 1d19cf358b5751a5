"""Findings of probes as ``negspace probe`` would make them: made up, but with the shape of real ones."""

from __future__ import annotations

import random
import types
from collections.abc import Mapping
from dataclasses import is_dataclass
from typing import Any, Union, get_args, get_origin, get_type_hints

from negspace.probing import ProbeFindings

COLUMNS = {
    "loss": "nats per token",
    "pressure": "mean over tokens",
    "effective competitors": "tokens",
    "gradient norm": "nats per token per unit of weight",
    "cosine to mean": "cosine",
    "cosine to reference": "cosine",
    "first-order transfer": "nats per token",
    "self-influence": "nats per token",
    "transfer": "nats per token",
    "drift": "1 − cosine",
    "left after 16": "share of its own gain",
    "volatility": "1 − cosine",
}
EXACT = ("self-influence", "transfer", "drift", "left after 16")
LAYERS = ["embed", "0", "1", "2", "3", "final"]
VERSE = (
    "First Citizen:\nBefore we proceed any further, hear me speak.\n\nAll:\nSpeak, speak.\n\n"
    "First Citizen:\nYou are all resolved rather to die than to famish?\n\nAll:\nResolved. resolved.\n\n"
    "First Citizen:\nFirst, you know Caius Marcius is chief enemy to the people.\n\n"
    "Re-enter KING RICHARD III and train, marching.\n\nKING RICHARD III:\nWho intercepts my expedition?\n"
)


def words_of(text: str) -> list[str]:
    """A text as tokens: words with the space before them, breaks on their own."""
    found, word = [], ""
    for char in text:
        if char in " \n" and word:
            found.append(word)
            word = ""
        if char == "\n":
            found.append(char)
        else:
            word += char
    return [*found, word] if word else found


def findings_of(summary: Mapping[str, Any]) -> ProbeFindings:
    """Typed findings of the content of a ``probe.json``; a number that cannot be missing is NaN instead."""
    return _typed(ProbeFindings, summary)


def _typed(kind: Any, value: Any) -> Any:
    origin, inner = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):
        return (
            None if value is None else _typed(next(each for each in inner if each is not type(None)), value)
        )
    if is_dataclass(kind):
        hints = get_type_hints(kind)
        assert set(value) == set(hints), set(value) ^ set(hints)
        return kind(**{name: _typed(hint, value[name]) for name, hint in hints.items()})
    if origin is tuple:
        kinds = inner[:1] * len(value) if inner[1:] == (...,) else inner
        return tuple(_typed(each, part) for each, part in zip(kinds, value, strict=True))
    if kind is float:
        return float("nan") if value is None else float(value)
    return dict(value) if origin is not None else value


def build_probe(fragments: int = 612, chosen: int = 12, seed: int = 0) -> dict[str, Any]:
    """The summary of a probe of a tiny model on plays.

    Args:
        fragments: How many.
        chosen: How many of them have a page.
        seed: Of the numbers.
    """
    rng = random.Random(seed)
    rows = [fragment(rng, row, sampled=row % max(1, fragments // 64) == 0) for row in range(fragments)]
    names = ("structure", "fact", "noise", "unsure")
    return {
        "kind": "probe",
        "version": "0.5.0",
        "key": "6f1c0b7a9d2e48355b71c3f0e8a6d94412bb07cd5e3f9a8871d6c0254fe9ab13",
        "corpus": {
            "source": "plays/input.txt",
            "fragments": fragments,
            "tokens": 490 * fragments,
            "characters": 1822 * fragments,
            "fragment_tokens": 512,
            "notes": ["3 fragments of fewer than 2 tokens were left out"],
        },
        "model": {
            "name": "tiny",
            "parameters": 1_121_024,
            "layers": LAYERS,
            "context": 512,
            "vocabulary": 2048,
            "dtype": "float32",
            "device": "cpu",
            "training": {"steps": 400, "batch_tokens": 2048, "checkpoints": [0, 25, 100, 400]},
        },
        "reference": {"source": "set aside from input.txt", "fragments": 32, "tokens": 16_000},
        "settings": {
            "seed": 0,
            "sample": 64,
            "step_size": 0.031,
            "step_size_chosen": "the median fragment's loss falls by a tenth",
            "probes": ["loss", "pressure", "gradient", "step", "retention", "volatility", "role"],
        },
        "coverage": {
            "share": 0.983,
            "rows": [
                {"kind": "Linear", "status": "measured", "parameters": 700_000, "tensors": 16, "reason": ""},
                {
                    "kind": "FusedExperts",
                    "status": "not covered",
                    "parameters": 19_057,
                    "tensors": 2,
                    "reason": "its parameters are used by no module that is known",
                },
            ],
            "warning": "1.7 % of the parameters are not in these gradients",
        },
        "check": {
            "fragments": 8,
            "largest_norm_error": 1.2e-6,
            "largest_dot_error": 2.3e-6,
            "overhead": 1.09,
        },
        "measures": [
            measure("loss", "loss", "nats per token", fragments, 4.12),
            measure("step", "transfer", "nats per token", 64, 0.0123),
        ],
        "layers": [
            layer_row("gradient", "norm", "nats per token", 1.3, fragments),
            layer_row("step", "drift", "1 − cosine", 0.012, 64),
            layer_row("step", "attention change", "nats", 0.003, 64),
        ],
        "temperature": {
            "temperatures": [0.5, 1.0, 2.0, 4.0],
            "truth": [0.19, 0.142, 0.061, 0.017],
            "near": [0.122, 0.101, 0.048, 0.021],
            "rest": [0.688, 0.757, 0.891, 0.962],
        },
        "noise_scale": {
            "total": 812.4,
            "unit": "fragments",
            "layers": {"embed": 1210.0, "0": 640.0, "1": 555.0, "2": 610.0, "3": 702.0, "final": 88.0},
        },
        "agreement": [
            {
                "first_order": "gradient: dot with reference",
                "exact": "step: transfer",
                "spearman": 0.914,
                "pearson": 0.883,
                "n": 64,
            },
            {
                "first_order": "gradient: squared norm",
                "exact": "step: self-influence",
                "spearman": 0.71,
                "pearson": -0.042,
                "n": 64,
            },
        ],
        "retention": {
            "lags": [0, 1, 4, 16],
            "low": [1.0, 0.7, 0.41, -0.06],
            "median": [1.0, 0.91, 0.733, 0.402],
            "high": [1.0, 1.04, 0.95, 0.81],
            "half_life": 12.34,
            "n": 64,
        },
        "roles": {
            "counts": {name: sum(each["role"] == name for each in rows) for name in names},
            "rule": "the role of the nearest planted fragments in memorisation, surprise and breadth",
            "relative": False,
            "quantities": ["memorisation", "surprise", "breadth", "retention"],
        },
        "volatile": {
            "most": [
                {"token": " king", "count": 1120, "value": 0.613},
                {"token": "\n", "count": 99, "value": 0.6},
            ],
            "least": [{"token": ":", "count": 4120, "value": 0.021}],
        },
        "columns": list(COLUMNS),
        "units": dict(COLUMNS),
        "fragments": rows,
        "chosen": [chosen_fragment(rng, rows[(7 * k) % fragments]) for k in range(min(chosen, fragments))],
    }


def fragment(rng: random.Random, row: int, *, sampled: bool) -> dict[str, Any]:
    """One fragment's row of the table."""
    role = rng.choices(("structure", "fact", "noise", "unsure"), (5, 3, 1, 1))[0]
    gain = {"structure": 0.02, "fact": 0.004, "noise": -0.006, "unsure": 0.003}[role]
    kept = {"structure": 0.7, "fact": 0.6, "noise": 0.15, "unsure": 0.4}[role]
    values = {
        "loss": rng.gauss(4.1, 0.4) + (role == "noise"),
        "pressure": rng.gauss(0.93, 0.02),
        "effective competitors": rng.lognormvariate(4.6, 0.5),
        "gradient norm": rng.lognormvariate(0.3, 0.4),
        "cosine to mean": rng.gauss(0.4, 0.1),
        "cosine to reference": rng.gauss(0.3, 0.1),
        "first-order transfer": gain + rng.gauss(0, 0.004),
        "self-influence": rng.lognormvariate(-1, 0.3),
        "transfer": gain + rng.gauss(0, 0.004),
        "drift": rng.lognormvariate(-6, 0.7),
        "left after 16": kept + rng.gauss(0, 0.12),
        "volatility": rng.gauss(0.4, 0.05),
    }
    start = 40 * row % 200
    return {
        "row": row,
        "place": f"input.txt, line {1 + 17 * row}",
        "excerpt": " ".join(VERSE[start : start + 120].split()) + "…",
        "tokens": rng.randint(300, 512),
        "role": role,
        "sampled": sampled,
        "values": [value if sampled or name not in EXACT else None for name, value in values.items()],
    }


def chosen_fragment(rng: random.Random, of: dict[str, Any]) -> dict[str, Any]:
    """One fragment with its tokens, layers and temperature curve."""
    shown: list[dict[str, Any]] = []
    for at, text in enumerate(words_of(VERSE)):
        probability = rng.betavariate(0.5, 1.6)
        others = sorted((rng.random() * (1 - probability) for _ in range(5)), reverse=True)
        names = (" lord", " king", " the", "\n", " and")
        shown.append(
            {
                "text": text,
                "loss": None if at == 0 else 4 * (1 - probability),
                "pressure": None if at == 0 else 1 - probability,
                "competitors": [] if at == 0 else [[n, o / 3] for n, o in zip(names, others, strict=True)],
            }
        )
    return {
        "row": of["row"],
        "why": f"highest {rng.choice(list(COLUMNS))}",
        "place": of["place"],
        "role": of["role"],
        "reason": "models that never saw it predict it nearly as well as those that did",
        "page": f"fragments/{of['row']}.html",
        "tokens": shown,
        "layers": [
            {
                "measure": name,
                "on": on,
                "layers": LAYERS,
                "values": [rng.lognormvariate(-5, 0.6) for _ in LAYERS],
            }
            for name, on in (
                ("drift", "itself"),
                ("drift", "reference"),
                ("attention change", "itself"),
                ("attention change", "reference"),
                ("gradient norm", "itself"),
            )
        ],
        "temperature": {
            "temperatures": [0.5, 1.0, 2.0, 4.0],
            "truth": [0.21, 0.15, 0.07, 0.02],
            "near": [0.12, 0.1, 0.05, 0.02],
            "rest": [0.67, 0.75, 0.88, 0.96],
        },
        "values": list(of["values"]),
    }


def measure(probe: str, name: str, unit: str, n: int, middle: float) -> dict[str, Any]:
    """One line of ``measures``."""
    shares = {"low": 0.8, "quarter": 0.9, "median": 1.0, "three_quarters": 1.1, "high": 1.2}
    return {
        "probe": probe,
        "measure": name,
        "unit": unit,
        "n": n,
        "mean": 1.01 * middle,
        "sd": 0.13 * middle,
        **{key: share * middle for key, share in shares.items()},
    }


def layer_row(probe: str, name: str, unit: str, middle: float, n: int) -> dict[str, Any]:
    """One line of ``layers``."""
    medians = [middle * (1 + 0.3 * at) for at in range(len(LAYERS))]
    return {
        "probe": probe,
        "measure": name,
        "unit": unit,
        "layers": LAYERS,
        "low": [0.6 * m for m in medians],
        "median": medians,
        "high": [1.5 * m for m in medians],
        "n": n,
    }


def build_bare_probe(fragments: int = 1) -> dict[str, Any]:
    """A probe of the loss alone: whatever may be missing is."""
    summary = build_probe(fragments, chosen=1)
    rows = [each | {"role": None, "sampled": False, "values": [4.1]} for each in summary["fragments"]]
    bare = {"role": None, "reason": None, "layers": [], "temperature": None, "values": [4.1]}
    return summary | {
        "model": summary["model"] | {"training": None},
        "settings": {
            "seed": 0,
            "probes": ["loss"],
            "sample": 64,
            "step_size": None,
            "step_size_chosen": None,
        },
        "corpus": summary["corpus"] | {"notes": []},
        "coverage": None,
        "check": None,
        "measures": [],
        "layers": [],
        "temperature": None,
        "noise_scale": None,
        "agreement": [],
        "retention": None,
        "roles": None,
        "volatile": None,
        "columns": ["loss"],
        "units": {},
        "fragments": rows,
        "chosen": [summary["chosen"][0] | bare],
    }
