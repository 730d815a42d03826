"""Inputs that look odd and are good: read to the same numbers, by the check and by the jobs."""

import os

import anndata
import h5py
import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from unit import cells_made
from unit import inputs_made as made
from unit.test_formats import load

import check_inputs
from immune_reset import contigs, input_remarks, outdirs, sheets, tables, text_files
from immune_reset.errors import InputError
from immune_reset.matrix_heads import read_head
from immune_reset.plan import schema

STRINGS = h5py.string_dtype()

# --- matrices ------------------------------------------------------------------------------------


def written(path, matrix=None, **more):
    matrix = sparse.csr_matrix(made.counts(), dtype=np.float32) if matrix is None else matrix
    var = pd.DataFrame({"gene_ids": made.IDS}, index=made.GENES)
    obs = pd.DataFrame(index=made.barcodes(30))
    anndata.AnnData(matrix, obs=obs, var=var, **more).write_h5ad(path)
    return path


def sparse_group(file, place, matrix, **attributes):
    group = file.create_group(place)
    for name in ("data", "indices", "indptr"):
        group[name] = getattr(matrix, name)
    group.attrs.update(attributes)


def wide_indices(path):
    with h5py.File(written(path), "r+") as file:
        for name in ("X/indices", "X/indptr"):
            found = file[name][:].astype(np.int64)
            del file[name]
            file[name] = found


def half_precision(path):
    written(path, made.counts().astype(np.float16))


def by_gene(path):
    written(path, sparse.csc_matrix(made.counts(), dtype=np.float64))


def without_x(path):
    written(path)
    with h5py.File(path, "r+") as file:
        file.move("X", "layers/counts")


def ones_in_x(path):
    more = {"layers": {"counts": sparse.csr_matrix(made.counts())}}
    written(path, np.zeros((30, 25)), **more)


def junk_beside(path):
    with h5py.File(written(path), "r+") as file:
        file["uns/strange"] = h5py.Empty("f")
        file["obs"].attrs["column-order"] = np.array(["gone"], dtype=STRINGS)


def seurat_disk(path):
    """As SeuratDisk writes: sizes and layout in h5sparse_ attributes, factors by reference."""
    matrix = sparse.csr_matrix(made.counts(), dtype=np.float64)
    with h5py.File(path, "w") as file:
        sparse_group(file, "X", matrix, h5sparse_format="csr", h5sparse_shape=matrix.shape)
        for table, names in (("obs", made.barcodes(30)), ("var", made.IDS)):
            group = file.create_group(table)
            group.attrs["_index"] = "_index"
            group["_index"] = np.array(names, dtype=STRINGS)
        file["var/__categories/gene_name"] = np.array(made.GENES, dtype=STRINGS)
        codes = file["var"].create_dataset("gene_name", data=np.arange(25))
        codes.attrs["categories"] = file["var/__categories/gene_name"].ref


def records(path):
    """As anndata before 0.7 wrote: tables as records."""
    matrix = sparse.csr_matrix(made.counts(), dtype=np.float32)
    with h5py.File(path, "w") as file:
        sparse_group(file, "X", matrix, h5sparse_format="csr", h5sparse_shape=matrix.shape)
        cells = [(name.encode(),) for name in made.barcodes(30)]
        file["obs"] = np.array(cells, dtype=[("index", "S20")])
        both = [(s.encode(), i.encode()) for s, i in zip(made.GENES, made.IDS, strict=True)]
        file["var"] = np.array(both, dtype=[("index", "S20"), ("gene_ids", "S20")])


ODD = [wide_indices, half_precision, by_gene, without_x, ones_in_x, junk_beside, seurat_disk,
       records]  # fmt: skip


@pytest.mark.parametrize("write", ODD, ids=lambda write: write.__name__)
def test_an_h5ad_of_any_writer_gives_its_counts(tmp_path, write):
    write(tmp_path / "x.h5ad")
    head, (loaded, _) = read_head(tmp_path / "x.h5ad"), load(tmp_path, tmp_path / "x.h5ad")
    assert np.array_equal(loaded.matrix.toarray(), made.counts())
    assert head.barcodes == list(loaded.cells["barcode"]) == made.barcodes(30)
    assert list(head.features["gene_id"]) == list(loaded.genes.index) == made.IDS
    assert list(loaded.genes["symbol"]) == made.GENES


@pytest.mark.parametrize("row", ['"{0}"\t"{1}"\t"Gene Expression"\r\n', "{1}\t{0}\n", "{0}\n"])
def test_features_in_quotes_exchanged_or_ids_alone(tmp_path, row):
    folder = made.triplet(tmp_path / "m", ending="").parent
    lines = [row.format(i, name) for i, name in zip(made.IDS, made.GENES, strict=True)]
    (folder / "features.tsv").write_text("".join(lines))
    (folder / "barcodes.tsv").write_text("".join(f'"{b}"\n' for b in made.barcodes(30)))
    loaded, _ = load(tmp_path, folder)
    assert list(loaded.genes.index) == made.IDS
    assert list(loaded.cells["barcode"]) == made.barcodes(30)
    assert np.array_equal(loaded.matrix.toarray(), made.counts())


def test_genes_without_an_id_stay_apart(tmp_path):
    written(tmp_path / "x.h5ad")
    with h5py.File(tmp_path / "x.h5ad", "r+") as file:
        found = file["var/gene_ids"][:]
        del file["var/gene_ids"]
        file["var/gene_ids"] = np.array([b"nan", b"", b"NA", *found[3:]])
    loaded, _ = load(tmp_path, tmp_path / "x.h5ad")
    assert list(loaded.genes.index) == [*made.GENES[:3], *made.IDS[3:]]


# --- contigs -------------------------------------------------------------------------------------


def parsed(path):
    return contigs.parse(text_files.table(path), path=path.name, receptor="BCR")


def test_flags_that_pandas_made_numbers_are_read(tmp_path):
    path = made.contigs(tmp_path / "b.csv", ["A-1", "B-1"], is_cell="1.0", productive="0.0")
    chains, facts = parsed(path)
    assert facts["not_a_cell"] == 0 and not chains["productive"].any()


def test_imgts_names_of_genes_are_read_as_genes(tmp_path):
    path = made.airr(tmp_path / "b.tsv", ["A-1"])
    text = path.read_text().replace("IGHJ4", "Homsap IGHJ4*02 F")
    path.write_text(
        text.replace("IGHV1-2", "Homsap IGHV1-2*01 F, or Homo sapiens IGHV1-3*02 (ORF)")
    )
    (chain,) = parsed(path)[0].to_dict("records")
    assert chain["v_call"] == "IGHV1-2*01,IGHV1-3*02"
    assert (chain["j_call"], chain["locus"]) == ("IGHJ4*02", "IGH")


def test_contigs_of_several_loci_alone_are_an_empty_repertoire(tmp_path):
    chains, facts = parsed(made.contigs(tmp_path / "b.csv", ["A-1"], chain="Multi"))
    assert chains.empty and facts["no_locus"] == 2


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        ({"contigs": 9, "accepted": 0, "few_umis": 7, "not_productive": 2},
         "none of its 9 BCR contigs is accepted (7 of too few UMIs, 2 not productive)"),
        ({"contigs": 9, "other_receptor": 9, "accepted": 0}, ""),
        ({"contigs": 90, "accepted": 60, "cells_given": 30, "cells_in_matrix": 5},
         "only 5 of 30 barcodes with BCR contigs are in its matrix"),
        ({"contigs": 90, "accepted": 60, "cells_given": 30, "cells_in_matrix": 6}, ""),
        ({"contigs": 19, "accepted": 9, "cells_given": 19, "cells_in_matrix": 0}, ""),
    ],
)  # fmt: skip
def test_contigs_that_are_lost_are_said(facts, said):
    assert input_remarks.contig_remark("BCR", facts) == said


# --- sheets --------------------------------------------------------------------------------------


def test_a_sheet_that_was_commented_spaced_and_padded_is_the_same(tmp_path, root):
    rules = schema("samples", root)
    plain = made.cohort(tmp_path)
    rows = sheets.read_samples(plain, rules)
    header, *lines = plain.read_text().splitlines()
    padded = ["# ours", "", header, "", *(f"{line}\t\t" for line in lines), "\t\t"]
    plain.write_text("\n".join(padded))
    assert sheets.read_samples(plain, rules) == rows
    assert [n for n, _ in sheets.read_sheet(plain, rules)] == [5, 6]


def test_the_job_reads_the_clinical_table_as_the_check_does(tmp_path):
    import summarise_clinical

    head = "patient\tday\tkind\tmeasure\tvalue\tunit"
    rows = ['P1\t-7\tevent\tsaid "well\t\t\t\t', "", "P1\t1_0\tmeasure\tC3\t0.90\tg/L\t"]
    made.put(tmp_path / "c.tsv", "\n".join(["# from the clinic", head, *rows]) + "\n")
    found = sheets.frame(tmp_path / "c.tsv")
    assert list(found.columns) == summarise_clinical.COLUMNS
    assert found.to_numpy().tolist() == [
        ["P1", "-7", "event", 'said "well', "", ""], ["P1", "1_0", "measure", "C3", "0.90", "g/L"],
    ]  # fmt: skip
    assert sheets.number("1_0") is None and sheets.number("-7e0") == -7


def test_the_check_says_columns_that_are_not_used_and_genes_that_are_lost(tmp_path, monkeypatch,
                                                                          capsys):  # fmt: skip
    sheet = made.cohort(tmp_path)
    sheet.write_text(sheet.read_text().replace("\ttcr\n", "\ttrc\n"))
    lost = [f"ENSG{i:011d}" for i in range(900, 910)]
    made.h5(tmp_path / "A/matrix.h5", ids=[*made.IDS[:15], *lost])
    (tmp_path / "c.yaml").write_text("samples: samples.tsv\n")
    monkeypatch.chdir(tmp_path)
    assert check_inputs.main(["c.yaml"]) == 0
    said = capsys.readouterr().out
    assert "other columns trc: kept, not used" in said
    assert "note         A: 10 of its 25 genes are not in every sample's matrix." in said


def test_a_panel_with_commas_is_read_by_the_job_too(tmp_path):
    path = cells_made.count_file(tmp_path / "c.h5ad", np.ones((3, 2), int), symbols=["CD19", "X"])
    cells = cells_made.cell_table(tmp_path / "cells.parquet", path)
    markers = tmp_path / "m.csv"
    markers.write_text("\ufeffcell_type,cell_subtype,symbol,level\nB,, CD19,5\n", encoding="utf-8")
    out = {"counts": tmp_path / "o.parquet", "ambient": tmp_path / "s.parquet"}
    inputs = {"counts": path, "cells": cells, "markers": markers}
    cells_made.run("count_markers", tmp_path, inputs, {"counts": out["counts"], **out})
    assert "CD19" in tables.read(out["counts"])


# --- outdir --------------------------------------------------------------------------------------


def test_outdir_must_be_writable(tmp_path, monkeypatch):
    outdirs.check(str(tmp_path / "Müller's results" / "new"))
    monkeypatch.setattr(os, "access", lambda place, mode: False)
    with pytest.raises(InputError, match=r"outdir: .* may not be written to"):
        outdirs.check(str(tmp_path / "new"))


def test_inputs_beside_the_results_are_no_fault(tmp_path):
    out = tmp_path / "out"
    outdirs.check_inputs(str(out), [str(tmp_path / "A/m.h5"), str(out / "m.h5")])
    with pytest.raises(InputError, match=r"logs/m\.h5 lies in a folder of outdir"):
        outdirs.check_inputs(str(out), [str(out / "logs/m.h5")])
