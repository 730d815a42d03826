"""Loading a sample: every format gives the same counts; bad files are named with their mend."""

import json

import anndata
import numpy as np
import pandas as pd
import pytest
import scanpy as sc
from unit import cells_made as made

from immune_reset import counts
from immune_reset.errors import InputError

GEX = made.SMALL[:, :3]


def load(tmp_path, gex):
    """Run the rule; return the counts and the facts."""
    outputs = {"counts": tmp_path / "counts.h5ad", "facts": tmp_path / "load.json"}
    row = {"sample": "S1", "gex": str(gex)}
    made.run("load_sample", tmp_path, {"gex": gex}, outputs, row=row)
    return counts.read(outputs["counts"]), json.loads(outputs["facts"].read_text())


def refused(tmp_path, gex, pattern):
    """Hold that the rule refuses `gex` with a message of `pattern` and leaves nothing behind."""
    with pytest.raises(InputError, match=pattern) as caught:
        load(tmp_path, gex)
    assert str(gex) in str(caught.value)
    assert not list(tmp_path.glob("*counts.h5ad*"))


def write(tmp_path, kind):
    if kind == "h5 v3":
        return made.write_h5_v3(tmp_path / "x.h5")
    if kind == "h5ad":
        names = pd.DataFrame(made.FEATURES, columns=["gene_ids", "symbol", "feature_types"])
        data = anndata.AnnData(made.SMALL.astype(float), var=names.set_index("gene_ids"))
        data.obs_names = made.BARCODES
        data.write_h5ad(tmp_path / "x.h5ad")
        return tmp_path / "x.h5ad"
    return made.write_folder(tmp_path / "f", version=3, gzipped=kind == "folder gz")


@pytest.mark.parametrize("kind", ["h5 v3", "h5ad", "folder gz", "folder"])
def test_every_format_gives_the_same_counts(tmp_path, kind):
    loaded, facts = load(tmp_path, write(tmp_path, kind))
    assert np.array_equal(loaded.matrix.toarray(), GEX)
    assert list(loaded.cells.index) == [f"S1:{barcode}" for barcode in made.BARCODES]
    assert list(loaded.cells["barcode"]) == made.BARCODES
    assert list(loaded.genes.index) == ["ENSG1", "ENSG2", "ENSG3"]
    assert list(loaded.genes["symbol"]) == ["MT-CO1", "CD3D", "WARS1"]
    assert facts["n_other_features"] == 1
    assert facts["other_features"] == {"Antibody Capture": 1}
    assert facts["n_renamed_symbols"] == 1
    assert facts["total_counts"] == GEX.sum()


def test_a_10x_file_is_read_as_scanpy_reads_it(tmp_path):
    path = made.write_h5_v3(tmp_path / "x.h5")
    theirs = sc.read_10x_h5(path)  # gene expression only
    loaded, _ = load(tmp_path, path)
    assert np.array_equal(loaded.matrix.toarray(), theirs.X.toarray())
    assert list(loaded.genes.index) == list(theirs.var["gene_ids"])


@pytest.mark.parametrize("gzipped", [True, False])
def test_version_2_folders_have_no_feature_types(tmp_path, gzipped):
    folder = made.write_folder(tmp_path / "f", version=2, gzipped=gzipped)
    loaded, facts = load(tmp_path, folder)
    assert np.array_equal(loaded.matrix.toarray(), made.SMALL)
    assert facts["format"] == "10x folder v2"


def test_version_2_files_hold_one_group_a_genome(tmp_path):
    genomes = {
        "GRCh38": (made.SMALL[:, :2], [("ENSG1", "A"), ("ENSG2", "B")]),
        "transgene": (made.SMALL[:, 2:], [("CAR", "CAR"), ("X", "X")]),
    }
    loaded, facts = load(tmp_path, made.write_h5_v2(tmp_path / "x.h5", genomes))
    assert np.array_equal(loaded.matrix.toarray(), made.SMALL)
    assert list(loaded.genes.index) == ["ENSG1", "ENSG2", "CAR", "X"]
    assert facts["format"] == "10x HDF5 v2"


def test_rows_of_one_gene_id_are_summed_and_counted(tmp_path):
    features = [("G1", "A", "Gene Expression"), ("G2", "B", "Gene Expression")] * 2
    loaded, facts = load(tmp_path, made.write_h5_v3(tmp_path / "x.h5", features=features))
    assert np.array_equal(loaded.matrix.toarray(), made.SMALL[:, :2] + made.SMALL[:, 2:])
    assert facts["n_duplicate_ids"] == 2


@pytest.mark.parametrize("place", ["layers", "raw"])
def test_counts_of_an_h5ad_are_found_beside_normalised_values(tmp_path, place):
    data = anndata.AnnData(GEX.astype(np.float32), var=pd.DataFrame(index=["A", "B", "C"]))
    data.obs_names = made.BARCODES
    if place == "raw":
        data.raw = data.copy()
    else:
        data.layers["counts"] = data.X.copy()
    data.X = np.log1p(data.X)
    data.write_h5ad(tmp_path / "x.h5ad")
    loaded, _ = load(tmp_path, tmp_path / "x.h5ad")
    assert np.array_equal(loaded.matrix.toarray(), GEX)
    assert list(loaded.genes["symbol"]) == ["A", "B", "C"]


def test_twelve_cells_of_which_one_is_empty(tmp_path):
    matrix = np.vstack([np.eye(4, dtype=int)] * 2 + [np.ones((3, 4), int), np.zeros((1, 4), int)])
    barcodes = [f"B{i}" for i in range(12)]
    path = made.write_h5_v3(tmp_path / "x.h5", matrix=matrix, barcodes=barcodes)
    loaded, facts = load(tmp_path, path)
    assert loaded.matrix.shape == (12, 3)
    assert facts["n_empty_barcodes"] == 3  # the empty one, and two that hold antibody counts only


def test_normalised_values_are_refused(tmp_path):
    path = made.write_h5_v3(tmp_path / "x.h5", matrix=np.log1p(made.SMALL))
    refused(tmp_path, path, r"5 of 5 values are not whole counts, such as .*raw counts")


def test_normalised_h5ad_is_refused(tmp_path):
    data = anndata.AnnData(np.log1p(GEX), obs=pd.DataFrame(index=made.BARCODES))
    data.write_h5ad(tmp_path / "x.h5ad")
    refused(tmp_path, tmp_path / "x.h5ad", r"none of X .* holds whole.*layers\['counts'\]")


def test_negative_values_are_refused(tmp_path):
    path = made.write_h5_v3(tmp_path / "x.h5", matrix=-made.SMALL)
    refused(tmp_path, path, "not whole counts, such as -1")


def test_a_truncated_file_is_refused(tmp_path):
    path = made.write_h5_v3(tmp_path / "x.h5")
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    refused(tmp_path, path, r"cannot be read to its end .*Copy or download it again")


def test_a_file_of_another_kind_is_refused(tmp_path):
    path = tmp_path / "x.h5"
    path.write_text("barcode,count\n")
    refused(tmp_path, path, r"not an HDF5 file.*Give a 10x \.h5")


def test_an_hdf5_file_of_another_kind_is_refused(tmp_path):
    import h5py

    with h5py.File(tmp_path / "x.h5", "w") as file:
        file["reads"] = [1]
    refused(tmp_path, tmp_path / "x.h5", r"neither 10x nor h5ad \(it holds reads\)")


@pytest.mark.parametrize("name", ["matrix.mtx", "barcodes.tsv", "features.tsv"])
def test_a_missing_file_of_a_folder_is_named(tmp_path, name):
    folder = made.write_folder(tmp_path / "f", version=3, gzipped=True)
    (folder / f"{name}.gz").unlink()
    refused(tmp_path, folder, rf"{name}\[\.gz\].* is missing \(the folder holds")


def test_a_truncated_matrix_of_a_folder_is_refused(tmp_path):
    folder = made.write_folder(tmp_path / "f", version=3, gzipped=True)
    matrix = folder / "matrix.mtx.gz"
    matrix.write_bytes(matrix.read_bytes()[:-12])
    refused(tmp_path, folder, "cannot be read to its end")


def test_files_that_do_not_belong_together_are_refused(tmp_path):
    folder = made.write_folder(tmp_path / "f", version=3, gzipped=False)
    (folder / "barcodes.tsv").write_text("AAAC-1\n")
    refused(tmp_path, folder, "it is 4 × 3, but features.tsv has 4 lines and barcodes.tsv 1")


def test_a_missing_file_is_refused(tmp_path):
    refused(tmp_path, tmp_path / "nowhere.h5", r"no such file or folder.*column gex")


def test_a_file_without_barcodes_is_refused(tmp_path):
    path = made.write_h5_v3(tmp_path / "x.h5", matrix=np.zeros((0, 4)), barcodes=[])
    refused(tmp_path, path, "it holds no barcodes")


def test_repeated_barcodes_are_refused(tmp_path):
    path = made.write_h5_v3(tmp_path / "x.h5", barcodes=["AAAC-1", "AAAC-1", "AAAT-1"])
    refused(tmp_path, path, r"barcode 'AAAC-1' occurs more than once \(1 repeats\)")


def test_a_matrix_of_antibodies_alone_is_refused(tmp_path):
    features = [(f"AB{i}", f"AB{i}", "Antibody Capture") for i in range(4)]
    path = made.write_h5_v3(tmp_path / "x.h5", features=features)
    refused(tmp_path, path, r"no feature is of type Gene Expression \(only Antibody Capture\)")


@pytest.mark.real_data
def test_a_real_folder_is_read_as_scanpy_reads_it(tmp_path, real_data):
    folder = real_data / "hybrid_cohort/P1_pre/filtered_feature_bc_matrix"
    theirs = sc.read_10x_mtx(folder)
    loaded, facts = load(tmp_path, folder)
    assert (loaded.matrix != theirs.X).nnz == 0
    assert facts["n_barcodes"] == 450
    assert facts["n_mt_genes"] == 0
    assert "RIGI" in set(loaded.genes["symbol"])
