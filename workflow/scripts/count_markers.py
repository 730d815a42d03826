"""Count the marker panel's genes in each kept cell of a sample."""

import logging

import numpy as np
import pandas as pd
from scipy import sparse

from immune_reset import counts, tables, text_files
from immune_reset.genes import current_symbols
from immune_reset.runtime import start

logger = logging.getLogger("count_markers")


def marker_genes(symbols: pd.Series, markers: pd.Series) -> pd.Series:
    """Return the matrix's genes that are in the panel: index gene_id, value the current symbol.

    Former symbols in the panel are brought up to date, as those of the matrix are. A symbol that
    several gene ids carry keeps them all; a marker that the matrix lacks is absent.
    """
    wanted = set(current_symbols(markers.unique()))
    return symbols[symbols.isin(wanted)]


def sum_by_symbol(matrix: sparse.csr_matrix, symbols: pd.Series) -> pd.DataFrame:
    """Return UMIs of each row by symbol (int32), gene ids of one symbol summed, symbols sorted."""
    codes, names = pd.factorize(symbols.to_numpy(dtype=object), sort=True)
    shape = (len(codes), len(names))
    sums = sparse.csr_matrix((np.ones(len(codes)), (np.arange(len(codes)), codes)), shape=shape)
    return pd.DataFrame((matrix @ sums).toarray().astype(np.int32), columns=list(names))


def ambient_by_symbol(genes: pd.DataFrame) -> pd.DataFrame:
    """Return symbol and umis: what ambient RNA gives one cell of each, NaN where not estimable.

    `genes`: columns symbol and ambient.
    """
    umis = genes.groupby("symbol", sort=True)["ambient"].sum(min_count=1)
    return umis.rename("umis").reset_index()


def main(smk) -> None:
    """Snakemake entry point: read, compute, write."""
    start(smk)
    cells = tables.read(smk.input.cells, ["cell_id", "total_counts", "keep"]).query("keep")
    panel = text_files.plain_table(smk.input.markers)["symbol"]
    genes = counts.read_genes(smk.input.counts)
    found = marker_genes(genes["symbol"], panel)
    if absent := sorted(set(current_symbols(panel.unique())) - set(found)):
        logger.info("%d markers are not in the matrix: %s", len(absent), ", ".join(absent))
    loaded = counts.read(smk.input.counts, cell_ids=cells["cell_id"], gene_ids=found.index)
    keys = cells[["cell_id", "total_counts"]].reset_index(drop=True)
    counted = sum_by_symbol(loaded.matrix, found)
    tables.write(pd.concat([keys, counted], axis=1), smk.output.counts)
    tables.write(ambient_by_symbol(genes.loc[found.index]), smk.output.ambient)


if __name__ == "__main__":
    main(snakemake)
