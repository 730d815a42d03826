"""Fixtures that tests of every kind share."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def root() -> Path:
    """The project's root."""
    return ROOT


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real data sets, or a skip that says where it was looked for."""
    place = Path(os.environ.get("IMMUNE_RESET_DATA", ROOT / "../shared/data")).resolve()
    if not place.is_dir():
        pytest.skip(f"no real data at {place} (IMMUNE_RESET_DATA)")
    return place


def snakemake(*arguments: str, cwd: Path, cores: int = 2) -> subprocess.CompletedProcess:
    """Run Snakemake as a user would, in `cwd`, and return what it did."""
    command = [sys.executable, "-m", "snakemake", "--cores", str(cores), *arguments]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)


def copy_project(target: Path) -> Path:
    """Copy what a user has of the project, without results, times kept."""
    parts = ["Snakefile", "config.yaml", "workflow", "profiles", "envs", "resources"]
    target.mkdir(parents=True)
    for part in parts:
        source = ROOT / part
        if source.is_dir():
            ignore = shutil.ignore_patterns("__pycache__", "data")
            shutil.copytree(source, target / part, ignore=ignore, copy_function=shutil.copy2)
        else:
            shutil.copy2(source, target / part)
    return target


def other_library(folder: Path, number: int = 1) -> None:
    """Give the copy of a sample other counts and contigs: one library given twice is refused."""
    import h5py
    import numpy as np

    for path in folder.rglob("*.h5"):
        with h5py.File(path, "r+") as file:
            file["matrix/data"][...] = np.roll(file["matrix/data"][:][::-1], 1009 * number)
    for path in folder.rglob("*contig_annotations.csv"):
        header, *lines = path.read_text().splitlines()
        path.write_text("\n".join([header, *lines[number:]]) + "\n")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """Where nothing may be skipped (IMMUNE_RESET_FORBID_SKIPS), a skip is a failure."""
    report = yield
    if report.skipped and os.environ.get("IMMUNE_RESET_FORBID_SKIPS"):
        report.outcome = "failed"
        report.longrepr = f"skipped where nothing may be: {report.longrepr}"
    return report


@pytest.fixture(scope="session")
def tiny_cohort(tmp_path_factory) -> Path:
    """Two patients, two timepoints, 300 cells a sample, from the simulator."""
    place = tmp_path_factory.mktemp("tiny") / "cohort"
    command = [sys.executable, ROOT / "workflow/scripts/simulate_cohort.py", place]
    subprocess.run([*map(str, command), "--preset", "tiny"], check=True, capture_output=True)
    return place


@pytest.fixture(scope="session")
def tiny_run(tiny_cohort, tmp_path_factory) -> Path:
    """A copy of the project with a finished run of the tiny cohort in results/."""
    project = copy_project(tmp_path_factory.mktemp("run") / "project")
    shutil.copytree(tiny_cohort, project / "cohort", copy_function=shutil.copy2)
    (project / "tiny.yaml").write_text("samples: cohort/samples.tsv\n")
    done = snakemake("--configfile", "tiny.yaml", "--verbose", cwd=project)
    (project / "said.log").write_text(done.stdout + done.stderr, encoding="utf-8")
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-6000:]
    return project
