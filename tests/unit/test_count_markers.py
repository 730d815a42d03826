"""UMIs of the marker panel by cell."""

import numpy as np
import pandas as pd
from unit import cells_made as made


def test_markers_of_the_kept_cells_are_counted(tmp_path):
    dense = np.random.default_rng(0).poisson(1.0, size=(6, 5))
    symbols = ["CD3D", "JCHAIN", "LYZ", "CD19", "OTHER"]
    path = made.count_file(tmp_path / "counts.h5ad", dense, symbols=symbols)
    keep = np.array([True, False, True, True, True, False])
    cells = made.cell_table(tmp_path / "cells.parquet", path, keep=keep)
    markers = tmp_path / "markers.tsv"
    markers.write_text("cell_type\tsymbol\nB\tCD19\nT\tCD3D\nplasma\tIGJ\nB\tABSENT\nB\tCD19\n")
    out, soup = tmp_path / "out.parquet", tmp_path / "soup.parquet"
    inputs = {"counts": path, "cells": cells, "markers": markers}
    made.run("count_markers", tmp_path, inputs, {"counts": out, "ambient": soup})
    table = pd.read_parquet(out)
    assert list(table.columns) == ["cell_id", "total_counts", "CD19", "CD3D", "JCHAIN"]
    assert table["cell_id"].tolist() == [f"S1:BC{i}-1" for i in (0, 2, 3, 4)]
    assert table["total_counts"].tolist() == dense[keep].sum(axis=1).tolist()
    assert np.array_equal(table[["CD19", "CD3D", "JCHAIN"]], dense[keep][:, [3, 0, 1]])
    ambient = pd.read_parquet(soup)
    assert ambient["symbol"].tolist() == ["CD19", "CD3D", "JCHAIN"]
    assert ambient["umis"].isna().all()  # not estimable in the counts made here


def test_ambient_umis_of_one_symbol_are_summed():
    import count_markers

    genes = pd.DataFrame({"symbol": ["A", "B", "A"], "ambient": [0.5, np.nan, 0.25]})
    assert count_markers.ambient_by_symbol(genes).to_numpy()[0].tolist() == ["A", 0.75]
    assert np.isnan(count_markers.ambient_by_symbol(genes)["umis"][1])


def test_gene_ids_of_one_symbol_are_summed():
    from scipy import sparse

    import count_markers

    symbols = pd.Series(["CD3D", "MATR3", "MATR3"], index=["E1", "E2", "E3"])
    table = count_markers.sum_by_symbol(sparse.csr_matrix([[1, 2, 3], [0, 0, 4]]), symbols)
    assert table.to_dict("list") == {"CD3D": [1, 0], "MATR3": [5, 4]}


def test_a_panel_that_the_matrix_lacks_altogether(tmp_path):
    path = made.count_file(tmp_path / "counts.h5ad", np.ones((3, 2), int))
    cells = made.cell_table(tmp_path / "cells.parquet", path)
    markers = tmp_path / "markers.tsv"
    markers.write_text("cell_type\tsymbol\nB\tCD19\n")
    out, soup = tmp_path / "out.parquet", tmp_path / "soup.parquet"
    inputs = {"counts": path, "cells": cells, "markers": markers}
    made.run("count_markers", tmp_path, inputs, {"counts": out, "ambient": soup})
    assert pd.read_parquet(out).columns.tolist() == ["cell_id", "total_counts"]
