"""What is said of every sample's files: sex, leaks, genes, days."""

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from unit import cells_made

import gather_inputs
from immune_reset import input_remarks, leaks, tables
from immune_reset.planning import cohort_design


def matrix(columns, n=40):
    """Return cells × genes of constant counts, by {symbol: UMIs}, and the symbols."""
    values = np.tile(list(columns.values()), (n, 1))
    return sparse.csr_matrix(values), pd.Series(list(columns))


@pytest.mark.parametrize(
    ("columns", "sex"),
    [
        ({"XIST": 1, "DDX3Y": 0}, "female"),
        ({"XIST": 0, "DDX3Y": 1}, "male"),
        ({"XIST": 1, "DDX3Y": 1}, "both"),
        ({"XIST": 0, "DDX3Y": 0}, "unclear"),
        ({"CD3D": 5}, "unclear"),
    ],
)
def test_sex_follows_from_xist_and_the_y(columns, sex):
    assert leaks.sex_linked(*matrix(columns))["sex"] == sex


def test_few_umis_say_nothing_and_a_twentieth_of_the_other_is_soup():
    few, names = matrix({"XIST": 1, "RPS4Y1": 0}, n=19)
    assert leaks.sex_linked(few, names)["sex"] == "unclear"
    mixed = sparse.csr_matrix([[95, 5]])
    assert leaks.sex_linked(mixed, names)["sex"] == "female"
    assert leaks.sex_linked(sparse.csr_matrix([[94, 6]]), names)["sex"] == "both"


def load(sex, genes=1000, **more):
    facts = {"format": "10x HDF5 v3", "n_barcodes": 9, "n_genes": genes, "n_other_donors": 0}
    leak = {"ambient": more.get("ambient"), "status": "estimable"}
    return {**facts, "sex": {"sex": sex, "xist_umis": 3, "y_umis": 40}, "ambient": leak,
            "other_features": more.get("others", {})}  # fmt: skip


def table(tmp_path, loads, receptors=None):
    names = [f"S{i}" for i in range(len(loads))]
    samples = [{"sample": s, "person": "P1"} for s in names]
    inputs = {"load": [], "counts": [], "receptors": [] if receptors else None}
    for name, facts in zip(names, loads, strict=True):
        tables.write_json(facts, tmp_path / f"{name}.json")
        inputs["load"].append(tmp_path / f"{name}.json")
        symbols = [f"G{i}" for i in range(8 if name == "S0" else 10)]
        path = cells_made.count_file(tmp_path / f"{name}.h5ad", np.ones((3, len(symbols))),
                                     symbols=symbols)  # fmt: skip
        inputs["counts"].append(path)
    for name, facts in zip(names, receptors or [], strict=False):
        tables.write_json(facts, tmp_path / f"{name}.r.json")
        inputs["receptors"].append(tmp_path / f"{name}.r.json")
    out = tmp_path / "inputs.tsv"
    cells_made.run("gather_inputs", tmp_path, inputs, {"inputs": out}, design={"samples": samples})
    return tables.read(out)


def test_a_swap_and_lost_genes_are_said_of_the_samples(tmp_path):
    loads = [
        load("male", 8, others={"Antibody Capture": 3}),
        load("female", 10),
        load("unclear", 10),
    ]
    found = table(tmp_path, loads)
    assert list(found["genes_shared"]) == [8, 8, 8]
    assert "say male (3 UMIs of XIST, 40 of the Y), those of S1 of the same" in found["remark"][0]
    assert "female, those of S0" not in found["remark"][0]
    assert "2 of its 10 genes are not in every sample's matrix" in found["remark"][1]
    assert "swapped" not in found["remark"][2]
    assert found["other_features"].iloc[0] == "3 Antibody Capture"
    assert input_remarks.lines(found)[0].startswith("S0: sex-linked genes say male")


def test_samples_that_agree_have_no_remark_and_a_rule_is_shown(tmp_path):
    receptors = [{"BCR": {"cells": 4, "barcodes": "'...-2' read as '...-1'"}, "TCR": None}] * 2
    found = table(tmp_path, [load("male", 8, ambient=0.3), load("male", 8)], receptors)
    assert "about 30% of its UMIs are ambient" in found["remark"][0]
    assert pd.isna(found["remark"][1]) or found["remark"][1] == ""
    assert list(found["barcode_rule"]) == ["'...-2' read as '...-1'"] * 2
    assert list(found["contig_cells"]) == [4, 4]


def test_contigs_that_are_lost_stand_in_the_table(tmp_path):
    lost = {"cells": 0, "contigs": 9, "accepted": 0, "few_umis": 9}
    found = table(tmp_path, [load("male", 8)] * 2, [{"BCR": lost}, {"TCR": None}])
    assert found["remark"][0] == "none of its 9 BCR contigs is accepted (9 of too few UMIs)"
    assert pd.isna(found["remark"][1])


def test_the_ambient_table_has_a_row_a_sample(tmp_path):
    samples = [{"sample": "A", "person": "P1"}, {"sample": "B", "person": "P1"}]
    found = gather_inputs.ambient_table(samples, [load("male", ambient=0.3), load("male")])
    assert list(found["sample"]) == ["A", "B"] and found["ambient"].tolist()[0] == 0.3
    assert pd.isna(found["ambient"][1])


def test_days_against_the_order_and_a_late_baseline_are_said():
    def rows(*days):
        times = ("pre", "month_1", "month_3")
        return [
            {"sample": t, "patient": "P1", "timepoint": t, "day": d}
            for t, d in zip(times, days, strict=True)
        ]

    order = ["pre", "month_1", "month_3"]
    design = cohort_design(rows(-7.0, 90.0, 28.0), baseline=None, timepoints=order)
    (said,) = input_remarks.day_remarks(design)
    assert said.startswith("P1: month_3 (day 28) should follow month_1 (day 90)")
    late = cohort_design(rows(2.0, 28.0, 90.0), baseline=None, timepoints=order)
    assert "day 2, after the infusion" in input_remarks.day_remarks(late)[0]
    good = cohort_design(rows(-7.0, 28.0, 90.0), baseline=None, timepoints=order)
    assert input_remarks.day_remarks(good) == []
