"""What the user may decide about a mining run, checked before any work is done."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace

from negspace.errors import PlanError, did_you_mean
from negspace.mining.formats import format_named
from negspace.mining.pool import MiningPool, PoolKind
from negspace.records import Json
from negspace.search import Rules

SOURCES: Mapping[str, str] = {
    "neighbours": "the nearest rows, by embeddings",
    "bm25": "rows that share rare words",
    "model": "rows of the label that a fitted learner takes the anchor for",
    "edits": "small changes of a valid text, proven to be invalid",
}
"""Where negatives come from, by the name the command line knows them by."""

SAMPLINGS = ("top", "random")
PARTNERS = ("nearest", "random")
N_SEEDS = 2**32


@dataclass(frozen=True)
class MiningSettings:
    """How negatives are found, kept and written.

    Attributes:
        sources: Where they come from; of several, each gives its best in turn.
        negatives: Negatives for an anchor, at most.
        format: Form of the output, by a name in `FORMATS`.
        sampling: ``"top"`` takes the hardest that are left, ``"random"`` any that are left.
        range_min: Skip so many of the hardest candidates that the rules leave, in each source.
        range_max: Look at so many of them; None for about ten a negative, after ``range_min``.
        absolute_margin: A negative's score is below that of the positive by so much.
        relative_margin: The same, as a share of the magnitude of the positive's score.
        max_score: Highest score of a negative.
        min_score: Lowest score of a negative.
        near_duplicate: Leave out what has a cosine of at least this to a positive; None for no such rule.
        pair_with: For labelled texts: the ``"nearest"`` other row of its class is a row's positive, or a
            ``"random"`` one.
        provenance: Write the provenance columns into the output too, not only beside it: to look at, not
            to train on.
        seed: Seed of all that is drawn.

    Raises:
        PlanError: If a setting is out of its range, or two exclude each other.
    """

    sources: tuple[str, ...] = ("neighbours",)
    negatives: int = 3
    format: str = "triplet"
    sampling: str = "top"
    range_min: int = 0
    range_max: int | None = None
    absolute_margin: float | None = None
    relative_margin: float | None = None
    max_score: float | None = None
    min_score: float | None = None
    near_duplicate: float | None = 0.95
    pair_with: str = "nearest"
    provenance: bool = False
    seed: int = 0

    def __post_init__(self) -> None:
        _check_sources(self.sources)
        form = format_named(self.format)
        for what, asked, known in (
            ("partner", self.pair_with, PARTNERS),
            ("sampling", self.sampling, SAMPLINGS),
        ):
            if asked not in known:
                raise PlanError(f"there is no {what} '{asked}'", hint=did_you_mean(asked, known))
        self.rules()
        if self.near_duplicate is not None and not -1 < self.near_duplicate <= 1:
            raise PlanError("--near-duplicate is a cosine, up to 1", got=self.near_duplicate)
        check_whole("seed", self.seed, least=0, most=N_SEEDS - 1)
        if form.name == "groups" and "edits" in self.sources and len(self.sources) > 1:
            raise PlanError(
                "contrast groups are labelled either by the data or by a verifier, not by both",
                got=", ".join(self.sources),
                hint="mine twice: once with --source edits, once without",
            )

    def rules(self, *, most_positives: int = 1, spare: bool = False) -> Rules:
        """The rules against false negatives, for anchors of which one has ``most_positives``.

        ``spare`` leaves more than are asked for, to choose from where sources name the same text.
        """
        rules = Rules(
            num_negatives=self.negatives,
            range_min=self.range_min,
            range_max=self.range_max,
            max_score=self.max_score,
            min_score=self.min_score,
            absolute_margin=self.absolute_margin,
            relative_margin=self.relative_margin,
            duplicate_of_positive=self.near_duplicate,
            exclude_same_class=False,  # the search passes over them
            sampling=self.sampling,  # type: ignore[arg-type]  # checked by the rules themselves
        )
        if not spare:
            return rules
        last = rules.last_rank(most_positives)
        most = min(self.negatives * (len(self.sources) + 1), last - self.range_min)
        return replace(rules, num_negatives=most, range_max=last)

    def describe(self) -> dict[str, Json]:
        """All settings, as JSON."""
        return {**asdict(self), "sources": list(self.sources)}


def parse_sources(asked: str) -> tuple[str, ...]:
    """Split a list of sources, each known and given once: ``"neighbours,bm25"``."""
    sources = tuple(name.strip() for name in asked.split(",") if name.strip())
    _check_sources(sources)
    return sources


def check_whole(name: str, value: object, *, least: int, most: int | None = None) -> None:
    """Refuse what is no whole number within bounds."""
    whole = isinstance(value, int) and not isinstance(value, bool)
    if not whole or value < least or (most is not None and value > most):  # type: ignore[operator]
        bounds = f"from {least} on" if most is None else f"from {least} to {most}"
        raise PlanError(f"{name} is a whole number {bounds}", got=value)


def check_fits(settings: MiningSettings, pool: MiningPool, *, verified: bool) -> None:
    """Refuse settings that need what the data do not have."""
    if "model" in settings.sources and pool.kind is not PoolKind.CLASSIFICATION:
        raise PlanError(
            "the source model needs labelled texts: a learner confuses labels",
            got=f"{pool.source}: {pool.kind}",
            hint="name the label with --label, or leave model out of --source",
        )
    if ("edits" in settings.sources) != verified:
        raise PlanError(
            "the source edits needs a verifier, and nothing else does",
            got=", ".join(settings.sources) + (" with" if verified else " without") + " a verifier",
            hint="give both --source edits and --verifier NAME, or neither",
        )
    proven = settings.format == "minimal-pair" or (
        settings.format == "preference" and not prompted(pool, settings)
    )
    if proven and "edits" in settings.sources and len(settings.sources) > 1:
        raise PlanError(
            f"a {settings.format} beside an edit says that a text is wrong, which is proven of edits only",
            got=", ".join(settings.sources),
            hint="mine twice: once with --source edits, once without",
        )
    labelled = pool.kind is PoolKind.CLASSIFICATION or settings.sources == ("edits",)
    if settings.format == "groups" and not labelled:
        raise PlanError(
            "contrast groups need labels, from the data or from a verifier",
            got=f"{pool.source}: {pool.kind}",
            hint="name the label with --label, mine with --source edits, or take another --format",
        )


def prompted(pool: MiningPool, settings: MiningSettings) -> bool:
    """Whether an anchor is a prompt that its positive answers; an edit stands against the text itself."""
    if pool.kind is PoolKind.CLASSIFICATION:
        return "edits" not in settings.sources
    return pool.kind is PoolKind.PAIRS


def needs_partner(pool: MiningPool, settings: MiningSettings) -> bool:
    """Whether labelled texts are paired with another row of their class."""
    if pool.kind is not PoolKind.CLASSIFICATION:
        return False
    form = format_named(settings.format)
    only_edits = settings.sources == ("edits",)
    return not only_edits or (form.pairs and form.name != "preference")


def _check_sources(sources: tuple[str, ...]) -> None:
    for name in sources:
        if name not in SOURCES:
            raise PlanError(f"there is no source '{name}'", hint=did_you_mean(name, SOURCES))
    if not sources or len(set(sources)) < len(sources):
        raise PlanError(
            "name each source once, and at least one", got=", ".join(sources), hint=f"of {', '.join(SOURCES)}"
        )
