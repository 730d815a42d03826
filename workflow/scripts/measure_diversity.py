"""Diversity of one patient's clones at every timepoint, and its change from baseline.

Hill numbers q = 0, 1, 2 (Hill 1973; Chao et al. 2014) observed, rarefied to the patient's
smallest sample, and asymptotic; each with its interval, or with why there is none. The change is
taken at equal numbers of cells; what cell numbers alone explain is never one.
"""

from itertools import product

import numpy as np
import pandas as pd

from immune_reset import design as designs
from immune_reset import tables
from immune_reset.compartments import (
    Samples,
    common_depths,
    files_at,
    generator,
    split_compartments,
)
from immune_reset.diversity_rows import ONE_CLONE, UNITS, bound_words, change_row, shortage
from immune_reset.hill import coverage
from immune_reset.hill_bootstrap import bootstrap_draws, hill_band, secondary_indices
from immune_reset.hill_change import NO_CHANGE_KNOWN, compare
from immune_reset.hill_intervals import NOT_ESTIMABLE, estimate_asymptote, estimate_at
from immune_reset.runtime import start

PROFILE_ORDERS = np.arange(0.0, 3.01, 0.25)
CURVE_POINTS = 25
SECONDARY_DRAWS = 100
LEVEL_COLUMNS = [
    "patient", "timepoint", "receptor", "compartment", "q", "estimator", "n_cells", "n_clones",
    "n_repeats", "coverage", "m", "value", "ci_low", "ci_high", "status", "reason", "enough",
    "secondary_gini", "secondary_normalised_shannon", "secondary_d50",
]  # fmt: skip
CHANGE_COLUMNS = [
    "patient", "receptor", "compartment", "comparison", "measure", "q", "estimator", "m",
    "n_baseline", "n_followup", "repeats_baseline", "repeats_followup", "log_ratio", "ci_low",
    "ci_high", "p_value", "status", "agrees_D2", "bound_alpha", "bound_direction", "headline",
    "reason", "enough",
]  # fmt: skip
CURVE_COLUMNS = [
    "patient", "timepoint", "receptor", "compartment", "kind", "m", "q", "value", "ci_low",
    "ci_high",
]  # fmt: skip


def measure_levels(
    samples: Samples,
    files: dict[tuple[str, str], bool],
    *,
    patient: str,
    orders: list[int],
    min_cells: int,
    min_repeats: int,
    seed: int,
) -> pd.DataFrame:
    """Return the `diversity` table: one row per timepoint, receptor, compartment, q, estimator.

    m: the sample's own cells (observed), the common depth (rarefied), empty (asymptotic). The
    secondary_ indices stand in the rarefied rows alone, at the same m.
    """
    depths = common_depths(samples, min_cells=min_cells)
    limits = {"min_cells": min_cells, "min_repeats": min_repeats}
    rows = []
    for (receptor, compartment, timepoint), a in samples.items():
        key = (patient, timepoint, receptor, compartment)
        m = depths.get((receptor, compartment), 0)
        words = shortage(
            a,
            timepoint,
            UNITS[receptor, compartment],
            has_file=files[receptor, timepoint],
            **limits,
        )
        facts = (a.n_cells, a.n_clones, a.n_repeats, coverage(a))
        second = {}
        if 0 < m <= a.n_cells:
            rng = generator(seed, "secondary", *key)
            second = secondary_indices(a, m, draws=SECONDARY_DRAWS, rng=rng)
        for q, estimator in product(orders, ("observed", "rarefied", "asymptotic")):
            if estimator == "asymptotic":
                depth, found = np.nan, estimate_asymptote(a, q, **limits)
            else:
                depth = a.n_cells if estimator == "observed" else m or np.nan
                found = estimate_at(a, q, 0 if np.isnan(depth) else depth, **limits)
            said = words if any(words) or found.status != NOT_ESTIMABLE else (ONE_CLONE, "")
            extra = second if estimator == "rarefied" else {}
            other = (extra.get(name, np.nan) for name in ("gini", "normalised_shannon", "d50"))
            numbers = (found.value, found.ci_low, found.ci_high, found.status)
            rows.append((*key, q, estimator, *facts, depth, *numbers, *said, *other))
    return pd.DataFrame(rows, columns=LEVEL_COLUMNS)


def measure_changes(
    samples: Samples,
    files: dict[tuple[str, str], bool],
    *,
    patient: str,
    comparisons: list[tuple[str, str, str]],
    min_cells: int,
    min_repeats: int,
) -> pd.DataFrame:
    """Return the `diversity_change` table; follow-up minus baseline, natural logarithms.

    measure: ln_D1 (headline, at m cells), log_D2 (asymptotic) beside it; or, where one side has
    too few repeats, bound (headline; D2). A claim needs p_value (of a bound: bound_alpha) after
    Holm over the headline rows, and agrees_D2.
    """
    limits = {"min_cells": min_cells, "min_repeats": min_repeats}
    rows = []
    for (followup, baseline, name), (receptor, compartment) in product(comparisons, UNITS):
        if (receptor, compartment, baseline) not in samples:
            continue
        pair = [samples[receptor, compartment, time] for time in (baseline, followup)]
        words = [
            shortage(a, t, UNITS[receptor, compartment], has_file=files[receptor, t], **limits)
            for a, t in zip(pair, (baseline, followup), strict=True)
        ]
        reason, enough = ("; ".join(w for w in part if w) for part in zip(*words, strict=True))
        changes = compare(*pair, **limits) or {"ln_D1": NO_CHANGE_KNOWN}
        if "bound" in changes:
            at = [(pair[0], baseline), (pair[1], followup)]
            at.sort(key=lambda side: side[0].n_repeats)
            reason = bound_words(at[0][0], at[1][0], at[0][1], at[1][1])
        for measure, change in changes.items():
            said = reason or (ONE_CLONE if np.isnan(change.p_value) else "")
            row = {"patient": patient, "receptor": receptor, "compartment": compartment}
            row |= {"comparison": name, "reason": said, "enough": enough}
            rows.append(row | change_row(measure, changes, *pair))
    return pd.DataFrame(rows, columns=CHANGE_COLUMNS)


def draw_curves(
    samples: Samples, *, patient: str, orders: list[int], min_cells: int, draws: int, seed: int
) -> pd.DataFrame:
    """Return the curves of samples of `min_cells` or more, with bootstrap bands.

    kind: rarefaction (D_q against m up to the sample's cells) or profile (D_q against q at the
    patient's common m).
    """
    depths = common_depths(samples, min_cells=min_cells)
    rows = []
    for (receptor, compartment, timepoint), a in samples.items():
        if a.n_cells < min_cells:
            continue
        key = (patient, timepoint, receptor, compartment)
        drawn = bootstrap_draws(a, draws, generator(seed, "curves", *key))
        points = np.unique(np.linspace(1, a.n_cells, CURVE_POINTS).round().astype(int))
        common = [depths[receptor, compartment]]
        for kind, at, qs in (("rarefaction", points, orders), ("profile", common, PROFILE_ORDERS)):
            band = hill_band(a, at, qs, drawn)
            for (i, m), (j, q) in product(enumerate(at), enumerate(qs)):
                rows.append((*key, kind, int(m), float(q), *band[i, j]))
    return pd.DataFrame(rows, columns=CURVE_COLUMNS)


def main(smk) -> None:
    """Snakemake entry point: read, compute, write."""
    start(smk)
    cfg, design = smk.params.cfg, smk.params.design
    labels, car = (tables.optional(smk.input, name) for name in ("labels", "car"))
    samples = split_compartments(
        tables.read(smk.input.clonotypes),
        None if labels is None else tables.read(labels),
        None if car is None else tables.read(car),
        timepoints=design["timepoints"],
    )
    files, patient = files_at(design), design["patient"]
    orders, seed = sorted(cfg["diversity.orders"]), cfg["seed"]
    limits = {"min_cells": cfg["diversity.min_cells"], "min_repeats": cfg["diversity.min_repeats"]}
    levels = measure_levels(samples, files, patient=patient, orders=orders, seed=seed, **limits)
    changes = measure_changes(
        samples, files, patient=patient, comparisons=designs.comparisons(design), **limits
    )
    draws, least = cfg["diversity.bootstraps"], cfg["diversity.min_cells"]
    curves = draw_curves(
        samples, patient=patient, orders=orders, min_cells=least, draws=draws, seed=seed
    )
    tables.write(levels, smk.output.diversity)
    tables.write(changes, smk.output.change)
    tables.write(curves, smk.output.curves)


if __name__ == "__main__":
    main(snakemake)
