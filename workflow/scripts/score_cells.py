"""Count the UMIs of each gene set in each kept cell of one sample, and score cells for pictures.

Inputs: `counts` (h5ad), `cells`, `gene_sets` (one part of them is scored, wildcard `sets`:
`gene_sets.of_part`) and `patient_genes`, the gene tables of all samples of the patient. Only
genes measured in all of these are counted, so that a change between two of them is never a change
of the gene list. Outputs: `set_counts`, `gene_counts`, `scores`, `coverage`.
"""

import logging
from functools import reduce

import numpy as np
import pandas as pd
from scipy import sparse

from immune_reset import tables
from immune_reset.counts import Counts, read
from immune_reset.errors import InputError
from immune_reset.gene_sets import BEYOND, SCORED, coverage, match, of_part
from immune_reset.runtime import start

logger = logging.getLogger("score_cells")

PICTURED = ("ISG28", "HALLMARK_IL6_JAK_STAT3_SIGNALING", BEYOND)
"""Shipped sets that are scored cell by cell; of the user's own all are."""

CHUNK = 2000

TOP_SHARE = 0.05
"""Share of the genes whose ranks count for AUCell."""

MOST = 2**24 - 1
"""No gene has more counts in a cell: `counts.h5ad` holds whole numbers up to here."""


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
    """Return per cell: cell_id, total_counts (over the pinned genes) and each set's UMIs.

    `matched` holds pinned genes alone. The matrix is multiplied as it lies: to gather the pinned
    genes out of it would take ten times as long.
    """
    genes = pd.Index(counts.genes.index.to_numpy(str))
    sums = counts.matrix @ membership(matched, genes, names)
    frame = pd.DataFrame(np.rint(sums.toarray()).astype(np.int32), columns=names)
    wanted = genes.isin(pinned["gene_id"]).astype(np.float64)
    total = np.rint(counts.matrix @ wanted).astype(np.int64)
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
    so that ranks and the breaking of ties are the same for every cell, in chunks of any size.
    decoupler's scores; written out because only counted genes need sorting, a tenth of all.
    """
    genes = pd.Index(counts.genes.index.to_numpy(str))
    scores = pd.DataFrame(np.nan, index=counts.cells.index.to_numpy(str), columns=names)
    members = membership(matched, genes, names)
    measured = np.flatnonzero(np.asarray(members.sum(axis=0)).ravel() > 0)
    if len(measured):
        places = tie_order(genes)
        n_top = int(np.clip(np.ceil(TOP_SHARE * len(genes)), 2, len(genes)))
        sizes = np.minimum(np.asarray(members.sum(axis=0)).ravel()[measured], n_top - 1)
        best = sizes * n_top - sizes * (sizes + 1) / 2
        for first in range(0, len(scores), CHUNK):
            rows = slice(first, first + CHUNK)
            depth = top_depths(counts.matrix[rows], places, members[:, measured], n_top)
            scores.iloc[rows, measured] = depth / best
    return scores.rename_axis("cell_id").reset_index()


def tie_order(genes: pd.Index) -> np.ndarray:
    """Return the place of each gene among ties: decoupler's permutation of the genes by id."""
    order = np.argsort(genes.to_numpy(), kind="stable")
    shuffled = order[np.random.default_rng(0).choice(len(genes), len(genes), replace=False)]
    places = np.empty(len(genes), dtype=np.int64)
    places[shuffled] = np.arange(len(genes))
    return places


def top_depths(
    matrix: sparse.csr_matrix, places: np.ndarray, members: sparse.csr_matrix, n_top: int
) -> np.ndarray:
    """Return for each cell and set the sum of `n_top` - rank over the set's genes ranked so high.

    That is the area under the recovery curve. Genes rank by their counts, most first, ties by
    `places`; a gene that the cell lacks comes after all that it has.
    """
    n_genes, n_counted = matrix.shape[1], np.diff(matrix.indptr)
    cell = np.repeat(np.arange(len(n_counted)), n_counted)
    # one number an entry, so that numpy's fastest sort ranks all cells at once
    keys = (cell << 44) | ((MOST - matrix.data.astype(np.int64)) << 20) | places[matrix.indices]
    keys.sort()
    rank = np.arange(matrix.nnz) - np.repeat(matrix.indptr[:-1], n_counted) + 1
    high = rank < n_top
    kept = cell[high], keys[high] & (2**20 - 1)
    heights = sparse.csr_matrix((n_top - rank[high].astype(float), kept), shape=matrix.shape)
    in_places = members[np.argsort(places)]
    depth = (heights @ in_places).toarray()
    # cells of fewer genes than `n_top`: the first of the genes that they lack rank high as well
    for row in np.flatnonzero(n_counted < n_top - 1):
        has = np.zeros(n_genes, dtype=bool)
        has[places[matrix.indices[matrix.indptr[row] : matrix.indptr[row + 1]]]] = True
        lacking = np.flatnonzero(~has)[: n_top - 1 - has.sum()]
        empty = np.zeros(n_genes)
        empty[lacking] = n_top - has.sum() - 1 - np.arange(len(lacking))
        depth[row] += empty @ in_places
    return depth


def main(smk) -> None:
    """Snakemake entry point: read, compute, write."""
    start(smk)
    kept = tables.read(smk.input.cells, ["cell_id", "keep"]).query("keep")["cell_id"]
    counts = read(smk.input.counts, cell_ids=kept)
    given = {path: tables.read(path) for path in smk.input.gene_sets}
    sets = of_part(smk.wildcards.sets, given)
    sets = sets.loc[sets["collection"].isin(SCORED)]
    pinned = pin_genes([tables.read(p, ["gene_id", "symbol"]) for p in smk.input.patient_genes])
    matched = match(sets, pinned)
    names = list(dict.fromkeys(sets["gene_set"]))
    pictured = [n for n in names if n in PICTURED or smk.wildcards.sets == "own"]
    here = counts.genes.rename_axis("gene_id").reset_index()[["gene_id", "symbol"]]
    covered = coverage(sets, matched)
    covered.insert(0, "sample", str(smk.wildcards.sample))
    tables.write(count_sets(counts, pinned, matched, names), smk.output.set_counts)
    tables.write(count_genes(counts, matched), smk.output.gene_counts)
    tables.write(score_aucell(counts, match(sets, here), pictured), smk.output.scores)
    tables.write(covered, smk.output.coverage)


if __name__ == "__main__":
    main(snakemake)
