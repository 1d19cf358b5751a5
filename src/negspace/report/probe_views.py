"""From a probe's summary to what a page or a terminal says: plain data, every number already in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from negspace.report.numbers import NONE, Summary, count, number, percent
from negspace.report.words import visible

__all__ = [
    "MEANINGS",
    "ROLES",
    "Column",
    "Headline",
    "Ranked",
    "columns_of",
    "deciding",
    "facts",
    "fragments_of",
    "headlines",
    "is_retention",
    "measured",
    "missing",
    "one_line",
    "roles",
    "tallest",
    "title_of",
]

ROLES: Mapping[str, str] = {
    "structure": "networks that never saw it predict it as well as they expect to",
    "fact": "they do not, but seeing it, or what states the same, gains most of the loss",
    "noise": "neither",
    "unsure": "the numbers do not decide it",
}
"""What each role says of a fragment, in the order of the page."""

_DECIDING: Mapping[str, str] = {
    "surprise": "how far the loss of networks that never saw it lies above what they expect",
    "explained": "what reading the context gains over word frequencies",
    "memorised": "the share of the loss that seeing it gains",
    "confirmed": "how much of that gain lies at words that a fragment stating the same has too",
    "ordered": "where the networks overfit the corpus, what its words gain by the order they have",
}
_KEPT_BESIDE = {"clean", "seen", "told", "sharp_surprise", "retold"}  # they decide nothing: docs/roles.md

MEANINGS: Mapping[str, str] = {
    "loss": "how surprised the model is",
    "pressure": "how hard the softmax pushes down what is not the next token",
    "effective competitors": "how many other tokens share that push",
    "gradient norm": "how hard the fragment pulls at the parameters",
    "cosine to mean": "whether it pulls where the corpus pulls",
    "cosine to reference": "whether it pulls where the reference pulls",
    "first-order transfer": "what a step on it would do for the reference, from gradients alone",
    "self-influence": "what one step on it does for its own loss",
    "transfer": "what one step on it does for the reference's loss",
    "drift": "how far that step turns the hidden states",
    "attention change": "how far that step moves the attention",
    "half-life": "steps on other fragments after which half of its own gain is left",
    "turbulence": "how much the gradients of its parts differ, as a noise scale",
    "coherence": "whether the gradients of its parts pull one way",
    "volatility": "how much its tokens' representations move",
}
_RETENTION = ("retention", "left after")
_LEFT = "how much of its own gain is left after steps on other fragments"
_SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
_TOP = 20


@dataclass(frozen=True)
class Headline:
    """One headline figure, in the shape that the page's macro takes.

    Attributes:
        key: Its name in the page.
        name: What it is called.
        value: In words.
        note: What it says.
    """

    key: str
    name: str
    value: str
    note: str
    unit: str = ""
    interval: str = ""
    n: str = ""
    missing: bool = False


@dataclass(frozen=True, eq=False)
class Column:
    """One measure over all fragments.

    Attributes:
        name: Of the measure.
        unit: Of its values; empty where the summary names none.
        meaning: In a few words; empty for a measure this page does not know.
        values: One a fragment, NaN where it was not measured.
        quantiles: The 5, 50 and 95 % quantiles; empty where nothing was measured.
    """

    name: str
    unit: str
    meaning: str
    values: np.ndarray
    quantiles: tuple[float, ...]

    @property
    def n(self) -> int:
        """On how many fragments it is defined."""
        return int(np.isfinite(self.values).sum())

    def below(self, value: float | None) -> float | None:
        """Share of the fragments whose value is lower; None where there is nothing to compare."""
        value = number(value)
        return None if value is None or not self.n else float((self.values < value).sum() / self.n)


@dataclass(frozen=True)
class Ranked:
    """The fragments with the highest values of one measure.

    Attributes:
        name: Of the measure.
        unit: Of its values.
        n: On how many fragments it is defined.
        rows: Place, excerpt, role, value and (where the fragment has one) page.
    """

    name: str
    unit: str
    n: str
    rows: tuple[tuple[str, str, str | None, str, str | None], ...]


def measured(value: float | None) -> str:
    """Three significant digits: ``4.10``, ``0.0312``, ``1,024``, ``2.1 × 10⁻⁶``."""
    value = number(value)
    if value is None:
        return NONE
    size = abs(value)
    if not size:
        return "0"
    if 999.5 <= size < 1e6:
        said = f"{value:,.0f}"
    elif 1e-3 <= size < 1e6:
        said = f"{value:#.3g}".removesuffix(".")
    else:
        mantissa, _, power = f"{value:.1e}".partition("e")
        said = f"{mantissa}\u00a0×\u00a010{str(int(power)).translate(_SUPERSCRIPT)}"
    return said.replace("-", "−")


def one_line(text: str) -> str:
    """A text fit to stand in a table: nothing invisible, no line breaks."""
    return " ".join(visible(text).split())


def title_of(summary: Summary) -> str:
    """The last part of the corpus's path, which is what a reader knows it by."""
    path = str(summary["corpus"]["source"])
    return path.replace("\\", "/").rstrip("/").rpartition("/")[2] or path


def is_retention(name: str) -> bool:
    """Whether a measure says what is left of a fragment's own gain."""
    return name.startswith(_RETENTION)


def columns_of(summary: Summary) -> dict[str, Column]:
    """Every measure over all fragments, by name, in the summary's order."""
    names = summary["columns"]
    table = np.array([each["values"] for each in summary["fragments"]], dtype=float)
    table = table.reshape(len(summary["fragments"]), len(names))
    return {name: _column(name, summary["units"].get(name), table[:, at]) for at, name in enumerate(names)}


def _column(name: str, unit: str | None, values: np.ndarray) -> Column:
    finite = values[np.isfinite(values)]
    quantiles = tuple(float(q) for q in np.quantile(finite, (0.05, 0.5, 0.95))) if finite.size else ()
    meaning = _LEFT if is_retention(name) else MEANINGS.get(name, "")
    return Column(name, unit or "", meaning, values, quantiles)


def headlines(summary: Summary, columns: Mapping[str, Column]) -> list[Headline]:
    """How much was read, how surprised the model is, how hard it is pulled, how much of it was measured."""
    corpus = summary["corpus"]
    found = [
        Headline("fragments", "Fragments", count(corpus["fragments"]), f"{count(corpus['tokens'])} tokens")
    ]
    for name in ("loss", "effective competitors", "gradient norm"):
        of = columns.get(name)
        if of is not None and of.quantiles:
            low, middle, high = map(measured, of.quantiles)
            unit = f"; {of.unit}" if of.unit else ""
            found.append(
                Headline(
                    name.replace(" ", "-"),
                    f"{name.capitalize()}, median",
                    middle,
                    f"5 to 95\u00a0% of {count(of.n)}: {low} to {high}{unit}",
                )
            )
    model, coverage = summary["model"], summary["coverage"]
    if coverage is not None:
        found.append(Headline("coverage", "Parameters measured", percent(coverage["share"]), "in gradients"))
    found += [
        Headline("parameters", "Parameters", count(model["parameters"]), "of the model"),
        Headline("layers", "Layers", count(len(model["layers"])), "embeddings and last norm among them"),
        Headline("context", "Context", count(model["context"]), "tokens that the model can read"),
    ]
    # A row of four, whatever was measured.
    return found[:4]


def fragments_of(n: int) -> str:
    """1 -> ``1 fragment``; 612 -> ``612 fragments``."""
    return f"{count(n)} fragment{'' if n == 1 else 's'}"


def missing(summary: Summary) -> list[tuple[str, str]]:
    """What the page would show had it been measured: name, and what it takes."""
    parts = (
        ("Roles", not summary["roles"], "the probe role"),
        ("Layers", not summary["layers"], "the probe gradient, step or volatility"),
        ("Temperature", summary["temperature"] is None, "the probe pressure"),
        ("Retention", summary["retention"] is None, "the probe retention"),
        ("Gradient noise scale", summary["noise_scale"] is None, "the probe gradient"),
        ("Tokens that move, tokens that stay", summary["volatile"] is None, "the probe volatility"),
        ("First order against exact steps", not summary["agreement"], "the probes gradient and step"),
        ("Coverage", summary["coverage"] is None, "the probe gradient"),
        ("Check of the gradients", summary["check"] is None, "--check"),
    )
    return [(name, takes) for name, absent, takes in parts if absent]


def roles(summary: Summary) -> list[tuple[str, int, str, float]]:
    """Role, how many fragments have it, their share in words, and as a number; in the order of the page."""
    if summary["roles"] is None:
        return []
    counts = summary["roles"]["counts"]
    total = sum(counts.values())
    ordered = [role for role in ROLES if role in counts] + [role for role in counts if role not in ROLES]
    return [
        (role, counts[role], percent(counts[role] / total if total else None), counts[role] / (total or 1))
        for role in ordered
    ]


def deciding(summary: Summary) -> list[str]:
    """The quantities that decided the roles, in words; one this page does not know by its name."""
    if summary["roles"] is None:
        return []
    names = [name for name in summary["roles"]["quantities"] if name not in _KEPT_BESIDE]
    return [_DECIDING.get(name, name) for name in names]


def tallest(summary: Summary, columns: Mapping[str, Column], pages: Mapping[int, str]) -> list[Ranked]:
    """For each measure, the fragments that have most of it.

    Args:
        summary: Of the probe.
        columns: Its measures.
        pages: Row to the link of its page.
    """
    return [_ranked(summary, of, pages) for of in columns.values()]


def _ranked(summary: Summary, of: Column, pages: Mapping[int, str]) -> Ranked:
    order = [int(at) for at in np.argsort(-of.values, kind="stable")[: min(_TOP, of.n)]]
    fragments = summary["fragments"]
    rows = tuple(
        (
            one_line(fragments[at]["place"]),
            one_line(fragments[at]["excerpt"]),
            fragments[at]["role"],
            measured(float(of.values[at])),
            pages.get(fragments[at]["row"]),
        )
        for at in order
    )
    return Ranked(of.name, of.unit, count(of.n), rows)


def facts(summary: Summary) -> list[tuple[str, str]]:
    """What was probed with what, and how: name and value."""
    return [(name, value) for name, value in _facts(summary) if value]


def _facts(summary: Summary) -> Iterator[tuple[str, str]]:
    corpus, model, reference = summary["corpus"], summary["model"], summary["reference"]
    yield "Corpus", str(corpus["source"])
    yield (
        "Fragments",
        f"{count(corpus['fragments'])} of at most {count(corpus['fragment_tokens'])} tokens; "
        f"{count(corpus['tokens'])} tokens, {count(corpus['characters'])} characters",
    )
    yield "Notes", " ".join(_stopped(note) for note in corpus["notes"])
    yield (
        "Model",
        f"{model['name']}: {count(model['parameters'])} parameters, "
        f"context {count(model['context'])} tokens, vocabulary {count(model['vocabulary'])}, "
        f"{model['dtype']} on {model['device']}",
    )
    yield "Layers", ", ".join(model["layers"])
    yield "Training", _training(model["training"])
    if reference is not None:
        yield (
            "Reference",
            f"{reference['source']}: {count(reference['fragments'])} fragments, "
            f"{count(reference['tokens'])} tokens",
        )
    yield from _settings(summary["settings"])
    yield "Hash of the run", summary["key"]
    yield "negspace", summary["version"]


def _settings(settings: Summary) -> Iterator[tuple[str, str]]:
    yield "Probes", ", ".join(settings["probes"])
    yield "Seed", str(settings["seed"])
    if settings.get("sample") is not None:
        yield "Sample", f"{count(settings['sample'])} fragments for the exact steps"
    if settings.get("step_size") is not None:
        chosen = settings.get("step_size_chosen")
        yield "Step size", measured(settings["step_size"]) + (f": {chosen}" if chosen else "")
    known = {"probes", "seed", "sample", "step_size", "step_size_chosen"}
    rest = {key: value for key, value in settings.items() if key not in known and value is not None}
    yield "Other settings", ", ".join(f"{key} = {value}" for key, value in rest.items())


def _training(training: Summary | None) -> str:
    if training is None:
        return "not trained here"
    said = f"{count(training['steps'])} steps"
    if training.get("tokens") is not None:
        said += f" on {count(training['tokens'])} tokens"
    elif training.get("batch_tokens") is not None:
        said += f" of {count(training['batch_tokens'])} tokens"
    if number(training.get("loss")) is not None:
        said += f", loss {measured(training['loss'])} nats per token at the end"
    checkpoints: Sequence[int] = training.get("checkpoints") or ()
    if checkpoints:
        said += f"; checkpoints at {', '.join(count(step) for step in checkpoints)}"
    return said


def _stopped(note: str) -> str:
    note = note.strip()
    return note if note.endswith((".", "!", "?", "…")) else f"{note}."
