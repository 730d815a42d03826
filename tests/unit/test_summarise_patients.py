"""One wide row per patient: levels pooled over replicates, claims with their verdicts."""

from types import SimpleNamespace

import pandas as pd
import pytest

import summarise_patients as sp
from immune_reset import tables

DESIGN = {
    "baseline": "pre",
    "timepoints": ["pre", "post"],
    "samples": [
        {"sample": "a", "patient": "P2", "timepoint": "pre", "day": -7.0, "in_cohort": True},
        {"sample": "b", "patient": "P2", "timepoint": "pre", "day": -7.0, "in_cohort": True},
        {"sample": "c", "patient": "P2", "timepoint": "post", "day": 90.0, "in_cohort": True},
        {"sample": "d", "patient": "P1", "timepoint": "pre", "day": -3.0, "in_cohort": True},
    ],
}
CLAIMS = pd.DataFrame(
    {
        "claim": ["bcr_diversity", "ifn_dc", "ifn_dc"],
        "compartment": ["CAR T", "", ""],
        "scope": ["P2", "P2", "cohort"],
        "comparison": "post vs pre",
        "estimate": [0.5, -1.0, -9.0],
        "direction": ["increased", "decreased", "not estimable"],
    }
)


def run(tmp_path, **inputs):
    paths = {}
    for name, frame in {"claims": CLAIMS, **inputs}.items():
        paths[name] = tmp_path / f"{name}.parquet"
        frame.to_parquet(paths[name])
    output = SimpleNamespace(patients=tmp_path / "patients.tsv")
    params = SimpleNamespace(design=DESIGN, cfg={})
    sp.main(SimpleNamespace(input=SimpleNamespace(**paths), output=output, params=params, log=[]))
    return tables.read(output.patients).set_index("patient")


def test_one_row_per_patient_in_the_order_of_the_sheet(tmp_path):
    wide = run(tmp_path)
    assert list(wide.index) == ["P2", "P1"]
    assert wide.loc["P2", "day__pre"] == -7
    assert wide.loc["P2", "samples__pre"] == 2
    assert wide.loc["P2", "bcr_diversity_CAR_T__post_vs_pre"] == 0.5
    assert wide.loc["P2", "ifn_dc__post_vs_pre__direction"] == "decreased"
    assert pd.isna(wide.loc["P1", "ifn_dc__post_vs_pre"])
    assert not wide.columns.str.contains(r"[^A-Za-z0-9._]").any()


def test_levels_are_pooled_over_replicates(tmp_path):
    qc = pd.DataFrame({"sample": ["a", "b", "c", "d"], "cells_kept": [100, 300, 50, 10]})
    composition = pd.DataFrame(
        {
            "sample": ["a", "b", "c", "c"],
            "patient": "P2",
            "timepoint": ["pre", "pre", "post", "post"],
            "parent": [None, None, None, "B"],
            "cell_type": ["B", "B", "B", "naive B"],
            "n_cells": [10, 0, 5, 4],
            "n_total": [100, 300, 50, 5],
        }
    )
    wide = run(tmp_path, qc=qc, composition=composition)
    assert wide.loc["P2", "cells_kept__pre"] == 400
    assert wide.loc["P2", "fraction_B__pre"] == pytest.approx(10 / 400)
    assert wide.loc["P2", "fraction_B__post"] == pytest.approx(0.1)
    assert wide.loc["P2", "fraction_naive_B_of_B__post"] == pytest.approx(0.8)


def test_diversity_and_clinical_values_stand_at_their_timepoints(tmp_path):
    diversity = pd.DataFrame(
        {
            "patient": "P2",
            "timepoint": "pre",
            "receptor": "TCR",
            "compartment": "all",
            "q": [0, 1, 1, 1],
            "estimator": ["rarefied", "rarefied", "observed", "rarefied"],
            "value": [9.0, 5.0, 7.0, 3.0],
            "status": ["estimable", "estimable", "estimable", "not estimable"],
        }
    )
    clinical = pd.DataFrame(
        {
            "patient": "P2",
            "timepoint": ["pre", "pre", "post", ""],
            "kind": "measure",
            "measure": "SLEDAI-2K",
            "value": ["12", "18", "2", "5"],
            "days_from_sample": [-9.0, 1.0, 0.0, None],
        }
    )
    wide = run(tmp_path, diversity=diversity, clinical=clinical)
    assert wide.loc["P2", "TCR_D1_all__pre"] == 5
    assert wide.loc["P2", ["SLEDAI_2K__pre", "SLEDAI_2K__post"]].tolist() == [18, 2]
