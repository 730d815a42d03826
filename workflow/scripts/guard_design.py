"""Look for what in the design or the course may explain a change by itself.

Inputs, where the cohort has them: `qc`, `clinical`, `clusters`, `cell_types`. Output: `guard`
(tables/design_guard.tsv). The checks stand in `immune_reset.guard`.
"""

import logging

from immune_reset import tables
from immune_reset.guard import Limits
from immune_reset.guard_rows import guard
from immune_reset.runtime import start

logger = logging.getLogger("guard_design")

INPUTS = ("qc", "clinical", "clusters", "cell_types")


def main(smk) -> None:
    """Snakemake entry point: read, compute, write."""
    start(smk)
    cfg = smk.params.cfg
    paths = {name: tables.optional(smk.input, name) for name in INPUTS}
    frames = {name: None if path is None else tables.read(path) for name, path in paths.items()}
    limits = Limits(
        window_days=cfg["guard.window_days"],
        early_days=cfg["guard.early_days"],
        max_ratio=cfg["guard.max_ratio"],
    )
    found = guard(smk.params.design, limits=limits, **frames)
    for row in found.itertuples():
        logger.info("%s, %s, %s: %s", row.scope, row.comparison or "all", row.check, row.found)
    tables.write(found, smk.output.guard)


if __name__ == "__main__":
    main(snakemake)
