"""The report of a curation: from a selection to blocks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from negspace._version import __version__
from negspace.curation import findings
from negspace.curation.trial import HELD_OUT, REFERENCE, Trial
from negspace.evaluation import NEAR_MISS
from negspace.reports import blocks as b
from negspace.reports.blocks import Text, code, given, numeric, outcome
from negspace.reports.charts import (
    OUTCOMES,
    effect_chart,
    seeds_chart,
    strip_axis,
    strip_limits,
    verdict_block,
)
from negspace.reports.numbers import (
    NONE,
    bounds,
    count,
    file_name,
    interval,
    measured,
    percent,
    plural,
    points,
    seed_range,
    sentence,
)

if TYPE_CHECKING:
    from negspace.curation.selection import Selection

_CLAIMS: Mapping[str, str] = {"more": "more accurate", "no less": "no less accurate"}
_SIGNS: Mapping[str, str] = {"supported": "+", "refuted": "-", "inconclusive": "?"}
_QUOTES = 4
_MANY_LABELS = 12


def selection_report(selection: Selection) -> b.Report:
    """Say what was chosen and why: the trial, the composition, examples, how it was done."""
    trial, dataset = selection.trial, selection.file.dataset
    said = f"{count(len(selection.chosen))} of {count(len(dataset))} rows"
    said += (
        ", at random within labels"
        if selection.fell_back
        else f" by the strategy “{selection.strategy_name}”"
    )
    n_labels = len(dataset.examples.label_names)
    subtitle: Text = f"{count(n_labels)} labels"
    if trial is not None:
        learner = given(trial.result.study.learner.name)
        subtitle = (f"{count(n_labels)} labels · learner ", learner, f" · {plural(len(trial.seeds), 'seed')}")
    rows = _composition(selection)
    return b.Report(
        kind=("Curation of ", given(file_name(dataset.examples.source))),
        title=said,
        headline=b.Headline(
            said,
            tone="" if trial is None or selection.fell_back else "supported",
            detail=sentence(selection.conclusion),
        ),
        subtitle=subtitle,
        top=() if trial is None or trial.winner is None else (b.Cards(_cards(trial, trial.winner)),),
        sections=tuple(_sections(selection, rows)),
        warnings=selection.warnings,
        method=b.Section(
            "How it was done", (b.Steps(tuple(_steps(selection))), b.Facts(tuple(_facts(selection))))
        ),
        brief=(
            *(() if trial is None else _brief_trial(trial)),
            b.Table(("rows", *numeric("in the pool", "", "chosen", "")), rows.rows[1:]),
        ),
        footer=(
            f"negspace {__version__} · everything here comes from ",
            code("curation.json"),
            " beside this page",
        ),
    )


def _cards(trial: Trial, winner: str) -> tuple[b.Verdict, ...]:
    """The verdicts that decided."""
    return tuple(
        verdict_block(
            verdict,
            f"“{winner}”: {_asked(question)}",
            len(trial.seeds),
            chart=effect_chart(
                verdict.effect,
                bounds((verdict.interval.low, verdict.interval.high)),
                verdict.margin,
                no_less=verdict.margin > 0,
            ),
            reading=f"The difference from {REFERENCE} rows and its 95\u00a0% interval, in percentage points.",
        )
        for question, verdict in trial.decisive(winner).items()
    )


def _asked(question: str) -> str:
    """A question of the trial in words: ``more on held_out`` -> ``More accurate on held-out rows``."""
    claim, _, on = question.rpartition(" on ")
    return f"{_CLAIMS[claim]} on {findings.TESTS[on]}".capitalize()


def _sections(selection: Selection, rows: b.Table) -> Iterator[b.Section]:
    trial, pool = selection.trial, selection.survey.pool
    if trial is None:
        yield b.Section(
            "The trial",
            intro="None was made: the strategy was given. Leave it out, and the strategies are tried on "
            "held-out rows of the pool.",
        )
    else:
        held_out = len(trial.result.study.task.eval_sets[HELD_OUT])
        yield b.Section(
            "The trial",
            tuple(_trial(trial)),
            intro=f"Accuracy of a model trained on {count(trial.budget)} rows of each strategy's choice, on "
            f"{count(held_out)} rows that none could choose.",
        )
    found = findings.labels(selection)
    table = b.Table(
        ("label", *numeric("in the pool", "chosen")),
        tuple((given(name), count(there), count(taken)) for name, there, taken in found),
        label="Labels of the pool and of the choice",
        style="compact",
    )
    most = f", the {len(found)} most frequent" if len(pool.label_names) > len(found) else ""
    folded = b.Details(f"Labels{most}", (table,)) if len(found) > _MANY_LABELS else table
    yield b.Section("What was chosen", (rows, folded))
    yield b.Section(
        "The first rows chosen",
        _quotes(_quoted(selection, findings.example_rows(selection, chosen=True))),
        intro=("In the order they were chosen. ", code("rows.parquet"), " has the reason of every row."),
    )
    others = findings.example_rows(selection, chosen=False)
    yield b.Section(
        "Some rows not chosen",
        _quotes(_quoted(selection, others)),
        intro="Of every reason some." if others else "None: the budget is the whole pool.",
    )
    work = selection.worklist
    if work is not None and len(work):
        shown = work.rows.tolist()[: findings.EXAMPLES]
        to = [f", to be rewritten to {pool.label_names[label]}" for label in work.proposed.tolist()]
        yield b.Section(
            "Worth rewriting",
            _quotes(_quoted(selection, shown, to, work.reasons)),
            intro=(
                "Rows without a near miss that would teach most if somebody wrote one. ",
                code("worklist.csv"),
                " is the sheet to fill.",
            ),
        )


def _trial(trial: Trial) -> Iterator[b.Block]:
    names, study = list(trial.strategies), trial.result.study
    estimates = {on: {name: trial.estimate(name, on) for name in names} for on in trial.tests}
    every = [each for of_test in estimates.values() for each in of_test.values()]
    ends = strip_limits(
        [value for each in every for value in (each.mean, *each.per_seed)],
        [bounds(findings.shown_interval(each)) for each in every],
    )
    for on in trial.tests if ends is not None else ():
        assert ends is not None
        strips = []
        reference = estimates[on][REFERENCE].mean
        for name, each in estimates[on].items():
            ci = findings.shown_interval(each)
            said = f"{plural(len(each.per_seed), 'seed')}: {percent(each.mean)}"
            if interval(ci):
                said += f", 95 % interval {interval(ci)}"
            said += f"; the reference {percent(reference)}."
            chart = seeds_chart(
                each.per_seed, study.seeds, each.mean, bounds(ci), ends, said, reference=reference
            )
            strips.append(b.Strip(given(name), percent(each.mean), chart, _note(trial, name)))
        yield b.Strips(
            findings.TESTS[on].capitalize(),
            tuple(strips),
            strip_axis(ends),
            note="Dots: every seed. Below them the mean and its 95\u00a0% interval. Dashed: the mean of "
            f"{REFERENCE}.",
        )
    yield b.Table(
        (
            "strategy",
            *numeric(*(findings.TESTS[on] for on in trial.tests), "p"),
            b.Column("qualifies", "right"),
        ),
        tuple(
            (
                given(name),
                *(_compared(trial, name, on) for on in trial.tests),
                measured(trial.p_values[name][1]),
                b.Cell("no", under=(given(why),)) if (why := findings.why_not(trial, name)) else "yes",
            )
            for name in names[1:]
        ),
        caption=f"Compared with {REFERENCE}",
        label="Strategies against the reference",
        style="compact",
    )
    yield b.Tally(tuple((tone, name.lower()) for tone, name in OUTCOMES.items()))  # type: ignore[misc]
    yield b.Paragraph(
        "More: the difference exceeds 0. No less: it does not fall short of 0 by "
        f"{_margins(trial)}. Each is judged alone. p: more accurate on one test and no less on "
        f"the other, corrected for {len(names) - 1} tried (Holm); up to {trial.level:g} qualifies.",
        "small",
    )


def _margins(trial: Trial) -> str:
    """What no strategy may lose: ``1.0 points or more (2.4 points on near misses, as so few ...)``."""
    wider = [f"{points(m)} on {findings.TESTS[on]}" for on, m in trial.margins.items() if m > trial.margin]
    few = f" ({' and '.join(wider)}, which are too few to exclude less)" if wider else ""
    return f"{points(trial.margin)} or more{few}"


def _note(trial: Trial, name: str) -> str:
    return "reference" if name == REFERENCE else "chosen" if name == trial.winner else ""


def _compared(trial: Trial, name: str, on: str) -> b.Cell:
    """The difference from the reference on a test, and the outcome of each question."""
    verdicts = {question: each for question, each in trial.verdicts(name).items() if question.endswith(on)}
    more = verdicts[f"more on {on}"]
    ci = interval((more.interval.low, more.interval.high))
    outcomes = (
        outcome(each.outcome.value, question.removesuffix(f" on {on}")) for question, each in verdicts.items()
    )
    return b.Cell(points(more.effect, signed=True), under=(*([ci] if ci else []), *outcomes))


def _composition(selection: Selection) -> b.Table:
    (_, pool, chosen), *rows = findings.composition(selection)
    return b.Table(
        ("rows", *numeric("in the pool", "share", "chosen", "share")),
        (
            ("all", count(pool), "", count(chosen), ""),
            *(
                (what, count(there), percent(there / pool), count(taken), percent(taken / chosen))
                for what, there, taken in rows
                if there
            ),
        ),
        label="Composition of the pool and of the choice",
        style="compact",
    )


def _quoted(
    selection: Selection,
    rows: Sequence[int],
    suffixes: Sequence[str] | None = None,
    reasons: Sequence[str] | None = None,
) -> list[b.Quote]:
    pool, dataset = selection.survey.pool, selection.file.dataset
    return [
        b.Quote(
            pool.texts[row],
            given(pool.label_names[pool.labels[row]] + (suffixes[place] if suffixes else "")),
            given(dataset.where(row)),
            sentence(reasons[place] if reasons else selection.reasons[row]),
        )
        for place, row in enumerate(rows)
    ]


def _quotes(found: Sequence[b.Quote]) -> tuple[b.Block, ...]:
    more = found[_QUOTES:]
    return (*found[:_QUOTES], *([b.Details(f"{len(more)} more", tuple(more))] if more else []))


def _brief_trial(trial: Trial) -> Iterator[b.Block]:
    columns: list[b.Column] = []
    for on in trial.tests:
        columns += numeric(f"{findings.TESTS[on]}, %", "points")
    rows = []
    for name in trial.strategies:
        cells: list[Text | b.Cell] = []
        for on in trial.tests:
            estimate = trial.estimate(name, on)
            ends = interval(findings.shown_interval(estimate)).replace(" to ", ", ")
            cells.append(percent(estimate.mean).removesuffix("\u00a0%") + (f" [{ends}]" if ends else ""))
            if name == REFERENCE:
                cells.append("")
                continue
            more = trial.verdicts(name)[f"more on {on}"]
            effect = points(more.effect, signed=True).removesuffix("\u00a0points")
            cells.append(b.Cell(f"{effect} {_SIGNS[more.outcome.value]}", tone=more.outcome.value))
        rows.append((b.Cell(given(name), strong=bool(_note(trial, name))), *cells))
    yield b.Table(("held-out trial", *columns), tuple(rows))
    yield b.Paragraph(
        "Points over the first line: + shown to be more, - shown to be less, ? neither.", "small"
    )


def _steps(selection: Selection) -> Iterator[tuple[str, str]]:
    """How it was done: a word and a sentence or two for each step."""
    yield (
        "Near-miss groups",
        sentence(
            "each row is joined with its nearest row of another label, the nearest pairs first, if their "
            "texts are within cosine distance 0.5 (TF-IDF over words); no row is in two pairs"
            if selection.file.dataset.examples.groups is None
            else "rows that are near misses of each other, the same but for what decides the label; given by "
            "a column"
        ),
    )
    yield (
        "Suspects",
        "A row is suspected where models that saw nothing of its cluster disagree with its label (confident "
        "learning), or its text stands under another label too.",
    )
    yield (
        "Cover",
        "Rows are chosen one by one, each time the one that shows most words under its label that the rows "
        "chosen before do not show. A word counts by the rows of the pool that show it, half as much each "
        "time it is shown again. What a row adds is divided by the square root of its number of words; where "
        "“long rows” are asked for, it is not, and a word shown again counts seven tenths. Suspects are left "
        "out, redundant rows come last. “Near-miss groups” spends its share of the budget on whole groups "
        "first, in the same way, and covers with the rest.",
    )
    trial = selection.trial
    if trial is None:
        return
    task = trial.result.study.task
    near_misses = len(task.eval_sets[NEAR_MISS]) if trial.near_misses else 0
    yield (
        "Held out",
        f"{count(len(task.eval_sets[HELD_OUT]))} rows on which no strategy could choose; near-duplicates and "
        f"near-miss groups are not divided between them and the {count(task.n_train)} rows to choose from. "
        f"{count(near_misses)} of them count as near misses: a row of another label is in their group, or "
        "within distance 0.5.",
    )
    yield (
        "Trial",
        f"Each of {plural(len(trial.seeds), 'seed')} sees another nine tenths of the rows to choose from; "
        f"every strategy chooses {count(trial.budget)} of them, and {trial.result.study.learner.name} is "
        "fitted on these.",
    )
    yield (
        "Decision",
        f"A strategy qualifies if it is shown more accurate than {REFERENCE} rows on one test and not worse "
        f"by {_margins(trial)} on the other. Its p is the larger of the two, and of both ways "
        "round the smaller, with that of “more accurate” corrected for there being two ways; then Holm's "
        "correction over the strategies. Of those that qualify, the most accurate on one half of the "
        "held-out clusters chooses from the whole pool, and its gain is measured on the other half. Where "
        f"none qualifies, the choice is {REFERENCE}.",
    )


def _facts(selection: Selection) -> Iterator[tuple[str, str]]:
    """What was chosen from and with which settings: name and value."""
    dataset, trial = selection.file.dataset, selection.trial
    examples = dataset.examples
    yield (
        "Pool",
        f"{examples.source}, {count(len(dataset))} rows, {count(len(examples.label_names))} labels",
    )
    yield "Columns", str(dataset.columns)
    yield "Fingerprint of the data", examples.fingerprint
    yield "Rows chosen", count(len(selection.chosen))
    yield "Strategy", selection.strategy_name
    yield "Seed of the choice", str(selection.seed)
    if trial is not None:
        settings = {**trial.result.study.learner.describe()}
        yield "Learner of the trial", str(settings.pop("name"))
        yield "Its settings", ", ".join(f"{key} = {value}" for key, value in settings.items()) or NONE
        yield "Seeds of the trial", seed_range(trial.seeds)
        yield "Hash of the plan", trial.result.study.plan_hash
    yield "negspace", __version__
