"""Pseudobulks by cell type: clusters mapped to labels, samples pooled, unfit ones left out."""

import logging
from collections.abc import Mapping

import numpy as np
import pandas as pd

from immune_reset.design import Design

logger = logging.getLogger(__name__)

UNIT = ["patient", "timepoint", "cell_type"]


def cluster_types(labels: pd.DataFrame) -> pd.Series:
    """Return the cell type of each cluster: that of most of its cells, ties by name.

    Counts were summed by cluster, labels are by cell; where these differ within a cluster, the
    cluster's sum goes to the majority whole, and how many cells are then elsewhere is logged.
    """
    sizes = labels.groupby(["cluster", "cell_type"], observed=True).size().reset_index(name="n")
    sizes = sizes.sort_values(["cluster", "n", "cell_type"], ascending=[True, False, True])
    first = sizes.drop_duplicates("cluster").set_index("cluster")
    away = int(sizes["n"].sum() - first["n"].sum())
    logger.info("%d of %d cells are in a cluster of another type", away, int(sizes["n"].sum()))
    return first["cell_type"].astype(str)


def cohort_samples(design: Design, available: set[str]) -> pd.DataFrame:
    """Return sample, patient, timepoint of the cohort's samples that have counts."""
    rows = [
        {key: row[key] for key in ("sample", "patient", "timepoint")}
        for row in design["samples"]
        if row.get("in_cohort", True) and row["sample"] in available
    ]
    return pd.DataFrame(rows, columns=["sample", "patient", "timepoint"])


def pool(table: pd.DataFrame, samples: pd.DataFrame, types: pd.Series, by: list[str]):
    """Sum a table keyed by sample and cluster over patient, timepoint, cell_type (and `by`)."""
    keyed = table.assign(cell_type=table["cluster"].astype(str).map(types))
    keyed = keyed.loc[keyed["cell_type"].notna()].merge(samples, on="sample")
    values = [name for name in ("counts", "n_cells", "total_counts") if name in keyed]
    return keyed.groupby([*UNIT, *by], observed=True, as_index=False)[values].sum()


def fit_units(sizes: pd.DataFrame, *, min_cells: int, min_counts: int) -> pd.DataFrame:
    """Return the pooled units (patient, timepoint, cell_type) with enough cells and UMIs."""
    enough = (sizes["n_cells"] >= min_cells) & (sizes["total_counts"] >= min_counts)
    logger.info("%d of %d pseudobulks have enough cells and UMIs", enough.sum(), len(sizes))
    return sizes.loc[enough].reset_index(drop=True)


def measured_in(genes: Mapping[str, pd.DataFrame], samples: list[str]) -> np.ndarray:
    """Return the gene ids that every one of `samples` measured, sorted."""
    shared = genes[samples[0]]["gene_id"].to_numpy(str)
    for sample in samples[1:]:
        shared = np.intersect1d(shared, genes[sample]["gene_id"].to_numpy(str))
    return np.unique(shared)


def matrix(counts: pd.DataFrame, units: pd.DataFrame, gene_ids: np.ndarray) -> pd.DataFrame:
    """Return integer counts, units (patient, timepoint) by genes, zeros filled in.

    `counts` are pooled counts of one cell type; only genes of `gene_ids` are kept.
    """
    keys = pd.MultiIndex.from_frame(units[["patient", "timepoint"]])
    rows = keys.get_indexer(pd.MultiIndex.from_frame(counts[["patient", "timepoint"]]))
    columns = pd.Index(gene_ids).get_indexer(counts["gene_id"])
    inside = (rows >= 0) & (columns >= 0)
    values = np.zeros((len(keys), len(gene_ids)), dtype=np.int64)
    values[rows[inside], columns[inside]] = counts["counts"].to_numpy()[inside]
    return pd.DataFrame(values, index=keys, columns=gene_ids)
