"""Compare the V genes with the baseline: each patient's shares, and the cohort's by paired CLR.

See `immune_reset.gene_changes`. Input: `usage` (tables/gene_usage.tsv). Output: `change`.
"""

import logging

import pandas as pd

from immune_reset import design, gene_changes, tables
from immune_reset.runtime import start

logger = logging.getLogger("compare_gene_usage")


def compare(usage: pd.DataFrame, plan: design.Design, members: list[str]) -> pd.DataFrame:
    """Return tables/gene_usage_change.tsv: the patients' rows, then the cohort's of `members`."""
    patients = gene_changes.patient_changes(usage, design.comparisons(plan))
    cohort = gene_changes.cohort_changes(patients, members)
    return pd.concat([patients, cohort], ignore_index=True).astype(gene_changes.TYPES)


def main(smk) -> None:
    """Snakemake entry point: read, compute, write."""
    start(smk)
    plan = smk.params.design
    change = compare(tables.read(smk.input.usage), plan, design.patients_of(plan))
    tables.write(change, smk.output.change)
    logger.info("%d rows", len(change))


if __name__ == "__main__":
    main(snakemake)
