"""Chains of a sample's own cells: named as in its matrix, and of its donor alone."""

import pandas as pd

from immune_reset import barcodes, igblast

MIN_CELLS = 10
"""Cells with contigs of which some must be in the matrix."""


def prepared(
    chains: pd.DataFrame,
    path: str,
    *,
    germline: pd.DataFrame | None,
    cells: set[str] | None,
    donor: set[str] | None,
) -> tuple[pd.DataFrame, dict]:
    """Return the chains of the sample's own cells, named as in its matrix, and what was done."""
    if germline is not None:
        chains = igblast.join_identity(chains, germline)
    chains, said = matched(chains, cells, path=path)
    chains, others = of_donor(chains, donor, path=path)
    return chains, {**others, **said}


def matched(
    chains: pd.DataFrame, cells: set[str] | None, *, path: str
) -> tuple[pd.DataFrame, dict]:
    """Return `chains` with barcodes written as the matrix does, and the rule and what it matched.

    Raises
    ------
    InputError
        If many barcodes hardly match, and no one rule explains it. Few that match none stay as
        they are: their cells may all have been lost.
    """
    names = set(chains["cell_id"].dropna())
    if cells is None or not names:
        return chains, {}
    rule = barcodes.Rule()
    if len(names) >= MIN_CELLS:
        rule = barcodes.match_rule(names, cells, place=path, other="the count matrix")
    renamed = chains.assign(cell_id=chains["cell_id"].map(rule, na_action="ignore"))
    inside = len(set(renamed["cell_id"].dropna()) & cells)
    return renamed, {
        "barcodes": str(rule),
        "cells_given": len(names),
        "cells_in_matrix": inside,
    }


def of_donor(
    chains: pd.DataFrame, donor: set[str] | None, *, path: str
) -> tuple[pd.DataFrame, dict]:
    """Return the chains of the donor's barcodes, and how many were others'."""
    if donor is None:
        return chains, {}
    names = set(chains["cell_id"].dropna())
    rule = barcodes.match_rule(donor, names, place=path, other="the table of donors")
    own = chains["cell_id"].isin({rule(name) for name in donor})
    return chains[own].reset_index(drop=True), {"other_donor": int((~own).sum())}
