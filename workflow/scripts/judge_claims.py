"""Decide every claim by its rule: what changed, what did not, and what could not be told.

The rules stand in `immune_reset.judge`; which table stands behind which claim in its siblings
`judge_pathways`, `judge_shares`, `judge_repertoire` and `judge_clinical`. Every claim has a row for
every patient, the cohort and every comparison, whatever the cohort's data.
"""

import logging
from collections.abc import Mapping

import pandas as pd

from immune_reset import robustness, tables
from immune_reset.design import Design
from immune_reset.judge import Cohort, judge
from immune_reset.judge_clinical import clinical_findings
from immune_reset.judge_pathways import pathway_findings
from immune_reset.judge_repertoire import clone_findings, diversity_findings
from immune_reset.judge_shares import car_findings, composition_findings, switched_findings
from immune_reset.runtime import start

logger = logging.getLogger("judge_claims")

INPUTS = (
    "diversity_change",
    "baseline_clones",
    "composition_change",
    "isotypes",
    "pathway_change",
    "car",
    "clinical_change",
)


def all_claims(
    found: Mapping[str, pd.DataFrame | None],
    design: Design,
    *,
    alpha: float,
    min_log2_change: float,
    min_log_diversity: float,
    min_expected: float = 5,
    notes: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Return the table of claims.

    Parameters
    ----------
    found
        The tables by name (`INPUTS`); None where the cohort does not have one.
    design
        Gather design.
    alpha
        Error rate of each family of claims, per patient and for the cohort.
    min_log2_change, min_log_diversity
        Smallest change of a share or score (log2) and of ln D1 that a patient's claim rests on.
    min_expected
        Fewest cells expected in both samples for a ratio of two shares.
    notes
        Table of the design guard; None: made of the design alone.
    """
    cohort = Cohort(design, min_expected=min_expected, notes=notes)
    findings = [
        *diversity_findings(found["diversity_change"], cohort, minimum=min_log_diversity),
        *clone_findings(found["baseline_clones"], cohort, minimum=min_log2_change),
        *composition_findings(found["composition_change"], cohort, minimum=min_log2_change),
        *switched_findings(found["isotypes"], cohort, minimum=min_log2_change),
        *pathway_findings(found["pathway_change"], cohort, minimum=min_log2_change),
        *car_findings(found["car"], cohort, minimum=min_log2_change),
        *clinical_findings(found["clinical_change"], cohort),
    ]
    return judge(findings, cohort, alpha=alpha)


def main(smk) -> None:
    """Snakemake entry point: read, compute, write."""
    start(smk)
    paths = {name: tables.optional(smk.input, name) for name in INPUTS}
    claims = all_claims(
        {name: None if path is None else tables.read(path) for name, path in paths.items()},
        smk.params.design,
        alpha=smk.params.cfg["claims.alpha"],
        min_log2_change=smk.params.cfg["claims.min_log2_change"],
        min_log_diversity=smk.params.cfg["claims.min_log_diversity"],
        min_expected=smk.params.cfg["composition.min_expected"],
        notes=tables.read(guard) if (guard := tables.optional(smk.input, "guard")) else None,
    )
    if varied := tables.optional(smk.input, "robustness"):
        members, alpha = Cohort(smk.params.design).members, smk.params.cfg["claims.alpha"]
        share, diversity = (
            smk.params.cfg["claims.min_log2_change"],
            smk.params.cfg["claims.min_log_diversity"],
        )
        minima = dict.fromkeys(claims["claim"], share)
        minima |= {"bcr_diversity": diversity, "tcr_diversity": diversity}
        claims = robustness.add(claims, tables.read(varied), members, alpha=alpha, minima=minima)
    counts = claims.groupby(["scope", "direction"], sort=False).size()
    for (scope, direction), n in counts.items():
        logger.info("%s: %d %s", scope, n, direction)
    tables.write(claims, smk.output.claims)


if __name__ == "__main__":
    main(snakemake)
