"""The ledger of a patient's clones, contamination, returns, and the baseline group."""

import numpy as np
import pandas as pd
import pytest
from unit import repertoire_data as made

import track_clones as script
from immune_reset import ledger, tables

TIMES = ("pre", "m1", "m3")


def tracked(frame, *, times=("pre", "post"), shared=made.SHARED, receptor="TCR", **options):
    plan = made.design(timepoints=times, without=options.pop("without", ()))
    clones = ledger.describe(frame, None, shared, design=plan)
    options = {"min_cells": 3, "fdr": 0.05} | options
    found = script.follow(clones, frame, design=plan, receptor=receptor, **options)
    return found.set_index(["clone_id", "comparison"])


def singles(n, times, start=1000):
    """Return n clones of one cell at each of the times, to fill the repertoire."""
    rows = {}
    for k, time in enumerate(times):
        rows |= {start * (k + 1) + i: {time: 1} for i in range(n)}
    return rows


def shared_with(clone):
    row = {"receptor": "TCR", "locus": "TRB", "v_call": "TRBV9", "j_call": "", "junction": clone}
    return pd.DataFrame([row]).astype("string")


def test_one_row_per_clone_and_comparison_with_its_counts():
    counts = {1: {"pre": 30, "post": 2}, 2: {"pre": 20}, 3: {"pre": 1}, 4: {"post": 25}}
    found = tracked(made.clonotypes(counts | singles(50, ("pre", "post"))))
    assert len(found) == 104
    row = found.loc[("P1:TCR:1", "post vs pre")]
    assert (row["n_baseline"], row["n_followup"]) == (30, 2)
    assert (row["total_baseline"], row["total_followup"]) == (101, 77)
    fates = [found.loc[(f"P1:TCR:{i}", "post vs pre"), "fate"] for i in (1, 2, 3, 4)]
    assert fates == ["contracted", "eradicated", "too few to test", "new"]
    assert found.loc[("P1:TCR:2", "post vs pre"), "text"] == (
        "20 of 101 cells at baseline, 0 of 77 now: not found although expected at an unchanged "
        "share; share now below 3.8 %"
    )
    assert found.loc[("P1:TCR:1001", "post vs pre"), "p_value"] is not None
    assert np.isnan(found.loc[("P1:TCR:1001", "post vs pre"), "p_value"])


def test_a_clone_that_was_eradicated_and_is_back_has_returned():
    counts = {1: {"pre": 20, "m3": 9}, 2: {"pre": 2, "m3": 4}} | singles(80, TIMES)
    found = tracked(made.clonotypes(counts), times=TIMES)
    assert found.loc[("P1:TCR:1", "m1 vs pre"), "fate"] == "eradicated"
    row = found.loc[("P1:TCR:1", "m3 vs pre")]
    assert (row["fate"], row["not_seen_at"]) == ("returned", "m1 (0 of 80)")
    assert "not seen at m1 (0 of 80)" in row["text"]
    row = found.loc[("P1:TCR:2", "m3 vs pre")]
    assert (row["fate"], row["not_seen_at"]) == ("stable", "m1 (0 of 80)")


def depleted(with_t_cells):
    b_cells = made.clonotypes(
        {1: {"pre": 25, "m3": 12}, 2: {"pre": 3, "m3": 3}} | singles(60, ("pre", "m3")),
        receptor="BCR",
    )
    t_cells = made.clonotypes(singles(150, TIMES))
    return pd.concat([b_cells, t_cells]) if with_t_cells else b_cells


def test_a_b_cell_clone_is_back_when_all_b_cells_had_gone():
    """Of no B cells a share cannot be told, of all T and B cells it can."""
    found = tracked(depleted(True), times=TIMES, receptor="BCR")
    gone = found.loc[("P1:BCR:1", "m1 vs pre")]
    assert (gone["fate"], gone["detection_limit"], gone["gone_of_all"]) == (
        "below detection",
        1,
        True,
    )
    assert found.loc[("P1:BCR:1", "m3 vs pre"), "fate"] == "returned"
    assert found.loc[("P1:BCR:2", "m3 vs pre"), "fate"] == "stable"


@pytest.mark.parametrize("lost", ["tcr", "bcr"])
def test_without_the_other_receptor_or_the_file_nothing_is_shown_absent(lost):
    frame = depleted(lost == "bcr")
    found = tracked(frame, times=TIMES, receptor="BCR", without=[("P1_m1", lost)])
    assert found.loc[("P1:BCR:1", "m3 vs pre"), "fate"] == "stable"
    assert (("P1:BCR:1", "m1 vs pre") in found.index) == (lost == "tcr")


def test_one_cell_of_one_umi_is_possible_contamination():
    frame = made.clonotypes(
        {1: {"pre": 60, "post": 1}, 2: {"pre": 60, "post": 1}} | singles(90, ("post",))
    )
    lone = (frame["clone_id"] == "P1:TCR:1") & (frame["timepoint"] == "post")
    found = tracked(frame.assign(umi_count=frame["umi_count"].where(~lone, 1)))
    first, second = (found.loc[(f"P1:TCR:{i}", "post vs pre")] for i in (1, 2))
    assert (first["fate"], first["flag"]) == ("below detection", "possible contamination")
    assert (second["fate"], second["flag"]) == ("contracted", "")


def test_a_clone_of_another_patient_is_flagged_and_few_cells_of_it_do_not_count():
    counts = {1: {"pre": 40, "post": 2}, 2: {"pre": 40, "post": 40}} | singles(60, ("pre", "post"))
    frame = made.clonotypes(counts)
    for clone, fate in ((1, "below detection"), (2, "stable")):
        found = tracked(frame, shared=shared_with(f"TGT{clone}"))
        row = found.loc[(f"P1:TCR:{clone}", "post vs pre")]
        assert (row["fate"], row["flag"]) == (fate, "possible contamination")
    assert tracked(frame)["flag"].eq("").all()


def test_the_ledger_tells_what_is_known_of_a_clone():
    frame = made.clonotypes({1: {"pre": 4}, 2: {"post": 1}}, receptor="BCR", v_call="IGHV4-34")
    frame["c_call"] = pd.array(["IGHG1", "IGHM", "IGHG1", None, "IGHA1"], dtype="string")
    labels = frame[["cell_id"]].assign(cell_subtype=["plasmablast"] * 3 + ["memory B", "naive B"])
    plan = made.design(without=[("P1_post", "tcr")])
    clones = ledger.describe(frame, labels, made.SHARED, design=plan).set_index("clone_id")
    row = clones.loc["P1:BCR:1"]
    assert (row["isotypes"], row["cell_subtypes"]) == ("IGHG1:2;IGHM:1", "plasmablast:3;memory B:1")
    assert (row["n_pre"], row["n_post"], row["n_cells"]) == (4, 0, 4)
    assert row["ighv4_34"]
    assert not row["shared"]


def test_a_timepoint_that_was_not_sequenced_is_missing_and_not_zero():
    frame = pd.concat(
        [made.clonotypes({1: {"pre": 4}}, receptor="BCR"), made.clonotypes({1: {"post": 2}})]
    )
    plan = made.design(without=[("P1_post", "bcr")])
    clones = ledger.describe(frame, None, made.SHARED, design=plan).set_index("clone_id")
    assert pd.isna(clones.loc["P1:BCR:1", "n_post"])
    assert (clones.loc["P1:TCR:1", "n_pre"], clones.loc["P1:TCR:1", "n_post"]) == (0, 2)


def test_the_group_of_expanded_clones():
    counts = {1: {"pre": 13}, 2: {"pre": 3, "post": 1}} | singles(112, ("pre", "post"))
    plan = made.design()
    clones = ledger.describe(made.clonotypes(counts), None, made.SHARED, design=plan)
    rows = script.follow_group(clones, design=plan, receptor="TCR", expanded_min_cells=3)
    row = rows.iloc[0]
    assert (row["n_clones"], row["n_baseline"], row["n_followup"]) == (2, 16, 1)
    assert (row["total_baseline"], row["total_followup"]) == (128, 113)
    assert row["share_baseline"] == pytest.approx(13 / 128)
    assert row["share_followup"] == pytest.approx(1 / 113)
    assert row["ci_high"] < 0


@pytest.mark.parametrize("frame", [made.clonotypes({}), made.clonotypes({1: {"pre": 5}})])
@pytest.mark.parametrize("baseline", ["pre", None])
def test_main_writes_its_tables_for_sparse_patients(tmp_path, frame, baseline):
    plan = made.design() | {"baseline": baseline}
    tables.write(frame, tmp_path / "clonotypes.parquet")
    tables.write(made.SHARED, tmp_path / "shared.parquet")
    inputs = {name: tmp_path / f"{name}.parquet" for name in ("clonotypes", "shared")}
    names = ("clones", "fates", "returned", "group")
    outputs = {name: tmp_path / f"{name}.parquet" for name in names}
    script.main(made.job(inputs, outputs, design=plan))
    clones, found, group = (tables.read(outputs[n]) for n in ("clones", "fates", "group"))
    assert {"patient", "clone_id", "n_pre", "n_post"} <= set(clones)
    assert list(found.columns) == list(script.FATE_TYPES)
    assert len(group) == (2 if baseline else 0)
    assert len(found) == (1 if baseline and len(frame) else 0)


def real_fates(real_data, cohort, patient, tmp_path):
    """Return the tested clones of a real patient by V gene, and its groups by receptor."""
    frame, _ = made.real_patient(real_data, cohort, patient, tmp_path)
    plan = made.design(patient)
    clones = ledger.describe(frame, None, made.SHARED, design=plan)
    found = [tracked_of(clones, frame, plan, receptor) for receptor in ledger.RECEPTORS]
    group = [
        script.follow_group(clones, design=plan, receptor=receptor, expanded_min_cells=3)
        for receptor in ledger.RECEPTORS
    ]
    fates = pd.concat(found)
    tested = fates[fates["fate"] != "too few to test"].sort_values("n_baseline", ascending=False)
    return tested, pd.concat(group).set_index("receptor")


def tracked_of(clones, frame, plan, receptor):
    options = {"design": plan, "receptor": receptor, "min_cells": 3, "fdr": 0.05}
    return script.follow(clones, frame, **options)


@pytest.mark.real_data
def test_planted_fates_of_the_hybrid_cohort(real_data, tmp_path):
    tested, group = real_fates(real_data, "hybrid_cohort", "P1", tmp_path)
    changed = tested[~tested["fate"].isin(["stable", "below detection"])]
    assert list(zip(changed["v_call"], changed["fate"], strict=True)) == [
        ("TRBV3-1", "expanded"),
        ("IGHV4-39", "eradicated"),
    ]
    assert group.loc["BCR", "ci_high"] < 0
    assert group.loc["TCR", "ci_low"] < 0 < group.loc["TCR", "ci_high"]
    tested, group = real_fates(real_data, "hybrid_cohort", "P2", tmp_path)
    fates = dict(zip(tested["v_call"], tested["fate"], strict=True))
    assert (fates["TRBV10-2"], fates["TRBV6-5"]) == ("eradicated", "new")
    assert fates["IGHV1-69-2"] == "below detection"
    assert group.loc["TCR", "ci_high"] < 0


@pytest.mark.real_data
def test_nothing_changes_in_the_null_cohort(real_data, tmp_path):
    tested, group = real_fates(real_data, "null_cohort", "N1", tmp_path)
    assert set(tested["fate"]) <= {"stable", "below detection"}
    assert all(status != "estimable" for status in group["status"])
