"""What a matrix says of its donor: sex-linked genes."""

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
