"""Claims under other clonotype rules: the grid, its own setting, and in how many a claim stands."""

import numpy as np
import pandas as pd
import pytest
from unit import repertoire_data as made

import define_clonotypes
import read_receptors
import vary_clonotypes as script
from immune_reset import fates, ledger, robustness, settings_varied, tables
from immune_reset.hill import abundances
from immune_reset.hill_change import compare

CONFIG = {
    "diversity.min_cells": 20,
    "diversity.min_repeats": 10,
}
OWN = {
    "min_umis": 1,
    "bcr_max_distance": 0.15,
    "light_chain": "where_present",
    "tcr_sequence": "nt",
    "tcr_arms": "refined",
}
ENDS = {"pre": "A", "post": "C"}  # of the junctions of one timepoint
LIMITS = {
    "min_cells": 20,
    "min_repeats": 10,
    "expanded_min_cells": 3,
}


def test_the_grid_holds_every_setting_once_and_the_runs_own():
    for receptor in ledger.RECEPTORS:
        settings = list(settings_varied.grid(OWN, receptor=receptor))
        assert len(settings) == 18
        assert sum(s["own_setting"] for s in settings) == 1
    other = OWN | {"bcr_max_distance": 0.12, "light_chain": "required", "min_umis": 2}
    settings = list(settings_varied.grid(other, receptor="BCR"))
    assert len(settings) == 2 * 4 * 3
    assert {s["min_umis"] for s in settings} == {2, 3}
    (own,) = [s for s in settings if s["own_setting"]]
    assert (own["bcr_max_distance"], own["light_chain"]) == (0.12, "required")


def test_directions_follow_the_interval():
    word = settings_varied.direction
    assert word(-0.4, 0.01) == "decreased"
    assert word(0.4, 0.01) == "increased"
    assert word(0.4, 0.06) == "no change shown"
    assert word(np.nan, np.nan) == "not estimable"


def test_claims_are_those_of_the_functions_behind_them():
    x = np.array([60, 30] + [3] * 10 + [1] * 60 + [0] * 60)
    y = np.array([4, 1] + [1] * 10 + [0] * 60 + [2] * 60)
    found = {c["claim"]: c for c in settings_varied.claims_of(x, y, receptor="TCR", **LIMITS)}
    change = compare(abundances(x), abundances(y))["ln_D1"]
    assert found["tcr_diversity"]["estimate"] == change.log_ratio
    assert found["tcr_diversity"]["direction"] == "increased"
    group = fates.group_change(x, y, depth=int(y.sum()), min_cells=3)
    assert found["baseline_clones"]["estimate"] == group.estimate
    assert found["baseline_clones"]["direction"] == "decreased"
    alone = settings_varied.claims_of(x, np.array([2] + [0] * 131), receptor="TCR", **LIMITS)
    assert [c["direction"] for c in alone] == ["not estimable", "not estimable"]
    bound = settings_varied.claims_of(x, np.minimum(y, 1), receptor="TCR", **LIMITS)[0]
    assert (bound["measure"], bound["direction"]) == ("bound of ln D2", "increased")


def patient(tmp_path):
    """One patient with a T-cell clone of two nucleotide variants and one-UMI chains."""
    files = {"chains": [], "cells": []}
    for time, sizes in (("pre", [30, 12, 4]), ("post", [3, 2, 20])):
        rows, sample = [], f"P1_{time}"
        for clone, size in enumerate(sizes):
            for i in range(size):
                junction = "TGTGCC" + "ACG"[clone] * 6 + ("TTC" if i % 2 else "TTT")
                umis = 1 if i % 3 == 0 else 5
                own = {"umis": umis, "cdr3": f"CA{'KPG'[clone] * 2}F"}
                rows.append(made.contig(f"{clone}_{i}", 1, "TRB", junction, **own))
        for i in range(25):
            junction = "TGTGCC" + "".join("ACGT"[(i >> k) % 4] for k in (0, 2, 4)) + ENDS[time]
            own = {"cdr3": f"C{'ADEGH'[i // 5]}{'IKLMN'[i % 5]}{ENDS[time]}F", "umis": 2}
            rows.append(made.contig(f"x_{i}", 1, "TRB", junction, **own))
        options = {"min_umis": 1, "productive_only": True, "high_confidence_only": True}
        read = {"TCR": (made.contigs(*rows), "t.csv")}
        chains, receptors, _ = read_receptors.build_receptors(read, sample=sample, **options)
        cells = pd.DataFrame({"cell_id": receptors["cell_id"], "sample": sample, "keep": True})
        for name, frame in (("chains", chains), ("cells", cells), ("receptors", receptors)):
            tables.write(frame, tmp_path / f"{time}_{name}.parquet")
            files.setdefault(name, []).append(tmp_path / f"{time}_{name}.parquet")
    return files


def varied(tmp_path, files, **cfg):
    output = {"robustness": tmp_path / "robustness.parquet"}
    inputs = {name: files[name] for name in ("chains", "cells")}
    script.main(made.job(inputs, output, design=made.design(), cfg=CONFIG | cfg))
    return tables.read(output["robustness"])


def test_the_runs_own_setting_gives_the_runs_own_clones(tmp_path):
    files = patient(tmp_path)
    found = varied(tmp_path, files)
    own = found[found["own_setting"]].query("claim == 'baseline_clones' and receptor == 'TCR'")
    outputs = {"clonotypes": tmp_path / "c.parquet", "facts": tmp_path / "f.json"}
    inputs = {name: files[name] for name in ("receptors", "cells")}
    define_clonotypes.main(made.job(inputs, outputs, design=made.design()))
    n = ledger.count_cells(tables.read(outputs["clonotypes"]), "TCR", ["pre", "post"])
    group = fates.group_change(n["pre"], n["post"], depth=int(n["post"].sum()), min_cells=3)
    assert own["estimate"].tolist() == pytest.approx([group.estimate])
    assert (own["n_baseline"].item(), own["n_followup"].item()) == (71, 50)


def test_each_setting_changes_what_it_should(tmp_path):
    found = varied(tmp_path, patient(tmp_path))
    assert list(found) == list(settings_varied.TYPES)
    share = found.query("claim == 'baseline_clones' and receptor == 'TCR' and arms == 'beta'")
    share = share.set_index(["min_umis", "rule"])
    assert share.loc[(1, "nt"), "n_baseline"] == share.loc[(2, "nt"), "n_baseline"] + 16
    assert share.loc[(3, "nt"), "n_baseline"] == share.loc[(2, "nt"), "n_baseline"] - 25
    assert share.loc[(1, "aa"), "estimate"] != share.loc[(1, "nt"), "estimate"]
    paired = found.query("receptor == 'TCR' and arms == 'paired'")
    assert set(paired["n_baseline"]) == {0}
    assert set(found.query("receptor == 'BCR'")["direction"]) == {"not estimable"}


def test_without_a_baseline_the_table_is_empty(tmp_path):
    output = {"robustness": tmp_path / "robustness.parquet"}
    files = patient(tmp_path)
    inputs = {name: files[name] for name in ("chains", "cells")}
    plan = made.design() | {"baseline": None}
    script.main(made.job(inputs, output, design=plan, cfg=CONFIG))
    assert tables.read(output["robustness"]).empty


def claims(direction="decreased", scope="P1", factor=1):
    row = {"claim": "baseline_clones", "scope": scope, "compartment": "BCR", "comparison": "a vs b"}
    p = {"p_value": 0.004, "q_value": 0.004 * factor}
    return pd.DataFrame([row | p | {"direction": direction, "detail": "as it was"}])


def settings(words, patient="P1", estimates=None, measure="change of share"):
    rows = [
        {"patient": patient, "claim": "baseline_clones", "compartment": "BCR"}
        | {"comparison": "a vs b", "min_umis": i, "rule": "r", "arms": "x", "direction": word}
        | {"gene_set": "", "min_genes": None, "max_pct_mt": None, "min_cells": None}
        | {
            "measure": measure,
            "p_value": 0.01,
            "effect": -0.7,
            "estimate": (estimates or [-1.0] * 9)[i],
        }
        for i, word in enumerate(words)
    ]
    return pd.DataFrame(rows)


def added(frame, table, members=("P1",), least=0.58):
    minima = {"baseline_clones": least}
    return robustness.add(frame, table, members, alpha=0.05, minima=minima).iloc[0]


def test_the_claim_says_in_how_many_settings_it_stands():
    table = settings(["decreased", "decreased", "increased", "no change shown", "not estimable"])
    row = added(claims(), table)
    assert row["robustness"] == "2 of 5"
    assert row["detail"] == (
        "as it was; the direction stands in 2 of 5 settings of the clonotype rule, increased in 1, "
        "not estimable in 1"
    )
    row = added(claims("no change shown"), table)
    words = "no change is shown in 1 of 5 settings of the clonotype rule"
    assert row["detail"].endswith(f"{words}, increased in 1, decreased in 2, not estimable in 1")
    for frame, given in ((claims("not estimable"), table), (claims(), table[:0])):
        row = added(frame, given)
        assert (row["robustness"], row["detail"]) == ("", "as it was")


def test_settings_are_corrected_as_the_claim_was():
    table = settings(["decreased"] * 3)
    assert added(claims(factor=4), table)["robustness"] == "3 of 3"
    assert added(claims("no change shown", factor=6), table)["robustness"] == "3 of 3"
    assert added(claims(), table, least=0.8)["robustness"] == "0 of 3"
    bound = settings(["decreased"] * 3, measure="bound of ln D2")
    assert added(claims("no change shown", factor=6), bound)["robustness"] == "0 of 3"


def test_the_cohort_is_tested_in_every_setting_over_its_members():
    shares = {"P1": [-0.5, -0.5], "P2": [-0.4, 0.4], "P3": [-0.45, 0.1], "H1": [9, 9]}
    table = pd.concat(
        [settings(["decreased"] * 2, patient, values) for patient, values in shares.items()]
    )
    row = added(claims(scope="cohort"), table, ["P1", "P2", "P3"])
    assert row["robustness"] == "1 of 2"
    corrected = claims(scope="cohort", factor=100)
    assert added(corrected, table, ["P1", "P2", "P3"])["robustness"] == "0 of 2"
    assert added(claims(scope="cohort"), table, ["P1", "P2"])["robustness"] == "0 of 2"
