"""Cells per microlitre by hand, units of blood counts, and where there is no number."""

import math

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from unit.annotation_jobs import job

import compare_composition
from immune_reset import absolute_counts, composition, tables
from immune_reset.errors import InputError

CELLS = {("B", "naive B"): 10, ("CD4 T", "Treg"): 60, ("NK", "NK"): 30, ("monocyte", ""): 80,
         ("DC", "pDC"): 20, ("platelet", ""): 50}  # fmt: skip
SAMPLES = pd.DataFrame({"sample": ["S1"], "patient": ["P1"], "timepoint": ["pre"]})


def clinical(*rows) -> pd.DataFrame:
    """Rows of (measure, value, unit, days from the sample, timepoint)."""
    names = ["measure", "value", "unit", "days_from_sample", "timepoint"]
    frame = pd.DataFrame(list(rows), columns=names)
    day = frame["days_from_sample"].fillna(0) - 7
    return frame.assign(patient="P1", kind="measure", day=day, sample="S1")


LYMPHOCYTES = ("lymphocyte_count", "0.8", "10^9/L", 0, "pre")
MONOCYTES = ("monocyte_count", "0.5", "10^9/L", 1, "pre")


def labels() -> pd.DataFrame:
    rows = [("S1", kind, fine) for (kind, fine), n in CELLS.items() for _ in range(n)]
    frame = pd.DataFrame(rows, columns=["sample", "cell_type", "cell_subtype"])
    return frame.assign(cell_id=[f"S1:{k}" for k in range(len(frame))])


def numbers(*rows, samples=SAMPLES, car=None) -> pd.DataFrame:
    counted = composition.count_parts(labels(), car, ["S1"])
    shares = composition.shares(counted, samples, level=0.95)
    blood = absolute_counts.blood_counts(clinical(*rows)) if rows else None
    found = absolute_counts.per_microlitre(shares, samples, blood, level=0.95)
    pd.testing.assert_frame_equal(found[shares.columns], shares)
    return found.set_index("cell_type")[absolute_counts.COLUMNS]


def test_share_among_lymphocytes_times_the_count():
    """10 B of 100 lymphocytes at 0.8 x 10^9/L are 80 in a microlitre."""
    found = numbers(LYMPHOCYTES)
    wilson = stats.binomtest(10, 100).proportion_ci(method="wilson")
    expected = [80, 800 * wilson.low, 800 * wilson.high]
    assert found.loc["B"].tolist() == pytest.approx(expected)
    assert found.loc["naive B"].tolist() == pytest.approx(expected)
    assert found.loc[["B", "CD4 T", "NK"], "cells_per_ul"].sum() == pytest.approx(800)
    assert found.loc[["monocyte", "DC", "pDC", "platelet"]].isna().all(axis=None)


def test_monocytes_and_dc_need_both_counts():
    """80 monocytes of 200 mononuclear cells, 0.8 and 0.5 x 10^9/L."""
    found = numbers(LYMPHOCYTES, MONOCYTES)["cells_per_ul"]
    assert found["monocyte"] == pytest.approx(1300 * 80 / 200)
    assert found["DC"] == found["pDC"] == pytest.approx(1300 * 20 / 200)
    assert found["B"] == pytest.approx(80) and math.isnan(found["platelet"])
    alone = numbers(MONOCYTES)
    assert alone.isna().all(axis=None)


@pytest.mark.parametrize(
    ("value", "unit"),
    [("0.8", "10^9/L"), ("0.8", "x 10⁹/L"), ("0.8", "10e9/l"), ("0.8", "G/L"), ("800", "cells/uL"),
     ("800", "/µL"), ("800", "cells/mm³"), ("0.8", "10³/μL"), ("0.8", "K/uL"), (800, "/mcL")],
)  # fmt: skip
def test_units_are_converted(value, unit):
    found = numbers(("lymphocyte_count", value, unit, 0, "pre"))
    assert found.loc["B", "cells_per_ul"] == pytest.approx(80)


@pytest.mark.parametrize("unit", ["%", "", np.nan, "mg/L"])
def test_another_unit_is_refused(unit):
    with pytest.raises(InputError, match=r"lymphocyte_count of P1 has the unit .* cells/uL"):
        numbers(("lymphocyte_count", "20", unit, 0, "pre"))


@pytest.mark.parametrize("value", ["low", "-1"])
def test_no_number_is_refused(value):
    with pytest.raises(InputError, match=f"lymphocyte_count of P1 is '{value}'"):
        numbers(("lymphocyte_count", value, "10^9/L", 0, "pre"))


def test_the_nearest_value_counts_and_a_far_one_not():
    near = ("lymphocyte_count", "0.8", "10^9/L", -1, "pre")
    far = ("lymphocyte_count", "5", "10^9/L", 6, "pre")
    assert numbers(far, near).loc["B", "cells_per_ul"] == pytest.approx(80)
    assert numbers(("lymphocyte_count", "5", "10^9/L", np.nan, "")).isna().all(axis=None)
    empty = ("lymphocyte_count", np.nan, "10^9/L", 0, "pre")
    assert numbers(empty, near).loc["B", "cells_per_ul"] == pytest.approx(80)


@pytest.mark.parametrize(("tissue", "known"), [("PBMC", True), ("blood", True), ("skin", False)])
def test_only_blood_has_a_blood_count(tissue, known):
    found = numbers(LYMPHOCYTES, samples=SAMPLES.assign(tissue=tissue))
    assert found.loc["B"].notna().all() == known


def test_car_t_cells_where_every_t_cell_has_a_call():
    t_cells = labels().query("cell_type == 'CD4 T'")[["cell_id"]]
    car = t_cells.assign(car=np.arange(60) < 15)
    assert numbers(LYMPHOCYTES, car=car).loc["CAR T", "cells_per_ul"] == pytest.approx(120)
    assert math.isnan(numbers(LYMPHOCYTES, car=car.iloc[:40]).loc["CAR T", "cells_per_ul"])


def test_a_type_that_vanished_has_zero_and_an_upper_end():
    counted = composition.count_parts(labels(), None, ["S1", "S2"])
    samples = pd.concat([SAMPLES, SAMPLES.assign(sample="S2", timepoint="post")])
    counted.loc[(counted["sample"] == "S2") & (counted["cell_type"] == "NK"), "n_cells"] = 50
    shares = composition.shares(counted, samples, level=0.95)
    blood = absolute_counts.blood_counts(clinical((*LYMPHOCYTES[:4], "post")))
    found = absolute_counts.per_microlitre(shares, samples, blood, level=0.95)
    gone = found.query("sample == 'S2' and cell_type == 'B'").iloc[0]
    wilson = stats.binomtest(0, 50).proportion_ci(method="wilson")
    assert (gone.cells_per_ul, gone.cells_per_ul_low) == (0, 0)
    assert gone.cells_per_ul_high == pytest.approx(800 * wilson.high)
    assert found.query("sample == 'S1'")["cells_per_ul"].isna().all()


@pytest.mark.parametrize("with_table", [True, False])
def test_the_script_reads_the_clinical_table_where_there_is_one(tmp_path, with_table):
    cells = labels()
    tables.write(cells, tmp_path / "labels.parquet")
    tables.write(cells[["cell_id"]].assign(keep=True), tmp_path / "cells.parquet")
    inputs = {"labels": tmp_path / "labels.parquet", "cells": [tmp_path / "cells.parquet"]}
    if with_table:
        course = clinical(LYMPHOCYTES, ("prednisone", "20 mg", "", 0, "pre"))
        tables.write(course.assign(kind=["measure", "drug"]), tmp_path / "clinical.tsv")
        inputs["clinical"] = tmp_path / "clinical.tsv"
    outputs = {"composition": tmp_path / "t" / "composition.tsv"}
    outputs["change"] = tmp_path / "t" / "composition_change.tsv"
    cfg = {"claims.alpha": 0.05, "composition.min_expected": 5}
    plan = {"timepoints": ["pre"], "baseline": "pre"}
    plan["samples"] = [SAMPLES.iloc[0].to_dict() | {"in_cohort": True}]
    compare_composition.main(job(inputs, outputs, cfg=cfg, design=plan))
    found = tables.read(outputs["composition"]).set_index("cell_type")["cells_per_ul"]
    if with_table:
        assert found["B"] == pytest.approx(80)
    else:
        assert found.isna().all()
