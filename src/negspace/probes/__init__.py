"""Probes: what a fragment does to a language model, one probe a module, found by name in `PROBES`."""

from __future__ import annotations

from negspace.probes.cross_fit import ORDERS, CrossFit, CrossFitSettings, cross_fit, divide
from negspace.probes.duplicate_groups import duplicate_groups
from negspace.probes.gradient import GradientProbe, corpus_noise_scale
from negspace.probes.loss import LossProbe
from negspace.probes.plan import (
    PROBES,
    Planned,
    ProbeContext,
    ProbeSettings,
    RegisteredProbe,
    all_probes,
    metric_of,
    parse_probes,
    ranked_columns,
)
from negspace.probes.pressure import TEMPERATURES, PressureProbe, nearest_tokens
from negspace.probes.probe import Probe, Probed, TokenTrace, Trace, TraceMetric
from negspace.probes.retention import (
    LAGS,
    SMALLEST_GAIN,
    RetentionProbe,
    half_life,
    retained,
    retention_traces,
)
from negspace.probes.role import ROLE_NAMES, FragmentRoles, RoleProbe, sort_roles
from negspace.probes.role_quantities import (
    RoleQuantities,
    drawn_groups,
    ordered,
    quantities,
    role_quantities,
    settings_for,
)
from negspace.probes.role_rule import CONDITIONS, RULE, Condition, RoleRule
from negspace.probes.step import Agreement, StepProbe, first_order_agreement
from negspace.probes.volatility import TypeMeans, VolatilityProbe, type_means, volatile_types
from negspace.probes.wording import few_ids, read_words

__all__ = [
    "CONDITIONS",
    "LAGS",
    "ORDERS",
    "PROBES",
    "ROLE_NAMES",
    "RULE",
    "SMALLEST_GAIN",
    "TEMPERATURES",
    "Agreement",
    "Condition",
    "CrossFit",
    "CrossFitSettings",
    "FragmentRoles",
    "GradientProbe",
    "LossProbe",
    "Planned",
    "PressureProbe",
    "Probe",
    "ProbeContext",
    "ProbeSettings",
    "Probed",
    "RegisteredProbe",
    "RetentionProbe",
    "RoleProbe",
    "RoleQuantities",
    "RoleRule",
    "StepProbe",
    "TokenTrace",
    "Trace",
    "TraceMetric",
    "TypeMeans",
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
    "type_means",
    "volatile_types",
]
