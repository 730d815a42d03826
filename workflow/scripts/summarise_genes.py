"""Summarise each gene over a sample's kept cells: how often seen, how much, how variable."""

import logging

import numpy as np
import pandas as pd
from scipy import sparse

from immune_reset import counts, dispersion, tables
from immune_reset.runtime import start

logger = logging.getLogger("summarise_genes")

TARGET_SUM = 1e4
"""UMIs to which each cell is scaled before the logarithm, in every sample alike."""

MIN_CELLS = 3
"""Cells below which a variance says nothing: dispersions are NaN."""


def count_genes(matrix: sparse.csr_matrix) -> pd.DataFrame:
    """Return n_cells_by_counts (cells with a count) and total_counts (UMIs) of each column."""
    total = np.asarray(matrix.astype(np.float64).sum(axis=0)).ravel()
    return pd.DataFrame(
        {"n_cells_by_counts": matrix.getnnz(axis=0), "total_counts": total.astype(np.int64)}
    )


def dispersions(matrix: sparse.csr_matrix) -> pd.DataFrame:
    """Return the mean and the normalised dispersion of each gene.

    Seurat's dispersions (Satija 2015) as `scanpy.pp.highly_variable_genes` computes them: the
    log variance-to-mean ratio, standardised among genes of similar mean.

    Parameters
    ----------
    matrix
        Whole counts of the kept cells, cells × genes.

    Returns
    -------
    One row a gene: mean (of log1p counts per 10,000), dispersion_norm. Both are NaN with fewer
    than `MIN_CELLS` cells; dispersion_norm is 0 where no cell has the gene.
    """
    table = pd.DataFrame({"mean": np.nan, "dispersion_norm": np.nan}, index=range(matrix.shape[1]))
    expressed = np.flatnonzero(matrix.getnnz(axis=0) > 0)
    if matrix.shape[0] < MIN_CELLS or not len(expressed):
        return table
    mean, variance, logs = dispersion.scaled_moments(matrix, TARGET_SUM)
    table["mean"], table["dispersion_norm"] = logs, 0.0
    found = dispersion.normalised(mean[expressed], variance[expressed])
    table.loc[expressed, "dispersion_norm"] = found
    return table


def main(smk) -> None:
    """Snakemake entry point: read, compute, write."""
    start(smk)
    cells = tables.read(smk.input.cells, ["cell_id", "keep"]).query("keep")
    loaded = counts.read(smk.input.counts, cell_ids=cells["cell_id"])
    genes = loaded.genes[["symbol"]].rename_axis("gene_id").reset_index()
    genes = genes.assign(n_cells=len(cells))
    genes = pd.concat([genes, count_genes(loaded.matrix), dispersions(loaded.matrix)], axis=1)
    logger.info("%d of %d genes seen", (genes["n_cells_by_counts"] > 0).sum(), len(genes))
    tables.write(genes, smk.output.genes)


if __name__ == "__main__":
    main(snakemake)
