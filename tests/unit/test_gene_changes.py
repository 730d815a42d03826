"""Change of V-gene usage: Newcombe's interval within patients, paired CLR over them, by hand."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import confint_proportions_2indep
from unit import repertoire_data as made

import compare_gene_usage as script
import profile_repertoire
from immune_reset import gene_changes, tables

COMPARISONS = [("post", "pre", "post vs pre")]


def usage(counts, patient="P1", locus="TRB", subset="all", cells=1):
    """Rows of gene_usage.tsv of {timepoint: {gene: clones}}, each clone of `cells` cells."""
    rows = []
    for time, genes in counts.items():
        total = sum(genes.values())
        for gene, n in genes.items():
            place = {"patient": patient, "timepoint": time, "locus": locus, "subset": subset}
            place["receptor"] = "TCR" if locus[0] == "T" else "BCR"
            numbers = {"n_clones": n, "total_clones": total}
            numbers |= {"n_cells": cells * n, "total_cells": cells * total}
            rows.append(place | {"v_call": gene} | numbers)
    return pd.DataFrame(rows)


def changes(frame):
    return gene_changes.patient_changes(frame, COMPARISONS).set_index(["unit", "scope", "v_call"])


def test_the_interval_is_newcombes_by_clone_and_there_is_none_by_cell():
    frame = usage({"pre": {"TRBV9": 30, "TRBV5": 70}, "post": {"TRBV9": 10, "TRBV5": 50}}, cells=3)
    found = changes(frame)
    low, high = confint_proportions_2indep(10, 60, 30, 100, method="newcomb", compare="diff")
    row = found.loc[("clones", "P1", "TRBV9")]
    assert row["estimate"] == pytest.approx(1 / 6 - 0.3)
    assert (row["ci_low"], row["ci_high"]) == pytest.approx((low, high))
    cells = found.loc[("cells", "P1", "TRBV9")]
    assert (cells["n_baseline"], cells["total_followup"]) == (90, 180)
    assert cells["estimate"] == pytest.approx(1 / 6 - 0.3)
    assert np.isnan(cells["ci_low"])
    assert cells["status"].startswith("described")


def test_a_gene_not_seen_has_the_interval_of_none_among_so_many():
    """0 of 5 clones is no certain 0: Newcombe's end comes from Wilson's interval of 0 of 5."""
    found = changes(usage({"pre": {"TRBV9": 3, "TRBV5": 27}, "post": {"TRBV5": 5}}))
    row = found.loc[("clones", "P1", "TRBV9")]
    low, high = confint_proportions_2indep(0, 5, 3, 30, method="newcomb", compare="diff")
    assert (row["estimate"], row["ci_low"], row["ci_high"]) == pytest.approx((-0.1, low, high))
    assert row["ci_high"] > 0.2


def test_a_patient_of_one_time_has_no_row():
    both = usage({"pre": {"TRBV9": 30}, "post": {"TRBV5": 50}})
    found = changes(pd.concat([both, usage({"pre": {"TRBV9": 3}}, "P2")]))
    assert set(found.index.get_level_values("scope")) == {"P1"}
    assert found.loc["clones"]["estimate"].to_dict() == {
        ("P1", "TRBV9"): -1,
        ("P1", "TRBV5"): 1,
    }


def test_shares_from_the_cells_themselves(tmp_path):
    """From clonotypes to the change, against a count of the cells one by one."""
    rng = np.random.default_rng(8)
    parts = []
    for i, gene in enumerate(rng.choice(["IGHV1-2", "IGHV3-23", "IGHV4-34"], 60)):
        cells = {"pre": int(rng.integers(0, 4)), "post": int(rng.integers(0, 3))}
        isotype = str(rng.choice(["IGHM", "IGHG1"]))
        parts.append(made.clonotypes({i: cells}, receptor="BCR", v_call=gene, c_call=isotype))
    cells = pd.concat(parts, ignore_index=True)
    frame = profile_repertoire.gene_usage(cells, patient="P1")
    found = gene_changes.patient_changes(frame, COMPARISONS)
    checked = 0
    for subset, mask in (("all", None), ("IgG", cells["c_call"] == "IGHG1")):
        own = cells if mask is None else cells[mask]
        for unit in ("cells", "clones"):
            seen = own if unit == "cells" else own.drop_duplicates(["timepoint", "clone_id"])
            for gene in ("IGHV1-2", "IGHV3-23", "IGHV4-34"):
                share = {}
                for time in ("pre", "post"):
                    now = [v for v, t in zip(seen["v_call"], seen["timepoint"], strict=True)
                           if t == time]  # fmt: skip
                    share[time] = now.count(gene) / len(now)
                row = found[
                    found[["subset", "unit", "v_call"]].eq([subset, unit, gene]).all(axis=1)
                ]
                assert row["estimate"].item() == pytest.approx(share["post"] - share["pre"])
                checked += 1
    assert checked == 12


def cohort(n=4, seed=1, total=400):
    """Patients whose IGHV3-23 doubles and the others follow, with noise."""
    rng = np.random.default_rng(seed)
    base = {"IGHV1-2": 0.3, "IGHV3-23": 0.2, "IGHV4-34": 0.1, "IGHV5-51": 0.395, "IGHV7-4": 0.005}
    frames = []
    for i in range(n):
        sides = {}
        for time, factor in (("pre", 1.0), ("post", 2.5)):
            p = np.array([v * (factor if g == "IGHV3-23" else 1) for g, v in base.items()])
            drawn = rng.multinomial(total, p / p.sum())
            sides[time] = dict(zip(base, drawn.tolist(), strict=True))
        frames.append(usage(sides, f"P{i}", "IGH"))
    return pd.concat(frames, ignore_index=True)


def test_the_cohorts_change_is_a_paired_t_test_of_centred_log_ratios():
    frame = cohort()
    patients = gene_changes.patient_changes(frame, COMPARISONS)
    found = gene_changes.cohort_changes(patients, ["P0", "P1", "P2", "P3"])
    found = found.query("unit == 'clones'").set_index("v_call")
    parts = ["IGHV1-2", "IGHV3-23", "IGHV4-34", "IGHV5-51"]  # of IGHV7-4 2 are expected
    clr = {}
    for (patient, time), own in frame.groupby(["patient", "timepoint"]):
        n = own.set_index("v_call")["n_clones"]
        logs = np.log(n[parts].to_numpy() + 0.5)
        clr[patient, time] = logs - logs.mean()
    p = []
    for k, gene in enumerate(parts):
        post, pre = ([clr[f"P{i}", t][k] for i in range(4)] for t in ("post", "pre"))
        test = stats.ttest_rel(post, pre)
        ends = test.confidence_interval(0.95)
        row = found.loc[gene]
        assert row["estimate"] == pytest.approx(np.mean(post) - np.mean(pre))
        assert (row["ci_low"], row["ci_high"]) == pytest.approx((ends.low, ends.high))
        assert row["p_value"] == pytest.approx(test.pvalue)
        p.append(test.pvalue)
    assert found.loc[parts, "q_value"].to_list() == pytest.approx(
        multipletests(p, method="fdr_bh")[1].tolist()
    )
    assert found["n_patients"].unique() == [4]
    assert "IGHV7-4" not in found.index
    assert found.loc["IGHV3-23", "q_value"] < 0.05


def test_many_rare_genes_are_one_part_of_the_composition():
    frames = []
    for i in range(3):
        rare = {f"IGHV9-{r}": 2 for r in range(20)} | {"IGHV3-23": 100}
        sides = {t: rare | {"IGHV1-2": 100 + 10 * i + k} for k, t in enumerate(("pre", "post"))}
        frames.append(usage(sides, f"P{i}", "IGH"))
    patients = gene_changes.patient_changes(pd.concat(frames), COMPARISONS)
    found = gene_changes.cohort_changes(patients, ["P0", "P1", "P2"])
    row = found.query("unit == 'clones' and v_call == 'IGHV1-2'").iloc[0]
    logs = [np.log(np.array([[100 + 10 * i + k, 100, 40] for k in (0, 1)]) + 0.5) for i in range(3)]
    change = [(x[1, 0] - x[1].mean()) - (x[0, 0] - x[0].mean()) for x in logs]
    assert row["estimate"] == pytest.approx(np.mean(change))


def test_two_patients_are_described_and_no_cohort():
    patients = gene_changes.patient_changes(cohort(2), COMPARISONS)
    found = gene_changes.cohort_changes(patients, ["P0", "P1"])
    assert set(found["v_call"]) == {"IGHV4-34"}
    assert found[["estimate", "p_value", "q_value"]].isna().all(axis=None)
    words = "not estimable: 2 patients have 50 clones of the locus at both times, 3 needed"
    assert found.loc[found["unit"] == "clones", "status"].item() == words


def test_controls_and_small_samples_are_no_pairs():
    frame = pd.concat([cohort(3), cohort(1, seed=2, total=30).assign(patient="few")])
    patients = gene_changes.patient_changes(frame, COMPARISONS)
    found = gene_changes.cohort_changes(patients, ["P0", "P1", "P2", "few"])
    assert set(found["n_patients"]) == {3}
    left_out = gene_changes.cohort_changes(patients, ["P0", "P1", "few"])
    assert set(left_out["n_patients"]) == {2}


def test_a_rare_ighv4_34_says_so():
    frame = cohort().replace({"v_call": {"IGHV4-34": "IGHV4-39", "IGHV7-4": "IGHV4-34"}})
    patients = gene_changes.patient_changes(frame, COMPARISONS)
    found = gene_changes.cohort_changes(patients, ["P0", "P1", "P2", "P3"])
    row = found.query("unit == 'clones' and v_call == 'IGHV4-34'")
    assert row["status"].item() == (
        "not estimable: fewer than 5 clones expected in the smallest sample"
    )


def test_null_cohorts_are_seldom_called_changed_whatever_the_depth():
    rng = np.random.default_rng(4)
    share = rng.dirichlet(np.full(12, 3.0))
    false, tests = 0, 0
    for _ in range(40):
        frames = [
            usage({t: {f"IGHV{k}": int(x) for k, x in enumerate(rng.multinomial(n, share))}
                   for t, n in (("pre", 2000), ("post", 200))}, f"P{i}", "IGH")
            for i in range(5)
        ]  # fmt: skip
        patients = gene_changes.patient_changes(pd.concat(frames), COMPARISONS)
        found = gene_changes.cohort_changes(patients, [f"P{i}" for i in range(5)])
        p = found.query("unit == 'clones'")["p_value"].dropna()
        false, tests = false + int((p < 0.05).sum()), tests + len(p)
    assert tests > 200
    assert false / tests < 0.08


def test_main_and_an_empty_cohort_keep_the_columns(tmp_path):
    outputs = {"change": tmp_path / "gene_usage_change.tsv"}
    plan = {
        "baseline": "pre", "timepoints": ["pre", "post"],
        "samples": [{"sample": f"{p}{t}", "patient": p, "timepoint": t}
                    for p in ("P0", "P1", "P2") for t in ("pre", "post")],
    }  # fmt: skip
    full = cohort(3)
    for frame in (full, full.iloc[:0]):
        tables.write(frame, tmp_path / "usage.parquet")
        script.main(made.job({"usage": tmp_path / "usage.parquet"}, outputs, design=plan))
        found = tables.read(outputs["change"])
        assert set(gene_changes.TYPES) == set(found)
        assert len(found) == 0 or set(found["scope"]) == {"P0", "P1", "P2", "cohort"}
