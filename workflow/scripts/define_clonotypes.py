"""Define the clonotypes of one patient over all its timepoints.

The unit is the cell: one receptor a cell, and a cell without a receptor is never a clone of size
one (scirpy#243). How clones are found: `immune_reset.clonotypes`.
"""

import logging

import numpy as np
import pandas as pd

from immune_reset import clonotypes, design, tables
from immune_reset.runtime import start

logger = logging.getLogger("define_clonotypes")

COLUMNS = [
    "cell_id", "sample", "timepoint", "receptor", "clone_id", "locus", "v_call", "j_call", "c_call",
    "junction", "junction_aa", "umi_count", "v_identity", "vj_locus", "vj_v_call", "vj_j_call",
    "vj_junction", "vj_junction_aa", "chain_pairing",
]  # fmt: skip
PRIMARY = ("locus", "v_call", "j_call", "c_call", "junction", "junction_aa")


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


def define_bcr(
    cells: pd.DataFrame, *, bcr_max_distance: float, light_chain: str
) -> tuple[np.ndarray, dict[str, int]]:
    """Return each B cell's clone: one V, J and junction length, linked, divided by light V and J.

    The light chain is the primary one: a second light chain in a B cell is often ambient.
    """
    groups = clonotypes.group_similar(
        cells,
        v="VDJ_1_v_call",
        j="VDJ_1_j_call",
        junction="VDJ_1_junction",
        max_distance=bcr_max_distance,
    )
    facts = {"partner_inferred": 0, "partner_unclear": 0}
    if light_chain != "ignore":
        light = partner_key(cells, "VJ_1", ("v_call", "j_call"))
        groups, facts = clonotypes.divide_by_partner(groups, light)
    checked = cells.assign(length=cells["VDJ_1_junction"].str.len().astype(int))
    keys = ["VDJ_1_v_call", "VDJ_1_j_call", "length"]
    groups, facts["clones_split"] = clonotypes.split_mixed(groups, checked, keys)
    return groups, facts


def tabulate(
    cells: pd.DataFrame, clones: np.ndarray, *, patient: str, receptor: str
) -> pd.DataFrame:
    """Return one row per cell with its clone's name `{patient}:{receptor}:{rank}`."""
    keys = ["VDJ_1_v_call", "VDJ_1_j_call", "VDJ_1_junction", "VDJ_1_junction_aa"]
    rank = pd.Series(clonotypes.rank_clones(clones, cells, keys))
    table = cells[["cell_id", "sample", "timepoint", "chain_pairing"]].copy()
    table["receptor"] = receptor
    table["clone_id"] = f"{patient}:{receptor}:" + rank.astype(int).astype(str)
    for field in (*PRIMARY, "umi_count", "v_identity"):
        table[field] = cells[f"VDJ_1_{field}"]
    for field in (field for field in PRIMARY if field != "c_call"):
        table[f"vj_{field}"] = cells[f"VJ_1_{field}"]
    words = [name for name in COLUMNS if name not in ("umi_count", "v_identity")]
    return table[COLUMNS].astype(dict.fromkeys(words, "string"))


def main(smk) -> None:
    """Snakemake entry point: read, compute, write."""
    start(smk)
    cfg, patient = smk.params.cfg, smk.params.design["patient"]
    cells, facts = kept_receptors(
        tables.read_many(smk.input.receptors),
        tables.read_many(smk.input.cells, ["cell_id", "sample", "keep"]),
        design.frame(smk.params.design),
    )
    facts["ambiguous"] = int((cells["receptor_type"] == "ambiguous").sum())
    tcr = {"tcr_arms": cfg["clonotypes.tcr_arms"], "tcr_sequence": cfg["clonotypes.tcr_sequence"]}
    bcr = {
        "bcr_max_distance": cfg["clonotypes.bcr_max_distance"],
        "light_chain": cfg["clonotypes.light_chain"],
    }
    amino = "junction_aa" if tcr["tcr_sequence"] == "aa" else "junction"
    found = []
    for receptor, define, options, sequence, required in (
        ("BCR", define_bcr, bcr, "junction", bcr["light_chain"] == "required"),
        ("TCR", define_tcr, tcr, amino, tcr["tcr_arms"] == "paired"),
    ):
        units, lost = usable(cells, receptor=receptor, sequence=sequence, partner_required=required)
        clones, checks = define(units, **options)
        found.append(tabulate(units, clones, patient=patient, receptor=receptor))
        facts[receptor] = {**lost, **checks, "clones": int(found[-1]["clone_id"].nunique())}
    logger.info("%s: %s", patient, facts)
    tables.write(pd.concat(found, ignore_index=True), smk.output.clonotypes)
    tables.write_json(facts, smk.output.facts)


if __name__ == "__main__":
    main(snakemake)
