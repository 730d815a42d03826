"""Contigs alone, with what real cohorts lack: the report says each of it in words."""

import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from conftest import ROOT
from unit import repertoire_data as made

from immune_reset import tables

GERMLINE = ("ACGTTGCAAGTCCATGACCTGATCGATCAGGCTTACCGATAGCTTAAGGCA" * 6)[:300]


def t_cells(seed, n, start=0):
    """Return contigs of `n` T cells, a third of them of one clone."""
    rng = np.random.default_rng(seed)
    rows = []
    for i in range(start, start + n):
        middle = "GCA" * 4 if i % 3 == 0 else "".join(rng.choice(list("ACGT"), 12))
        rows.append(made.contig(f"T{i}-1", 1, "TRB", f"TGT{middle}TTC"))
        rows.append(made.contig(f"T{i}-1", 2, "TRA", f"TGT{middle[::-1]}TTC"))
    return rows


def b_cells(n):
    """Return AIRR rows of `n` B cells; the i-th has i % 10 mutations of 300 in its V gene."""
    rng = np.random.default_rng(5)
    rows = []
    for i in range(n):
        v = list(GERMLINE)
        for place in rng.choice(300, i % 10, replace=False):
            v[place] = "ACGT"[("ACGT".index(v[place]) + 1) % 4]
        rows.append({
            "cell_id": f"B{i}-1", "sequence_id": f"B{i}-1_contig_1", "locus": "IGH",
            "v_call": "IGHV4-34*01" if i % 4 == 0 else "IGHV3-23*01", "j_call": "IGHJ4*02",
            "c_call": "IGHG1" if i % 2 else "IGHM", "productive": "T", "umi_count": "5",
            "junction": "TGT" + "".join(rng.choice(list("ACGT"), 12)) + "TGG",
            "junction_aa": "CAAAAW", "v_sequence_alignment": "".join(v),
            "v_germline_alignment": GERMLINE,
        })  # fmt: skip
    return pd.DataFrame(rows)


def write_cohort(folder):
    """P1: 40 B cells, then none; a cell of four TCR chains, then four T cells. P2: no BCR file."""
    four = [
        made.contig("F-1", k, locus, f"TGT{'GAC' * k}TTC")
        for k, locus in enumerate(("TRA", "TRA", "TRA", "TRB"), start=1)
    ]
    b_cells(40).to_csv(folder / "P1_pre_b.tsv", sep="\t", index=False)
    made.contigs().to_csv(folder / "P1_post_b.csv", index=False)
    libraries = {
        "P1_pre": t_cells(1, 60) + four, "P1_post": t_cells(1, 4),
        "P2_pre": t_cells(2, 60), "P2_post": t_cells(2, 60, start=20),
    }  # fmt: skip
    sheet = []
    for sample, rows in libraries.items():
        made.contigs(*rows).to_csv(folder / f"{sample}_t.csv", index=False)
        patient, timepoint = sample.split("_")
        bcr = {"P1_pre": "P1_pre_b.tsv", "P1_post": "P1_post_b.csv"}.get(sample, "")
        sheet.append((sample, patient, timepoint, bcr, f"{sample}_t.csv"))
    columns = ["sample", "patient", "timepoint", "bcr", "tcr"]
    pd.DataFrame(sheet, columns=columns).to_csv(folder / "samples.tsv", sep="\t", index=False)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """The finished run's folder; its jobs are run in one process."""
    folder = tmp_path_factory.mktemp("alone")
    write_cohort(folder)
    out = folder / "out"
    code = (
        f"import sys; sys.path.insert(0, {str(ROOT / 'benchmarks')!r}); import in_process; "
        "from pathlib import Path; "
        f"in_process.run({{'samples': {str(folder / 'samples.tsv')!r}, 'outdir': {str(out)!r}}}, "
        f"Path({str(out / 'report.html')!r}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-6000:]
    return out


def read(run, name):
    return tables.read(run / "tables" / f"{name}.tsv")


def test_the_report_tells_no_file_from_no_cells(run):
    report = (run / "report.html").read_text(encoding="utf-8")
    assert "P2 has no BCR file at pre and post: nothing is known of it." in report
    assert "P1 has a BCR file at post, but no B cell with a clone." in report
    assert "no count matrices (repertoire only)" in report
    isotypes = read(run, "isotypes").set_index(["patient", "timepoint", "isotype"])["status"]
    assert isotypes["P1", "pre", "IGHM"] == "described"
    assert isotypes["P1", "post", "IGHM"] == "no B cell with an isotype"
    assert isotypes["P2", "pre", "IGHM"] == "no BCR file"
    expansion = read(run, "expansion").query("receptor == 'BCR' and size_class == '1'")
    status = expansion.set_index(["patient", "timepoint"])["status"]
    assert status["P1", "post"] == "not estimable: 0 B cells, 20 would be enough"
    assert status["P2", "post"] == "not estimable: no V(D)J file"


def test_claims_name_the_cells_or_the_file_that_lack(run):
    claims = read(run, "claims").set_index(["claim", "scope", "compartment"])["reason"]
    assert "post: 4 T cells with a receptor" in claims["tcr_diversity", "P1", "all"]
    assert "post: 0 B cells with a receptor" in claims["bcr_diversity", "P1", "all"]
    assert "no V(D)J file" in claims["bcr_diversity", "P2", "all"]
    assert claims["class_switched_fraction", "P2", ""] == "no BCR file at pre and post"
    assert claims["class_switched_fraction", "P1", ""] == "no cells with a BCR isotype at follow-up"
    report = (run / "report.html").read_text(encoding="utf-8")
    assert "4 T cells with a receptor" in report


def test_a_cell_of_four_chains_has_no_clone_and_is_counted(run):
    facts = tables.read_json(run / "patients/P1/clonotypes.json")
    assert facts["TCR"]["multichain"] == 1
    clonotypes = tables.read(run / "patients/P1/clonotypes.parquet")
    assert "P1_pre:F-1" not in set(clonotypes["cell_id"])
    assert (clonotypes["receptor"] == "TCR").sum() == 64


def test_hypermutation_is_counted_from_the_alignments(run):
    isotypes = read(run, "isotypes").set_index(["patient", "timepoint", "isotype"])
    row = isotypes.loc[("P1", "pre", "IGHM")]
    # even cells are IgM and have 0, 2, 4, 6 or 8 mutations of 300, each as often
    assert row["mutation_median"] == pytest.approx(4 / 300)
    assert row["n_v_identity"] == 20
    assert isotypes.loc[("P1", "pre", "IGHG"), "mutation_median"] == pytest.approx(5 / 300)
    assert isotypes.loc[("P1", "post", "IGHM"), "mutation"] == "not available"
