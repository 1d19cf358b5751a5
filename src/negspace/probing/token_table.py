"""Loss and pressure of every token, as rows: for those who want to look closer than a fragment."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pyarrow as pa

from negspace.probes.volatility import VolatilityProbe
from negspace.probing.crew import measure_some
from negspace.probing.plan import Plan

__all__ = ["token_rows"]

_AT_ONCE = 64  # fragments


def token_rows(plan: Plan) -> Iterator[pa.Table]:
    """A row a token: fragment, position, id, text, loss (nats), pressure, competitors and their chances.

    The first token of a fragment is not scored, and has nulls.
    """
    fragments, model = plan.inputs.fragments, plan.inputs.model
    texts = model.token_texts(range(int(model.network.get_input_embeddings().weight.shape[0])))
    asked = plan.token_probes()
    asked += [VolatilityProbe(plan.means)] if plan.means is not None else []
    model = replace(model, checkpoints=())
    for start in range(0, len(fragments), _AT_ONCE):
        plan.crew.report("writing tokens", start, len(fragments))
        rows = np.arange(start, min(start + _AT_ONCE, len(fragments)))
        inside = np.arange(fragments.tokens.shape[1]) < fragments.lengths[rows, None]
        which, places = np.nonzero(inside)
        ids = fragments.tokens[rows][inside]
        columns = {
            "fragment": pa.array(rows[which], pa.int32()),
            "position": pa.array(places, pa.int32()),
            "token": pa.array(ids, pa.int32()),
            "text": pa.array([texts[token] for token in ids.tolist()], pa.string()),
        }
        for probe in asked:
            probed = measure_some(probe, model, fragments, rows, plan.crew.batch, tokens=True)
            for trace in probed.tokens:
                columns[trace.measure] = _column(trace.values[inside])
        yield pa.table(columns)


def _column(values: np.ndarray) -> pa.Array:
    if values.ndim > 1:
        flat = values.reshape(-1)
        # An id below 0 stands for none.
        none = flat < 0 if np.issubdtype(flat.dtype, np.integer) else np.isnan(flat)
        flat = pa.array(flat, mask=none)
        return pa.FixedSizeListArray.from_arrays(flat, values.shape[1])
    return pa.array(values.astype(np.float32), from_pandas=True)
