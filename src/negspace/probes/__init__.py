"""Probes: what a fragment does to a language model, found by name in `PROBES`."""

from __future__ import annotations

from negspace.probes.cross_fit import ORDERS, CrossFit, CrossFitSettings, cross_fit, divide
from negspace.probes.gradient import GradientProbe, NoiseScale, corpus_noise_scale, noise_scale, spans
from negspace.probes.predictions import TEMPERATURES, LossProbe, PressureProbe, nearest_tokens
from negspace.probes.probe import (
    PROBES,
    Planned,
    Probe,
    ProbeContext,
    Probed,
    ProbeSettings,
    Trace,
    TraceMetric,
    all_probes,
    metric_of,
    parse_probes,
    ranked_columns,
)
from negspace.probes.retention import (
    LAGS,
    SMALLEST_GAIN,
    RetentionProbe,
    half_life,
    retained,
    retention_traces,
)
from negspace.probes.role import CONDITIONS, ROLE_NAMES, RULE, Condition, RoleProbe, RoleRule, sort_roles
from negspace.probes.role_quantities import (
    RoleQuantities,
    drawn_groups,
    ordered,
    quantities,
    role_quantities,
    settings_for,
)
from negspace.probes.role_words import duplicate_groups, few_ids, read_words
from negspace.probes.step import StepProbe, first_order_agreement
from negspace.probes.volatility import TypeMeans, VolatileToken, VolatilityProbe, type_means, volatile_types

__all__ = [
    "CONDITIONS",
    "LAGS",
    "ORDERS",
    "PROBES",
    "ROLE_NAMES",
    "RULE",
    "SMALLEST_GAIN",
    "TEMPERATURES",
    "Condition",
    "CrossFit",
    "CrossFitSettings",
    "GradientProbe",
    "LossProbe",
    "NoiseScale",
    "Planned",
    "PressureProbe",
    "Probe",
    "ProbeContext",
    "ProbeSettings",
    "Probed",
    "RetentionProbe",
    "RoleProbe",
    "RoleQuantities",
    "RoleRule",
    "StepProbe",
    "Trace",
    "TraceMetric",
    "TypeMeans",
    "VolatileToken",
    "VolatilityProbe",
    "all_probes",
    "corpus_noise_scale",
    "cross_fit",
    "divide",
    "drawn_groups",
    "duplicate_groups",
    "few_ids",
    "first_order_agreement",
    "half_life",
    "metric_of",
    "nearest_tokens",
    "noise_scale",
    "ordered",
    "parse_probes",
    "quantities",
    "ranked_columns",
    "read_words",
    "retained",
    "retention_traces",
    "role_quantities",
    "settings_for",
    "sort_roles",
    "spans",
    "type_means",
    "volatile_types",
]
