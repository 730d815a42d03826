"""Cluster the graph of neighbours with the Leiden algorithm."""

import logging
import random

import igraph
import numpy as np
import pandas as pd
from scipy import sparse

from immune_reset import tables
from immune_reset.runtime import start

logger = logging.getLogger("cluster_cells")


def cluster(graph: sparse.csr_matrix, *, resolution: float, seed: int) -> np.ndarray:
    """Return the cluster of each cell, named "0", "1", ... from the largest to the smallest.

    Leiden (Traag 2019) on modularity in igraph's implementation, two iterations, as scanpy
    recommends; igraph is called directly, with each edge once, which spares scanpy's start and
    half of its memory. Clusters of one size are ordered by their first cell.

    Parameters
    ----------
    graph
        Symmetric connectivities, cells × cells.
    resolution
        Larger gives more clusters.
    seed
        Seed of the algorithm's random order of visits.
    """
    edges = sparse.triu(graph, format="coo")
    ends = np.column_stack([edges.row, edges.col]).astype(np.int64)
    joined = igraph.Graph(graph.shape[0], edges=memoryview(ends))
    igraph.set_random_number_generator(random.Random(seed))
    try:
        found = joined.community_leiden(
            objective_function="modularity",
            weights=edges.data.astype(np.float64),
            resolution=resolution,
            n_iterations=2,
        )
    finally:
        igraph.set_random_number_generator(random)
    codes, _ = pd.factorize(np.array(found.membership))
    order = np.argsort(-np.bincount(codes), kind="stable")
    rank = np.empty(len(order), dtype=int)
    rank[order] = np.arange(len(order))
    return rank[codes].astype(str).astype(object)


def main(smk) -> None:
    """Snakemake entry point: read, compute, write."""
    start(smk)
    cfg = smk.params.cfg
    graph = sparse.csr_matrix(sparse.load_npz(smk.input.graph))
    cells = tables.read(smk.input.cells)
    clusters = cluster(graph, resolution=cfg["clusters.resolution"], seed=cfg["seed"])
    logger.info("%d cells in %d clusters", len(cells), len(set(clusters)))
    tables.write(cells.assign(cluster=clusters), smk.output.clusters)


if __name__ == "__main__":
    main(snakemake)
