"""Gene usage, isotypes, CDR3 lengths, and overlap beside what no change would give."""

import numpy as np
import pandas as pd
import pytest
from unit import repertoire_data as made

import profile_repertoire as script
from immune_reset import overlap, tables


def test_gene_usage_by_cell_and_by_clone():
    frame = pd.concat([
        made.clonotypes({1: {"pre": 8}, 2: {"pre": 1}}),
        made.clonotypes({3: {"pre": 1}}, v_call="TRBV5-1", vj_locus="TRA", vj_v_call="TRAV1-2"),
    ], ignore_index=True)  # fmt: skip
    usage = script.gene_usage(frame, patient="P1").set_index(["locus", "v_call"])
    row = usage.loc[("TRB", "TRBV9")]
    assert (row["n_cells"], row["total_cells"], row["fraction_cells"]) == (9, 10, 0.9)
    assert (row["n_clones"], row["total_clones"]) == (2, 3)
    assert row["ci_low"] == pytest.approx(0.5958, abs=1e-4)  # Wilson, 9 of 10
    assert usage.loc[("TRA", "TRAV1-2"), "total_cells"] == 1


def test_gene_usage_of_the_igg_cells():
    frame = pd.concat([
        made.clonotypes({1: {"pre": 3}}, receptor="BCR", v_call="IGHV4-34", c_call="IGHG1"),
        made.clonotypes({2: {"pre": 1}}, receptor="BCR", c_call="IGHG3"),
        made.clonotypes({3: {"pre": 4}}, receptor="BCR", c_call="IGHM", vj_locus="IGK",
                        vj_v_call="IGKV1-39"),
    ], ignore_index=True)  # fmt: skip
    usage = script.gene_usage(frame, patient="P1").set_index(["subset", "v_call"])
    assert usage.loc[("all", "IGHV4-34"), "fraction_cells"] == 3 / 8
    assert usage.loc[("IgG", "IGHV4-34"), "fraction_cells"] == 3 / 4
    assert usage.loc[("IgG", "IGHV4-34"), "fraction_clones"] == 1 / 2
    assert ("IgG", "IGKV1-39") not in usage.index


def test_a_receptor_that_was_not_sequenced_has_no_rows():
    frame = made.clonotypes({1: {"pre": 2, "post": 2}})
    plan = made.design(without=[("P1_post", "tcr")])
    assert set(script.sequenced(frame, plan)["timepoint"]) == {"pre"}
    assert len(script.overlaps(frame, design=plan, seed=1)) == 1  # BCR: two empty samples


def test_spectratype():
    frame = made.clonotypes({1: {"pre": 3}, 2: {"pre": 1}})
    frame.loc[3, "junction_aa"] = "CASSFF"
    lengths = script.junction_lengths(frame, patient="P1").set_index("length")
    assert list(lengths["n_cells"]) == [3, 1]
    assert list(lengths["fraction_clones"]) == [0.5, 0.5]


def test_overlap_measures_by_hand():
    x, y = np.array([3, 1, 0]), np.array([1, 0, 1])
    assert overlap.jaccard(x, y) == pytest.approx(1 / 3)
    expected = 2 * (0.75 * 0.5) / (0.75**2 + 0.25**2 + 0.5)
    assert overlap.morisita_horn(x, y) == pytest.approx(expected)
    assert overlap.morisita_horn(x, 5 * x) == pytest.approx(1)


def test_overlap_of_an_unchanged_repertoire_is_what_no_change_would_give():
    rng = np.random.default_rng(4)
    shares = rng.dirichlet(np.full(300, 0.3))
    inside = 0
    for seed in range(20):
        x, y = rng.multinomial(600, shares), rng.multinomial(100, shares)
        row = overlap.compare(x, y, seed=seed)
        assert (row["m_baseline"], row["m_followup"]) == (500, 100)
        inside += row["jaccard_low"] <= row["jaccard_at_m"] <= row["jaccard_high"]
    assert inside >= 16
    replaced = np.roll(np.append(y, np.zeros(300, dtype=int)), 300)
    row = overlap.compare(np.append(x, np.zeros(300, dtype=int)), replaced, seed=1)
    assert row["jaccard_at_m"] < row["jaccard_low"]


def test_the_expected_overlap_is_that_of_the_split_by_all_subsets():
    """Expected shared clones of a split, by the hypergeometric distribution."""
    from scipy.stats import hypergeom

    x = np.array([6, 4, 2] + [1] * 32)
    total, m_1 = x.sum(), 22
    row = overlap.compare(x, np.array([m_1] + [0] * 34), seed=3)
    both = sum(1 - hypergeom.pmf(0, total, k, m_1) - hypergeom.pmf(k, total, k, m_1) for k in x)
    assert row["m_followup"] == m_1
    assert row["jaccard_expected"] == pytest.approx(both / 35, abs=0.006)


@pytest.mark.parametrize(
    ("x", "y", "words"),
    [
        ([30], [30], "40 cells at baseline and 20 at follow-up would be enough"),
        ([60], [5], "40 cells at baseline"),
        ([1] * 80, [1] * 80, "two parts of the baseline itself share no clone"),
        ([0], [0], "40 cells at baseline"),
    ],
)
def test_overlap_that_cannot_be_judged_says_why(x, y, words):
    row = overlap.compare(np.array(x), np.array(y), seed=1)
    assert row["status"].startswith("not estimable: ")
    assert words in row["status"]


def run(tmp_path, frame, plan):
    tables.write(frame, tmp_path / "clonotypes.parquet")
    names = ("usage", "isotypes", "overlap", "lengths")
    outputs = {name: tmp_path / f"{name}.parquet" for name in names}
    script.main(made.job({"clonotypes": tmp_path / "clonotypes.parquet"}, outputs, design=plan))
    return {name: tables.read(outputs[name]) for name in names}


def test_main_is_repeatable_and_an_empty_patient_keeps_the_columns_and_types(tmp_path):
    counts = {i: {"pre": 3, "post": 2} for i in range(30)}
    frame = pd.concat([made.clonotypes(counts), made.clonotypes(counts, receptor="BCR")])
    first, again = (run(tmp_path, frame, made.design()) for _ in range(2))
    empty = run(tmp_path, made.clonotypes({}), made.design() | {"baseline": None})
    for name, table in first.items():
        pd.testing.assert_frame_equal(table, again[name])
        assert dict(table.dtypes) == dict(empty[name].dtypes)
    assert first["overlap"]["status"].eq("estimable").all()
