"""From a curation to what a page or a terminal says: plain data, every number already in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from negspace.report.numbers import NONE, Summary, count, interval, percent, points
from negspace.report.views import seed_range
from negspace.report.words import clip, visible

__all__ = [
    "TESTS",
    "Compared",
    "Entry",
    "Shown",
    "asked",
    "chosen",
    "composition",
    "decisive",
    "facts",
    "headline",
    "method",
    "reason",
    "rejected",
    "results",
    "tests_of",
    "title_of",
    "worklist",
]

TESTS: Mapping[str, str] = {"held_out": "held-out rows", "near_miss": "near misses"}
"""What is tested on, in the order of the page."""

_CLAIMS: Mapping[str, str] = {"more": "more accurate", "no less": "no less accurate"}
_WORDS = 60


@dataclass(frozen=True)
class Compared:
    """A strategy against the reference on one test.

    Attributes:
        effect: The difference of accuracies, in words.
        interval: Its 95 % interval, in words.
        outcomes: Outcome of each question, and the question in short.
    """

    effect: str
    interval: str
    outcomes: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Shown:
    """A strategy's part in the trial.

    Attributes:
        name: Of the strategy.
        note: ``"reference"``, ``"chosen"``, or empty.
        accuracy: Mean and interval on each test, in words.
        against: Compared with the reference on each test; empty for the reference itself.
        qualifies: ``"yes"``, ``"no"``, or a dash for the reference.
    """

    name: str
    note: str
    accuracy: tuple[tuple[str, str], ...]
    against: tuple[Compared, ...]
    qualifies: str


@dataclass(frozen=True)
class Entry:
    """A row of the pool.

    Attributes:
        who: Its place and label, in words.
        text: The text, shortened.
        reason: Why it was chosen or not.
    """

    who: tuple[str, str]
    text: str
    reason: str


def title_of(summary: Summary) -> str:
    """The last part of the pool's path, which is what a reader knows it by."""
    path = str(summary["data"]["source"])
    return path.replace("\\", "/").rstrip("/").rpartition("/")[2] or path


def headline(summary: Summary) -> str:
    """What was chosen, in a few words."""
    of = f"{count(summary['budget'])} of {count(summary['data']['rows'])} rows"
    said = f"{of} by the strategy “{summary['strategy']}”"
    return f"{of}, at random within labels" if summary["fell_back"] else said


def tests_of(trial: Summary) -> dict[str, str]:
    """The tests that a trial could measure on, by their key."""
    return {
        key: said for key, said in TESTS.items() if all(each[key] is not None for each in trial["strategies"])
    }


def results(trial: Summary) -> list[Shown]:
    """What became of each strategy, the reference first."""
    tests = tests_of(trial)
    found = []
    for each in trial["strategies"]:
        reference = each["name"] == trial["reference"]
        note = "reference" if reference else "chosen" if each["name"] == trial["winner"] else ""
        found.append(
            Shown(
                each["name"],
                note,
                tuple((percent(each[on]["mean"]), interval(each[on]["ci"])) for on in tests),
                () if reference else tuple(_compared(each, on) for on in tests),
                NONE if each["qualifies"] is None else "yes" if each["qualifies"] else "no",
            )
        )
    return found


def _compared(strategy: Summary, on: str) -> Compared:
    verdicts = {each["question"]: each for each in strategy["hypotheses"]}
    more = verdicts[f"more on {on}"]
    outcomes = [
        (verdicts[question]["outcome"], claim)
        for claim in _CLAIMS
        if (question := f"{claim} on {on}") in verdicts
    ]
    return Compared(points(more["effect"], signed=True), interval(more["ci"]), tuple(outcomes))


def asked(question: str) -> str:
    """A question of the trial in words: ``more on held_out`` -> ``More accurate on held-out rows``."""
    claim, _, on = question.rpartition(" on ")
    return f"{_CLAIMS.get(claim, claim)} on {TESTS.get(on, on)}".capitalize()


def reason(strategy: Summary, verdict: Summary) -> str:
    """The numbers that decided, without the question that stands above them."""
    said = str(verdict["reason"])
    return said.replace(f"{strategy['name']}: {verdict['question']}", "the difference", 1)


def decisive(trial: Summary) -> list[Summary]:
    """The verdicts that the winner was chosen by: more on one test, no less on the other.

    Where both tests would do, the one that shows a gain on near misses.
    """
    won = [each for each in trial["strategies"] if each["name"] == trial["winner"]]
    if not won:
        return []
    verdicts = {each["question"]: each for each in won[0]["hypotheses"]}
    pairs = (("more on near_miss", "no less on held_out"), ("more on held_out", "no less on near_miss"))
    for pair in (*pairs, ("more on held_out",)):
        found = [verdicts[question] for question in pair if question in verdicts]
        if len(found) == len(pair) and all(each["outcome"] == "supported" for each in found):
            return found
    return []


def composition(summary: Summary) -> list[tuple[str, str, str, str, str]]:
    """What the pool and the choice are made of: name, rows and share of the pool, rows and share chosen."""
    rows = summary["composition"]["rows"]
    in_all, chosen = rows[0]["pool"], rows[0]["chosen"]
    return [
        (
            each["what"],
            count(each["pool"]),
            percent(each["pool"] / in_all),
            count(each["chosen"]),
            percent(each["chosen"] / chosen),
        )
        for each in rows[1:]
        if each["pool"]
    ]


def chosen(summary: Summary) -> list[Entry]:
    """The first rows chosen."""
    return [_entry(each) for each in summary["chosen_examples"]]


def rejected(summary: Summary) -> list[Entry]:
    """Some rows that were not chosen, of each reason."""
    return [_entry(each) for each in summary["rejected_examples"]]


def worklist(summary: Summary) -> list[Entry]:
    """The first rows to rewrite."""
    return [_entry(each, to=each["to"]) for each in summary["worklist"] or ()]


def _entry(row: Summary, *, to: str | None = None) -> Entry:
    label = row["label"] if to is None else f"{row['label']}, to be rewritten to {to}"
    return Entry((label, row["where"]), clip(visible(row["text"]), _WORDS), row["reason"])


def method(summary: Summary) -> list[tuple[str, str]]:
    """How it was done: a word and a sentence or two for each step."""
    return [*_on_rows(summary), *(() if summary["trial"] is None else _on_trial(summary["trial"]))]


def _on_rows(summary: Summary) -> Iterator[tuple[str, str]]:
    yield (
        "Near-miss groups",
        "rows that are near misses of each other, the same but for what decides the label; given by a column"
        if summary["composition"]["groups"] == "given"
        else "each row is joined with its nearest row of another label, the nearest pairs first, if their "
        "texts are within cosine distance 0.5 (TF-IDF over words); no row is in two pairs",
    )
    yield (
        "Suspects",
        "a row is suspected where models that saw nothing of its cluster disagree with its label (confident "
        "learning), or its text stands under another label too",
    )
    yield (
        "Cover",
        "rows are chosen one by one, each time the one that shows most words under its label that the rows "
        "chosen before do not show. A word counts by the rows of the pool that show it, half as much each "
        "time it is shown again. What a row adds is divided by the square root of its number of words; where "
        "“long rows” are asked for, it is not, and a word shown again counts seven tenths. Suspects are left "
        "out, redundant rows come last. “Near-miss groups” spends its share of the budget on whole groups "
        "first, in the same way, and covers with the rest",
    )


def _on_trial(trial: Summary) -> Iterator[tuple[str, str]]:
    seeds = len(trial["seeds"])
    yield (
        "Held out",
        f"{count(trial['held_out'])} rows on which no strategy could choose; near-duplicates and near-miss "
        f"groups are not divided between them and the {count(trial['pool'])} rows to choose from. Rows with "
        f"a suspected label measure nothing. {count(trial['near_misses'])} of them count as near misses: a "
        "row of another label is in their group, or within distance 0.5",
    )
    yield (
        "Trial",
        f"each of {seeds} seed{'' if seeds == 1 else 's'} sees another nine tenths of the rows to choose "
        f"from; every strategy chooses {count(trial['budget'])} of them, and {trial['learner']['name']} is "
        "fitted on these",
    )
    yield (
        "Decision",
        f"a strategy qualifies if it is shown more accurate than {trial['reference']} rows on one test and "
        f"not worse by {points(trial['margin'])} or more on the other (all questions are one family: Holm). "
        "Of those that qualify, the most accurate chooses from the whole pool. Where none does, the choice "
        f"is {trial['reference']}",
    )


def facts(summary: Summary) -> list[tuple[str, str]]:
    """What was chosen from and with which settings: name and value."""
    data, trial = summary["data"], summary["trial"]
    found = [
        ("Pool", f"{data['source']}, {count(data['rows'])} rows, {count(data['labels'])} labels"),
        ("Columns", data["columns"]),
        ("Fingerprint of the data", data["fingerprint"]),
        ("Rows chosen", count(summary["budget"])),
        ("Strategy", summary["strategy"]),
        ("Seed of the choice", str(summary["seed"])),
    ]
    if trial is not None:
        settings = {key: value for key, value in trial["learner"].items() if key != "name"}
        found += [
            ("Learner of the trial", str(trial["learner"]["name"])),
            ("Its settings", ", ".join(f"{key} = {value}" for key, value in settings.items()) or NONE),
            ("Seeds of the trial", seed_range(trial["seeds"])),
            ("Hash of the plan", trial["plan_hash"]),
        ]
    return [*found, ("negspace", summary["version"])]
