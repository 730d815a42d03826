"""Reading and writing counts.h5ad."""

import anndata
import numpy as np
import pandas as pd
import pytest
from unit import cells_made as made

from immune_reset import counts


@pytest.fixture
def dense():
    return np.random.default_rng(0).poisson(0.5, size=(50, 20))


def test_what_is_written_is_read_and_opens_in_anndata(tmp_path, dense):
    path = made.count_file(tmp_path / "counts.h5ad", dense)
    loaded = counts.read(path)
    assert np.array_equal(loaded.matrix.toarray(), dense)
    data = anndata.read_h5ad(path)
    assert np.array_equal(data.X.toarray(), dense)
    assert data.X.dtype == np.float32
    assert data.obs_names[0] == "S1:BC0-1"
    assert list(data.obs.columns) == ["barcode", "sample"]


def test_cells_and_genes_come_in_the_order_asked_for(tmp_path, dense, monkeypatch):
    monkeypatch.setattr(counts, "CHUNK_CELLS", 7)  # many chunks, some without a wanted cell
    path = made.count_file(tmp_path / "counts.h5ad", dense)
    rows, columns = [49, 3, 4, 30, 0], [19, 2, 7]
    names = counts.read_cells(path).index[rows], counts.read_genes(path).index[columns]
    loaded = counts.read(path, cell_ids=names[0], gene_ids=names[1])
    assert np.array_equal(loaded.matrix.toarray(), dense[np.ix_(rows, columns)])
    assert loaded.cells.index.equals(names[0])
    assert loaded.genes.index.equals(names[1])


def test_no_cell_asked_for_gives_an_empty_matrix(tmp_path, dense):
    path = made.count_file(tmp_path / "counts.h5ad", dense)
    assert counts.read(path, cell_ids=pd.Index([])).matrix.shape == (0, 20)


def test_chunks_cover_the_matrix(tmp_path, dense, monkeypatch):
    monkeypatch.setattr(counts, "CHUNK_CELLS", 16)
    path = made.count_file(tmp_path / "counts.h5ad", dense)
    parts = list(counts.iter_chunks(path))
    assert [part.shape[0] for _, part in parts] == [16, 16, 16, 2]
    assert np.array_equal(np.vstack([part.toarray() for _, part in parts]), dense)


def test_an_unknown_id_is_named(tmp_path, dense):
    path = made.count_file(tmp_path / "counts.h5ad", dense)
    with pytest.raises(KeyError, match=r"lacks 1 of the ids asked for, such as 'NOPE'"):
        counts.read(path, gene_ids=pd.Index(["G1", "NOPE"]))


def test_two_writings_are_the_same_bytes(tmp_path, dense):
    paths = [made.count_file(tmp_path / f"{name}.h5ad", dense) for name in "ab"]
    assert paths[0].read_bytes() == paths[1].read_bytes()
