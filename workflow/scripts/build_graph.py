"""Join each cell to its nearest neighbours in the embedding of all samples."""

import logging

import numpy as np
from scipy import sparse

from immune_reset import tables
from immune_reset.neighbors import nearest
from immune_reset.runtime import start

logger = logging.getLogger("build_graph")

SEARCH_STEPS = 64
"""Halvings of the interval in which a cell's bandwidth lies."""

MIN_BANDWIDTH = 1e-3
"""Smallest bandwidth, as a share of the mean distance to the neighbours."""


def connect(embedding: np.ndarray, *, n_neighbors: int) -> sparse.csr_matrix:
    """Return UMAP's connectivities of the neighbourhood graph, cells × cells, symmetric.

    The graph of `scanpy.pp.neighbors` (UMAP's fuzzy union, McInnes 2018, section 3.1), of the
    Euclidean neighbours that `nearest` finds. Written out because
    importing and compiling umap takes 12 s of every run and this takes a tenth of one.

    Parameters
    ----------
    embedding
        Cells × dimensions.
    n_neighbors
        Neighbours of a cell, itself included.
    """
    distances, neighbors = nearest(embedding, k=min(n_neighbors, len(embedding)))
    return unite(neighbors, distances)


def unite(neighbors: np.ndarray, distances: np.ndarray) -> sparse.csr_matrix:
    """Return the fuzzy union of the cells' neighbourhoods: a + b - ab of the two memberships.

    Parameters
    ----------
    neighbors, distances
        Cells × neighbours, sorted by distance, the cell itself included.
    """
    n_cells = len(neighbors)
    rows = np.repeat(np.arange(n_cells), neighbors.shape[1])
    itself = neighbors.ravel() == rows
    weights = np.where(itself, 0.0, memberships(distances).ravel())
    directed = sparse.csr_matrix((weights, (rows, neighbors.ravel())), shape=(n_cells, n_cells))
    union = sparse.csr_matrix(directed + directed.T - directed.multiply(directed.T))
    union.eliminate_zeros()
    union.sort_indices()
    return union.astype(np.float32)


def memberships(distances: np.ndarray) -> np.ndarray:
    """Return how surely each neighbour is joined: exp(-(distance - nearest) / bandwidth).

    A cell's bandwidth is such that the memberships of its neighbours sum to log2 of their number
    (itself counted), found by halving an interval. The nearest neighbour's is 1.

    Parameters
    ----------
    distances
        Cells × neighbours, sorted, the cell itself first.
    """
    positive = distances > 0
    nearest = np.where(positive, distances, np.inf).min(axis=1)
    nearest[~np.isfinite(nearest)] = 0  # all neighbours are in the same place
    beyond = np.maximum(distances - nearest[:, None], 0)
    target = np.log2(distances.shape[1])
    low, high = np.zeros(len(distances)), np.full(len(distances), np.inf)
    bandwidth = np.ones(len(distances))
    for _ in range(SEARCH_STEPS):
        total = np.exp(-beyond[:, 1:] / bandwidth[:, None]).sum(axis=1)
        too_wide = total > target
        high = np.where(too_wide, bandwidth, high)
        low = np.where(too_wide, low, bandwidth)
        bandwidth = np.where(np.isinf(high), bandwidth * 2, (low + high) / 2)
    mean = np.where(nearest > 0, distances.mean(axis=1), distances.mean())
    bandwidth = np.maximum(bandwidth, MIN_BANDWIDTH * mean)
    bandwidth[bandwidth == 0] = 1  # every cell is in the same place
    return np.exp(-beyond / bandwidth[:, None])


def main(smk) -> None:
    """Snakemake entry point: read, compute, write."""
    start(smk)
    embedding = tables.read(smk.input.embedding)
    cells = embedding[["cell_id"]]
    positions = embedding.drop(columns="cell_id").to_numpy()
    k = min(smk.params.cfg["graph.n_neighbors"], len(positions))
    distances, neighbors = nearest(positions, k=k)
    graph = unite(neighbors, distances)
    logger.info("%d cells, %d edges", len(cells), graph.nnz // 2)
    with tables.whole(smk.output.graph) as partial:
        sparse.save_npz(partial, graph)
    found = {"neighbors": neighbors.astype(np.int32), "distances": distances.astype(np.float32)}
    with tables.whole(smk.output.neighbors) as partial:
        np.savez(partial, **found)
    tables.write(cells, smk.output.cells)


if __name__ == "__main__":
    main(snakemake)
