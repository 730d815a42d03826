"""With the labels held fixed, what others bring changes nothing in a patient's own rows.

A cohort of A and B is run, then with a third patient, then with three healthy controls as well,
each time with the same label for every cell. Every row of every table that is a patient's own must
come out the same, to the last digit: estimate, interval, p-value, verdict and reason.
"""

import csv
import importlib
import os
import sys
from pathlib import Path

import pandas as pd
import pytest
from conftest import ROOT

from immune_reset import compared, report, tables

NO_TABLES = (
    "plot_",
    "lay_out",
    "thin_cells",
    "render",
    "export",
    "write_provenance",
    "digest_inputs",
    "simulate",
)
# no row of a patient; minutes of work
OF_THE_COHORT = ("test_expression", "enrich_pathways", "gather_enrichment")
HEALTHY = ("LN04", "LN05", "LN06")
COHORTS_OWN = {"clusters", "cluster_sheet", "gene_set_overlap"}


@pytest.fixture(scope="module")
def people(tmp_path_factory):
    """Six people, two samples each, and the true type of each cell as the user's own label.

    Three of them are healthy in name alone: what matters is that they are called controls.
    """
    place = tmp_path_factory.mktemp("people") / "cohort"
    simulation = importlib.import_module("simulate_cohort")
    assert simulation.command([str(place), "--preset", "tiny", "--patients", "6"]) == 0
    truth = pd.read_csv(place / "truth/cells.tsv.gz", sep="\t", dtype=str, keep_default_na=False)
    carriers = truth["car_lineage"].map({"CD4": "CD4 memory", "CD8": "CD8 effector"})
    label = truth["cell_subtype"].where(truth["cell_subtype"] != "", truth["cell_type"])
    label = carriers.fillna(label)  # a label that leaves the subtype open is no fixed label
    labels = truth[["sample", "barcode"]].assign(label=label)
    labels.to_csv(place / "labels.tsv", sep="\t", index=False)
    return place


def in_process():
    """The module that runs jobs in this process."""
    if str(ROOT / "benchmarks") not in sys.path:
        sys.path.insert(0, str(ROOT / "benchmarks"))
    return importlib.import_module("in_process")


def tables_of(people: Path, out: Path, patients: tuple[str, ...]) -> dict[str, pd.DataFrame]:
    """Run the people named, controls with their first sample alone; return the tables."""
    with (people / "samples.tsv").open(newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    rows = [row for row in rows if row["patient"] in patients]
    for row in rows:
        row["group"] = "control" if row["patient"] in HEALTHY else ""
    rows = [r for r in rows if not r["group"] or r["timepoint"] == "baseline"]
    sheet = people / f"{out.name}.tsv"
    with sheet.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), delimiter="\t")
        writer.writeheader()
        writer.writerows(rows)
    clinical = pd.read_csv(people / "clinical.tsv", sep="\t", dtype=str, keep_default_na=False)
    own = clinical[clinical["patient"].isin(patients)]
    own.to_csv(people / f"{out.name}_clinical.tsv", sep="\t", index=False)
    config = {
        "samples": str(sheet),
        "clinical": {"table": str(people / f"{out.name}_clinical.tsv")},
        "outdir": str(out),
        "annotation": {"labels": str(people / "labels.tsv"), "labels_column": "label"},
    }
    runner, here = in_process(), Path.cwd()
    jobs = runner.ordered_jobs(config, out / "report.html")
    try:
        os.chdir(ROOT)
        for job in jobs:
            if job.rule.name.startswith((*NO_TABLES, *OF_THE_COHORT)):
                continue
            for path in [*job.output, *job.log]:
                Path(str(path)).parent.mkdir(parents=True, exist_ok=True)
            importlib.import_module(job.rule.name).main(job)
            runner.close_logs()
    finally:
        os.chdir(here)
    return {path.stem: tables.read(path) for path in sorted((out / "tables").glob("*.tsv"))}


@pytest.fixture(scope="module")
def two(people, tmp_path_factory):
    """The tables of A and B alone."""
    return tables_of(people, tmp_path_factory.mktemp("runs") / "two", ("LN01", "LN02"))


@pytest.fixture(scope="module")
def three(people, tmp_path_factory):
    """The tables of A, B and C."""
    return tables_of(people, tmp_path_factory.mktemp("runs") / "three", ("LN01", "LN02", "LN03"))


@pytest.fixture(scope="module")
def three_and_controls(people, tmp_path_factory):
    """The tables of A, B, C and three healthy controls."""
    everyone = ("LN01", "LN02", "LN03", *HEALTHY)
    return tables_of(people, tmp_path_factory.mktemp("runs") / "healthy", everyone)


def rows_of(name: str, frame: pd.DataFrame, patients: tuple[str, ...]) -> pd.DataFrame:
    """Return the rows of a table that are these patients' own, in an order of their own."""
    if "sample" in frame and name != "clinical":
        own = frame["sample"].str.split("_").str[0].isin(patients)
    else:
        own = frame["scope" if "scope" in frame else "patient"].isin(patients)
    kept = frame.loc[own].drop(columns="flag", errors="ignore")  # compares the patients
    keys = [column for column in kept if kept[column].dtype == object]
    return kept.sort_values(keys, kind="stable").reset_index(drop=True)


def same_rows(before, after, patients):
    """Hold every table's rows of these patients against each other; return how many were held."""
    held = {}
    for name in sorted(set(before) & set(after) - COHORTS_OWN):
        one, other = (rows_of(name, frame, patients) for frame in (before[name], after[name]))
        columns = [column for column in one if column in other]
        drawn = set(one) - set(columns)
        assert one[list(drawn)].isna().all(axis=None), (name, drawn)
        pd.testing.assert_frame_equal(
            one[columns], other[columns], check_exact=True, check_dtype=False, obj=name
        )
        held[name] = len(one)
    return held


def test_a_further_patient_changes_nothing_in_the_rows_of_others(two, three):
    held = same_rows(two, three, ("LN01", "LN02"))
    for name in ("claims", "pathway_change", "attribution", "composition_change", "clone_fates"):
        assert held[name] > 10, name
    assert {"diversity", "diversity_change", "design_guard", "robustness", "on_target"} <= set(held)
    decided = three["claims"].query("scope == 'LN01' and direction in ('increased', 'decreased')")
    assert len(decided) > 3  # the rows that are held hold something


def test_two_runs_side_by_side_show_the_further_patient_alone(two, three):
    words = (ROOT / "workflow/report/sentences.yaml").read_text("utf-8")
    runs = [
        compared.Run(name, compared.complete(frames["claims"], name))
        for name, frames in (("two", two), ("three", three))
    ]
    rows = compared.compare(*runs, report.catalogue(words))["rows"]
    own = {row["scope"]: set() for row in rows}
    for row in rows:
        own[row["scope"]].add(row["state"])
    assert own.pop("cohort") & {"verdict", "value"}
    assert own == {"LN01": {"same"}, "LN02": {"same"}, "LN03": {"second"}}
    assert len(rows) == len(three["claims"])


def test_controls_change_no_patient_and_no_cohort(three, three_and_controls):
    patients = ("LN01", "LN02", "LN03", "cohort")
    held = same_rows(three, three_and_controls, patients)
    assert (three["claims"]["scope"] == "cohort").sum() > 10 and held["claims"] > 40
    for name, frame in three_and_controls.items():
        scopes = set(frame.get("scope", pd.Series(dtype=str)))
        assert not scopes & set(HEALTHY), name


def test_controls_are_the_reference_and_nothing_else(three, three_and_controls):
    assert "reference" not in three
    reference = three_and_controls["reference"]
    assert set(reference["patient"]) == {"LN01", "LN02", "LN03"}
    known = reference[reference["status"] == "estimable"]
    assert {"pathway", "composition", "diversity"} == set(known["kind"])
    assert (known["n_controls"] == 3).all()
    scores = three_and_controls["pathway_scores"]
    row = known[(known["measure"] == "ISG28") & (known["cell_type"] == "CD4 T")].iloc[0]
    own = scores[(scores["gene_set"] == "ISG28") & (scores["cell_type"] == "CD4 T")]
    healthy = own.loc[own["patient"].isin(HEALTHY), "score"]
    value = own.set_index(["patient", "timepoint"]).loc[(row["patient"], row["timepoint"]), "score"]
    assert row["z"] == pytest.approx((value - healthy.mean()) / healthy.std())
    assert row["control_low"] == healthy.min() and row["control_high"] == healthy.max()
