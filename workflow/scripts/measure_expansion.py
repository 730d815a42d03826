"""Measure how expanded one patient's clones are, how many are new, and the clones of CAR T cells.

All shares are of cells and at equal numbers of cells; see `immune_reset.expansion`. Turnover: the
share of cells in clones that the baseline did not show, beside the share that no change would give.
"""

import logging

import numpy as np
import pandas as pd

from immune_reset import design as designs
from immune_reset import expansion, fates, ledger, tables
from immune_reset.compartments import Samples, files_at, split_compartments
from immune_reset.diversity_rows import UNITS
from immune_reset.hill import Abundances
from immune_reset.intervals import wilson
from immune_reset.runtime import start

logger = logging.getLogger("measure_expansion")

CELLS, SHARE = "cells", "share"
MIN_CELLS = 20  # below, no share at equal depth is given
EXPANSION_TYPES = {
    "patient": "string", "timepoint": "string", "receptor": "string", "compartment": "string",
    "basis": "string", "size_class": "string", "n_cells": "int64", "n_in_class": "int64",
    "m": "Int64", "fraction": "float64", "ci_low": "float64", "ci_high": "float64",
    "status": "string",
}  # fmt: skip
TURNOVER_TYPES = {
    "patient": "string", "comparison": "string", "receptor": "string", "n_baseline": "int64",
    "n_followup": "int64", "n_new": "int64", "fraction_new": "float64", "ci_low": "float64",
    "ci_high": "float64", "expected_new": "float64", "expected_low": "float64",
    "expected_high": "float64", "p_value": "float64", "status": "string",
}  # fmt: skip
CAR_TYPES = {
    "patient": "string", "timepoint": "string", "n_t_cells": "int64", "n_car": "int64",
    "fraction": "float64", "ci_low": "float64", "ci_high": "float64", "n_clones": "int64",
    "largest_clone": "string", "largest_fraction": "float64", "n_clones_at_baseline": "Int64",
    "fraction_at_baseline": "float64", "status": "string",
}  # fmt: skip


def measure_classes(
    samples: Samples, files: dict[tuple[str, str], bool], *, patient: str
) -> pd.DataFrame:
    """Return the `expansion` table: the share of cells in clones of each class, at m cells.

    m: the fewest cells of the compartment among the patient's timepoints with 20 or more.
    n_in_class: cells in clones of the class as counted, before rarefaction. basis: whether the
    class is one by the cells of a clone, or by its share of the repertoire; of the latter, those
    that m cells cannot show (a single cell is a larger share) are not estimable.
    """
    rows = []
    for (receptor, compartment), unit in UNITS.items():
        own = {t: a for (r, c, t), a in samples.items() if (r, c) == (receptor, compartment)}
        m = expansion.common_depth(list(own.values()), min_cells=MIN_CELLS)
        for timepoint, a in own.items():
            key = (patient, timepoint, receptor, compartment)
            status = f"not estimable: {a.n_cells} {unit}, {MIN_CELLS} would be enough"
            if not files[receptor, timepoint]:
                status = "not estimable: no V(D)J file"
            for name in (*expansion.CLASSES, *expansion.SHARE_CLASSES):
                low, high = expansion.bounds_of(name, a.n_cells)
                inside = (a.sizes >= low) & (a.sizes <= (a.largest if high is None else high))
                counted = int(a.sizes[inside] @ a.clones[inside])
                values = (None, np.nan, np.nan, np.nan, status)
                if a.n_cells >= MIN_CELLS:
                    values = (m, *class_share(a, m, name))
                basis = CELLS if name in expansion.CLASSES else SHARE
                rows.append((*key, basis, name, a.n_cells, counted, *values))
    return pd.DataFrame(rows, columns=list(EXPANSION_TYPES)).astype(EXPANSION_TYPES)


def class_share(a: Abundances, m: int, name: str) -> tuple[float, float, float, str]:
    """Return share, interval and status of a class at m cells."""
    enough = expansion.cells_to_tell(name)
    if m >= enough:
        return (*expansion.share_interval(a, m, name), "estimable")
    found = f"one cell of {m:,} is a larger share of the repertoire"
    return np.nan, np.nan, np.nan, f"not estimable: {found}, {enough:,} cells would be enough"


def turnover(clonotypes: pd.DataFrame, *, design: dict) -> pd.DataFrame:
    """Return the `turnover` table: the share of follow-up cells in clones new since baseline.

    Given the clones that the baseline showed, each follow-up cell is of another or not: binomial
    (Wilson). With nothing changed the share is that of the repertoire which N baseline cells left
    unseen; Turing's f1 / N estimates it (Good 1953), its interval and the p-value of no change
    are those of `fates.group_change` for clones of one cell or more.
    """
    rows = []
    for receptor in ledger.RECEPTORS:
        there = ledger.sequenced_at(design, receptor)
        counts = ledger.count_cells(clonotypes, receptor, there)
        for followup, baseline, name in designs.comparisons(design):
            if followup not in there or baseline not in there:
                continue
            x, y = (counts[time].to_numpy() for time in (baseline, followup))
            depth, new = int(y.sum()), int(y[x == 0].sum())
            found = fates.group_change(x, y, depth=depth, min_cells=1)
            row = (design["patient"], name, receptor, int(x.sum()), depth, new)
            shares = (found.share_followup, found.share_followup_high, found.share_followup_low)
            known = (found.share_baseline, found.share_baseline_high, found.share_baseline_low)
            status = found.status.replace("of more than 1 cells", "of two cells")
            rows.append((*row, *(1 - v for v in (*shares, *known)), found.p_value, status))
    return pd.DataFrame(rows, columns=list(TURNOVER_TYPES)).astype(TURNOVER_TYPES)


def car_clones(clonotypes: pd.DataFrame, car: pd.DataFrame | None, *, design: dict) -> pd.DataFrame:
    """Return the `car_clones` table: the clones that hold CAR-positive cells, by timepoint.

    fraction: CAR-positive among the T cells with a clone (Wilson). n_clones_at_baseline: of these
    clones, those with any cell at baseline; fraction_at_baseline: the share of the CAR-positive
    cells that they hold. No rows where CAR T cells are not known.
    """
    rows = []
    tcr = clonotypes[clonotypes["receptor"] == "TCR"].astype({"clone_id": object})
    positive = [] if car is None else car.loc[car["car"].astype(bool), "cell_id"]
    there = ledger.sequenced_at(design, "TCR")
    baseline = design["baseline"] if design["baseline"] in there else None
    before = set(tcr.loc[tcr["timepoint"] == baseline, "clone_id"]) if baseline else set()
    for timepoint in there if car is not None else ():
        now = tcr[tcr["timepoint"] == timepoint]
        sizes = now.loc[now["cell_id"].isin(positive), "clone_id"].value_counts()
        sizes = sizes.sort_index().sort_values(ascending=False, kind="stable")
        n = int(sizes.sum())
        known = sizes[sizes.index.isin(before)]
        seen = (len(known), known.sum() / n) if n and baseline else (None, np.nan)
        largest = (sizes.index[0], sizes.iloc[0] / n) if n else ("", np.nan)
        low, high = wilson(n, len(now))
        status = "called" if n else "no CAR-positive cell with a T-cell clone"
        shares = (n / len(now) if len(now) else np.nan, float(low), float(high))
        key = (design["patient"], timepoint, len(now), n, *shares, len(sizes))
        rows.append((*key, *largest, *seen, status))
    return pd.DataFrame(rows, columns=list(CAR_TYPES)).astype(CAR_TYPES)


def main(smk) -> None:
    """Snakemake entry point: read, compute, write."""
    start(smk)
    plan = smk.params.design
    clonotypes = tables.read(smk.input.clonotypes)
    labels, car = (tables.optional(smk.input, name) for name in ("labels", "car"))
    car = None if car is None else tables.read(car)
    samples = split_compartments(
        clonotypes,
        None if labels is None else tables.read(labels),
        car,
        timepoints=plan["timepoints"],
    )
    classes = measure_classes(samples, files_at(plan), patient=plan["patient"])
    tables.write(classes, smk.output.expansion)
    tables.write(turnover(clonotypes, design=plan), smk.output.turnover)
    tables.write(car_clones(clonotypes, car, design=plan), smk.output.car)
    logger.info("%s: %d rows of expansion classes", plan["patient"], len(classes))


if __name__ == "__main__":
    main(snakemake)
