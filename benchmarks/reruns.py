"""How long one changed key takes on the finished demo, and a dry-run of sixty samples.

`python benchmarks/reruns.py` works in a folder of its own: it copies the project with the finished
demo (run `make demo` before), changes one key after the other, each time from command to report on
two cores, and writes docs/performance_reruns.md. Beside the seconds on the clock it gives those of
CPU, which other work on the machine does not change much.
"""

import os
import platform
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "workflow" / "scripts")]

PAGE = ROOT / "docs" / "performance_reruns.md"
CHANGES = {
    "`report.title`": "report={title: Another title}",
    "`diversity.min_cells`": "diversity={min_cells: 25}",
    "`pathways.gene_sets`, a set of your own": "pathways={gene_sets: [own.gmt]}",
}
OWN_SET = "MINE\tno link\tIFI27\tIFI44L\tISG15\tMX1\tOAS1\n"
CORES = 2
PATIENTS, TIMES = 20, ("baseline", "month_1", "month_3")


def timed(*arguments: str, cwd: Path) -> tuple[float, float, str]:
    """Run Snakemake; return seconds on the clock, seconds of CPU, and what it said."""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    command = [sys.executable, "-m", "snakemake", "--cores", str(CORES), *arguments]
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    clock, after = time.monotonic() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    said = done.stdout + done.stderr
    if done.returncode:
        raise SystemExit(said[-4000:])
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return clock, cpu, said


def finished_demo(folder: Path) -> Path:
    """Return a copy of the project in `folder` with the demo's results taken as current."""
    from conftest import copy_project

    project = copy_project(folder / "demo")
    for part in ("results", "resources/demo/data"):
        shutil.copytree(ROOT / part, project / part, copy_function=shutil.copy2)
    (project / "own.gmt").write_text(OWN_SET)
    timed("--touch", cwd=project)
    return project


def changed(project: Path) -> list[str]:
    """Return a table row for every change; each run starts where the one before ended."""
    rows, settings = [], []
    for words, setting in CHANGES.items():
        settings.append(setting)
        start = time.time()
        clock, cpu, said = timed("--config", *settings, cwd=project)
        jobs = next(line.split()[-1] for line in said.splitlines() if line.startswith("total"))
        there = (project / "results/report.html").stat().st_mtime - start
        assert there > 0
        rows.append(f"| {words} | {jobs} | {there:.0f} s | {clock:.0f} s | {cpu:.0f} s |")
    clock, cpu, said = timed("--config", *settings, cwd=project)
    assert "Nothing to be done" in said
    return [*rows, f"| nothing | 0 | – | {clock:.0f} s | {cpu:.0f} s |"]


def sixty_samples(project: Path) -> Path:
    """Write sixty samples, the demo's a little changed, and return the config that names them."""
    from conftest import other_library

    data = project / "resources/demo"
    head, *rows = [r.split("\t") for r in (data / "samples.tsv").read_text().splitlines()]
    full = [row for row in rows if all(row[head.index(kind)] for kind in ("gex", "bcr", "tcr"))]
    lines = ["\t".join(["sample", "patient", "timepoint", "day", "gex", "bcr", "tcr"])]
    for number in range(PATIENTS * len(TIMES)):
        patient, when = divmod(number, len(TIMES))
        own = full[number % len(full)]
        named = [f"S{number:02}", f"P{patient:02}", TIMES[when], str(30 * when)]
        sources = [data / own[head.index(kind)] for kind in ("gex", "bcr", "tcr")]
        folder = project / "libraries" / named[0]
        folder.mkdir(parents=True)
        files = [shutil.copy2(source, folder) for source in sources]
        other_library(folder, number + 1)
        lines.append("\t".join([*named, *map(str, files)]))
    (project / "sixty.tsv").write_text("\n".join(lines) + "\n")
    (project / "sixty.yaml").write_text("samples: sixty.tsv\noutdir: sixty\n")
    return project / "sixty.yaml"


def dry_runs(project: Path) -> list[str]:
    """Return table rows: a dry-run of sixty samples before the first run, and after it."""
    import faked_run

    config = sixty_samples(project)
    look = ("-n", "-q", "rules", "--configfile", config.name)
    rows = []
    for words in ("first look, before the first run", "second look", "with a finished run"):
        clock, cpu, said = timed(*look, cwd=project)
        found = [line.split()[-1] for line in said.splitlines() if line.startswith("total")]
        jobs = found[0] if found else "0"
        rows.append(f"| {words} | {jobs} | {clock:.1f} s | {cpu:.1f} s |")
        if words == "second look":
            faked_run.finish(project, configfiles=(config,))
    return rows


def page(changes: list[str], looks: list[str], load: float) -> str:
    """Return the text of docs/performance_reruns.md."""
    return "\n".join(
        [
            "# One changed key, from command to report",
            "",
            "Written by `python benchmarks/reruns.py`: the finished demo (3 patients, 9 samples), "
            "one key",
            f"changed, `snakemake --cores {CORES}` until the new report is there, and until the "
            "exports are, which",
            "wait for it. Clock times were taken on a",
            f"machine with {os.cpu_count()} cores ({platform.machine()}) whose load was "
            f"{load:.1f} when the program started;",
            "seconds of CPU are those of Snakemake and all its jobs.",
            "",
            "| changed | jobs | report | exports too | CPU |",
            "|---|---|---|---|---|",
            *changes,
            "",
            f"## A dry-run of {PATIENTS * len(TIMES)} samples",
            "",
            "`snakemake -n -q rules`. The first look reads and checks the heads of all files; the",
            "next see that no file has changed since. The finished run is one of stand-ins with",
            "Snakemake's own records.",
            "",
            "| | jobs to run | clock | CPU |",
            "|---|---|---|---|",
            *looks,
            "",
        ]
    )


def main() -> None:
    """Measure and write the page."""
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory() as name:
        project = finished_demo(Path(name))
        rows = changed(project)
        PAGE.write_text(page(rows, dry_runs(project), load), "utf-8")
    sys.stdout.write(PAGE.read_text("utf-8"))


if __name__ == "__main__":
    main()
