"""The exported MuData: right counts, right cells, and scirpy works on it."""

import warnings
from types import SimpleNamespace

import anndata as ad
import mudata
import numpy as np
import pandas as pd
import pytest
import scirpy as ir
from scipy import sparse

import export_cohort
from immune_reset.exported import align

pytestmark = pytest.mark.filterwarnings("ignore:Support for Awkward Arrays")

DESIGN = {
    "timepoints": ["pre", "post"],
    "baseline": "pre",
    "samples": [
        {"sample": "A", "patient": "P1", "timepoint": "pre", "day": -1, "batch": None},
        {"sample": "B", "patient": "P1", "timepoint": "post", "day": 30, "batch": None},
    ],
}
GENES = {"A": ["g1", "g2", "g3"], "B": ["g3", "g4", "g1"]}


def chain(cell, number, locus, junction):
    return {
        "cell_id": cell, "sequence_id": f"{cell}_{number}", "locus": locus,
        "v_call": f"{locus}V1", "d_call": None, "j_call": f"{locus}J1", "c_call": f"{locus}C",
        "junction": junction, "junction_aa": "CAS", "productive": True,
        "consensus_count": 5, "umi_count": 3, "v_identity": np.nan,
    }  # fmt: skip


@pytest.fixture
def cohort(tmp_path):
    """Two samples of five cells each, gene lists that differ, four cells with receptors."""
    rng = np.random.default_rng(1)
    files, matrices = {"counts": [], "cells": [], "chains": []}, {}
    for sample, genes in GENES.items():
        ids = [f"{sample}:c{i}" for i in range(5)]
        matrix = sparse.csr_matrix(rng.poisson(1.0, (5, 3)).astype(np.float32))
        matrices[sample] = pd.DataFrame(matrix.toarray(), index=ids, columns=genes)
        obs = pd.DataFrame({"sample": sample}, index=pd.Index(ids, name="cell_id"))
        var = pd.DataFrame({"symbol": [g.upper() for g in genes]}, index=genes)
        ad.AnnData(matrix, obs=obs, var=var).write_h5ad(tmp_path / f"{sample}.h5ad")
        cells = pd.DataFrame({"cell_id": ids, "sample": sample, "barcode": "x"})
        cells["keep"] = [True, True, False, True, True]
        cells["reason"] = "kept"
        cells.to_parquet(tmp_path / f"{sample}.cells.parquet")
        chains = [chain(c, n, x, f"TGT{n}") for c in ids[:3] for n, x in ((1, "TRA"), (2, "TRB"))]
        pd.DataFrame(chains).to_parquet(tmp_path / f"{sample}.chains.parquet")
        files["counts"].append(tmp_path / f"{sample}.h5ad")
        files["cells"].append(tmp_path / f"{sample}.cells.parquet")
        files["chains"].append(tmp_path / f"{sample}.chains.parquet")
    every = [f"{s}:c{i}" for s in GENES for i in (4, 3, 1, 0)]
    tables = {
        "labels": pd.DataFrame({"cell_id": every, "cell_type": ["B", "CD4 T"] * 4}),
        "umap": pd.DataFrame({"cell_id": every, "umap_1": range(8), "umap_2": 0.0}),
        "embedding": pd.DataFrame({"cell_id": every, "dim_1": 1.0, "dim_2": 2.0}),
    }
    for name, table in tables.items():
        table.to_parquet(tmp_path / f"{name}.parquet")
        files[name] = tmp_path / f"{name}.parquet"
    clones = pd.DataFrame({"cell_id": ["A:c0", "B:c0"], "clone_id": "P1:TCR:1"})
    clones.to_parquet(tmp_path / "clonotypes.parquet")
    files["clonotypes"] = [tmp_path / "clonotypes.parquet"]
    return files, matrices, tmp_path / "cohort.h5mu"


def export(files, output):
    export_cohort.main(
        SimpleNamespace(
            input=files if isinstance(files, SimpleNamespace) else SimpleNamespace(**files),
            output=SimpleNamespace(cohort=output),
            params=SimpleNamespace(design=DESIGN, cfg={}),
            log=[],
        )
    )
    return mudata.read_h5mu(output)


def test_counts_are_those_of_the_kept_cells_over_all_genes(cohort):
    files, matrices, output = cohort
    gex = export(files, output)["gex"]
    assert list(gex.var_names) == ["g1", "g2", "g3", "g4"]
    assert list(gex.obs_names) == [f"{s}:c{i}" for s in "AB" for i in (0, 1, 3, 4)]
    expected = pd.concat(matrices.values()).reindex(gex.obs_names, columns=gex.var_names)
    np.testing.assert_array_equal(gex.X.toarray(), expected.fillna(0).to_numpy())
    assert gex.var.loc["g2", "samples_measured"] == "A"
    assert gex.var.loc["g1", "samples_measured"] == "all"


def test_labels_and_layout_follow_the_cell_not_its_row(cohort):
    files, _, output = cohort
    gex = export(files, output)["gex"]
    assert gex.obs["cell_type"].astype(str).tolist() == ["CD4 T", "B", "CD4 T", "B"] * 2
    assert gex.obsm["X_umap"][:, 0].tolist() == [3, 2, 1, 0, 7, 6, 5, 4]
    assert gex.obs["timepoint"].cat.categories.tolist() == ["pre", "post"]
    assert gex.obs["patient"].astype(str).eq("P1").all()
    assert "batch" not in gex.obs


def test_scores_of_own_sets_stand_beside_the_shipped_ones(cohort):
    files, _, output = cohort
    ids = [f"{s}:c{i}" for s in "AB" for i in (0, 1, 3, 4)]
    for name, gene_set, first in (("scores", "ISG28", 0.0), ("own_scores", "MINE", 10.0)):
        table = pd.DataFrame({"cell_id": ids, gene_set: first + np.arange(8)})
        paths = [output.with_name(f"{name}_{sample}.parquet") for sample in "AB"]
        for path, part in zip(paths, (table[:4], table[4:]), strict=True):
            part.to_parquet(path)
        files[name] = paths
    scores = export(files, output)["gex"].obsm["scores"]
    assert list(scores) == ["ISG28", "MINE"] and list(scores.index) == ids
    assert (scores["MINE"] - scores["ISG28"] == 10).all()


def test_receptors_equal_those_that_scirpy_builds_cell_by_cell(cohort):
    files, _, output = cohort
    airr = export(files, output)["airr"]
    assert list(airr.obs_names) == ["A:c0", "A:c1", "B:c0", "B:c1"]
    cells = []
    chains = pd.concat(pd.read_parquet(path) for path in files["chains"])
    for cell_id in airr.obs_names:
        cell = ir.io.AirrCell(cell_id)
        for row in chains.loc[chains["cell_id"] == cell_id].to_dict("records"):
            row.pop("cell_id")
            cell.add_chain(ir.io.AirrCell.empty_chain_dict() | row)
        cells.append(cell)
    reference = ir.io.from_airr_cells(cells)
    assert airr.obsm["airr"].to_list() == reference.obsm["airr"].to_list()
    ir.pp.index_chains(reference)
    assert airr.obsm["chain_indices"].to_list() == reference.obsm["chain_indices"].to_list()
    assert airr.obs["receptor_subtype"].astype(str).tolist() == ["TRA+TRB"] * 4


def test_scirpy_works_on_the_file(cohort):
    import matplotlib

    matplotlib.use("Agg")
    files, _, output = cohort
    mdata = export(files, output)
    assert ir.get.airr(mdata, "v_call", "VDJ_1").tolist() == ["TRBV1"] * 4
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        axes = ir.pl.group_abundance(mdata, groupby="airr:clone_id", target_col="gex:cell_type")
        ir.tl.clonal_expansion(mdata, target_col="airr:clone_id")
    assert axes is not None
    assert (mdata["airr"].obs["clonal_expansion"] == "<= 2").sum() == 2


def test_repertoire_only_cohort_has_receptors_alone(cohort):
    files, _, output = cohort
    keep = {name: files[name] for name in ("cells", "chains", "clonotypes")}
    for path in keep["cells"]:  # as call_cells writes them without count matrices
        pd.read_parquet(path).astype({"cell_id": "string", "sample": "string"}).to_parquet(path)
    mdata = export(keep, output)
    assert list(mdata.mod) == ["airr"]
    clones = mdata["airr"].obs["clone_id"]
    assert clones.tolist() == ["P1:TCR:1", np.nan, "P1:TCR:1", np.nan]
    assert clones.cat.categories.tolist() == ["P1:TCR:1"]


def test_expression_only_cohort_has_expression_alone(cohort):
    files, _, output = cohort
    mdata = export({name: files[name] for name in ("cells", "counts")}, output)
    assert list(mdata.mod) == ["gex"]


def test_a_kept_cell_that_the_matrix_lacks_is_refused(cohort):
    counts = ad.AnnData(sparse.csr_matrix((1, 1)), obs=pd.DataFrame(index=["A:c0"]))
    with pytest.raises(KeyError, match="1 kept cells"):
        align(counts, pd.Index(["A:c0", "A:c9"]), pd.Index(["0"]))
