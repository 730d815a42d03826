"""Measure what quality control judges: counts, genes and the share of telling genes by barcode."""

import logging

import numpy as np
import pandas as pd
from scipy import sparse

from immune_reset import counts, genes, tables
from immune_reset.runtime import start

logger = logging.getLogger("measure_qc")

GROUPS = {"mt": genes.MT_PATTERN, "ribo": genes.RIBO_PATTERN, "hb": genes.HB_PATTERN}


def gene_groups(symbols: pd.Series) -> pd.DataFrame:
    """Return genes × (mt, ribo, hb), 1 where the symbol belongs to the group, else 0."""
    found = {name: genes.matches(symbols, pattern) for name, pattern in GROUPS.items()}
    return pd.DataFrame(found).astype(np.float64)


def measure(matrix: sparse.csr_matrix, groups: pd.DataFrame) -> pd.DataFrame:
    """Return the quality measures of each row of `matrix`.

    The definitions are those of `scanpy.pp.calculate_qc_metrics`.

    Parameters
    ----------
    matrix
        Whole counts, cells × genes.
    groups
        Genes × groups, as `gene_groups` returns.

    Returns
    -------
    Columns total_counts (UMIs), n_genes_by_counts (genes with a count), and pct_counts_<group>
    (percent of the UMIs; NaN where the barcode has none or the matrix has no gene of the group).
    """
    matrix = matrix.astype(np.float64)  # in float32 the totals of deep cells would be rounded
    total = np.asarray(matrix.sum(axis=1)).ravel()
    measures = {"total_counts": total.astype(np.int64), "n_genes_by_counts": matrix.getnnz(axis=1)}
    inside = matrix @ groups.to_numpy()
    for column, name in enumerate(groups.columns):
        measurable = (total > 0) & bool(groups[name].any())
        share = np.full(len(total), np.nan)
        np.divide(100 * inside[:, column], total, out=share, where=measurable)
        measures[f"pct_counts_{name}"] = share
    return pd.DataFrame(measures)


def main(smk) -> None:
    """Snakemake entry point: read, compute, write."""
    start(smk)
    path = smk.input.counts
    groups = gene_groups(counts.read_genes(path)["symbol"])
    for name in groups.columns[~groups.any()]:
        logger.warning("%s: the matrix has no %s genes", smk.wildcards.sample, name)
    parts = [measure(part, groups) for _, part in counts.iter_chunks(path)]
    metrics = pd.concat(parts, ignore_index=True)
    metrics.insert(0, "cell_id", counts.read_cells(path).index.to_numpy(dtype=object))
    tables.write(metrics, smk.output.metrics)


if __name__ == "__main__":
    main(snakemake)
