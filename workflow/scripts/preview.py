"""Say in words what a change of the configuration would run again; nothing is run.

Usage: python workflow/scripts/preview.py [--config CONFIG] [--cores N] [KEY=VALUE ...]
Example: python workflow/scripts/preview.py --config mine.yaml clusters.resolution=1
"""

import argparse
import csv
import heapq
import os
import shlex
import statistics
import sys
import textwrap
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from snakemake.exceptions import WorkflowError

from immune_reset.dry_run import FOLLOWS, Job, jobs_to_run
from immune_reset.errors import InputError, at

ROOT = Path(__file__).resolve().parents[2]
FORM = (
    "Write key=value without spaces around the =, such as clusters.resolution=1, and a value with "
    "spaces in quotes: report.title='A title'"
)
Times = dict[str, tuple[float, float]]  # benchmark file: seconds on the clock, seconds of CPU


def changes(texts: Sequence[str]) -> dict[str, Any]:
    """Return {"a": {"b": value}} from "a.b=value" texts; values are read as YAML.

    Raises
    ------
    InputError
        If a text is no `key=value`, or its value is no YAML.
    """
    found: dict[str, Any] = {}
    for text in _parts(texts):
        key, sign, value = text.partition("=")
        if not sign or not all(key.split(".")):
            raise InputError(f"'{text}' is no change of a key. {FORM}")
        section = found
        *sections, name = key.split(".")
        for part in sections:
            section = section.setdefault(part, {})
            if not isinstance(section, dict):
                raise InputError(f"'{part}' is given a value, and so is '{key}' below it. Keep one")
        section[name] = _value(text, value)
    return found


def _parts(texts: Sequence[str]) -> list[str]:
    try:
        return [part for whole in texts for part in shlex.split(whole)]
    except ValueError:
        raise InputError(f"{' '.join(texts)}: a quotation mark is not closed. Close it") from None


def _value(text: str, value: str) -> Any:
    import yaml

    try:
        return yaml.safe_load(value)
    except yaml.YAMLError:
        raise InputError(
            f"'{text}': the value cannot be read. Write it as in config.yaml: 1, word, [a, b]"
        ) from None


def filled(jobs: Sequence[Job], times: Times) -> dict[Job, tuple[float, float]]:
    """Return clock and CPU seconds of each job: its own last ones, else its rule's median.

    A job of a rule that never ran has no entry.
    """
    known = {job: times[job.benchmark] for job in jobs if job.benchmark in times}
    of_rule: dict[str, list[tuple[float, float]]] = {}
    for path, took in times.items():
        for rule in {Path(path).parent.name, Path(path).stem}:
            of_rule.setdefault(rule, []).append(took)
    for job in jobs:
        if job not in known and job.rule in of_rule:
            others = zip(*of_rule[job.rule], strict=True)
            known[job] = tuple(map(statistics.median, others))
    return known


def wall(jobs: Sequence[Job], seconds: Mapping[Job, tuple[float, float]], cores: int) -> float:
    """Return the seconds on the clock that the jobs take on `cores`, one core each.

    The jobs start in the order given, each when its inputs are there and a core is free.
    """
    made: dict[str, float] = {}
    free = [0.0] * cores
    for job in jobs:
        ready = max((made.get(path, 0.0) for path in job.inputs), default=0.0)
        end = max(heapq.heappop(free), ready) + seconds.get(job, (0.0, 0.0))[0]
        heapq.heappush(free, end)
        made.update(dict.fromkeys(job.outputs, end))
    return max([0.0, *made.values()])


def spoken(seconds: float) -> str:
    """Return a duration as it is said."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def lines(
    jobs: Sequence[Job], times: Times, *, cores: int, anyway: Sequence[Job] = ()
) -> list[str]:
    """Return the preview, line by line; `anyway` would run without the change too."""
    if not jobs:
        return ["Nothing would run: all results are up to date."]
    seconds, counts = filled(jobs, times), Counter(job.rule for job in jobs)
    said = [f"{'rule':<22}{'jobs':>5}{'CPU':>9}   why"]
    for rule, n in counts.items():
        own = [job for job in jobs if job.rule == rule]
        cpu = [seconds[job][1] for job in own if job in seconds]
        why = next((job.why for job in own if job.why != FOLLOWS), FOLLOWS)
        said.append(f"{rule:<22}{n:>5}{spoken(sum(cpu)) if cpu else 'new':>9}   {why}")
    total = sum(cpu for _, cpu in seconds.values())
    said += ["", f"{many(len(counts), 'rule')} with {many(len(jobs), 'job')} would run."]
    if anyway:
        also = len({job.key for job in jobs} & {job.key for job in anyway})
        why = next((job.why for job in anyway if job.why != FOLLOWS), FOLLOWS)
        said.append(f"Without the change too: {many(also, 'job')} ({anyway[0].rule}: {why}).")
    if seconds:
        clock = f"about {spoken(wall(jobs, seconds, cores))} on {many(cores, 'core')}"
        said.append(f"They took {spoken(total)} of CPU last time: {clock}.")
    if len(seconds) < len(jobs):
        said.append(f"{many(len(jobs) - len(seconds), 'job')} of rules that never ran here.")
    outputs = [Path(path) for job in jobs for path in job.outputs]
    for kind, folder, suffix in (("tables", "tables", ".tsv"), ("figures", "figures", ".png")):
        names = [p.stem for p in outputs if p.parent.name == folder and p.suffix == suffix]
        said += textwrap.wrap(f"New {kind}: {', '.join(names) or 'none'}.", 100)
    new = any(path.name == "report.html" for path in outputs)
    said.append(f"The report {'would be new' if new else 'stays as it is'}. Nothing was run.")
    return said


def many(n: int, noun: str) -> str:
    """Return "1 job", "2 jobs"."""
    return f"{n} {noun}" if n == 1 else f"{n} {noun}s"


def read_times(jobs: Sequence[Job]) -> Times:
    """Return what the benchmark files say of the jobs' last run, and of others of their rules."""
    files = {Path(job.benchmark): job.rule for job in jobs if job.benchmark}
    folders = {path.parent for path, rule in files.items() if path.parent.name == rule}
    beside = {path for folder in folders for path in folder.glob("*.tsv")}
    found: Times = {}
    for path in {*files, *beside}:
        if path.is_file():
            with path.open(encoding="utf-8") as file:
                row = next(csv.DictReader(file, delimiter="\t"), {})
            try:
                found[str(path)] = float(row["s"]), float(row["cpu_time"])
            except (KeyError, ValueError):
                continue  # too short a job has "NA" for its CPU time
    return found


def main(arguments: list[str]) -> int:
    """Ask Snakemake, print what it would do, and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--config", type=Path, default=Path("config.yaml"))
    parser.add_argument("--cores", type=int, default=os.cpu_count() or 1)
    parser.add_argument("change", nargs="*", help="key=value, such as clusters.resolution=1")
    chosen = parser.parse_args(arguments)
    cores, place = max(1, chosen.cores), {"workdir": Path.cwd(), "configfiles": (chosen.config,)}
    try:
        if not chosen.config.is_file():
            raise at(
                chosen.config, "there is no such file", "give the path of a configuration file"
            )
        config = changes(chosen.change)
        jobs = jobs_to_run(ROOT / "Snakefile", config=config, **place)
        anyway = jobs_to_run(ROOT / "Snakefile", **place) if config and jobs else []
    except (InputError, WorkflowError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    said = lines(jobs, read_times(jobs), cores=cores, anyway=anyway)
    sys.stdout.write("\n".join(said) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
