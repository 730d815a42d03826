"""Contig tables of several kinds, the receptor model against scirpy's own, and bad input."""

import gzip
import logging
import warnings

import numpy as np
import pandas as pd
import pytest
from unit import repertoire_data as made

import read_receptors
from immune_reset import contigs, receptor_model, text_files
from immune_reset.errors import InputError

OPTIONS = {"min_umis": 1, "productive_only": True, "high_confidence_only": True}


def build(**given):
    options = {**OPTIONS, **{key: given.pop(key) for key in list(given) if key in OPTIONS}}
    files = {receptor: (table, f"{receptor}.csv") for receptor, table in given.items()}
    return read_receptors.build_receptors(files, sample="S1", **options)


def pair(cell="A", umis=5):
    return [
        made.contig(cell, 1, "TRA", "TGTGCAGTC", umis=umis),
        made.contig(cell, 2, "TRB", "TGTGCCAGCAGC", umis=umis),
    ]


def only(receptors):
    assert len(receptors) == 1
    return receptors.iloc[0]


# --- forms of the tables -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("true", "false", "missing"),
    [("True", "False", "None"), ("TRUE", "FALSE", ""), ("true", "false", "nan")],
)
def test_the_words_of_every_cell_ranger_version_are_read(true, false, missing):
    table = made.contigs(*pair(), made.contig("A", 3, "TRA", "TGTTTT", productive=false, umis=9))
    table = table.replace({"True": true, "False": false, "None": missing})
    chains, receptors, facts = build(TCR=table)
    assert facts["TCR"]["not_productive"] == 1
    assert chains["d_call"].isna().all()
    row = only(receptors)
    assert (row["chain_pairing"], row["VJ_1_junction"]) == ("single pair", "TGTGCAGTC")
    assert (row["VDJ_1_umi_count"], row["receptor_type"]) == (5, "TCR")


def test_further_columns_of_later_versions_and_a_missing_d_gene_do_no_harm():
    table = made.contigs(*pair()).drop(columns="d_gene").assign(fwr1="X", exact_subclonotype_id="1")
    assert only(build(TCR=table)[1])["chain_pairing"] == "single pair"


def test_contigs_outside_cells_multi_chains_and_chains_without_cdr3_are_left_out_and_counted():
    table = made.contigs(
        *pair(),
        made.contig("B", 1, "TRB", "TGTGCC", is_cell=False),
        made.contig("C", 1, "Multi", "TGTGCC"),
        made.contig("D", 1, "TRB", "TGTGCC", high_confidence=False),
        made.contig("E", 1, "TRB", "TGTGCC", cdr3="None"),
        made.contig("F", 1, "TRB", "TGTGCC", umis=1),
        made.contig("G", 1, "IGK", "TGTGCC"),
    )
    facts = build(TCR=table, min_umis=2)[2]["TCR"]
    lost = ("not_a_cell", "no_locus", "low_confidence", "no_junction", "few_umis", "other_receptor")
    assert [facts[reason] for reason in lost] == [1] * 6
    assert facts["contigs"] == facts["accepted"] + 6 == 8


def airr(**changes):
    rows = {
        "cell_id": ["A", "A"],
        "sequence_id": ["A_1", "A_2"],
        "v_call": ["IGHV4-34*01,IGHV4-34*02", "IGKV1-33*01,IGKV1D-33*01"],
        "j_call": ["IGHJ4*02", "IGKJ5*01"],
        "c_call": ["IGHG1*01", ""],
        "junction": ["TGTGCGAGA", "tgtcaa"],
        "junction_aa": ["CAR", "CQ"],
        "productive": ["T", "T"],
        "duplicate_count": ["7", "3"],
        "consensus_count": ["70", "30"],
        "v_identity": ["97.5", "100"],
    }
    return pd.DataFrame({**rows, **changes})


def test_airr_loses_alleles_in_receptors_and_keeps_them_in_chains():
    """scirpy#561: alleles and comma lists split clones."""
    chains, receptors, _ = build(BCR=airr())
    row = only(receptors)
    assert (row["VDJ_1_v_call"], row["VJ_1_v_call"]) == ("IGHV4-34", "IGKV1-33")
    assert (row["VDJ_1_c_call"], row["VDJ_1_umi_count"]) == ("IGHG1", 7)
    assert row["VDJ_1_v_identity"] == pytest.approx(0.975)
    assert row["VJ_1_junction"] == "TGTCAA"
    assert chains["v_call"][0] == "IGHV4-34*01,IGHV4-34*02"
    assert pd.isna(chains["c_call"][1])


def test_v_identity_is_a_share_or_a_percentage():
    share = build(BCR=airr(v_identity=["0.975", ""]))[0]["v_identity"]
    assert share[0] == pytest.approx(0.975)
    assert np.isnan(share[1])


def test_chains_without_umi_counts_are_not_judged_by_them():
    chains, receptors, _ = build(BCR=airr().drop(columns="duplicate_count"), min_umis=5)
    assert chains["umi_count"].isna().all()
    assert only(receptors)["chain_pairing"] == "single pair"


def test_the_locus_follows_from_the_genes_and_the_j_gene_decides():
    v = pd.Series(["TRAV29/DV5", "TRAV29/DV5", "IGHV1-2", None, "TRBV9", None], dtype=object)
    j = pd.Series(["TRAJ3", "TRDJ1", None, "IGKJ1", "TRAJ3", None], dtype=object)
    expected = ["TRA", "TRD", "IGH", "IGK", None, None]
    assert list(contigs.locus_of_genes(v, j).where(lambda s: s.notna(), None)) == expected


def test_one_file_for_both_receptors_can_be_given_twice():
    both = made.contigs(*pair(), made.contig("B", 1, "IGH", "TGTGCGAGA"))
    chains, receptors, facts = build(BCR=both, TCR=both)
    assert facts["BCR"]["other_receptor"] == 2
    assert len(chains) == 3
    assert sorted(receptors["receptor_type"]) == ["BCR", "TCR"]


def test_names_are_unique_over_both_libraries():
    chains, _, _ = build(
        BCR=made.contigs(made.contig("A", 1, "IGH", "TGT")), TCR=made.contigs(*pair())
    )
    assert chains["sequence_id"].is_unique
    assert set(chains["sequence_id"]) == {"S1:A_contig_1_IGH", "S1:A_contig_1_TRA", "S1:A_contig_2"}
    assert set(chains["cell_id"]) == {"S1:A"}


@pytest.mark.parametrize("given", [{}, {"BCR": made.contigs()}])
def test_no_file_and_a_header_alone_are_normal_and_keep_their_types(given):
    chains, receptors, facts = build(**given)
    filled, more, _ = build(TCR=made.contigs(*pair()))
    assert len(chains) == len(receptors) == facts["cells"] == 0
    assert dict(chains.dtypes) == dict(filled.dtypes)
    assert dict(receptors.dtypes) == dict(more.dtypes)


# --- the receptor model --------------------------------------------------------------------------


def test_a_cell_with_both_receptors_is_ambiguous_and_keeps_both():
    _, receptors, _ = build(
        BCR=made.contigs(made.contig("A", 1, "IGH", "TGTGCG")),
        TCR=made.contigs(made.contig("A", 1, "TRB", "TGTGCC", umis=9)),
    )
    row = only(receptors)
    assert (row["receptor_type"], row["chain_pairing"]) == ("ambiguous", "ambiguous")
    assert (row["VDJ_1_locus"], row["VDJ_2_locus"]) == ("TRB", "IGH")


def test_two_alpha_chains_are_kept_and_three_are_multichain():
    two = [*pair(), made.contig("A", 3, "TRA", "TGTTTT", umis=9)]
    row = only(build(TCR=made.contigs(*two))[1])
    assert (row["chain_pairing"], row["VJ_1_junction"]) == ("extra VJ", "TGTTTT")
    assert row["VJ_2_junction"] == "TGTGCAGTC"
    three = [*two, made.contig("A", 4, "TRA", "TGTCCC", umis=1)]
    row = only(build(TCR=made.contigs(*three))[1])
    assert (row["chain_pairing"], row["receptor_type"]) == ("multichain", "TCR")


def random_contigs(n_cells, loci, seed):
    rng = np.random.default_rng(seed)
    rows = []
    for i in range(n_cells):
        for number in range(rng.integers(1, 6)):
            junction = "".join(rng.choice(list("ACGT"), 12))
            flags = {"umis": rng.integers(1, 4), "reads": rng.integers(1, 3)}
            flags["productive"] = rng.random() > 0.1
            rows.append(made.contig(f"C{i}", number, rng.choice(loci), junction, **flags))
    return made.contigs(*rows)


def same_as_scirpy(path, table, receptor):
    """Hold chain categories and chosen chains of one file against scirpy's own."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import scirpy

        logging.getLogger("scanpy").setLevel(logging.ERROR)
        read = scirpy.io.read_10x_vdj if ".csv" in path.name else scirpy.io.read_airr
        data = read(path)
        scirpy.pp.index_chains(data)
        scirpy.tl.chain_qc(data)
        theirs = data.obs[data.obs["chain_pairing"] != "no IR"].astype(str)
        chosen = scirpy.get.airr(data, ["junction", "locus"], list(receptor_model.SLOTS))
    files = {receptor: (table, str(path))}
    options = {**OPTIONS, "min_umis": 0}
    _, ours, _ = read_receptors.build_receptors(files, sample="S", **options)
    ours = ours.set_index(ours["cell_id"].astype(object).str[2:].rename(None))
    assert set(ours.index) == set(theirs.index)
    ours, chosen = ours.loc[theirs.index], chosen.loc[theirs.index].astype(object)
    for column in ("receptor_subtype", "chain_pairing"):
        assert list(ours[column]) == list(theirs[column])
    kind = np.where(
        theirs["receptor_type"] == "multichain", ours["receptor_type"], theirs["receptor_type"]
    )
    assert list(ours["receptor_type"]) == list(kind)
    for column in chosen:
        assert list(ours[column].fillna("-")) == list(chosen[column].fillna("-"))


@pytest.mark.parametrize("seed", [0, 1])
def test_categories_and_chains_are_scirpys(tmp_path, seed):
    loci = (["TRA", "TRB", "TRG", "TRD"], ["IGH", "IGK", "IGL"])[seed]
    table = random_contigs(300, loci, seed)
    path = tmp_path / "contigs.csv"
    table.to_csv(path, index=False)
    same_as_scirpy(path, table, ("TCR", "BCR")[seed])


def scirpys_own(name):
    import importlib.util
    from pathlib import Path

    return Path(importlib.util.find_spec("scirpy").origin).parent / "tests/data" / name


@pytest.mark.parametrize(
    ("name", "receptor"),
    [
        ("10x/vdj_nextgem_hs_pbmc3_t_filtered_contig_annotations.csv.gz", "TCR"),
        ("10x/10k_BMMNC_5pv2_nextgem_Multiplex_vdj_t_all_contig_annotations_small.csv", "TCR"),
        ("airr/rearrangement_ig.tsv", "BCR"),
        ("airr/issue_625.tsv", "BCR"),
        ("airr/tra_issue_280.tsv", "TCR"),
    ],
)
def test_real_contigs_of_the_scirpy_wheel_read_as_scirpy_reads_them(name, receptor):
    path = scirpys_own(name)
    same_as_scirpy(path, text_files.table(path), receptor)


@pytest.mark.real_data
@pytest.mark.parametrize(
    "name",
    ["rcc_tcr/P18L.csv.gz", "hybrid_cohort/P1_pre/vdj_b_filtered_contig_annotations.csv"],
)
def test_real_contigs_read_as_scirpy_reads_them(real_data, name):
    path = real_data / name
    receptor = "TCR" if "tcr" in name else "BCR"
    same_as_scirpy(path, pd.read_csv(path, dtype=str, keep_default_na=False), receptor)


# --- bad input -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("table", "words"),
    [
        (
            made.contigs(*pair()).drop(columns="cdr3_nt"),
            "column 'cdr3_nt' missing .*found: barcode",
        ),
        (airr().drop(columns=["junction", "v_call"]), "columns 'v_call', 'junction' missing"),
        (made.contigs(*pair()).assign(umis="many"), "'umis'|'umi_count' holds 'many'"),
        (made.contigs(*pair()).assign(productive="maybe"), "'productive' holds 'maybe'"),
        (made.contigs(*pair(), *pair()), "'A_contig_1' is there more than once"),
        (airr(cell_id=["", ""]), "none of its 2 contigs has a barcode"),
        (
            made.contigs(made.contig("A", 1, "IGH", "TGT")),
            "given as TCR, but all its chains are BCR",
        ),
    ],
)
def test_a_bad_table_is_refused_with_its_name_and_the_mend(table, words):
    with pytest.raises(InputError, match=f"^TCR.csv: .*({words}).*\\."):
        build(TCR=table)


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("empty.csv", b"", "empty, without even a header"),
        (
            "cut.csv.gz",
            gzip.compress(b"barcode,contig_id\n" * 999)[:40],
            "compressed file is broken",
        ),
        ("plain.csv.gz", b"barcode,contig_id\n", "compressed file is broken"),
        ("binary.csv", b"\x89HDF\xff\xfe\x00\x80barcode", "this is no table"),
        (
            "html.csv",
            b"barcode\n1,2,3\n1,2,3,4,5\n",
            "this is no table|missing|3 cells under 1 columns",
        ),
    ],
)
def test_an_unreadable_file_is_said_in_one_line(tmp_path, name, content, words):
    path = tmp_path / name
    path.write_bytes(content)
    outputs = {key: tmp_path / f"{key}.parquet" for key in ("chains", "receptors", "facts")}
    with pytest.raises(InputError, match=f"{name}.*: .*({words})"):
        read_receptors.main(made.job({"tcr": str(path)}, outputs, wildcards={"sample": "S1"}))
    assert not any(output.exists() for output in outputs.values())


def test_main_writes_its_three_files(tmp_path):
    path = tmp_path / "contigs.csv.gz"
    made.contigs(*pair()).to_csv(path, index=False)
    outputs = {key: tmp_path / f"{key}.parquet" for key in ("chains", "receptors", "facts")}
    read_receptors.main(made.job({"tcr": str(path)}, outputs, wildcards={"sample": "S1"}))
    assert len(pd.read_parquet(outputs["chains"])) == 2
    assert only(pd.read_parquet(outputs["receptors"]))["cell_id"] == "S1:A"
