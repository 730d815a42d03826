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
from immune_reset.modalities import (
    COMPRESSION,
    align,
    append_counts,
    expression_modality,
    gene_table,
    layers,
    receptor_modality,
)
from immune_reset.runtime import start

logger = logging.getLogger("export_cohort")

SHEET_COLUMNS = ["sample", "patient", "timepoint", "day", "batch", "group", "tissue"]
CLONE_COLUMNS = ["cell_id", "clone_id"]
OPTIONAL = {
    "labels": tables.read,
    "umap": tables.read,
    "embedding": tables.read,
    "scores": tables.read_many,
    "chains": tables.read_many,
    "clonotypes": lambda paths: tables.read_many(paths)[CLONE_COLUMNS],
}


def describe_cells(
    cells: pd.DataFrame, samples: pd.DataFrame, tables_by_cell: list[pd.DataFrame | None]
) -> pd.DataFrame:
    """Return obs of the kept cells: sheet columns, QC, and every further table keyed by cell_id.

    Rows keep the order of `cells`; index cell_id. Columns that a table shares with those before
    it are not repeated; a column without any value is left out. Text becomes categories, so that
    scanpy can colour by them; empty text is missing, so that scirpy does not take the cells
    without a clone for one clone.
    """
    obs = cells.drop(columns=["keep", "reason"], errors="ignore")
    sheet = samples[[c for c in SHEET_COLUMNS if c in samples]]
    obs = obs.merge(sheet, on="sample", how="left", validate="many_to_one")
    for table in tables_by_cell:
        if table is not None:
            new = ["cell_id", *[c for c in table.columns if c not in obs.columns]]
            obs = obs.merge(table[new], on="cell_id", how="left", validate="one_to_one")
    obs = obs.set_index("cell_id").replace({"": None}).dropna(axis="columns", how="all")
    obs.index = obs.index.astype(object)  # anndata writes no typed strings
    for column in obs.columns:
        if not pd.api.types.is_numeric_dtype(obs[column]):
            text = obs[column].astype(object).where(obs[column].notna(), None)
            known = getattr(obs[column].dtype, "categories", sorted(set(text.dropna())))
            obs[column] = pd.Categorical(text, categories=[str(name) for name in known])
    return obs


def main(smk) -> None:
    """Snakemake entry point: read, compute, write."""
    start(smk)
    mudata.set_options(pull_on_update=False)
    found = {name: tables.optional(smk.input, name) for name in OPTIONAL}
    frames = {name: read(found[name]) if found[name] else None for name, read in OPTIONAL.items()}
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
