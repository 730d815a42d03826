"""Count the UMIs of each gene set in each kept cell of one sample, and score cells for pictures.

Inputs: `counts` (h5ad), `cells`, `gene_sets` (cohort/gene_sets.parquet) and `patient_genes`, the
gene tables of all samples of the patient. Only genes measured in all of these are counted, so that
a change between two of them is never a change of the gene list. Outputs: `set_counts`,
`gene_counts`, `scores`, `coverage`.
"""

import logging
from functools import reduce

import anndata as ad
import decoupler as dc
import numpy as np
import pandas as pd
from scipy import sparse

from immune_reset import tables
from immune_reset.counts import Counts, read
from immune_reset.errors import InputError
from immune_reset.gene_sets import BEYOND, SCORED, coverage, match
from immune_reset.runtime import start

logger = logging.getLogger("score_cells")

PICTURED = ("ISG28", "HALLMARK_IL6_JAK_STAT3_SIGNALING", BEYOND)
"""Sets drawn cell by cell."""

CHUNK = 2000


def pin_genes(per_sample: list[pd.DataFrame]) -> pd.DataFrame:
    """Return the genes (gene_id, symbol) measured in every sample, sorted by gene_id.

    Raises
    ------
    InputError
        If the samples share no gene id.
    """
    shared = reduce(np.intersect1d, [genes["gene_id"].to_numpy(str) for genes in per_sample])
    if len(shared) == 0:
        raise InputError(
            "the samples of the patient share no gene id. Align them to one annotation, or give "
            "all matrices the same kind of gene id (Ensembl ids or symbols)."
        )
    most = max(len(genes) for genes in per_sample)
    logger.info("pinned %d genes measured in all %d samples", len(shared), len(per_sample))
    if len(shared) < most:
        logger.warning("%d genes are not measured in all samples: left out", most - len(shared))
    symbols = per_sample[0].drop_duplicates("gene_id").set_index("gene_id")["symbol"]
    return pd.DataFrame({"gene_id": shared, "symbol": symbols.reindex(shared).to_numpy(str)})


def membership(matched: pd.DataFrame, genes: pd.Index, names: list[str]) -> sparse.csr_matrix:
    """Return genes by sets, 1 where the gene is in the set."""
    inside = matched.loc[matched["gene_id"].isin(genes) & matched["gene_set"].isin(names)]
    rows = genes.get_indexer(inside["gene_id"])
    columns = pd.Index(names).get_indexer(inside["gene_set"])
    ones = np.ones(len(inside), dtype=np.float64)
    return sparse.csr_matrix((ones, (rows, columns)), shape=(len(genes), len(names)))


def count_sets(
    counts: Counts, pinned: pd.DataFrame, matched: pd.DataFrame, names: list[str]
) -> pd.DataFrame:
    """Return per cell: cell_id, total_counts (over the pinned genes) and each set's UMIs."""
    columns = counts.genes.index.get_indexer(pinned["gene_id"])
    kept = counts.matrix[:, columns].astype(np.float64)
    sums = kept @ membership(matched, pd.Index(pinned["gene_id"]), names)
    frame = pd.DataFrame(np.rint(sums.toarray()).astype(np.int32), columns=names)
    total = np.rint(np.asarray(kept.sum(axis=1)).ravel()).astype(np.int64)
    frame.insert(0, "total_counts", total)
    frame.insert(0, "cell_id", counts.cells.index.to_numpy(str))
    return frame


def count_genes(counts: Counts, matched: pd.DataFrame) -> pd.DataFrame:
    """Return the UMIs of each gene of the scored sets: cell_id, symbol, count, zeros left out."""
    genes = matched.drop_duplicates("gene_id").sort_values("gene_id")
    block = counts.matrix[:, counts.genes.index.get_indexer(genes["gene_id"])].tocoo()
    return pd.DataFrame(
        {
            "cell_id": pd.Categorical.from_codes(block.row, counts.cells.index.to_numpy(str)),
            "symbol": genes["symbol"].astype("category").array.take(block.col),
            "count": np.rint(block.data).astype(np.int32),
        }
    )


def score_aucell(counts: Counts, matched: pd.DataFrame, names: list[str]) -> pd.DataFrame:
    """Return AUCell (Aibar 2017) of each cell: cell_id and one column per set, NaN if unmeasured.

    For pictures only. The universe is the sample's own genes, sorted by id, empty ones included,
    so that ranks and the breaking of ties (decoupler's, a fixed permutation of the genes) are the
    same for every cell, in chunks of any size.
    """
    net = matched.loc[matched["gene_set"].isin(names), ["gene_set", "gene_id"]]
    net = net.set_axis(["source", "target"], axis=1).assign(weight=1.0)
    cells = counts.cells.index.to_numpy(str)
    scores = pd.DataFrame(np.nan, index=cells, columns=names)
    if len(net):
        order = np.argsort(counts.genes.index.to_numpy(str), kind="stable")
        var = pd.DataFrame(index=counts.genes.index.to_numpy(str)[order])
        for first in range(0, len(cells), CHUNK):
            rows = slice(first, first + CHUNK)
            obs = pd.DataFrame(index=cells[rows])
            part = ad.AnnData(sparse.csr_matrix(counts.matrix[rows][:, order]), obs, var)
            dc.mt.aucell(part, net, tmin=1, empty=False)
            block = part.obsm["score_aucell"]
            scores.loc[block.index, block.columns] = block.to_numpy()
    return scores.rename_axis("cell_id").reset_index()


def main(smk) -> None:
    """Snakemake entry point: read, compute, write."""
    start(smk)
    kept = tables.read(smk.input.cells, ["cell_id", "keep"]).query("keep")["cell_id"]
    counts = read(smk.input.counts, cell_ids=kept)
    sets = tables.read(smk.input.gene_sets)
    sets = sets.loc[sets["collection"].isin(SCORED)]
    pinned = pin_genes([tables.read(p, ["gene_id", "symbol"]) for p in smk.input.patient_genes])
    matched = match(sets, pinned)
    names = list(dict.fromkeys(sets["gene_set"]))
    own = set(sets.loc[sets["collection"] == "user", "gene_set"])
    pictured = [name for name in names if name in PICTURED or name in own]
    here = counts.genes.rename_axis("gene_id").reset_index()[["gene_id", "symbol"]]
    covered = coverage(sets, matched)
    covered.insert(0, "sample", str(smk.wildcards.sample))
    tables.write(count_sets(counts, pinned, matched, names), smk.output.set_counts)
    tables.write(count_genes(counts, matched), smk.output.gene_counts)
    tables.write(score_aucell(counts, match(sets, here), pictured), smk.output.scores)
    tables.write(covered, smk.output.coverage)


if __name__ == "__main__":
    main(snakemake)
