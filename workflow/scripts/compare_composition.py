"""Shares of cell types and subsets in each sample, and their change from baseline.

Inputs: `labels`, `cells` (one per sample), `car` and `clinical` (tables/clinical.tsv) where there
is one. Outputs: `composition` and `change`, both with cells per microlitre where blood counts are
known.
"""

import logging

import pandas as pd

from immune_reset import absolute_changes, absolute_counts, composition, design, tables
from immune_reset.errors import at
from immune_reset.runtime import start

logger = logging.getLogger("compare_composition")


def check_labels(labels: pd.DataFrame, kept: pd.Series) -> pd.DataFrame:
    """Return labels of the kept cells.

    Raises
    ------
    InputError
        If a kept cell has no label.
    """
    missing = set(kept) - set(labels["cell_id"])
    if missing:
        found = f"{len(missing)} kept cells have no label, such as {min(missing)}"
        raise at("cohort/labels.parquet", found, "Run annotate_cells again")
    return labels[labels["cell_id"].isin(kept)].fillna({"cell_subtype": ""})


def all_changes(
    counts: pd.DataFrame, plan: design.Design, *, level: float, min_expected: float
) -> pd.DataFrame:
    """Return the changes of every patient, then of the cohort, with the denominators named."""
    limits = {"level": level, "min_expected": min_expected}
    patients = composition.patient_changes(counts, plan, **limits)
    cohort = composition.cohort_changes(patients, level=level)
    out = patients if cohort.empty else pd.concat([patients.astype(object), cohort.astype(object)])
    out = out.infer_objects().reset_index(drop=True)
    return out.assign(denominator=composition.denominator_of(out))


def main(smk) -> None:
    """Snakemake entry point: read, compute, write."""
    start(smk)
    cfg, plan = smk.params.cfg, smk.params.design
    level = 1 - cfg["claims.alpha"]
    kept = tables.read_many(smk.input.cells, ["cell_id", "keep"]).query("keep")["cell_id"]
    labels = check_labels(tables.read(smk.input.labels), kept)
    path = tables.optional(smk.input, "car")
    car = tables.read(path) if path else None
    samples = design.frame(plan)
    counts = composition.count_parts(labels, car, samples["sample"].tolist())
    logger.info("%d cells of %d types", len(labels), labels["cell_type"].nunique())
    changes = all_changes(counts, plan, level=level, min_expected=cfg["composition.min_expected"])
    clinical = tables.optional(smk.input, "clinical")
    blood = absolute_counts.blood_counts(tables.read(clinical)) if clinical else None
    numbers = absolute_changes.levels(counts, samples, blood, level=level)
    changes = absolute_changes.add_numbers(changes, numbers, plan, level=level)
    shares = composition.shares(counts, samples, level=level)
    shares = absolute_counts.per_microlitre(shares, samples, blood, level=level)
    tables.write(shares, smk.output.composition)
    tables.write(changes, smk.output.change)


if __name__ == "__main__":
    main(snakemake)
