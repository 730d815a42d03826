"""Which cells of a patient can have a clonotype, and the clones of either receptor by its rule."""

import numpy as np
import pandas as pd

from immune_reset import clonotypes


def kept_receptors(
    receptors: pd.DataFrame, cells: pd.DataFrame, samples: pd.DataFrame
) -> tuple[pd.DataFrame, dict[str, int]]:
    """Return the receptors of the kept cells with their sample and timepoint, and the losses.

    Facts: `cells_kept`, `cells_with_receptor`, `cells_without_receptor` (of the kept), and
    `receptors_not_kept` (receptors of barcodes that are no kept cell).
    """
    kept = cells.loc[cells["keep"].to_numpy(dtype=bool), ["cell_id", "sample"]]
    kept = kept.astype({"cell_id": object, "sample": object})
    receptors = receptors.assign(cell_id=receptors["cell_id"].astype(object))
    merged = kept.merge(receptors, on="cell_id", how="inner", validate="one_to_one")
    timepoint = samples.set_index("sample")["timepoint"].astype(str)
    merged["timepoint"] = merged["sample"].map(timepoint)
    facts = {
        "cells_kept": len(kept),
        "cells_with_receptor": len(merged),
        "cells_without_receptor": len(kept) - len(merged),
        "receptors_not_kept": len(receptors) - len(merged),
    }
    return merged, facts


def usable(
    cells: pd.DataFrame, *, receptor: str, sequence: str, partner_required: bool
) -> tuple[pd.DataFrame, dict[str, int]]:
    """Return the cells of one receptor that can have a clonotype, and the others by reason.

    Reasons, exclusive, in order: `multichain`, `no_vdj_chain` (its VJ chain alone was caught),
    `incomplete_vdj_chain` (no V or J gene, or no junction), `no_vj_chain` (where it is required).
    """
    cells = cells[cells["receptor_type"] == receptor]
    complete = cells[["VDJ_1_v_call", "VDJ_1_j_call", f"VDJ_1_{sequence}"]].notna().all(axis=1)
    reasons = {
        "multichain": cells["chain_pairing"] == "multichain",
        "no_vdj_chain": cells["VDJ_1_locus"].isna(),
        "incomplete_vdj_chain": ~complete,
        "no_vj_chain": cells[f"VJ_1_{sequence}"].isna() & partner_required,
    }
    keep = np.ones(len(cells), dtype=bool)
    lost = {"cells": len(cells)}
    for reason, bad in reasons.items():
        lost[reason] = int((keep & bad.to_numpy(dtype=bool)).sum())
        keep &= ~bad.to_numpy(dtype=bool)
    return cells[keep].reset_index(drop=True), lost


def partner_key(cells: pd.DataFrame, slot: str, fields: tuple[str, ...]) -> pd.Series:
    """Return one key per cell of a partner chain's fields; missing where one of them is."""
    parts = [cells[f"{slot}_{field}"].astype(object) for field in fields]
    key = parts[0]
    for part in parts[1:]:
        key = key + "|" + part
    return key


def define_tcr(
    cells: pd.DataFrame, *, tcr_arms: str, tcr_sequence: str
) -> tuple[np.ndarray, dict[str, int]]:
    """Return each T cell's clone: same V gene and identical junction, divided by the VJ chain."""
    sequence = "junction" if tcr_sequence == "nt" else "junction_aa"
    keys = ["VDJ_1_locus", "VDJ_1_v_call", f"VDJ_1_{sequence}"]
    groups = clonotypes.group_identical(cells, keys)
    facts = {"partner_inferred": 0, "partner_unclear": 0}
    if tcr_arms != "beta":
        fields = ("v_call", sequence)
        first, second = (partner_key(cells, slot, fields) for slot in ("VJ_1", "VJ_2"))
        groups, facts = clonotypes.divide_by_partner(groups, first, second)
    groups, facts["clones_split"] = clonotypes.split_mixed(groups, cells, keys)
    return groups, facts


def group_heavy(cells: pd.DataFrame, *, bcr_max_distance: float) -> np.ndarray:
    """Return each B cell's group by its heavy chain: one V, J and junction length, linked."""
    return clonotypes.group_similar(
        cells,
        v="VDJ_1_v_call",
        j="VDJ_1_j_call",
        junction="VDJ_1_junction",
        max_distance=bcr_max_distance,
    )


def define_bcr(
    cells: pd.DataFrame,
    *,
    bcr_max_distance: float,
    light_chain: str,
    groups: np.ndarray | None = None,
) -> tuple[np.ndarray, dict[str, int]]:
    """Return each B cell's clone: its heavy chain's group, divided by light V and J.

    The light chain is the primary one: a second light chain in a B cell is often ambient. `groups`
    are those of `group_heavy`, where they are known.
    """
    if groups is None:
        groups = group_heavy(cells, bcr_max_distance=bcr_max_distance)
    facts = {"partner_inferred": 0, "partner_unclear": 0}
    if light_chain != "ignore":
        light = partner_key(cells, "VJ_1", ("v_call", "j_call"))
        groups, facts = clonotypes.divide_by_partner(groups, light)
    checked = cells.assign(length=cells["VDJ_1_junction"].str.len().astype(int))
    keys = ["VDJ_1_v_call", "VDJ_1_j_call", "length"]
    groups, facts["clones_split"] = clonotypes.split_mixed(groups, checked, keys)
    return groups, facts
