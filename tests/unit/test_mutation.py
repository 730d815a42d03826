"""V identity from alignment columns, by hand and against scirpy's count of mismatches."""

import numpy as np
import pandas as pd
import pytest

from immune_reset import contigs, mutation

# IMGT gaps, an N, a deletion and three mismatches (at 4, 10 and 14, from 1), two in the V part
GERMLINE = "ACGTAC...GTANACGTTT"
SEQUENCE = "ACGAAC...CTACA-GATT"


def text(**columns):
    return pd.DataFrame({name: pd.Series(values, dtype=str) for name, values in columns.items()})


def test_mismatches_by_hand():
    pairs = (
        pd.Series([SEQUENCE, "ACGT", "", "nnac", "ACGT"]),
        pd.Series([GERMLINE, "ACG", "", "ccag", None]),
    )
    mismatches, compared = mutation.count_mismatches(*pairs)
    # of 19: 3 gaps of IMGT, 1 N in the germline, 1 deletion; left: 14, of which 3 differ
    assert list(mismatches) == [3, 0, 0, 1, 0]
    assert list(compared) == [14, 0, 0, 2, 0]


def test_the_v_pair_comes_first_and_the_whole_alignment_second():
    table = text(
        v_sequence_alignment=["ACGA", "", "", ""],
        v_germline_alignment=["ACGT", "", "", ""],
        sequence_alignment=["ACGTTTTT", "ACGTACAA", "ACGTACAA", "ACGTACAA"],
        germline_alignment=["ACGTTTTT", "ACCTACGG", "ACCTACGG", "ACCTACG"],
        v_alignment_start=["1", "1", "2", "1"],
        v_alignment_end=["4", "6", "3", "6"],
    )
    found = mutation.v_identity(table)
    # the third: CG against CC; the fourth has sides of different lengths
    assert list(found[:3]) == pytest.approx([3 / 4, 5 / 6, 1 / 2])
    assert np.isnan(found[3])


def test_without_the_end_of_v_only_imgt_gaps_tell_where_it_is():
    v = "A" * 300 + "." * 12
    table = text(
        sequence_alignment=["C" * 3 + v[3:] + "GGGG", "A" * 312 + "GGGG"],
        germline_alignment=[v + "CCCC", "A" * 312 + "CCCC"],
    )
    found = mutation.v_identity(table)
    assert found[0] == pytest.approx(297 / 300)  # what follows position 312 is not counted
    assert np.isnan(found[1])


def test_a_masked_d_segment_is_preferred():
    table = text(
        sequence_alignment=["ACGT.AC"],
        germline_alignment=["ACGT.GG"],
        germline_alignment_d_mask=["ACGA.NN"],
    )
    assert mutation.v_identity(table)[0] == pytest.approx(3 / 4)


def test_no_alignment_columns_is_not_available():
    assert mutation.v_identity(text(sequence=["ACGT"])).isna().all()
    assert mutation.v_identity(text(sequence_alignment=["ACGT"])).isna().all()


@pytest.mark.parametrize("name", ["rearrangement_ig", "issue_625"])
def test_cell_rangers_own_alignments_are_not_taken_for_alignments(name):
    """Its AIRR table puts the whole contig beside the whole reference, of another length."""
    import scirpy

    place = f"{scirpy.__path__[0]}/tests/data/airr/{name}.tsv"
    table = pd.read_csv(place, sep="\t", dtype=str, keep_default_na=False)
    assert mutation.v_identity(table).isna().all()


@pytest.mark.filterwarnings("ignore:Support for Awkward Arrays")
def test_the_mismatches_are_those_of_scirpy():
    """scirpy 0.22 `mutational_load`, regions v and full, on random IMGT-gapped sequences."""
    import scirpy
    from scirpy.io import AirrCell, from_airr_cells

    rng = np.random.default_rng(3)
    cells, rows = [], []
    for i in range(40):
        germline = rng.choice(list("ACGT"), 360)
        germline[rng.choice(360, 30, replace=False)] = "."
        germline[320:330] = "N"
        sequence = germline.copy()
        at = rng.choice(360, rng.integers(1, 40), replace=False)
        sequence[at] = rng.choice(list("ACGTN"), len(at))
        sequence[germline == "."] = "."
        pair = {"sequence_alignment": "".join(sequence), "germline_alignment": "".join(germline)}
        rows.append(pair)
        chain = AirrCell.empty_chain_dict() | pair
        chain |= {"locus": "IGH", "junction": "TGT" * 12, "junction_aa": "C" * 12}
        chain |= {"productive": True, "v_call": "IGHV3-23", "j_call": "IGHJ4"}
        cells.append(AirrCell(f"cell{i}"))
        cells[-1].add_chain(chain)
    adata = from_airr_cells(cells)
    scirpy.pp.index_chains(adata)
    scirpy.tl.mutational_load(adata, germline_key="germline_alignment", regions=["full", "v"])
    peer = scirpy.get.airr(adata, ["mutation_count", "v_mutation_count"], "VDJ_1")
    table = pd.DataFrame(rows)
    full, _ = mutation.count_mismatches(table["sequence_alignment"], table["germline_alignment"])
    assert list(full) == list(peer["VDJ_1_mutation_count"].astype(int))
    v, compared = mutation.count_mismatches(
        table["sequence_alignment"].str[:312], table["germline_alignment"].str[:312]
    )
    assert list(v) == list(peer["VDJ_1_v_mutation_count"].astype(int))
    assert mutation.v_identity(table).to_numpy() == pytest.approx(1 - v / compared)


def test_an_airr_table_gives_what_it_says_and_else_what_its_alignment_says():
    table = text(
        cell_id=["A-1", "B-1", "C-1"], sequence_id=["1", "2", "3"], locus=["IGH"] * 3,
        v_call=["IGHV3-23"] * 3, j_call=["IGHJ4"] * 3, junction=["TGTGCG"] * 3,
        junction_aa=["CA"] * 3, productive=["T"] * 3, v_identity=["0.9", "", ""],
        v_sequence_alignment=["ACGT", "ACGA", ""], v_germline_alignment=["ACGT", "ACGT", ""],
    )  # fmt: skip
    chains, _ = contigs.parse(table, path="x.tsv", receptor="BCR")
    assert list(chains["v_identity"][:2]) == pytest.approx([0.9, 0.75])
    assert np.isnan(chains["v_identity"][2])
