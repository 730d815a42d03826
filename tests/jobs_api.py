"""Which jobs would run, asked of Snakemake in process."""

import logging
import os
from pathlib import Path

from snakemake.api import SnakemakeApi
from snakemake.jobs import get_script_mtime
from snakemake.logging import logger
from snakemake.settings.types import (
    ConfigSettings,
    DAGSettings,
    ExecutionSettings,
    OutputSettings,
    Quietness,
    ResourceSettings,
)

Job = tuple[str, tuple[tuple[str, str], ...]]


class Catch(logging.Handler):
    """Collects the jobs that Snakemake announces, with the reasons."""

    def __init__(self) -> None:
        super().__init__()
        self.jobs: list[tuple[Job, str]] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a record that announces a job."""
        if str(getattr(record, "event", "")) == "job_info":
            wildcards = tuple(sorted(dict(record.wildcards).items()))
            self.jobs.append(((record.rule_name, wildcards), record.reason))


def would_run(
    project: Path, *, config: dict | None = None, configfiles: tuple = ()
) -> dict[Job, str]:
    """Return the jobs that a run in `project` would make, each with its reason."""
    get_script_mtime.cache_clear()  # Snakemake remembers it for the life of a process
    here, catch = Path.cwd(), Catch()
    try:
        with SnakemakeApi(OutputSettings(quiet={Quietness.ALL}, dryrun=True)) as api:
            workflow = api.workflow(
                resource_settings=ResourceSettings(cores=1),
                config_settings=ConfigSettings(
                    config=config or {}, configfiles=[Path(path) for path in configfiles]
                ),
                snakefile=(project / "Snakefile").resolve(),
                workdir=project.resolve(),
            )
            dag = workflow.dag(DAGSettings())
            for handler in list(logger.handlers):
                logger.removeHandler(handler)
            logger.addHandler(catch)
            dag.execute_workflow(
                executor="dryrun", execution_settings=ExecutionSettings(lock=False)
            )
    finally:
        logger.removeHandler(catch)
        os.chdir(here)
    return {job: reason for job, reason in catch.jobs if job[0] != "all"}


def rules(project: Path, *, config: dict | None = None) -> list:
    """Return the rules of the workflow as Snakemake's own objects."""
    here = Path.cwd()
    try:
        with SnakemakeApi(OutputSettings(quiet={Quietness.ALL}, dryrun=True)) as api:
            workflow = api.workflow(
                resource_settings=ResourceSettings(cores=1),
                config_settings=ConfigSettings(config=config or {}),
                snakefile=(project / "Snakefile").resolve(),
                workdir=project.resolve(),
            )
            workflow.dag(DAGSettings()).execute_workflow(
                executor="dryrun", execution_settings=ExecutionSettings(lock=False)
            )
            return list(workflow._workflow.rules)
    finally:
        os.chdir(here)
