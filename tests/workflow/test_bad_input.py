"""Bad input stops before any job, with one message that names the place, and leaves nothing."""

import shutil

import h5py
import numpy as np
import pytest
from conftest import copy_project, snakemake

import check_inputs


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
    return [lines[1].split("\t")[0], "line 2", "samples.tsv"]


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
    other = str.maketrans("ACGT", "CATG")
    parts = (line.partition(",") for line in lines)
    changed = [f"{barcode.translate(other)},{rest}" for barcode, _, rest in parts]
    path.write_text("\n".join([header, *changed]) + "\n")
    return [path.name, "of its first", "barcodes is in"]


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


def normalised(project):
    with h5py.File(sample_file(project, "gex"), "r+") as file:
        values = np.log1p(file["matrix/data"][:].astype(float))
        del file["matrix/data"]
        file["matrix/data"] = values
    return ["not whole counts", "normalised"]


def without_features(project):
    with h5py.File(sample_file(project, "gex"), "r+") as file:
        del file["matrix/features"]
    return [sample_file(project, "gex").name, "Cell Ranger wrote it"]


def sheet_with_commas(project):
    sheet = project / "cohort/samples.tsv"
    sheet.write_text(sheet.read_text().replace("\t", ","))
    return ["samples.tsv", "no column 'sample'", "tabs"]


def empty_contigs(project):
    sample_file(project, "bcr").write_text("")
    return [sample_file(project, "bcr").name, "the file is empty"]


def contigs_with_semicolons(project):
    path = sample_file(project, "bcr")
    path.write_text(path.read_text().replace(",", ";"))
    return [path.name, "'barcode'", "missing"]


def other_receptor(project):
    shutil.copy(sample_file(project, "bcr"), sample_file(project, "tcr"))
    return ["given as TCR, but all its chains are BCR"]


def named(project, section, key, text, more=""):
    (project / "own.tsv").write_text(text)
    lines = ["samples: cohort/samples.tsv", f"{section}:", f"  {key}", more]
    (project / "tiny.yaml").write_text("\n".join(lines) + "\n")


def gene_sets_without_tabs(project):
    named(project, "pathways", "gene_sets: [own.tsv]", "MINE ISG15 MX1\n")
    return ["own.tsv, line 1", "not a gene set"]


def labels_of_other_samples(project):
    named(project, "annotation", "labels: own.tsv", "cell_id\tcell_type\nother:A-1\tB\n")
    return ["own.tsv", "no cell of a sample of the sheet"]


def labels_without_their_column(project):
    named(project, "annotation", "labels: own.tsv", "cell_id\ttype\nother:A-1\tB\n")
    return ["own.tsv", "no column 'cell_type'", "labels_column"]


def label_that_is_not_known(project):
    named(project, "annotation", "overrides: own.tsv", "cluster\tlabel\n0\tFrogs\n")
    return ["own.tsv", "'Frogs' is not known"]


def overrides_that_a_run_writes_over(project):
    folder = project / "results/tables"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "cluster_sheet.tsv").write_text("cluster\tlabel\n0\tB\n")
    key = "annotation:\n  overrides: results/tables/cluster_sheet.tsv\n"
    (project / "tiny.yaml").write_text(f"samples: cohort/samples.tsv\n{key}")
    return ["annotation.overrides", "lies in outdir", "Copy it elsewhere"]


def outdir_that_is_a_file(project):
    (project / "taken").write_text("")
    (project / "tiny.yaml").write_text("samples: cohort/samples.tsv\noutdir: taken\n")
    return ["configuration, outdir", "taken is a file"]


CHECKED = [
    *CASES, normalised, without_features, sheet_with_commas, empty_contigs,
    contigs_with_semicolons, other_receptor, gene_sets_without_tabs, labels_of_other_samples,
    labels_without_their_column, label_that_is_not_known, outdir_that_is_a_file,
    overrides_that_a_run_writes_over,
]  # fmt: skip


@pytest.mark.parametrize("break_it", CHECKED, ids=lambda case: case.__name__)
def test_the_check_says_it_in_one_line(project, break_it, monkeypatch, capsys):
    words = break_it(project)
    monkeypatch.chdir(project)
    assert check_inputs.main(["tiny.yaml"]) == 1
    said = capsys.readouterr().err.strip()
    assert all(word in said for word in words), said
    assert len(said.splitlines()) == 1


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("qc={min_genes: many}", ["qc.min_genes", "'many'", "integer"]),
        ("embedding={harmony: maybe}", ["embedding.harmony", "'maybe'"]),
        ("design=pre", ["configuration, design", "not a section"]),
    ],
)
def test_a_value_of_the_wrong_type_on_the_command_line(project, given, words):
    done = snakemake("--config", "samples=cohort/samples.tsv", given, cwd=project)
    assert done.returncode != 0
    assert all(word in done.stderr for word in words), done.stderr
    assert "Traceback" not in done.stderr


def test_a_fault_that_a_job_finds_is_said_last(project):
    path = sample_file(project, "gex")
    with h5py.File(path, "r+") as file:
        values = file["matrix/data"][:].astype(float)
        del file["matrix/data"]
        good, values[-1] = values[-1], 0.5  # beyond what is looked at before
        file["matrix/data"] = values
    target = f"results/samples/{path.parent.name}/counts.h5ad"
    done = snakemake("--configfile", "tiny.yaml", "--", target, cwd=project)
    assert done.returncode != 0
    _, mark, said = done.stderr.partition("What stopped the run:\n")
    assert mark and said.splitlines()[0].endswith(
        "Give the raw counts (in an h5ad: X, layers['counts'] or raw)."
    )
    assert str(path.relative_to(project)) in said.splitlines()[0]
    assert "Traceback" not in done.stderr
    assert not (project / target).exists()
    assert not list((project / "results").rglob(".partial.*"))
    with h5py.File(path, "r+") as file:
        file["matrix/data"][-1] = good
    again = snakemake("--configfile", "tiny.yaml", "--", target, cwd=project)
    assert again.returncode == 0, again.stderr
    assert (project / target).exists()


def test_it_runs_from_another_folder_and_one_with_spaces(project, tmp_path):
    moved = project.rename(tmp_path / "my prüject")
    elsewhere = tmp_path / "else where"
    elsewhere.mkdir()
    asked = ["-n", "-q", "--config", f"samples={moved}/cohort/samples.tsv", "outdir=my out"]
    for arguments in (["-s", f"{moved}/Snakefile"], ["-s", f"{moved}/Snakefile", "-d", elsewhere]):
        done = snakemake(*map(str, arguments), *asked, cwd=elsewhere)
        assert done.returncode == 0, done.stderr


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
