"""The diversity tables of a patient: compartments, statuses, words, and the whole script."""

import math
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from immune_reset import hill, tables
from immune_reset.compartments import common_depths, files_at, split_compartments
from immune_reset.diversity_rows import bound_words, counted, shortage
from measure_diversity import (
    CHANGE_COLUMNS,
    CURVE_COLUMNS,
    LEVEL_COLUMNS,
    draw_curves,
    main,
    measure_changes,
    measure_levels,
)

LIMITS = {"min_cells": 20, "min_repeats": 10}
CFG = {
    "diversity.min_cells": 20,
    "diversity.min_repeats": 10,
    "diversity.orders": [0, 1, 2],
    "diversity.bootstraps": 20,
    "seed": 3,
}
UNEVEN = [12, 9, 7, 5, 4, 3, 3, 2, 2, 1, 1, 1, 1, 1, 1]


def cells(timepoint, receptor, sizes, cell_type, cell_subtype, *, start=0, replicate=""):
    """One row per cell: clone `start` has sizes[0] cells, and so on."""
    sample = f"P1_{timepoint}{replicate}"
    clone = np.repeat(np.arange(len(sizes)) + start, sizes)
    return pd.DataFrame(
        {
            "cell_id": [f"{sample}:{receptor}{start}{cell_subtype}{i}" for i in range(len(clone))],
            "sample": sample,
            "timepoint": timepoint,
            "receptor": receptor,
            "clone_id": [f"P1:{receptor}:{c}" for c in clone],
            "cell_type": cell_type,
            "cell_subtype": cell_subtype,
        }
    )


def patient():
    """Memory before; 14 B cells at a month; naive at three; T cells throughout."""
    parts = [
        cells("pre", "BCR", UNEVEN, "B", "memory B"),
        cells("pre", "BCR", [1] * 30, "B", "naive B", start=100),
        cells("month_1", "BCR", [1] * 14, "B", "naive B", start=200),
        cells("month_3", "BCR", [1] * 80, "B", "naive B", start=300),
        cells("month_3", "BCR", [1] * 40, "B", "transitional B", start=400),
        cells("pre", "TCR", [8, 6] * 10, "CD8 T", "CD8 effector"),
        cells("month_1", "TCR", [8, 6] * 5, "CD8 T", "CD8 effector"),
        cells("month_3", "TCR", [4, 6] * 8, "CD4 T", "CD4 memory", start=500),
    ]
    return pd.concat(parts, ignore_index=True)


def design(**has):
    samples = [
        {"sample": f"P1_{t}", "timepoint": t, "day": d, "has_bcr": True, "has_tcr": True} | has
        for t, d in (("pre", -7), ("month_1", 30), ("month_3", 90))
    ]
    return {
        "patient": "P1",
        "baseline": "pre",
        "timepoints": ["pre", "month_1", "month_3"],
        "samples": samples,
    }


def split(frame, *, labels=True, car=None, timepoints=("pre", "month_1", "month_3")):
    own = frame[["cell_id", "cell_type", "cell_subtype"]] if labels else None
    return split_compartments(frame, own, car, timepoints=list(timepoints))


def changes_of(samples, files=None):
    files = files or dict.fromkeys([(r, t) for r, _, t in samples], True)
    comparisons = [("month_1", "pre", "month_1 vs pre"), ("month_3", "pre", "month_3 vs pre")]
    frame = measure_changes(samples, files, patient="P1", comparisons=comparisons, **LIMITS)
    return frame.set_index(["receptor", "compartment", "comparison", "measure"])


def levels_of(samples, files=None):
    files = files or dict.fromkeys([(r, t) for r, _, t in samples], True)
    return measure_levels(
        samples, files, patient="P1", orders=[0, 1, 2], seed=1, **LIMITS
    ).set_index(["receptor", "compartment", "timepoint", "q", "estimator"])


# compartments


def test_compartments_follow_labels():
    samples = split(patient())
    n = {key: a.n_cells for key, a in samples.items()}
    assert n["BCR", "all", "pre"] == sum(UNEVEN) + 30
    assert n["BCR", "memory", "pre"] == sum(UNEVEN)
    assert n["BCR", "naive", "month_3"] == 120
    assert n["BCR", "plasma", "pre"] == 0
    assert n["TCR", "CD8", "pre"] == 140
    assert n["TCR", "CD4", "pre"] == 0
    assert samples["BCR", "memory", "pre"].n_clones == len(UNEVEN)
    assert not [key for key in n if key[1] == "CAR T"]


def test_all_keeps_cells_of_any_label():
    frame = patient()
    frame.loc[frame["receptor"] == "TCR", ["cell_type", "cell_subtype"]] = ["NK", "NK"]
    samples = split(frame)
    assert samples["TCR", "all", "pre"].n_cells == 140
    assert samples["TCR", "CD8", "pre"].n_cells == 0


def test_without_labels_only_all():
    assert {key[1] for key in split(patient(), labels=False)} == {"all"}


def test_car_t_cells_from_their_own_table():
    frame = patient()
    ids = frame.loc[frame["receptor"] == "TCR", "cell_id"]
    car = pd.DataFrame({"cell_id": ids, "car": [i % 2 == 0 for i in range(len(ids))]})
    samples = split(frame, car=car)
    assert samples["TCR", "CAR T", "pre"].n_cells == 70
    assert {key[1] for key in split(frame, labels=False, car=car)} == {"all", "CAR T"}


def test_replicates_are_pooled():
    one = cells("pre", "TCR", [3, 2], "CD4 T", "CD4 memory")
    two = cells("pre", "TCR", [4, 1], "CD4 T", "CD4 memory", replicate="_b")
    samples = split(pd.concat([one, two]), timepoints=["pre"])
    assert samples["TCR", "all", "pre"].sizes.tolist() == [3, 7]


def test_patient_without_a_receptor_has_all_alone():
    samples = split(patient().query("receptor == 'TCR'"))
    assert {key[1] for key in samples if key[0] == "BCR"} == {"all"}
    assert samples["BCR", "all", "pre"].n_cells == 0


def test_common_depth_is_the_smallest_sample_that_counts():
    depths = common_depths(split(patient()), min_cells=20)
    assert depths["BCR", "all"] == 83  # not the 14 of month_1
    assert depths["TCR", "all"] == 70
    assert ("BCR", "plasma") not in depths


def test_files_of_a_timepoint_come_from_any_of_its_samples():
    own = design(has_bcr=False)
    own["samples"].append({"sample": "P1_pre_b", "timepoint": "pre", "has_bcr": True})
    files = files_at(own)
    assert files["BCR", "pre"]
    assert not files["BCR", "month_1"]
    assert files["TCR", "month_1"]


# levels


def test_levels_have_a_row_for_every_key_and_agree_with_the_functions():
    samples = split(patient())
    levels = levels_of(samples)
    assert levels.index.is_unique
    assert len(levels) == len(samples) * 9
    a = samples["BCR", "all", "pre"]
    row = levels.loc[("BCR", "all", "pre", 1, "rarefied")]
    assert row["m"] == 83
    assert row["value"] == pytest.approx(hill.rarefied(a, 1, 83))
    assert row["ci_low"] < row["value"] < row["ci_high"]
    assert row["status"] == "estimable"
    assert 0 < row["secondary_gini"] < 1
    own = levels.loc[("BCR", "all", "pre", 0, "observed")]
    assert (own["m"], own["value"]) == (a.n_cells, a.n_clones)
    assert np.isnan(own["secondary_gini"])
    assert (own["n_cells"], own["n_repeats"]) == (a.n_cells, a.n_repeats)


def test_levels_say_at_least_bound_and_not_estimable():
    levels = levels_of(split(patient()))
    at_least = levels.loc[("BCR", "all", "pre", 0, "asymptotic")]
    assert at_least["status"] == "at least"
    assert np.isnan(at_least["ci_high"])
    bound = levels.loc[("BCR", "all", "month_3", 2, "asymptotic")]
    assert bound["status"] == "bound"
    assert bound["ci_low"] > 100
    none = levels.loc[("BCR", "all", "month_1", 1, "rarefied")]
    assert none["status"] == "not estimable"
    assert np.isnan(none["value"])
    assert none["reason"] == ("month_1: 14 B cells with a receptor; 20 cells and 10 repeats needed")
    assert none["enough"] == "month_1: 20 cells and 10 repeats"


def test_no_file_is_told_from_no_cells():
    samples = split(patient().query("timepoint != 'month_1' or receptor == 'TCR'"))
    files = dict.fromkeys([(r, t) for r, _, t in samples], True)
    key = ("BCR", "all", "month_1", 1, "observed")
    assert levels_of(samples, files).loc[key, "reason"].startswith("month_1: 0 B cells")
    files["BCR", "month_1"] = False
    assert levels_of(samples, files).loc[key, "reason"] == "month_1: no V(D)J file"
    assert levels_of(samples, files).loc[key, "n_cells"] == 0


def test_one_clone_says_why_it_has_no_interval():
    samples = split(cells("pre", "TCR", [40], "CD4 T", "Treg"), timepoints=["pre"])
    row = levels_of(samples).loc[("TCR", "all", "pre", 1, "observed")]
    assert row["status"] == "not estimable"
    assert row["reason"].startswith("all cells are of one clone")


# changes


def test_change_from_a_clonal_to_a_naive_sample_is_a_bound():
    changes = changes_of(split(patient()))
    row = changes.loc[("BCR", "all", "month_3 vs pre", "bound")]
    assert row["status"] == "bound"
    assert row["bound_direction"] == "increased"
    assert row["bound_alpha"] == row["p_value"] < 0.05
    assert row["headline"]
    assert "no clone holds more than" in row["reason"]
    assert row["enough"].startswith("month_3: 10 repeats")
    assert (row["repeats_baseline"], row["repeats_followup"]) == (sum(UNEVEN) - 15, 0)


def test_estimable_change_carries_both_measures():
    changes = changes_of(split(patient()))
    d1 = changes.loc[("TCR", "all", "month_1 vs pre", "ln_D1")]
    d2 = changes.loc[("TCR", "all", "month_1 vs pre", "log_D2")]
    assert (d1["q"], d1["m"], d1["estimator"]) == (1, 70, "rarefied")
    assert d1["headline"]
    assert not d2["headline"]
    assert d1["log_ratio"] < 0 and d2["log_ratio"] < 0
    assert d1["agrees_D2"]
    assert d1["reason"] == ""


def test_too_few_cells_give_one_row_that_says_so():
    rows = changes_of(split(patient())).reset_index("measure").sort_index()
    rows = rows.loc[[("BCR", "all", "month_1 vs pre")]]
    assert rows["measure"].tolist() == ["ln_D1"]
    row = rows.iloc[0]
    assert row["status"] == "not estimable"
    assert np.isnan(row["p_value"])
    assert not row["agrees_D2"]
    assert row["reason"].startswith("month_1: 14 B cells with a receptor")
    assert (row["n_baseline"], row["n_followup"]) == (sum(UNEVEN) + 30, 14)


def test_one_headline_row_for_each_comparison():
    frame = changes_of(split(patient())).reset_index()
    head = frame[frame["headline"]]
    assert not head.duplicated(["receptor", "compartment", "comparison"]).any()
    assert len(head) == 2 * len({(r, c) for r, c, _ in split(patient())})


def test_disagreeing_d2_is_said():
    """More clones of middling size, and one that grew: D1 up, D2 down."""
    before, after = [6] * 20, [40] + [2] * 60
    frame = pd.concat(
        [
            cells("pre", "TCR", before, "CD4 T", "Treg"),
            cells("month_1", "TCR", after, "CD4 T", "Treg"),
        ]
    )
    changes = changes_of(split(frame))
    row = changes.loc[("TCR", "all", "month_1 vs pre", "ln_D1")]
    other = changes.loc[("TCR", "all", "month_1 vs pre", "log_D2")]
    assert row["log_ratio"] > 0 > other["log_ratio"]
    assert not row["agrees_D2"]


# words


def test_words_of_a_shortage():
    few = hill.abundances([1] * 40 + [2] * 3)
    said, enough = shortage(few, "month_3", "naive B cells", has_file=True, **LIMITS)
    assert said == "month_3: 46 naive B cells with a receptor and 3 repeats; 10 repeats needed"
    cells_needed = hill.cells_for_repeats(few, 10)
    assert f"about {cells_needed} cells" in enough
    plenty = hill.abundances(UNEVEN)
    assert shortage(plenty, "pre", "B cells", has_file=True, **LIMITS) == ("", "")
    assert counted(1, "B cells") == "1 B cell"


def test_words_of_a_bound_round_to_the_safe_side():
    words = bound_words(hill.abundances([1] * 200), hill.abundances(UNEVEN), "month_3", "pre")
    assert "no clone holds more than 2.4 % of the cells" in words
    assert "(D2) at least 1,811;" in words
    assert words.startswith("month_3: 0 repeats in 200 cells")


# curves and the script


def test_curves_end_at_the_sample_and_profile_at_the_common_depth():
    samples = split(patient())
    curves = draw_curves(samples, patient="P1", orders=[0, 1, 2], min_cells=20, draws=20, seed=1)
    assert list(curves.columns) == CURVE_COLUMNS
    mine = curves.query("receptor == 'BCR' and compartment == 'all' and timepoint == 'pre'")
    rarefaction = mine.query("kind == 'rarefaction' and q == 0")
    assert rarefaction["m"].iloc[[0, -1]].tolist() == [1, 83]
    assert rarefaction["value"].iloc[[0, -1]].tolist() == pytest.approx([1, 45])
    assert rarefaction["value"].is_monotonic_increasing
    profile = mine.query("kind == 'profile'")
    assert set(profile["m"]) == {83}
    assert profile["value"].is_monotonic_decreasing
    assert (curves["ci_low"] <= curves["value"]).all()
    assert "month_1" not in set(curves.query("receptor == 'BCR'")["timepoint"])


def test_other_compartments_do_not_move_a_curve():
    """Each sample's draws have a seed of their own."""
    few = {k: a for k, a in split(patient()).items() if k[:2] == ("TCR", "all")}
    options = {"patient": "P1", "orders": [1], "min_cells": 20, "draws": 20, "seed": 1}
    alone = draw_curves(few, **options)
    among = draw_curves(split(patient()), **options)
    among = among.query("receptor == 'TCR' and compartment == 'all'").reset_index(drop=True)
    pd.testing.assert_frame_equal(alone, among)


def run(tmp_path, frame, own, *, labels=True):
    frame.drop(columns=["cell_type", "cell_subtype"]).to_parquet(tmp_path / "clonotypes.parquet")
    given = {"clonotypes": tmp_path / "clonotypes.parquet"}
    if labels:
        given["labels"] = tmp_path / "labels.parquet"
        frame[["cell_id", "cell_type", "cell_subtype"]].to_parquet(given["labels"])
    names = ("diversity", "change", "curves")
    output = {name: tmp_path / f"{name}.parquet" for name in names}
    main(
        SimpleNamespace(
            input=SimpleNamespace(**given),
            output=SimpleNamespace(**output),
            params=SimpleNamespace(cfg=CFG, design=own),
            log=[str(tmp_path / "log")],
        )
    )
    return {name: pd.read_parquet(path) for name, path in output.items()}


def test_script_writes_its_tables_and_the_same_twice(tmp_path):
    first = run(tmp_path, patient(), design())
    again = run(tmp_path, patient().sample(frac=1, random_state=0), design())
    assert list(first["diversity"].columns) == LEVEL_COLUMNS
    assert list(first["change"].columns) == CHANGE_COLUMNS
    assert not set(tables.fixed_columns("diversity")) - set(LEVEL_COLUMNS)
    assert not set(tables.fixed_columns("diversity_change")) - set(CHANGE_COLUMNS)
    for name, frame in first.items():
        pd.testing.assert_frame_equal(frame, again[name])


def test_script_without_baseline_labels_or_cells(tmp_path):
    own = design(has_bcr=False) | {"baseline": None}
    written = run(tmp_path, patient().iloc[:0], own, labels=False)
    assert written["change"].empty
    assert list(written["change"].columns) == CHANGE_COLUMNS
    assert (written["diversity"]["status"] == "not estimable").all()
    assert set(written["diversity"]["compartment"]) == {"all"}
    assert math.isnan(written["diversity"]["value"].max())
    assert set(written["diversity"].query("receptor == 'BCR'")["reason"]) == {
        f"{t}: no V(D)J file" for t in ("pre", "month_1", "month_3")
    }


def test_one_clone_at_both_timepoints_says_why_there_is_no_interval():
    cells_at = {"pre": 60, "month_1": 50, "month_3": 40}
    alone = {("TCR", "all", time): hill.abundances([n]) for time, n in cells_at.items()}
    row = changes_of(alone).loc[("TCR", "all", "month_1 vs pre", "ln_D1")]
    assert row["log_ratio"] == 0 and np.isnan(row["p_value"])
    assert row["reason"].startswith("all cells are of one clone")
