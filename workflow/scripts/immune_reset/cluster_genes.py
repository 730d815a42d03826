"""The genes that set each cluster apart, from sums by cluster."""

import numpy as np
import pandas as pd

from immune_reset.genes import MT_PATTERN, RIBO_PATTERN, is_vdj_segment, matches

N_TOP = 8
MIN_SHARE = 0.1
PSEUDO = 0.05  # UMIs per 10,000, so that a gene seen nowhere else has a finite fold change


def top_genes(
    pseudobulk: pd.DataFrame,
    sizes: pd.DataFrame,
    genes: pd.DataFrame,
    *,
    n_samples: int,
    n_top: int = N_TOP,
) -> pd.Series:
    """Return the top genes of each cluster as "symbol, symbol, ...", index cluster.

    Genes are ranked by (share of the cluster's cells expressing it less that of all other cells) x
    log2 fold change of UMIs per 10,000. Only genes that every one of the `n_samples` samples
    measures; no mitochondrial or ribosomal genes and no V, D, J segments.

    Parameters
    ----------
    pseudobulk
        sample, cluster, gene_id, counts, n_expressing.
    sizes
        sample, cluster, n_cells, total_counts.
    genes
        gene_id, symbol of every sample, one row for each that measures the gene.
    """
    known = genes.groupby("gene_id", sort=True)["symbol"].agg(["first", "size"])
    known = known[known["size"] == n_samples]["first"]
    drop = matches(known, MT_PATTERN) | matches(known, RIBO_PATTERN) | is_vdj_segment(known)
    known = known[~drop.to_numpy()]
    size = sizes.groupby("cluster")[["n_cells", "total_counts"]].sum()
    measured = pseudobulk[pseudobulk["gene_id"].isin(known.index)]
    sums = measured.groupby(["cluster", "gene_id"])[["counts", "n_expressing"]].sum()
    counts, seen = (
        sums[name].unstack(fill_value=0).reindex(size.index, fill_value=0)
        for name in ("counts", "n_expressing")
    )
    rest = size.sum() - size
    inside = seen.div(size["n_cells"], axis=0)
    outside = (seen.sum() - seen).div(np.maximum(rest["n_cells"], 1), axis=0)
    level = 1e4 * counts.div(np.maximum(size["total_counts"], 1), axis=0) + PSEUDO
    other = 1e4 * (counts.sum() - counts).div(np.maximum(rest["total_counts"], 1), axis=0) + PSEUDO
    fold = np.log2(level / other)
    score = ((inside - outside) * fold).where((fold > 0) & (inside >= MIN_SHARE), -1.0)
    top = {}
    for cluster, row in score.iterrows():
        best = row.sort_values(ascending=False, kind="stable").head(n_top)
        top[cluster] = ", ".join(known[best[best > 0].index])
    return pd.Series(top, dtype=object)
