"""The report of a proof: from its result to blocks."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from negspace._version import __version__
from negspace.evaluation import EASY, NEAR_MISS, PAIRS
from negspace.metrics import Accuracy, PairConsistency
from negspace.proofs.conclusion import Conclusion
from negspace.proofs.findings import TESTS, how_drawn, mean_value, method, question, shown_interval
from negspace.proofs.plan import ArmComparison
from negspace.proofs.tuning import Tuned
from negspace.records import Estimate
from negspace.reports import blocks as b
from negspace.reports.blocks import Text, code, given, numeric, outcome, soft
from negspace.reports.charts import OUTCOMES, draw_with, effect_chart, verdict_block
from negspace.reports.numbers import NONE, count, interval, percent, points, seed_range, sentence
from negspace.statistics import in_brief, in_words

if TYPE_CHECKING:
    from negspace.proofs.run import Proof

_TONES: Mapping[Conclusion, b.Tone] = {
    Conclusion.SUPERIOR: "supported",
    Conclusion.WORSE: "refuted",
    Conclusion.MIXED: "inconclusive",
    Conclusion.NOT_SHOWN: "inconclusive",
}
_PARTS: Mapping[str, str] = {
    "data": "the data (mean of the two lines below)",
    "data_default": "data, nobody tunes",
    "data_tuned": "data, both tuned",
    "search": "the search (mean of the two lines below)",
    "search_arm": "search, on the first arm",
    "search_reference": "search, on the other arm",
    "total": "data and search: first arm tuned, other arm not",
    "interaction": "interaction: both tuned less nobody tuned",
}
_BRIEF_PARTS: Mapping[str, str] = {
    "data": "the data",
    "search": "the search",
    "data_tuned": "data, both tuned",
}


def proof_report(proof: Proof) -> b.Report:
    """Say what was proven: conclusions, arms, their worth in random rows, data or search, the method."""
    study = proof.result.study
    found = [_headline(proof, claim) for claim in proof.claims]
    return b.Report(
        kind="Proof at equal rows",
        title=f"{proof.sentence(proof.claims[0])}.",
        headline=found[0],
        subtitle=(
            f"{count(proof.budget)} rows each · {count(len(proof.files.label_names))} labels · learner ",
            given(study.learner.name),
            f" · {len(study.seeds)} seeds",
        ),
        sections=(
            *(_comparison(proof, claim) for claim in proof.claims),
            b.Section(
                "The arms",
                tuple(_arms(proof)),
                intro=f"Every arm trains on exactly {count(proof.budget)} rows. Small figures are 95\u00a0% "
                "intervals.",
            ),
            _worth(proof),
            *(() if proof.tuned is None else (_tuning(proof, proof.tuned),)),
        ),
        warnings=proof.warnings,
        method=b.Section(
            "How it was computed",
            (b.Steps(tuple(method(proof))), b.Facts(tuple(_facts(proof))), _every_seed(proof)),
        ),
        brief=tuple(_brief(proof, found[1:])),
        notebook=(
            *found[1:],
            *(
                b.Paragraph((given(name), f": {in_words(rate, proof.budget)}."))
                for name, rate in proof.worth[NEAR_MISS].rates.items()
            ),
        ),
        footer=(
            f"negspace {__version__} · everything here comes from ",
            code("proof.json"),
            " beside this page",
        ),
    )


def _headline(proof: Proof, claim: ArmComparison) -> b.Headline:
    conclusion = proof.conclusions[claim.versus]
    return b.Headline(
        f"{proof.sentence(claim)}.", word=conclusion.value.capitalize(), tone=_TONES[conclusion]
    )


def _comparison(proof: Proof, claim: ArmComparison) -> b.Section:
    def card(on: str) -> b.Verdict:
        verdict = proof.verdict(claim, on)
        chart = effect_chart(
            verdict.effect,
            shown_interval(verdict.interval),
            verdict.margin,
            no_less=on == EASY,
            per_seed=proof.per_seed_difference(claim, on),
        )
        return verdict_block(
            verdict,
            given(question(claim, on)),
            len(proof.result.study.seeds),
            chart=chart,
            reading="The effect with its 95\u00a0% interval, and below it every seed, in percentage points. "
            "Shaded: too small to matter.",
        )

    return b.Section(
        (given(claim.arm), " against ", given(claim.versus), f": {proof.conclusions[claim.versus].value}"),
        (b.Cards(tuple(card(on) for on in TESTS)),),
        intro=(given(proof.sentence(claim)), "."),
    )


def _arms(proof: Proof) -> Iterator[b.Block]:
    result, seeds = proof.result, len(proof.result.study.seeds)
    pairs = [result.estimate(arm.name, PairConsistency(PAIRS)) for arm in proof.arms]
    has_pairs = not all(math.isnan(pair.mean) for pair in pairs)
    has_draws = any(arm.fixed for arm in proof.arms)
    rows = []
    for arm, pair in zip(proof.arms, pairs, strict=True):
        name = arm.name
        cells: list[Text | b.Cell] = [
            b.Cell((given(name), " ", soft(how_drawn(proof, arm)))),
            *(_estimate(result.estimate(name, Accuracy(on))) for on in TESTS),
        ]
        if has_pairs:
            cells.append(_estimate(pair))
        if has_draws:
            near, easy = (proof.worth[on].as_good[name] for on in (NEAR_MISS, EASY))
            missing = not arm.fixed or near is None
            cells.append(NONE if missing else b.Cell(f"{near} of {seeds}", under=(f"easy rows: {easy}",)))
        rows.append(tuple(cells))
    names = [*TESTS.values(), *(["both of a pair"] if has_pairs else [])]
    columns = numeric(*names, *(["random draws as good"] if has_draws else []))
    yield b.Table(("arm", *columns), tuple(rows), label="Accuracy of the arms")
    if has_draws:
        yield b.Paragraph(
            "Random draws as good: of the random draws of as many rows from the reference pool, how many are "
            "at least as accurate on near misses. A file may be a lucky draw; where none or few are as good, "
            "it is more than that.",
            "small",
        )


def _estimate(found: Estimate, lowest: float = 0.0) -> Text | b.Cell:
    """A share, or a difference of shares where ``lowest`` is below 0, with its interval below."""
    if math.isnan(found.mean):
        return NONE
    ends = interval(shown_interval(found.interval, lowest))
    return b.Cell((percent if lowest == 0 else points)(found.mean), under=(ends,) if ends else ())


def _on_one_line(found: Estimate, *, gain: bool = False) -> str:
    """The same without units and in one line, as a terminal shows it."""
    if math.isnan(found.mean):
        return NONE
    said = points(found.mean, signed=True) if gain else percent(found.mean)
    ends = interval(shown_interval(found.interval, -1.0 if gain else 0.0)).replace(" to ", ", ")
    return said.partition("\u00a0")[0] + (f" [{ends}]" if ends else "")


def _by_test(
    proof: Proof, head: str, column: str, cell: Callable[[str, str], str], label: str = ""
) -> b.Table:
    """A table of arms and tests; ``{}`` in the heading of a test stands for its name."""
    rows: list[tuple[Text, ...]] = [
        (given(arm.name), *(cell(arm.name, on) for on in TESTS)) for arm in proof.arms
    ]
    columns = numeric(*(column.format(name) for name in TESTS.values()))
    return b.Table((head, *columns), tuple(rows), label=label)


def _worth(proof: Proof) -> b.Section:
    reference = proof.files.sources[proof.files.reference]
    sizes, seeds = proof.ladder.sizes.tolist(), proof.result.study.seeds

    def curve(on: str) -> b.Chart:
        per_seed, rates = proof.worth[on].per_seed, tuple(proof.worth[on].rates.values())
        alt = (
            f"Accuracy of random rows, {len(seeds)} seeds a size: from "
            f"{percent(float(np.mean(per_seed[0])))} at {count(sizes[0])} rows to "
            f"{percent(float(np.mean(per_seed[-1])))} at {count(sizes[-1])}"
        )
        for place, rate in enumerate(rates, start=1):
            alt += f"; arm {place}, {percent(rate.accuracy)}, is worth {in_brief(rate)}"
        draw = draw_with("negspace.proofs.charts", "draw_exchange", rates, per_seed, seeds)
        return b.Chart(f"{alt}.", draw, y_name=TESTS[on].capitalize())

    fits: list[tuple[Text, ...]] = []
    for arm in proof.arms:
        for on, name in TESTS.items():
            rate = proof.worth[on].rates[arm.name]
            law = "error = {:.4f} + {:.4g} n^−{:.3f}"
            said = "isotonic" if rate.parameters is None else law.format(*rate.parameters)
            misfit = f"{rate.misfit_p:.3f}" if math.isfinite(rate.misfit_p) else NONE
            residuals = (np.array(rate.observed) - np.array(rate.fitted)).tolist()
            left = (f"{100 * residual:+.1f}".replace("-", "−") for residual in residuals)
            fits.append(((given(arm.name), f", {name}"), said, misfit, *left))
    return b.Section(
        "What the arms are worth in random rows",
        (
            _rates_table(proof, "arm"),
            _key(proof),
            b.Panels(tuple(curve(on) for on in TESTS)),
            b.Paragraph(
                "Pale dots: random rows, one seed each. Black: their mean, and the curve fitted to it. A "
                "coloured line goes from an arm's accuracy to the curve and down to the rows it is worth; "
                "the bar at the foot is the 95\u00a0% interval. An arrow: more than all rows that were "
                "tried, or fewer than the fewest.",
                "small",
            ),
            b.Details(
                "The fitted curves and their residuals",
                (
                    b.Table(
                        ("arm, test", "curve", *numeric("p of misfit", *(count(size) for size in sizes))),
                        tuple(fits),
                        label="Fits",
                        style="dense",
                    ),
                    b.Paragraph(
                        "Residuals in points, by number of random rows: observed mean less fitted.", "small"
                    ),
                ),
            ),
        ),
        intro=(
            "How many random rows of ",
            given(reference.examples.source),
            f" ({count(len(reference))} rows) reach the same accuracy.",
        ),
    )


def _rates_table(proof: Proof, head: str) -> b.Table:
    return _by_test(
        proof, head, "by {}", lambda arm, on: in_brief(proof.worth[on].rates[arm]), "Exchange rates"
    )


def _key(proof: Proof) -> b.Key:
    signs = ((b.Mark.of_series(at), given(arm.name)) for at, arm in enumerate(proof.arms))
    return b.Key(tuple(signs), across=True)


def _tuning(proof: Proof, tuned: Tuned) -> b.Section:
    (near_chosen, near_judged), (easy_chosen, easy_judged) = tuned.halves[NEAR_MISS], tuned.halves[EASY]

    def best(on: str) -> b.Chart:
        said = "; ".join(
            f"arm {place}: {percent(float(arm.best[on].test[0].mean()))} with one trial, "
            f"{percent(float(arm.best[on].test[-1].mean()))} with {tuned.trials}, "
            f"{percent(mean_value(arm.default[on]))} without search"
            for place, arm in enumerate(tuned.arms.values(), start=1)
        )
        draw = draw_with("negspace.proofs.charts", "draw_best_of", tuned.arms, on)
        alt = f"Expected test accuracy of the best of k trials. {said}."
        return b.Chart(alt, draw, y_name=TESTS[on].capitalize())

    return b.Section(
        "Idea or tuning",
        (
            _key(proof),
            b.Panels(tuple(best(on) for on in TESTS)),
            b.Paragraph(
                "The expected test accuracy of the trial that validation would choose among k; the band is "
                "its 95\u00a0% interval over seeds. Dotted: the same test rows without search.",
                "small",
            ),
            *(_split(proof, tuned, versus) for versus in tuned.splits),
        ),
        intro=f"Every arm was given the same {tuned.trials} random trials at each seed, chosen on "
        f"{count(near_chosen)} near misses and {count(easy_chosen)} easy rows, and judged here on "
        f"{count(near_judged)} and {count(easy_judged)} others.",
    )


def _split(proof: Proof, tuned: Tuned, versus: str) -> b.Table:
    """What data and search brought, part by part."""
    return b.Table(
        ("part", *numeric(*TESTS.values())),
        tuple(
            (
                b.Cell(said, indent=key.startswith(("data_", "search_"))),
                *(_estimate(getattr(tuned.splits[versus][on], key), -1.0) for on in TESTS),
            )
            for key, said in _PARTS.items()
        ),
        caption=(
            given(proof.claims[0].arm),
            ", tuned, against ",
            given(versus),
            ", as it is: what brought the difference",
        ),
        label="What data and search brought",
    )


def _brief(proof: Proof, others: Sequence[b.Headline]) -> Iterator[b.Block]:
    """What a terminal shows below the first conclusion: verdicts, arms, their worth, data or search."""
    for claim, headline in zip(proof.claims, (None, *others), strict=True):
        if headline is not None:
            yield headline
        for on in TESTS:
            verdict = proof.verdict(claim, on)
            answer = outcome(verdict.outcome.value, f"{OUTCOMES[verdict.outcome.value]}: ")
            yield b.Paragraph((answer, sentence(verdict.reason)))
    yield _by_test(
        proof,
        f"{count(proof.budget)} rows each",
        "{}, %",
        lambda arm, on: _on_one_line(proof.result.estimate(arm, Accuracy(on))),
    )
    yield _rates_table(proof, "worth in random rows")
    for arm in proof.arms:
        drawn = {on: proof.worth[on].as_good[arm.name] for on in TESTS}
        if arm.fixed and drawn[NEAR_MISS] is not None:
            said = ", ".join(f"{drawn[on]} on {name}" for on, name in TESTS.items())
            lead = f"Of {len(proof.result.study.seeds)} random draws of as many rows as "
            yield b.Paragraph((lead, given(arm.name), f", as good: {said}."))
    if proof.tuned is not None:
        for versus, splits in proof.tuned.splits.items():
            yield b.Headline((given(proof.claims[0].arm), " tuned against ", given(versus), " as it is"))
            rows = (
                (said, *(_on_one_line(getattr(splits[on], key), gain=True) for on in TESTS))
                for key, said in _BRIEF_PARTS.items()
            )
            head = f"{proof.tuned.trials} trials each, points"
            yield b.Table((head, *numeric(*TESTS.values())), tuple(rows))


def _facts(proof: Proof) -> Iterator[tuple[str, str]]:
    files, study = proof.files, proof.result.study
    for each in files.sources:
        said = f"{each.examples.source}, {count(len(each))} rows"
        yield "Training file", f"{said}, SHA-256 {each.examples.fingerprint}"
    reference = files.sources[files.reference]
    yield "Reference pool", f"{reference.examples.source}, {count(len(reference))} rows"
    yield "Test rows", f"{files.test.examples.source}, {count(len(files.test))} rows"
    if files.near_miss is not None:
        yield "Near-miss file", f"{files.near_miss.examples.source}, {count(len(files.near_miss))} rows"
    yield "Easy rows", count(len(study.task.eval_sets[EASY]))
    yield "Near misses", f"{count(len(study.task.eval_sets[NEAR_MISS]))}, {proof.source.value}"
    labels = files.label_names
    yield "Labels", f"{count(len(labels))}: " + ", ".join(labels[:12]) + (", …" if len(labels) > 12 else "")
    settings = dict(study.learner.describe())
    yield "Learner", str(settings.pop("name"))
    yield "Settings", ", ".join(f"{key} = {value}" for key, value in settings.items()) or NONE
    yield "Seeds", seed_range(study.seeds)
    if proof.tuned is not None:
        yield "Trials", f"{proof.tuned.study} in {proof.tuned.storage}"
    yield "Hash of the plan", study.plan_hash
    yield "negspace", __version__


def _every_seed(proof: Proof) -> b.Details:
    columns: list[Text] = []
    values = []
    for arm in proof.arms:
        for on, name in TESTS.items():
            columns.append((given(arm.name), f", {name}"))
            values.append(proof.result.estimate(arm.name, Accuracy(on)).per_seed)
    rows = zip(proof.result.study.seeds, *values, strict=True)
    table = b.Table(
        ("seed", *numeric(*columns)),
        tuple((str(seed), *(percent(value, 2) for value in found)) for seed, *found in rows),
        label="Numbers of every seed",
        style="dense",
    )
    return b.Details("Every seed", (table,))
