"""Bad input stops before any job, with one message that names the place, and leaves nothing."""

import shutil

import pytest
from conftest import copy_project, snakemake


@pytest.fixture
def project(tiny_cohort, tmp_path):
    copy = copy_project(tmp_path / "project")
    shutil.copytree(tiny_cohort, copy / "cohort", copy_function=shutil.copy2)
    (copy / "tiny.yaml").write_text("samples: cohort/samples.tsv\n")
    return copy


def sample_file(project, kind):
    sheet = [line.split("\t") for line in (project / "cohort/samples.tsv").read_text().splitlines()]
    return project / "cohort" / dict(zip(sheet[0], sheet[1], strict=True))[kind]


def unknown_key(project):
    (project / "tiny.yaml").write_text("samples: cohort/samples.tsv\nqc: {min_gene: 3}\n")
    return ["qc.min_gene", "qc.min_genes"]


def missing_file(project):
    path = sample_file(project, "tcr")
    path.unlink()
    return [path.name, "column 'tcr'"]


def duplicate_sample(project):
    sheet = project / "cohort/samples.tsv"
    lines = sheet.read_text().splitlines()
    sheet.write_text("\n".join([*lines, lines[1]]) + "\n")
    return [lines[1].split("\t")[0], "row 2", "samples.tsv"]


def baseline_nobody_has(project):
    (project / "tiny.yaml").write_text("samples: cohort/samples.tsv\ndesign: {baseline: before}\n")
    return ["design.baseline", "before"]


def truncated_matrix(project):
    path = sample_file(project, "gex")
    path.write_bytes(path.read_bytes()[:-5000])
    return [path.name, "cut or damaged"]


def contigs_without_junctions(project):
    path = sample_file(project, "bcr")
    path.write_text(path.read_text().replace("cdr3_nt", "cdr3_dna", 1))
    return [path.name, "cdr3_nt"]


def contigs_of_other_cells(project):
    path = sample_file(project, "tcr")
    header, *lines = path.read_text().splitlines()
    path.write_text("\n".join([header, *("XX" + line for line in lines)]) + "\n")
    return [path.name, "none of its", "barcodes"]


CASES = [
    unknown_key, missing_file, duplicate_sample, baseline_nobody_has, truncated_matrix,
    contigs_without_junctions, contigs_of_other_cells,
]  # fmt: skip


@pytest.mark.parametrize("break_it", CASES, ids=lambda case: case.__name__)
def test_one_message_and_nothing_left(project, break_it):
    words = break_it(project)
    done = snakemake("--configfile", "tiny.yaml", cwd=project)
    said = done.stdout + done.stderr
    assert done.returncode != 0
    assert all(word in said for word in words), said
    assert "Traceback" not in said
    assert not (project / "results").exists()


def test_make_check_says_the_same_without_running(project):
    import subprocess
    import sys

    command = [sys.executable, "workflow/scripts/check_inputs.py", "tiny.yaml"]
    good = subprocess.run(command, cwd=project, capture_output=True, text=True, check=False)
    assert good.returncode == 0 and "All is in order." in good.stdout
    words = truncated_matrix(project)
    bad = subprocess.run(command, cwd=project, capture_output=True, text=True, check=False)
    assert bad.returncode == 1 and all(word in bad.stderr for word in words)
    assert len(bad.stderr.strip().splitlines()) == 1
