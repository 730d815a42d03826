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


def tenx(path, barcodes=("AAA-1", "CCC-1")):
    with h5py.File(path, "w") as file:
        group = file.create_group("matrix")
        group["barcodes"] = np.array(barcodes, dtype="S")
        group["indptr"] = np.zeros(len(barcodes) + 1, dtype=np.int64)
    return path


def folder(path, matrix="%%MatrixMarket matrix coordinate integer general\n"):
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
    contigs.write_text(CONTIGS + "AAA-1,True,x\nGGG-1,True,x\n")
    check_heads(rows, set())


def test_files_that_a_rule_writes_are_not_looked_at(tmp_path):
    gone = str(tmp_path / "none.h5")
    check_heads([{"sample": "A", "gex": gone}], {gone})
