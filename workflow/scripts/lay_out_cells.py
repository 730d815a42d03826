"""Lay the cells' graph out in two dimensions with UMAP: a picture, on which nothing is computed."""

import logging
import warnings

import numpy as np
import pandas as pd
import scanpy as sc
from anndata import AnnData
from scipy import sparse

from immune_reset import tables
from immune_reset.runtime import start

logger = logging.getLogger("lay_out_cells")

MIN_CELLS_SPECTRAL = 10
"""Cells below which the layout starts at random: the graph has too few eigenvectors."""

HARMLESS = (
    r"n_jobs value .* overridden",  # a seed asks for one thread, and one is what we want
    r"Spectral initiali[sz]ation failed",  # falls back to random positions, by the same seed
)


def lay_out(
    graph: sparse.csr_matrix,
    embedding: np.ndarray,
    *,
    min_dist: float,
    spread: float,
    seed: int,
) -> np.ndarray:
    """Return the UMAP coordinates (McInnes 2018) of the graph's cells, cells × 2, float32.

    Parameters
    ----------
    graph
        Connectivities, cells × cells.
    embedding
        Cells × dimensions, in the graph's order: places the graph's unconnected parts.
    min_dist, spread
        Smallest distance between points, and scale of the picture.
    seed
        Seed of the layout; with one thread the coordinates are the same on every run.
    """
    data = AnnData(obsm={"X_embedding": embedding}, obsp={"connectivities": graph})
    data.uns["neighbors"] = {
        "connectivities_key": "connectivities",
        "distances_key": "distances",
        "params": {"method": "umap", "use_rep": "X_embedding"},
    }
    with warnings.catch_warnings():
        for message in HARMLESS:
            warnings.filterwarnings("ignore", message=message)
        start_at = "spectral" if graph.shape[0] >= MIN_CELLS_SPECTRAL else "random"
        sc.tl.umap(data, min_dist=min_dist, spread=spread, init_pos=start_at, random_state=seed)
    return np.asarray(data.obsm["X_umap"], dtype=np.float32)


def main(smk) -> None:
    """Snakemake entry point: read, compute, write."""
    start(smk)
    cfg = smk.params.cfg
    embedding = tables.read(smk.input.embedding)
    layout = lay_out(
        sparse.csr_matrix(sparse.load_npz(smk.input.graph)),
        embedding.drop(columns="cell_id").to_numpy(np.float32),
        min_dist=cfg["layout.min_dist"],
        spread=cfg["layout.spread"],
        seed=cfg["seed"],
    )
    columns = {"cell_id": embedding["cell_id"], "umap_1": layout[:, 0], "umap_2": layout[:, 1]}
    tables.write(pd.DataFrame(columns), smk.output.layout)


if __name__ == "__main__":
    main(snakemake)
