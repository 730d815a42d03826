"""A finished run in seconds: every output a stand-in, every record Snakemake's own.

Dry-runs read names, times, checksums and records of files, never what a job wrote. So a run whose
outputs hold nothing but their own name answers "what would run again?" as a real one does;
tests/workflow/test_rerun_map.py holds the two against each other.
"""

import asyncio
import gc
import os
import warnings
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


def finish(project: Path, *, configfiles: tuple = (), config: dict | None = None) -> int:
    """Leave `project` as after a run, and return how many jobs that stands for."""
    here = Path.cwd()
    try:
        with SnakemakeApi(OutputSettings(quiet={Quietness.ALL}, dryrun=True)) as api:
            workflow = api.workflow(
                resource_settings=ResourceSettings(cores=1),
                config_settings=ConfigSettings(
                    config=config or {}, configfiles=[Path(path).resolve() for path in configfiles]
                ),
                snakefile=(project / "Snakefile").resolve(),
                workdir=project.resolve(),
            )
            made = workflow.dag(DAGSettings())
            made.execute_workflow(
                executor="dryrun", execution_settings=ExecutionSettings(lock=False)
            )
            workflow._workflow.iocache.deactivate()
            dag, records = workflow._workflow.dag, workflow._workflow.persistence
            jobs = [job for level in dag.toposorted() for job in level if job.output]
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", ResourceWarning)  # Snakemake leaves files open
                for job in jobs:
                    _finish(job, records)
                gc.collect()
            return len(jobs)
    finally:
        os.chdir(here)


def _finish(job, records) -> None:
    for path in map(Path, map(str, job.output)):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(str(path))
    asyncio.run(records.finished(job))
