"""What is said of every sample's files: sex, leaks, genes, days."""

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from unit import cells_made

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


def test_the_ambient_share_is_the_leaked_over_the_soups_immunoglobulin():
    """30 T cells with 1 IGKC of 100, 20 B cells with 41 of 100: by hand."""
    symbols = pd.Series(["CD3D", "MS4A1", "IGKC", "ACTB"])
    t_cells = np.tile([5, 0, 1, 94], (30, 1))
    b_cells = np.tile([0, 4, 41, 55], (20, 1))
    found = leaks.leaked_immunoglobulin(sparse.csr_matrix(np.vstack([t_cells, b_cells])), symbols)
    soup = (30 * 1 + 20 * 41) / 5000
    assert found == {"n_t_cells": 30, "ig_per_10k": 100.0, "ambient": round(0.01 / soup, 6)}


def test_without_cells_that_make_it_the_leak_is_said_and_no_share():
    symbols = pd.Series(["CD3D", "MS4A1", "IGKC"])
    found = leaks.leaked_immunoglobulin(sparse.csr_matrix(np.tile([5, 0, 1], (30, 1))), symbols)
    assert found["ig_per_10k"] == pytest.approx(1e4 / 6, abs=1e-3) and found["ambient"] is None
    few = leaks.leaked_immunoglobulin(sparse.csr_matrix(np.tile([5, 0, 1], (9, 1))), symbols)
    assert few == {"n_t_cells": 9, "ig_per_10k": None, "ambient": None}


def planted(rho, rng):
    """Return counts of 200 T and 60 B cells whose UMIs are to a share `rho` of one soup."""
    t, b = np.array([0.05, 0.0, 0.0, 0.95]), np.array([0.0, 0.04, 0.36, 0.60])
    soup = (200 * t + 60 * b) / 260
    cells = [(1 - rho) * own + rho * soup for own in [t] * 200 + [b] * 60]
    return sparse.csr_matrix(np.array([rng.multinomial(2000, p) for p in cells]))


@pytest.mark.parametrize("rho", [0.02, 0.05])
def test_a_planted_soup_is_found(rho):
    """T cells that caught a UMI of MS4A1 are left out, so that it falls a little short."""
    symbols = pd.Series(["CD3D", "MS4A1", "IGKC", "ACTB"])
    found = leaks.leaked_immunoglobulin(planted(rho, np.random.default_rng(1)), symbols)
    assert 0.6 * rho < found["ambient"] < 1.15 * rho


def load(sex, genes=1000, **more):
    facts = {"format": "10x HDF5 v3", "n_barcodes": 9, "n_genes": genes, "n_other_donors": 0}
    leak = {"n_t_cells": 40, "ig_per_10k": 3.0, "ambient": more.get("ambient")}
    return {**facts, "sex": {"sex": sex, "xist_umis": 3, "y_umis": 40}, "leak": leak,
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
