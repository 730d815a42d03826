"""Write the cohort as MuData (`cohort.h5mu`), for scanpy, muon and scirpy.

Modality `gex` holds the raw counts of the kept cells with labels, UMAP, embedding and scores;
modality `airr` every accepted chain with scirpy's chain indices and the clones. The counts are
appended on disk sample by sample: at no time is more than one sample's matrix in memory.
"""

import logging

import anndata as ad
import h5py
import mudata
import pandas as pd

from immune_reset import counts, design, tables
from immune_reset.exported import (
    COMPRESSION,
    align,
    append_counts,
    beside,
    describe_cells,
    gene_table,
)
from immune_reset.modalities import expression_modality, layers, receptor_modality
from immune_reset.runtime import start

logger = logging.getLogger("export_cohort")

CLONE_COLUMNS = ["cell_id", "clone_id"]
OPTIONAL = {
    "labels": tables.read,
    "umap": tables.read,
    "embedding": tables.read,
    "scores": tables.read_many,
    "own_scores": tables.read_many,
    "chains": tables.read_many,
    "clonotypes": lambda paths: tables.read_many(paths)[CLONE_COLUMNS],
}


def main(smk) -> None:
    """Snakemake entry point: read, compute, write."""
    start(smk)
    mudata.set_options(pull_on_update=False)
    found = {name: tables.optional(smk.input, name) for name in OPTIONAL}
    frames = {name: read(found[name]) if found[name] else None for name, read in OPTIONAL.items()}
    frames["scores"] = beside(frames["scores"], frames.pop("own_scores"))
    per_sample = {path: tables.read(path) for path in smk.input.cells}
    cells = pd.concat([frame.loc[frame["keep"].astype(bool)] for frame in per_sample.values()])
    samples = design.frame(smk.params.design)
    obs = describe_cells(cells, samples, [frames["labels"], frames["clonotypes"]])
    names = [frame["sample"].iloc[0] for frame in per_sample.values()]
    paths = dict(zip(names, tables.optional(smk.input, "counts") or [], strict=False))
    modalities = {}
    genes = gene_table({name: counts.read_genes(path) for name, path in paths.items()})
    if paths:
        modalities["gex"] = expression_modality(obs, genes, layers(frames, obs.index))
    if frames["chains"] is not None and len(frames["chains"]):
        modalities["airr"] = receptor_modality(frames["chains"], obs)
    cohort = mudata.MuData(modalities)
    cohort.pull_obs(prefix_unique=True, join_common=False)
    with tables.whole(smk.output.cohort) as partial:
        cohort.write_h5mu(partial, **COMPRESSION)
        if paths:
            ids = {name: obs.index[obs["sample"] == name] for name in paths}
            with h5py.File(partial, "r+") as file:
                blocks = (align(ad.read_h5ad(paths[n]), ids[n], genes.index) for n in paths)
                append_counts(file["mod/gex"], blocks)
    logger.info("%d cells, modalities %s", len(obs), ", ".join(modalities))


if __name__ == "__main__":
    main(snakemake)
