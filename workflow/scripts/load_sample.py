"""Read one sample's gene expression, whatever its format, into one counts.h5ad."""

import logging
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy import sparse

from immune_reset import (
    ambient,
    barcodes,
    counts,
    donors,
    genes,
    genomes,
    leaks,
    matrix_heads,
    tables,
    text_files,
)
from immune_reset.errors import at
from immune_reset.matrices import RawMatrix, read_matrix
from immune_reset.runtime import start

logger = logging.getLogger("load_sample")

MIN_GENES_SHARED = 0.9
"""Share of the sample's genes that its unfiltered matrix must have."""


def check_counts(raw: RawMatrix, *, place: str) -> None:
    """Refuse what is not a matrix of counts of distinct cells.

    Raises
    ------
    InputError
        Without barcodes or features; with a barcode twice, or more than a library has; with
        values that are negative, not whole, not finite, too large to be counts, or all alike.
    """
    genomes.check_axes(list(raw.barcodes), raw.features, place=place)
    repeated = raw.barcodes[raw.barcodes.duplicated()]
    if len(repeated):
        found = f"barcode {repeated[0]!r} occurs more than once ({len(repeated)} repeats)"
        raise at(place, found, "Give one library a file, or make the barcodes distinct")
    matrix_heads.check_filtered(len(raw.barcodes), place)
    matrix_heads.check_counts(raw.matrix.data, place, first=False)


def gene_expression(
    raw: RawMatrix, *, join_by: str = "ensembl"
) -> tuple[sparse.csr_matrix, pd.DataFrame]:
    """Return counts and features of type Gene Expression, rows of one gene id summed.

    Antibody and hashtag features, and the genes of other species, are set aside. `symbol` is
    brought up to date (`genes.ALIASES`) and is the gene id where the file has none, or where
    genes are to be joined by symbol.
    """
    features = raw.features
    wanted = (features["feature_type"] == "Gene Expression").to_numpy()
    matrix = raw.matrix if wanted.all() else raw.matrix[:, wanted]
    features = genomes.joined(features.loc[wanted].reset_index(drop=True), join_by)
    codes, ids = pd.factorize(features["gene_id"])
    if len(ids) < len(features):
        sums = sparse.csr_matrix((np.ones(len(codes)), (np.arange(len(codes)), codes)))
        matrix = matrix @ sums
        features = features.drop_duplicates("gene_id")
    matrix = sparse.csr_matrix(matrix, dtype=np.float32)
    matrix.sum_duplicates()
    matrix.eliminate_zeros()
    features = features.set_index(pd.Index(ids, name="gene_id"))[["symbol", "feature_type"]]
    return matrix, features


def of_donor(raw: RawMatrix, table: pd.DataFrame, donor: str, *, place: str) -> RawMatrix:
    """Return the barcodes of a multiplexed library that `table` assigns to `donor`.

    Raises
    ------
    InputError
        If the table cannot be read so, or its barcodes are not those of the matrix.
    """
    own = donors.cells_of(table, donor, place=place)
    rule = barcodes.match_rule(own, set(raw.barcodes), place=place, other="its matrix")
    keep = raw.barcodes.isin({rule(name) for name in own})
    return replace(raw, matrix=raw.matrix[keep], barcodes=raw.barcodes[keep])


def name_cells(barcodes: pd.Index, *, sample: str) -> pd.DataFrame:
    """Return the table of cells: index cell_id ``{sample}:{barcode}``; barcode as given, sample."""
    return pd.DataFrame(
        {"barcode": barcodes.to_numpy(dtype=object), "sample": sample},
        index=pd.Index([f"{sample}:{barcode}" for barcode in barcodes], name="cell_id"),
    )


def soup_of_empty(
    raw: RawMatrix, own: counts.Counts, *, join_by: str, place: str
) -> ambient.Soup | None:
    """Return the soup of a sample's empty droplets, gene by gene of `own`; None where too few.

    `raw` is the unfiltered matrix, whose barcodes and genes include those of the sample.

    Raises
    ------
    InputError
        If it lacks the sample's genes or barcodes: it is another library's, or another annotation.
    """
    matrix, features = gene_expression(raw, join_by=join_by)
    order = features.index.get_indexer(own.genes.index)
    missing = int((order < 0).sum())
    if missing > (1 - MIN_GENES_SHARED) * len(order):
        found = f"it lacks {missing} of the {len(order)} genes of the filtered matrix"
        raise at(place, found, "Give the unfiltered matrix of the same run")
    names = set(own.cells["barcode"])
    rule = barcodes.match_rule(names, set(raw.barcodes), place="gex", other=place)
    given = raw.barcodes.isin({rule(name) for name in names})
    kept = sparse.csr_matrix(
        (np.ones(len(order) - missing), (order[order >= 0], np.flatnonzero(order >= 0))),
        shape=(matrix.shape[1], len(order)),
    )
    return ambient.soup_of_empty(matrix @ kept, given)


def describe(raw: RawMatrix, loaded: counts.Counts) -> Mapping[str, Any]:
    """Return what was read, set aside and summed, in numbers."""
    types = raw.features["feature_type"].value_counts()
    others = types.drop("Gene Expression", errors="ignore").sort_index()
    current = loaded.genes["symbol"]
    return {
        "format": raw.format,
        "n_barcodes": len(loaded.cells),
        "n_empty_barcodes": int((np.diff(loaded.matrix.indptr) == 0).sum()),
        "n_genes": len(loaded.genes),
        "n_duplicate_ids": int(types["Gene Expression"]) - len(loaded.genes),
        "n_duplicate_symbols": int(current.duplicated().sum()),
        "n_renamed_symbols": int((~current.isin(raw.features["symbol"])).sum()),
        "n_mt_genes": int(genes.matches(current, genes.MT_PATTERN).sum()),
        "n_ensembl_ids": sum(bool(re.match(r"ENS[A-Z]*G\d", gene)) for gene in loaded.genes.index),
        "n_other_features": int(others.sum()),
        "other_features": {str(name): int(n) for name, n in others.items()},
        "total_counts": int(loaded.matrix.data.sum(dtype=np.float64)),
        "sex": leaks.sex_linked(loaded.matrix, current),
    }


def main(smk) -> None:
    """Snakemake entry point: read, compute, write."""
    start(smk)
    row, gex = smk.params.row, Path(str(smk.params.row["gex"]))
    join_by = smk.params.cfg["genes.join_by"]
    raw = read_matrix(gex)
    check_counts(raw, place=str(gex))
    n_given = len(raw.barcodes)
    if "donor" in row:
        place = str(smk.input.donors)
        raw = of_donor(raw, text_files.table(place), str(row["donor"]), place=place)
    matrix, features = gene_expression(raw, join_by=join_by)
    cells = name_cells(raw.barcodes, sample=str(row["sample"]))
    loaded = counts.Counts(matrix, cells, features)
    soup = None
    if tables.optional(smk.input, "raw_gex"):
        unfiltered = read_matrix(Path(str(row["raw_gex"])))
        soup = soup_of_empty(unfiltered, loaded, join_by=join_by, place=str(row["raw_gex"]))
    soup = soup or ambient.soup_of_cells(matrix)
    leaked = ambient.estimate(matrix, features, soup)
    features["ambient"] = ambient.per_cell(soup, leaked)
    facts = {**describe(raw, loaded), "n_other_donors": n_given - len(cells), "ambient": leaked}
    logger.info("%s", facts)
    counts.write(loaded, smk.output.counts)
    tables.write_json(facts, smk.output.facts)


if __name__ == "__main__":
    main(snakemake)
