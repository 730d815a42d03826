"""Sums by cluster against pandas, chunk by chunk."""

import numpy as np
import pandas as pd
from scipy import sparse
from unit.annotation_jobs import job

import sum_pseudobulk
from immune_reset import counts, tables


def example(n_cells=57, n_genes=11, seed=1):
    rng = np.random.default_rng(seed)
    matrix = sparse.csr_matrix(rng.poisson(0.6, (n_cells, n_genes)).astype(np.float32))
    cells = pd.Index([f"S:{i}" for i in range(n_cells)], name="cell_id")
    genes = pd.Index([f"G{i}" for i in range(n_genes)], name="gene_id")
    clusters = pd.Series(rng.choice(["0", "1", "10"], n_cells), index=cells)
    return matrix, cells, genes, clusters


def chunks(matrix, size=10):
    for start in range(0, matrix.shape[0], size):
        stop = min(start + size, matrix.shape[0])
        yield slice(start, stop), matrix[start:stop]


def test_sums_agree_with_pandas_and_leave_cells_without_a_cluster_out():
    matrix, _, genes, clusters = example()
    clusters.iloc[[3, 20]] = None
    sums, sizes = sum_pseudobulk.sum_groups(chunks(matrix), clusters, genes)
    dense = pd.DataFrame(matrix.toarray(), columns=genes)
    group = clusters.to_numpy()
    for name, expected in (
        ("counts", dense.groupby(group).sum()),
        ("n_expressing", (dense > 0).groupby(group).sum()),
    ):
        found = sums.pivot(index="cluster", columns="gene_id", values=name)
        found = found.reindex(columns=genes).fillna(0)
        np.testing.assert_array_equal(found.to_numpy(), expected.to_numpy())
    assert (sums["counts"] > 0).all()
    assert sizes["n_cells"].tolist() == clusters.value_counts().sort_index().tolist()
    assert sizes["total_counts"].sum() == dense[clusters.notna().to_numpy()].to_numpy().sum()


def test_no_cells_give_empty_tables():
    matrix, cells, genes, _ = example()
    nothing = pd.Series([None] * len(cells), index=cells, dtype=object)
    sums, sizes = sum_pseudobulk.sum_groups(chunks(matrix), nothing, genes)
    assert sums.empty and sizes.empty


def test_the_script_sums_kept_cells_alone(tmp_path):
    matrix, cells, genes, clusters = example()
    table = pd.DataFrame({"barcode": cells.str[2:], "sample": "S"}, index=cells)
    features = pd.DataFrame({"symbol": genes, "feature_type": "Gene Expression"}, index=genes)
    counts.write(counts.Counts(matrix, table, features), tmp_path / "counts.h5ad")
    keep = np.arange(len(cells)) % 4 != 0
    tables.write(pd.DataFrame({"cell_id": cells, "keep": keep}), tmp_path / "cells.parquet")
    groups = clusters.rename("cluster").reset_index()
    tables.write(groups, tmp_path / "groups.parquet")
    names = {n: tmp_path / f"{n}.parquet" for n in ("pseudobulk", "sizes")}
    inputs = {"counts": tmp_path / "counts.h5ad", "cells": tmp_path / "cells.parquet"}
    inputs["groups"] = tmp_path / "groups.parquet"
    sum_pseudobulk.main(job(inputs, names, wildcards={"sample": "S"}))
    found = tables.read(names["pseudobulk"])
    assert found["counts"].sum() == matrix[np.flatnonzero(keep)].sum()
    assert list(found.columns) == ["sample", "cluster", "gene_id", "counts", "n_expressing"]
    assert tables.read(names["sizes"])["n_cells"].sum() == keep.sum()
