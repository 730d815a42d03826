"""How much of a sample's UMIs is ambient RNA, and which genes leak.

The soup's make-up comes from empty droplets where the unfiltered matrix is given, else from the sum
of all barcodes. How much of it is in a barcode is told by cells that cannot make a set of genes
(Young and Behjati 2020, 10.1093/gigascience/giaa151): T and myeloid cells make no immunoglobulin,
myeloid cells no T-cell receptor and no CD3.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy import sparse, special

T_GENES = ("CD3D", "CD3E", "CD3G", "TRAC")
T_ONLY = r"(CD3[DEG]|TRAC|TRBC[12])$"
B_GENES = ("MS4A1", "CD79A", "CD79B", "MZB1", "CD19")
MYELOID_GENES = ("LYZ", "S100A8", "S100A9", "S100A12", "VCAN", "CD14", "FCN1")
IMMUNOGLOBULIN = r"(IGH(A\d|G\d|M|D|E)|IGKC|IGLC\d)$"
MIN_T_UMIS, MIN_B_UMIS = 3, 2
MIN_MYELOID_UMIS, MIN_MYELOID_SHARE = 20, 0.01
MIN_CELLS = 20
"""Cells that cannot make the genes, for an estimate."""

MIN_MAKERS = 10
"""Cells that make the genes, without which the sum of all barcodes is no measure of the soup."""

STANDS_OUT = 3.0
"""A cell that makes the genes has so many times the UMIs of one that cannot, and one UMI, more."""

MIN_EXPECTED = 50.0
"""UMIs that the cells would hold if all of theirs were soup: fewer cannot tell 7 % from none."""

EMPTY_UMIS = 100
"""UMIs below which a barcode of the unfiltered matrix is an empty droplet."""

MIN_EMPTY_UMIS = 10_000
USUAL = 0.05
"""Ambient share at which the two sets of genes are compared for how much they tell."""

TRIM = 0.999
TOP = 10
CELLS, EMPTY = "all barcodes", "empty droplets"
FEW_CELLS = "not estimable: too few cells that cannot make a set of genes which others make"


@dataclass(frozen=True)
class Soup:
    """Make-up of the soup: each gene's share, its UMIs, and where it was seen."""

    share: np.ndarray
    umis: np.ndarray
    source: str
    n_empty: int | None = None


@dataclass(frozen=True)
class Leak:
    """UMIs of `genes` in cells that cannot make them: `rate` a cell, of `per_cell` if all soup."""

    genes: str
    rate: float
    n_cells: int
    n_umis: int
    per_cell: float
    low: float
    high: float
    error: float


def soup_of_cells(matrix: sparse.csr_matrix) -> Soup:
    """Return the soup as the sum of all barcodes (`matrix`: cells × genes)."""
    umis = np.asarray(matrix.sum(axis=0), dtype=float).ravel()
    return Soup(umis / max(umis.sum(), 1.0), umis, CELLS)


def soup_of_empty(matrix: sparse.csr_matrix, given: np.ndarray) -> Soup | None:
    """Return the soup as the sum of the empty droplets; None where they hold too little.

    `matrix`: all barcodes × the sample's genes, unfiltered; `given`: which of them are in the
    filtered matrix. Empty are the others with 1 to `EMPTY_UMIS` - 1 UMIs.
    """
    totals = np.asarray(matrix.sum(axis=1), dtype=float).ravel()
    empty = (totals > 0) & (totals < EMPTY_UMIS) & ~given
    umis = np.asarray(matrix[empty].sum(axis=0), dtype=float).ravel()
    if umis.sum() < MIN_EMPTY_UMIS:
        return None
    return Soup(umis / umis.sum(), umis, EMPTY, int(empty.sum()))


def poisson_quantile(q: float, rate: float) -> float:
    """Return the fewest events that a Poisson of mean `rate` does not pass with chance `q`."""
    fewest = float(np.ceil(special.pdtrik(q, rate)))
    return fewest - 1 if fewest > 0 and special.pdtr(fewest - 1, rate) >= q else fewest


def poisson_rate(x: np.ndarray) -> tuple[float, np.ndarray]:
    """Return the mean of Poisson counts among which some are another's, and which were kept.

    Counts beyond the `TRIM` quantile (and above 1) are doublets and are left out; the mean is the
    maximum-likelihood one of a Poisson that is cut there. It starts from the share of zeros.
    """
    none = float((x == 0).mean())
    rate = -np.log(none) if none > 0 else float(np.median(x))
    kept = np.ones(len(x), dtype=bool)
    for _ in range(50):
        cut = max(poisson_quantile(TRIM, rate), 1)
        kept, before = x <= cut, rate
        mean = float(x[kept].mean())
        for _ in range(50):
            rate = mean * special.pdtr(cut, rate) / special.pdtr(cut - 1, rate)
        if abs(rate - before) <= 1e-6 * max(rate, 1e-6):
            break
    return float(rate), kept


def leak(
    name: str, x: np.ndarray, totals: np.ndarray, cells: np.ndarray, soup: Soup, chosen: np.ndarray
) -> Leak | None:
    """Return how much of `name` is in `cells`, which cannot make it; None where it cannot tell.

    Parameters
    ----------
    x, totals
        UMIs of the genes, and all UMIs, of every barcode.
    cells
        Mask of the barcodes that cannot make the genes.
    chosen
        Mask of the genes in the soup.
    """
    per_cell = float(soup.share[chosen].sum() * totals.mean())
    if cells.sum() < MIN_CELLS or cells.sum() * per_cell < MIN_EXPECTED:
        return None
    rate, kept = poisson_rate(x[cells])
    n, umis = int(kept.sum()), int(x[cells][kept].sum())
    spread = max(1.0, float(x[cells][kept].var() / rate)) if rate > 0 else 1.0
    low = special.gammaincinv(umis / spread, 0.025) * spread if umis else 0.0
    high = special.gammaincinv(umis / spread + 1, 0.975) * spread
    at = rate * n / umis if umis else 1.0  # what trimming took from the mean
    if soup.source == CELLS:
        residual = x - soup.share[chosen].sum() * totals
        error = float(np.sqrt((residual**2).sum()) / max(x.sum(), 1))
    else:
        error = float(1 / np.sqrt(max(soup.umis[chosen].sum(), 1)))
    return Leak(name, rate, n, umis, per_cell, low * at / n, high * at / n, error)


def best_leak(matrix: sparse.csr_matrix, symbols: pd.Series, soup: Soup) -> Leak | None:
    """Return the leak that tells most: of immunoglobulin, or of the T cells' own genes."""
    names = symbols.astype(str).reset_index(drop=True)
    totals = np.asarray(matrix.sum(axis=1), dtype=float).ravel()
    masks = {
        "immunoglobulin": names.str.match(IMMUNOGLOBULIN),
        "T-cell receptor and CD3": names.str.match(T_ONLY),
        **{key: names.isin(genes) for key, genes in
           (("t", T_GENES), ("b", B_GENES), ("m", MYELOID_GENES))},
    }  # fmt: skip
    umis = {key: _sum(matrix, mask) for key, mask in masks.items()}
    no_b = umis["b"] == 0
    myeloid = (umis["m"] >= MIN_MYELOID_UMIS) & (umis["m"] >= MIN_MYELOID_SHARE * totals) & no_b
    t_cells = (umis["t"] >= MIN_T_UMIS) & no_b
    makers = {
        "immunoglobulin": umis["b"] >= MIN_B_UMIS,
        "T-cell receptor and CD3": t_cells & ~myeloid,
    }
    others = {"immunoglobulin": t_cells | myeloid, "T-cell receptor and CD3": myeloid}
    found = [
        leak(name, umis[name], totals, others[name], soup, masks[name].to_numpy(bool))
        for name in makers
        if soup.source == EMPTY or _made(umis[name], makers[name], others[name]) >= MIN_MAKERS
    ]
    known = [one for one in found if one is not None]

    def variance(one: Leak) -> float:
        return 1 / (USUAL * one.n_cells * one.per_cell) + one.error**2

    return min(known, key=variance, default=None)


def estimate(matrix: sparse.csr_matrix, genes: pd.DataFrame, soup: Soup) -> dict[str, Any]:
    """Return the ambient share of a sample's UMIs, with a 95 % interval.

    The interval holds the Poisson error of the leaked UMIs, widened where they vary more from cell
    to cell, and the error of the genes' share in the soup (the sampling of cells, or of UMIs in
    empty droplets).

    Parameters
    ----------
    matrix, genes
        Counts (cells × genes) and their table, with the column symbol.

    Returns
    -------
    source, n_empty, genes, n_cells, n_umis (behind the estimate), ambient, ci_low, ci_high (share
    of UMIs), umis_per_cell, ig_per_cell (ambient UMIs in a barcode: all, and of immunoglobulin),
    top_genes, status. None where it is not estimable.
    """
    order = np.argsort(-soup.share, kind="stable")[:TOP]
    top = "; ".join(f"{genes['symbol'].iloc[i]} {soup.share[i]:.1%}" for i in order)
    row = {"source": soup.source, "n_empty": soup.n_empty, "genes": "", "n_cells": None}
    row |= dict.fromkeys(("n_umis", "ambient", "ci_low", "ci_high", "umis_per_cell"))
    row |= {"ig_per_cell": None, "top_genes": top, "status": FEW_CELLS}
    best = best_leak(matrix, genes["symbol"], soup) if matrix.shape[0] else None
    if best is None:
        return row
    z = special.ndtri(0.975) * best.error
    share = best.rate / best.per_cell
    below = np.log(best.rate / best.low) if best.low > 0 else np.inf
    above = np.log(best.high / best.rate) if best.rate > 0 else np.nan
    low = share * np.exp(-np.hypot(below, z)) if best.low > 0 else 0.0
    high = share * np.exp(np.hypot(above, z)) if best.rate > 0 else best.high / best.per_cell
    high = high if best.rate > 0 else high * np.exp(z)
    share, low, high = (round(float(min(v, 1.0)), 6) for v in (share, low, high))
    umis = share * float(matrix.sum()) / matrix.shape[0]
    ig = genes["symbol"].astype(str).str.match(IMMUNOGLOBULIN).to_numpy(bool)
    return row | {
        "genes": best.genes,
        "n_cells": best.n_cells,
        "n_umis": best.n_umis,
        "ambient": share,
        "ci_low": low,
        "ci_high": high,
        "umis_per_cell": round(umis, 3),
        "ig_per_cell": round(umis * float(soup.share[ig].sum()), 5),
        "status": "estimable",
    }


def per_cell(soup: Soup, found: dict[str, Any]) -> np.ndarray:
    """Return each gene's expected ambient UMIs in one barcode; NaN where not estimable."""
    umis = np.nan if found["umis_per_cell"] is None else found["umis_per_cell"]
    return (soup.share * umis).astype(np.float64)


def _made(x: np.ndarray, makers: np.ndarray, others: np.ndarray) -> int:
    """Return how many of `makers` hold more of the genes than leaks into the others."""
    leaked = float(x[others].mean()) if others.any() else 0.0
    return int((makers & (x > STANDS_OUT * (leaked + 1))).sum())


def _sum(matrix: sparse.csr_matrix, columns: pd.Series) -> np.ndarray:
    return np.asarray(matrix[:, columns.to_numpy(bool)].sum(axis=1), dtype=float).ravel()
