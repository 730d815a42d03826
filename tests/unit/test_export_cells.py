"""cohort.h5ad: the cells and counts by hand, and what cellxgene asks of a file.

The demands are those of its documentation ("If your data is an h5ad") and of what it does when it
opens one: unique names of cells, genes and columns, a finite two-dimensional `X_` layout, a
float32 matrix, and columns of text, yes and no, or numbers that fit 32 bits.
"""

import anndata as ad
import h5py
import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from unit.report_jobs import Files
from unit.test_export_cohort import DESIGN, cohort  # noqa: F401 (a fixture)

import export_cells


def export(files, output):
    """Run the job on the invented cohort of two samples and read what it wrote."""
    scores = pd.DataFrame({"cell_id": [f"{s}:c{i}" for s in "AB" for i in range(5)]})
    scores["ISG28"] = np.linspace(0, 1, 10)
    scores.to_parquet(output.with_name("scores.parquet"))
    given = {k: files[k] for k in ("cells", "counts", "labels", "umap", "clonotypes")}
    export_cells.main(
        Files(
            input=Files(**given, scores=[output.with_name("scores.parquet")]),
            output=Files(cells=output),
            params=Files(design=DESIGN, cfg={}),
            log=[],
        )
    )
    return ad.read_h5ad(output)


@pytest.fixture
def cells(cohort, tmp_path):  # noqa: F811
    files, matrices, _ = cohort
    return export(files, tmp_path / "cohort.h5ad"), matrices


def asked_by_cellxgene(made):
    """What keeps cellxgene from opening or showing a file; [] for one that it takes."""
    faults = []
    for name, frame in (("obs", made.obs), ("var", made.var)):
        faults += [f"{name} names"] * (not frame.index.is_unique)
        faults += [f"{name} columns"] * (not frame.columns.is_unique)
        for column in frame:
            kind = frame[column].dtype
            plain = isinstance(kind, np.dtype) and kind in (np.float32, np.int32, bool)
            text = isinstance(kind, pd.CategoricalDtype) and (
                kind.categories.dtype == object and all(isinstance(c, str) for c in kind.categories)
            )
            name_of_gene = name == "var" and pd.api.types.is_object_dtype(kind)
            faults += [f"{name}.{column}: {kind}"] * (not (plain or text or name_of_gene))
            if name == "obs" and text:
                faults += [f"{column}: missing"] * bool(frame[column].isna().any())
                faults += [f"{column}: too many"] * (len(kind.categories) > 500)
    layouts = [made.obsm[key] for key in made.obsm if key.startswith("X_")]
    good = [
        x
        for x in layouts
        if type(x) is np.ndarray and x.dtype.kind in "fiu" and x.ndim == 2 and x.shape[1] >= 2
        and not np.isinf(x).any() and not np.isnan(x).all()
    ]  # fmt: skip
    faults += ["no layout"] * (not good or len(good) < len(layouts))
    faults += ["matrix"] * (made.X.dtype != np.float32)
    colours = made.uns.get("cell_type_colors", [])
    faults += ["colours"] * (len(colours) != len(made.obs["cell_type"].cat.categories))
    return faults


def test_the_file_is_what_cellxgene_asks_for(cells):
    assert asked_by_cellxgene(cells[0]) == []


def test_raw_counts_and_normalised_values_by_hand(cells):
    made, matrices = cells
    counts = pd.concat(matrices.values()).reindex(made.obs_names).fillna(0)
    counts = counts[made.var["gene_id"]].to_numpy()
    np.testing.assert_array_equal(made.raw.X.toarray(), counts)
    assert made.raw.var_names.equals(made.var_names)
    totals = counts.sum(axis=1, keepdims=True)
    wanted = np.log1p(1e4 * counts / np.where(totals == 0, 1, totals))
    np.testing.assert_allclose(made.X.toarray(), wanted, rtol=1e-6)
    assert made.X.dtype == made.raw.X.dtype == np.float32


def test_rows_are_the_kept_cells_with_their_labels_layout_and_scores(cells):
    made, _ = cells
    assert list(made.obs_names) == [f"{s}:c{i}" for s in "AB" for i in (0, 1, 3, 4)]
    assert made.obs["cell_type"].astype(str).tolist() == ["CD4 T", "B", "CD4 T", "B"] * 2
    assert made.obsm["X_umap"][:, 0].tolist() == [3, 2, 1, 0, 7, 6, 5, 4]
    assert made.obs["clone_size"].tolist() == [2, 0, 0, 0, 2, 0, 0, 0]
    wanted = np.array([0, 1, 3, 4, 5, 6, 8, 9]) / 9
    np.testing.assert_allclose(made.obs["ISG28"], wanted, rtol=1e-6)
    assert not {"barcode", "clone_id"} & set(made.obs)
    assert made.obs["timepoint"].cat.categories.tolist() == ["pre", "post"]


def test_text_that_is_missing_is_a_category_of_its_own():
    obs = pd.DataFrame(
        {
            "subtype": pd.Categorical(["b", None, "a"], categories=["b", "a", "unused"]),
            "keep": [True, False, True],
            "flag": pd.array([True, None, False], dtype="boolean"),
            "n": np.array([1, 2, 3], dtype=np.int64),
            "share": [0.5, np.nan, 1.0],
        },
        index=["x", "y", "z"],
    )
    made = export_cells.shown(obs, pd.DataFrame({"cell_id": ["z"], "S": [2.0]}))
    assert made["subtype"].tolist() == ["b", "none", "a"]
    assert made["subtype"].cat.categories.tolist() == ["b", "a", "none"]
    assert made["flag"].tolist() == ["True", "none", "False"]
    assert made["n"].dtype == np.int32 and made["share"].dtype == np.float32
    assert made["S"].tolist()[2] == 2 and made["S"].isna().sum() == 2


def test_genes_go_by_symbols_that_are_unique():
    ids = pd.Index(["E1", "E2", "E3", "E4"], name="gene_id")
    genes = pd.DataFrame({"symbol": ["CD19", "TBCE", "TBCE", ""], "n_samples_measured": 1}, ids)
    made = export_cells.by_symbol(genes)
    assert made.index.tolist() == ["CD19", "TBCE_E2", "TBCE_E3", "E4"]
    assert made["gene_id"].tolist() == ["E1", "E2", "E3", "E4"]


def test_row_pointers_are_wide_enough_for_large_cohorts(cells, tmp_path):
    block = sparse.csr_matrix(np.eye(2, dtype=np.float32))
    block.indptr = block.indptr.astype(np.int64)
    assert export_cells.normalised(block).indptr.dtype == np.int64
    with h5py.File(tmp_path / "cohort.h5ad") as file:
        assert file["X/indptr"].dtype == file["raw/X/indptr"].dtype == np.int64


def test_a_file_that_cellxgene_would_refuse_is_seen_by_the_check(cells):
    """The check above is no empty one: it names what is wrong."""
    made, _ = cells
    made.obs["odd"] = pd.array([True] * 8, dtype="boolean")
    made.obs["text"] = pd.Series(["a"] * 8, index=made.obs_names, dtype=object)
    made.obsm["X_umap"] = np.full((8, 2), np.inf)
    faults = asked_by_cellxgene(made)
    assert "no layout" in faults and len(faults) == 3
