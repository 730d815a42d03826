"""Sum one sample's counts over its clusters: the counts that statistics on patients stand on."""

import logging
from collections.abc import Iterable

import numpy as np
import pandas as pd
from scipy import sparse

from immune_reset import counts, tables
from immune_reset.runtime import start

logger = logging.getLogger("sum_pseudobulk")


def groups_of_cells(order: pd.Index, kept: pd.Index, groups: pd.DataFrame) -> pd.Series:
    """Return the cluster of each cell of the matrix, in its order; missing where it has no part.

    `order`: cell_id of the matrix's rows; `kept`: cells that passed quality control; `groups`:
    cell_id, cluster. Kept cells without a cluster are counted in the log and left out.
    """
    cluster = groups.set_index("cell_id")["cluster"].reindex(kept)
    if missing := int(cluster.isna().sum()):
        logger.warning("%d of %d kept cells have no cluster and are left out", missing, len(kept))
    return cluster.reindex(order)


def sum_groups(
    chunks: Iterable[tuple[slice, sparse.csr_matrix]], clusters: pd.Series, genes: pd.Index
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the sums by cluster and gene, and the clusters' sizes.

    Parameters
    ----------
    chunks
        (rows, their counts over all genes), as `counts.iter_chunks` yields them.
    clusters
        Cluster of each cell in the matrix's order; missing cells are not summed.
    genes
        gene_id of the matrix's columns.

    Returns
    -------
    Sums: cluster, gene_id, counts (UMIs), n_expressing (cells with any); a gene without a count in
    a cluster has no row. Sizes: cluster, n_cells, total_counts.
    """
    codes, names = pd.factorize(clusters, sort=True)
    umis = np.zeros((len(names), len(genes)))
    cells = np.zeros_like(umis)
    for rows, part in chunks:
        code = codes[rows]
        inside = np.flatnonzero(code >= 0)
        shape = (len(names), part.shape[0])
        member = sparse.csr_matrix((np.ones(len(inside)), (code[inside], inside)), shape=shape)
        umis += (member @ part).toarray()
        cells += (member @ (part > 0).astype(float)).toarray()
    group, gene = np.nonzero(umis)
    sums = pd.DataFrame(
        {
            "cluster": np.asarray(names, dtype=object)[group],
            "gene_id": genes.to_numpy(dtype=object)[gene],
            "counts": umis[group, gene].astype(np.int64),
            "n_expressing": cells[group, gene].astype(np.int64),
        }
    )
    sizes = pd.DataFrame(
        {
            "cluster": np.asarray(names, dtype=object),
            "n_cells": np.bincount(codes[codes >= 0], minlength=len(names)).astype(np.int64),
            "total_counts": umis.sum(axis=1).astype(np.int64),
        }
    )
    return sums, sizes


def main(smk) -> None:
    """Snakemake entry point: read, compute, write."""
    start(smk)
    sample = str(smk.wildcards.sample)
    kept = tables.read(smk.input.cells, ["cell_id", "keep"]).query("keep")["cell_id"]
    groups = tables.read(smk.input.groups, ["cell_id", "cluster"])
    order, genes = counts.read_cells(smk.input.counts).index, counts.read_genes(smk.input.counts)
    clusters = groups_of_cells(order, pd.Index(kept), groups)
    sums, sizes = sum_groups(counts.iter_chunks(smk.input.counts), clusters, genes.index)
    logger.info("%s: %d cells in %d clusters", sample, sizes["n_cells"].sum(), len(sizes))
    for frame, path in ((sums, smk.output.pseudobulk), (sizes, smk.output.sizes)):
        frame.insert(0, "sample", sample)
        tables.write(frame, path)


if __name__ == "__main__":
    main(snakemake)
