"""Write every accepted chain of the kept cells as an AIRR rearrangement table.

One row per chain, by the AIRR Community's schema (Vander Heiden et al. 2018,
10.3389/fimmu.2018.02206): every column that it requires, empty where nothing is known, booleans
as T and F. `repertoire_id` is the sample, `clone_id` the clone of this run; `patient`,
`timepoint` and, with count matrices, `cell_type` and `cell_subtype` stand behind.
"""

import logging

import pandas as pd

from immune_reset import design, tables
from immune_reset.runtime import start

logger = logging.getLogger("export_receptors")

REQUIRED = [
    "sequence_id", "sequence", "rev_comp", "productive", "v_call", "d_call", "j_call",
    "sequence_alignment", "germline_alignment", "junction", "junction_aa", "v_cigar", "d_cigar",
    "j_cigar",
]  # fmt: skip
OPTIONAL = [
    "locus", "c_call", "v_identity", "junction_length", "junction_aa_length", "consensus_count",
    "duplicate_count", "umi_count", "cell_id", "clone_id", "repertoire_id",
]  # fmt: skip
OURS = ["patient", "timepoint", "cell_type", "cell_subtype"]
BOOLEAN, WHOLE = ["rev_comp", "productive"], ["consensus_count", "umi_count"]
LOCI = {"BCR": "IG", "TCR": "TR"}


def rearrangements(
    chains: pd.DataFrame, cells: pd.DataFrame, samples: pd.DataFrame, clones: pd.DataFrame,
    labels: pd.DataFrame | None,
) -> pd.DataFrame:  # fmt: skip
    """Return the AIRR table of the chains whose cell was kept, in their order.

    `clones` gives cells their clone and its receptor: a chain of the other receptor has no clone.
    `duplicate_count` and `umi_count` are both the UMIs, as Cell Ranger writes them.
    """
    kept = cells.loc[cells["keep"].astype(bool), ["cell_id", "sample"]]
    made = chains.merge(kept, on="cell_id", how="inner", validate="many_to_one")
    made = made.merge(clones[["cell_id", "clone_id", "receptor"]], on="cell_id", how="left")
    own = made["locus"].str[:2].eq(made.pop("receptor").map(LOCI))
    made["clone_id"] = made["clone_id"].where(own, None)
    people = samples[["sample", "patient", "timepoint"]].astype(str)
    made = made.merge(people, on="sample", how="left", validate="many_to_one")
    if labels is not None:
        named = labels[["cell_id", *[c for c in OURS if c in labels]]]
        made = made.merge(named, on="cell_id", how="left", validate="many_to_one")
    made = made.rename(columns={"sample": "repertoire_id"})
    for name in ("junction", "junction_aa"):
        made[f"{name}_length"] = made[name].str.len().astype("Int64").replace(0, pd.NA)
    for name in set(BOOLEAN) & set(made):
        made[name] = made[name].map({True: "T", False: "F"})
    for name in WHOLE:
        made[name] = pd.to_numeric(made[name]).round().astype("Int64")
    made["duplicate_count"] = made["umi_count"]
    absent = [name for name in (*REQUIRED, *OPTIONAL) if name not in made]
    made = made.assign(**dict.fromkeys(absent, ""))
    return made[[*REQUIRED, *OPTIONAL, *[name for name in OURS if name in made]]]


def main(smk) -> None:
    """Snakemake entry point: read, compute, write."""
    start(smk)
    labels = tables.optional(smk.input, "labels")
    made = rearrangements(
        tables.read_many(smk.input.chains),
        tables.read_many(smk.input.cells),
        design.frame(smk.params.design),
        tables.read_many(smk.input.clonotypes),
        tables.read(labels) if labels else None,
    )
    logger.info("%d chains of %d cells", len(made), made["cell_id"].nunique())
    tables.write(made, smk.output.receptors)


if __name__ == "__main__":
    main(snakemake)
