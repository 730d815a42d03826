"""Which jobs Snakemake would run, and why, asked of it in this process."""

import logging
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

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

from immune_reset.records import LOST

FOLLOWS = "what it reads is made again"


@dataclass(frozen=True)
class Job:
    """A job that would run: what it makes, what it waits for, why, and where its time is noted."""

    rule: str
    wildcards: tuple[tuple[str, str], ...]
    why: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    benchmark: str | None

    @property
    def key(self) -> tuple[str, tuple[tuple[str, str], ...]]:
        """Rule and wildcards."""
        return self.rule, self.wildcards


def jobs_to_run(
    snakefile: Path,
    *,
    workdir: Path,
    config: dict[str, Any] | None = None,
    configfiles: tuple[Path, ...] = (),
) -> list[Job]:
    """Return the jobs that a run in `workdir` would make, each after those that it waits for.

    Nothing is run. Settings in `config` win over those in `configfiles`.
    """
    get_script_mtime.cache_clear()  # Snakemake remembers it for the life of a process
    here = Path.cwd()
    handlers, level = list(logger.handlers), logger.level
    try:
        with SnakemakeApi(OutputSettings(quiet={Quietness.ALL}, dryrun=True)) as api:
            workflow = api.workflow(
                resource_settings=ResourceSettings(cores=1),
                config_settings=ConfigSettings(
                    config=config or {}, configfiles=[Path(path).resolve() for path in configfiles]
                ),
                snakefile=Path(snakefile).resolve(),
                workdir=Path(workdir).resolve(),
            )
            for handler in list(logger.handlers):
                logger.removeHandler(handler)
            logger.addHandler(logging.NullHandler())
            made = workflow.dag(DAGSettings())
            made.execute_workflow(
                executor="dryrun", execution_settings=ExecutionSettings(lock=False)
            )
            dag = workflow._workflow.dag
            ordered = [job for level in dag.toposorted() for job in sorted(level, key=str)]
            due = set(dag.needrun_jobs(exclude_finished=False))
            return [_job(job, dag.reason(job)) for job in ordered if job in due and job.output]
    finally:
        logger.handlers[:] = handlers
        logger.setLevel(level)
        os.chdir(here)


def _job(job: Any, reason: Any) -> Job:
    return Job(
        rule=job.rule.name,
        wildcards=tuple(sorted(job.wildcards_dict.items())),
        why=why(reason),
        inputs=tuple(map(str, job.input)),
        outputs=tuple(map(str, job.output)),
        benchmark=None if job.benchmark is None else str(job.benchmark),
    )


def _only_code(change: Any) -> bool:
    """Whether the hash of the imported modules alone is another (`code_of` in the rules)."""
    return bool(change) and all(re.fullmatch(r"'[0-9a-f]{12}'", v) for v in change.only_new)


def why(reason: Any) -> str:
    """Return Snakemake's reason for a job in a few words."""
    words = {
        "its output is not there": reason.missing_output,
        "no record shows that it is current": repr(LOST) in reason.params_changed.only_old,
        "a module that its script imports was edited": _only_code(reason.params_changed),
        "its settings changed": reason.params_changed,
        "its inputs are others": reason.input_changed,
        "its script was edited": reason.code_changed,
        "its environment is another": reason.software_stack_changed,
        "an input file changed": reason.updated_input,
        "asked for": reason.forced,
    }
    return next((text for text, true in words.items() if true), FOLLOWS)
