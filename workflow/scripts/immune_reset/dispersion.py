"""How much more than its mean explains a gene varies: Seurat's normalised dispersions."""

import numpy as np
import pandas as pd
from scipy import sparse

CELLS_AT_ONCE = 4096
N_BINS = 20
TINY = 1e-12
"""Mean taken for a gene that no cell has."""


def scaled_moments(
    matrix: sparse.csr_matrix, target_sum: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return each gene's mean and variance of scaled counts, and its mean of their log1p.

    Parameters
    ----------
    matrix
        Counts, cells × genes. A cell without a count stays empty.
    target_sum
        UMIs to which each cell is scaled.
    """
    n_cells, n_genes = matrix.shape
    total, square, logs = np.zeros(n_genes), np.zeros(n_genes), np.zeros(n_genes)
    for first in range(0, n_cells, CELLS_AT_ONCE):
        part = matrix[first : first + CELLS_AT_ONCE].astype(np.float64)
        depth = np.asarray(part.sum(axis=1)).ravel()
        scale = np.divide(target_sum, depth, out=np.zeros(len(depth)), where=depth > 0)
        values = part.data * np.repeat(scale, np.diff(part.indptr))
        total += np.bincount(part.indices, values, n_genes)
        square += np.bincount(part.indices, values**2, n_genes)
        logs += np.bincount(part.indices, np.log1p(values), n_genes)
    mean = total / n_cells
    variance = (square - n_cells * mean**2) / (n_cells - 1)
    return mean, variance, logs / n_cells


def normalised(mean: np.ndarray, variance: np.ndarray) -> np.ndarray:
    """Return Seurat's normalised dispersions (Satija 2015), as scanpy's flavour `seurat`.

    The log of variance over mean, standardised among genes of similar log1p mean (20 bins). A
    gene alone in its bin has 1; one without a variance is NaN.
    """
    mean = np.where(mean == 0, TINY, mean)
    ratio = variance / mean
    level = pd.Series(np.log(np.where(ratio > 0, ratio, np.nan)))
    bins = pd.cut(pd.Series(np.log1p(mean)), bins=N_BINS)
    grouped = level.groupby(bins, observed=True)
    centre, spread = grouped.transform("mean"), grouped.transform("std")
    alone = spread.isna()
    spread[alone], centre[alone] = centre[alone], 0.0
    return ((level - centre) / spread).to_numpy()
