"""What is known of each gene in a sample."""

import numpy as np
import pandas as pd
import pytest
import scanpy as sc
from anndata import AnnData
from scipy import sparse
from unit import cells_made as made

import summarise_genes


def summarise(tmp_path, matrix, keep=None):
    path = made.count_file(tmp_path / "counts.h5ad", matrix)
    cells = made.cell_table(tmp_path / "cells.parquet", path, keep=keep)
    out = tmp_path / "genes.parquet"
    made.run("summarise_genes", tmp_path, {"counts": path, "cells": cells}, {"genes": out})
    return pd.read_parquet(out)


@pytest.fixture(scope="module")
def matrix():
    return made.programmes(80, 120, seed=0, depth=0.4)[0]


def test_counts_are_those_of_the_kept_cells(tmp_path, matrix):
    keep = np.arange(80) % 4 != 0
    table = summarise(tmp_path, matrix, keep=keep)
    assert table["gene_id"].tolist() == [f"G{i}" for i in range(120)]
    assert table["n_cells_by_counts"].tolist() == (matrix[keep] > 0).sum(axis=0).tolist()
    assert table["total_counts"].tolist() == matrix[keep].sum(axis=0).tolist()
    assert (table["n_cells"] == 60).all()


def test_dispersions_by_hand(tmp_path, matrix):
    """Seurat's: log variance over mean, standardised within 20 bins of the log mean."""
    table = summarise(tmp_path, matrix)
    scaled = matrix / matrix.sum(axis=1, keepdims=True) * 1e4
    np.testing.assert_allclose(table["mean"], np.log1p(scaled).mean(axis=0), rtol=1e-5)
    dispersion = pd.Series(np.log(scaled.var(axis=0, ddof=1) / scaled.mean(axis=0)))
    bins = pd.cut(pd.Series(np.log1p(scaled.mean(axis=0))), bins=20)
    grouped = dispersion.groupby(bins, observed=True)
    expected = (dispersion - grouped.transform("mean")) / grouped.transform("std")
    shared = grouped.transform("size") > 1
    np.testing.assert_allclose(table["dispersion_norm"][shared], expected[shared], rtol=1e-3)


def test_unseen_genes_have_no_dispersion(tmp_path, matrix):
    with_silent = np.hstack([matrix, np.zeros((80, 2), int)])
    table = summarise(tmp_path, with_silent)
    assert table["dispersion_norm"].tolist()[-2:] == [0.0, 0.0]
    assert table["dispersion_norm"][:120].notna().all()


@pytest.mark.parametrize("n", [0, 2])
def test_a_sample_of_no_cells_says_so(tmp_path, matrix, n):
    table = summarise(tmp_path, matrix, keep=np.arange(80) < n)
    assert (table["n_cells"] == n).all()
    assert table["dispersion_norm"].isna().all()
    assert table["total_counts"].sum() == matrix[:n].sum()


def test_a_dozen_cells_work(tmp_path, matrix):
    assert summarise(tmp_path, matrix[:12])["dispersion_norm"].notna().any()


def test_dispersions_are_those_of_scanpy(matrix):
    data = AnnData(sparse.csr_matrix(matrix.astype(np.float32)))
    sc.pp.normalize_total(data, target_sum=1e4)
    sc.pp.log1p(data)
    theirs = sc.pp.highly_variable_genes(data, inplace=False)["dispersions_norm"]
    ours = summarise_genes.dispersions(sparse.csr_matrix(matrix))["dispersion_norm"]
    np.testing.assert_allclose(ours, theirs, atol=1e-5)  # scanpy counts in float32
