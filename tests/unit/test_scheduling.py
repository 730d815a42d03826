"""Snakemake's default limit of started jobs is taken off, a limit of the user's own is not."""

from snakemake.cli import get_argument_parser
from snakemake.scheduling.job_scheduler import JobRateLimiter
from snakemake.settings.types import MaxJobsPerTimespan

from immune_reset.scheduling import asked_for


def limiter(*arguments):
    """Return the limiter of a command line."""
    asked = get_argument_parser().parse_args(["--cores", "1", *arguments]).max_jobs_per_timespan
    assert isinstance(asked, MaxJobsPerTimespan)
    return JobRateLimiter(asked)


def test_the_default_is_taken_off():
    assert asked_for(limiter()) is None
    assert asked_for(None) is None


def test_a_limit_of_the_users_own_stays():
    own = limiter("--max-jobs-per-timespan", "10/1m")
    assert asked_for(own) is own
