"""Which rows and tests stand behind the claims on the repertoire: diversity and baseline clones.

Diversity (tables/diversity_change.tsv): the change of ln D1 at equal numbers of cells, which the
asymptotic D2 must not contradict; where one side has too few repeated clones, the bound on D2,
which can show a change and never that there is none. The cohort's is a paired t-test on the
patients' changes of ln D1.
"""

import math
from dataclasses import replace

import pandas as pd

from immune_reset.clone_groups import of_group
from immune_reset.judge import COHORT, Cohort, Finding, cohort_finding
from immune_reset.judge_rows import NO_VDJ, by_key, missing

DIVERSITY_CLAIMS = {
    "bcr_diversity": ("BCR", ("all", "naive", "memory", "plasma")),
    "tcr_diversity": ("TCR", ("all", "CD4", "CD8", "CAR T")),
}
LN_D1 = "change of ln D1 at equal numbers of cells"
BOUND = "least change of ln D2, from a bound"
OPPOSED = "the asymptotic D2 moves the other way"
SHARE = "change of the share of cells in expanded baseline clones"
UNTYPED = {"reason": "cell types are not known: no count matrices", "enough": "count matrices"}
ENOUGH = "more cells with a receptor at baseline"


def diversity_findings(
    table: pd.DataFrame | None, cohort: Cohort, *, minimum: float
) -> list[Finding]:
    """Return the findings of the family `diversity`; `minimum` is the least change of ln D1."""
    rows = by_key(table, ["patient", "receptor", "compartment", "comparison", "measure"])
    typed = table is not None and table["compartment"].astype(str).ne("all").any()
    found = []
    for claim, (receptor, compartments) in DIVERSITY_CLAIMS.items():
        for compartment in compartments:
            for _, _, name in cohort.comparisons:
                start = Finding(claim, "diversity", COHORT, name, LN_D1, compartment)
                own = []
                for patient in cohort.patients:
                    at = (patient, receptor, compartment, name)
                    scoped = replace(start, scope=patient, minimum=minimum)
                    absent = missing(cohort, patient, name, table, NO_VDJ)
                    if not absent and not typed and compartment != "all":
                        absent = UNTYPED
                    own.append(
                        replace(scoped, **absent) if absent else _diversity(scoped, rows, at)
                    )
                found += [*own, _cohort_diversity(start, own, cohort)]
    return found


def _diversity(start: Finding, rows: dict, at: tuple) -> Finding:
    bound, row = rows.get((*at, "bound")), rows.get((*at, "ln_D1"))
    if bound is not None:
        return replace(_numbers(start, bound), measure=BOUND, bound=True)
    if row is None:
        return replace(
            start,
            reason=f"no {at[1]} of this compartment at either timepoint",
            enough="20 cells and 10 repeats at both timepoints",
        )
    finding = _numbers(start, row)
    if math.isnan(finding.p_value):
        return replace(finding, estimate=math.nan, ci_low=math.nan, ci_high=math.nan)
    d2 = rows.get((*at, "log_D2"))
    detail = f"m = {row['m']:g} cells"
    if d2 is not None:
        detail += f"; asymptotic ln D2 {d2['log_ratio']:+.2f}"
        detail += f" [{d2['ci_low']:+.2f}, {d2['ci_high']:+.2f}]"
    veto = "" if str(row["agrees_D2"]) == "True" else OPPOSED
    return replace(finding, detail=detail, veto=veto, reason="")


def _numbers(start: Finding, row: dict) -> Finding:
    names = ("n_baseline", "n_followup", "ci_low", "ci_high", "p_value")
    return replace(
        start,
        estimate=float(row["log_ratio"]),
        reason=row.get("reason", ""),
        enough=row.get("enough", ""),
        **{name: float(row[name]) for name in names},
    )


def _cohort_diversity(start: Finding, own: list[Finding], cohort: Cohort) -> Finding:
    values = {
        f.scope: math.nan if f.bound or math.isnan(f.p_value) else f.estimate
        for f in own
        if f.scope in cohort.members
    }
    return cohort_finding(values, start)


def clone_findings(table: pd.DataFrame | None, cohort: Cohort, *, minimum: float) -> list[Finding]:
    """Return the findings of the family `clones`; `table` as tables/baseline_clones.tsv.

    The baseline's expanded clones as a group (the other groups are described, not judged): the
    change of the share that they hold, the baseline's share freed of the selection that picked
    them. The smallest change claimed is that of the log2 ratio of the shares.
    """
    expanded = None if table is None else of_group(table)
    rows = by_key(expanded, ["patient", "receptor", "comparison"])
    found = []
    for receptor in ("BCR", "TCR"):
        for _, _, name in cohort.comparisons:
            start = Finding("baseline_clones", "clones", COHORT, name, SHARE, receptor)
            own = []
            for patient in cohort.patients:
                scoped = replace(start, scope=patient, minimum=minimum)
                absent = missing(cohort, patient, name, table, NO_VDJ)
                row = rows.get((patient, receptor, name))
                if not absent and row is None:
                    absent = _no_clones(cohort, patient, receptor)
                own.append(replace(scoped, **absent) if absent else _clones(scoped, row))
            values = {f.scope: f.estimate for f in own if f.scope in cohort.members}
            found += [*own, cohort_finding(values, start)]
    return found


def _no_clones(cohort: Cohort, patient: str, receptor: str) -> dict[str, str]:
    own = cohort.samples.loc[cohort.samples["patient"] == patient]
    if not own.get(f"has_{receptor.lower()}", pd.Series(True)).any():
        return {"reason": f"no {receptor} files", "enough": f"{receptor} files at both timepoints"}
    return {"reason": f"no {receptor} clones at baseline", "enough": ENOUGH}


def _clones(start: Finding, row: dict) -> Finding:
    names = ("estimate", "ci_low", "ci_high", "p_value")
    totals = {f"n_{time}": float(row[f"total_{time}"]) for time in ("baseline", "followup")}
    finding = replace(start, **totals, **{name: float(row[name]) for name in names})
    if row["status"] != "estimable":
        words, _, enough = row["status"].removeprefix("not estimable: ").partition(", ")
        return replace(finding, reason=row.get("reason", "") or words, enough=enough or ENOUGH)
    held = f"{100 * row['share_baseline']:.3g} % to {100 * row['share_followup']:.3g} % of cells"
    clones = "1 expanded clone" if row["n_clones"] == 1 else f"{row['n_clones']} expanded clones"
    detail = f"{clones}, {held}"
    if back := int(row.get("n_returned", 0)):
        detail += f"; {back} of them returned after their absence was shown"
    return replace(finding, effect=float(row["log2_ratio"]), detail=detail)
