"""The design guard: what each check finds, whom it names, and which evidence it lowers."""

from types import SimpleNamespace

import pandas as pd
import pytest

import guard_design
from immune_reset import tables
from immune_reset.guard import Limits
from immune_reset.guard_rows import COLUMNS, Notes, guard
from immune_reset.planning import cohort_design
from immune_reset.treatments import Dose, difference, dose_at, doses, happened, kind_of, turns

DAYS = {"pre": -7.0, "m1": 30.0}
NAME = "m1 vs pre"
EVERYTHING = "pathways; composition; diversity; clones; car"


def plan(patients=("A", "B", "C"), days=None, **columns):
    """A design of A, B, C at two times; `columns` map (patient, timepoint) to a value."""
    rows = []
    for patient in patients:
        for time in ("pre", "m1"):
            row = {"sample": f"{patient}_{time}", "patient": patient, "timepoint": time}
            row |= {"gex": "x.h5", "bcr": "b", "tcr": "t", "day": DAYS[time]}
            row |= {k: v[patient, time] for k, v in columns.items() if (patient, time) in v}
            row["day"] = (days or {}).get((patient, time), row["day"])
            rows.append({k: v for k, v in row.items() if v is not None})
    return cohort_design(rows, baseline="pre", timepoints=["pre", "m1"])


def course(*rows):
    columns = ["patient", "day", "kind", "measure", "value", "unit"]
    return pd.DataFrame(rows, columns=columns).astype({"day": float})


def of(table, check, scope="A"):
    return table[(table["check"] == check) & (table["scope"] == scope)].to_dict("records")


def test_a_plain_design_has_no_finding():
    table = guard(plan())
    assert table.empty and list(table.columns) == COLUMNS


@pytest.mark.parametrize(
    ("batches", "in_cohort"),
    [
        ({("A", "pre"): "x", ("A", "m1"): "y"}, "remark"),
        ({(p, t): f"{t}" for p in "ABC" for t in ("pre", "m1")}, "descriptive"),
    ],
)
def test_batch_lowers_the_patient_and_the_cohort_only_where_all_are_touched(batches, in_cohort):
    table = guard(plan(batch=batches))
    (own,) = of(table, "batch")
    assert own["effect"] == "descriptive" and own["touches"] == EVERYTHING
    assert own["found"].startswith("batch differs between the two samples")
    (cohort,) = of(table, "batch", "cohort")
    assert cohort["effect"] == in_cohort
    assert cohort["who"].startswith("1 of 3 patients: A" if in_cohort == "remark" else "every")


def test_one_batch_of_several_lanes_shared_is_no_finding():
    design = plan(batch={("A", "pre"): "x", ("A", "m1"): "x"})
    assert guard(design).empty


@pytest.mark.parametrize(
    ("day", "found"), [(10, True), (27, True), (0, True), (28, False), (90, False)]
)
def test_early_follow_up(day, found):
    table = guard(plan(("A",), days={("A", "m1"): float(day)}))
    assert bool(of(table, "early")) == found
    if found:
        assert f"day {day}" in of(table, "early")[0]["found"]
        assert of(table, "early")[0]["touches"] == "pathways; composition"
    assert guard(plan(("A",)), limits=Limits(early_days=31))["check"].tolist() == ["early"] * 2


def test_days_of_cytokine_release_are_not_averaged_with_later_months():
    table = guard(plan(days={("A", "m1"): 9.0}))
    mixed = [row for row in of(table, "early", "cohort") if row["effect"] == "descriptive"]
    assert len(mixed) == 1 and mixed[0]["touches"] == "pathways"
    assert "day 9 in some patients (A) and day 30 in others (B, C)" in mixed[0]["found"]
    assert of(table, "early")[0]["effect"] == "remark"
    near = guard(plan(days={("A", "m1"): 20.0}))
    assert not (near["effect"] == "descriptive").any()


@pytest.mark.parametrize(
    ("first", "last", "words"),
    [
        (30.0, 10.0, "is not after the baseline"),
        (5.0, 30.0, "after the infusion"),
        (-2.0, 30.0, "when lymphodepletion has usually begun"),
        (-6.0, 30.0, ""),
    ],
)
def test_order_of_the_samples(first, last, words):
    table = guard(plan(("A",), days={("A", "pre"): first, ("A", "m1"): last}))
    found = " | ".join(row["found"] for row in of(table, "order"))
    assert words in found and bool(found) == bool(words)


def test_samples_without_a_day_are_named():
    design = plan(days={("A", "m1"): float("nan")})
    for row in design["samples"]:
        row["day"] = None if row["sample"] == "A_m1" else row["day"]
    (row,) = of(guard(design), "days", "cohort")
    assert row["found"] == "the sheet gives no day of A_m1"


def test_patients_without_one_of_the_pair():
    design = plan()
    design["samples"] = [row for row in design["samples"] if row["sample"] != "C_m1"]
    (row,) = of(guard(design), "pairs", "cohort")
    assert row["found"] == "1 of 3 patients lack pre or m1: C" and row["effect"] == "remark"


def test_a_receptor_file_that_one_timepoint_lacks():
    (row,) = of(guard(plan(bcr={("A", "m1"): None})), "receptors")
    assert row["found"] == "no BCR file at m1" and row["touches"] == "bcr_diversity; clones"
    both = guard(plan(("A",), bcr={("A", "m1"): None, ("A", "pre"): None}))
    assert both.empty  # no file at all is a cohort without BCR, said elsewhere


def test_unequal_depth_in_cells_and_in_umis():
    qc = pd.DataFrame(
        {
            "sample": ["A_pre", "A_m1", "B_pre", "B_m1"],
            "cells_kept": [900, 290, 900, 310],
            "median_total_counts": [4000.0, 1300.0, 4000.0, 1500.0],
        }
    )
    table = guard(plan(("A", "B")), qc=qc)
    cells, umis = of(table, "depth")
    assert cells["found"] == "900 cells before and 290 after (3.1-fold)"
    assert umis["found"] == "4,000 UMIs per cell before and 1,300 after (3.1-fold)"
    assert umis["touches"] == "pathways" and not of(table, "depth", "B")
    assert guard(plan(("A", "B")), qc=qc, limits=Limits(max_ratio=4)).empty


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([(-7, "20", "mg/d"), (30, "0", "mg/d")], "prednisone stopped, was 20 mg/d"),
        ([(-7, "20", "mg/d"), (15, "10", "mg/d")], "prednisone lowered, 20 mg/d to 10 mg/d"),
        ([(-7, "0", ""), (15, "10", "mg/d")], "prednisone started, 10 mg/d"),
        ([(15, "10", "mg/d")], "prednisone started, 10 mg/d"),
        ([(-60, "started", ""), (2, "stopped", "")], "prednisone stopped, was given"),
        ([(-7, "10", "mg/d"), (40, "0", "mg/d")], ""),  # after the follow-up
        ([(-7, "10", "mg/d"), (30, "10", "mg/d")], ""),
        (
            [(-90, "10", ""), (-10, "0", ""), (60, "0", "")],
            "prednisone changed to 0 on day -10, 3 days before pre",
        ),
        ([(-90, "10", ""), (-50, "0", "")], ""),  # long before, and the same at both
    ],
)
def test_drugs_that_differ_between_the_samples_or_changed_before_one(rows, words):
    table = guard(
        plan(("A",)), clinical=course(*(("A", d, "drug", "prednisone", v, u) for d, v, u in rows))
    )
    assert [row["found"] for row in of(table, "drug")] == ([words] if words else [])
    if words:
        assert of(table, "drug")[0]["why"].startswith("steroids lower interferon genes")


@pytest.mark.parametrize(
    ("day", "value", "words"),
    [
        (4, "2", "CRS 26 days before the sample at m1"),
        (1, "2", ""),  # 29 days before
        (4, "0", ""),  # graded 0: there was none
        (31, "1", "CRS 1 day after the sample at m1"),
        (34, "1", ""),
        (30, "1", "CRS on the day of the sample at m1"),
        (-10, "1", "CRS 3 days before the sample at pre"),
    ],
)
def test_events_near_a_sample(day, value, words):
    table = guard(plan(("A",)), clinical=course(("A", day, "event", "CRS", value, "grade")))
    assert [row["found"] for row in of(table, "event")] == ([words] if words else [])


def test_what_is_given_at_once_counts_by_its_days():
    rows = [
        ("A", -5, "drug", "cyclophosphamide", "500", "mg/m2"),
        ("A", 25, "drug", "IVIG", "", ""),
    ]
    table = guard(plan(("A",)), clinical=course(*rows))
    assert not of(table, "drug")
    found = {row["found"]: row["touches"] for row in of(table, "event")}
    assert found == {"IVIG 5 days before the sample at m1": "clinical"}
    table = guard(plan(("A",)), clinical=course(*rows), limits=Limits(window_days=40))
    assert len(of(table, "event")) == 2


def test_the_cohort_says_in_whom():
    rows = [("A", -7, "drug", "MMF", "2", "g"), ("A", 1, "drug", "MMF", "0", "g")]
    rows += [("B", -7, "drug", "MMF", "1", "g"), ("B", 1, "drug", "MMF", "0", "g")]
    (row,) = of(guard(plan(), clinical=course(*rows)), "drug", "cohort")
    assert row["found"] == "MMF stopped, was 2 g; MMF stopped, was 1 g"
    assert row["who"] == "2 of 3 patients: A, B" and row["effect"] == "remark"


def test_a_further_patient_changes_no_finding_of_another():
    clinical = course(("A", 4, "event", "CRS", "1", ""), ("C", 4, "drug", "MMF", "1", "g"))
    two = guard(plan(("A", "B")), clinical=clinical)
    three = guard(plan(days={("C", "m1"): 9.0}), clinical=clinical)
    for patient in ("A", "B"):
        kept = [t[t["scope"] == patient].reset_index(drop=True) for t in (two, three)]
        pd.testing.assert_frame_equal(*kept)


def test_controls_and_other_tissues_are_no_patients():
    design = plan(("A", "K"), group={("K", "pre"): "control", ("K", "m1"): "control"})
    clinical = course(("K", 20, "event", "infection", "", ""))
    assert guard(design, clinical=clinical).empty
    tissue = {("A", "pre"): "blood", ("A", "m1"): "blood", ("B", "pre"): "blood"}
    table = guard(plan(("A", "B"), tissue=tissue | {("B", "m1"): "kidney"}))
    (row,) = of(table, "tissue", "cohort")
    assert (
        row["found"] == "samples of another tissue are left out: B_m1" and row["comparison"] == ""
    )


def test_own_labels_outside_the_vocabulary():
    kinds = pd.DataFrame({"cell_type": ["B"], "cell_subtype": [""], "synonyms": ["B cell"]})
    clusters = pd.DataFrame({"cluster": ["B cells", "Tfh-like"], "n_cells": [10, 1200]})
    table = guard(plan(), clusters=clusters.assign(source="own"), cell_types=kinds)
    (row,) = of(table, "labels", "cohort")
    assert row["found"].startswith("your labels Tfh-like (1,200 cells)") and row["comparison"] == ""
    assert guard(plan(), clusters=clusters.assign(source="marker"), cell_types=kinds).empty


def test_notes_answer_by_scope_comparison_family_and_claim():
    rows = [("A", 4, "event", "CRS", "1", ""), ("A", 30, "drug", "MMF", "1", "g")]
    design = plan(batch={("A", "pre"): "x", ("A", "m1"): "y"}, bcr={("A", "m1"): None})
    notes = Notes(guard(design, clinical=course(*rows)))
    assert notes.checks("A", NAME, "pathways", "ifn_t_cells") == "batch; drug; event"
    assert notes.checks("A", NAME, "diversity", "bcr_diversity") == "batch; receptors; drug"
    assert notes.checks("A", NAME, "clinical", "clinical_C3") == ""
    assert "cannot be told" in notes.lowering("A", NAME, "pathways")
    assert notes.lowering("cohort", NAME, "pathways") == ""


def test_doses_in_words():
    rows = course(("A", 9, "drug", "x", "stop", ""), ("A", 1, "drug", "x", "yes", ""))
    given = doses(rows)
    assert [dose.words for dose in given] == ["given", "0"]
    assert dose_at(given, 8.9).words == "given" and dose_at(given, 0.5) is None
    assert [turn.day for turn in turns(given)] == [9]
    assert difference(None, Dose(1, 0.0, "0")) == "stopped" and difference(given[0], None) == ""
    assert kind_of("Methylprednisolone", event=False).why.startswith("steroids")
    assert kind_of("upadacitinib", event=False).why.endswith("JAK-STAT itself")
    assert kind_of("unheard of", event=True).touches == ("pathways", "composition")


def test_the_script_writes_its_table_of_a_cohort_of_repertoires_alone(tmp_path):
    qc = pd.DataFrame(
        {"sample": ["A_pre", "A_m1"], "barcodes_in": [100, 10], "cells_kept": [90, 9]}
    )
    qc.to_csv(tmp_path / "qc.tsv", sep="\t", index=False)
    cfg = {"guard.window_days": 28, "guard.early_days": 28, "guard.max_ratio": 3}
    output = SimpleNamespace(guard=tmp_path / "design_guard.tsv")
    params = SimpleNamespace(cfg=cfg, design=plan(("A",)))
    files = SimpleNamespace(qc=tmp_path / "qc.tsv")
    guard_design.main(SimpleNamespace(input=files, output=output, params=params, log=[]))
    table = tables.read(output.guard)
    assert list(table.columns) == tables.fixed_columns("design_guard") == COLUMNS
    assert table["found"].tolist() == ["90 cells before and 9 after (10-fold)"] * 2
    one = plan(("A",))
    one["samples"] = one["samples"][:1]
    params.design = one
    guard_design.main(SimpleNamespace(input=files, output=output, params=params, log=[]))
    assert tables.read(output.guard)["check"].tolist() == []


def test_a_clinical_table_of_numbers_alone_has_no_events():
    rows = pd.DataFrame({"value": pd.Series(dtype="float64"), "measure": pd.Series(dtype=str)})
    assert happened(rows).empty
    assert len(happened(pd.DataFrame({"value": [2.0, 0.0, None]}))) == 2
