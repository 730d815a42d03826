"""Score each barcode of a sample for being two cells in one droplet, with Scrublet."""

import logging

import numpy as np
import pandas as pd
import scanpy as sc
from anndata import AnnData
from scipy import sparse

from immune_reset import cell_calls, counts, genes, tables
from immune_reset.runtime import start

logger = logging.getLogger("score_doublets")

MIN_BARCODES = 50
"""Below this the neighbourhood of a barcode says nothing: scores are NaN."""

MIN_COUNTS = 200
"""Barcodes with fewer UMIs are not scored, and no doublet is simulated from them."""


def variable_genes(matrix: sparse.csr_matrix, symbols: pd.Series, *, n_genes: int) -> np.ndarray:
    """Return the positions of the `n_genes` most variable genes (Seurat's dispersions).

    Genes seen in fewer than 3 barcodes and V(D)J segments (they name clones) are left out.
    """
    usable = (matrix.getnnz(axis=0) >= 3) & ~genes.is_vdj_segment(symbols, keep=()).to_numpy()
    positions = np.flatnonzero(usable)
    if len(positions) <= n_genes:
        return positions
    data = AnnData(matrix[:, positions].astype(np.float32))
    sc.pp.normalize_total(data)
    sc.pp.log1p(data)
    chosen = sc.pp.highly_variable_genes(data, n_top_genes=n_genes, inplace=False)
    return positions[chosen["highly_variable"].to_numpy()]


def scrublet_scores(
    matrix: sparse.csr_matrix,
    *,
    rate: float,
    sim_ratio: float,
    n_components: int,
    seed: int,
) -> tuple[np.ndarray, np.ndarray]:
    """Return Scrublet's scores of the rows of `matrix` and of the doublets simulated from them.

    Scrublet (Wolock, Lopez and Klein 2019) adds up random pairs of cells and asks how many of a
    cell's neighbours are such sums. scanpy's implementation, with exact neighbours: on a few
    thousand barcodes they are faster than the approximate ones, and need no compiler.

    Parameters
    ----------
    matrix
        Whole counts, barcodes × variable genes, no row empty.
    rate
        Expected share of doublets.
    sim_ratio
        Simulated doublets per barcode.
    n_components
        Principal components in which neighbours are sought.
    seed
        Seed of the simulation.
    """
    observed = AnnData(matrix.astype(np.float32), layers={"raw": matrix.astype(np.float32)})
    simulated = sc.pp.scrublet_simulate_doublets(
        observed, layer="raw", sim_doublet_ratio=sim_ratio, random_seed=seed
    )
    del observed.layers["raw"]
    sc.pp.normalize_total(observed, target_sum=1e6)
    sc.pp.normalize_total(simulated, target_sum=1e6)
    sc.pp.scrublet(
        observed,
        simulated,
        expected_doublet_rate=rate,
        n_prin_comps=min(n_components, *(n - 1 for n in matrix.shape)),
        use_approx_neighbors=False,
        threshold=0.0,  # the threshold is chosen in call_cells
        random_state=seed,
        verbose=False,
    )
    return observed.obs["doublet_score"].to_numpy(), observed.uns["scrublet"]["doublet_scores_sim"]


def score(
    loaded: counts.Counts,
    *,
    n_genes: int,
    rate: float | None,
    sim_ratio: float,
    n_components: int,
    seed: int,
) -> pd.DataFrame:
    """Return cell_id, doublet_score and score_split of each barcode.

    doublet_score (0 to 1) is NaN for barcodes of fewer than `MIN_COUNTS` UMIs, and for all where
    fewer than `MIN_BARCODES` are left. score_split, the same in each row, parts the scores of
    simulated doublets of unlike cells from those of like cells (Otsu's split of their logarithm).
    """
    table = pd.DataFrame({"cell_id": loaded.cells.index, "doublet_score": np.nan})
    table["score_split"] = np.nan
    scorable = np.flatnonzero(np.asarray(loaded.matrix.sum(axis=1)).ravel() >= MIN_COUNTS)
    chosen = variable_genes(loaded.matrix[scorable], loaded.genes["symbol"], n_genes=n_genes)
    matrix = loaded.matrix[scorable][:, chosen]
    filled = matrix.getnnz(axis=1) > 0
    scorable, matrix = scorable[filled], matrix[filled]
    if len(scorable) < MIN_BARCODES or len(chosen) < 3:
        logger.warning("too little to score: %d barcodes, %d genes", len(scorable), len(chosen))
        return table
    observed, simulated = scrublet_scores(
        matrix,
        rate=cell_calls.doublet_rate(len(table), given=rate),
        sim_ratio=sim_ratio,
        n_components=n_components,
        seed=seed,
    )
    table.loc[scorable, "doublet_score"] = observed
    table["score_split"] = np.exp(cell_calls.otsu_split(np.log(simulated)))
    return table


def main(smk) -> None:
    """Snakemake entry point: read, compute, write."""
    start(smk)
    cfg = smk.params.cfg
    scores = score(
        counts.read(smk.input.counts),
        n_genes=cfg["doublets.n_genes"],
        rate=cfg["doublets.expected_rate"],
        sim_ratio=cfg["doublets.sim_ratio"],
        n_components=cfg["doublets.n_components"],
        seed=cfg["seed"],
    )
    logger.info("%d of %d barcodes scored", scores["doublet_score"].notna().sum(), len(scores))
    tables.write(scores, smk.output.scores)


if __name__ == "__main__":
    main(snakemake)
