"""Which rows of each table the report shows."""

from collections.abc import Callable

import pandas as pd

HEADLINE_SETS = ("ISG28", "HALLMARK_IL6_JAK_STAT3_SIGNALING", "JAK_STAT_BEYOND_INTERFERON")


def headline_diversity(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the rarefied rows of order 1; what is not estimable shows no value.

    Where there is no contig file the numbers of cells are no zeros: they are left out.
    """
    rows = frame[(frame["estimator"] == "rarefied") & (frame["q"] == 1)].copy()
    rows.loc[rows["status"] == "not estimable", ["value", "ci_low", "ci_high"]] = float("nan")
    if "reason" in rows:
        none = rows["reason"].str.endswith("no V(D)J file")
        numbers = ["n_cells", "n_clones", "n_repeats", "m"]
        rows[numbers] = rows[numbers].astype(float).mask(none)
        rows.loc[none, "status"] = "no " + rows.loc[none, "receptor"] + " file"
    return rows


def mutated_isotypes(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the isotypes with a known hypermutation."""
    return frame[(frame["n_v_identity"] > 0).fillna(False)]


def followed_clones(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the clones large enough to test, largest first within patient and receptor."""
    rows = frame[frame["fate"] != "too few to test"].copy()
    if {"n_baseline", "n_followup"} <= set(rows.columns):
        rows["size"] = rows[["n_baseline", "n_followup"]].fillna(0).max(axis=1)
        rows = rows.sort_values("size", ascending=False, kind="stable")
    return rows


def headline_pathways(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of the headline gene sets that carry a number, the cohort's first."""
    rows = frame[frame["gene_set"].isin(HEADLINE_SETS)]
    rows = rows[rows[["estimate", "ci_low", "ci_high"]].notna().any(axis=1)]
    return rows.sort_values("scope", key=lambda s: s != "cohort", kind="stable")


def called_cells(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the samples whose CAR T cells were called."""
    return frame[frame["n_car"].notna()]


def present_isotypes(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the isotypes that were seen, and the class-switched share of every sample.

    A sample without a B cell, or without a BCR file, keeps that row, which says so.
    """
    return frame[(frame["n_cells"] > 0).fillna(False) | (frame["isotype"] == "class switched")]


def told_genes(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the V genes worth a line: IGHV4-34, then the cohort's, the smallest p first.

    `before` and `after` hold the numbers, as "3 of 120".
    """
    marked = (frame["v_call"] == "IGHV4-34").to_numpy()
    rows = frame[marked | (frame["scope"] == "cohort")]
    rows = rows.assign(after_it=~marked[frame.index.get_indexer(rows.index)])
    rows = rows.sort_values(["after_it", "p_value"], kind="stable")
    for name, side in (("before", "baseline"), ("after", "followup")):
        n, total = (rows[f"{kind}_{side}"].astype(int).astype(str) for kind in ("n", "total"))
        rows[name] = n + " of " + total
    return rows


def beside_controls(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the estimable rows of the headline gene sets, of shares and of diversity."""
    shown = frame["kind"].ne("pathway") | frame["measure"].isin(HEADLINE_SETS)
    return frame[shown & frame["status"].eq("estimable")]


def whole_types(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of whole cell types, without the columns that hold no number at all."""
    return frame[frame["level"] == "cell_type"].dropna(axis=1, how="all")


ROWS: dict[str, Callable[[pd.DataFrame], pd.DataFrame]] = {
    "diversity": headline_diversity,
    "clone_fates": followed_clones,
    "car_cells": called_cells,
    "isotypes": present_isotypes,
    "hypermutation": mutated_isotypes,
    "gene_usage_change": told_genes,
    "pathway_change": headline_pathways,
    "composition": whole_types,
    "reference": beside_controls,
    "composition_change": whole_types,
}
