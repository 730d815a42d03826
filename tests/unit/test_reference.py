"""Patients beside healthy controls: ranges, z, and what the follow-up did to the distance."""

import math
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

import compare_reference
from immune_reset import reference, tables
from immune_reset.planning import cohort_design


def plan(controls=3, **more):
    rows = [
        {"sample": f"A_{t}", "patient": "A", "timepoint": t, "gex": "x"} for t in ("pre", "post")
    ]
    for i in range(controls):
        own = {"sample": f"H{i}", "patient": f"H{i}", "timepoint": "visit", "group": "control"}
        rows.append(own | {"gex": "x"} | more)
    return cohort_design(rows, baseline=None, timepoints=[])


def samples(design):
    return reference.designs.frame(design).astype({"timepoint": str})


def scores(values, status="scorable"):
    frame = pd.DataFrame({"sample": list(values), "score": list(values.values())})
    frame = frame.assign(patient="", timepoint="", cell_type="B", gene_set="ISG28")
    return frame.assign(status=status)


def beside(values, design):
    rows = reference.beside_controls(reference.pathway_values(scores(values), samples(design)))
    return reference.toward(rows, design).set_index("timepoint")


HEALTHY = {"H0": 1.0, "H1": 2.0, "H2": 4.0}


def test_z_and_range_by_hand():
    rows = beside({"A_pre": 7.0, "A_post": 3.0, **HEALTHY}, plan())
    mean = 7 / 3
    sd = math.sqrt(((1 - mean) ** 2 + (2 - mean) ** 2 + (4 - mean) ** 2) / 2)
    assert rows.loc["pre", "z"] == pytest.approx((7 - mean) / sd)
    assert rows.loc["pre", ["control_low", "control_high", "n_controls"]].tolist() == [1, 4, 3]
    assert rows["position"].to_dict() == {"pre": "above", "post": "within"}
    assert rows["toward"].to_dict() == {"pre": "", "post": "into the range"}


@pytest.mark.parametrize(
    ("before", "after", "word"),
    [
        (7.0, 5.0, "nearer"),
        (5.0, 7.0, "farther"),
        (7.0, -1.0, "nearer"),  # beyond it, but 2 away and not 3
        (2.0, 0.0, "out of the range"),
        (2.0, 3.0, "within at both times"),
        (float("nan"), 3.0, ""),
    ],
)
def test_toward(before, after, word):
    rows = beside({"A_pre": before, "A_post": after, **HEALTHY}, plan())
    assert rows.loc["post", "toward"] == word


def test_two_controls_are_too_few():
    rows = beside({"A_pre": 7.0, "A_post": 3.0, "H0": 1.0, "H1": 2.0}, plan(2))
    assert set(rows["status"]) == {"not estimable"} and rows["z"].isna().all()
    assert rows.loc["pre", "reason"] == "2 controls with a value, 3 needed"
    assert rows["position"].eq("").all()


def test_a_control_person_counts_once_and_unscorable_ones_not_at_all():
    design = plan(3)
    design["samples"].append(design["samples"][-1] | {"sample": "H2_again"})
    values = {"A_pre": 7.0, "A_post": 3.0, "H0": 1.0, "H1": 2.0, "H2": 3.0, "H2_again": 5.0}
    rows = beside(values, design)
    assert rows.loc["pre", ["n_controls", "control_high"]].tolist() == [3, 4.0]
    table = scores(values)
    table.loc[table["sample"] == "H0", "status"] = "not scorable"
    rows = reference.beside_controls(reference.pathway_values(table, samples(design)))
    assert (rows["n_controls"] == 2).all()


def test_controls_of_another_tissue_are_no_reference():
    design = plan(3, tissue="kidney")
    for row in design["samples"]:
        row["tissue"] = row["tissue"] or "blood"
    assert reference.control_samples(samples(design)).empty


def test_shares_pool_replicates_by_cells():
    frame = pd.DataFrame(
        {
            "sample": ["A_pre", "A_post", "H0", "H0b", "H1", "H2"],
            "n_cells": [10, 5, 10, 50, 20, 30],
            "n_total": [100, 100, 100, 100, 100, 100],
        }
    ).assign(patient="", timepoint="", cell_type="B", level="cell_type", denominator="all cells")
    design = plan(3)
    design["samples"].append(design["samples"][2] | {"sample": "H0b"})
    rows = reference.beside_controls(reference.composition_values(frame, samples(design)))
    rows = reference.toward(rows, design).set_index("timepoint")
    assert rows.loc["pre", ["value", "control_low", "control_high"]].tolist() == [0.1, 0.2, 0.3]
    assert rows["z"].isna().all()
    assert rows.loc["post", "toward"] == "farther"


def test_diversity_at_the_patients_own_depth(tmp_path):
    design = plan(4)
    for row in design["samples"]:
        row["has_tcr"] = True
    diversity = pd.DataFrame(
        {"patient": ["A", "A"], "timepoint": ["pre", "post"], "value": [2.0, 5.0]}
    ).assign(receptor="TCR", compartment="all", q=1.0, estimator="rarefied", m=2.0)
    diversity = diversity.assign(status="estimable")
    # H0: 4 cells of 4 clones; H1: 2 clones of 2 cells; H2: 1 clone of 3; H3: one cell, too few
    sizes = {"H0": [1, 1, 1, 1], "H1": [2, 2], "H2": [3], "H3": [1]}
    rows = [
        (person, "TCR", f"{person}:{i}")
        for person, clones in sizes.items()
        for i, n in enumerate(clones)
        for _ in range(n)
    ]
    clones = pd.DataFrame(rows, columns=["sample", "receptor", "clone_id"])
    for name, frame in (("diversity", diversity), ("clones", clones)):
        frame.to_parquet(tmp_path / f"{name}.parquet")
    files = SimpleNamespace(
        diversity=tmp_path / "diversity.parquet", clonotypes=[tmp_path / "clones.parquet"]
    )
    out = SimpleNamespace(reference=tmp_path / "reference.tsv")
    params = SimpleNamespace(cfg={}, design=design)
    compare_reference.main(SimpleNamespace(input=files, output=out, params=params, log=[]))
    table = tables.read(out.reference).set_index("timepoint")
    # two cells of H0 are always two clones: exp(ln 2); of H1 in 4 of 6 draws; of H2 never
    numbers = [2.0, math.exp(4 / 6 * math.log(2)), 1.0]
    row = table.loc["pre"]
    assert row["n_controls"] == 3 and row["cell_type"] == "at 2 cells"
    assert row["control_mean"] == pytest.approx(np.mean(numbers))
    assert [row["control_low"], row["control_high"]] == pytest.approx([1.0, 2.0])
    assert table["toward"].fillna("").to_dict() == {"pre": "", "post": "out of the range"}
