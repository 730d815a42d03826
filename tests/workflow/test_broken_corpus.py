"""A corpus of broken inputs: each is refused with one message, leaves nothing, and can be mended.

What the check before any job cannot see is found by the job that reads the file; both are run in
this process. A case breaks a good cohort and returns the words that the message must hold.
"""

import gzip
import os
import re
from pathlib import Path

import h5py
import numpy as np
import pytest
from unit import cells_made
from unit import inputs_made as made

import check_inputs
import load_sample
import read_receptors
from immune_reset.errors import InputError

CASES = {}
JOBS = {}


def case(*words, job=None):
    """Register a function that breaks the cohort; `job` names the reader that finds it."""

    def register(function):
        (CASES if job is None else JOBS)[function.__name__] = (function, words, job)
        return function

    return register


def edit(path: Path, old: str, new: str, n: int = 1) -> None:
    text = path.read_bytes().decode()
    assert old in text
    path.write_bytes(text.replace(old, new, n).encode())


def config(folder: Path, text: str) -> None:
    (folder / "c.yaml").write_text("samples: samples.tsv\n" + text)


def sheet(folder: Path) -> Path:
    return folder / "samples.tsv"


def gex(folder: Path) -> Path:
    return folder / "A/matrix.h5"


def bcr(folder: Path) -> Path:
    return folder / "A/b.csv"


def values(folder: Path, change) -> None:
    with h5py.File(gex(folder), "r+") as file:
        found = change(file["matrix/data"][:].astype(float))
        del file["matrix/data"]
        file["matrix/data"] = found


def folder_matrix(folder: Path) -> Path:
    """Let sample A have a matrix folder; return it."""
    matrix = made.triplet(folder / "A/m", ending="").parent
    edit(sheet(folder), "A/matrix.h5", "A/m")
    return matrix


# --- the sheet -----------------------------------------------------------------------------------


@case("samples.tsv", "empty")
def sheet_empty(f):
    sheet(f).write_text("")


@case("samples.tsv", "empty")
def sheet_byte_order_mark_alone(f):
    sheet(f).write_bytes(b"\xef\xbb\xbf")


@case("samples.tsv", "no row")
def sheet_header_alone(f):
    sheet(f).write_text(sheet(f).read_text().splitlines()[0] + "\n")


@case("samples.tsv", "tabs")
def sheet_commas(f):
    sheet(f).write_text(sheet(f).read_text().replace("\t", ","))


@case("samples.tsv", "without quotes")
def sheet_quoted(f):
    lines = sheet(f).read_text().splitlines()
    quoted = ["\t".join(f'"{cell}"' for cell in line.split("\t")) for line in lines]
    sheet(f).write_text("\n".join(quoted) + "\n")


@case("samples.tsv", "UTF-16")
def sheet_utf16(f):
    sheet(f).write_bytes(sheet(f).read_text().encode("utf-16"))


@case("samples.tsv", "UTF-8")
def sheet_latin1(f):
    sheet(f).write_bytes(sheet(f).read_text().replace("P1", "Müller", 1).encode("latin-1"))


@case("samples.tsv", "NUL")
def sheet_binary(f):
    sheet(f).write_bytes(b"sample\tpatient\0\n")


@case("'sample' stands twice")
def sheet_column_twice(f):
    edit(sheet(f), "patient", "sample")


@case("no column 'timepoint'")
def sheet_column_missing(f):
    edit(sheet(f), "timepoint", "time")


@case("'A'", "line 2", "line 3")
def sheet_sample_twice(f):
    edit(sheet(f), "\nB\t", "\nA\t")


@case("line 2", "'patient' is empty")
def sheet_cell_empty(f):
    edit(sheet(f), "A\tP1", "A\t")


@case("line 2", "../A")
def sheet_path_traversal(f):
    edit(sheet(f), "\nA\t", "\n../A\t")


@case("line 2", "'.'")
def sheet_dot_name(f):
    edit(sheet(f), "\nA\t", "\n.\t")


@case("line 2", "<b>A</b>")
def sheet_markup(f):
    edit(sheet(f), "\nA\t", "\n<b>A</b>\t")


@case("line 2", "{sample}")
def sheet_wildcard(f):
    edit(sheet(f), "\nA\t", "\n{sample}\t")


@case("line 2", "spreadsheet")
def sheet_formula(f):
    edit(sheet(f), "\tpre\t", "\t=cmd|'/c calc'!A1\t")


@case("line 2", "spreadsheet", "'note'")
def sheet_formula_in_a_free_column(f):
    edit(sheet(f), "day", "note")
    edit(sheet(f), "\t0\t", "\t@SUM(A1)\t")


@case("line 2", "'day'", "not a number")
def sheet_day_word(f):
    edit(sheet(f), "\t0\t", "\tsoon\t")


@case("line 2", "'day'", "not a number")
def sheet_day_comma(f):
    edit(sheet(f), "\t0\t", "\t1,5\t")


@case("line 2", "finite")
def sheet_day_infinite(f):
    edit(sheet(f), "\t0\t", "\tinf\t")


@case("line 2", "8 cells under 6 columns")
def sheet_extra_tab(f):
    edit(sheet(f), "A/t.csv", "A/t.csv\t", 1)
    edit(sheet(f), "\tbcr\ttcr", "\tbcr", 1)


@case("'A'", "'gex'", "no file")
def sheet_missing_file(f):
    gex(f).unlink()


@case("'A'", "'gex'", "no file")
def sheet_symlink_loop(f):
    gex(f).unlink()
    gex(f).symlink_to(gex(f))


@case("'A'", "'bcr'", "is a folder")
def sheet_folder_for_contigs(f):
    bcr(f).unlink()
    bcr(f).mkdir()


@case("'A'", "'bcr'", "neither a file nor a folder")
def sheet_pipe(f):
    bcr(f).unlink()
    os.mkfifo(bcr(f))


@case("'A'", "'gex'", "no file")
def sheet_endless_path(f):
    edit(sheet(f), "A/matrix.h5", "x" * 5000)


@case("neither gex, bcr nor tcr")
def sheet_row_without_files(f):
    edit(sheet(f), "A/matrix.h5\tA/b.csv\tA/t.csv", "\t\t")


@case("'B' has no count matrix")
def sheet_one_without_matrix(f):
    edit(sheet(f), "B/matrix.h5", "")


@case("'qc_min_gene'")
def sheet_unknown_qc_column(f):
    edit(sheet(f), "day", "qc_min_gene")


@case("the same matrix as", "'A'", "'B'")
def sheet_same_matrix_by_path(f):
    edit(sheet(f), "B/matrix.h5", "A/matrix.h5")
    edit(sheet(f), "B/b.csv\tB/t.csv", "\t")


@case("the same matrix as", "'A'", "'B'")
def sheet_same_matrix_copied(f):
    (f / "B/matrix.h5").write_bytes(gex(f).read_bytes())
    edit(sheet(f), "B/b.csv\tB/t.csv", "\t")


@case("the same contigs", "'A'")
def sheet_same_contigs(f):
    (f / "B/b.csv").write_bytes(bcr(f).read_bytes())


@case("'donors' is empty")
def sheet_donor_without_table(f):
    edit(sheet(f), "day", "donor")


@case("column 'cellranger'", "no folder")
def sheet_cellranger_missing(f):
    edit(sheet(f), "day", "cellranger")


# --- the configuration ---------------------------------------------------------------------------


@case("c.yaml", "not valid YAML")
def config_bad_yaml(f):
    config(f, "qc: {min_genes: 3\n")


@case("c.yaml", "key: value")
def config_list(f):
    (f / "c.yaml").write_text("- samples\n")


@case("c.yaml", "not valid YAML")
def config_latin1(f):
    (f / "c.yaml").write_bytes(b"samples: \xe9\n")


@case("qc.min_gene", "qc.min_genes")
def config_typo(f):
    config(f, "qc: {min_gene: 3}\n")


@case("unknown key")
def config_unknown_section(f):
    config(f, "wibble: 1\n")


@case("qc.min_genes", "'many'")
def config_wrong_type(f):
    config(f, "qc: {min_genes: many}\n")


@case("c.yaml", "'qc' stands twice, in lines 2 and 4")
def config_key_twice(f):
    config(f, "qc: {min_genes: 300}\nclaims: {alpha: 0.05}\nqc: {min_counts: 600}\n")


@case("qc.min_genes", "-3")
def config_negative(f):
    config(f, "qc: {min_genes: -3}\n")


@case("configuration, qc", "not a section")
def config_section_is_a_value(f):
    config(f, "qc: 5\n")


@case("genes.join_by", "'names'")
def config_enum(f):
    config(f, "genes: {join_by: names}\n")


@case("design.baseline", "before")
def config_baseline(f):
    config(f, "design: {baseline: before}\n")


@case("design.timepoints", "'post'")
def config_timepoints(f):
    config(f, "design: {timepoints: [pre]}\n")


@case("car.pattern", "'('")
def config_pattern(f):
    config(f, "car: {pattern: '('}\n")


@case("car.features", "'MY_CAR'", "no sample's matrix")
def config_car_absent(f):
    config(f, "car: {features: [MY_CAR]}\n")


@case("annotation.labels", "no file")
def config_file_missing(f):
    config(f, "annotation: {labels: none.tsv}\n")


@case("clinical.table", "no file")
def config_clinical_missing(f):
    config(f, "clinical: {table: none.tsv}\n")


@case("none.tsv", "no such file")
def config_sheet_missing(f):
    (f / "c.yaml").write_text("samples: none.tsv\n")


@case("outdir", "is a file")
def config_outdir_is_a_file(f):
    (f / "taken").write_text("")
    config(f, "outdir: taken\n")


@case("configuration, outdir", "None")
def config_outdir_null(f):
    config(f, "outdir: null\n")


@case("own.gmt, line 1")
def config_gene_sets(f):
    (f / "own.gmt").write_text("MINE ISG15\n")
    config(f, "pathways: {gene_sets: [own.gmt]}\n")


# --- the clinical table --------------------------------------------------------------------------


def clinical(f, *lines):
    head = "patient\tday\tkind\tmeasure\tvalue\tunit"
    (f / "clinical.tsv").write_text("\n".join([head, *lines]) + "\n")


@case("clinical.tsv", "P9")
def clinical_patient(f):
    clinical(f, "P9\t1\tmeasure\tC3\t1\tg/L")


@case("clinical.tsv", "'high'", "not a number")
def clinical_value(f):
    clinical(f, "P1\t1\tmeasure\tC3\thigh\tg/L")


@case("clinical.tsv", "'nan'", "not a number")
def clinical_nan(f):
    clinical(f, "P1\t1\tmeasure\tC3\tnan\tg/L")


@case("clinical.tsv", "'kind'")
def clinical_kind(f):
    clinical(f, "P1\t1\tmesure\tC3\t1\tg/L")


@case("clinical.tsv", "spreadsheet")
def clinical_formula(f):
    clinical(f, "P1\t1\tmeasure\t=1+1\t1\tg/L")


# --- matrices: HDF5 ------------------------------------------------------------------------------


@case("matrix.h5", "cut or damaged")
def h5_cut(f):
    gex(f).write_bytes(gex(f).read_bytes()[:-400])


@case("matrix.h5", "cut or damaged")
def h5_empty_file(f):
    gex(f).write_bytes(b"")


@case("matrix.h5", "cut or damaged")
def h5_is_text(f):
    gex(f).write_text("barcode,count\n")


@case("matrix.h5", "neither a 10x matrix nor an h5ad")
def h5_of_another_kind(f):
    with h5py.File(gex(f), "w") as file:
        file["reads"] = [1]


for part in ("data", "indices", "shape", "features/id", "features/feature_type"):

    @case("matrix.h5", f"'/matrix/{part}'")
    def h5_without(f, part=part):
        with h5py.File(gex(f), "r+") as file:
            del file[f"matrix/{part}"]

    CASES[f"h5_without_{part.replace('/', '_')}"] = CASES.pop("h5_without")


@case("matrix.h5", "not whole counts", "normalised")
def h5_log_values(f):
    values(f, np.log1p)


@case("matrix.h5", "not whole counts", "-1")
def h5_negative(f):
    values(f, lambda v: -np.ones_like(v))


@case("matrix.h5", "not whole counts", "nan")
def h5_nan(f):
    values(f, lambda v: np.where(np.arange(len(v)) == 3, np.nan, v))


@case("matrix.h5", "not whole counts", "inf")
def h5_infinite(f):
    values(f, lambda v: np.where(np.arange(len(v)) == 3, np.inf, v))


@case("matrix.h5", "16,777,216")
def h5_huge(f):
    values(f, lambda v: np.where(np.arange(len(v)) == 3, 2.0**40, v))


@case("matrix.h5", "16,777,216")
def h5_integer_overflow(f):
    with h5py.File(gex(f), "r+") as file:
        n = len(file["matrix/data"])
        del file["matrix/data"]
        file["matrix/data"] = np.full(n, 2**63 + 1, dtype=np.uint64)


@case("matrix.h5", "occurs more than once")
def h5_barcode_twice(f):
    cells = made.barcodes(30)
    made.h5(gex(f), cells=[cells[0], *cells[:-1]])


@case("matrix.h5", "no barcodes")
def h5_no_cells(f):
    made.h5(gex(f), cells=[], matrix=np.zeros((0, 25), int))


@case("matrix.h5", "no features")
def h5_no_genes(f):
    made.h5(gex(f), ids=[], names=[], matrix=np.zeros((30, 0), int))


@case("matrix.h5", "transposed")
def h5_transposed(f):
    with h5py.File(gex(f), "r+") as file:
        file["matrix/shape"][...] = file["matrix/shape"][:][::-1]


@case("matrix.h5", "transposed", "ENSG")
def h5_sides_exchanged(f):
    made.h5(gex(f), cells=made.IDS, ids=made.barcodes(30), names=made.barcodes(30))


@case("matrix.h5", "parts disagree")
def h5_parts_disagree(f):
    with h5py.File(gex(f), "r+") as file:
        kept = file["matrix/data"][:-5]
        del file["matrix/data"]
        file["matrix/data"] = kept


@case("matrix.h5", "not human", "ENSMUSG")
def h5_mouse(f):
    made.h5(gex(f), ids=[i.replace("ENSG", "ENSMUSG") for i in made.IDS])


@case("matrix.h5", "not human", "Ms4a1")
def h5_mouse_symbols(f):
    mouse = [g.capitalize() for g in made.GENES]
    made.h5(gex(f), ids=mouse, names=mouse)


@case("matrix.h5", "only Antibody Capture")
def h5_antibodies_alone(f):
    made.h5(gex(f), types=["Antibody Capture"] * 25)


@case("matrix.h5", "symbols alone", "genes.join_by")
def h5_symbols_beside_ids(f):
    made.h5(gex(f), ids=made.GENES)


@case("matrix.h5", "no gene in common")
def h5_no_common_gene(f):
    made.h5(gex(f), ids=[f"ENSG{i:011d}" for i in range(900, 925)])


@case("matrix.rds", "not a count matrix by its name")
def h5_rds(f):
    edit(sheet(f), "A/matrix.h5", "A/matrix.rds")
    (f / "A/matrix.rds").write_bytes(b"\x1f\x8bRDX3")


@case("x.h5ad", "none of X (such as", "normalised")
def h5ad_normalised(f):
    import anndata

    data = anndata.AnnData(np.log1p(made.counts()))
    data.obs_names, data.var_names = made.barcodes(30), made.GENES
    data.write_h5ad(f / "A/x.h5ad")
    edit(sheet(f), "A/matrix.h5", "A/x.h5ad")


@case("x.h5ad", "transposed")
def h5ad_transposed(f):
    import anndata

    data = anndata.AnnData(made.counts().T.astype(float))
    data.var_names, data.obs_names = made.barcodes(30), made.IDS
    data.write_h5ad(f / "A/x.h5ad")
    edit(sheet(f), "A/matrix.h5", "A/x.h5ad")


# --- matrices: three files -----------------------------------------------------------------------


for name in ("matrix.mtx", "barcodes.tsv", "features.tsv"):

    @case(f"{name}[.gz]", "is missing")
    def mtx_without(f, name=name):
        (folder_matrix(f) / name).unlink()

    CASES[f"mtx_without_{name.split('.')[0]}"] = CASES.pop("mtx_without")


@case("matrix.mtx", "not a MatrixMarket file")
def mtx_is_a_table(f):
    (folder_matrix(f) / "matrix.mtx").write_text("gene,cell,count\n")


@case("matrix.mtx", "three sizes")
def mtx_without_sizes(f):
    (folder_matrix(f) / "matrix.mtx").write_text("%%MatrixMarket matrix coordinate integer\n")


@case("matrix.mtx", "transposed")
def mtx_transposed(f):
    edit(folder_matrix(f) / "matrix.mtx", "\n25 30 ", "\n30 25 ")


@case("matrix.mtx", "barcodes.tsv 29")
def mtx_other_barcodes(f):
    path = folder_matrix(f) / "barcodes.tsv"
    path.write_text("\n".join(path.read_text().splitlines()[1:]) + "\n")


@case("matrix.mtx", "not three numbers")
def mtx_words(f):
    path = folder_matrix(f) / "matrix.mtx"
    path.write_text(path.read_text() + "one two three\n")


@case("matrix.mtx", "not whole counts")
def mtx_fractions(f):
    path = folder_matrix(f) / "matrix.mtx"
    path.write_text(path.read_text().replace("integer", "real") + "1 30 0.5\n")


@case("matrix.mtx.gz", "cannot be read to its end")
def mtx_gzip_cut(f):
    path = made.triplet(f / "A/m")
    path.write_bytes(path.read_bytes()[:-12])
    edit(sheet(f), "A/matrix.h5", "A/m")


@case("barcodes.tsv.gz", "expands more than")
def mtx_zip_bomb(f):
    made.triplet(f / "A/m")
    row = b"AAACCCAAGAAACCAT-1\n" * 50_000
    with gzip.open(f / "A/m/barcodes.tsv.gz", "wb") as file:
        for _ in range(20):
            file.write(row)
    edit(sheet(f), "A/matrix.h5", "A/m")


@case("2 matrices")
def mtx_two_in_a_folder(f):
    made.triplet(f / "A/geo", prefix="GSM1_")
    made.triplet(f / "A/geo", prefix="GSM2_", seed=3)
    edit(sheet(f), "A/matrix.h5", "A/geo")


# --- contigs -------------------------------------------------------------------------------------


@case("b.csv", "empty")
def contigs_empty(f):
    bcr(f).write_bytes(b"")


@case("b.csv", "'barcode'", "missing")
def contigs_semicolons(f):
    bcr(f).write_text(bcr(f).read_text().replace(",", ";"))


@case("b.csv", "'cdr3_nt' missing")
def contigs_column_missing(f):
    edit(bcr(f), "cdr3_nt", "cdr3_dna")


@case("b.csv", "'chain' stands twice")
def contigs_column_twice(f):
    edit(bcr(f), "length", "chain")


@case("b.csv", "line 2", "cells under")
def contigs_row_too_long(f):
    text = bcr(f).read_text().splitlines()
    bcr(f).write_text("\n".join([text[0], text[1] + ",1,2", *text[2:]]) + "\n")


@case("b.csv", "the file ends there")
def contigs_cut_in_a_row(f):
    bcr(f).write_text(bcr(f).read_text()[:-70])


@case("b.csv", "NUL")
def contigs_binary(f):
    bcr(f).write_bytes(b"\x89HDF\0\0")


@case("b.csv", "UTF-16")
def contigs_utf16(f):
    bcr(f).write_bytes(bcr(f).read_text().encode("utf-16"))


@case("b.csv", "not UTF-8")
def contigs_latin1(f):
    bcr(f).write_bytes(bcr(f).read_bytes().replace(b"IGHV", b"IGH\xe4", 1))


@case("b.csv", "longer than a megabyte")
def contigs_endless_line(f):
    bcr(f).write_bytes(b"barcode" * 200_000)


@case("given as BCR", "TCR")
def contigs_other_receptor(f):
    made.contigs(bcr(f), made.barcodes(12), loci=("TRA", "TRB"))


@case("none of its first 12 barcodes")
def contigs_other_cells(f):
    made.contigs(bcr(f), made.barcodes(12, seed=7))


@case("more than once")
def contigs_twice(f):
    lines = bcr(f).read_text().splitlines()
    bcr(f).write_text("\n".join([*lines, lines[1]]) + "\n")


@case("'umis' holds '-5'")
def contigs_negative_umis(f):
    edit(bcr(f), ",90,5,", ",90,-5,")


@case("'umis' holds '1.5'")
def contigs_fraction_of_umis(f):
    edit(bcr(f), ",90,5,", ",90,1.5,")


@case("'umis' holds '1e400'")
def contigs_infinite_umis(f):
    edit(bcr(f), ",90,5,", ",90,1e400,")


@case("'reads' holds '99999999999999999999'")
def contigs_overflow(f):
    edit(bcr(f), ",90,5,", ",99999999999999999999,5,")


@case("'productive' holds 'maybe'")
def contigs_productive(f):
    edit(bcr(f), ",True,CARDYW", ",maybe,CARDYW")


@case("'cdr3' holds", "=1+1")
def contigs_formula(f):
    edit(bcr(f), "CARDYW", "=1+1")


@case("'v_gene' holds", "<script>")
def contigs_markup(f):
    edit(bcr(f), "IGHV1-2", "<script>")


@case("'cdr3_nt' holds")
def contigs_junction_is_no_dna(f):
    edit(bcr(f), "TGTGCGAGAGACTACTGG", "HELLO WORLD")


@case("'duplicate_count' holds 'x'")
def contigs_airr_count(f):
    path = made.airr(f / "A/b.tsv", made.barcodes(4))
    edit(path, "\t90\t5\t", "\t90\tx\t")
    edit(sheet(f), "A/b.csv", "A/b.tsv")


@case("'cell_id' missing")
def contigs_bulk_airr(f):
    columns = [c for c in made.AIRR_10X if c != "cell_id"]
    made.airr(f / "A/b.tsv", made.barcodes(4), columns)
    edit(sheet(f), "A/b.csv", "A/b.tsv")


@case("b.csv.gz", "cannot be read to its end")
def contigs_gzip_cut(f):
    path = made.contigs(f / "A/b.csv.gz", made.barcodes(30))
    path.write_bytes(path.read_bytes()[:-9])
    edit(sheet(f), "A/b.csv", "A/b.csv.gz")


@case("b.csv.gz", "its content does not")
def contigs_gzip_by_name_alone(f):
    bcr(f).rename(f / "A/b.csv.gz")
    edit(sheet(f), "A/b.csv", "A/b.csv.gz")


@case("b.csv.gz", "expands more than")
def contigs_zip_bomb(f):
    with gzip.open(f / "A/b.csv.gz", "wb") as file:
        file.write(bcr(f).read_bytes())
        for _ in range(20):
            file.write(b"," * 999_999 + b"\n")
    edit(sheet(f), "A/b.csv", "A/b.csv.gz")


# --- as strangers broke them: sheets and settings ------------------------------------------------


@case("line 2", "'timepoint'", "'pre\\xa01'")
def sheet_space_that_does_not_break(f):
    edit(sheet(f), "\tpre\t", "\tpre\u00a01\t")


@case("line 2", "'timepoint'", "“pre”")
def sheet_smart_quotes(f):
    edit(sheet(f), "\tpre\t", "\t“pre”\t")


@case("line 2", "'patient'", "'P1\\u200b'")
def sheet_sign_without_width(f):
    edit(sheet(f), "\tP1\t", "\tP1\u200b\t")


@case("line 2", "'day'", "not a number")
def sheet_header_twice(f):
    header, *rows = sheet(f).read_text().splitlines()
    sheet(f).write_text("\n".join([header, header, *rows]) + "\n")


@case("'A'", "'gex'", "no file", "matrix.h5")
def sheet_windows_path(f):
    edit(sheet(f), "A/matrix.h5", "A\\matrix.h5")


@case("the column 'Sample' is not known", "'sample'")
def sheet_header_in_capitals(f):
    edit(sheet(f), "sample\tpatient", "Sample\tPatient")


@case("the column 'GEX' is not known", "'gex'")
def sheet_no_matrix_for_a_capital(f):
    edit(sheet(f), "\tgex\t", "\tGEX\t")


@case("line 2", "'day'", "'2024-03-01'")
def sheet_day_date(f):
    edit(sheet(f), "\t0\t", "\t2024-03-01\t")


@case("line 2", "'day'", "'1_0'")
def sheet_day_underscore(f):
    edit(sheet(f), "\t0\t", "\t1_0\t")


@case("line 3, column 'patient'", "'p1' is written 'P1' in line 2")
def sheet_patient_in_two_spellings(f):
    edit(sheet(f), "\nB\tP1", "\nB\tp1")


@case("line 2, column 'group'", "'Control' is written 'control'")
def sheet_control_in_capitals(f):
    edit(sheet(f), "\ttcr\n", "\ttcr\tgroup\n")
    edit(sheet(f), "A/t.csv", "A/t.csv\tControl")


@case("line 7: ", "9 cells under 7 columns")
def sheet_line_is_counted_as_an_editor_does(f):
    edit(sheet(f), "A/t.csv", "A/t.csv\tx\ty")
    sheet(f).write_text("# ours\n\n" + sheet(f).read_text().replace("\n", "\n\n\n\n", 1))


@case("claims.alpha", "not finite")
def config_nan(f):
    config(f, "claims: {alpha: .nan}\n")


@case("clusters.resolution", "not finite")
def config_infinite(f):
    config(f, "clusters: {resolution: .inf}\n")


@case("configuration, seed", "4294967295")
def config_seed_beyond_what_numpy_takes(f):
    config(f, "seed: 99999999999999999999\n")


@case("qc.min_genes", "not of type 'integer'")
def config_holds_itself(f):
    config(f, "qc: &q\n  min_genes: *q\n")


@case("design.timepoints", "'pre' stands twice")
def config_timepoint_twice(f):
    config(f, "design: {timepoints: [pre, post, pre]}\n")


@case("configuration, outdir", "no folder for results")
def outdir_empty(f):
    config(f, 'outdir: ""\n')


@case("configuration, outdir", "no folder for results")
def outdir_root(f):
    config(f, "outdir: /\n")


@case("configuration, outdir", "'{'")
def outdir_with_braces(f):
    config(f, 'outdir: "out{sample}"\n')


@case("configuration, outdir", "holds '\\n'")
def outdir_of_two_lines(f):
    config(f, 'outdir: "a\\nb"\n')


@case("configuration, outdir", "samples.tsv is a file")
def outdir_below_a_file(f):
    config(f, "outdir: samples.tsv/out\n")


@case("configuration, outdir", "out/samples/A/matrix.h5", "folders of their own")
def outdir_would_clean_the_inputs(f):
    (f / "out/samples").mkdir(parents=True)
    (f / "A").rename(f / "out/samples/A")
    sheet(f).write_text(sheet(f).read_text().replace("A/", "out/samples/A/"))
    config(f, "outdir: out\n")


@case("A/m{1}.h5", "wildcard", "Rename")
def matrix_with_braces_in_its_name(f):
    gex(f).rename(f / "A/m{1}.h5")
    edit(sheet(f), "A/matrix.h5", "A/m{1}.h5")


@case("own{1}.gmt", "wildcard", "Rename")
def gene_sets_with_braces_in_their_name(f):
    (f / "own{1}.gmt").write_text("MINE\tx\tISG15\tSTAT1\n")
    config(f, "pathways: {gene_sets: ['own{1}.gmt']}\n")


@case("car.pattern", "fits 50 features")
def config_pattern_of_every_gene(f):
    config(f, "car: {pattern: '.*'}\n")


@case("names.tsv", "not UTF-8")
def config_pseudonyms_latin1(f):
    (f / "names.tsv").write_bytes("patient\tpseudonym\nP1\tMüller\n".encode("latin-1"))
    config(f, "report: {pseudonym_table: names.tsv}\n")


@case("known.tsv, line 1", "neither junction_aa nor junction")
def config_lookup_of_other_columns(f):
    (f / "known.tsv").write_text("a\tb\n1\t2\n")
    config(f, "clones: {lookup: known.tsv}\n")


@case("known.tsv", "UTF-16")
def config_lookup_utf16(f):
    (f / "known.tsv").write_bytes("junction_aa\tlabel\nCARW\tx\n".encode("utf-16"))
    config(f, "clones: {lookup: known.tsv}\n")


@case("own.gmt", "NUL")
def config_gene_sets_binary(f):
    (f / "own.gmt").write_bytes(b"MINE\tx\tISG15\0STAT1\n")
    config(f, "pathways: {gene_sets: [own.gmt]}\n")


@case("words.tsv", "'label' stands twice")
def config_overrides_column_twice(f):
    (f / "words.tsv").write_text("cluster\tlabel\tlabel\n0\tB\tNK\n")
    config(f, "annotation: {overrides: words.tsv}\n")


@case("mine.tsv", "two labels", "A:AAA-1")
def config_two_labels_of_a_cell(f):
    (f / "mine.tsv").write_text("cell_id\tcell_type\nA:AAA-1\tB\nA:AAA-1\tNK\n")
    config(f, "annotation: {labels: mine.tsv}\n")


@case("clinical.tsv", "it is a folder")
def clinical_folder(f):
    (f / "clinical.tsv").mkdir()


@case("clinical.tsv", "no such file")
def clinical_link_to_nothing(f):
    (f / "clinical.tsv").symlink_to("nowhere.tsv")


@case("clinical.tsv, line 4", "C3 has the unit 'mg/dL', and 'g/L' in line 2")
def clinical_two_units(f):
    clinical(f, "P1\t1\tmeasure\tC3\t0.9\tg/L", "", "P1\t30\tmeasure\tC3\t90\tmg/dL")


@case("clinical.tsv, line 3", "is 0.4, and 0.9 in line 2")
def clinical_two_values_of_a_day(f):
    clinical(f, "P1\t1\tmeasure\tC3\t0.9\tg/L", "P1\t1\tmeasure\tC3\t0.4\tg/L")


@case("clinical.tsv, line 2", "'bananas'", "10^9/L")
def clinical_unit_of_a_blood_count(f):
    clinical(f, "P1\t1\tmeasure\tlymphocyte_count\t0.9\tbananas")


@case("clinical.tsv, line 2", "'<0.5'", "the limit itself")
def clinical_below_the_limit(f):
    clinical(f, "P1\t1\tmeasure\tC3\t<0.5\tg/L")


# --- as strangers broke them: matrices -----------------------------------------------------------


def change(folder: Path, **parts) -> None:
    with h5py.File(gex(folder), "r+") as file:
        for name, made_of in parts.items():
            place = f"matrix/{name.replace('__', '/')}"
            found = made_of(file[place][:])
            del file[place]
            file[place] = found


@case("matrix.h5", "parts disagree")
def h5_pointers_end_early(f):
    change(f, indptr=lambda v: np.append(v[:-1], v[-1] - 3))


@case("matrix.h5", "barcode 1 is empty")
def h5_empty_barcode(f):
    change(f, barcodes=lambda v: np.array([b"", *v[1:]]))


@case("matrix.h5", "no value is above 0")
def h5_zeros(f):
    change(f, data=lambda v: v * 0)


@case("matrix.h5", "no value is above 0")
def h5_no_values(f):
    made.h5(gex(f), matrix=np.zeros((30, 25), int))


@case("matrix.h5", "every value is 1")
def h5_only_seen_or_not(f):
    made.h5(gex(f), n=60, matrix=np.ones((60, 25), int))


@case("matrix.h5", "200,001 barcodes", "unfiltered", "raw_gex")
def h5_unfiltered(f):
    change(
        f,
        barcodes=lambda v: np.array([*v, *(f"{i}-1".encode() for i in range(200_001 - len(v)))]),
        indptr=lambda v: np.append(v, np.full(200_002 - len(v), v[-1])),
        shape=lambda v: np.array([25, 200_001]),
    )


@case("matrix.h5", "neither Ensembl ids nor symbols", "chr1:")
def h5_peaks(f):
    peaks = [f"chr1:{i}000-{i}500" for i in range(1, 26)]
    made.h5(gex(f), ids=peaks, names=peaks)


@case("matrix.h5", "neither Ensembl ids nor symbols", "1001")
def h5_entrez(f):
    numbers = [str(1001 + i) for i in range(25)]
    made.h5(gex(f), ids=numbers, names=numbers)


@case("matrix.h5", "by Ensembl ids alone", "both")
def h5_nothing_to_join_by(f):
    made.h5(gex(f), ids=made.GENES)
    made.h5(f / "B/matrix.h5", seed=1, names=made.IDS)


@case("A/matrix.h5", "Ensembl ids alone", "genes.join_by is symbol")
def h5_ids_where_symbols_are_asked_for(f):
    made.h5(gex(f), names=made.IDS)
    config(f, "genes: {join_by: symbol}\n")


def h5ad(folder: Path, matrix, **layers) -> Path:
    """Let sample A have an h5ad; return it."""
    import anndata
    from scipy import sparse

    data = anndata.AnnData(matrix)
    data.obs_names, data.var_names = made.barcodes(len(matrix)), made.IDS
    for name, values in layers.items():
        data.layers[name] = sparse.csr_matrix(values)
    data.write_h5ad(folder / "A/x.h5ad")
    edit(sheet(folder), "A/matrix.h5", "A/x.h5ad")
    return folder / "A/x.h5ad"


@case("x.h5ad", "X is 29 × 25, its tables name 30 × 25")
def h5ad_dense_of_another_size(f):
    with h5py.File(h5ad(f, made.counts().astype(float)), "r+") as file:
        found = file["X"][:29]
        del file["X"]
        file["X"] = found


@case("x.h5ad", "layers/counts is 30 × 24")
def h5ad_sparse_of_another_size(f):
    with h5py.File(h5ad(f, np.log1p(made.counts()), counts=made.counts()), "r+") as file:
        file["layers/counts"].attrs["shape"] = [30, 24]


@case("x.h5ad", "X is of no size, its tables name 30 × 25")
def h5ad_without_a_size(f):
    from scipy import sparse

    matrix = sparse.csr_matrix(made.counts())
    with h5py.File(h5ad(f, made.counts().astype(float)), "r+") as file:
        del file["X"]
        for name in ("data", "indices", "indptr"):
            file[f"X/{name}"] = getattr(matrix, name)


@case("x.h5ad", "its parts are not those of a matrix", "'_index'")
def h5ad_without_names_of_cells(f):
    with h5py.File(h5ad(f, made.counts().astype(float)), "r+") as file:
        del file["obs/_index"]


@case("x.h5ad", "parts of layers/counts disagree")
def h5ad_values_lost(f):
    with h5py.File(h5ad(f, np.log1p(made.counts()), counts=made.counts()), "r+") as file:
        found = file["layers/counts/data"][:-5]
        del file["layers/counts/data"]
        file["layers/counts/data"] = found


@case("x.h5ad", "complex64")
def h5ad_complex(f):
    h5ad(f, made.counts().astype(np.complex64))


@case("x.h5ad", "other layers: spliced")
def h5ad_counts_in_another_layer(f):
    h5ad(f, np.log1p(made.counts()), spliced=made.counts())


@case("x.h5mu", "several modalities (gex)")
def h5ad_of_modalities(f):
    with h5py.File(gex(f), "w") as file:
        file["obs/_index"] = file["var/_index"] = np.array(["A"], dtype="S")
        file.create_group("mod/gex")
    gex(f).rename(f / "A/x.h5mu")
    edit(sheet(f), "A/matrix.h5", "A/x.h5mu")


@case("matrix.mtx", "the entry '0 0 ", "from 1 on")
def mtx_counted_from_zero(f):
    path = folder_matrix(f) / "matrix.mtx"
    head, body = path.read_text().splitlines()[:3], path.read_text().splitlines()[3:]
    fallen = ((int(row) - 1, int(column) - 1, n) for row, column, n in map(str.split, body))
    path.write_text("\n".join([*head, *(f"{i} {j} {n}" for i, j, n in fallen)]) + "\n")


for kind, old, new in (
    ("pattern", "integer", "pattern"), ("symmetric", "general", "symmetric"),
    ("complex", "integer", "complex"), ("array", "coordinate", "array"),
):  # fmt: skip

    @case("matrix.mtx", kind, "coordinates of integer")
    def mtx_of_kind(f, old=old, new=new):
        edit(folder_matrix(f) / "matrix.mtx", old, new)

    CASES[f"mtx_{kind}"] = CASES.pop("mtx_of_kind")


@case("matrix.mtx", "99999999999999 entries in 25 × 30")
def mtx_more_entries_than_cells(f):
    path = folder_matrix(f) / "matrix.mtx"
    head = path.read_text().splitlines()
    path.write_text("\n".join([*head[:2], "25 30 99999999999999", *head[3:]]) + "\n")


@case("matrix.mtx", "no value is above 0")
def mtx_without_entries(f):
    path = folder_matrix(f) / "matrix.mtx"
    path.write_text("\n".join([*path.read_text().splitlines()[:2], "25 30 0"]) + "\n")


@case("matrix.mtx", "barcodes.tsv 31", "a header, remove it")
def mtx_barcodes_with_a_header(f):
    path = folder_matrix(f) / "barcodes.tsv"
    path.write_text("barcode\n" + path.read_text())


@case("features.tsv", "separated by spaces")
def mtx_features_of_spaces(f):
    path = folder_matrix(f) / "features.tsv"
    path.write_text(path.read_text().replace("\t", " "))


# --- as strangers broke them: contigs ------------------------------------------------------------


def contig_column(folder: Path, **columns) -> None:
    import pandas as pd

    table = pd.read_csv(bcr(folder), dtype=str, keep_default_na=False)
    table.assign(**columns).to_csv(bcr(folder), index=False)


@case("b.csv", "none of its 24 contigs has a barcode")
def contigs_without_barcodes(f):
    contig_column(f, barcode="")


@case("b.csv", "none of its 24 contigs is of a known locus", "'HEAVY'")
def contigs_of_unknown_loci(f):
    contig_column(f, chain="heavy")


@case("b.csv", "'cdr3_nt' holds no nucleotides", "'CARDYW'")
def contigs_amino_acids_for_nucleotides(f):
    contig_column(f, cdr3_nt="CARDYW")


@case("b.csv", "'cdr3' holds nucleotides alone")
def contigs_nucleotides_for_amino_acids(f):
    contig_column(f, cdr3="TGTGCGAGAGACTACTGG")


@case("b.csv", "one cell more than the header's 29", "row.names = FALSE")
def contigs_row_names_of_r(f):
    header, *rows = bcr(f).read_text().splitlines()
    bcr(f).write_text("\n".join([header, *(f"{i},{row}" for i, row in enumerate(rows))]) + "\n")


@case("b.csv", "'True' stands twice", "no header")
def contigs_without_a_header(f):
    bcr(f).write_text("\n".join(bcr(f).read_text().splitlines()[1:]) + "\n")


@case("v/outs/filtered_contig_annotations.csv", "no contig", "bcr or tcr")
def contigs_of_no_receptor(f):
    (f / "v/outs").mkdir(parents=True)
    header = bcr(f).read_text().splitlines()[0]
    (f / "v/outs/filtered_contig_annotations.csv").write_text(header + "\n")
    edit(sheet(f), "day", "cellranger")
    edit(sheet(f), "\t0\t", "\tv\t")
    edit(sheet(f), "\t90\t", "\t\t")


@case("all_contig_annotations.json", "JSON", ".csv")
def contigs_json(f):
    (f / "A/all_contig_annotations.json").write_text('[{"barcode": "AAA-1",\n"reads": 3}]\n')
    edit(sheet(f), "A/b.csv", "A/all_contig_annotations.json")


@pytest.fixture
def project(tmp_path, monkeypatch):
    made.cohort(tmp_path)
    config(tmp_path, "")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("name", CASES)
def test_it_stops_before_any_job_and_the_next_good_run_is_free(project, name, capsys):
    break_it, words, _ = CASES[name]
    break_it(project)
    before = sorted(project.rglob("*"))
    assert check_inputs.main(["c.yaml"]) == 1
    said = capsys.readouterr().err.strip()
    assert all(word in said for word in words), said
    assert len(said.splitlines()) == 1 and "Traceback" not in said
    assert re.search(r": .+[.?]|did you mean|known here", said), "place: found. Mend."
    assert sorted(project.rglob("*")) == before
    mend(project)
    assert check_inputs.main(["c.yaml"]) == 0, capsys.readouterr().err


def mend(project):
    """Put the good files back, as a user would, and clean nothing else."""
    for path in (gex(project), bcr(project), project / "clinical.tsv"):
        if path.is_dir() and not path.is_symlink():
            path.rmdir()
        else:
            path.unlink(missing_ok=True)
    made.cohort(project)
    config(project, "")


# --- what only the job that reads the whole file can see -----------------------------------------


@case("matrix.h5", "not whole counts, such as 0.5", job="gex")
def beyond_the_head_a_fraction(f):
    made.h5(gex(f), n=6000, matrix=tail(0.5))


@case("matrix.h5", "not whole counts, such as nan", job="gex")
def beyond_the_head_nan(f):
    made.h5(gex(f), n=6000, matrix=tail(np.nan))


@case("matrix.h5", "16,777,216", job="gex")
def beyond_the_head_a_huge_value(f):
    made.h5(gex(f), n=6000, matrix=tail(2.0**40))


@case("matrix.h5", "cannot be read to its end", job="gex")
def an_index_beyond_the_genes(f):
    with h5py.File(gex(f), "r+") as file:
        file["matrix/indices"][-1] = 9999


@case("matrix.h5", "cannot be read to its end", job="gex")
def pointers_that_fall(f):
    with h5py.File(gex(f), "r+") as file:
        file["matrix/indptr"][4] = 10**6


@case("matrix.mtx", "cannot be read to its end", job="gex")
def a_plain_matrix_cut(f):
    path = folder_matrix(f) / "matrix.mtx"
    path.write_text("\n".join(path.read_text().splitlines()[:-9]) + "\n")


@case("matrix.mtx", "outside 25 × 30")
def an_entry_outside(f):
    path = folder_matrix(f) / "matrix.mtx"
    lines = path.read_text().splitlines()
    path.write_text("\n".join([*lines[:-1], "99 30 1"]) + "\n")


@case("matrix.mtx", "NUL", job="gex")
def nul_for_a_line_end_on_which_scipy_crashes(f):
    path = folder_matrix(f) / "matrix.mtx"
    text = path.read_bytes()
    end = text.index(b"\n", 400)
    path.write_bytes(text[:end] + b"\0" + text[end + 1 :])


@case("matrix.mtx", "1 of 716 entries", job="gex")
def an_entry_twice(f):
    path = folder_matrix(f) / "matrix.mtx"
    text = path.read_text()
    path.write_text(text.replace(" 715\n", " 716\n", 1) + text.splitlines()[-1] + "\n")


@case("matrix.h5", "1 of 715 values", job="gex")
def a_value_twice(f):
    change(f, indices=lambda v: np.append(v[1], v[1:]))


@case("matrix.h5", "no value is above 0", job="gex")
def no_counts_at_all(f):
    made.h5(gex(f), matrix=np.zeros((30, 25), int))


@case("b.csv", "more than once", job="bcr")
def beyond_the_head_a_contig_twice(f):
    cells = [f"C{i}" for i in range(3000)]
    made.contigs(bcr(f), [*cells, cells[0]], loci=("IGH",))


@case("b.csv", "'umis' holds 'many'", job="bcr")
def beyond_the_head_a_word(f):
    made.contigs(bcr(f), [f"C{i}" for i in range(3000)], loci=("IGH",))
    text = bcr(f).read_text()
    at = text.rindex(",90,5,")
    bcr(f).write_text(text[:at] + ",90,many," + text[at + 6 :])


@case("b.csv", "no one rule", job="bcr")
def beyond_the_head_other_libraries(f):
    made.contigs(bcr(f), made.barcodes(60, 8, "-2") + made.barcodes(60, 9, "-3"), loci=("IGH",))


def tail(value):
    matrix = np.tile(np.arange(1.0, 26.0), (6000, 1))
    matrix[-1, -1] = value
    return matrix


@pytest.mark.parametrize("name", JOBS)
def test_the_job_stops_writes_nothing_and_then_works(project, name):
    break_it, words, kind = JOBS[name]
    break_it(project)
    with pytest.raises(InputError) as caught:
        run_job(project, kind)
    said = str(caught.value)
    assert all(word in said for word in words), said
    assert len(said.splitlines()) == 1
    assert not list((project / "out").iterdir()) if (project / "out").exists() else True
    mend(project)
    run_job(project, kind)
    assert len(list((project / "out").iterdir())) == (2 if kind == "gex" else 3)


def run_job(project, kind):
    out = project / "out"
    out.mkdir(exist_ok=True)
    if kind == "gex":
        line = sheet(project).read_text().splitlines()
        path = dict(zip(line[0].split("\t"), line[1].split("\t"), strict=True))["gex"]
        outputs = {"counts": out / "counts.h5ad", "facts": out / "load.json"}
        row = {"sample": "A", "gex": path}
        cells_made.run(load_sample.__name__, project, {"gex": path}, outputs, row=row)
        return
    made_counts = project / "counts.h5ad"
    if not made_counts.exists():
        cells_made.count_file(made_counts, made.counts(30))
        rename_cells(made_counts)
    names = {"chains": "c.parquet", "receptors": "r.parquet", "facts": "f.json"}
    outputs = {key: out / name for key, name in names.items()}
    inputs = {"bcr": str(bcr(project)), "counts": str(made_counts)}
    cfg = {"receptors.min_umis": 1, "receptors.productive_only": True}
    cfg["receptors.high_confidence_only"] = True
    cells_made.run(read_receptors.__name__, project, inputs, outputs, cfg=cfg, row={"sample": "A"})


def rename_cells(path):
    from immune_reset import counts

    loaded = counts.read(path)
    names = loaded.cells.assign(barcode=made.barcodes(30))
    counts.write(counts.Counts(loaded.matrix, names, loaded.genes), path)


def test_the_corpus_is_large_enough():
    assert len(CASES) + len(JOBS) >= 170
