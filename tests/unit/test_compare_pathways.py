"""The cohort's pathway changes, their gate, the one signal, the single genes, a whole run."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import attribute_change
import compare_pathways
import gather_pathways
from immune_reset import gene_sets, pathway_genes, tables
from immune_reset.pathways import CHANGE_COLUMNS

BEYOND, JAK = "JAK_STAT_BEYOND_INTERFERON", "HALLMARK_IL6_JAK_STAT3_SIGNALING"
COLLECTIONS = {"ISG28": "interferon", JAK: "jak_stat", BEYOND: "jak_stat"}


class Files(dict):
    __getattr__ = dict.__getitem__


def patient_rows(values: dict, *, gene_set: str = "ISG28", status: str = "scorable"):
    """Return rows of single patients: {(patient, cell type): change}."""
    rows = [
        {"scope": p, "patient": p, "cell_type": kind, "estimate": d, "ci_low": d - 0.3}
        | {"ci_high": d + 0.3, "status": "not scorable" if np.isnan(d) else status}
        for (p, kind), d in values.items()
    ]
    keys = {"comparison": "post vs pre", "baseline": "pre", "followup": "post"}
    frame = pd.DataFrame(rows).assign(gene_set=gene_set, n_baseline=20, n_followup=30, **keys)
    return frame.reindex(columns=list(CHANGE_COLUMNS))


def one(table: pd.DataFrame, **where) -> pd.Series:
    rows = table.loc[np.logical_and.reduce([table[k] == v for k, v in where.items()])]
    assert len(rows) == 1
    return rows.iloc[0]


def test_gate_is_the_paired_t_of_the_patients_means_over_types():
    values = {
        ("P1", "B"): -1.0, ("P1", "NK"): -2.0, ("P1", "DC"): np.nan,
        ("P2", "B"): -0.5, ("P2", "NK"): -1.5, ("P2", "DC"): -1.0,
        ("P3", "B"): -2.5, ("P3", "NK"): np.nan, ("P3", "DC"): np.nan,
    }  # fmt: skip
    table = compare_pathways.cohort_changes(patient_rows(values))
    gate = one(table, cell_type="all")
    means = [-1.5, -1.0, -2.5]
    assert gate["estimate"] == pytest.approx(np.mean(means))
    assert gate["p_value"] == pytest.approx(stats.ttest_1samp(means, 0).pvalue)
    low, high = stats.ttest_1samp(means, 0).confidence_interval(0.95)
    assert (gate["ci_low"], gate["ci_high"]) == pytest.approx((low, high))
    assert gate["p_floor"] == pytest.approx(0.25)
    assert gate["p_sign_flip"] == pytest.approx(0.25)
    assert (gate["n_patients"], gate["n_decreased"], gate["status"]) == (3, 3, "scorable")
    b = one(table, cell_type="B")
    assert b["p_value"] == pytest.approx(stats.ttest_1samp([-1.0, -0.5, -2.5], 0).pvalue)
    nk = one(table, cell_type="NK")
    assert (nk["status"], nk["n_patients"]) == ("both patients", 2)
    assert np.isnan(nk["p_value"])
    dc = one(table, cell_type="DC")
    assert (dc["status"], dc["reason"]) == ("not scorable", "1 patient with a scorable change")
    assert dc["enough"] == "3 patients"


def test_pooled_t_cells_do_not_enter_the_gate_twice():
    values = {
        (f"P{k}", kind): d for k in (1, 2, 3) for kind, d in (("CD4 T", -1.0 - k), ("T", 9.0))
    }
    gate = one(compare_pathways.cohort_changes(patient_rows(values)), cell_type="all")
    assert gate["estimate"] == pytest.approx(-3)


def test_bounds_enter_the_cohort_with_their_estimate():
    rows = patient_rows({("P1", "B"): -1.0, ("P2", "B"): -2.0})
    zero = patient_rows({("P3", "B"): -6.0}, status="bound")
    table = compare_pathways.cohort_changes(pd.concat([rows, zero], ignore_index=True))
    assert one(table, cell_type="B")["n_patients"] == 3


@pytest.mark.parametrize(
    ("beyond", "named"), [(-0.1, "interferon"), (0.9, "interferon"), (-0.9, "")]
)
def test_jak_stat_is_interferons_signal_unless_beyond_moves_likewise(beyond, named):
    rows = pd.concat(
        [
            patient_rows({("P1", "B"): -1.8}),
            patient_rows({("P1", "B"): -1.7}, gene_set=JAK),
            patient_rows({("P1", "B"): beyond}, gene_set=BEYOND),
        ],
        ignore_index=True,
    )
    table = compare_pathways.mark_same_signal(rows, COLLECTIONS)
    marks = dict(zip(table["gene_set"], table["same_signal_as"], strict=True))
    assert marks == {"ISG28": "", JAK: named, BEYOND: ""}


@pytest.mark.parametrize(("second", "named"), [(-0.9, ""), (-0.1, "interferon")])
def test_of_two_patients_both_must_show_more_than_interferon(second, named):
    jak = patient_rows({("P1", "B"): -1.7, ("P2", "B"): -1.5}, gene_set=JAK)
    beyond = patient_rows({("P1", "B"): -0.9, ("P2", "B"): second}, gene_set=BEYOND)
    single = pd.concat([jak, beyond], ignore_index=True)
    both = pd.concat([single, compare_pathways.cohort_changes(single)], ignore_index=True)
    table = compare_pathways.mark_same_signal(both, COLLECTIONS)
    row = one(table, scope="cohort", cell_type="B", gene_set=JAK)
    assert (row["status"], row["same_signal_as"]) == ("both patients", named)


def test_what_is_not_scored_is_no_signal():
    jak = patient_rows({("P1", "B"): np.nan}, gene_set=JAK)
    assert compare_pathways.mark_same_signal(jak, COLLECTIONS)["same_signal_as"].tolist() == [""]


def test_single_genes_by_hand():
    change = patient_rows({("P1", "B"): -1.0}).assign(umis_baseline=100, umis_followup=20)
    at = {"patient": "P1", "cell_type": "B"}
    sums = pd.DataFrame(
        [
            at | {"timepoint": "pre", "symbol": "MX1", "umis": 90},
            at | {"timepoint": "post", "symbol": "MX1", "umis": 5},
            at | {"timepoint": "pre", "symbol": "ISG15", "umis": 10},
            at | {"timepoint": "post", "symbol": "ISG15", "umis": 15},
        ]
    )
    totals = pd.DataFrame(
        [at | {"timepoint": t, "total_umis": n} for t, n in (("pre", 999), ("post", 1999))]
    )
    members = pd.DataFrame({"gene_set": "ISG28", "symbol": ["MX1", "ISG15", "IFI6"]})
    got = pathway_genes.gene_changes(sums, totals, change, members).set_index("symbol")
    assert list(got.index) == ["MX1", "ISG15"]
    assert got.loc["MX1", "log2_change"] == pytest.approx(np.log2(5.5 / 2000 / (90.5 / 1000)))
    assert got.loc["MX1", "share_of_set"] == pytest.approx(95 / 120)
    assert got.loc["MX1", "change_without"] == pytest.approx(np.log2(15.5 / 2000 / (10.5 / 1000)))


def write_run(tmp_path, gene_set="ISG28", collection="interferon") -> tuple[Files, dict]:
    own = np.random.default_rng(5)
    labels, files = [], {"set_counts": [], "gene_counts": [], "coverage": []}
    rows = [("P1_pre", "P1", "pre"), ("P1_post", "P1", "post")]
    for sample, _, time in rows:
        ids = [f"{sample}:{k}" for k in range(60)]
        total = own.poisson(2000, 60)
        mx1 = own.binomial(total, 0.02 if time == "pre" else 0.005)
        frame = pd.DataFrame({"cell_id": ids, "total_counts": total, gene_set: mx1})
        genes = pd.DataFrame({"cell_id": ids, "symbol": "MX1", "count": mx1})
        covered = {"sample": sample, "gene_set": [gene_set], "n_genes_measured": 28}
        kinds = ["B"] * 20 + ["CD4 T"] * 20 + ["CD8 T"] * 20
        labels.append(pd.DataFrame({"cell_id": ids, "sample": sample, "cell_type": kinds}))
        parts = (frame, genes.astype({"cell_id": "category"}), pd.DataFrame(covered))
        for name, part in zip(files, parts, strict=True):
            path = tmp_path / f"{sample}_{name}_{gene_set}.parquet"
            tables.write(part, path)
            files[name].append(path)
    sets = pd.DataFrame({"gene_set": [gene_set], "symbol": "MX1", "collection": collection})
    sets = sets.reindex(columns=list(gene_sets.COLUMNS)).assign(weight=1.0)
    tables.write(pd.concat(labels), tmp_path / "labels.parquet")
    tables.write(sets, tmp_path / f"{gene_set}.parquet")
    given = {"labels": tmp_path / "labels.parquet", "gene_sets": [tmp_path / f"{gene_set}.parquet"]}
    inputs = Files(**given, **files)
    samples = [{"sample": s, "patient": p, "timepoint": t, "day": 0} for s, p, t in rows]
    return inputs, {"timepoints": ["pre", "post"], "baseline": "pre", "samples": samples}


CFG = {"pathways.min_cells": 10, "pathways.min_counts": 20, "pathways.min_genes": 3}


def run_part(tmp_path, part: str, inputs: Files, design: dict) -> Files:
    """Run both rules of one part of the gene sets; return their files."""
    names = ("scores", "change", "genes", "attribution")
    out = Files({name: tmp_path / f"{name}_{part}.parquet" for name in names})
    params = Files(cfg=CFG, design=design)
    job = {"input": inputs, "output": out, "params": params, "log": []}
    for module in (compare_pathways, attribute_change):
        module.main(SimpleNamespace(**job, wildcards=Files(sets=part)))
    return out


def gather(tmp_path, parts: list[Files]) -> Files:
    """Run the rule that joins the parts; return its tables."""
    given = Files({name: [part[name] for part in parts] for name in parts[0]})
    paths = {name: tmp_path / f"pathway_{name}.tsv" for name in given}
    out = Files(paths | {"attribution": tmp_path / "attribution.tsv"})
    params = Files(cfg={}, design=None)
    gather_pathways.main(SimpleNamespace(input=given, output=out, params=params, log=[]))
    return out


def test_a_whole_run_fills_the_tables_of_the_contract(tmp_path):
    out = gather(tmp_path, [run_part(tmp_path, "shipped", *write_run(tmp_path))])
    change = tables.read(out.change)
    row = one(change, scope="P1", cell_type="T", gene_set="ISG28")
    assert row["n_baseline"] == 40
    assert row["ci_low"] < -2 < row["ci_high"]
    assert one(change, scope="cohort", cell_type="T")["status"] == "not scorable"
    assert len(tables.read(out.scores)) == 2 * 8
    genes = tables.read(out.genes)
    assert set(genes["cell_type"]) == {"B", "CD4 T", "CD8 T", "T"}
    gene, whole = one(genes, cell_type="T"), row
    assert gene["umis_baseline"] == whole["umis_baseline"]
    assert gene["share_of_set"] == 1


def test_own_sets_stand_behind_the_shipped_ones_of_the_same_cells(tmp_path):
    shipped = run_part(tmp_path, "shipped", *write_run(tmp_path))
    own = run_part(tmp_path, "own", *write_run(tmp_path, "MINE", "user"))
    out = gather(tmp_path, [shipped, own])
    for name in out:
        both, alone = tables.read(out[name]), tables.read(shipped[name])
        mine = both["gene_set"] == "MINE"
        assert 2 * len(alone) == 2 * mine.sum() == len(both)
        keys = gather_pathways.KEYS[name]
        # one block of rows for each key, in the order of the shipped part's keys
        assert list(dict.fromkeys(both[keys].itertuples(index=False, name=None))) == list(
            dict.fromkeys(alone[keys].itertuples(index=False, name=None))
        )
        starts = (both[keys] != both[keys].shift()).any(axis=1)
        assert starts.sum() == len(alone[keys].drop_duplicates())
        assert not mine[starts].any()
