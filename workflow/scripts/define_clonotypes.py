"""Define the clonotypes of one patient over all its timepoints.

The unit is the cell: one receptor a cell, and a cell without a receptor is never a clone of size
one (scirpy#243). How clones are found: `immune_reset.clonotypes`.
"""

import logging

import numpy as np
import pandas as pd

from immune_reset import clonotypes, design, tables
from immune_reset.clone_units import define_bcr, define_tcr, kept_receptors, usable
from immune_reset.runtime import start

logger = logging.getLogger("define_clonotypes")

COLUMNS = [
    "cell_id", "sample", "timepoint", "receptor", "clone_id", "locus", "v_call", "j_call", "c_call",
    "junction", "junction_aa", "umi_count", "v_identity", "vj_locus", "vj_v_call", "vj_j_call",
    "vj_junction", "vj_junction_aa", "chain_pairing",
]  # fmt: skip
PRIMARY = ("locus", "v_call", "j_call", "c_call", "junction", "junction_aa")


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
