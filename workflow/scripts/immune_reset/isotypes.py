"""Heavy-chain isotypes of one patient's B cells over time, and how mutated each of them is."""

import numpy as np
import pandas as pd

from immune_reset import ledger
from immune_reset.intervals import median_interval, wilson

ISOTYPES = ("IGHM", "IGHD", "IGHG", "IGHA", "IGHE")
SWITCHED = ("IGHG", "IGHA", "IGHE")
CLASS_SWITCHED = "class switched"
AVAILABLE, NOT_AVAILABLE = "available", "not available"
DESCRIBED, NO_FILE, NO_CELL = "described", "no BCR file", "no B cell with an isotype"
TYPES = {
    "patient": "string", "timepoint": "string", "isotype": "string", "n_cells": "Int64",
    "n_total": "Int64", "fraction": "float64", "ci_low": "float64", "ci_high": "float64",
    "n_clones": "Int64", "fraction_clones": "float64", "n_v_identity": "Int64",
    "mutation_median": "float64", "n_v_identity_clones": "Int64",
    "mutation_median_clones": "float64", "mutation_low": "float64", "mutation_high": "float64",
    "mutation": "string", "status": "string",
}  # fmt: skip


def describe(cells: pd.DataFrame, *, design: dict) -> pd.DataFrame:
    """Return the `isotypes` table: shares of the isotypes at each timepoint, and their mutation.

    Parameters
    ----------
    cells
        The patient's cells with a clone (clonotypes.parquet).
    design
        The patient's design; timepoints without a BCR file have rows that say so, without counts.

    Returns
    -------
    One row per timepoint and isotype, and the class-switched together. `n_total`: B cells with a
    heavy-chain constant gene. `fraction_clones`: each of `n_clones` clones weighs 1, divided over
    the isotypes of its cells. Mutation is the share of V positions that differ from germline
    (1 - v_identity), where `mutation` is available: `mutation_median` over the isotype's cells,
    `mutation_median_clones` over its clones (each clone the median of its cells of that isotype),
    with an interval by order statistics that covers the drawing of clones.
    """
    bcr = cells[cells["receptor"] == "BCR"]
    bcr = bcr.assign(isotype=bcr["c_call"].astype(object).str[:4])
    bcr = bcr[bcr["isotype"].isin(ISOTYPES)]
    there = ledger.sequenced_at(design, "BCR")
    rows = []
    for timepoint in design["timepoints"]:
        now = bcr[bcr["timepoint"] == timepoint]
        for isotype in (*ISOTYPES, CLASS_SWITCHED):
            row = {"patient": design["patient"], "timepoint": timepoint, "isotype": isotype}
            row |= {"mutation": NOT_AVAILABLE, "status": NO_FILE}
            rows.append(row | (_shares(now, isotype) if timepoint in there else {}))
    return pd.DataFrame(rows, columns=list(TYPES)).astype(TYPES)


def _shares(now: pd.DataFrame, isotype: str) -> dict[str, object]:
    of_it = now["isotype"].isin(SWITCHED if isotype == CLASS_SWITCHED else (isotype,))
    weight = 1 / now.groupby("clone_id")["clone_id"].transform("size")
    low, high = wilson(of_it.sum(), len(now))
    return {
        "n_cells": int(of_it.sum()),
        "n_total": len(now),
        "fraction": of_it.mean() if len(now) else np.nan,
        "ci_low": float(low),
        "ci_high": float(high),
        "n_clones": now["clone_id"].nunique(),
        "fraction_clones": weight[of_it].sum() / weight.sum() if len(now) else np.nan,
        "status": DESCRIBED if len(now) else NO_CELL,
        **hypermutation(now[of_it]),
    }


def hypermutation(cells: pd.DataFrame) -> dict[str, object]:
    """Return the columns on mutation of some cells: by cell, and by clone with its interval."""
    known = cells.dropna(subset=["v_identity"])
    if known.empty:
        return {"n_v_identity": 0, "n_v_identity_clones": 0, "mutation": NOT_AVAILABLE}
    mutated = 1 - known["v_identity"]
    clones = mutated.groupby(known["clone_id"].astype(object)).median()
    low, high = median_interval(clones)
    return {
        "n_v_identity": len(known),
        "mutation_median": float(mutated.median()),
        "n_v_identity_clones": len(clones),
        "mutation_median_clones": float(clones.median()),
        "mutation_low": low,
        "mutation_high": high,
        "mutation": AVAILABLE,
    }
