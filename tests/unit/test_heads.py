import gzip

import h5py
import numpy as np
import pytest

from immune_reset.errors import InputError
from immune_reset.heads import check_heads, contig_barcodes, matrix_barcodes

CONTIGS = (
    "barcode,is_cell,contig_id,high_confidence,length,chain,v_gene,d_gene,j_gene,c_gene,"
    "full_length,productive,cdr3,cdr3_nt,reads,umis\n"
)


def tenx(path, barcodes=("AAA-1", "CCC-1"), values=(3, 1, 2), without=()):
    parts = {
        "barcodes": np.array(barcodes, dtype="S"),
        "indptr": np.array([0] * len(barcodes) + [len(values)]),
        "indices": np.zeros(len(values), dtype=np.int64),
        "data": np.array(values),
        "shape": [1, len(barcodes)],
        "features/id": np.array(["g"], dtype="S"),
        "features/name": np.array(["G"], dtype="S"),
        "features/feature_type": np.array(["Gene Expression"], dtype="S"),
    }
    with h5py.File(path, "w") as file:
        for name in parts.keys() - set(without):
            file[f"matrix/{name}"] = parts[name]
    return path


def folder(path, matrix="%%MatrixMarket matrix coordinate integer general\n1 2 1\n1 1 4\n"):
    path.mkdir()
    for name, text in (
        ("matrix.mtx.gz", matrix),
        ("barcodes.tsv.gz", "AAA-1\nCCC-1\n"),
        ("features.tsv.gz", "g\tg\n"),
    ):
        with gzip.open(path / name, "wt") as file:
            file.write(text)
    return path


def test_barcodes_of_every_form(tmp_path):
    assert matrix_barcodes(tenx(tmp_path / "a.h5")) == {"AAA-1", "CCC-1"}
    assert matrix_barcodes(folder(tmp_path / "m")) == {"AAA-1", "CCC-1"}


def test_a_truncated_matrix_is_named_with_the_mend(tmp_path):
    path = tenx(tmp_path / "a.h5", [f"{i}-1" for i in range(2000)])
    path.write_bytes(path.read_bytes()[:-900])
    with pytest.raises(InputError, match=r"a\.h5.*cut or damaged"):
        matrix_barcodes(path)


@pytest.mark.parametrize("break_it", ["text", "other", "name"])
def test_what_is_not_a_matrix_is_refused(tmp_path, break_it):
    path = tmp_path / ("a.csv" if break_it == "name" else "a.h5")
    if break_it == "other":
        with h5py.File(path, "w") as file:
            file["table"] = [1]
    else:
        path.write_text("hello")
    with pytest.raises(InputError, match=str(path)):
        matrix_barcodes(path)


def test_a_folder_without_its_files_is_refused(tmp_path):
    path = folder(tmp_path / "m")
    (path / "features.tsv.gz").unlink()
    with pytest.raises(InputError, match=r"features\.tsv"):
        matrix_barcodes(path)


def test_contigs_need_their_columns(tmp_path):
    path = tmp_path / "c.csv"
    path.write_text(CONTIGS.replace("cdr3_nt,", ""))
    with pytest.raises(InputError, match="cdr3_nt"):
        contig_barcodes(path, "bcr")
    path.write_text(CONTIGS)
    assert contig_barcodes(path, "bcr") == set()
    path.write_text("")
    with pytest.raises(InputError, match="empty"):
        contig_barcodes(path, "bcr")


def test_a_cut_gzip_is_named(tmp_path):
    path = tmp_path / "c.csv.gz"
    path.write_bytes(gzip.compress((CONTIGS + "x,\n" * 5000).encode())[:60])
    with pytest.raises(InputError, match=r"c\.csv\.gz.*cut or damaged"):
        contig_barcodes(path, "bcr")


def test_contigs_of_other_cells_are_refused(tmp_path):
    matrix, contigs = tenx(tmp_path / "a.h5"), tmp_path / "c.csv"
    contigs.write_text(CONTIGS + "GGG-1,True,x\n")
    rows = [{"sample": "A", "gex": str(matrix), "bcr": str(contigs)}]
    with pytest.raises(InputError, match=r"GGG-1.*AAA-1"):
        check_heads(rows, set())
    contigs.write_text(CONTIGS + "AAA-1,True,x\nGGG-1,True,y\n")
    check_heads(rows, set())


def test_files_that_a_rule_writes_are_not_looked_at(tmp_path):
    gone = str(tmp_path / "none.h5")
    check_heads([{"sample": "A", "gex": gone}], {gone})


@pytest.mark.parametrize("wrong", [0.5, np.nan, -2.0, np.inf])
def test_what_are_no_counts_is_seen_in_the_first_values(tmp_path, wrong):
    with pytest.raises(InputError, match=r"a\.h5: 1 of its first 3 values .* raw counts"):
        matrix_barcodes(tenx(tmp_path / "a.h5", values=(3.0, wrong, 1.0)))
    head = "%%MatrixMarket matrix coordinate real general\n%\n1 2 1\n"
    with pytest.raises(InputError, match=r"matrix\.mtx\.gz: 1 of its first 1 values"):
        matrix_barcodes(folder(tmp_path / "m", f"{head}1 1 {wrong}\n"))


def h5ad(path, **layers):
    with h5py.File(path, "w") as file:
        file["obs/_index"] = np.array(["AAA-1", "CCC-1"], dtype="S")
        for var in ("var", "raw/var"):
            file[f"{var}/_index"] = np.array(["g"], dtype="S")
        for name, values in layers.items():
            file[name.replace("__", "/")] = np.array(values)
    return path


def test_an_h5ad_needs_counts_in_one_of_its_places(tmp_path):
    logs = [[0.7], [1.4]]
    good = h5ad(tmp_path / "a.h5ad", X=logs, layers__counts=[[1.0], [3.0]])
    assert matrix_barcodes(good) == {"AAA-1", "CCC-1"}
    with pytest.raises(
        InputError, match=r"b\.h5ad: none of X \(such as 0\.7\), raw/X \(such as 0\.7\) holds"
    ):
        matrix_barcodes(h5ad(tmp_path / "b.h5ad", X=logs, raw__X=logs))


def test_a_matrix_without_its_features_or_with_a_barcode_twice_is_refused(tmp_path):
    lacking = tenx(tmp_path / "a.h5", without=["features/feature_type"])
    with pytest.raises(InputError, match="without '/matrix/features/feature_type'"):
        matrix_barcodes(lacking)
    with pytest.raises(InputError, match="'AAA-1' occurs more than once"):
        matrix_barcodes(tenx(tmp_path / "b.h5", barcodes=("AAA-1", "AAA-1")))


def test_files_of_one_folder_that_were_not_written_together_are_refused(tmp_path):
    head = "%%MatrixMarket matrix coordinate integer general\n1 7 0\n"
    with pytest.raises(
        InputError, match=r"it is 1 × 7, but features\.tsv\.gz has 1 lines and barcodes\.tsv\.gz 2"
    ):
        matrix_barcodes(folder(tmp_path / "m", head))


def contig(name, chain="IGH", umis="3"):
    v, j = f"{chain}V1", f"{chain}J1"
    return f"AAA-1,True,{name},True,500,{chain},{v},,{j},,True,True,CAS,TGT,9,{umis}\n"


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        (contig("a", "TRB") + contig("b", "TRA"), "given as BCR, but all its chains are TCR"),
        (contig("a", umis="many"), "holds 'many'"),
        (contig("a") + contig("a"), "contig 'a' is there more than once"),
        (contig("a").replace("\n", ",1,2,3\n"), "line 2: 19 cells under 16 columns"),
    ],
)
def test_the_first_contigs_are_read_as_the_job_would(tmp_path, rows, words):
    path = tmp_path / "c.csv"
    path.write_text(CONTIGS + rows)
    with pytest.raises(InputError, match=words):
        contig_barcodes(path, "bcr")


def test_a_file_of_both_receptors_is_not_judged_by_its_beginning(tmp_path):
    path = tmp_path / "c.csv"
    many = "".join(contig(f"t{i}", "TRB") for i in range(2500))
    path.write_text(CONTIGS + many)
    with pytest.raises(InputError, match="all its chains are TCR"):
        contig_barcodes(path, "bcr")
    path.write_text(CONTIGS + many + contig("b"))
    assert contig_barcodes(path, "bcr") == {"AAA-1"}
