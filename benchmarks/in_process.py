"""Run the workflow's jobs in this process, in order, for studies of hundreds of small cohorts.

Snakemake makes the jobs; their scripts are imported once and called one after the other, which
spares each job the start of a Python of its own. What is computed is the same.
"""

import importlib
import logging
import os
import sys
from pathlib import Path

from snakemake.api import SnakemakeApi
from snakemake.settings.types import (
    ConfigSettings,
    DAGSettings,
    ExecutionSettings,
    OutputSettings,
    Quietness,
    ResourceSettings,
)

ROOT = Path(__file__).resolve().parents[1]
SCRIPTS = ROOT / "workflow" / "scripts"


def run(config: dict, *targets: Path) -> int:
    """Make `targets` as `snakemake targets --config ...` would; return how many jobs it took."""
    if str(SCRIPTS) not in sys.path:
        sys.path.insert(0, str(SCRIPTS))
    here = Path.cwd()
    try:
        jobs = ordered_jobs(config, *targets)
        os.chdir(ROOT)
        for job in jobs:
            for path in [*job.output, *job.log]:
                Path(str(path)).parent.mkdir(parents=True, exist_ok=True)
            importlib.import_module(job.rule.name).main(job)
            close_logs()
    finally:
        os.chdir(here)
    return len(jobs)


def ordered_jobs(config: dict, *targets: Path) -> list:
    """Return Snakemake's jobs for `targets`, each after those that it depends on."""
    with SnakemakeApi(OutputSettings(quiet={Quietness.ALL}, dryrun=True)) as api:
        workflow = api.workflow(
            resource_settings=ResourceSettings(cores=1),
            config_settings=ConfigSettings(config=config),
            snakefile=ROOT / "Snakefile",
            workdir=ROOT,
        )
        dag = workflow.dag(DAGSettings(targets=set(map(str, targets))))
        dag.execute_workflow(executor="dryrun", execution_settings=ExecutionSettings(lock=False))
        graph = workflow._workflow.dag
        jobs = [job for level in graph.toposorted() for job in sorted(level, key=str)]
        for job in jobs:  # evaluate while Snakemake's own state is there
            _ = job.params, job.input, job.output, job.log, job.wildcards
        return jobs


def close_logs() -> None:
    """Close the log file of the job that ended; hundreds of jobs would run out of files."""
    root = logging.getLogger()
    for handler in list(root.handlers):
        root.removeHandler(handler)
        handler.close()
