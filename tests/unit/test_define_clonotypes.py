"""Clonotypes by hand, against brute force, against scirpy, and on real cells."""

import itertools
import warnings

import numpy as np
import pandas as pd
import pytest
from unit import repertoire_data as made

import define_clonotypes as script
import read_receptors
from immune_reset import clone_units, clonotypes

ALPHA, OTHER_ALPHA = ("TRAV1-2", "TRAJ33", "TGTGCAGTC"), ("TRAV8-4", "TRAJ3", "TGTGCTGTG")
KAPPA, LAMBDA = ("IGKV1-39", "IGKJ1", "TGTCAA"), ("IGLV2-14", "IGLJ2", "TGCAGC")
BETA = "TGTGCCAGCAGC"


def tcr(*rows, arms="refined", sequence="nt"):
    clones, facts = script.define_tcr(made.cells(*rows), tcr_arms=arms, tcr_sequence=sequence)
    return partition(clones), facts


def bcr(*rows, distance=0.15, light="where_present"):
    cells = made.cells(*rows)
    clones, facts = script.define_bcr(cells, bcr_max_distance=distance, light_chain=light)
    return partition(clones), facts


def partition(clones):
    """Return clones named by their first cell: (0, 0, 2) has cells 0 and 1 together."""
    first = {}
    return tuple(first.setdefault(clone, i) for i, clone in enumerate(clones))


def t(name, vj=None, vdj=BETA, **more):
    return made.cell(name, vdj, vj, **more)


def b(name, vdj, vj=None, **more):
    return made.cell(name, vdj, vj, receptor="BCR", **more)


# --- T cells -------------------------------------------------------------------------------------


def test_t_cells_share_v_gene_and_junction_refined_by_alpha_where_both_have_one():
    rows = [t("a", ALPHA), t("b", ALPHA), t("c", OTHER_ALPHA), t("d", ALPHA, v="TRBV5-1")]
    rows.append(t("e", ALPHA, vdj="TGTGCCAGCAGT"))
    assert tcr(*rows)[0] == (0, 0, 2, 3, 4)
    assert tcr(*rows, arms="beta")[0] == (0, 0, 0, 3, 4)
    assert tcr(*rows, arms="beta", sequence="aa")[0] == (0, 0, 0, 3, 0)


def test_a_cell_without_alpha_stays_with_its_family():
    """With scirpy's receptor_arms=all such cells split from it."""
    found, facts = tcr(t("a", ALPHA), t("b"), t("c"))
    assert found == (0, 0, 0)
    assert (facts["partner_inferred"], facts["partner_unclear"]) == (0, 0)
    assert tcr(t("b"), t("c"))[0] == (0, 0)


def test_a_cell_without_alpha_joins_the_clone_of_most_of_its_group_or_none():
    found, facts = tcr(t("a", ALPHA), t("b", ALPHA), t("c", OTHER_ALPHA), t("d"))
    assert found == (0, 0, 2, 0)
    assert (facts["partner_inferred"], facts["partner_unclear"]) == (1, 0)
    found, facts = tcr(t("a", ALPHA), t("b", OTHER_ALPHA), t("c"), t("d"))
    assert found == (0, 1, 2, 2)
    assert (facts["partner_inferred"], facts["partner_unclear"]) == (0, 2)


def test_two_alphas_seen_in_one_cell_are_one_clone():
    both = t("c", ALPHA, vj2=OTHER_ALPHA)
    assert tcr(t("a", ALPHA), t("b", OTHER_ALPHA), both)[0] == (0, 0, 0)
    elsewhere = t("c", ALPHA, vj2=OTHER_ALPHA, vdj="TGTGCCAGCAGT")
    assert tcr(t("a", ALPHA), t("b", OTHER_ALPHA), elsewhere)[0] == (0, 1, 2)


def test_gamma_delta_cells_have_their_own_locus():
    delta = t("b", v="TRAV29")
    delta["VDJ_1_locus"] = "TRD"
    assert tcr(t("a", v="TRAV29"), delta)[0] == (0, 1)


# --- B cells -------------------------------------------------------------------------------------

HEAVY = "TGTGCGAGAGATTACTACGGTATGGACGTCTGGGGCCAA"[:39]  # .15 of 39 are 5 mismatches


def mutated(sequence, n, start=0):
    """Return the sequence with the n bases from `start` on changed."""
    change = dict(zip("ACGT", "CGTA", strict=True))
    return "".join(change[x] if start <= i < start + n else x for i, x in enumerate(sequence))


def test_b_cells_are_linked_up_to_the_distance_and_through_each_other():
    five, six, ten = mutated(HEAVY, 5), mutated(HEAVY, 6), mutated(HEAVY, 10)
    assert bcr(b("a", HEAVY), b("b", five))[0] == (0, 0)
    assert bcr(b("a", HEAVY), b("b", six))[0] == (0, 1)
    assert bcr(b("a", HEAVY), b("b", ten), b("c", five))[0] == (0, 0, 0)
    assert bcr(b("a", HEAVY), b("b", five), distance=0.10)[0] == (0, 1)


def test_b_cell_clones_have_one_v_one_j_and_one_length():
    """scirpy#644 and dual_ir=any: clusters held several V genes and junction lengths."""
    rows = [b("a", HEAVY), b("b", HEAVY, v="IGHV1-2"), b("c", HEAVY, j="IGHJ6"), b("d", HEAVY[:36])]
    found, facts = bcr(*rows)
    assert found == (0, 1, 2, 3)
    assert facts["clones_split"] == 0


def test_light_chains_agree_where_present():
    rows = [b("a", HEAVY, KAPPA), b("b", HEAVY, LAMBDA), b("c", HEAVY, LAMBDA), b("d", HEAVY)]
    assert bcr(*rows)[0] == (0, 1, 1, 1)
    assert bcr(*rows, light="ignore")[0] == (0, 0, 0, 0)
    same_genes = ("IGKV1-39", "IGKJ1", "TGTCAATTT")
    assert bcr(b("a", HEAVY, KAPPA), b("b", HEAVY, same_genes))[0] == (0, 0)


def test_the_last_check_splits_and_counts():
    cells = pd.DataFrame({"v": list("aabb"), "length": [9, 9, 9, 9]})
    clones, split = clonotypes.split_mixed(np.array([0, 0, 0, 1]), cells, ["v", "length"])
    assert (partition(clones), split) == ((0, 0, 2, 3), 1)


def brute_force(sequences, share):
    """Single linkage over all pairs, one Python loop."""
    group = list(range(len(sequences)))
    for i, j in itertools.combinations(range(len(sequences)), 2):
        mismatches = sum(x != y for x, y in zip(sequences[i], sequences[j], strict=True))
        if mismatches <= share * len(sequences[i]) + 1e-9:
            old, new = group[j], group[i]
            group = [new if g == old else g for g in group]
    return partition(group)


@pytest.mark.parametrize("share", [0.1, 0.15, 0.2])
def test_blocks_of_distances_agree_with_brute_force(monkeypatch, share):
    monkeypatch.setattr(clonotypes, "ROWS", 7)
    monkeypatch.setattr(clonotypes, "COLUMNS", 11)
    rng = np.random.default_rng(1)
    founders = rng.choice(list("ACGT"), (20, 40))
    family = founders[rng.integers(0, 20, 80)]
    change = rng.random(family.shape) < 0.07
    family[change] = rng.choice(list("ACGTN"), change.sum())
    sequences = np.unique(["".join(row) for row in family])
    found = partition(clonotypes.hamming_components(sequences, max_distance=share))
    assert found == brute_force(list(sequences), share)
    assert 3 < len(set(found)) < len(sequences)


def test_lengths_do_not_leak_into_each_other():
    """Short junctions beside long ones are compared over their own length alone."""
    rng = np.random.default_rng(2)
    short, long = (["".join(rng.choice(list("ACGT"), n)) for _ in range(30)] for n in (21, 90))
    cells = made.cells(*(b(str(i), s) for i, s in enumerate(short + long)))
    groups = clonotypes.group_similar(
        cells, v="VDJ_1_v_call", j="VDJ_1_j_call", junction="VDJ_1_junction", max_distance=0.15
    )
    assert partition(groups) == brute_force_by_length(short + long)


def brute_force_by_length(sequences):
    found, offset = [], 0
    for _, group in itertools.groupby(sequences, key=len):
        own = list(group)
        found += [offset + g for g in brute_force(own, 0.15)]
        offset += len(own)
    return tuple(found)


def test_groups_are_those_of_scirpys_normalised_hamming():
    """scirpy rounds the distance to whole per cent: its cutoff of 15 takes all up to .155."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from scirpy.ir_dist.metrics import HammingDistanceCalculator

        rng = np.random.default_rng(3)
        founders = rng.choice(list("ACGT"), (40, 45))
        family = founders[rng.integers(0, 40, 200)]
        change = rng.random(family.shape) < 0.08
        family[change] = rng.choice(list("ACGT"), change.sum())
        sequences = np.unique(["".join(row) for row in family])
        metric = HammingDistanceCalculator(n_jobs=1, n_blocks=1, cutoff=15, normalize=True)
        near = metric.calc_dist_mat(sequences).tocoo()
    theirs = clonotypes.linked(len(sequences), near.row, near.col)
    ours = clonotypes.hamming_components(sequences, max_distance=0.15499)
    assert partition(ours) == partition(theirs)
    assert 10 < len(set(ours)) < len(sequences)


# --- cells, names, files -------------------------------------------------------------------------


def test_only_kept_cells_count_and_a_cell_without_receptor_is_no_clone():
    """scirpy#243: cells without a receptor were clonotypes of size one."""
    receptors = made.cells(t("S:a", ALPHA), t("S:b", ALPHA), t("S:lost"))
    receptors = receptors.drop(columns=["sample", "timepoint"])
    cells = pd.DataFrame({"cell_id": ["S:a", "S:b", "S:none", "S:lost"], "sample": "S"})
    cells["keep"] = [True, True, True, False]
    samples = pd.DataFrame({"sample": ["S"], "timepoint": ["pre"]})
    merged, facts = script.kept_receptors(receptors, cells, samples)
    assert list(merged["cell_id"]) == ["S:a", "S:b"]
    assert list(merged["timepoint"]) == ["pre", "pre"]
    assert facts == {
        "cells_kept": 3,
        "cells_with_receptor": 2,
        "cells_without_receptor": 1,
        "receptors_not_kept": 1,
    }


def test_cells_that_cannot_have_a_clonotype_are_counted_by_reason():
    orphan = made.cell("c", None, ALPHA)
    orphan["VDJ_1_locus"] = orphan["VDJ_1_v_call"] = orphan["VDJ_1_j_call"] = None
    unnamed = t("d")
    unnamed["VDJ_1_v_call"] = None
    multi = t("e", chain_pairing="multichain")
    b_cell = b("f", HEAVY)
    cells = made.cells(t("a", ALPHA), t("b"), orphan, unnamed, multi, b_cell)
    options = {"receptor": "TCR", "sequence": "junction"}
    units, lost = script.usable(cells, **options, partner_required=False)
    assert list(units["cell_id"]) == ["a", "b"]
    assert lost == {
        "cells": 5,
        "multichain": 1,
        "no_vdj_chain": 1,
        "incomplete_vdj_chain": 1,
        "no_vj_chain": 0,
    }
    units, lost = script.usable(cells, **options, partner_required=True)
    assert list(units["cell_id"]) == ["a"]
    assert lost["no_vj_chain"] == 1


def test_clone_names_depend_on_the_cells_and_not_on_their_order():
    rng = np.random.default_rng(0)
    rows = [t(f"{i:03}", vdj="TGT" + str(k)) for i, k in enumerate(rng.integers(0, 12, 60))]
    named = []
    for order in (range(60), rng.permutation(60)):
        cells = made.cells(*(rows[i] for i in order))
        clones, _ = script.define_tcr(cells, tcr_arms="refined", tcr_sequence="nt")
        table = script.tabulate(cells, clones, patient="P1", receptor="TCR")
        named.append(table.sort_values("cell_id").reset_index(drop=True))
    pd.testing.assert_frame_equal(*named)
    sizes = named[0]["clone_id"].value_counts()
    assert list(sizes[[f"P1:TCR:{i}" for i in range(1, len(sizes) + 1)]]) == sorted(sizes)[::-1]


def empty_receptors():
    options = {"min_umis": 1, "productive_only": True, "high_confidence_only": True}
    return read_receptors.build_receptors({}, sample="P1_pre", **options)[1]


def test_a_patient_without_any_receptor_has_an_empty_table(tmp_path):
    cells = pd.DataFrame({"cell_id": ["P1_pre:a"], "sample": ["P1_pre"], "keep": [True]})
    table, facts = made.define(tmp_path, empty_receptors(), cells, made.design())
    assert list(table.columns) == script.COLUMNS
    assert len(table) == 0
    assert facts["cells_without_receptor"] == 1


@pytest.mark.real_data
def test_planted_clones_of_the_hybrid_cohort(real_data, tmp_path):
    planted = pd.read_csv(real_data / "hybrid_cohort/planted_clones.tsv", sep="\t")
    expected = {"IGHV4-39": (10, 0), "TRBV3-1": (14, 35), "TRBV10-2": (13, 0), "IGHV1-69-2": (4, 0)}
    for patient in ("P1", "P2"):
        folder = tmp_path / patient
        folder.mkdir()
        table, facts = made.real_patient(real_data, "hybrid_cohort", patient, folder)
        assert facts["BCR"]["clones_split"] == facts["TCR"]["clones_split"] == 0
        for row in planted[planted["sample"].str.startswith(patient)].itertuples():
            own = table[(table["v_call"] == row.v_call) & (table["junction_aa"] == row.junction_aa)]
            largest = own["clone_id"].value_counts().index[0]
            times = own.loc[own["clone_id"] == largest, "timepoint"]
            found = ((times == "pre").sum(), (times == "post").sum())
            if row.v_call in expected:
                assert found == expected[row.v_call]
            assert sum(found) >= row.cells_planted


@pytest.mark.real_data
def test_second_alphas_mend_most_of_the_splits_of_real_t_cells(real_data):
    """RCC patient P17: 65 clones split off by the primary alpha alone, 26 with the second one."""
    options = {"min_umis": 1, "productive_only": True, "high_confidence_only": True}
    frames = []
    for sample in ("P17B", "P17L"):
        path = real_data / f"rcc_tcr/{sample}.csv.gz"
        files = {"TCR": (pd.read_csv(path, dtype=str, keep_default_na=False), str(path))}
        frames.append(read_receptors.build_receptors(files, sample=sample, **options)[1])
    cells = pd.concat(frames, ignore_index=True)
    units, _ = script.usable(cells, receptor="TCR", sequence="junction", partner_required=False)
    beta, _ = script.define_tcr(units, tcr_arms="beta", tcr_sequence="nt")
    first = clone_units.partner_key(units, "VJ_1", ("v_call", "junction"))
    alone, _ = clonotypes.divide_by_partner(beta, first)
    refined, _ = script.define_tcr(units, tcr_arms="refined", tcr_sequence="nt")
    assert [len(set(x)) for x in (beta, alone, refined)] == [2347, 2412, 2373]
