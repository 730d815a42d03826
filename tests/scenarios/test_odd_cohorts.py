"""Cohorts that lack what others have reach a report that says so."""

import csv
import shutil

import pytest
from conftest import copy_project, snakemake

from immune_reset import tables


def write_sheet(project, rows, columns):
    with (project / "cohort/samples.tsv").open("w", newline="") as file:
        writer = csv.DictWriter(file, columns, delimiter="\t", extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows)


@pytest.fixture
def project(tiny_cohort, tmp_path):
    copy = copy_project(tmp_path / "project")
    shutil.copytree(tiny_cohort, copy / "cohort")
    (copy / "tiny.yaml").write_text("samples: cohort/samples.tsv\n")
    return copy


def sheet(project):
    with (project / "cohort/samples.tsv").open(newline="") as file:
        return list(csv.DictReader(file, delimiter="\t"))


def run(project, *targets):
    done = snakemake("--configfile", "tiny.yaml", *targets, cwd=project)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    claims = tables.read(project / "results/tables/claims.tsv")
    return claims, (project / "results/report.html").read_text(encoding="utf-8")


def test_receptors_alone_of_which_one_patient_lacks_the_bcr(project):
    rows = [{**row, "gex": ""} for row in sheet(project)]
    last = rows[-1]["patient"]
    for row in rows:
        row["bcr"] = "" if row["patient"] == last else row["bcr"]
    write_sheet(project, rows, ["sample", "patient", "timepoint", "gex", "bcr", "tcr"])
    claims, report = run(project)
    assert (project / "results/cohort.h5mu").is_file()
    own = claims[claims["scope"] == last].set_index(["claim", "compartment"])
    assert own.loc[("baseline_clones", "BCR"), "reason"] == "no BCR files"
    assert "no count matrices" in own.loc[("tcr_diversity", "CD4"), "reason"]
    assert own.loc[("tcr_diversity", "all"), "direction"] != "not estimable"
    assert "no count matrices (repertoire only)" in report


def test_one_patient_with_one_timepoint_and_no_receptors(project):
    write_sheet(project, sheet(project)[:1], ["sample", "patient", "timepoint", "gex"])
    (project / "cohort/clinical.tsv").unlink()
    claims, report = run(project, "--", "results/report.html")
    assert set(claims["direction"]) == {"not estimable"}
    assert claims["reason"].ne("").all()
    assert "This cohort has no V(D)J files" in report
    assert "There is no clinical table" in report
