"""Quality measures, held against scanpy's."""

import anndata
import numpy as np
import pandas as pd
import pytest
import scanpy as sc
from scipy import sparse
from unit import cells_made as made

import measure_qc
from immune_reset import counts, genes

SYMBOLS = ["MT-CO1", "MT-ND1", "RPL3", "RPS6KA1", "HBB", "CD3D", "LYZ", "RPSA"]


@pytest.fixture
def dense():
    return np.random.default_rng(1).poisson(2.0, size=(40, len(SYMBOLS)))


def test_measures_are_those_of_scanpy(tmp_path, dense, monkeypatch):
    monkeypatch.setattr(counts, "CHUNK_CELLS", 7)
    path = made.count_file(tmp_path / "counts.h5ad", dense, symbols=SYMBOLS)
    made.run("measure_qc", tmp_path, {"counts": path}, {"metrics": tmp_path / "m.parquet"})
    ours = pd.read_parquet(tmp_path / "m.parquet")

    data = anndata.AnnData(sparse.csr_matrix(dense.astype(np.float32)))
    for name, pattern in measure_qc.GROUPS.items():
        data.var[name] = genes.matches(SYMBOLS, pattern).to_numpy()
    theirs, _ = sc.pp.calculate_qc_metrics(data, qc_vars=list(measure_qc.GROUPS), percent_top=None)
    assert list(ours["cell_id"][:2]) == ["S1:BC0-1", "S1:BC1-1"]
    for column in ours.columns[1:]:
        np.testing.assert_allclose(ours[column], theirs[column], rtol=1e-6, err_msg=column)


def test_shares_by_hand():
    groups = measure_qc.gene_groups(pd.Series(["MT-CO1", "RPL3", "CD3D"]))
    measured = measure_qc.measure(sparse.csr_matrix([[1, 2, 7], [0, 0, 4]]), groups)
    assert measured["total_counts"].tolist() == [10, 4]
    assert measured["n_genes_by_counts"].tolist() == [3, 1]
    assert measured["pct_counts_mt"].tolist() == [10.0, 0.0]
    assert measured["pct_counts_ribo"].tolist() == [20.0, 0.0]


def test_what_cannot_be_measured_is_missing_not_zero():
    groups = measure_qc.gene_groups(pd.Series(["RPL3", "CD3D"]))
    measured = measure_qc.measure(sparse.csr_matrix([[1, 1], [0, 0]]), groups)
    assert measured["pct_counts_mt"].isna().all()  # the matrix has no mitochondrial gene
    assert measured["pct_counts_ribo"].tolist()[0] == 50.0
    assert np.isnan(measured["pct_counts_ribo"][1])  # the barcode has no count


def test_totals_of_deep_cells_are_exact():
    deep = sparse.csr_matrix(np.array([[2**24, 1]], dtype=np.float32))
    groups = measure_qc.gene_groups(pd.Series(["A", "B"]))
    assert measure_qc.measure(deep, groups)["total_counts"][0] == 2**24 + 1
