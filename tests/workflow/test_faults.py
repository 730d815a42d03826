"""What breaks a run leaves no half output, and the next run ends as an undisturbed one would."""

import csv
import hashlib
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest
from conftest import copy_project, snakemake
from workflow.held_jobs import Held

TARGETS = ("results/tables/qc.tsv", "results/patients/LN01/clonotypes.parquet")
CONTIGS = "vdj_b_filtered_contig_annotations.csv"


def made(place):
    """Return {path: digest} of what a run made, but for logs and benchmarks."""
    files = {
        path for part in ("samples", "patients", "tables") for path in place.rglob(f"{part}/**/*")
    }
    return {
        path.relative_to(place).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in files
        if path.is_file() and not path.name.startswith(".partial.")
    }


def new_project(place, tiny_cohort):
    """Copy the project with one patient's receptors: five short jobs lead to its targets."""
    project = copy_project(place)
    shutil.copytree(tiny_cohort, project / "cohort", copy_function=shutil.copy2)
    (project / "cohort/clinical.tsv").unlink()
    with (project / "cohort/samples.tsv").open(newline="") as file:
        rows = [row for row in csv.DictReader(file, delimiter="\t") if row["patient"] == "LN01"]
    with (project / "cohort/samples.tsv").open("w", newline="") as file:
        columns = ["sample", "patient", "timepoint", "day", "bcr", "tcr"]
        writer = csv.DictWriter(file, columns, delimiter="\t", extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows)
    (project / "config.yaml").write_text("samples: cohort/samples.tsv\n")
    return project


@pytest.fixture(scope="module")
def undisturbed(tiny_cohort, tmp_path_factory):
    """What the same run makes when nothing happens to it."""
    project = new_project(tmp_path_factory.mktemp("faults") / "project", tiny_cohort)
    done = snakemake(*TARGETS, cwd=project, cores=1)
    assert done.returncode == 0, done.stderr[-3000:]
    found = made(project / "results")
    assert len(found) > 10
    return found


@pytest.fixture
def project(tiny_cohort, tmp_path):
    return new_project(tmp_path / "project", tiny_cohort)


def run_again(project, undisturbed):
    """Run once more; everything must then be as if nothing had happened."""
    done = snakemake(*TARGETS, cwd=project, cores=1)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-3000:]
    assert made(project / "results") == undisturbed


@pytest.mark.parametrize("sent", [signal.SIGKILL, signal.SIGTERM], ids=["killed", "out of time"])
def test_a_killed_job(project, undisturbed, tmp_path, sent):
    with Held(project, tmp_path / "hold", "call_cells", *TARGETS) as held:
        os.kill(held.pid, sent)
        assert held.run.wait(120) == 1
        target = project / held.target
    assert not target.exists() and "call_cells" in held.said()
    run_again(project, undisturbed)


def test_snakemake_killed(project, undisturbed, tmp_path):
    with Held(project, tmp_path / "hold", "call_cells", *TARGETS) as held:
        held.run.kill()
        os.kill(held.pid, signal.SIGKILL)
    refused = snakemake(*TARGETS, cwd=project, cores=1)
    assert refused.returncode == 1 and "--unlock" in refused.stderr
    assert snakemake("--unlock", cwd=project).returncode == 0
    run_again(project, undisturbed)


def test_snakemake_killed_while_its_job_lives_on(project, undisturbed, tmp_path):
    """As on a cluster. The job comes to its end when the next run has half made the same file."""
    with Held(project, tmp_path / "hold", "define_clonotypes", *TARGETS) as held:
        held.run.kill()
        held.run.wait(60)
        assert snakemake("--unlock", cwd=project).returncode == 0
        with Held(project, tmp_path / "next", "define_clonotypes", *TARGETS) as following:
            half = project / following.target
            assert following.target == held.target
            (tmp_path / "hold/go").touch()
            until = time.time() + 60
            while Path(f"/proc/{held.pid}").exists() and time.time() < until:
                time.sleep(0.05)
            assert not half.exists()
            assert following.go() == 0, following.said()
    assert made(project / "results") == undisturbed
    assert not list((project / "results").rglob(".partial.*"))
    run_again(project, undisturbed)


def test_two_snakemakes_at_once(project, undisturbed, tmp_path):
    with Held(project, tmp_path / "hold", "call_cells", *TARGETS) as held:
        second = snakemake(*TARGETS, cwd=project, cores=1)
        assert second.returncode == 1 and "lock" in second.stderr.lower()
        assert held.go() == 0, held.said()
    assert made(project / "results") == undisturbed


def test_an_input_that_changes_while_it_is_read(project, undisturbed, tmp_path):
    with Held(project, tmp_path / "hold", "define_clonotypes", *TARGETS) as held:
        source = project / "results/samples/LN01_baseline/cells.parquet"
        kept = source.read_bytes()
        source.write_bytes(kept + b"more")
        # the check comes before the renaming at which the job is held: the first output is the
        # old input's, the second finds the change
        assert held.go() == 1
        source.write_bytes(kept)
    assert "cells.parquet: was changed while it was read" in held.said()
    run_again(project, undisturbed)


def test_an_input_that_vanishes(project, undisturbed, tmp_path):
    source = project / "cohort/LN01_baseline" / CONTIGS
    kept = source.read_bytes()
    with Held(project, tmp_path / "hold", "read_receptors", *TARGETS) as held:
        source.unlink()
        assert held.go() == 1, held.said()
    assert CONTIGS in held.said()
    source.write_bytes(kept)
    run_again(project, undisturbed)


def mount(*arguments):
    """Mount, or skip where that is not permitted."""
    done = subprocess.run(["mount", *map(str, arguments)], capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"mount is not permitted here: {done.stderr.strip()}")


def test_a_full_disk_on_another_file_system(project, undisturbed, tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    mount("-t", "tmpfs", "-o", "size=160k", "tmpfs", disk)
    targets = [str(disk / target) for target in TARGETS]
    command = [*targets, "--config", f"outdir={disk}/results"]
    try:
        full = snakemake(*command, cwd=project, cores=1)
        assert full.returncode == 1 and "No space left on device" in full.stdout + full.stderr
        half = made(disk / "results")
        assert len(half) < len(undisturbed) and half.items() <= undisturbed.items()
        mount("-o", "remount,size=50m", disk)
        assert disk.stat().st_dev != project.stat().st_dev
        done = snakemake(*command, cwd=project, cores=1)
        assert done.returncode == 0, done.stderr[-3000:]
        assert made(disk / "results") == undisturbed
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def test_spaces_and_letters_in_paths_and_a_read_only_input(tiny_cohort, undisturbed, tmp_path):
    project = new_project(tmp_path / "données du patient 数据" / "my project", tiny_cohort)
    inputs = project / "mes entrées"
    (project / "cohort").rename(inputs)
    (project / "config.yaml").write_text(
        "samples: mes entrées/samples.tsv\noutdir: mes résultats\n", encoding="utf-8"
    )
    mount("--bind", inputs, inputs)
    try:
        mount("-o", "remount,bind,ro", inputs)
        targets = [target.replace("results", "mes résultats", 1) for target in TARGETS]
        done = snakemake(*targets, cwd=project, cores=1)
        assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-3000:]
        assert made(project / "mes résultats") == undisturbed
    finally:
        subprocess.run(["umount", str(inputs)], check=True)
