"""Every form in which matrices and contigs come, read to the same numbers."""

import json
from pathlib import Path

import numpy as np
import pytest
from unit import cells_made
from unit import inputs_made as made

from immune_reset import counts, heads
from immune_reset.errors import InputError
from immune_reset.heads import check_heads, contig_barcodes
from immune_reset.matrix_heads import read_head
from immune_reset.plan import schema
from immune_reset.sheets import read_samples
from immune_reset.triplets import matrix_files


def load(tmp_path, gex, **row):
    """Run load_sample on a matrix; return counts and facts."""
    outputs = {"counts": tmp_path / "out.h5ad", "facts": tmp_path / "out.json"}
    inputs = {"gex": gex, "donors": row.pop("donors", None)}
    cfg = {"genes.join_by": row.pop("join_by", "ensembl")}
    row = {"sample": "S1", "gex": str(gex), **row}
    cells_made.run("load_sample", tmp_path, inputs, outputs, row=row, cfg=cfg)
    return counts.read(outputs["counts"]), json.loads(outputs["facts"].read_text())


FORMS = {
    "h5 v3": lambda p: made.h5(p / "x.h5"),
    "h5 v2": lambda p: made.h5_v2(p / "x.h5", {"GRCh38": (made.IDS, made.GENES)}),
    "folder": lambda p: made.triplet(p / "m", ending="").parent,
    "folder gz": lambda p: made.triplet(p / "m").parent,
    "folder v2": lambda p: made.triplet(p / "m", ending="", features="genes.tsv").parent,
    "GEO": lambda p: made.triplet(p, prefix="GSM1_S1_"),
    "GEO genes": lambda p: made.triplet(p, prefix="GSM1-", features="genes.tsv"),
    "GEO folder": lambda p: made.triplet(p / "geo", prefix="GSM1_").parent,
    "h5ad": lambda p: made.h5ad(p / "x.h5ad"),
    "h5ad by id": lambda p: made.h5ad(p / "x.h5ad", index="id"),
    "h5ad layer": lambda p: made.h5ad(p / "x.h5ad", place="counts"),
    "h5ad raw": lambda p: made.h5ad(p / "x.h5ad", place="raw"),
}


@pytest.mark.parametrize("form", FORMS)
def test_head_and_load_agree_on_every_form(tmp_path, form):
    path = FORMS[form](tmp_path)
    head = read_head(Path(path))
    loaded, _ = load(tmp_path, path)
    assert np.array_equal(loaded.matrix.toarray(), made.counts())
    assert head.barcodes == list(loaded.cells["barcode"]) == made.barcodes(30)
    assert list(head.features["gene_id"]) == list(loaded.genes.index) == made.IDS
    assert list(loaded.genes["symbol"]) == made.GENES
    sums = {name: (int((r > 0).sum()), float(r.sum())) for name, r in
            zip(head.barcodes, made.counts(), strict=True)}  # fmt: skip
    assert head.marks and all(sums[name] == mark for name, mark in head.marks.items())


def test_the_files_of_a_prefixed_matrix_are_its_own_three(tmp_path):
    one = made.triplet(tmp_path, prefix="GSM1_")
    made.triplet(tmp_path, prefix="GSM2_", seed=1)
    names = [Path(name).name for name in matrix_files(one)]
    assert names == ["GSM1_barcodes.tsv.gz", "GSM1_features.tsv.gz", "GSM1_matrix.mtx.gz"]
    with pytest.raises(InputError, match=r"holds 2 matrices \(GSM1_matrix.mtx.gz, GSM2"):
        read_head(tmp_path)


def test_antibodies_and_other_genomes_are_set_aside_and_counted(tmp_path):
    ids = [*(f"GRCh38_{i}" for i in made.IDS[:20]), "mm10___ENSMUSG00000000001", "GRCh38_CAR",
           "mm10___ENSMUSG00000000002", "HTO1", "AB1"]  # fmt: skip
    names = [*(f"GRCh38_{g}" for g in made.GENES[:20]), "mm10___Cd3e", "GRCh38_CAR", "mm10___Lyz2",
             "HTO1", "AB1"]  # fmt: skip
    types = ["Gene Expression"] * 23 + ["Multiplexing Capture", "Antibody Capture"]
    loaded, facts = load(tmp_path, made.h5(tmp_path / "x.h5", ids=ids, names=names, types=types))
    assert list(loaded.genes.index) == [*made.IDS[:20], "CAR"]
    expected = made.counts()[:, [*range(20), 21]]
    assert np.array_equal(loaded.matrix.toarray(), expected)
    others = {"Antibody Capture": 1, "Gene Expression of mm10": 2, "Multiplexing Capture": 1}
    assert facts["other_features"] == others


def test_a_second_genome_of_version_2_gives_no_cells(tmp_path):
    mouse = [f"ENSMUSG{i:011d}" for i in range(25)]
    genomes = {"mm10": (mouse, made.GENES), "hg19": (made.IDS, made.GENES)}
    path = made.h5_v2(tmp_path / "x.h5", genomes)
    loaded, facts = load(tmp_path, path)
    assert list(loaded.genes.index) == made.IDS and read_head(path).barcodes == made.barcodes(30)
    assert np.array_equal(loaded.matrix.toarray(), made.counts(seed=1))
    assert facts["n_other_features"] == 25


def test_builds_are_joined_by_ensembl_id_whatever_the_version_and_the_symbol(tmp_path):
    versioned = [f"{i}.{n}" for n, i in enumerate(made.IDS)]
    path = made.h5(tmp_path / "x.h5", ids=versioned, names=[f"old{g}" for g in made.GENES])
    assert list(load(tmp_path, path)[0].genes.index) == made.IDS


def test_symbols_alone_beside_ids_are_refused_with_the_key_that_mends(tmp_path):
    made.h5(tmp_path / "a.h5")
    made.h5(tmp_path / "b.h5", seed=1, ids=made.GENES)
    rows = [{"sample": s, "gex": str(tmp_path / f"{s}.h5")} for s in "ab"]
    with pytest.raises(InputError, match=r"sample 'b' .*symbols alone.*genes\.join_by: symbol"):
        check_heads(rows, set())
    check_heads(rows, set(), join_by="symbol")
    loaded, _ = load(tmp_path, tmp_path / "a.h5", join_by="symbol")
    assert list(loaded.genes.index) == made.GENES


def test_former_symbols_are_one_gene_where_there_is_no_id(tmp_path):
    old = ["WARS" if g == "FOS" else g for g in made.GENES]
    loaded, _ = load(tmp_path, made.h5(tmp_path / "x.h5", ids=old, names=old))
    assert "WARS1" in loaded.genes.index and "WARS" not in loaded.genes.index


# --- Cell Ranger's folders -----------------------------------------------------------------------


def multi(folder, *samples, name="sample_filtered_feature_bc_matrix"):
    for seed, sample in enumerate(samples):
        own = folder / "outs/per_sample_outs" / sample
        made.h5(own / f"count/{name}.h5", seed=seed)
        made.contigs(own / "vdj_b/filtered_contig_annotations.csv", made.barcodes(12, seed))
        tcr = own / "vdj_t/filtered_contig_annotations.csv"
        made.contigs(tcr, made.barcodes(12, seed), loci=("TRA", "TRB"))
    made.h5(folder / "outs/multi/count/raw_feature_bc_matrix.h5", seed=9)
    return folder


def found(tmp_path, root, **row):
    row = {"sample": "S1", "patient": "P", "timepoint": "t", **row}
    (only,) = read_samples(made.sheet(tmp_path / "s.tsv", row), schema("samples", root))
    return {k: str(Path(only[k]).relative_to(tmp_path)) for k in ("gex", "bcr", "tcr") if k in only}


@pytest.mark.parametrize("name", ["sample_filtered_feature_bc_matrix", "sample_feature_bc_matrix"])
@pytest.mark.parametrize("given", ["run", "run/outs", "run/outs/per_sample_outs/S1"])
def test_a_multi_folder_gives_all_three(tmp_path, root, given, name):
    multi(tmp_path / "run", "S1", name=name)
    own = "run/outs/per_sample_outs/S1"
    assert found(tmp_path, root, cellranger=given) == {
        "gex": f"{own}/count/{name}.h5",
        "bcr": f"{own}/vdj_b/filtered_contig_annotations.csv",
        "tcr": f"{own}/vdj_t/filtered_contig_annotations.csv",
    }


def test_the_row_s_name_chooses_among_several_samples(tmp_path, root):
    multi(tmp_path / "run", "S0", "S1", "S2")
    assert "/S1/" in found(tmp_path, root, cellranger="run")["gex"]
    with pytest.raises(InputError, match=r"3 samples \(S0, S1, S2\), none of the name 'S9'"):
        found(tmp_path, root, sample="S9", cellranger="run")


def test_count_and_vdj_folders_of_all_versions(tmp_path, root):
    made.h5(tmp_path / "c/outs/filtered_feature_bc_matrix.h5")
    made.h5(tmp_path / "c/outs/raw_feature_bc_matrix.h5", seed=1)
    made.triplet(tmp_path / "f/outs/filtered_feature_bc_matrix")
    made.triplet(tmp_path / "old/outs/filtered_gene_bc_matrices/GRCh38", features="genes.tsv")
    contigs = made.contigs(
        tmp_path / "v/outs/filtered_contig_annotations.csv", made.barcodes(3), loci=("TRB",)
    )
    c = found(tmp_path, root, cellranger="c", tcr="v/outs/filtered_contig_annotations.csv")
    assert c == {
        "gex": "c/outs/filtered_feature_bc_matrix.h5",
        "tcr": str(contigs.relative_to(tmp_path)),
    }
    assert found(tmp_path, root, cellranger="v") == {"tcr": str(contigs.relative_to(tmp_path))}
    assert found(tmp_path, root, cellranger="f")["gex"] == "f/outs/filtered_feature_bc_matrix"
    old = found(tmp_path, root, cellranger="old")["gex"]
    assert old == "old/outs/filtered_gene_bc_matrices/GRCh38"


@pytest.mark.parametrize(
    ("files", "words"),
    [
        (["outs/raw_feature_bc_matrix.h5"], "raw matrix alone"),
        (["outs/aggregation.csv", "outs/count/filtered_feature_bc_matrix.h5"], "aggr"),
        (["outs/web_summary.html"], "neither a filtered matrix nor contigs .*web_summary"),
        ([], "no folder"),
    ],
)
def test_a_folder_that_is_none_is_refused_by_what_it_holds(tmp_path, root, files, words):
    for name in files:
        made.put(tmp_path / "run" / name, "x")
    with pytest.raises(InputError, match=f"sample 'S1', column 'cellranger': .*{words}"):
        found(tmp_path, root, cellranger="run")


# --- contigs -------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", sorted(made.COLUMNS))
@pytest.mark.parametrize("ending", ["csv", "csv.gz"])
def test_contigs_of_every_cell_ranger(tmp_path, version, ending):
    cells = made.barcodes(4)
    path = made.contigs(tmp_path / f"c.{ending}", cells, version=version)
    assert contig_barcodes(path, "bcr") == set(cells)


def test_airr_of_cell_ranger_has_no_locus_and_is_read(tmp_path):
    cells = made.barcodes(4)
    assert contig_barcodes(made.airr(tmp_path / "a.tsv", cells), "bcr") == set(cells)
    with_locus = made.airr(tmp_path / "b.tsv", cells, [*made.AIRR_10X, "locus"])
    assert contig_barcodes(with_locus, "bcr") == set(cells)


@pytest.mark.parametrize(
    ("name", "receptor", "locus"),
    [
        ("RhapVDJDemo_BCR_Dominant_Contigs.csv.gz", "BCR", {"IGH", "IGK", "IGL"}),
        ("test_unfiltered_contigs.csv", "BCR", {"IGH", "IGK", "IGL"}),
        ("test_per_cell_chain.csv", "TCR", {"TRA", "TRB", "TRG", "TRD"}),
    ],
)
def test_bd_rhapsody_reads_as_scirpy_reads_it(name, receptor, locus):
    import importlib.util
    import warnings

    from immune_reset import contigs, text_files

    data = Path(importlib.util.find_spec("scirpy").origin).parent / "tests/data/bd" / name
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import scirpy

        theirs = scirpy.io.read_bd_rhapsody(data)
    table = text_files.table(data)
    assert set(table["Cell_Index"]) == set(theirs.obs_names)
    for column in ("Putative", "Putative_Cell"):  # scirpy keeps all
        table = table.drop(columns=column, errors="ignore")
    chains, facts = contigs.parse(table, path=name, receptor=receptor)
    assert set(chains["locus"]) <= locus
    mine = sorted(zip(chains["cell_id"], chains["locus"], chains["umi_count"], strict=True))
    rows = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for cell, own in zip(theirs.obs_names, theirs.obsm["airr"].to_list(), strict=True):
            rows += [
                (cell, c["locus"], c.get("umi_count") or c.get("duplicate_count")) for c in own
            ]
    wanted = [row for row in rows if row[1] in contigs.RECEPTOR_LOCI[receptor]]
    assert mine == sorted(wanted) and facts["contigs"] == len(table)


# --- cells that two files name otherwise ---------------------------------------------------------


def pair(tmp_path, cells, names, **row):
    gex = made.h5(tmp_path / "x.h5", cells=cells)
    bcr = made.contigs(tmp_path / "b.csv", names)
    check_heads([{"sample": "S", "gex": str(gex), "bcr": str(bcr), **row}], set())


BARE = made.barcodes(60, suffix="")


@pytest.mark.parametrize(
    "rename",
    [
        lambda n: f"{n}-1", lambda n: f"{n}-3", lambda n: f"P1_pre_{n}-1", lambda n: f"{n}_2",
        lambda n: n,
    ],
)  # fmt: skip
def test_one_prefix_and_one_suffix_are_matched(tmp_path, rename):
    pair(tmp_path, [f"{n}-1" for n in BARE], [rename(n) for n in BARE[:40]])


@pytest.mark.parametrize(
    ("names", "words"),
    [
        ([f"{n}-{1 + i % 2}x" for i, n in enumerate(BARE)], r"no one rule.*\.\.\.-1x, \.\.\.-2x"),
        (made.barcodes(60, seed=5, suffix="-2"), "with '...-2' read as '...-1' 0% would be"),
        (made.barcodes(60, seed=5), "none of its first 60 barcodes"),
        ([BARE[0] + "-1", *made.barcodes(59, seed=5)], "1 of its first 60 barcodes"),
    ],
)
def test_what_no_one_rule_explains_is_refused_by_the_rule(tmp_path, names, words):
    with pytest.raises(InputError, match=rf"b\.csv: .*{words}"):
        pair(tmp_path, [f"{n}-1" for n in BARE], names)


def test_the_rule_is_applied_to_the_chains_and_said(tmp_path):
    import read_receptors
    from immune_reset import text_files

    table = text_files.table(made.contigs(tmp_path / "b.csv", [f"lib7_{n}-2" for n in BARE]))
    options = {"min_umis": 1, "productive_only": True, "high_confidence_only": True}
    chains, _, facts = read_receptors.build_receptors(
        {"BCR": (table, "b.csv")}, sample="S", cells={f"{n}-1" for n in BARE}, **options
    )
    assert set(chains["cell_id"]) == {f"S:{n}-1" for n in BARE}
    assert facts["BCR"]["barcodes"] == "'lib7_...-2' read as '...-1'"
    assert facts["BCR"]["cells_given"] == facts["BCR"]["cells_in_matrix"] == 60


def test_few_contigs_that_are_all_outside_are_no_error_where_others_match(tmp_path):
    cells = [f"{n}-1" for n in BARE]
    few = made.contigs(tmp_path / "b.csv", made.barcodes(3, seed=8))
    tcr = made.contigs(tmp_path / "t.csv", cells[:20], loci=("TRB",))
    gex = made.h5(tmp_path / "x.h5", cells=cells)
    check_heads([{"sample": "S", "gex": str(gex), "bcr": str(few), "tcr": str(tcr)}], set())


# --- samples that are one ------------------------------------------------------------------------


def rows_of(tmp_path, *paths):
    return [{"sample": f"S{i}", "gex": str(path)} for i, path in enumerate(paths)]


def test_the_same_matrix_in_another_form_is_refused(tmp_path):
    one, other = made.h5(tmp_path / "x.h5"), made.triplet(tmp_path / "m").parent
    with pytest.raises(InputError, match=r"sample 'S1'\): the same matrix as that of sample 'S0'"):
        check_heads(rows_of(tmp_path, one, other), set())


def test_the_same_cells_under_another_suffix_or_subset_are_refused(tmp_path):
    matrix = made.counts(60)
    one = made.h5(tmp_path / "x.h5", cells=[f"{n}-1" for n in BARE], matrix=matrix)
    part = [f"{n}-2" for n in BARE[:20]]
    other = made.h5(tmp_path / "y.h5", cells=part, matrix=matrix[:20])
    with pytest.raises(InputError, match="the same cells as that of sample 'S0'"):
        check_heads(rows_of(tmp_path, one, other), set())


def test_equal_barcodes_with_other_counts_are_two_libraries(tmp_path):
    cells = made.barcodes(30)
    one = made.h5(tmp_path / "x.h5", cells=cells)
    other = made.h5(tmp_path / "y.h5", cells=cells, matrix=made.counts(30, seed=4))
    check_heads(rows_of(tmp_path, one, other), set())


def test_the_same_contigs_twice_are_refused(tmp_path):
    for name in ("a", "b"):
        made.contigs(tmp_path / f"{name}.csv", made.barcodes(5))
    rows = [{"sample": s, "bcr": str(tmp_path / f"{s}.csv")} for s in "ab"]
    with pytest.raises(InputError, match=r"b\.csv: the same contigs as those of sample 'a'"):
        check_heads(rows, set())


# --- multiplexed libraries -----------------------------------------------------------------------


def multiplexed(tmp_path):
    cells = made.barcodes(30)
    donors = ["D1"] * 10 + ["D2"] * 15 + ["doublet"] * 5
    lines = [f"{cell}\t{donor}" for cell, donor in zip(cells, donors, strict=True)]
    table = made.put(tmp_path / "donors.tsv", "\n".join(["barcode\tdonor", *lines]) + "\n")
    return cells, table, made.h5(tmp_path / "x.h5")


def test_a_library_is_split_by_its_donors(tmp_path):
    cells, table, gex = multiplexed(tmp_path)
    bcr = made.contigs(tmp_path / "b.csv", cells)
    files = {"gex": str(gex), "bcr": str(bcr), "donors": str(table)}
    check_heads([{"sample": d, "donor": d, **files} for d in ("D1", "D2")], set())
    loaded, facts = load(tmp_path, gex, donors=table, donor="D2")
    assert list(loaded.cells["barcode"]) == cells[10:25]
    assert np.array_equal(loaded.matrix.toarray(), made.counts()[10:25])
    assert facts["n_other_donors"] == 15


def test_receptors_of_a_library_without_matrix_are_split_too(tmp_path):
    import read_receptors
    from immune_reset import text_files

    cells, _, _ = multiplexed(tmp_path)
    table = text_files.table(made.contigs(tmp_path / "b.csv", cells))
    options = {"min_umis": 1, "productive_only": True, "high_confidence_only": True}
    chains, _, facts = read_receptors.build_receptors(
        {"BCR": (table, "b.csv")}, sample="S", donor=set(cells[:10]), **options
    )
    assert set(chains["cell_id"]) == {f"S:{c}" for c in cells[:10]}
    assert facts["BCR"]["other_donor"] == 40


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("barcode\tdonor\nX\tD9\n", r"no barcode is assigned to 'D1' \(found: D9\)"),
        ("barcode\twho\nX\tD1\n", "no column 'donor'"),
        ("barcode\tdonor\nX\tD1\nX\tD2\n", "'X' is assigned to two donors"),
        ("barcode\tdonor\nTTTTTTTTTTTTTTTT-9\tD1\n", "none of its first 1 barcodes"),
    ],
)
def test_a_table_of_donors_that_cannot_be_used_is_refused(tmp_path, text, words):
    _, _, gex = multiplexed(tmp_path)
    table = made.put(tmp_path / "bad.tsv", text)
    row = {"sample": "S", "gex": str(gex), "donors": str(table), "donor": "D1"}
    with pytest.raises(InputError, match=rf"bad\.tsv: .*{words}"):
        heads.check_heads([row], set())
