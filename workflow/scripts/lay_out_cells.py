"""Lay the cells' graph out in two dimensions with UMAP: a picture, on which nothing is computed."""

import logging

import numpy as np
import pandas as pd
from knncolle import FindKnnResults
from scranpy import run_umap

from immune_reset import tables
from immune_reset.runtime import start

logger = logging.getLogger("lay_out_cells")

EPOCHS = 200
"""Rounds of the layout: UMAP's own number beyond 10,000 cells, enough from where it starts."""

START_WIDTH = 10.0
"""Half the width of the picture that the layout starts from, UMAP's own."""


def lay_out(
    neighbors: np.ndarray,
    distances: np.ndarray,
    embedding: np.ndarray,
    *,
    min_dist: float,
    spread: float,
    seed: int,
) -> np.ndarray:
    """Return the UMAP coordinates (McInnes 2018) of the cells, cells × 2, float32.

    libscran's UMAP, which needs no compiling, from the first two dimensions of the embedding:
    large distances keep a meaning (Kobak and Linderman 2021), and unconnected parts a place. The
    coordinates are the same on every run and with any number of cores.

    Parameters
    ----------
    neighbors, distances
        Cells × neighbours, nearest first, the cell itself among them.
    embedding
        Cells × dimensions.
    min_dist, spread
        Smallest distance between points, and scale of the picture.
    seed
        Seed of the layout.
    """
    n_cells, k = neighbors.shape
    begin = np.zeros((n_cells, 2))
    begin[:, : embedding.shape[1]] = embedding[:, :2]
    begin *= START_WIDTH / max(np.abs(begin).max(), np.finfo(float).tiny)
    others = neighbors != np.arange(n_cells)[:, None]
    others[others.all(axis=1), -1] = False  # twins pushed the cell itself off its own list
    if k < 2:
        return begin.astype(np.float32)
    near = FindKnnResults(
        index=neighbors[others].reshape(n_cells, k - 1).astype(np.uint32),
        distance=distances[others].reshape(n_cells, k - 1).astype(np.float64),
    )
    layout = run_umap(
        near,
        min_dist=min_dist,
        spread=spread,
        initialize_method="none",
        initial_coordinates=begin,
        num_epochs=EPOCHS,
        optimize_seed=seed,
        num_threads=1,
    )
    return layout.astype(np.float32)


def main(smk) -> None:
    """Snakemake entry point: read, compute, write."""
    start(smk)
    cfg = smk.params.cfg
    embedding = tables.read(smk.input.embedding)
    with np.load(smk.input.neighbors) as found:
        neighbors, distances = found["neighbors"], found["distances"]
    layout = lay_out(
        neighbors,
        distances,
        embedding.drop(columns="cell_id").to_numpy(),
        min_dist=cfg["layout.min_dist"],
        spread=cfg["layout.spread"],
        seed=cfg["seed"],
    )
    columns = {"cell_id": embedding["cell_id"], "umap_1": layout[:, 0], "umap_2": layout[:, 1]}
    tables.write(pd.DataFrame(columns), smk.output.layout)


if __name__ == "__main__":
    main(snakemake)
