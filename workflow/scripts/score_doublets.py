"""Score each barcode of a sample for being two cells in one droplet, with Scrublet."""

import logging

import numpy as np
import pandas as pd
from scipy import sparse
from scipy.sparse.linalg import LinearOperator, svds

from immune_reset import cell_calls, counts, dispersion, genes, tables
from immune_reset.neighbors import search_many
from immune_reset.runtime import start

logger = logging.getLogger("score_doublets")

MIN_BARCODES = 50
"""Below this the neighbourhood of a barcode says nothing: scores are NaN."""

TOLERANCE = 1e-6
"""Relative error of the components' variances: far below what moves a neighbour."""

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
    matrix = sparse.csr_matrix(matrix[:, positions])
    depth = np.asarray(matrix.sum(axis=1)).ravel()
    mean, variance, _ = dispersion.scaled_moments(matrix, float(np.median(depth[depth > 0])))
    level = np.nan_to_num(dispersion.normalised(mean, variance), nan=-np.inf)
    return np.sort(positions[np.argsort(-level, kind="stable")[:n_genes]])


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
    cell's neighbours are such sums. Written out, with `search_many` (exact to
    15,000 barcodes) and nothing made dense: scanpy's takes three times as long for the same scores,
    and its approximate search ten.

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
    n_cells = matrix.shape[0]
    n_simulated = int(n_cells * sim_ratio)
    drawn = np.random.default_rng(seed).choice(n_cells**2, n_simulated, replace=False)
    first, second = np.unravel_index(drawn, (n_cells, n_cells))
    observed, simulated = scaled(matrix), scaled(matrix[first] + matrix[second])
    places = component_places(
        observed, simulated, n_components=min(n_components, n_cells - 1, matrix.shape[1] - 1)
    )
    k = round(round(0.5 * np.sqrt(n_cells)) * (1 + n_simulated / n_cells))
    near = search_many(places, k=min(k, len(places)))
    itself = near == np.arange(len(near))[:, None]  # a simulated pair does not count itself
    q = (((near >= n_cells) & ~itself).sum(axis=1) + 1) / (k + 2)
    ratio = n_simulated / n_cells
    scores = q * rate / ratio / (1 - rate - q * (1 - rate - rate / ratio))
    return scores[:n_cells], scores[n_cells:]


def scaled(matrix: sparse.csr_matrix) -> sparse.csr_matrix:
    """Return the counts per million of each row."""
    depth = np.asarray(matrix.sum(axis=1)).ravel()
    return sparse.csr_matrix(sparse.diags_array(1e6 / depth) @ matrix.astype(np.float64))


def component_places(
    observed: sparse.csr_matrix, simulated: sparse.csr_matrix, *, n_components: int
) -> np.ndarray:
    """Return the rows of both on the principal components of the observed, float64.

    Genes are standardised by the observed; ARPACK multiplies by the sparse matrix and its means,
    which is the standardised matrix without being written down.
    """
    centre = np.asarray(observed.mean(axis=0)).ravel()
    square = np.asarray(observed.multiply(observed).mean(axis=0)).ravel()
    spread = np.sqrt(square - centre**2)
    weight = sparse.diags_array(1 / spread)
    own, offset = sparse.csr_matrix(observed @ weight), centre / spread
    turned = sparse.csr_matrix(own.T)
    operator = LinearOperator(
        own.shape,
        matvec=lambda x: own @ x.ravel() - offset @ x.ravel(),
        rmatvec=lambda x: turned @ x.ravel() - offset * x.sum(),
        dtype=np.float64,
    )
    start = np.random.RandomState(0).uniform(-1, 1, min(own.shape))
    axes = svds(operator, k=n_components, tol=TOLERANCE, v0=start)[2][::-1].T
    axes *= np.sign(axes[np.abs(axes).argmax(axis=0), np.arange(n_components)])
    return np.vstack([part @ axes - offset @ axes for part in (own, simulated @ weight)])


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
