"""How often Snakemake looks for jobs to start."""

DEFAULT_LIMIT = (100, 1)
"""Snakemake's own limit of started jobs, and of how many seconds."""


def asked_for(limiter):
    """Return the limiter of started jobs where the user set one, else None.

    To keep to its default of 100 a second, Snakemake 9 adds with every job that ends one more look
    at all ready jobs each second (snakemake/snakemake#3744): after 200 jobs a third of two cores.
    Without a limit it looks when a job has ended.

    Parameters
    ----------
    limiter
        `job_rate_limiter` of Snakemake's scheduler: `max_jobs` in `timespan` seconds, or None.
    """
    if limiter and (limiter.max_jobs, limiter.timespan) == DEFAULT_LIMIT:
        return None
    return limiter
