"""The probe: from a corpus to what each of its fragments does to a language model."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from joblib import cpu_count

from negspace._version import __version__
from negspace.gradients import memory_of
from negspace.language_models import LanguageModel, available_bytes
from negspace.language_models.opening import Device, Dtype
from negspace.probing.crew import Crew, processes_for
from negspace.probing.inputs import Inputs, read_inputs, state_hash
from negspace.probing.outputs import write_result
from negspace.probing.plan import Plan
from negspace.probing.result import ProbeResult
from negspace.probing.settings import PROBES, Settings, parse_probes
from negspace.probing.target import WORK, refuse_strangers
from negspace.probing.traces import SCHEMA, TraceTable
from negspace.store import PartStore, content_hash, locked, package_hash
from negspace.study import Progress

__all__ = ["OUT", "probe"]

OUT = "probed"
"""Where the result goes unless said otherwise."""

_MOST_MEMORY = 2**31
_BATCH = 2048  # tokens: on one core, larger batches are no faster


def probe(
    corpus: object,
    *,
    model: str | LanguageModel = "tiny",
    text: str | None = None,
    reference: object | None = None,
    probes: str | Sequence[str] = PROBES,
    fragment_tokens: int = 512,
    tokens: bool = False,
    sample: int = 64,
    step_size: float | None = None,
    check: bool = False,
    device: Device = "auto",
    dtype: Dtype = "auto",
    trust_remote_code: bool = False,
    out: str | Path = OUT,
    seed: int = 0,
    memory: int | None = None,
    workers: int | None = None,
    progress: Progress | None = None,
) -> ProbeResult:
    """Measure what each fragment of a corpus would change in a language model.

    A run that was killed goes on from its finished parts when the same call is made again.

    Args:
        corpus: A text file, a folder of them, or a data set with a column of texts.
        model: ``"tiny"`` (a small GPT, trained on the corpus), the folder or hub id of a causal language
            model, or an opened one.
        text: For a data set, its column of texts; recognised by its name where None.
        reference: Text that the model should get better at, in any of these forms; fragments of the corpus
            are set aside where None.
        probes: Which probes run: names, or a list with commas; ``"all"`` for all.
        fragment_tokens: Length of a fragment, at most.
        tokens: Whether loss and pressure of every token are written too.
        sample: How many fragments take real steps.
        step_size: Of a step; None for one at which half of the fragments should lose 0.1 nats per token.
        check: Whether gradients are compared with a loop of one fragment at a time, on this very model.
        device: Where the model runs.
        dtype: Type of its numbers.
        trust_remote_code: Whether code that the model brings may run.
        out: Folder for ``report.html``, ``probe.json`` and the Parquet files, made if need be.
        seed: Of all that is drawn.
        memory: Bytes for a batch in each process; None for half of what is free, shared among them, 2 GiB
            at most. Results depend on it by rounding only.
        workers: Processes, on the CPU; the number of cores where None. No result depends on it.
        progress: Told what is being done.

    Returns:
        What was found: ``to_dict()``, ``table()``, ``report``.

    Raises:
        DataError: The corpus or the model cannot be used, or a loss is not finite.
        PlanError: The settings cannot give an answer.
        MissingExtraError: A package is missing.
        StoreError: The folder cannot be written.

    Examples:
        >>> import negspace
        >>> negspace.probe("plays.txt", out="probed")  # doctest: +SKIP
    """
    folder = Path(out).expanduser()
    refuse_strangers(folder)
    settings = Settings(parse_probes(probes), fragment_tokens, tokens, sample, step_size, seed)
    report = progress or (lambda _stage, _done, _total: None)
    inputs = read_inputs(
        corpus,
        reference=reference,
        model=model,
        text=text,
        settings=settings,
        device=device,
        dtype=dtype,
        trust_remote_code=trust_remote_code,
        progress=report,
    )
    work = folder / WORK
    key = content_hash({
        "fragments": inputs.fragments.fingerprint,
        "reference": inputs.reference.fingerprint,
        "model": inputs.model.fingerprint if isinstance(model, str) else state_hash(inputs.model),
        "settings": settings.describe(),
        "version": __version__,
    })  # fmt: skip
    with locked(work):
        store = PartStore(work, content_hash([key, package_hash()]), SCHEMA)
        processes = workers or cpu_count()
        crew = Crew(inputs.model, store, _batch(inputs, settings, memory, processes), processes, report)
        plan = Plan(inputs, settings, crew)
        table = TraceTable(len(inputs.fragments))
        for each in plan.probes():
            for part in crew.measure(each.name, each.probe, inputs.fragments, each.rows, model=each.model):
                table.add(part)
        report("writing", 0, 1)
        result = write_result(folder, store.staged, key, plan, table, check=check)
        store.remove()
    return result


def _batch(inputs: Inputs, settings: Settings, memory: int | None, workers: int) -> int:
    """Padded tokens of a batch: no more than make it faster, and than there is memory for."""
    model = inputs.model
    longest = int(inputs.fragments.lengths.max())
    processes = processes_for(model, workers)
    # The mean gradient and the reference's, each as given and as the meter holds it.
    directions = 4 if settings.asks_for("gradient") else 0
    fixed = memory_of(model.network, batch=0, longest=longest, directions=directions)
    one = memory_of(model.network, batch=longest, longest=longest, directions=directions).total - fixed.total
    if memory is None:
        # A model that is measured in this process is there already; every other process has one of its own.
        needed = fixed.total - (fixed.parameters if processes == 1 else 0)
        memory = min(available_bytes(model.device) // 2 // processes - needed, _MOST_MEMORY)
    # At least one fragment: whether it fits is then seen.
    return longest * max(1, min(_BATCH // longest, memory // max(1, one)))
