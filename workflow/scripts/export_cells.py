"""Write the cells as AnnData (`cohort.h5ad`) in the form that cellxgene opens; scanpy does too.

`X` is log1p of counts per 10,000 (float32, sparse), `raw` the counts, genes go by their symbols,
`obsm["X_umap"]` is the layout. Every column of `obs` is categorical, float32 or int32. The counts
are appended on disk sample by sample: at no time is more than one sample's matrix in memory.
"""

import logging

import anndata as ad
import h5py
import numpy as np
import pandas as pd
from scipy import sparse

from immune_reset import counts, design, tables
from immune_reset.exported import (
    COMPRESSION,
    align,
    append,
    beside,
    coordinates,
    describe_cells,
    gene_table,
)
from immune_reset.figures import CELL_TYPES, OTHERS
from immune_reset.runtime import start

logger = logging.getLogger("export_cells")

NONE = "none"
TARGET = 1e4
UNSHOWN = ["barcode", "clone_id"]  # a category for every cell or clone: too many to show


def shown(obs: pd.DataFrame, scores: pd.DataFrame) -> pd.DataFrame:
    """Return obs in the types that cellxgene shows, with the `scores` of the gene sets as columns.

    Text is categorical, missing text the category "none"; numbers are float32 or int32; yes and no
    are categories. `clone_id` becomes `clone_size`, the cells of the cohort that share it.
    """
    made = obs.drop(columns=UNSHOWN, errors="ignore")
    if "clone_id" in obs:
        sizes = obs["clone_id"].map(obs["clone_id"].value_counts())
        made["clone_size"] = sizes.astype(float).fillna(0)
    scores = scores.set_index("cell_id").reindex(obs.index)
    made = made.join(scores[[c for c in scores if c not in made and c != "sample"]])
    for name in made:
        column = made[name]
        if pd.api.types.is_bool_dtype(column) or not pd.api.types.is_numeric_dtype(column):
            made[name] = _categories(column)
        else:
            whole = pd.api.types.is_integer_dtype(column) and not column.isna().any()
            made[name] = column.astype(np.int32 if whole else np.float32)
    return made.rename_axis(None)


def _categories(column: pd.Series) -> pd.Series:
    known = getattr(column.dtype, "categories", None)
    text = column.astype(object).where(column.notna(), NONE).astype(str)
    order = sorted(set(text)) if known is None else [str(name) for name in known]
    order = [name for name in order if name in set(text) and name != NONE]
    order += [NONE] if text.eq(NONE).any() else []
    return pd.Series(pd.Categorical(text, categories=order), index=column.index)


def by_symbol(genes: pd.DataFrame) -> pd.DataFrame:
    """Return the genes under their symbols, by which they are looked for, with their `gene_id`.

    A symbol that several genes share has the id behind it; a gene without one goes by its id.
    """
    symbols = genes["symbol"].astype(str) if "symbol" in genes else pd.Series("", genes.index)
    names = symbols.where(symbols.str.strip().ne("") & symbols.ne("nan"), genes.index.astype(str))
    twice = names.duplicated(keep=False) & names.ne(genes.index.astype(str))
    names = names.where(~twice, names + "_" + genes.index.astype(str))
    made = genes.drop(columns="symbol", errors="ignore").assign(gene_id=genes.index.astype(str))
    made.index = pd.Index(names.astype(object).to_numpy())
    for name in made:
        text = not pd.api.types.is_numeric_dtype(made[name])
        made[name] = _categories(made[name]) if text else made[name].astype(np.int32)
    made["gene_id"] = made["gene_id"].astype(str).astype(object)
    return made


def normalised(block: sparse.csr_matrix) -> sparse.csr_matrix:
    """Return log1p of the counts per `TARGET` of each cell; a cell without counts stays 0."""
    totals = np.asarray(block.sum(axis=1), dtype=np.float64).ravel()
    scale = np.divide(TARGET, totals, out=np.zeros_like(totals), where=totals > 0)
    made = block.copy()
    made.indptr = block.indptr  # 64-bit, which copying narrows
    made.data = np.log1p(block.data * np.repeat(scale, np.diff(block.indptr))).astype(np.float32)
    return made


def colours(categories: pd.Index) -> list[str]:
    """Return the colours of the cell types, those of the figures."""
    spare = [name for name in categories if name not in CELL_TYPES]
    more = {name: OTHERS[i % len(OTHERS)] for i, name in enumerate(spare)}
    return [(CELL_TYPES | more)[name] for name in categories]


def main(smk) -> None:
    """Snakemake entry point: read, compute, write."""
    start(smk)
    per_sample = [tables.read(path) for path in smk.input.cells]
    names = [frame["sample"].iloc[0] for frame in per_sample]
    cells = pd.concat([frame.loc[frame["keep"].astype(bool)] for frame in per_sample])
    clones = tables.optional(smk.input, "clonotypes")
    clones = tables.read_many(clones)[["cell_id", "clone_id"]] if clones else None
    samples = design.frame(smk.params.design)
    described = describe_cells(cells, samples, [tables.read(smk.input.labels), clones])
    paths = dict(zip(names, smk.input.counts, strict=True))
    genes = gene_table({name: counts.read_genes(path) for name, path in paths.items()})
    named = [tables.optional(smk.input, name) for name in ("scores", "own_scores")]
    scores = beside(*(tables.read_many(paths) for paths in named if paths))
    obs = shown(described, scores)
    empty = sparse.csr_matrix((len(obs), len(genes)), dtype=np.float32)
    cohort = ad.AnnData(X=empty, obs=obs, var=by_symbol(genes))
    cohort.obsm["X_umap"] = coordinates(tables.read(smk.input.umap), described.index)
    cohort.uns["cell_type_colors"] = np.array(colours(obs["cell_type"].cat.categories), object)
    cohort.raw = cohort
    with tables.whole(smk.output.cells) as partial:
        cohort.write_h5ad(partial, **COMPRESSION)
        with h5py.File(partial, "r+") as file:
            del file["X"], file["raw/X"]
            for name, path in paths.items():
                own = described.index[described["sample"] == name]
                block = align(ad.read_h5ad(path), own, genes.index)
                append(file, normalised(block), "X")
                append(file["raw"], block, "X")
    logger.info("%d cells, %d genes", *cohort.shape)


if __name__ == "__main__":
    main(snakemake)
