"""The workflow on a real Slurm (cluster_up.sh): grouped jobs, and what breaks them."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from conftest import copy_project, snakemake
from workflow.held_jobs import Held

pytestmark = pytest.mark.slurm
TARGETS = [f"results/tables/{name}.tsv" for name in ("qc", "clones", "diversity", "composition")]
CLONES = ["results/patients/LN01/clonotypes.parquet", "results/cohort/shared_clones.parquet"]
PIDS = Path("/run/slurm-test")


@pytest.fixture(scope="module")
def cluster() -> str:
    """The default partition of a Slurm that answers, or a skip."""
    ask = ["sinfo", "-h", "-o", "%P"]
    found = shutil.which("sinfo") and subprocess.run(ask, capture_output=True, text=True)
    if not found or found.returncode:
        pytest.skip("no Slurm answers here; tests/slurm/cluster_up.sh starts one")
    return next(name for name in found.stdout.split() if name.endswith("*")).rstrip("*")


@pytest.fixture(scope="module")
def project(cluster, tmp_path_factory) -> Path:
    """The project with one patient, two samples; its profile has what a user would write."""
    place = copy_project(tmp_path_factory.mktemp("slurm") / "project")
    command = [sys.executable, "workflow/scripts/simulate_cohort.py", "cohort", "--preset", "tiny"]
    subprocess.run([*command, "--patients", "1"], cwd=place, check=True, capture_output=True)
    (place / "config.yaml").write_text("samples: cohort/samples.tsv\n")
    profile = place / "profiles/slurm/config.yaml"
    written = f"slurm_partition: {cluster}"
    text = profile.read_text("utf-8").replace("# slurm_partition: normal", written)
    assert f"\n  {written}\n" in text
    text = re.sub(r"(init-seconds-before-status-checks:) \d+", r"\1 1", text)
    profile.write_text(text + "seconds-between-status-checks: 1\n")
    return place


def command(*arguments: str, targets: list[str] = TARGETS) -> list[str]:
    """The command of a run on the cluster."""
    start = [sys.executable, "-m", "snakemake", "--workflow-profile", "slurm"]
    return [*start, *arguments, "--", *targets]


def on_slurm(project: Path, *arguments: str, targets: list[str] = TARGETS) -> str:
    """Run on the cluster; return what Snakemake said."""
    done = subprocess.run(
        command(*arguments, targets=targets), cwd=project, capture_output=True, text=True
    )
    said = done.stdout + done.stderr
    assert done.returncode == 0, said[-5000:]
    return said


def tables(project: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (project / "results/tables").glob("*.tsv")}


def states(what: str = "%T") -> dict[str, str]:
    """Return {job: state} of every job that Slurm remembers; `what` of it, as squeue names it."""
    command = ["squeue", "-h", "-t", "all", "-o", f"%A {what}"]
    lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    return dict(line.split() for line in lines)


@pytest.fixture(scope="module")
def local(project, tmp_path_factory) -> dict[str, bytes]:
    """The tables of a run without the cluster."""
    place = tmp_path_factory.mktemp("local") / "project"
    shutil.copytree(project, place)
    done = snakemake("--", *TARGETS, cwd=place)
    assert done.returncode == 0, done.stderr[-4000:]
    return tables(place)


def test_grouped_jobs_give_the_tables_of_a_local_run(project, local):
    before = states()
    said = on_slurm(project)
    steps = int(re.findall(r"(\d+) of \1 steps", said)[-1])
    jobs = states().keys() - before.keys()
    assert steps >= 25 and len(jobs) <= 10, said[-3000:]
    assert {states()[job] for job in jobs} == {"COMPLETED"}
    assert tables(project) == local
    assert len(local) > 10
    assert "Nothing to be done" in on_slurm(project)


def test_a_job_over_its_memory_gets_more(project, local):
    before = states()
    memory = "gather_qc:mem_mb=60*3**attempt"  # 180, 540, 1620
    alone = ("--set-resources", memory, "--groups", "gather_qc=alone")
    (project / "results/tables/qc.tsv").unlink()
    on_slurm(project, *alone)
    ended = [states()[job] for job in sorted(states().keys() - before.keys(), key=int)]
    assert ended[0] in {"OUT_OF_MEMORY", "FAILED"} and ended[-1] == "COMPLETED", ended
    assert tables(project) == local


def test_a_job_over_its_time_gets_more(project, local, tmp_path):
    """Slurm ends it at the worst moment: its output is written and has no name yet."""
    before = states()
    table = project / "results/tables/qc.tsv"
    table.unlink()
    alone = ("--set-resources", "gather_qc:runtime=10**(attempt-1)", "--groups", "gather_qc=alone")
    start = ("--workflow-profile", "slurm", *alone, "--", *TARGETS)
    with Held(project, tmp_path / "hold", "gather_qc", *start) as held:
        assert not table.exists()
        assert held.run.wait(400) == 0, held.said()[-3000:]
    jobs = sorted(states().keys() - before.keys(), key=int)
    assert [states()[job] for job in jobs] == ["TIMEOUT", "COMPLETED"]
    assert [states("%l")[job] for job in jobs] == ["1:00", "10:00"]
    assert tables(project) == local


def running(before: dict[str, str]) -> tuple[str, str]:
    """Wait for a new job to run; return its number and its node."""
    until = time.time() + 120
    while time.time() < until:
        command = ["squeue", "-h", "-t", "RUNNING", "-o", "%A %N"]
        out = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        new = [line.split() for line in out.splitlines() if line.split()[0] not in before]
        if new:
            return new[0][0], new[0][1]
        time.sleep(0.2)
    raise AssertionError("no job ran")


@pytest.fixture
def clones(project, local) -> dict[str, bytes]:
    """What a run without a fault made of the clones; it is deleted, for a test to make again."""
    kept = {path: (project / path).read_bytes() for path in CLONES}
    for path in CLONES:
        (project / path).unlink()
    return kept


def made(project: Path) -> dict[str, bytes]:
    return {path: (project / path).read_bytes() for path in CLONES if (project / path).exists()}


def start(project: Path, *arguments: str) -> subprocess.Popen:
    """Start a run that has to make the clones, in one job of the cluster."""
    return subprocess.Popen(
        command(*arguments, targets=CLONES),
        cwd=project,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def test_a_cancelled_job_ends_the_run_and_the_next_completes(project, clones):
    before = states()
    run = start(project, "--retries", "0")
    job, _ = running(before)
    subprocess.run(["scancel", job], check=True)
    said, _ = run.communicate(timeout=300)
    assert run.returncode == 1 and "CANCELLED" in said, said[-3000:]
    assert made(project).items() < clones.items()
    on_slurm(project, targets=CLONES)
    assert made(project) == clones


def processes_of(node: str) -> list[int]:
    """Return the node's slurmd, what holds its jobs and the jobs, in that order."""
    daemon = int((PIDS / f"slurmd-{node}.pid").read_text())
    jobs, holders = [], set()
    for place in Path("/proc").glob("[0-9]*"):
        try:
            if f"SLURMD_NODENAME={node}\0".encode() not in (place / "environ").read_bytes():
                continue
            parent = (place / "stat").read_text().rpartition(")")[2].split()[1]
            jobs.append(int(place.name))
            if (Path("/proc") / parent / "comm").read_text().startswith("slurmstepd"):
                holders.add(int(parent))
        except OSError:  # it ended while we looked
            continue
    return [daemon, *sorted(holders), *(pid for pid in jobs if pid not in {daemon, *holders})]


def test_a_node_that_goes_away_is_left_and_its_job_sent_again(project, clones):
    if not PIDS.is_dir():
        pytest.skip("this Slurm was not started by cluster_up.sh; its nodes are left alone")
    before = states()
    run = start(project)
    job, node = running(before)
    until = time.time() + 60
    while len(doomed := processes_of(node)) < 4 and time.time() < until:
        time.sleep(0.2)  # the job is there, its processes are not
    for pid in doomed:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue
    try:
        said, _ = run.communicate(timeout=300)
    finally:
        subprocess.run(["slurmd", "-N", node], check=True)
    assert run.returncode == 0, said[-4000:]
    # FAILED: the job noticed that its node is gone before the controller did
    assert states()[job] in {"NODE_FAIL", "FAILED"}, states()
    assert made(project) == clones
