"""The probe: from a corpus to what each of its fragments does to a language model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from negspace._version import __version__
from negspace.data.fragments import pieces
from negspace.execution import cpu_count
from negspace.language_models import Device, Dtype, LanguageModel, available_bytes, memory_of
from negspace.probes import ProbeContext, ProbeSettings, parse_probes
from negspace.probing.findings import ProbeFindings
from negspace.probing.highlights import HIGHLIGHTS
from negspace.probing.inputs import Inputs, read_inputs, state_hash
from negspace.probing.output_folder import WORK, refuse_strangers, write_result
from negspace.probing.parts import SCHEMA, PartExecutor, TraceTable, processes_for
from negspace.probing.report import probe_report
from negspace.probing.summarise import summarise
from negspace.reports.blocks import Report, Reported
from negspace.store import PartStore, content_hash, locked, package_hash
from negspace.study import Progress

OUT = "probed"
"""Where the result goes unless said otherwise."""

_MOST_MEMORY = 2**31
_BATCH = 2048  # tokens: on one core, larger batches are no faster
# Every step passes over all of its reference, forward and backward: as many tokens as one fragment has.
# Several short pieces tell more of other text than one long one does.
_PIECES = 8
_LEAST_PIECE = 16  # tokens


@dataclass(frozen=True, eq=False)
class ProbeResult(Reported):
    """The result of a probe.

    Attributes:
        page: The page, in the folder that all was written to.
        traces: One row a fragment, probe, metric and layer.
        findings: The content of ``probe.json``.
    """

    page: Path
    traces: pa.Table
    findings: ProbeFindings

    def to_dict(self) -> dict[str, Any]:
        """The content of ``probe.json``, a fresh copy."""
        return self.findings.to_dict()

    def report(self) -> Report:
        """What the page and the terminal show."""
        return probe_report(self.findings).with_registered("probe", self)


def probe(
    corpus: object,
    *,
    model: str | LanguageModel = "tiny",
    text: str | None = None,
    reference: object | None = None,
    probes: str | Sequence[str] = "all",
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
        step_size: SGD step size. If None, chosen so that the median fragment's loss falls by 0.1 nats per
            token, to first order.
        check: Whether gradients are compared with a loop of one fragment at a time, on this very model.
        device: Where the model runs.
        dtype: Type of its numbers.
        trust_remote_code: Whether code that the model brings may run.
        out: Folder for ``report.html``, ``probe.json`` and the Parquet files, made if need be.
        seed: Decides all that is drawn.
        memory: Bytes for a batch in each process; None for half of what is free, shared among them, 2 GiB
            at most. Results depend on it by rounding only.
        workers: Processes, on the CPU; the number of cores where None. No result depends on it.
        progress: Told what is being done.

    Returns:
        What was found: ``to_dict()``, ``traces``, ``report``.

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
    settings = ProbeSettings(parse_probes(probes), fragment_tokens, tokens, sample, step_size, seed)
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
        batch = _batch(inputs, settings, memory, processes)
        executor = PartExecutor(inputs.model, store, batch, processes, report)
        # What steps and gradients are compared with. Two pieces at least, however short: retention compares
        # halves of it.
        each = max(_LEAST_PIECE, fragment_tokens // _PIECES)
        each = min(each, max(2, int(inputs.reference.lengths.sum()) // 2))
        against = pieces(inputs.reference, _PIECES, each)
        asked = (settings, batch, processes, report, executor.mean_gradient)
        context = ProbeContext(inputs.model, inputs.fragments, against, *asked)
        table = TraceTable(len(inputs.fragments))
        for planned in context.planned():
            for part in executor.measure(planned, inputs.fragments):
                table.add(part)
        report("writing", 0, 1)
        traces = pa.concat_tables([SCHEMA.empty_table(), *table.tidy()]).unify_dictionaries()
        findings = summarise(key, inputs, context, table, check=check, highlights=HIGHLIGHTS)
        write_result(folder, store.staged, context, traces, findings)
        store.remove()
    return ProbeResult(folder / "report.html", traces, findings)


def _batch(inputs: Inputs, settings: ProbeSettings, memory: int | None, workers: int) -> int:
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
