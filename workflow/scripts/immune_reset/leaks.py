"""What a matrix says of its donor and of its soup: sex-linked genes, leaked immunoglobulin."""

from typing import Any

import numpy as np
import pandas as pd
from scipy import sparse

FEMALE = ("XIST",)
MALE = ("RPS4Y1", "DDX3Y", "EIF1AY", "KDM5D", "UTY", "USP9Y", "ZFY")
"""Expressed in blood from the inactive X, and from the Y outside its pseudoautosomal parts."""

MIN_SEX_UMIS = 20
PURE = 0.05
"""Share of the other sex's UMIs up to which a sample is of one: doublets, soup, few UMIs."""

T_GENES = ("CD3D", "CD3E", "CD3G", "TRAC")
B_GENES = ("MS4A1", "CD79A", "CD79B", "MZB1", "CD19")
IMMUNOGLOBULIN = r"(IGH(A\d|G\d|M|D|E)|IGKC|IGLC\d)$"
MIN_T_UMIS = 3
MIN_T_CELLS = 20
MIN_B_UMIS = 2
MIN_B_CELLS = 10
"""B cells without which the sample's immunoglobulin is itself the soup's."""


def sex_linked(matrix: sparse.csr_matrix, symbols: pd.Series) -> dict[str, Any]:
    """Return the UMIs of XIST and of genes of the Y, and the sex that they speak for.

    `matrix`: cells × genes. `sex` is "female" or "male" where `MIN_SEX_UMIS` UMIs or more are
    all but `PURE` of one kind, "both" where they are mixed (another's cells, or a chimera), and
    "unclear" with fewer.
    """
    totals = np.asarray(matrix.sum(axis=0)).ravel()
    names = symbols.astype(str).to_numpy()
    female = int(totals[np.isin(names, FEMALE)].sum())
    male = int(totals[np.isin(names, MALE)].sum())
    both = female + male
    sex = "unclear"
    if both >= MIN_SEX_UMIS:
        share = male / both
        sex = "female" if share <= PURE else "male" if share >= 1 - PURE else "both"
    return {"sex": sex, "xist_umis": female, "y_umis": male}


def leaked_immunoglobulin(matrix: sparse.csr_matrix, symbols: pd.Series) -> dict[str, Any]:
    """Return how much immunoglobulin leaks into T cells, and the ambient share that it implies.

    T cells (`MIN_T_UMIS` UMIs of CD3 or TRAC, none of a B-cell gene) make no immunoglobulin:
    what they hold came from the soup. `ambient` is their share of immunoglobulin over that of
    the whole sample, whose sum stands for the soup (SoupX's estimate from marker genes, Young
    and Behjati 2020, with the cells' sum as the soup); an upper bound where doublets remain.
    None with fewer than `MIN_T_CELLS` T cells, and `ambient` with fewer than `MIN_B_CELLS` cells
    that make immunoglobulin.

    Returns
    -------
    n_t_cells, ig_per_10k (immunoglobulin UMIs in T cells, per 10,000), ambient (share of UMIs).
    """
    names = symbols.astype(str)
    t_umis = _sum(matrix, names.isin(T_GENES))
    b_umis = _sum(matrix, names.isin(B_GENES))
    ig = _sum(matrix, names.str.match(IMMUNOGLOBULIN))
    total = np.asarray(matrix.sum(axis=1), dtype=float).ravel()
    cells = (t_umis >= MIN_T_UMIS) & (b_umis == 0)
    inside = {"n_t_cells": int(cells.sum()), "ig_per_10k": None, "ambient": None}
    if cells.sum() < MIN_T_CELLS:
        return inside
    leaked = ig[cells].sum() / total[cells].sum()
    inside["ig_per_10k"] = round(float(1e4 * leaked), 4)
    if (b_umis >= MIN_B_UMIS).sum() >= MIN_B_CELLS and ig.sum():
        inside["ambient"] = round(float(min(leaked / (ig.sum() / total.sum()), 1.0)), 6)
    return inside


def _sum(matrix: sparse.csr_matrix, columns: pd.Series) -> np.ndarray:
    return np.asarray(matrix[:, columns.to_numpy(bool)].sum(axis=1), dtype=float).ravel()
