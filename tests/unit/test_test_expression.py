"""Expression of pseudobulks: folds by hand, PyDESeq2 where there are pairs, and what is said."""

import json
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

import test_expression as expression
from immune_reset import tables


class Files(dict):
    __getattr__ = dict.__getitem__


def make_counts(n_pairs: int, *, n_genes: int = 80, seed: int = 1) -> pd.DataFrame:
    """Units by genes; the first ten genes fall fourfold, patient by patient at another depth."""
    own = np.random.default_rng(seed)
    level = own.gamma(2, 60, n_genes) + 20
    rows, keys = [], []
    for patient in range(n_pairs):
        person = own.lognormal(0, 0.3, n_genes)
        for time in ("post", "pre"):
            depth = own.uniform(0.5, 2)
            effect = np.where((np.arange(n_genes) < 10) & (time == "post"), 0.25, 1.0)
            mean = level * person * depth * effect
            rows.append(own.negative_binomial(30, 30 / (30 + mean)))
            keys.append((f"P{patient}", time))
    index = pd.MultiIndex.from_tuples(keys, names=["patient", "timepoint"])
    return pd.DataFrame(rows, index=index, columns=[f"g{k:02d}" for k in range(n_genes)])


def median_of_ratios(counts: pd.DataFrame) -> pd.Series:
    logs = np.log(counts.loc[:, (counts > 0).all()].astype(float))
    return np.exp((logs - logs.mean()).median(axis=1))


def test_folds_by_hand():
    counts = make_counts(2)
    sizes = median_of_ratios(counts)
    normed = np.log2(counts.div(sizes, axis=0) + 0.5)
    folds = expression.patient_folds(counts, "pre", "post")
    expected = normed.loc[("P1", "post"), "g03"] - normed.loc[("P1", "pre"), "g03"]
    assert folds.loc["g03", "P1"] == pytest.approx(expected)
    assert folds.loc["g00":"g09"].mean().mean() == pytest.approx(-2, abs=0.4)


def test_one_pair_gives_folds_and_no_p_value():
    rows, folds = expression.compare_pair(make_counts(1), "pre", "post")
    assert set(rows["status"]) == {"fold changes only"}
    assert "p_value" not in rows
    assert rows["log2_fold_change"].tolist() == folds["log2_fold_change"].tolist()


@pytest.fixture(scope="module")
def three() -> tuple[pd.DataFrame, pd.DataFrame]:
    return expression.compare_pair(make_counts(3), "pre", "post")


def test_three_pairs_find_the_planted_genes(three):
    rows, folds = three
    planted = rows["gene_id"] < "g10"
    assert set(rows["status"]) == {"tested"}
    assert (rows.loc[planted, "q_value"] < 0.05).all()
    assert (rows.loc[planted, "log2_fold_change"] < -1).all()
    assert (rows.loc[~planted, "q_value"] < 0.05).mean() < 0.1
    assert (rows.loc[planted, "n_down"] == 3).all()
    mean = folds.groupby("gene_id")["log2_fold_change"].mean()
    assert np.corrcoef(rows.set_index("gene_id")["log2_fold_change"], mean)[0, 1] > 0.98


def test_estimates_agree_with_a_poisson_regression_of_known_offsets(three):
    """At the same size factors, a paired fold of two means is near the model's."""
    counts = make_counts(3)
    sizes = median_of_ratios(counts)
    rows = three[0].set_index("gene_id")
    normed = counts.div(sizes, axis=0)
    after, before = (normed.xs(t, level="timepoint").sum() for t in ("post", "pre"))
    assert np.abs(np.log2(after / before) - rows["log2_fold_change"]).median() < 0.1


def test_two_pairs_are_exploratory():
    rows, _ = expression.compare_pair(make_counts(2, n_genes=40), "pre", "post")
    assert set(rows["status"]) == {"exploratory"}
    assert rows["p_value"].notna().all()


def test_genes_with_few_counts_are_not_tested():
    counts = make_counts(2)
    counts["rare"] = [0, 1, 0, 2]
    assert "rare" not in expression.expressed(counts)
    assert "g00" in expression.expressed(counts)


def test_pairs_are_patients_with_both_times():
    units = pd.DataFrame(
        {"patient": ["P1", "P1", "P2", "P3"], "timepoint": ["pre", "post", "pre", "later"]}
    ).assign(cell_type="B")
    own = expression.paired_units(units, "B", "pre", "post")
    assert set(own["patient"]) == {"P1"}


def write_run(tmp_path, counts: pd.DataFrame, *, n_cells: int = 40):
    files = {"pseudobulk": [], "sizes": [], "genes": []}
    samples, labels = [], []
    for patient, time in counts.index:
        sample = f"{patient}_{time}"
        place = tmp_path / sample
        place.mkdir()
        values = counts.loc[(patient, time)]
        bulk = pd.DataFrame({"sample": sample, "cluster": "0", "gene_id": values.index})
        size = {"sample": [sample], "cluster": ["0"], "n_cells": [n_cells]}
        parts = {
            "pseudobulk": bulk.assign(counts=values.to_numpy()),
            "sizes": pd.DataFrame(size | {"total_counts": [int(values.sum())]}),
            "genes": pd.DataFrame({"gene_id": values.index, "symbol": values.index.str.upper()}),
        }
        for name, part in parts.items():
            tables.write(part, place / f"{name}.parquet")
            files[name].append(place / f"{name}.parquet")
        samples.append({"sample": sample, "patient": patient, "timepoint": time, "day": 0})
        labels.append(pd.DataFrame({"cell_id": [sample], "cluster": "0", "cell_type": "B"}))
    tables.write(pd.concat(labels), tmp_path / "labels.parquet")
    design = {"timepoints": ["pre", "post"], "baseline": "pre", "samples": samples}
    out = {"expression": tmp_path / "expression.tsv"}
    out |= {name: tmp_path / f"{name}.parquet" for name in ("folds", "tests")}
    return SimpleNamespace(
        input=Files(labels=tmp_path / "labels.parquet", **files),
        output=Files(out),
        params=Files(
            cfg={"expression.min_cells": 10, "expression.min_counts": 1000},
            design=json.loads(json.dumps(design)),
        ),
        log=[],
    )


def test_a_whole_run_of_one_patient(tmp_path):
    smk = write_run(tmp_path, make_counts(1))
    expression.main(smk)
    table = tables.read(smk.output.expression)
    assert table["p_value"].isna().all()
    assert set(table["n_pairs"]) == {1}
    assert (table["symbol"] == table["gene_id"].str.upper()).all()
    assert tables.read(smk.output.tests)["status"].tolist() == ["fold changes only"]


def test_too_few_cells_leave_empty_tables_and_say_so(tmp_path):
    smk = write_run(tmp_path, make_counts(1), n_cells=9)
    expression.main(smk)
    assert tables.read(smk.output.expression).empty
    assert tables.read(smk.output.folds).empty
